#include "hub/index/index_notes.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "hub/index/index_inside.h"
#include "hub/index/index_keys.h"
#include "hub/project/fact_view.h"
#include "proto/base/bytes.h"
#include "proto/base/list.h"

/*
 * A note: u64 number, u32 bytes that follow, items. An item: u8 1, what the index takes of a record's head:
 * ident, key of the type, u16 system, u16 subscriptions, u16 each; or u8 2, u8 kind, u16 bytes, text to be
 * digested; or u8 3, row key, u32 bytes, value.
 */
enum { HEAD_BYTES = 12, ITEM_RECORD = 1, ITEM_TEXT = 2, ITEM_ROW = 3 };
enum {
    RECORD_BYTES = MR_RECORD_IDENT_BYTES + MR_INDEX_KEY_BYTES + 4,
    TEXT_HEAD_BYTES = 3,
    ROW_HEAD_BYTES = MR_FACT_ROW_KEY_BYTES + 4
};

/* The notes of one batch. */
struct chunk {
    struct mr_list link;
    struct mr_buf bytes;
};

struct mr_index_notes {
    pthread_mutex_t lock;
    struct mr_list chunks; /* under the lock, as the next */
    size_t bytes;

    struct mr_buf batch; /* prepare's from here on */
    size_t last_size;    /* of the batch before */
    bool full;           /* there is no room: nothing is noted */
    struct mr_facts_plan plan;
    struct {
        bool made;
        uint8_t key[MR_INDEX_KEY_BYTES];
    } types[MR_FACTS_TYPES_MAX]; /* as in the registry */

    struct chunk *taken; /* the indexer's from here on */
    struct mr_slice rest;
};

int mr_index_notes_new(struct mr_index_notes **ret)
{
    struct mr_index_notes *notes = calloc(1, sizeof *notes);

    if (!notes)
        return MR_ENOMEM;
    (void)pthread_mutex_init(&notes->lock, NULL);
    mr_list_init(&notes->chunks);
    mr_facts_plan_init(&notes->plan);
    *ret = notes;
    return 0;
}

static void free_chunk(struct chunk *chunk)
{
    if (!chunk)
        return;
    mr_buf_fini(&chunk->bytes);
    free(chunk);
}

void mr_index_notes_free(struct mr_index_notes *notes)
{
    struct mr_list *link;

    if (!notes)
        return;
    while ((link = mr_list_pop_front(&notes->chunks)))
        free_chunk(MR_CONTAINER(link, struct chunk, link));
    free_chunk(notes->taken);
    mr_buf_fini(&notes->batch);
    (void)pthread_mutex_destroy(&notes->lock);
    free(notes);
}

/* ---- prepare ---- */

void mr_index_notes_begin(struct mr_index_notes *notes)
{
    if (!notes)
        return;
    (void)pthread_mutex_lock(&notes->lock);
    notes->full = notes->bytes + notes->last_size > MR_INDEX_NOTES_BYTES_MAX;
    (void)pthread_mutex_unlock(&notes->lock);
    mr_buf_reset(&notes->batch);
    if (!notes->full && notes->last_size > 0)
        (void)mr_buf_reserve(&notes->batch, notes->last_size);
}

/* An annulment is judged by the configuration of the time at which it is indexed: that is left to the
 * indexer. */
static bool can_be_noted(const struct mr_record *record, const struct mr_event *event)
{
    enum { OTHERS = MR_RECORD_SEALED | MR_RECORD_QUARANTINED | MR_RECORD_HUB };

    return !(record->flags & OTHERS) && record->slots_count == 0 && event->persons_count == 0 &&
           event->type && !(event->type->flags & (MR_TYPE_ANNULS | MR_TYPE_HUB));
}

static const uint8_t *key_of_type(struct mr_index_notes *notes, const struct mr_event_type *type)
{
    size_t i = (size_t)(type - mr_registry_at(0));

    if (!notes->types[i].made)
        mr_index_key_type(type->name, notes->types[i].key);
    notes->types[i].made = true;
    return notes->types[i].key;
}

static uint8_t *put_bytes(uint8_t *at, const void *bytes, size_t size)
{
    memcpy(at, bytes, size);
    return at + size;
}

static uint8_t *put_be16(uint8_t *at, uint16_t value)
{
    mr_put_be16(at, value);
    return at + 2;
}

static uint8_t *put_record(struct mr_index_notes *notes, uint8_t *at, const struct mr_record *record,
        const struct mr_event *event)
{
    *at++ = ITEM_RECORD;
    at = put_bytes(at, record->ident, MR_RECORD_IDENT_BYTES);
    at = put_bytes(at, key_of_type(notes, event->type), MR_INDEX_KEY_BYTES);
    at = put_be16(at, record->system);
    at = put_be16(at, (uint16_t)record->subs_count);
    for (size_t i = 0; i < record->subs_count; i++)
        at = put_be16(at, record->subs[i]);
    return at;
}

