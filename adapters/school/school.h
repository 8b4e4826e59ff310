/* The school adapter: one process for many schools, in/<ОГРН>/ to events, deliveries to out/<ОГРН>/. */
#ifndef MR_SCHOOL_SCHOOL_H
#define MR_SCHOOL_SCHOOL_H

#include <uv.h>

#include "proto/base/err.h"
#include "proto/config/config.h"

struct mr_school;

int mr_school_open(struct mr_school **ret, uv_loop_t *loop, const struct mr_config *config,
        const char *software, struct mr_error *reterr);
void mr_school_close(struct mr_school *school, void (*on_closed)(void *ctx), void *ctx);
struct mr_adapter *mr_school_adapter(struct mr_school *school);

#endif
