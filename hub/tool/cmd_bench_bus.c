/* marshrut bench: options, the run, and `bench keys`. */
#include <errno.h>
#include <getopt.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#include "hub/tool/bench.h"
#include "hub/tool/load.h"
#include "hub/tool/load_hub.h"
#include "hub/tool/load_keys.h"
#include "hub/tool/load_raw.h"
#include "hub/tool/load_report.h"
#include "proto/base/buf.h"
#include "proto/base/clock.h"
#include "proto/base/list.h"
#include "proto/wire/frame.h"

enum { BATCH_DEFAULT_MAX = 256, SIZE_MAX_BYTES = 4096, KEPT_BYTES = 16 << 20 };

/* ---- options ---- */

/* Numbers: name, place, smallest, largest. */
struct number_option {
    const char *name;
    uint32_t *value;
    uint32_t min;
    uint32_t max;
};

static bool read_number(const char *text, uint32_t min, uint32_t max, uint32_t *ret)
{
    char *end;
    unsigned long value;

    errno = 0;
    value = strtoul(text, &end, 10);
    if (end == text || *end || *text == '-' || errno != 0 || value < min || value > max)
        return false;
    *ret = (uint32_t)value;
    return true;
}

static void complete(struct load_options *o)
{
    if (o->batch == 0)
        o->batch = o->window / 4 > BATCH_DEFAULT_MAX ? BATCH_DEFAULT_MAX : (o->window + 3) / 4;
    if (o->batch > o->window)
        o->batch = o->window;
}

/* 0, or the exit code. */
static int read_options(struct load_options *o, int argc, char **argv)
{
    uint32_t events = 100000;
    const struct number_option numbers[] = {{"events", &events, 1, LOAD_EVENTS_MAX},
            {"size", &o->size, 1, SIZE_MAX_BYTES}, {"window", &o->window, 1, LOAD_WINDOW_MAX},
            {"batch", &o->batch, 1, MR_BATCH_EVENTS_MAX}, {"producers", &o->producers, 1, LOAD_PEERS_MAX},
            {"consumers", &o->consumers, 0, LOAD_PEERS_MAX}, {"rate", &o->rate, 1, 10 * 1000 * 1000},
            {"index-lag", &o->index_lag, 1000, 10 * 1000 * 1000}};
    static const struct option options[] = {{"events", required_argument, NULL, 0},
            {"size", required_argument, NULL, 1}, {"window", required_argument, NULL, 2},
            {"batch", required_argument, NULL, 3}, {"producers", required_argument, NULL, 4},
            {"consumers", required_argument, NULL, 5}, {"rate", required_argument, NULL, 6},
            {"index-lag", required_argument, NULL, 7}, {"person", no_argument, NULL, 'p'},
            {"spawn", no_argument, NULL, 's'}, {"dir", required_argument, NULL, 'd'},
            {"keys", required_argument, NULL, 'k'}, {"hub", required_argument, NULL, 'h'},
            {NULL, 0, NULL, 0}};
    int option;

    optind = 1;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option >= 0 && option < (int)MR_COUNT(numbers)) {
            const struct number_option *n = &numbers[option];

            if (!read_number(optarg, n->min, n->max, n->value))
                return tool_usage(&tool_bench, "--%s takes a number from %u to %u", n->name, n->min, n->max);
        } else if (option == 'p') {
            o->person = true;
        } else if (option == 's') {
            o->spawn = true;
        } else if (option == 'd') {
            o->dir = optarg;
        } else if (option == 'k') {
            o->keys = optarg;
        } else if (option == 'h') {
            o->hub = optarg;
        } else {
            return tool_usage(&tool_bench, "unknown option, or one without its value");
        }
    }
    if (optind != argc)
        return tool_usage(&tool_bench, "'%s' is none of: store, keys", argv[optind]);
    o->events = events;
    complete(o);
    return 0;
}

/* ---- the run ---- */

static void start_peers(struct load *load, struct load_peer *peers, uint32_t count, void *(*fn)(void *))
{
    for (uint32_t i = 0; i < count; i++) {
        peers[i].load = load;
        peers[i].index = i;
        if (pthread_create(&peers[i].thread, NULL, fn, &peers[i]) != 0)
            abort(); /* the barriers count on it */
    }
}

static void join_peers(struct load_peer *peers, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        (void)pthread_join(peers[i].thread, NULL);
}

static uint64_t number_of(const json_t *status, const char *key)
{
    return (uint64_t)json_integer_value(json_object_get(status, key));
}

static uint64_t lag_of(const json_t *status)
{
    return number_of(json_object_get(status, "index"), "lag_events");
}

/* A batch's memory is not given back to the kernel between two of them, to be asked for again at once. */
static void keep_memory(void)
{
    (void)mallopt(M_MMAP_THRESHOLD, KEPT_BYTES);
    (void)mallopt(M_TRIM_THRESHOLD, KEPT_BYTES);
}

static int init_load(struct load *load, const struct load_hub *hub, const struct load_options *options)
{
    uint32_t peers = options->producers + options->consumers;

    keep_memory();
    *load = (struct load){.options = options,
            .config = hub->tool.config,
            .endpoint = hub->endpoint,
            .keys = hub->keys,
            .zmq = zmq_ctx_new(),
            .sent_us = calloc(options->events, sizeof *load->sent_us)};
    (void)snprintf(
            load->run, sizeof load->run, "%013lld", (long long)(mr_clock_wall_us(mr_clock_system()) / 1000));
    (void)pthread_mutex_init(&load->lock, NULL);
    (void)pthread_barrier_init(&load->ready, NULL, peers + 1);
    (void)pthread_barrier_init(&load->begin, NULL, peers + 1);
    return load->zmq && load->sent_us ? 0 : MR_ENOMEM;
}

