/* Records, the tree over them, and checkpoints over the tree. */
#include <string.h>

#include "proto/base/bytes.h"
#include "store/checkpoint.h"
#include "store/scrub_internal.h"

enum { NUMBER_BYTES = 8, TILE = 256, TILE_HEIGHT = 8 };

static unsigned long long n_of(uint64_t number)
{
    return (unsigned long long)number;
}

/* ---- records ---- */

int scrub_records_begin(struct scrub *s, uint64_t number)
{
    if (s->next == 0)
        s->next = number;
    for (size_t i = 0; s->whole && s->segment_last == 0 && i < s->segments_count; i++)
        s->next =
                s->segments[i].last + 1; /* the first that must be here; it may have copies of those before */
    if (s->whole && s->next == 0)
        s->next = 1;
    s->recorded_us = INT64_MIN;
    return scrub_pair_open(s, "row0", number > 0 ? number - 1 : 0);
}

static void check_keys(struct scrub *s)
{
    const struct mr_record *record = &s->view.record;

    for (size_t i = 0; s->options->keyring && i < record->slots_count; i++) {
        uint8_t key_id[MR_KEY_ID_BYTES];

        if (record->slots[i].size == 0)
            continue; /* emptied: its person was erased */
        if (mr_slot_key_id(record->slots[i], key_id) < 0)
            scrub_tell(s, record->number, record->number, "record %llu: slot %zu is none",
                    n_of(record->number), i);
        else if (mr_keyring_knows(s->options->keyring, key_id) == MR_ENOTFOUND)
            scrub_tell(s, record->number, record->number,
                    "record %llu: the key of slot %zu was never in keys/: log/ and keys/ are not of one "
                    "backup",
                    n_of(record->number), i);
    }
}

static void check_leaf(struct scrub *s)
{
    const struct mr_record *record = &s->view.record;
    uint8_t leaf[MR_MERKLE_BYTES];
    struct mr_slice row;

    if (record->flags & MR_RECORD_EXPIRED || !scrub_pair_row(s, record->number - 1, &row))
        return; /* nothing to hash, or the tree's own damage */
    mr_merkle_leaf(record->leaf, leaf);
    if (!mr_slice_equal(row, mr_slice(leaf, sizeof leaf)))
        scrub_tell(s, record->number, record->number, "record %llu: its leaf is not the one in the tree",
                n_of(record->number));
}

/* A record of the growing environment that is in a segment too: it is on its way, and counted there. */
static bool is_copy(const struct scrub *s, uint64_t number)
{
    return s->whole && s->segment_last == 0 && s->segments_count > 0 &&
           number <= s->segments[s->segments_count - 1].last;
}

int scrub_record(struct scrub *s, struct mr_slice key, struct mr_slice value)
{
    struct mr_error error = {0};
    uint64_t number = key.size == NUMBER_BYTES ? mr_get_be64(key.data) : 0;

    s->counts->records += !is_copy(s, number);
    if (number == 0) {
        scrub_tell(s, 0, 0, "row %llu: its key is no number", n_of(s->row));
        return 0;
    }
    if (s->next > 0 && number > s->next && !s->lost)
        scrub_tell(
                s, s->next, number - 1, "records %llu to %llu are missing", n_of(s->next), n_of(number - 1));
    s->next = number + 1;
    if (mr_record_decode(&s->view, number, value, &error) < 0) {
        scrub_tell(s, number, number, "record %llu: %s", n_of(number), error.what);
        return 0;
    }
    if (s->view.record.recorded_us < s->recorded_us)
        scrub_tell(s, number, number, "record %llu: recorded before the one in front of it", n_of(number));
    s->recorded_us = s->view.record.recorded_us;
    check_leaf(s);
    check_keys(s);
    return 0;
}

/* The tree says how many records there are. */
void scrub_records_end(struct scrub *s)
{
    uint64_t last = s->next > 0 ? s->next - 1 : 0, more = last;
    struct mr_slice row;

    if (s->segment_last > last && !s->lost)
        scrub_tell(s, last + 1, s->segment_last, "records %llu to %llu are missing at the end",
                n_of(last + 1), n_of(s->segment_last));
    if (s->segment_last > 0)
        return;
    while (!s->lost && scrub_pair_row(s, more, &row))
        more++;
    if (more > last)
        scrub_tell(
                s, last + 1, more, "records %llu to %llu are missing at the end", n_of(last + 1), n_of(more));
}

/* ---- the tree ---- */

