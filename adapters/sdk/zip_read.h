/*
 * A zip from a stranger, read whole into memory within caps. Refused by name (Russian text): too many
 * entries, too large, a ratio that only a "zip bomb" has, encrypted entries, entries in folders or with names
 * that lead out of one, two entries of one name, a damaged archive. Sizes are counted as bytes come out,
 * never believed from the headers.
 */
#ifndef MR_SDK_ZIP_READ_H
#define MR_SDK_ZIP_READ_H

#include <stdint.h>

#include "proto/base/err.h"
#include "proto/base/slice.h"

struct mr_zip;

struct mr_zip_limits {
    uint32_t entries_max; /* 0: 32 */
    uint64_t bytes_max;   /* of all entries together; 0: 64 MiB */
    uint32_t ratio_max;   /* bytes out to bytes in, once more than 1 MiB came out; 0: 100 */
    bool any_name;        /* for looking only: folders, odd names and the same name twice are fine */
};

int mr_zip_read(struct mr_zip **ret, struct mr_slice content, const struct mr_zip_limits *limits,
        struct mr_error *reterr);
void mr_zip_free(struct mr_zip *zip); /* wipes. NULL is fine */
/* Valid until free; size 0 and data NULL when there is no such entry. ASCII case does not matter. */
struct mr_slice mr_zip_entry(const struct mr_zip *zip, const char *name);
size_t mr_zip_count(const struct mr_zip *zip);
struct mr_slice mr_zip_at(
        const struct mr_zip *zip, size_t index); /* the content, in order; valid until free */
bool mr_zip_looks_like(struct mr_slice content); /* begins as a zip does */

#endif
