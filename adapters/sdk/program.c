#include "adapters/sdk/program.h"

#include <argp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <systemd/sd-daemon.h>

#include "proto/base/list.h"
#include "proto/base/logfmt.h"
#include "proto/loop/watchdog.h"

/* argp looks the name up in the whole process; hidden it would not be found. */
__attribute__((visibility("default"))) const char *argp_program_version = "marshrut adapter " MR_VERSION;

struct arguments {
    const char *config;
    bool verbose;
};

struct run {
    const struct mr_program *program;
    uv_loop_t loop;
    uv_signal_t signals[2];
    struct mr_watchdog watchdog;
    void *app;
    bool closing;
};

static const struct argp_option options[] = {
        {"config", 'c', "FILE", 0, "configuration (default: marshrut.yaml)", 0},
        {"verbose", 'v', NULL, 0, "write debug lines too", 0},
        {0},
};

static error_t parse_option(int key, char *value, struct argp_state *state)
{
    struct arguments *arguments = state->input;

    switch (key) {
    case 'c':
        arguments->config = value;
        return 0;
    case 'v':
        arguments->verbose = true;
        return 0;
    case ARGP_KEY_ARG:
        argp_usage(state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void on_app_closed(void *ctx)
{
    struct run *run = ctx;

    for (size_t i = 0; i < MR_COUNT(run->signals); i++)
        uv_close((uv_handle_t *)&run->signals[i], NULL);
    mr_watchdog_close(&run->watchdog);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct run *run = handle->data;

    if (run->closing)
        return;
    run->closing = true;
    mr_info("adapter.stopping", "name", run->program->name, "signal", MR_N(number));
    (void)sd_notify(0, "STOPPING=1");
    run->program->close(run->app, on_app_closed, run);
}

static int fail(const struct mr_program *program, int code, const struct mr_error *error)
{
    mr_err("adapter.failed", "name", program->name, "error", mr_err_name(code), "what",
            error->what[0] ? error->what : mr_err_text(code), "where", error->where[0] ? error->where : NULL,
            "cure", error->cure[0] ? error->cure : NULL);
    return mr_err_exit(code);
}

static void start_signals(struct run *run)
{
    static const int numbers[] = {SIGTERM, SIGINT};

    for (size_t i = 0; i < MR_COUNT(numbers); i++) {
        (void)uv_signal_init(&run->loop, &run->signals[i]);
        run->signals[i].data = run;
        (void)uv_signal_start(&run->signals[i], on_signal, numbers[i]);
    }
}

/* After a failed open only closing handles are left: they are run to their end. */
static int run_with(const struct mr_program *program, const struct mr_config *config)
{
    struct run run = {.program = program};
    struct mr_error error = {0};
    char software[64];
    int r;

    (void)snprintf(software, sizeof software, "%s/%s", program->name, MR_VERSION);
    if (uv_loop_init(&run.loop) != 0)
        return EX_OSERR;
    r = program->open(&run.app, &run.loop, config, software, &error);
    if (r == 0) {
        start_signals(&run);
        if (mr_watchdog_open(&run.watchdog, &run.loop, NULL, NULL) < 0)
            mr_warn("adapter.no-watchdog", "name", program->name, "cure", "WatchdogSec= in the unit");
        mr_info("adapter.ready", "name", program->name, "version", MR_VERSION);
        (void)sd_notify(0, "READY=1");
    }
    (void)uv_run(&run.loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&run.loop);
    if (r < 0)
        return fail(program, r, &error);
    mr_info("adapter.stopped", "name", program->name);
    return EX_OK;
}

int mr_program_app(
        void **ret_app, size_t size, const void *section, const char *where, struct mr_error *reterr)
{
    if (!section)
        return mr_error_set(reterr, MR_ECONFIG, where, "add the section", "this adapter is not configured");
    *ret_app = calloc(1, size);
    return *ret_app ? 0 : MR_ENOMEM;
}

void mr_program_app_closed(void *app, struct mr_closing closing)
{
    free(app);
    if (closing.on_closed)
        closing.on_closed(closing.ctx);
}

int mr_program_main(int argc, char **argv, const struct mr_program *program)
{
    struct arguments arguments = {.config = "marshrut.yaml"};
    const struct argp argp = {.options = options, .parser = parse_option, .doc = program->about};
    struct mr_config *config;
    struct mr_error error = {0};
    int r;

    (void)argp_parse(&argp, argc, argv, 0, NULL, &arguments);
    (void)signal(SIGPIPE, SIG_IGN);
    if (arguments.verbose)
        mr_logfmt_set_level(MR_LEVEL_DEBUG);
    r = mr_config_load(&config, arguments.config, &error);
    if (r < 0)
        return fail(program, r, &error);
    r = run_with(program, config);
    mr_config_free(config);
    return r;
}
