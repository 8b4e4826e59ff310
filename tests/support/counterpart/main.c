/* mr-counterpart: see --help. */
#include <argp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "proto/base/list.h"
#include "tests/support/counterpart/counterpart.h"

enum { KEY_ROLE = 'r', KEY_PORT = 'p', KEY_FEED = 'f', KEY_MISBEHAVE = 'm', KEY_SLOW = 's', KEY_PAGE = 'n' };

static const struct argp_option options[] = {
        {"role", KEY_ROLE, "ROLE", 0, "cnppm (takes pushes) or portal (takes pushes, serves a feed)", 0},
        {"port", KEY_PORT, "PORT", 0, "port on 127.0.0.1 (default: any free one)", 0},
        {"feed", KEY_FEED, "FILE", 0, "events of the feed, one JSON object a line; the file may grow", 0},
        {"page", KEY_PAGE, "N", 0, "events on a page of the feed (default 100)", 0},
        {"misbehave", KEY_MISBEHAVE, "MODE", 0,
                "slow (answers late), down (503), wrong (422 to pushes, no JSON as feed), flaky (every "
                "second answer "
                "is 500)",
                0},
        {"slow-ms", KEY_SLOW, "MS", 0, "how late in mode slow (default 3000)", 0},
        {0},
};

static const char about[] =
        "Plays an outside system for tests and the demo.\v"
        "POST on any path takes a pushed CloudEvent; GET on any path (portal) serves a page of the feed, "
        "from the query "
        "parameter cursor on, with the header Marshrut-Cursor.\n"
        "GET /received shows {count, repeated, outOfOrder, mode}; GET /received?list=1 the events too.\n"
        "POST /control {\"mode\": \"fine|slow|down|wrong|flaky\"} changes how it behaves.\n"
        "Prints \"ready PORT\" when it listens; ends on SIGTERM and SIGINT.";

struct arguments {
    struct counterpart_options options;
    unsigned port;
};

static unsigned number_of(const char *text, unsigned max, struct argp_state *state)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);

    if (*text == '\0' || *end != '\0' || value > max)
        argp_error(state, "not a number up to %u: %s", max, text);
    return (unsigned)value;
}

static int mode_of(const char *text, struct argp_state *state)
{
    int mode = counterpart_mode_of(text);

    if (mode < 0)
        argp_error(state, "no such mode: %s", text);
    return mode < 0 ? 0 : mode;
}

static void role_of(struct arguments *a, const char *text, struct argp_state *state)
{
    if (strcmp(text, "cnppm") == 0)
        a->options.role = COUNTERPART_CNPPM;
    else if (strcmp(text, "portal") == 0)
        a->options.role = COUNTERPART_PORTAL;
    else
        argp_error(state, "no such role: %s", text);
}

static error_t parse_option(int key, char *value, struct argp_state *state)
{
    struct arguments *a = state->input;

    switch (key) {
    case KEY_ROLE:
        role_of(a, value, state);
        return 0;
    case KEY_PORT:
        a->port = number_of(value, 65535, state);
        return 0;
    case KEY_FEED:
        a->options.feed = value;
        return 0;
    case KEY_PAGE:
        a->options.page_items = number_of(value, 1000, state);
        return 0;
    case KEY_MISBEHAVE:
        a->options.mode = (enum counterpart_mode)mode_of(value, state);
        return 0;
    case KEY_SLOW:
        a->options.slow_ms = number_of(value, 600000, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

struct run {
    struct counterpart *counterpart;
    uv_signal_t signals[2];
};

static void on_signal(uv_signal_t *handle, int number)
{
    struct run *run = handle->data;

    (void)number;
    for (size_t i = 0; i < MR_COUNT(run->signals); i++)
        uv_close((uv_handle_t *)&run->signals[i], NULL);
    counterpart_close(run->counterpart, NULL, NULL);
}

int main(int argc, char **argv)
{
    static const int numbers[] = {SIGTERM, SIGINT};
    const struct argp argp = {.options = options, .parser = parse_option, .doc = about};
    struct arguments a = {0};
    struct mr_error error = {0};
    struct run run;
    uv_loop_t loop;
    char listen[32];
    int r;

    (void)argp_parse(&argp, argc, argv, 0, NULL, &a);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)uv_loop_init(&loop);
    (void)snprintf(listen, sizeof listen, "127.0.0.1:%u", a.port);
    a.options.loop = &loop;
    a.options.listen = listen;
    r = counterpart_open(&run.counterpart, &a.options, &error);
    if (r < 0) {
        (void)fprintf(stderr, "mr-counterpart: %s: %s; %s\n", error.where, error.what, error.cure);
        return mr_err_exit(r);
    }
    for (size_t i = 0; i < MR_COUNT(run.signals); i++) {
        (void)uv_signal_init(&loop, &run.signals[i]);
        run.signals[i].data = &run;
        (void)uv_signal_start(&run.signals[i], on_signal, numbers[i]);
    }
    (void)printf("ready %u\n", counterpart_port(run.counterpart));
    (void)fflush(stdout);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&loop);
    return EX_OK;
}
