/*
 * Records that an erasure cannot read. Whether one of them is of the person cannot be told, so their numbers
 * stand openly in the request, of the whole log; nothing derived leads to them; and when one can be read
 * again after the keys are gone, what is left of erased persons in it is emptied.
 */
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "hub/erasure/eraser_internal.h"
#include "hub/index/owed.h"
#include "proto/base/list.h"
#include "proto/base/logfmt.h"

uint64_t mr_erasure_damaged_count(const mr_erasure_request *request)
{
    uint64_t count = 0;

    for (size_t i = 0; i < request->n_damaged; i++)
        count += request->damaged[i]->last - request->damaged[i]->first + 1;
    return count;
}

bool mr_erasure_damaged_next(const mr_erasure_request *request, uint64_t *number)
{
    for (size_t i = 0; i < request->n_damaged; i++)
        if (request->damaged[i]->last > *number) {
            *number = request->damaged[i]->first > *number ? request->damaged[i]->first : *number + 1;
            return true;
        }
    return false;
}

/* ---- the list ---- */

static int compare(const void *a, const void *b)
{
    uint64_t x, y;

    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return x < y ? -1 : x > y;
}

static int add_range(struct mr_erasing *e, uint64_t number)
{
    Marshrut__Erasure__V1__Range *range = mr_arena_alloc(&e->arena, sizeof *range);

    if (!range)
        return MR_ENOMEM;
    marshrut__erasure__v1__range__init(range);
    range->first = range->last = number;
    e->request->damaged[e->request->n_damaged++] = range;
    return 0;
}

/* numbers: ascending; the same one may come twice. */
static int set_sorted(struct mr_erasing *e, const uint8_t *numbers, size_t count)
{
    mr_erasure_request *request = e->request;
    int r = 0;

    request->n_damaged = 0;
    request->damaged = mr_arena_alloc(&e->arena, (count + 1) * sizeof(void *));
    if (!request->damaged)
        return MR_ENOMEM;
    for (size_t i = 0; r == 0 && i < count; i++) {
        Marshrut__Erasure__V1__Range *last =
                request->n_damaged > 0 ? request->damaged[request->n_damaged - 1] : NULL;
        uint64_t number;

        memcpy(&number, numbers + i * sizeof number, sizeof number);
        if (last && number <= last->last + 1)
            last->last = number;
        else
            r = add_range(e, number);
    }
    return r;
}

int mr_erasure_damaged_set(struct mr_erasing *e, struct mr_slice numbers)
{
    return set_sorted(e, numbers.data, numbers.size / sizeof(uint64_t));
}

int mr_erasure_damaged_add(struct mr_erasing *e, struct mr_slice numbers)
{
    struct mr_buf all = MR_BUF_INIT;
    int r;

    for (uint64_t n = 0; mr_erasure_damaged_next(e->request, &n);)
        mr_buf_put(&all, &n, sizeof n);
    mr_buf_put_slice(&all, numbers);
    r = mr_buf_failed(&all) ? MR_ENOMEM : 0;
    if (r == 0 && all.size > 0) {
        qsort(all.data, all.size / sizeof(uint64_t), sizeof(uint64_t), compare);
        r = mr_erasure_damaged_set(e, mr_buf_slice(&all));
    }
    mr_buf_fini(&all);
    return r;
}

void mr_erasure_damaged_say(const struct mr_erasing *e)
{
    const mr_erasure_request *request = e->request;

    if (request->n_damaged > 0)
        mr_warn("erasure.damaged", "request", MR_N(request->number), "count",
                MR_N(mr_erasure_damaged_count(request)), "first", MR_N(request->damaged[0]->first), "cure",
                "stop the hub, marshrut scrub --repair-from a backup: what is mended of the person comes "
                "back "
                "empty");
}

/* ---- when they can be read again ---- */

struct finishing {
    struct mr_erasing *e;
    struct mr_record_view view;
    struct mr_buf left; /* u64 numbers: still damaged */
    struct mr_buf back; /* struct emptied */
};

struct emptied {
    uint64_t number;
    uint16_t slots; /* whose key is destroyed, and which are there */
};

static uint16_t dead_slots(const struct finishing *f)
{
    const struct mr_record *record = &f->view.record;
    uint16_t mask = 0;

    for (size_t i = 0; i < record->slots_count; i++) {
        uint8_t key_id[MR_KEY_ID_BYTES];
        struct mr_slot_key key;

        if (record->slots[i].size == 0 || mr_slot_key_id(record->slots[i], key_id) < 0)
            continue;
        if (mr_keyring_key(f->e->eraser->house->keyring, key_id, &key) == MR_EDESTROYED)
            mask |= (uint16_t)(1u << i);
        sodium_memzero(&key, sizeof key);
    }
    return mask;
}

static int look(struct finishing *f)
{
    int r = 0;

    for (uint64_t n = 0; r == 0 && mr_erasure_damaged_next(f->e->request, &n);) {
        r = mr_log_read(f->e->reader, n, &f->view, NULL);
        if (r == MR_ECORRUPT) {
            mr_buf_put(&f->left, &n, sizeof n);
            r = 0;
        } else if (r == 0) {
            struct emptied emptied = {.number = n, .slots = dead_slots(f)};

            mr_buf_put(&f->back, &emptied, sizeof emptied);
        }
    }
    return r == 0 && (mr_buf_failed(&f->left) || mr_buf_failed(&f->back)) ? MR_ENOMEM : r;
}

/* Writer thread. What is derived of them follows, too: they are indexed as any that came back. */
static int put_rows(struct mr_erasure_saying *saying, struct mr_log_batch *batch)
{
    const struct finishing *f = saying->ctx;
    int r = 0;

    for (size_t at = 0; r == 0 && at < f->back.size; at += sizeof(struct emptied)) {
        struct emptied emptied;

        memcpy(&emptied, f->back.data + at, sizeof emptied);
        if (emptied.slots)
            r = mr_erasure_strip(batch, emptied.number, emptied.slots);
        if (r == 0)
            r = mr_owed_put(batch, &(struct mr_owed){emptied.number, emptied.number});
    }
    return r;
}

static int finish(struct finishing *f)
{
    struct mr_eraser *eraser = f->e->eraser;
    struct mr_erasure_saying saying = {
            .eraser = eraser, .request = f->e->request, .rows = put_rows, .ctx = f};
    int r = look(f);

    if (r < 0 || f->back.size == 0)
        return r;
    r = mr_erasure_damaged_set(f->e, mr_buf_slice(&f->left));
    if (r == 0)
        r = mr_erasure_say(&saying, &f->e->error);
    if (r < 0)
        return r;
    mr_info("erasure.mended", "request", MR_N(f->e->request->number), "count",
            MR_N(f->back.size / sizeof(struct emptied)), "left",
            MR_N(mr_erasure_damaged_count(f->e->request)));
    if (eraser->options.strip)
        eraser->options.strip(eraser->options.ctx);
    return 0;
}

int mr_erasure_damaged_finish(struct mr_erasing *e)
{
    struct finishing *f = calloc(1, sizeof *f);
    int r;

    if (!f)
        return MR_ENOMEM;
    f->e = e;
    r = finish(f);
    mr_buf_fini(&f->left);
    mr_buf_fini(&f->back);
    free(f);
    return r;
}
