#include "hub/tool/load_report.h"

#include <stdlib.h>
#include <string.h>

#include "hub/tool/bench_result.h"
#include "hub/tool/render.h"

/* Figures of one kind of peers. */
struct side {
    double per_s;
    double p50, p99, p999;
    uint64_t done;
};

/* Nothing broke, so everything should have come once. */
static uint64_t came_again(const struct load_report *report)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < report->options->consumers; i++)
        sum += report->consumers[i].again;
    return sum;
}

/* All samples together; the rate is from the start to the end of the last one of them. */
static struct side side_of(const struct load_peer *peers, uint32_t count)
{
    struct side side = {0};
    int64_t end_us = 1;
    size_t n = 0;
    double *all;

    for (uint32_t i = 0; i < count; i++) {
        side.done += peers[i].done;
        n += peers[i].latency.count;
        if (peers[i].end_us > end_us)
            end_us = peers[i].end_us;
    }
    side.per_s = (double)side.done * 1e6 / (double)end_us;
    all = calloc(n + 1, sizeof *all);
    if (!all || n == 0) {
        free(all);
        return side;
    }
    n = 0;
    for (uint32_t i = 0; i < count; i++) {
        memcpy(all + n, peers[i].latency.us, peers[i].latency.count * sizeof *all);
        n += peers[i].latency.count;
    }
    side.p50 = bench_quantile(all, n, 0.5);
    side.p99 = bench_quantile(all, n, 0.99);
    side.p999 = bench_quantile(all, n, 0.999);
    free(all);
    return side;
}

static json_t *latency_json(const struct side *side)
{
    return json_pack("{s:f, s:f, s:f}", "p50", side->p50, "p99", side->p99, "p999", side->p999);
}

static json_t *or_null(const struct load_report *report, double value)
{
    return report->usage_known ? json_real(value) : json_null();
}

static json_t *document_of(const struct load_report *report)
{
    const struct load_options *o = report->options;
    struct side published = side_of(report->producers, o->producers);
    struct side delivered = side_of(report->consumers, o->consumers);
    double million = (double)o->events / 1e6;
    json_t *document =
            json_pack("{s:s, s:I, s:i, s:i, s:i, s:i, s:i, s:b, s:i, s:f, s:f, s:o, s:o, s:o, s:f}",
                    "version", MR_VERSION, "events", (json_int_t)o->events, "size", (int)o->size, "window",
                    (int)o->window, "batch", (int)o->batch, "producers", (int)o->producers, "consumers",
                    (int)o->consumers, "person", (int)o->person, "rate", (int)o->rate, "published_per_s",
                    published.per_s, "delivered_per_s", delivered.per_s, "ack_us", latency_json(&published),
                    "e2e_us", o->consumers ? latency_json(&delivered) : json_null(), "cpu_s_per_million",
                    or_null(report, (report->after.cpu_s - report->before.cpu_s) / million),
                    "client_cpu_s_per_million", report->client_cpu_s / million);

    (void)json_object_set_new(document, "rss_bytes", or_null(report, (double)report->after.rss_bytes));
    (void)json_object_set_new(
            document, "rss_anon_bytes", or_null(report, (double)report->after.rss_anon_bytes));
    (void)json_object_set_new(document, "commits", json_integer((json_int_t)report->commits));
    if (report->raw_commit_us > 0)
        (void)json_object_set_new(document, "raw_commit_us", json_real(report->raw_commit_us));
    (void)json_object_set_new(document, "index_lag_events", json_integer((json_int_t)report->index_lag));
    (void)json_object_set_new(document, "delivered_again", json_integer((json_int_t)came_again(report)));
    return document;
}

static void say_latency(const char *name, const json_t *latency)
{
    (void)printf("%-28s %10.2f / %.2f / %.2f ms (p50 / p99 / p99.9)\n", name,
            json_number_value(json_object_get(latency, "p50")) / 1000,
            json_number_value(json_object_get(latency, "p99")) / 1000,
            json_number_value(json_object_get(latency, "p999")) / 1000);
}

static double number(const json_t *document, const char *key)
{
    return json_number_value(json_object_get(document, key));
}

static void say(const struct load_report *report, const json_t *document)
{
    (void)printf("%-28s %10.0f events/s\n", "published, on disk", number(document, "published_per_s"));
    if (report->options->consumers)
        (void)printf("%-28s %10.0f events/s\n", "delivered", number(document, "delivered_per_s"));
    say_latency("acknowledgement", json_object_get(document, "ack_us"));
    if (report->options->consumers)
        say_latency("to the receiver", json_object_get(document, "e2e_us"));
    if (report->usage_known)
        (void)printf("%-28s %10.2f s a million events\n%-28s %10.1f MiB, %.1f of it anonymous\n",
                "processor, the hub", number(document, "cpu_s_per_million"), "memory of the hub",
                number(document, "rss_bytes") / 1048576, number(document, "rss_anon_bytes") / 1048576);
    (void)printf("%-28s %10.2f s a million events\n", "processor, the bench",
            number(document, "client_cpu_s_per_million"));
    (void)printf("%-28s %10.0f, of %.0f events on average\n", "commits", number(document, "commits"),
            (double)report->options->events / (report->commits ? (double)report->commits : 1));
    if (report->raw_commit_us > 0)
        (void)printf("%-28s %10.2f ms (p50)\n", "a raw commit of as many", report->raw_commit_us / 1000);
    (void)printf("%-28s %10.0f events\n", "index behind, at the end", number(document, "index_lag_events"));
    if (came_again(report) > 0)
        (void)printf("%-28s %10.0f events\n", "DELIVERED AGAIN", number(document, "delivered_again"));
}

int load_report_print(const struct load_report *report, struct tool *tool)
{
    json_t *document = document_of(report);

    if (tool->json)
        tool_render(tool, stdout, document);
    else
        say(report, document);
    json_decref(document);
    return came_again(report) > 0 ? TOOL_EXIT_CHECK : 0;
}
