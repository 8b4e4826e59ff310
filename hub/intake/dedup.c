#include "hub/intake/dedup.h"

#include <stdlib.h>
#include <string.h>

#include "hub/intake/known.h"
#include "hub/intake/prepare.h"
#include "proto/wire/digest.h"

struct mr_dedup {
    struct mr_house *house;
    struct mr_log_reader *reader;
    struct mr_index_reader *index;
    bool index_open; /* its snapshot is held, until mr_dedup_pause() */
    struct mr_known tail;
};

void mr_dedup_ident(const struct mr_keyring *keyring, const char *source, const char *id,
        uint8_t ret[static MR_RECORD_IDENT_BYTES])
{
    const struct mr_slice ident[] = {mr_slice_str(source), mr_slice_str(id)};

    mr_keyring_digest(keyring, "ident", ident, 2, ret);
}

void mr_dedup_bytes(
        const struct mr_keyring *keyring, struct mr_slice bytes, uint8_t ret[static MR_RECORD_DIGEST_BYTES])
{
    uint8_t digest[16];

    mr_keyring_digest(keyring, "bytes", &bytes, 1, digest);
    memcpy(ret, digest, MR_RECORD_DIGEST_BYTES);
}

void mr_dedup_digests(const struct mr_keyring *keyring, const char *source, const char *id,
        struct mr_slice bytes, struct mr_dedup_entry *ret)
{
    mr_dedup_ident(keyring, source, id, ret->ident);
    mr_dedup_bytes(keyring, bytes, ret->digest);
}

void mr_dedup_foresee(const struct mr_dedup *dedup, const uint8_t ident[static MR_RECORD_IDENT_BYTES])
{
    mr_known_foresee(&dedup->tail, ident);
}

void mr_dedup_expect(const struct mr_dedup *dedup, const uint8_t ident[static MR_RECORD_IDENT_BYTES])
{
    mr_known_expect(&dedup->tail, ident);
    if (dedup->index_open)
        mr_index_reader_expect(dedup->index, ident);
}

int mr_dedup_add(struct mr_dedup *dedup, const struct mr_dedup_entry *entry)
{
    return mr_known_add(&dedup->tail, entry);
}

void mr_dedup_hashed(struct mr_dedup *dedup, uint64_t number, const uint8_t leaf_hash[static 32])
{
    mr_known_hashed(&dedup->tail, number, leaf_hash);
}

void mr_dedup_rollback(struct mr_dedup *dedup, uint64_t from)
{
    mr_known_rollback(&dedup->tail, from);
}

static int open_index(struct mr_dedup *dedup)
{
    int r = dedup->index_open ? 0 : mr_index_reader_renew(dedup->index);

    dedup->index_open |= r == 0;
    return r;
}

/* By the snapshot that answers from here on: what it does not hold stays in memory. */
int mr_dedup_forget_indexed(struct mr_dedup *dedup)
{
    int r;

    mr_dedup_pause(dedup);
    r = open_index(dedup);
    if (r == 0)
        mr_known_forget(&dedup->tail, mr_index_reader_through(dedup->index));
    return r;
}

void mr_dedup_pause(struct mr_dedup *dedup)
{
    if (dedup->index_open)
        mr_index_reader_pause(dedup->index);
    dedup->index_open = false;
}

size_t mr_dedup_tail(const struct mr_dedup *dedup)
{
    return mr_known_count(&dedup->tail);
}

/* The hash of the leaf is the tree's: a leaf that has expired is not there any more. */
static int entry_of_record(
        struct mr_log_reader *reader, const struct mr_record *record, struct mr_dedup_entry *ret)
{
    memcpy(ret->ident, record->ident, sizeof ret->ident);
    memcpy(ret->digest, record->digest, sizeof ret->digest);
    ret->number = record->number;
    ret->quarantined = record->flags & MR_RECORD_QUARANTINED;
    ret->erased = record->flags & MR_RECORD_STRIPPED && !ret->quarantined;
    return mr_log_leaf_hash(reader, record->number, ret->leaf_hash);
}