static uint8_t *put_texts(uint8_t *at, const struct mr_index_texts *texts)
{
    for (size_t i = 0; i < texts->count; i++) {
        const struct mr_index_text *item = &texts->items[i];

        *at++ = ITEM_TEXT;
        *at++ = (uint8_t)item->kind;
        at = put_be16(at, (uint16_t)item->text.size);
        at = put_bytes(at, item->text.data, item->text.size);
    }
    return at;
}

/* Room for all of it once, then no more looking. */
static void put_entries(
        struct mr_index_notes *notes, const struct mr_record *record, const struct mr_event *event)
{
    size_t size = HEAD_BYTES + 1 + RECORD_BYTES + 2 * record->subs_count;
    struct mr_index_texts texts;
    uint8_t *start, *at;

    mr_index_texts_of(event, /* waits= */ false, &texts);
    for (size_t i = 0; i < texts.count; i++)
        size += 1 + TEXT_HEAD_BYTES + texts.items[i].text.size;
    start = mr_buf_reserve(&notes->batch, size);
    if (!start)
        return;
    mr_put_be64(start, record->number);
    at = put_record(notes, start + HEAD_BYTES, record, event);
    at = put_texts(at, &texts);
    assert((size_t)(at - start) == size);
    notes->batch.size += size;
}

/* The value is written behind its head, and then it is known how long it is. */
static int put_row(void *ctx, const struct mr_fact *fact)
{
    struct mr_buf *out = &((struct mr_index_notes *)ctx)->batch;
    size_t start = out->size, value = start + 1 + ROW_HEAD_BYTES;
    int r;

    if (!mr_buf_reserve(out, 1 + ROW_HEAD_BYTES))
        return MR_ENOMEM;
    out->data[start] = ITEM_ROW;
    mr_fact_row_key(fact, out->data + start + 1);
    out->size = value;
    r = mr_fact_open_row(fact, out);
    if (r == 0)
        mr_put_be32(out->data + value - 4, (uint32_t)(out->size - value));
    return r;
}

void mr_index_notes_add(struct mr_index_notes *notes, const struct mr_house *house,
        const struct mr_record *record, const struct mr_event *event)
{
    size_t start;

    if (!notes || notes->full || !can_be_noted(record, event))
        return;
    start = notes->batch.size;
    put_entries(notes, record, event);
    /* No memory: the batch is dropped as a whole. */
    if (mr_buf_failed(&notes->batch) ||
            mr_facts_of_nobody(house, record, event, &notes->plan, put_row, notes) < 0)
        return;
    mr_put_be32(notes->batch.data + start + 8, (uint32_t)(notes->batch.size - start - HEAD_BYTES));
}

/* Under the lock. */
static bool hand_over(struct mr_index_notes *notes)
{
    struct chunk *chunk;

    if (notes->bytes + notes->batch.capacity > MR_INDEX_NOTES_BYTES_MAX)
        return false;
    chunk = calloc(1, sizeof *chunk);
    if (!chunk)
        return false;
    mr_list_init(&chunk->link);
    chunk->bytes = notes->batch;
    notes->bytes += chunk->bytes.capacity;
    mr_list_push_back(&notes->chunks, &chunk->link);
    return true;
}

/* A little more, and not more than there can be room for: else one large batch would be the last one that is
 * noted. */
static size_t expected_after(size_t size)
{
    size += size / 8;
    return size < MR_INDEX_NOTES_BYTES_MAX ? size : MR_INDEX_NOTES_BYTES_MAX;
}

void mr_index_notes_end(struct mr_index_notes *notes, bool given)
{
    bool gone = false;

    if (!notes)
        return;
    if (given && notes->batch.size > 0 && !mr_buf_failed(&notes->batch)) {
        (void)pthread_mutex_lock(&notes->lock);
        gone = hand_over(notes);
        (void)pthread_mutex_unlock(&notes->lock);
    }
    if (notes->batch.size > 0)
        notes->last_size = expected_after(notes->batch.size);
    if (gone)
        notes->batch = MR_BUF_INIT;
    else
        mr_buf_fini(&notes->batch);
}

/* ---- the indexer ---- */

static bool next_chunk(struct mr_index_notes *notes)
{
    struct mr_list *link;

    free_chunk(notes->taken);
    notes->taken = NULL;
    notes->rest = (struct mr_slice){0};
    (void)pthread_mutex_lock(&notes->lock);
    link = mr_list_pop_front(&notes->chunks);
    if (link) {
        notes->taken = MR_CONTAINER(link, struct chunk, link);
        notes->rest = mr_buf_slice(&notes->taken->bytes);
        notes->bytes -= notes->taken->bytes.capacity;
    }
    (void)pthread_mutex_unlock(&notes->lock);
    return notes->taken != NULL;
}

