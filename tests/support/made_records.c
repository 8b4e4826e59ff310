#include "tests/support/made_records.h"

#include "proto/base/bytes.h"

static uint64_t next_random(uint64_t *state) /* splitmix64 */
{
    uint64_t z = *state += 0x9e3779b97f4a7c15;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

uint64_t made_random(uint64_t seed, uint64_t a, uint64_t b)
{
    uint64_t state = seed ^ a * 0xd6e8feb86659fd93;

    state = next_random(&state) ^ b;
    return next_random(&state);
}

static void fill_bytes(uint64_t *state, uint8_t *out, size_t size)
{
    for (size_t i = 0; i < size; i++)
        out[i] = (uint8_t)next_random(state);
}

struct mr_record made_record(uint64_t seed, uint64_t number, struct made_memory *memory)
{
    uint64_t state = made_random(seed, 1, number), r = next_random(&state);
    struct mr_record record = {.number = number,
            .recorded_us = (int64_t)number * 7,
            .system = (uint16_t)(r >> 8),
            .config = (uint32_t)(r >> 16),
            .subs = memory->subs,
            .subs_count = r % 4,
            .slots_count = r / 4 % 4};
    size_t size = next_random(&state) % (r % 11 == 0 ? MADE_LEAF_MAX : 200);

    for (size_t i = 0; i < record.subs_count; i++)
        memory->subs[i] = (uint16_t)(i * 9 + number % 5);
    fill_bytes(&state, record.ident, sizeof record.ident);
    fill_bytes(&state, record.digest, sizeof record.digest);
    fill_bytes(&state, memory->leaf, size);
    record.leaf = mr_slice(memory->leaf, size);
    for (size_t i = 0; i < record.slots_count; i++) {
        size_t bytes = 1 + next_random(&state) % (MADE_SLOT_MAX - 1);

        fill_bytes(&state, memory->slots[i], bytes);
        record.slots[i] = mr_slice(memory->slots[i], bytes);
    }
    record.flags = record.slots_count ? MR_RECORD_SEALED : 0;
    return record;
}

struct mr_slice made_remnant(uint64_t number, uint8_t out[static 8])
{
    mr_put_be64(out, ~number);
    return mr_slice(out, 8);
}