static void fini_load(struct load *load)
{
    if (load->zmq)
        (void)zmq_ctx_term(load->zmq);
    free(load->sent_us);
    (void)pthread_barrier_destroy(&load->ready);
    (void)pthread_barrier_destroy(&load->begin);
    (void)pthread_mutex_destroy(&load->lock);
}

/* Between two looks at the hub, all of the load. */
static int run_load(struct load_hub *hub, struct load *load, struct load_peer *producers,
        struct load_peer *consumers, struct load_report *report, struct mr_error *reterr)
{
    const struct load_options *o = load->options;
    struct load_usage mine_before, mine_after;
    json_t *before, *after;

    before = load_hub_status(hub, reterr);
    if (!before)
        return reterr->code;
    start_peers(load, consumers, o->consumers, load_consume);
    start_peers(load, producers, o->producers, load_produce);
    (void)pthread_barrier_wait(&load->ready);
    load_process_usage(hub->pid, &report->before);
    load_process_usage(getpid(), &mine_before);
    load->start_us = mr_clock_monotonic_us(mr_clock_system());
    (void)pthread_barrier_wait(&load->begin);
    join_peers(producers, o->producers);
    join_peers(consumers, o->consumers);
    load_process_usage(hub->pid, &report->after);
    load_process_usage(getpid(), &mine_after);
    report->client_cpu_s = mine_after.cpu_s - mine_before.cpu_s;
    report->usage_known = report->after.rss_bytes > 0;
    if (load->error.code < 0) {
        json_decref(before);
        *reterr = load->error;
        return reterr->code;
    }
    after = load_hub_status(hub, reterr);
    if (after) {
        report->commits = number_of(after, "commits") - number_of(before, "commits");
        report->index_lag = lag_of(after);
    }
    json_decref(before);
    json_decref(after);
    return after ? 0 : reterr->code;
}

static int measure(
        struct tool *tool, struct load_hub *hub, const struct load_options *options, struct mr_error *reterr)
{
    struct load_peer *producers = calloc(options->producers, sizeof *producers);
    struct load_peer *consumers = calloc(options->consumers + 1, sizeof *consumers);
    struct load_report report = {.options = options, .producers = producers, .consumers = consumers};
    struct load load;
    int r = init_load(&load, hub, options);

    if (r < 0 || !producers || !consumers)
        r = mr_error_set(reterr, MR_ENOMEM, "bench", "take fewer events", "out of memory");
    if (r == 0)
        r = run_load(hub, &load, producers, consumers, &report, reterr);
    if (r == 0 && options->spawn && options->rate > 0 && report.commits > 0)
        r = load_raw_commit_us(hub->dir, options->events / report.commits, &report.raw_commit_us, reterr);
    if (r == 0)
        r = load_report_print(&report, tool);
    for (uint32_t i = 0; producers && i < options->producers; i++)
        load_samples_fini(&producers[i].latency);
    for (uint32_t i = 0; consumers && i < options->consumers; i++)
        load_samples_fini(&consumers[i].latency);
    fini_load(&load);
    free(producers);
    free(consumers);
    return r;
}

int tool_bench_bus(struct tool *tool, int argc, char **argv)
{
    struct load_options options = {
            .size = 400, .window = 1000, .producers = 1, .consumers = 1, .index_lag = 100000, .dir = "."};
    struct mr_error error = {0};
    struct load_hub hub;
    int r = read_options(&options, argc, argv);

    if (r != 0)
        return r;
    if (options.spawn == (options.keys != NULL))
        return tool_usage(&tool_bench, "say which hub: --spawn, or --keys DIR for the running one");
    if (!options.spawn && !tool_config(tool))
        return mr_err_exit(MR_ECONFIG);
    tool_catch_signals();
    r = load_hub_open(&hub, tool, &options, &error);
    if (r < 0)
        return tool_fail(tool, &error);
    r = measure(tool, &hub, &options, &error);
    load_hub_close(&hub);
    return r < 0 ? tool_fail(tool, &error) : r;
}

/* ---- bench keys ---- */

int tool_bench_keys(struct tool *tool, int argc, char **argv)
{
    struct load_options options = {.window = 1, .producers = 1, .consumers = 1};
    struct mr_buf systems = MR_BUF_INIT, subscriptions = MR_BUF_INIT;
    struct mr_error error = {0};
    struct load_keys keys;
    int r;

    if (argc < 2 || argv[1][0] == '-')
        return tool_usage(&tool_bench, "bench keys takes the folder for the keys");
    r = read_options(&options, argc - 1, argv + 1);
    if (r != 0)
        return r;
    if (!tool_config(tool))
        return mr_err_exit(MR_ECONFIG);
    keys = (struct load_keys){argv[1], tool->config->region, options.producers, options.consumers};
    if (mkdir(keys.dir, 0700) != 0 && errno != EEXIST)
        r = mr_error_set(&error, mr_err_from_errno(errno), keys.dir, "make the folder above it",
                "cannot make the folder: %s", strerror(errno));
    if (r == 0)
        r = load_keys_make(&keys, &systems, &subscriptions, &error);
    if (r == 0)
        (void)printf("# to `systems` of the configuration:\n%s# to `subscriptions`:\n%s",
                mr_buf_str(&systems), mr_buf_str(&subscriptions));
    mr_buf_fini(&systems);
    mr_buf_fini(&subscriptions);
    return r < 0 ? tool_fail(tool, &error) : 0;
}
