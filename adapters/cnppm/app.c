#include "adapters/cnppm/app.h"

#include <stdlib.h>

#include "adapters/cnppm/face.h"
#include "adapters/cnppm/map_cnppm.h"
#include "adapters/sdk/erasure_files.h"
#include "adapters/sdk/intake_file.h"
#include "adapters/sdk/program.h"
#include "adapters/sdk/web.h"
#include "proto/base/logfmt.h"

enum { FORGET_INTERVAL_MS = 24 * 60 * 60 * 1000 };

struct cnppm {
    struct mr_web web;
    struct mr_cnppm_face face;
    struct mr_cnppm_map map;
    struct mr_intake_files *files; /* NULL: no folder is configured */
    uv_timer_t forget;
    struct mr_closing closing;
};

static int on_outcome(void *ctx, struct mr_outbox_txn *txn, const struct mr_outcome *outcome)
{
    struct cnppm *app = ctx;

    return mr_intake_files_outcome(app->files, txn, outcome);
}

static void on_outcomes_committed(void *ctx)
{
    struct cnppm *app = ctx;

    mr_intake_files_committed(app->files);
}

static int on_erasure(
        void *ctx, struct mr_outbox_txn *txn, const Nms__Event__V1__HubErasureNotice *notice, uint32_t *files)
{
    const struct mr_config_cnppm *config = ((struct cnppm *)ctx)->web.options.config->adapters.cnppm;
    const char *const dirs[] = {config->done, config->rejected};

    (void)txn;
    return mr_erasure_files(dirs, 2, notice, files);
}

static void on_request(void *ctx, const struct mr_http_request *request)
{
    mr_cnppm_face_request(&((struct cnppm *)ctx)->face, request);
}

static void on_forget(uv_timer_t *timer)
{
    struct cnppm *app = timer->data;
    int r = mr_cnppm_face_forget(&app->face);

    if (r < 0)
        mr_warn("xapi.forget.failed", "error", mr_err_name(r));
}

/* ---- closing: files and timer, then the web ---- */

static void cnppm_free(void *ctx)
{
    struct cnppm *app = ctx;

    mr_program_app_closed(app, app->closing);
}

static void on_files_closed(void *ctx)
{
    struct cnppm *app = ctx;

    app->files = NULL;
    mr_web_close(&app->web, cnppm_free, app);
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct cnppm *app = handle->data;

    mr_intake_files_close(app->files, on_files_closed, app);
}

void mr_cnppm_close(void *app, void (*on_closed)(void *ctx), void *ctx)
{
    struct cnppm *cnppm = app;

    cnppm->closing = (struct mr_closing){on_closed, ctx};
    uv_close((uv_handle_t *)&cnppm->forget, on_timer_closed);
}

/* ---- opening ---- */

static int open_files(struct cnppm *app, const struct mr_config_cnppm *config, struct mr_error *reterr)
{
    struct mr_intake_files_options options = {
            .adapter = app->web.adapter,
            .loop = app->web.options.loop,
            .in = config->in,
            .done = config->done,
            .rejected = config->rejected,
            .settle_ms = config->settle_ms,
            .timezone = app->web.options.config->timezone,
            .keep_days = *config->keep_days,
            .map = mr_cnppm_map,
            .ctx = &app->map,
            .columns = mr_diagnostics_columns,
    };

    return config->in ? mr_intake_files_open(&app->files, &options, reterr) : 0;
}

static int open_rest(struct cnppm *app, const struct mr_config_cnppm *config, struct mr_error *reterr)
{
    app->face.adapter = app->web.adapter;
    (void)uv_timer_init(app->web.options.loop, &app->forget);
    app->forget.data = app;
    (void)uv_timer_start(&app->forget, on_forget, 0, FORGET_INTERVAL_MS);
    return open_files(app, config, reterr);
}

int mr_cnppm_open(void **ret_app, uv_loop_t *loop, const struct mr_config *config, const char *software,
        struct mr_error *reterr)
{
    const struct mr_config_cnppm *own = config->adapters.cnppm;
    struct cnppm *app;
    void *memory;
    int r = mr_program_app(&memory, sizeof *app, own, "adapters.cnppm", reterr);

    if (r < 0)
        return r;
    app = memory;
    app->face.xapi = (struct mr_xapi){mr_speaker_of(config, &own->link), mr_clock_system()};
    app->map = mr_cnppm_map_of(config);
    r = mr_web_open(&app->web,
            &(struct mr_web_options){.loop = loop,
                    .config = config,
                    .link = &own->link,
                    .software = software,
                    .listen = own->listen,
                    .token_file = own->token_file,
                    .push_url = own->webhook,
                    .on_request = on_request,
                    .on_outcome = on_outcome,
                    .on_outcomes_committed = on_outcomes_committed,
                    .on_erasure = on_erasure,
                    .ctx = app},
            cnppm_free, reterr);
    if (r < 0)
        return r;
    r = open_rest(app, own, reterr);
    if (r < 0) {
        mr_cnppm_close(app, NULL, NULL);
        return r;
    }
    *ret_app = app;
    return 0;
}
