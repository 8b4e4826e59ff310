#include "hub/dedup.h"

#include <stdlib.h>
#include <string.h>

#include "proto/wire/digest.h"

#define HASH_NONFATAL_OOM            1
#define uthash_nonfatal_oom(element) ((element)->lost = true)
/* The key is a keyed digest: any four bytes of it are a good hash, and nobody outside can aim at a bucket. */
#define HASH_FUNCTION(key, size, hash) memcpy(&(hash), (key), sizeof(uint32_t))
#include <uthash.h>

struct node {
    struct mr_dedup_entry entry;
    bool lost;
    UT_hash_handle hh; /* keeps the order of insertion, that is of the numbers */
};

struct mr_dedup {
    struct mr_house *house;
    struct mr_log_reader *reader;
    struct node *tail;
};

void mr_dedup_digests(const struct mr_keyring *keyring, const char *source, const char *id,
        struct mr_slice bytes, struct mr_dedup_entry *ret)
{
    const struct mr_slice ident[] = {mr_slice_str(source), mr_slice_str(id)};

    mr_keyring_digest(keyring, "ident", ident, 2, ret->ident);
    mr_keyring_digest(keyring, "bytes", &bytes, 1, ret->digest);
}

int mr_dedup_add(struct mr_dedup *dedup, const struct mr_dedup_entry *entry)
{
    struct node *node = calloc(1, sizeof *node);

    if (!node)
        return MR_ENOMEM;
    node->entry = *entry;
    HASH_ADD(hh, dedup->tail, entry.ident, sizeof node->entry.ident, node);
    if (node->lost) {
        free(node);
        return MR_ENOMEM;
    }
    return 0;
}

static void drop(struct mr_dedup *dedup, struct node *node)
{
    HASH_DEL(dedup->tail, node);
    free(node);
}

void mr_dedup_rollback(struct mr_dedup *dedup, uint64_t from)
{
    while (dedup->tail) {
        struct node *last = ELMT_FROM_HH(dedup->tail->hh.tbl, dedup->tail->hh.tbl->tail);

        if (last->entry.number < from)
            return;
        drop(dedup, last);
    }
}

void mr_dedup_forget_indexed(struct mr_dedup *dedup)
{
    uint64_t through = mr_index_through(dedup->house->index);

    while (dedup->tail && dedup->tail->entry.number <= through)
        drop(dedup, dedup->tail);
}

size_t mr_dedup_tail(const struct mr_dedup *dedup)
{
    return HASH_COUNT(dedup->tail);
}

static void entry_of_record(const struct mr_record *record, struct mr_dedup_entry *ret)
{
    memcpy(ret->ident, record->ident, sizeof ret->ident);
    memcpy(ret->digest, record->digest, sizeof ret->digest);
    ret->number = record->number;
    mr_leaf_hash(record->leaf, ret->leaf_hash);
}

/* A damaged record is its own loss: the others are still known. */
static int load_tail(struct mr_dedup *dedup)
{
    struct mr_record_view *view = malloc(sizeof *view);
    uint64_t head = mr_log_reader_head(dedup->reader);
    int r = view ? 0 : MR_ENOMEM;

    for (uint64_t n = mr_index_through(dedup->house->index) + 1; r == 0 && n <= head; n++) {
        struct mr_dedup_entry entry;

        r = mr_log_read(dedup->reader, n, view, NULL);
        if (r == MR_ECORRUPT) {
            r = 0;
            continue;
        }
        if (r == 0) {
            entry_of_record(&view->record, &entry);
            r = mr_dedup_add(dedup, &entry);
        }
    }
    free(view);
    return r;
}

int mr_dedup_open(struct mr_dedup **ret, struct mr_house *house, struct mr_error *reterr)
{
    struct mr_dedup *dedup = calloc(1, sizeof *dedup);
    int r = dedup ? 0 : MR_ENOMEM;

    if (r == 0) {
        dedup->house = house;
        r = mr_log_reader_open(house->log, &dedup->reader);
    }
    if (r == 0)
        r = load_tail(dedup);
    if (r < 0) {
        mr_dedup_close(dedup);
        return mr_error_set(reterr, r, "log", "", "the unindexed tail cannot be read: %s", mr_err_text(r));
    }
    mr_log_reader_pause(dedup->reader);
    *ret = dedup;
    return 0;
}

void mr_dedup_close(struct mr_dedup *dedup)
{
    if (!dedup)
        return;
    mr_dedup_rollback(dedup, 0);
    if (dedup->reader)
        mr_log_reader_close(dedup->reader);
    free(dedup);
}

static int compare(struct mr_dedup_entry *entry, const struct mr_dedup_entry *first)
{
    entry->number = first->number;
    memcpy(entry->leaf_hash, first->leaf_hash, sizeof entry->leaf_hash);
    return memcmp(entry->digest, first->digest, sizeof entry->digest) == 0 ? MR_DEDUP_SAME : MR_DEDUP_OTHER;
}

static int find_in_log(struct mr_dedup *dedup, struct mr_dedup_entry *entry, uint64_t number)
{
    struct mr_record_view *view = malloc(sizeof *view);
    struct mr_dedup_entry first;
    int r = view ? mr_log_reader_renew(dedup->reader) : MR_ENOMEM;

    if (r == 0)
        r = mr_log_read(dedup->reader, number, view, NULL);
    if (r == 0) {
        entry_of_record(&view->record, &first);
        /* The index is derived: when it leads elsewhere, the log is right. */
        r = memcmp(first.ident, entry->ident, sizeof first.ident) == 0 ? compare(entry, &first) : 0;
    } else if (r == MR_ECORRUPT) {
        r = MR_DEDUP_OTHER;
    } else if (r == MR_ENOTFOUND) {
        r = 0;
    }
    mr_log_reader_pause(dedup->reader);
    free(view);
    return r;
}

int mr_dedup_find(struct mr_dedup *dedup, struct mr_dedup_entry *entry)
{
    struct node *node;
    uint64_t number;
    int r;

    HASH_FIND(hh, dedup->tail, entry->ident, sizeof entry->ident, node);
    if (node)
        return compare(entry, &node->entry);
    r = mr_index_find(dedup->house->index, MR_INDEX_IDENT, entry->ident, 0, &number, 1);
    return r <= 0 ? r : find_in_log(dedup, entry, number);
}
