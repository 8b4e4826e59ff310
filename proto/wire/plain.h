/*
 * Plain text: printable ASCII, and so UTF-8 without control characters. Nearly all that comes is, and it is
 * found while the text is copied, a word at a time. Pure; any thread.
 */
#ifndef MR_WIRE_PLAIN_H
#define MR_WIRE_PLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define MR_PLAIN_ONES UINT64_C(0x0101010101010101)

/*
 * The top bit of a byte is set when that byte is not plain. A byte below 0x20 may borrow from the next one,
 * and one of 0x7f does not: so none is set exactly when all eight are plain.
 */
static inline uint64_t mr_plain_odd(uint64_t word)
{
    return (word | (word - MR_PLAIN_ONES * 0x20) | ((word ^ MR_PLAIN_ONES * 0x7f) - MR_PLAIN_ONES)) &
           MR_PLAIN_ONES << 7;
}

static inline uint64_t mr_plain_move(char *to, const uint8_t *from)
{
    uint64_t word;

    memcpy(&word, from, sizeof word);
    memcpy(to, &word, sizeof word);
    return mr_plain_odd(word);
}

/* Less than eight bytes, in one word. */
static inline uint64_t mr_plain_move_few(char *to, const uint8_t *from, size_t size)
{
    uint64_t word = MR_PLAIN_ONES * 0x20;
    uint32_t first, last;

    if (size >= sizeof first) {
        memcpy(&first, from, sizeof first);
        memcpy(&last, from + size - sizeof last, sizeof last);
        memcpy(to, &first, sizeof first);
        memcpy(to + size - sizeof last, &last, sizeof last);
        return mr_plain_odd((uint64_t)last << 32 | first);
    }
    for (size_t i = 0; i < size; i++) {
        to[i] = (char)from[i];
        word = word << 8 | from[i];
    }
    return mr_plain_odd(word);
}

/* Copies the text, whatever it is, without a NUL behind it. Says whether it is plain. */
static inline bool mr_plain_copy(char *to, const uint8_t *from, size_t size)
{
    uint64_t odd = 0;
    size_t i = 0;

    if (size < sizeof odd)
        return mr_plain_move_few(to, from, size) == 0;
    for (; i + sizeof odd < size; i += sizeof odd)
        odd |= mr_plain_move(to + i, from + i);
    odd |= mr_plain_move(to + size - sizeof odd, from + size - sizeof odd); /* its end, some of it again */
    return odd == 0;
}

#endif
