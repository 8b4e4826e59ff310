/*
 * CRC32C: the Castagnoli CRC of RFC 3720. By SSE4.2 when the processor has it, by a table else; both give the
 * same. Pure functions: any thread.
 */
#ifndef MR_BASE_CRC32C_H
#define MR_BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* `seed` is 0, or the CRC of what came before: mr_crc32c(mr_crc32c(0, a), b) is the CRC of a and b together.
 */
uint32_t mr_crc32c(uint32_t seed, const void *data, size_t size);

/* The same by table on any processor: the fallback, and the tests' second opinion. */
uint32_t mr_crc32c_portable(uint32_t seed, const void *data, size_t size);

#endif
