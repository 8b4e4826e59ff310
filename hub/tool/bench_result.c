#include "hub/tool/bench_result.h"

#include <assert.h>
#include <stdlib.h>
#include <time.h>

#include "hub/tool/render.h"

static bool reached(const struct bench_row *row)
{
    return row->bound == BENCH_AT_LEAST ? row->value >= row->required : row->value <= row->required;
}

void bench_result_add(struct bench_results *results, struct bench_row row)
{
    assert(results->count < BENCH_ROWS_MAX);
    results->rows[results->count++] = row;
}

static void print_json(const struct bench_results *results, struct tool *tool, uint64_t events)
{
    json_t *rows = json_array();
    json_t *document;

    for (size_t i = 0; i < results->count; i++) {
        const struct bench_row *row = &results->rows[i];
        json_t *json =
                json_pack("{s:s, s:f, s:s}", "name", row->name, "value", row->value, "unit", row->unit);

        if (row->bound != BENCH_SHOWN) {
            (void)json_object_set_new(
                    json, row->bound == BENCH_AT_LEAST ? "at_least" : "at_most", json_real(row->required));
            (void)json_object_set_new(json, "reached", json_boolean(reached(row)));
        }
        (void)json_array_append_new(rows, json);
    }
    document =
            json_pack("{s:s, s:I, s:o}", "version", MR_VERSION, "events", (json_int_t)events, "rows", rows);
    tool_render(tool, stdout, document);
    json_decref(document);
}

static void put_number(double value)
{
    (void)printf("%14.*f", value >= 1000 ? 0 : value >= 10 ? 1 : 3, value);
}

void bench_result_print(const struct bench_results *results, struct tool *tool, uint64_t events)
{
    if (tool->json) {
        print_json(results, tool, events);
        return;
    }
    for (size_t i = 0; i < results->count; i++) {
        const struct bench_row *row = &results->rows[i];

        (void)printf("%-52s", row->name);
        put_number(row->value);
        (void)printf(" %-12s", row->unit);
        if (row->bound != BENCH_SHOWN)
            (void)printf("%s %-10g %s", row->bound == BENCH_AT_LEAST ? ">=" : "<=", row->required,
                    reached(row) ? "reached" : "NOT REACHED");
        (void)printf("\n");
    }
}

/* ---- samples ---- */

double bench_seconds(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

double bench_quantile(double *values, size_t n, double q)
{
    size_t at = (size_t)(q * (double)(n - 1) + 0.5);

    assert(n > 0);
    qsort(values, n, sizeof *values, compare);
    return values[at < n ? at : n - 1];
}
