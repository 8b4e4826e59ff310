/*
 * main() of an adapter: reads the configuration (-c FILE), opens the adapter on a loop, says adapter.ready on
 * stderr and to systemd, closes on SIGTERM or SIGINT. Exit codes: sysexits.h by proto/base/err.h.
 */
#ifndef MR_SDK_PROGRAM_H
#define MR_SDK_PROGRAM_H

#include <uv.h>

#include "proto/base/err.h"
#include "proto/config/config.h"

struct mr_program {
    const char *name;  /* "marshrut-school": also software of Hello with the version */
    const char *about; /* one line for --help */
    /* software: "marshrut-school/0.1.0". MR_ECONFIG when this adapter is not configured. */
    int (*open)(void **ret_app, uv_loop_t *loop, const struct mr_config *config, const char *software,
            struct mr_error *reterr);
    /* Asynchronous; on_closed once everything is freed. */
    void (*close)(void *app, void (*on_closed)(void *ctx), void *ctx);
};

/* Memory of `size` zeros for an adapter. MR_ECONFIG when its section (where: "adapters.school") is NULL. */
int mr_program_app(
        void **ret_app, size_t size, const void *section, const char *where, struct mr_error *reterr);

/* Whom to tell when an adapter has closed. */
struct mr_closing {
    void (*on_closed)(void *ctx); /* may be NULL */
    void *ctx;
};
/* The last step of closing: frees the adapter, which holds `closing` itself, and tells. */
void mr_program_app_closed(void *app, struct mr_closing closing);

int mr_program_main(int argc, char **argv, const struct mr_program *program);

#endif
