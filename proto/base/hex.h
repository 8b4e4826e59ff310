/* Lower-case hexadecimal. */
#ifndef MR_BASE_HEX_H
#define MR_BASE_HEX_H

#include <stddef.h>
#include <stdint.h>

/* Writes 2 * size digits and a NUL to out; returns out. */
char *mr_hex_encode(const uint8_t *data, size_t size, char *out);

/* Exactly 2 * size digits of either case, else MR_EINVAL. */
int mr_hex_decode(const char *text, size_t text_size, uint8_t *out, size_t size);

#endif
