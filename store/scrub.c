#include "store/scrub.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/bytes.h"
#include "proto/base/list.h"
#include "store/scrub_internal.h"

enum { NUMBER_BYTES = 8, TICK_ROWS = 4096 };

/* ---- findings ---- */

static const char *cure_of(const struct scrub *s, uint64_t number)
{
    static const struct {
        const char *environment, *cure;
    } cures[] = {
            {"keys", "stop the hub and restore keys/ from the newest backup"},
            {"index", "stop the hub, marshrut rebuild index"},
            {"views", "stop the hub, marshrut rebuild views"},
    };

    for (size_t i = 0; i < MR_COUNT(cures); i++)
        if (strcmp(s->options->environment, cures[i].environment) == 0)
            return cures[i].cure;
    return number ? "marshrut scrub --repair-from BACKUP"
                  : "stop the hub and restore log/ from the newest backup";
}

static void tell(
        struct scrub *s, const char *table, uint64_t page, uint64_t first, uint64_t last, const char *what)
{
    const struct mr_scrub_finding finding = {.environment = s->environment,
            .table = table,
            .what = what,
            .cure = cure_of(s, first),
            .page = page,
            .first = first,
            .last = last};

    s->counts->findings++;
    if (s->options->fn)
        s->options->fn(s->options->ctx, &finding);
}

void scrub_tell(struct scrub *s, uint64_t first, uint64_t last, const char *what, ...)
{
    char text[256];
    va_list args;

    va_start(args, what);
    (void)vsnprintf(text, sizeof text, what, args);
    va_end(args);
    tell(s, s->table, 0, first, last, text);
}

static void on_damage(void *ctx, const struct mr_kv_damage *damage)
{
    struct scrub *s = ctx;
    bool records = strcmp(damage->table, "records") == 0;
    uint64_t first = 0, last = 0;

    if (s->quiet)
        return;
    if (records && damage->lost && damage->from.size == NUMBER_BYTES)
        first = mr_get_be64(damage->from.data);
    else if (records && damage->lost)
        first = 1; /* or its key is no number: a page above is damaged too */
    if (records && damage->lost && damage->to.size == NUMBER_BYTES)
        last = mr_get_be64(damage->to.data);
    if (last > first)
        last--; /* `to` itself is not lost */
    s->lost = s->lost || damage->lost;
    tell(s, damage->table, damage->page, first, last, damage->what);
}

/* ---- a table ---- */

static bool is_of(const struct scrub *s, const char *environment)
{
    return strcmp(s->options->environment, environment) == 0;
}

/* Rows that end in a CRC; those of `keys` are opened besides. */
static int checked_row(struct scrub *s, struct mr_slice key, struct mr_slice value)
{
    if (mr_kv_row_check(s->table, key, value, &value) < 0)
        scrub_tell(s, 0, 0, "row %llu: CRC does not match", (unsigned long long)s->row);
    else if (is_of(s, "keys") && s->options->keyring &&
             mr_keyring_check_row(s->options->keyring, s->table, key, value) == MR_ECORRUPT)
        scrub_tell(s, 0, 0, "row %llu: does not open with its key, or points nowhere",
                (unsigned long long)s->row);
    return 0;
}

static const struct scrub_rule rules[] = {
        {"log", "records", scrub_records_begin, scrub_record, scrub_records_end},
        {"log", "row0", scrub_tree_begin, scrub_tree_row, scrub_tree_end},
        {"log", "row1", scrub_tree_begin, scrub_tree_row, scrub_tree_end},
        {"log", "row2", scrub_tree_begin, scrub_tree_row, scrub_tree_end},
        {"log", "row3", scrub_tree_begin, scrub_tree_row, scrub_tree_end},
        {"log", "row4", scrub_tree_begin, scrub_tree_row, scrub_tree_end},
        {"log", "row5", scrub_tree_begin, scrub_tree_row, scrub_tree_end},
        {"log", "row6", scrub_tree_begin, scrub_tree_row, scrub_tree_end},
        {"log", "row7", scrub_tree_begin, scrub_tree_row, scrub_tree_end},
        {"log", "cp", NULL, scrub_checkpoint, NULL},
        {"log", NULL, NULL, checked_row, NULL},
        {"keys", NULL, NULL, checked_row, NULL},
        {"views", NULL, NULL, checked_row, NULL},
        {"index", "block", NULL, scrub_index_block, NULL},
        {"index", "run", NULL, scrub_index_run, NULL},
        {"index", "filter", scrub_index_filter_begin, scrub_index_filter, NULL},
        {"index", NULL, NULL, checked_row, NULL},
};

