#include "adapters/copmkp/app.h"

#include <stdlib.h>

#include "adapters/sdk/map_diagnostics.h"
#include "adapters/copmkp/worklist.h"
#include "adapters/sdk/file.h"
#include "adapters/sdk/erasure_files.h"
#include "adapters/sdk/intake_file.h"
#include "adapters/sdk/program.h"
#include "proto/base/logfmt.h"

struct copmkp {
    const struct mr_config_copmkp *config;
    struct mr_diagnostics_map map;
    struct mr_adapter *adapter;
    struct mr_intake_files *files;
    struct mr_closing closing;
};

static void on_event(void *ctx, const struct mr_delivered *item)
{
    struct copmkp *app = ctx;
    int r = mr_worklist_write(app->config->out, item);

    if (r < 0)
        mr_warn("worklist.failed", "number", MR_N(item->number), "error", mr_err_name(r));
    mr_adapter_finish(app->adapter, item->subscription, item->number,
            r == 0  ? MR_FINISH_DONE
            : r > 0 ? MR_FINISH_PARK
                    : MR_FINISH_RETRY,
            r == 0  ? NULL
            : r > 0 ? "type-not-for-the-work-list"
                    : mr_err_name(r));
}

static int on_outcome(void *ctx, struct mr_outbox_txn *txn, const struct mr_outcome *outcome)
{
    struct copmkp *app = ctx;

    return mr_intake_files_outcome(app->files, txn, outcome);
}

static void on_outcomes_committed(void *ctx)
{
    struct copmkp *app = ctx;

    mr_intake_files_committed(app->files);
}

static int on_erasure(
        void *ctx, struct mr_outbox_txn *txn, const Nms__Event__V1__HubErasureNotice *notice, uint32_t *files)
{
    const struct mr_config_copmkp *config = ((struct copmkp *)ctx)->config;
    const char *const dirs[] = {config->done, config->rejected, config->out};

    (void)txn;
    return mr_erasure_files(dirs, 3, notice, files);
}

static void on_adapter_closed(void *ctx)
{
    struct copmkp *app = ctx;

    mr_program_app_closed(app, app->closing);
}

static void on_files_closed(void *ctx)
{
    struct copmkp *app = ctx;

    app->files = NULL;
    mr_adapter_close(app->adapter, on_adapter_closed, app);
}

void mr_copmkp_close(void *app, void (*on_closed)(void *ctx), void *ctx)
{
    struct copmkp *copmkp = app;

    copmkp->closing = (struct mr_closing){on_closed, ctx};
    mr_intake_files_close(copmkp->files, on_files_closed, copmkp);
}

static int open_adapter(struct copmkp *app, uv_loop_t *loop, const struct mr_config *config,
        const char *software, struct mr_error *reterr)
{
    struct mr_adapter_options options = {
            .loop = loop,
            .config = config,
            .link = &app->config->link,
            .software = software,
            .callbacks = {.on_event = on_event,
                    .on_outcome = on_outcome,
                    .on_outcomes_committed = on_outcomes_committed,
                    .on_erasure = on_erasure},
            .ctx = app,
    };

    return mr_adapter_open(&app->adapter, &options, reterr);
}

static int open_files(struct copmkp *app, uv_loop_t *loop, struct mr_error *reterr)
{
    struct mr_intake_files_options options = {
            .adapter = app->adapter,
            .loop = loop,
            .in = app->config->in,
            .done = app->config->done,
            .rejected = app->config->rejected,
            .out = app->config->out,
            .settle_ms = app->config->settle_ms,
            .timezone = app->map.config->timezone,
            .keep_days = *app->config->keep_days,
            .map = mr_diagnostics_map,
            .ctx = &app->map,
            .columns = mr_diagnostics_columns,
    };

    return mr_intake_files_open(&app->files, &options, reterr);
}

int mr_copmkp_open(void **ret_app, uv_loop_t *loop, const struct mr_config *config, const char *software,
        struct mr_error *reterr)
{
    const struct mr_config_copmkp *own = config->adapters.copmkp;
    struct copmkp *app;
    void *memory;
    int r = mr_program_app(&memory, sizeof *app, own, "adapters.copmkp", reterr);

    if (r < 0)
        return r;
    app = memory;
    r = mr_file_make_dirs(own->out);
    if (r < 0) {
        free(app);
        return mr_error_set(
                reterr, r, own->out, "make the folder, or give the adapter the right to", "no such folder");
    }
    app->config = own;
    app->map = (struct mr_diagnostics_map){.config = config, .speaker = mr_speaker_of(config, &own->link)};
    r = open_adapter(app, loop, config, software, reterr);
    if (r < 0) {
        free(app);
        return r;
    }
    r = open_files(app, loop, reterr);
    if (r < 0) {
        mr_copmkp_close(app, NULL, NULL);
        return r;
    }
    *ret_app = app;
    return 0;
}
