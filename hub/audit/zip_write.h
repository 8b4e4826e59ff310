/* A zip file written into memory, by minizip. One thread. */
#ifndef MR_HUB_AUDIT_ZIP_WRITE_H
#define MR_HUB_AUDIT_ZIP_WRITE_H

#include <stdbool.h>

#include "proto/base/buf.h"
#include "proto/base/err.h"

struct mr_zip {
    void *file;        /* minizip's */
    struct mr_buf buf; /* what is written so far; the whole zip after end */
    size_t at;
    int64_t time_us; /* that its files are said to be of, UTC */
};

/* Pointed at until fini: do not move it. MR_ENOMEM. */
int mr_zip_begin(struct mr_zip *zip, int64_t time_us);
/* One file, deflated. name: UTF-8, with '/' for folders. 0 or MR_ENOMEM. */
int mr_zip_put(struct mr_zip *zip, const char *name, struct mr_slice content);
int mr_zip_end(struct mr_zip *zip);
void mr_zip_fini(struct mr_zip *zip);

#endif
