#include "hub/tool/load_raw.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "hub/tool/bench_event.h"
#include "hub/tool/bench_result.h"
#include "proto/base/bytes.h"
#include "store/kv.h"

enum { COMMITS_MAX = 300 };

static const double seconds_max = 1;

static int commit(struct mr_kv *kv, uint64_t *next, uint64_t events)
{
    uint8_t key[8], value[BENCH_EVENT_BYTES];
    struct mr_kv_txn *txn;
    int r = mr_kv_begin_write(kv, &txn);

    if (r < 0)
        return r;
    memset(value, 0x5a, sizeof value);
    for (uint64_t i = 0; i < events; i++) {
        mr_put_be64(key, ++*next);
        (void)mr_kv_append(txn, 0, mr_slice(key, sizeof key), mr_slice(value, sizeof value)); /* sticky */
    }
    return mr_kv_commit(txn);
}

int load_raw_commit_us(const char *dir, uint64_t events_a_commit, double *ret_p50_us, struct mr_error *reterr)
{
    static const char *const tables[] = {"rows"};
    char path[PATH_MAX];
    const struct mr_kv_options options = {
            .dir = path, .tables = tables, .tables_count = 1, .exclusive = true};
    double us[COMMITS_MAX], until;
    struct mr_kv *kv;
    uint64_t next = 0;
    size_t n = 0;
    int r;

    (void)snprintf(path, sizeof path, "%s/raw", dir);
    r = mr_kv_open(&kv, &options, reterr);
    if (r < 0)
        return r;
    until = bench_seconds() + seconds_max;
    while (r == 0 && n < COMMITS_MAX && (n == 0 || bench_seconds() < until)) {
        double began = bench_seconds();

        r = commit(kv, &next, events_a_commit > 0 ? events_a_commit : 1);
        us[n++] = (bench_seconds() - began) * 1e6;
    }
    mr_kv_close(kv);
    *ret_p50_us = bench_quantile(us, n, 0.5);
    return r < 0 ? mr_error_set(reterr, r, path, "", "cannot measure a commit: %s", mr_err_text(r)) : 0;
}
