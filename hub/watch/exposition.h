/* Prometheus' text format 0.0.4, line by line into a buffer. Names are the caller's and right; values of
 * labels are escaped. */
#ifndef MR_HUB_WATCH_EXPOSITION_H
#define MR_HUB_WATCH_EXPOSITION_H

#include "proto/base/buf.h"

struct mr_label {
    const char *name;
    const char *value;
};

#define MR_EXPOSITION_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* type: "gauge", "counter", "histogram". Before the samples of that name. help: one line. */
void mr_exposition_family(struct mr_buf *out, const char *name, const char *type, const char *help);
void mr_exposition_sample(struct mr_buf *out, const char *name, const struct mr_label *labels,
        size_t labels_count, double value);

#endif