/* A damaged record is its own loss: the others are still known. */
static int load_tail(struct mr_dedup *dedup)
{
    struct mr_record_view *view = malloc(sizeof *view);
    uint64_t head = mr_log_reader_head(dedup->reader);
    int r = view ? 0 : MR_ENOMEM;

    for (uint64_t n = mr_index_reader_through(dedup->index) + 1; r == 0 && n <= head; n++) {
        struct mr_dedup_entry entry = {0};

        r = mr_log_read(dedup->reader, n, view, NULL);
        if (r == MR_ECORRUPT) {
            r = 0;
            continue;
        }
        if (r == 0) {
            r = entry_of_record(dedup->reader, &view->record, &entry);
            r = r < 0 ? r : mr_dedup_add(dedup, &entry);
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
        mr_known_init(&dedup->tail);
        r = mr_index_reader_open(house->index, &dedup->index);
        dedup->index_open = r == 0;
    }
    if (r == 0) /* after the index: what that has, this has */
        r = mr_log_reader_open(house->log, &dedup->reader);
    if (r == 0)
        r = load_tail(dedup);
    if (r < 0) {
        mr_dedup_close(dedup);
        return mr_error_set(reterr, r, "log", "", "the unindexed tail cannot be read: %s", mr_err_text(r));
    }
    mr_log_reader_pause(dedup->reader);
    mr_dedup_pause(dedup);
    *ret = dedup;
    return 0;
}

void mr_dedup_close(struct mr_dedup *dedup)
{
    if (!dedup)
        return;
    mr_known_fini(&dedup->tail);
    if (dedup->reader)
        mr_log_reader_close(dedup->reader);
    mr_index_reader_close(dedup->index);
    free(dedup);
}

static int compare(struct mr_dedup_entry *entry, const struct mr_dedup_entry *newest)
{
    entry->number = newest->number;
    entry->quarantined = newest->quarantined;
    entry->erased = newest->erased;
    memcpy(entry->leaf_hash, newest->leaf_hash, sizeof entry->leaf_hash);
    return memcmp(entry->digest, newest->digest, sizeof entry->digest) == 0 ? MR_DEDUP_SAME : MR_DEDUP_OTHER;
}

/* MR_ENOTFOUND: what the index led to is not of this identity. It is derived: the log is right. */
static int find_in_log(struct mr_dedup *dedup, struct mr_dedup_entry *entry, uint64_t number)
{
    struct mr_record_view *view = malloc(sizeof *view);
    struct mr_dedup_entry newest = {0};
    int r = view ? mr_log_reader_renew(dedup->reader) : MR_ENOMEM;

    if (r == 0)
        r = mr_log_read(dedup->reader, number, view, NULL);
    if (r == 0)
        r = entry_of_record(dedup->reader, &view->record, &newest);
    if (r == 0) {
        r = memcmp(newest.ident, entry->ident, sizeof newest.ident) == 0 ? compare(entry, &newest)
                                                                         : MR_ENOTFOUND;
    } else if (r == MR_ECORRUPT) {
        r = MR_DEDUP_OTHER;
    }
    mr_log_reader_pause(dedup->reader);
    free(view);
    return r;
}

/* Its row says it. One that has none yet is on its way to the log, and waits. */
static int look_waits(struct mr_dedup *dedup, struct mr_dedup_entry *entry)
{
    uint8_t key[MR_QUARANTINE_KEY_BYTES];
    struct mr_quarantine_row row;
    struct mr_slice value;
    int r = mr_log_reader_renew(dedup->reader);

    if (r < 0)
        return r;
    r = mr_log_row(dedup->reader, MR_LOG_QUARANTINE, mr_number_key(entry->number, key), &value);
    entry->waits = r == MR_ENOTFOUND || (r == 0 && mr_quarantine_row_decode(&row, value) == 0 &&
                                                row.state == MR_QUARANTINE_WAITING);
    mr_log_reader_pause(dedup->reader);
    return r == MR_ENOTFOUND ? 0 : r;
}

static int find(struct mr_dedup *dedup, struct mr_dedup_entry *entry)
{
    const struct mr_dedup_entry *known = mr_known_find(&dedup->tail, entry->ident);
    uint64_t number = UINT64_MAX;
    int r, found = MR_ENOTFOUND;

    if (known)
        return compare(entry, known);
    r = open_index(dedup);
    while (r == 0 && found == MR_ENOTFOUND) {
        r = mr_index_reader_find_last(dedup->index, MR_INDEX_IDENT, entry->ident, number, &number, 1);
        if (r <= 0)
            return r;
        found = find_in_log(dedup, entry, number);
        r = 0;
    }
    return r < 0 ? r : found;
}

int mr_dedup_find(struct mr_dedup *dedup, struct mr_dedup_entry *entry)
{
    int r, found;

    entry->quarantined = entry->waits = entry->erased = false;
    found = find(dedup, entry);
    r = found > 0 && entry->quarantined ? look_waits(dedup, entry) : 0;
    return r < 0 ? r : found;
}