bool mr_index_notes_take(struct mr_index_notes *notes, uint64_t number, struct mr_slice *ret)
{
    if (!notes)
        return false;
    while (notes->rest.size > 0 || next_chunk(notes)) {
        uint64_t noted = mr_get_be64(notes->rest.data);
        size_t size = mr_get_be32(notes->rest.data + 8);

        assert(HEAD_BYTES + size <= notes->rest.size);
        if (noted > number)
            return false;
        *ret = mr_slice(notes->rest.data + HEAD_BYTES, size);
        notes->rest = mr_slice(ret->data + size, notes->rest.size - HEAD_BYTES - size);
        if (noted == number)
            return true;
    }
    return false;
}

enum { TEXTS_TOGETHER = 64 };

/* What is written of notes that follow each other in one chunk; their texts are digested together. */
struct writing {
    const struct mr_keyring *keyring;
    struct mr_index_batch *index;
    struct mr_view_batch *view;
    uint64_t number;
    struct mr_slice rest;    /* of its items */
    struct mr_record record; /* what mr_index_head() reads of it */
    uint16_t subs[MR_RECORD_SUBS_MAX];
    struct mr_digest_order orders[TEXTS_TOGETHER];
    enum mr_index_kind kinds[TEXTS_TOGETHER];
    uint64_t numbers[TEXTS_TOGETHER];
    uint8_t keys[TEXTS_TOGETHER][MR_INDEX_KEY_BYTES];
    size_t count;
};

static const uint8_t *take_bytes(struct writing *w, size_t size)
{
    const uint8_t *at = w->rest.data;

    assert(w->rest.size >= size);
    w->rest = mr_slice(at + size, w->rest.size - size);
    return at;
}

static int write_texts(struct writing *w)
{
    int r = 0;

    mr_keyring_digests(w->keyring, w->orders, w->count);
    for (size_t i = 0; r == 0 && i < w->count; i++)
        r = mr_index_batch_put(w->index, w->kinds[i], w->keys[i], w->numbers[i]);
    w->count = 0;
    return r;
}

static int put_entry(void *ctx, enum mr_index_kind kind, const uint8_t key[static MR_INDEX_KEY_BYTES])
{
    struct writing *w = ctx;

    return mr_index_batch_put(w->index, kind, key, w->number);
}

static int write_record(struct writing *w)
{
    const uint8_t *at = take_bytes(w, RECORD_BYTES), *type_key = at + MR_RECORD_IDENT_BYTES,
                  *counts = type_key + MR_INDEX_KEY_BYTES, *subs;

    memcpy(w->record.ident, at, sizeof w->record.ident);
    w->record.system = mr_get_be16(counts);
    w->record.subs_count = mr_get_be16(counts + 2);
    assert(w->record.subs_count <= MR_COUNT(w->subs));
    subs = take_bytes(w, 2 * w->record.subs_count);
    for (size_t i = 0; i < w->record.subs_count; i++)
        w->subs[i] = mr_get_be16(subs + 2 * i);
    return mr_index_head(&w->record, type_key, put_entry, w);
}

static int gather_text(struct writing *w)
{
    const uint8_t *at = take_bytes(w, TEXT_HEAD_BYTES);
    size_t size = mr_get_be16(at + 1), i = w->count++;

    w->kinds[i] = (enum mr_index_kind)at[0];
    w->numbers[i] = w->number;
    w->orders[i] = (struct mr_digest_order){.tag = mr_index_key_tag(w->kinds[i]),
            .parts = {mr_slice(take_bytes(w, size), size)},
            .count = 1,
            .ret = w->keys[i]};
    return w->count == TEXTS_TOGETHER ? write_texts(w) : 0;
}

static int write_row(struct writing *w)
{
    const uint8_t *at = take_bytes(w, ROW_HEAD_BYTES);
    size_t size = mr_get_be32(at + MR_FACT_ROW_KEY_BYTES);

    return mr_view_batch_put(
            w->view, MR_VIEW_FACT, mr_slice(at, MR_FACT_ROW_KEY_BYTES), mr_slice(take_bytes(w, size), size));
}

static int write_note(struct writing *w)
{
    static int (*const writers[])(struct writing *) = {
            [ITEM_RECORD] = write_record, [ITEM_TEXT] = gather_text, [ITEM_ROW] = write_row};
    int r = 0;

    while (r == 0 && w->rest.size > 0) {
        uint8_t what = *take_bytes(w, 1);

        assert(what < MR_COUNT(writers) && writers[what]);
        r = writers[what](w);
    }
    return r;
}

int mr_index_notes_write(struct mr_index_notes *notes, uint64_t *next, uint64_t last,
        const struct mr_keyring *keyring, struct mr_index_batch *index, struct mr_view_batch *view)
{
    struct writing w;
    int r = 0;

    w.record = (struct mr_record){.subs = w.subs};
    w.keyring = keyring;
    w.index = index;
    w.view = view;
    w.count = 0;
    /* Texts are in the chunk: what is gathered is written before the next one is taken. */
    while (r == 0 && *next <= last && mr_index_notes_take(notes, *next, &w.rest)) {
        w.number = (*next)++;
        r = write_note(&w);
        if (r == 0 && notes->rest.size == 0)
            r = write_texts(&w);
    }
    return r < 0 ? r : write_texts(&w);
}
