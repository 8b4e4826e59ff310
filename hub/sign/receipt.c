#include "hub/sign/receipt.h"

#include <stdlib.h>
#include <string.h>

#include "store/receipt.h"

static int put(struct mr_buf *out, const struct mr_note_key *key, struct mr_log_reader *reader,
        const struct mr_record *record, const struct mr_proof *proof)
{
    uint8_t hash[MR_MERKLE_BYTES], kept[MR_MERKLE_BYTES];
    int r = mr_log_leaf_hash(reader, record->number, kept);

    if (r < 0)
        return r;
    mr_merkle_leaf(record->leaf, hash);
    return memcmp(hash, kept, sizeof hash) == 0 ? mr_receipt_put(out, key, record->leaf, proof) : MR_EEXPIRED;
}

static int say(int r, uint64_t number, struct mr_error *reterr)
{
    unsigned long long n = number;

    switch (r) {
    case MR_EEXPIRED:
        return mr_error_set(reterr, r, "log", "a receipt given before stays valid",
                "record %llu is kept without its leaf", n);
    case MR_ETOOBIG:
        return mr_error_set(
                reterr, r, "log", "use marshrut log prove", "the leaf of record %llu is too long", n);
    default:
        return mr_error_set(reterr, r, "log", "", "record %llu: %s", n, mr_err_text(r));
    }
}

/* Is the record there, and under a checkpoint? */
static int covered(struct mr_log_reader *reader, uint64_t number, struct mr_slice *ret_note,
        uint64_t *ret_size, struct mr_error *reterr)
{
    uint64_t head = mr_log_reader_head(reader);
    int r;

    if (number == 0 || number > head)
        return mr_error_set(reterr, MR_ENOTFOUND, "number", "the log begins at 1", "the log ends at %llu",
                (unsigned long long)head);
    r = mr_log_checkpoint(reader, ret_size, ret_note);
    if (r < 0 && r != MR_ENOTFOUND)
        return say(r, number, reterr);
    if (r == MR_ENOTFOUND || number > *ret_size)
        return mr_error_set(reterr, MR_EAGAIN, "checkpoint", "ask again in a second, with the hub running",
                "no checkpoint covers record %llu yet", (unsigned long long)number);
    return 0;
}

int mr_receipt_make(struct mr_buf *out, const struct mr_note_key *key, struct mr_log_reader *reader,
        uint64_t number, uint64_t *ret_size, struct mr_error *reterr)
{
    struct mr_record_view *view = NULL;
    struct mr_proof proof = {.index = number - 1};
    int r = covered(reader, number, &proof.note, ret_size, reterr);

    if (r < 0)
        return r;
    view = malloc(sizeof *view);
    r = view ? mr_log_read(reader, number, view, reterr) : MR_ENOMEM;
    if (r == 0)
        r = mr_log_inclusion(reader, number, *ret_size, &proof.path);
    if (r == 0)
        r = put(out, key, reader, &view->record, &proof);
    free(view);
    return r < 0 ? say(r, number, reterr) : 0;
}