static unsigned level_of(const struct scrub *s)
{
    return (unsigned)(s->table[3] - '0');
}

int scrub_tree_begin(struct scrub *s, uint64_t index)
{
    char below[] = "row0";

    s->next = index;
    s->range.size = 0;
    s->range_broken = false;
    if (level_of(s) == 0)
        return s->whole ? scrub_pair_open(s, "cp", 0) : 0;
    below[3] = (char)('0' + level_of(s) - 1);
    return scrub_pair_open(s, below, index * TILE);
}

/* The hash over 256 rows of the level below; false: one of them is not there, which is told there. */
static bool hash_below(struct scrub *s, uint64_t index, uint8_t ret[static MR_MERKLE_BYTES])
{
    struct mr_merkle_range range;
    struct mr_slice row;

    range.size = 0;
    for (uint64_t i = index * TILE; i < (index + 1) * TILE; i++)
        if (!scrub_pair_row(s, i, &row) || row.size != MR_MERKLE_BYTES ||
                mr_merkle_append(&range, row.data, NULL, NULL) < 0)
            return false;
    mr_merkle_range_root(&range, ret);
    return true;
}

static void check_note(struct scrub *s, uint64_t size, struct mr_slice bytes, const uint8_t *root)
{
    struct mr_checkpoint checkpoint;
    struct mr_note note;
    int r = mr_note_parse(&note, bytes, NULL);

    if (r == 0)
        r = mr_checkpoint_parse(&checkpoint, note.text, NULL);
    if (r < 0 || checkpoint.size != size)
        scrub_tell(s, 0, 0, "checkpoint of size %llu: it is none", n_of(size));
    else if (root && memcmp(root, checkpoint.root, MR_MERKLE_BYTES) != 0)
        scrub_tell(s, 0, 0, "checkpoint of size %llu: the tree has another root", n_of(size));
}

/* Leaf by leaf the root of every size comes by; checkpoints of that size are held against it. */
static void grow(struct scrub *s, struct mr_slice value)
{
    uint8_t root[MR_MERKLE_BYTES];
    struct mr_slice note;

    if (s->range_broken || !s->whole)
        return;
    (void)mr_merkle_append(&s->range, value.data, NULL, NULL);
    if (!scrub_pair_row(s, s->range.size, &note) ||
            mr_kv_row_check("cp", s->pair.key, note, &note) < 0) /* told with the table cp */
        return;
    mr_merkle_range_root(&s->range, root);
    check_note(s, s->range.size, note, root);
}

int scrub_tree_row(struct scrub *s, struct mr_slice key, struct mr_slice value)
{
    uint64_t index = key.size == NUMBER_BYTES ? mr_get_be64(key.data) : UINT64_MAX;
    uint8_t hash[MR_MERKLE_BYTES];

    if (index != s->next && !s->lost)
        scrub_tell(s, 0, 0, "row %llu is missing", n_of(s->next));
    if (index != s->next)
        s->range_broken = true;
    s->next = index + 1;
    if (value.size != MR_MERKLE_BYTES)
        scrub_tell(s, 0, 0, "row %llu: it is no hash", n_of(index));
    else if (level_of(s) == 0)
        grow(s, value);
    else if (hash_below(s, index, hash) && memcmp(hash, value.data, sizeof hash) != 0)
        scrub_tell(s, 0, 0, "row %llu: it is not the hash of the rows below it", n_of(index));
    s->range_broken = s->range_broken || value.size != MR_MERKLE_BYTES;
    return 0;
}

/* Every full tile of the level below has its row. */
void scrub_tree_end(struct scrub *s)
{
    struct mr_slice row;

    if (level_of(s) == 0 && s->whole) {
        s->counts->tree_size = s->range.size;
        mr_merkle_range_root(&s->range, s->counts->tree_root);
    }
    if (level_of(s) > 0 && !s->lost && scrub_pair_row(s, (s->next + 1) * TILE - 1, &row))
        scrub_tell(s, 0, 0, "row %llu is missing at the end", n_of(s->next));
}

/* ---- checkpoints ---- */

int scrub_checkpoint(struct scrub *s, struct mr_slice key, struct mr_slice value)
{
    if (key.size != NUMBER_BYTES || mr_kv_row_check(s->table, key, value, &value) < 0)
        scrub_tell(s, 0, 0, "row %llu: CRC does not match", n_of(s->row));
    else
        check_note(s, mr_get_be64(key.data), value, NULL); /* its root: with row0 */
    return 0;
}
