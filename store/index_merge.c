/*
 * Merging: sixteen runs of a size become one of the next, until a run has a quarter of a million numbers and
 * is left as it is. A step is one commit; the new run is BUILDING until its last step, in which it takes the
 * place of its sources: a look-up sees either. Sources are deleted afterwards, step by step too.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "store/index_internal.h"

enum {
    FAN = 16,
    CLOSED_NUMBERS = 1 << 18,
    LEVEL_CLOSED = 15,
    STEP_BLOCKS = 1024,
    STEP_ROWS = 2048,
};

static uint64_t numbers_of(const struct mr_index_run *run)
{
    return run->last - run->first + 1;
}

static int level_of(const struct mr_index_run *run)
{
    uint64_t n = numbers_of(run);
    int level = 0;

    if (n >= CLOSED_NUMBERS)
        return LEVEL_CLOSED;
    for (; n >= FAN; n /= FAN)
        level++;
    return level;
}

/*
 * Which runs to merge: the last `count` ones; 0: none. Levels descend along the runs but for the newest: a
 * smaller one before it goes into it. So there are at most sixteen of each level.
 */
static size_t choose(const struct mr_index_runs *runs)
{
    size_t start = runs->count, smaller = runs->count;
    int level;

    if (runs->count < 2)
        return 0;
    level = level_of(&runs->items[runs->count - 1]);
    while (start > 0 && level_of(&runs->items[start - 1]) <= level) {
        start--;
        if (level_of(&runs->items[start]) < level)
            smaller = start;
    }
    if (smaller < runs->count)
        return runs->count - smaller;
    return level < LEVEL_CLOSED && runs->count - start >= FAN ? runs->count - start : 0;
}

/* ---- deleting what was dropped ---- */

struct doomed {
    uint8_t keys[STEP_ROWS][MR_INDEX_BLOCK_KEY_BYTES];
    size_t count;
};

static int add_doomed(void *ctx, struct mr_slice key, struct mr_slice value)
{
    struct doomed *doomed = ctx;

    (void)value;
    if (key.size != MR_INDEX_BLOCK_KEY_BYTES)
        return MR_ECORRUPT;
    if (doomed->count == STEP_ROWS)
        return 1;
    memcpy(doomed->keys[doomed->count++], key.data, key.size);
    return 0;
}

static int drop_rows(struct mr_kv_txn *txn, uint64_t id, struct doomed *doomed)
{
    uint8_t key[MR_INDEX_BLOCK_KEY_BYTES];
    const struct mr_index_entry zero = {0};
    int r;

    mr_index_block_key(id, &zero, key);
    doomed->count = 0;
    r = mr_kv_rows(txn, MR_INDEX_BLOCK, mr_slice(key, 8), (struct mr_slice){0}, add_doomed, doomed);
    for (size_t i = 0; r >= 0 && i < doomed->count; i++) {
        int d = mr_kv_del(txn, MR_INDEX_BLOCK, mr_slice(doomed->keys[i], sizeof doomed->keys[i]));

        if (d < 0)
            return d;
    }
    if (r == 0) { /* these were all */
        (void)mr_index_filter_del(txn, id);
        (void)mr_index_run_del(txn, id);
    }
    return r < 0 ? r : 0;
}

/* 1: there was something to delete. */
static int drop_step(struct mr_index *index)
{
    struct doomed *doomed = malloc(sizeof *doomed);
    struct mr_index_runs runs = {0};
    struct mr_kv_txn *txn = NULL;
    size_t rows = 0, i = 0;
    int r = doomed ? mr_kv_begin_read(index->kv, &txn) : MR_ENOMEM;

    if (r == 0)
        r = mr_index_runs_load(txn, MR_INDEX_DROPPED, &runs);
    mr_kv_abort(txn);
    txn = NULL;
    if (r == 0 && runs.count > 0)
        r = mr_kv_begin_write(index->kv, &txn);
    for (; r == 0 && i < runs.count && rows < STEP_ROWS; i++, rows += doomed->count)
        r = drop_rows(txn, runs.items[i].id, doomed);
    if (r == 0 && txn)
        r = mr_kv_commit(txn);
    else
        mr_kv_abort(txn);
    mr_index_runs_fini(&runs);
    free(doomed);
    return r < 0 ? r : i > 0;
}

/* ---- merging ---- */

static void forget_merging(struct mr_index *index)
{
    mr_index_filter_fini(&index->merging.filter);
    index->merging = (struct mr_index_merging){0};
}