static const struct scrub_rule *rule_of(const struct scrub *s, const char *table)
{
    for (size_t i = 0; i < MR_COUNT(rules); i++)
        if (is_of(s, rules[i].environment) && (!rules[i].table || strcmp(rules[i].table, table) == 0))
            return &rules[i];
    return NULL;
}

int scrub_pair_open(struct scrub *s, const char *table, uint64_t index)
{
    uint8_t key[NUMBER_BYTES];
    int r = mr_kv_pages_cursor_open(&s->pair.cursor, s->tree, table);

    s->pair.have = false;
    if (r == MR_ENOTFOUND)
        return 0;
    if (r < 0)
        return r;
    mr_put_be64(key, index);
    s->quiet = true;
    r = mr_kv_pages_cursor_seek(s->pair.cursor, mr_slice(key, sizeof key));
    s->quiet = false;
    return r;
}

void scrub_pair_close(struct scrub *s)
{
    mr_kv_pages_cursor_close(s->pair.cursor);
    s->pair = (struct scrub_pair){0};
}

bool scrub_pair_row(struct scrub *s, uint64_t index, struct mr_slice *ret)
{
    struct scrub_pair *pair = &s->pair;

    s->quiet = true;
    while (pair->cursor && (!pair->have || mr_get_be64(pair->key.data) < index)) {
        pair->have = mr_kv_pages_cursor_next(pair->cursor, &pair->key, &pair->value) == 0;
        if (pair->have && pair->key.size == NUMBER_BYTES)
            continue;
        pair->have = false;
        break;
    }
    s->quiet = false;
    if (!pair->have || mr_get_be64(pair->key.data) != index)
        return false;
    *ret = pair->value;
    return true;
}

static void remember(struct mr_scrub_place *place, const char *table, struct mr_slice key)
{
    (void)snprintf(place->table, sizeof place->table, "%s", table);
    place->key_size = key.size;
    memcpy(place->key, key.data, key.size);
}

/* Rows from the cursor on, at most *left. 1: the place says where to go on. */
static int read_rows(struct scrub *s, const struct scrub_rule *rule, struct mr_kv_pages_cursor *cursor,
        struct mr_scrub_place *place, uint64_t *left)
{
    struct mr_slice key, value;
    int r;

    while ((r = mr_kv_pages_cursor_next(cursor, &key, &value)) == 0) {
        if (place && *left == 0) {
            remember(place, s->table, key);
            return 1;
        }
        *left -= 1;
        s->row++;
        if (++s->counts->rows % TICK_ROWS == 0)
            mr_tick(s->options->tick, s->environment, s->counts->rows, 0);
        if (rule && rule->row && (r = rule->row(s, key, value)) < 0)
            return r;
        s->lost = false;
    }
    return r == MR_ENOTFOUND ? 0 : r;
}

