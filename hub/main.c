/* marshrutd: the hub's process. */
#include <argp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>

#include "hub/route/filter.h"
#include "hub/hub.h"
#include "hub/route/matcher.h"
#include "hub/deliver/minimise.h"
#include "hub/session/rights.h"
#include "proto/base/logfmt.h"
#include "store/kv_fatal.h"

enum { FILES_WANTED = 4096 };

/* argp looks the name up in the whole process; hidden it would not be found. */
__attribute__((visibility("default"))) const char *argp_program_version = "marshrutd " MR_VERSION;

struct arguments {
    const char *config;
    bool check;
};

static const struct argp_option options[] = {
        {"config", 'c', "FILE", 0, "the configuration (default: marshrut.yaml)", 0},
        {"check", 'k', NULL, 0, "read the configuration, say whether it is good, and end", 0},
        {0},
};

static error_t on_option(int key, char *arg, struct argp_state *state)
{
    struct arguments *arguments = state->input;

    switch (key) {
    case 'c':
        arguments->config = arg;
        return 0;
    case 'k':
        arguments->check = true;
        return 0;
    case ARGP_KEY_ARG:
        argp_usage(state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static int fail(const char *event, const struct mr_error *error)
{
    mr_err(event, "what", error->what, "where", error->where, "cure", error->cure);
    return mr_err_exit(error->code);
}

/* No core with persons' data in it; enough descriptors: at EMFILE libzmq's listener spins. */
static void set_limits(void)
{
    struct rlimit none = {0, 0};
    struct rlimit files;

    (void)setrlimit(RLIMIT_CORE, &none);
    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        return;
    if (files.rlim_cur < files.rlim_max) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    if (files.rlim_cur < FILES_WANTED)
        mr_warn("hub.few_files", "limit", MR_N(files.rlim_cur), "wanted", MR_N(FILES_WANTED), "cure",
                "LimitNOFILE= in the unit");
}

static void say_escrow(const struct mr_hub *hub)
{
    if (!mr_house_escrow(&hub->house).root)
        mr_warn("hub.root_key_once", "where", hub->config->hub.root_key, "cure",
                "hub.escrow.root in the configuration: the root key exists once, and without it no person "
                "can be read");
}

static void say_ready(const struct mr_hub *hub)
{
    say_escrow(hub);
    for (uint16_t i = 0; i < hub->gateway.endpoints_count; i++)
        mr_info("hub.listening", "endpoint", hub->gateway.endpoints[i].bound, "admin",
                hub->gateway.endpoints[i].admin ? "yes" : "no");
    mr_info("hub.ready", "version", MR_VERSION, "systems", MR_N(hub->config->systems_count), "subscriptions",
            MR_N(mr_config_subscriptions_configured(hub->config)), "head", MR_N(mr_log_head(hub->house.log)));
    (void)sd_notify(0, "READY=1");
}

static int run(const struct mr_config *config)
{
    struct mr_hub *hub = calloc(1, sizeof *hub);
    struct mr_error error = {.code = MR_ENOMEM};

    if (!hub || mr_hub_start(hub, config, &error) < 0) {
        free(hub);
        return fail("hub.start_failed", &error);
    }
    say_ready(hub);
    mr_hub_run(hub);
    (void)sd_notify(0, "STOPPING=1");
    mr_hub_stop(hub);
    mr_info("hub.stopped");
    free(hub);
    return 0;
}

int main(int argc, char **argv)
{
    static const struct argp argp = {options, on_option, NULL, "The hub of Marshrut.", NULL, NULL, NULL};
    struct arguments arguments = {.config = "marshrut.yaml"};
    struct mr_config *config = NULL;
    struct mr_error error = {0};
    int status = 0;

    if (argp_parse(&argp, argc, argv, 0, NULL, &arguments) != 0)
        return 64;
    set_limits();
    (void)signal(SIGPIPE, SIG_IGN); /* an HTTP client that goes away */
    mr_kv_fatal_install();
    if (mr_config_load(&config, arguments.config, &error) < 0)
        return fail("config.invalid", &error);
    if (mr_rights_check(config, arguments.config, &error) < 0 ||
            mr_filters_check(config, arguments.config, NULL, NULL, &error) < 0 ||
            mr_minimise_check(config, arguments.config, &error) < 0 ||
            mr_matcher_check(config, arguments.config, &error) < 0)
        status = fail("config.invalid", &error);
    else if (arguments.check)
        (void)printf("%s: good\n", arguments.config);
    else
        status = run(config);
    mr_config_free(config);
    return status;
}
