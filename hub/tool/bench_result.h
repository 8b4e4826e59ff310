/* What `marshrut bench store` found: a table of values with what is required beside them. */
#ifndef MR_HUB_TOOL_BENCH_RESULT_H
#define MR_HUB_TOOL_BENCH_RESULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hub/tool/tool.h"

enum { BENCH_ROWS_MAX = 48 };
enum bench_bound { BENCH_AT_LEAST, BENCH_AT_MOST, BENCH_SHOWN }; /* SHOWN: nothing is required */

struct bench_row {
    const char *name;
    const char *unit;
    double value;
    enum bench_bound bound;
    double required;
};

struct bench_results {
    struct bench_row rows[BENCH_ROWS_MAX];
    size_t count;
};

void bench_result_add(struct bench_results *results, struct bench_row row);
/* A table for people, or one JSON document. scale: of the log that was measured. */
void bench_result_print(const struct bench_results *results, struct tool *tool, uint64_t events);

/* ---- samples ---- */

double bench_seconds(void);                                /* monotonic */
double bench_quantile(double *values, size_t n, double q); /* sorts; n > 0 */

#endif
