#include "adapters/school/school.h"

#include <stdlib.h>

#include "adapters/school/map_school.h"
#include "adapters/school/forget.h"
#include "adapters/school/out.h"
#include "adapters/sdk/adapter.h"
#include "adapters/sdk/erasure_files.h"
#include "adapters/sdk/intake_file.h"
#include "adapters/sdk/program.h"
#include "proto/base/logfmt.h"

struct mr_school {
    const struct mr_config *config;
    struct mr_adapter *adapter;
    struct mr_intake_files *files;
    struct mr_school_map *map;
    struct mr_closing closing;
};

static void on_event(void *ctx, const struct mr_delivered *item)
{
    struct mr_school *school = ctx;
    int r = mr_school_out_write(school->config, school->config->adapters.school->out, item);

    if (r < 0)
        mr_err("school.not-written", "number", MR_N(item->number), "error", mr_err_name(r));
    mr_adapter_finish(school->adapter, item->subscription, item->number,
            r < 0 ? MR_FINISH_RETRY : MR_FINISH_DONE, r < 0 ? mr_err_name(r) : NULL);
}

static int on_outcome(void *ctx, struct mr_outbox_txn *txn, const struct mr_outcome *outcome)
{
    struct mr_school *school = ctx;

    return mr_intake_files_outcome(school->files, txn, outcome);
}

static void on_outcomes_committed(void *ctx)
{
    struct mr_school *school = ctx;

    mr_intake_files_committed(school->files);
}

static int on_erasure(
        void *ctx, struct mr_outbox_txn *txn, const Nms__Event__V1__HubErasureNotice *notice, uint32_t *files)
{
    const struct mr_config_school *config = ((struct mr_school *)ctx)->config->adapters.school;
    const char *const dirs[] = {config->done, config->rejected, config->out};
    int r = mr_school_forget(txn, notice);

    return r < 0 ? r : mr_erasure_files(dirs, 3, notice, files);
}

static void on_adapter_closed(void *ctx)
{
    struct mr_school *school = ctx;

    mr_school_map_close(school->map);
    mr_program_app_closed(school, school->closing);
}

static void on_files_closed(void *ctx)
{
    struct mr_school *school = ctx;

    school->files = NULL;
    mr_adapter_close(school->adapter, on_adapter_closed, school);
}

int mr_school_open(struct mr_school **ret, uv_loop_t *loop, const struct mr_config *config,
        const char *software, struct mr_error *reterr)
{
    const struct mr_config_school *settings = config->adapters.school;
    struct mr_school *school = calloc(1, sizeof *school);
    int r;

    if (!school)
        return MR_ENOMEM;
    school->config = config;
    r = mr_school_map_open(&school->map, config, reterr);
    if (r == 0)
        r = mr_adapter_open(&school->adapter,
                &(struct mr_adapter_options){
                        .loop = loop,
                        .config = config,
                        .link = &settings->link,
                        .software = software,
                        .callbacks = {on_event, on_outcome, on_outcomes_committed, NULL, on_erasure},
                        .ctx = school,
                },
                reterr);
    if (r < 0) {
        mr_school_map_close(school->map);
        free(school);
        return r;
    }
    r = mr_intake_files_open(&school->files,
            &(struct mr_intake_files_options){
                    .adapter = school->adapter,
                    .loop = loop,
                    .in = settings->in,
                    .done = settings->done,
                    .rejected = settings->rejected,
                    .out = settings->out,
                    .sub_folders = true,
                    .settle_ms = settings->settle_ms,
                    .timezone = config->timezone,
                    .keep_days = *settings->keep_days,
                    .map = mr_school_map,
                    .ctx = school->map,
                    .columns = mr_school_columns,
            },
            reterr);
    if (r < 0) {
        mr_adapter_close(school->adapter, on_adapter_closed, school);
        return r;
    }
    *ret = school;
    return 0;
}

void mr_school_close(struct mr_school *school, void (*on_closed)(void *ctx), void *ctx)
{
    school->closing = (struct mr_closing){on_closed, ctx};
    mr_intake_files_close(school->files, on_files_closed, school);
}

struct mr_adapter *mr_school_adapter(struct mr_school *school)
{
    return school->adapter;
}
