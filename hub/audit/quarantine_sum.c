#include "hub/audit/quarantine_sum.h"

#include <stdlib.h>
#include <string.h>

#include "hub/audit/args.h"

struct sum {
    struct mr_verdict_text text;
    int64_t oldest_us;
    uint64_t count;
};

struct sums {
    struct sum *all;
    size_t count, room;
    uint64_t events;
};

static struct sum *find(struct sums *sums, const char *code)
{
    for (size_t i = 0; i < sums->count; i++)
        if (strcmp(sums->all[i].text.code, code) == 0)
            return &sums->all[i];
    return NULL;
}

static struct sum *add(struct sums *sums, const struct mr_quarantine_row *row)
{
    if (sums->count == sums->room) {
        size_t room = sums->room ? 2 * sums->room : 16;
        struct sum *all = realloc(sums->all, room * sizeof *all);

        if (!all)
            return NULL;
        sums->all = all;
        sums->room = room;
    }
    sums->all[sums->count] = (struct sum){.text = row->text, .oldest_us = row->at_us};
    return &sums->all[sums->count++];
}

static int on_row(void *ctx, uint64_t number, const struct mr_quarantine_row *row, const char *type)
{
    struct sums *sums = ctx;
    struct sum *sum = find(sums, row->text.code);

    (void)number;
    (void)type;
    if (!sum)
        sum = add(sums, row);
    if (!sum)
        return MR_ENOMEM;
    if (row->at_us < sum->oldest_us) {
        sum->oldest_us = row->at_us;
        sum->text = row->text;
    }
    sum->count++;
    sums->events++;
    return 0;
}

static int compare(const void *a, const void *b)
{
    const struct sum *x = a, *y = b;

    if (x->count != y->count)
        return x->count < y->count ? 1 : -1;
    return strcmp(x->text.code, y->text.code);
}

static json_t *codes_json(const struct sums *sums)
{
    json_t *list = json_array();

    for (size_t i = 0; list && i < sums->count; i++) {
        const struct sum *sum = &sums->all[i];
        json_t *json = json_pack("{s:s, s:s, s:s, s:I, s:o}", "code", sum->text.code, "reason",
                sum->text.reason, "cure", sum->text.cure, "count", (json_int_t)sum->count, "oldest",
                mr_time_json(sum->oldest_us));

        if (json_array_append_new(list, json) < 0) {
            json_decref(list);
            list = NULL;
        }
    }
    return list;
}

int mr_quarantine_sum(const struct mr_quarantine_choice *choice, json_t **ret)
{
    struct mr_quarantine_choice untyped = *choice;
    struct sums sums = {0};
    int r;

    untyped.untyped = true;
    r = mr_quarantine_each(&untyped, on_row, &sums);
    if (r == 0) {
        if (sums.count > 0)
            qsort(sums.all, sums.count, sizeof *sums.all, compare);
        *ret = json_pack("{s:s, s:I, s:[], s:o}", "state", choice->state, "count", (json_int_t)sums.events,
                "events", "codes", codes_json(&sums));
        r = *ret ? 0 : MR_ENOMEM;
    }
    free(sums.all);
    return r;
}