void mr_index_merging_cancel(struct mr_index *index)
{
    struct mr_index_run run = index->merging.run;
    struct mr_kv_txn *txn;

    if (run.id && index->merging.begun && mr_kv_begin_write(index->kv, &txn) == 0) {
        run.state = MR_INDEX_DROPPED;
        (void)mr_index_run_put(txn, &run);
        (void)mr_kv_commit(txn); /* failed: it is BUILDING still, and dropped at the next start */
    }
    forget_merging(index);
}

static int begin(struct mr_index *index, const struct mr_index_runs *live, size_t count)
{
    const struct mr_index_run *first = &live->items[live->count - count];
    struct mr_index_merging *merging = &index->merging;
    int r = mr_index_filter_init(&merging->filter, live->items[live->count - 1].last - first->first + 1);

    if (r < 0)
        return r;
    merging->run = (struct mr_index_run){.id = index->next_run++,
            .first = first->first,
            .last = live->items[live->count - 1].last,
            .state = MR_INDEX_BUILDING};
    merging->last = (struct mr_index_entry){0};
    merging->begun = false;
    return 0;
}

/* The live runs within the merge's range. */
static struct mr_index_run *sources(
        const struct mr_index *index, const struct mr_index_runs *live, size_t *count)
{
    const struct mr_index_run *run = &index->merging.run;
    size_t from = 0;

    while (from < live->count && live->items[from].first < run->first)
        from++;
    *count = 0;
    while (from + *count < live->count && live->items[from + *count].last <= run->last)
        ++*count;
    return live->items + from;
}

/* 1: all is read, 0: the step is full. */
static int copy_entries(struct mr_index_merged *merged, struct mr_index_out *out)
{
    const struct mr_index_entry *entry;

    while ((entry = mr_index_merged_entry(merged)) && out->blocks < STEP_BLOCKS) {
        int r;

        mr_index_out_put(out, entry);
        r = mr_index_merged_next(merged);
        if (r < 0)
            return r;
    }
    mr_index_out_flush(out);
    return entry ? 0 : 1;
}

static void take_place(struct mr_index *index, struct mr_kv_txn *txn, struct mr_index_run *run,
        struct mr_index_run *from, size_t count)
{
    run->state = MR_INDEX_LIVE;
    (void)mr_index_filter_put(txn, run->id, &index->merging.filter);
    for (size_t i = 0; i < count; i++) {
        from[i].state = MR_INDEX_DROPPED;
        (void)mr_index_run_put(txn, &from[i]);
    }
}

/* Reads what is committed, writes the transaction: a source is not changed under its reader. */
static int merge_commit(struct mr_index *index, struct mr_kv_txn *read, struct mr_index_runs *live)
{
    struct mr_index_run run = index->merging.run;
    struct mr_index_entry from = index->merging.last;
    struct mr_index_merged merged;
    struct mr_index_out out;
    struct mr_kv_txn *txn;
    size_t count;
    struct mr_index_run *runs = sources(index, live, &count);
    int r, ended;

    from.number += from.kind != 0; /* behind the last one */
    r = mr_index_merged_open(&merged, read, runs, count, &from);
    if (r < 0)
        return r;
    r = mr_kv_begin_write(index->kv, &txn);
    if (r == 0) {
        mr_index_out_begin(&out, txn, &run, &index->merging.filter);
        ended = copy_entries(&merged, &out);
        if (ended == 1)
            take_place(index, txn, &run, runs, count);
        (void)mr_index_run_put(txn, &run); /* failures are sticky */
        if (ended < 0)
            mr_kv_abort(txn);
        r = ended < 0 ? ended : mr_kv_commit(txn);
    }
    mr_index_merged_close(&merged);
    if (r < 0)
        return r;
    index->merging.run = run;
    index->merging.last = out.last;
    index->merging.begun = true;
    if (run.state == MR_INDEX_LIVE)
        forget_merging(index);
    return 1;
}

static int merge_step(struct mr_index *index)
{
    struct mr_index_runs live = {0};
    struct mr_kv_txn *read;
    size_t count;
    int r = mr_kv_begin_read(index->kv, &read);

    if (r < 0)
        return r;
    r = mr_index_runs_load(read, MR_INDEX_LIVE, &live);
    if (r == 0 && index->merging.run.id == 0 && (count = choose(&live)) > 0)
        r = begin(index, &live, count);
    if (r == 0 && index->merging.run.id != 0)
        r = merge_commit(index, read, &live);
    mr_index_runs_fini(&live);
    mr_kv_abort(read);
    return r;
}

int mr_index_merge(struct mr_index *index)
{
    int r;

    assert(!index->read_only);
    (void)pthread_mutex_lock(&index->writing);
    r = drop_step(index);
    if (r == 0)
        r = merge_step(index);
    (void)pthread_mutex_unlock(&index->writing);
    return r;
}