static int one_table(struct scrub *s, const char *table, struct mr_scrub_place *place, uint64_t *left)
{
    const struct scrub_rule *rule = rule_of(s, table);
    struct mr_kv_pages_cursor *cursor;
    struct mr_slice from = {0};
    uint64_t index = 0;
    int r = mr_kv_pages_cursor_open(&cursor, s->pages, table);

    if (r < 0)
        return r;
    s->table = table;
    s->row = 0;
    s->lost = false;
    if (place && place->key_size) {
        from = mr_slice(place->key, place->key_size);
        index = place->key_size == NUMBER_BYTES ? mr_get_be64(place->key) : 0;
    }
    if (place)
        r = mr_kv_pages_cursor_seek(cursor, from);
    if (r == 0 && rule && rule->begin)
        r = rule->begin(s, index);
    if (r == 0)
        r = read_rows(s, rule, cursor, place, left);
    if (r == 0 && rule && rule->end)
        rule->end(s);
    scrub_pair_close(s);
    mr_kv_pages_cursor_close(cursor);
    return r;
}

/* ---- an environment ---- */

static void ignore(void *ctx, const struct mr_kv_damage *damage)
{
    (void)ctx;
    (void)damage;
}

int scrub_open(struct scrub **ret, const struct mr_scrub_options *options, struct mr_scrub_counts *counts,
        struct mr_error *reterr)
{
    struct scrub *s = calloc(1, sizeof *s);
    int r;

    if (!s)
        return MR_ENOMEM;
    s->options = options;
    s->counts = counts;
    s->table = "";
    s->environment = options->environment;
    r = mr_kv_pages_open(&s->pages, options->dir, options->kv, on_damage, s, reterr);
    if (r < 0) {
        free(s);
        return r;
    }
    if (options->tree && (r = mr_kv_pages_open(&s->own_tree, "", options->tree, ignore, NULL, reterr)) < 0) {
        mr_kv_pages_close(s->pages);
        free(s);
        return r;
    }
    s->tree = s->own_tree ? s->own_tree : s->pages;
    *ret = s;
    return 0;
}

void scrub_close(struct scrub *s)
{
    mr_kv_pages_close(s->own_tree);
    free(s->segments);
    s->counts->pages += mr_kv_pages_read(s->pages);
    mr_kv_pages_close(s->pages);
    free(s);
}

int scrub_tables(struct scrub *s)
{
    uint64_t left = UINT64_MAX;
    int r = 0;

    s->whole = true;
    for (size_t i = 0; i < mr_kv_pages_tables(s->pages) && r == 0; i++)
        r = one_table(s, mr_kv_pages_table(s->pages, i), NULL, &left);
    s->table = "";
    return r < 0 ? r : mr_kv_pages_free_list(s->pages);
}

static int cannot(const char *dir, int r, struct mr_error *reterr)
{
    return mr_error_set(reterr, r, dir, "look at the disk", "cannot be read: %s", mr_err_text(r));
}

int mr_scrub(const struct mr_scrub_options *options, struct mr_scrub_counts *counts, struct mr_error *reterr)
{
    struct scrub *s;
    int r = scrub_open(&s, options, counts, reterr);

    if (r < 0)
        return r;
    r = scrub_segments_list(s);
    if (r == 0)
        r = scrub_tables(s);
    if (r == 0)
        r = scrub_segments(s, reterr);
    mr_tick(options->tick, options->environment, counts->rows, 0);
    scrub_close(s);
    return r < 0 ? cannot(options->dir, r, reterr) : 0;
}

int mr_scrub_some(const struct mr_scrub_options *options, struct mr_scrub_place *place, uint64_t rows_max,
        struct mr_scrub_counts *counts, struct mr_error *reterr)
{
    bool found = place->table[0] == '\0';
    struct scrub *s;
    int r = scrub_open(&s, options, counts, reterr);

    if (r < 0)
        return r;
    for (size_t i = 0; i < mr_kv_pages_tables(s->pages) && r == 0; i++) {
        const char *table = mr_kv_pages_table(s->pages, i);

        if (!found && strcmp(table, place->table) != 0)
            continue;
        if (found)
            place->key_size = 0;
        found = true;
        r = one_table(s, table, place, &rows_max);
    }
    if (r == 0)
        *place = (struct mr_scrub_place){0};
    scrub_close(s);
    return r < 0 ? cannot(options->dir, r, reterr) : r;
}
