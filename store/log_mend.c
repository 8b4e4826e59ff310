/* A damaged record put back from elsewhere: only what the tree has a hash of. */
#include <stdlib.h>

#include "store/log_internal.h"

int mr_log_same_leaf(struct mr_kv_txn *txn, uint64_t number, const struct mr_record *record)
{
    uint8_t key[LOG_KEY_BYTES], leaf[MR_MERKLE_BYTES];
    struct mr_slice row;
    int r;

    if (record->number != number || record->flags & MR_RECORD_EXPIRED)
        return MR_EINVAL;
    mr_put_be64(key, number - 1);
    r = mr_kv_get(txn, LOG_TREE, mr_slice(key, sizeof key), &row);
    if (r < 0)
        return r == MR_ENOTFOUND ? MR_EINVAL : r;
    mr_merkle_leaf(record->leaf, leaf);
    return mr_slice_equal(row, mr_slice(leaf, sizeof leaf)) ? 0 : MR_EDENIED;
}

static int mend(struct mr_log_batch *batch, const struct mr_record *record, struct mr_record_view *view)
{
    struct mr_slice stored;
    uint8_t key[LOG_KEY_BYTES];
    int r;

    mr_put_be64(key, record->number);
    r = mr_kv_get(batch->txn, LOG_RECORDS, mr_slice(key, sizeof key), &stored);
    if (r == 0 && mr_record_decode(view, record->number, stored, NULL) != MR_ECORRUPT)
        r = MR_EEXISTS;
    if (r == 0)
        r = mr_log_same_leaf(batch->txn, record->number, record);
    if (r < 0)
        return r;
    mr_buf_reset(&batch->scratch);
    r = mr_record_encode(&batch->scratch, record);
    return r < 0 ? r
                 : mr_kv_put(
                           batch->txn, LOG_RECORDS, mr_slice(key, sizeof key), mr_buf_slice(&batch->scratch));
}

int mr_log_batch_mend(struct mr_log_batch *batch, const struct mr_record *record)
{
    struct mr_record_view *view;
    int r;

    if (record->number == 0 || record->number > batch->head)
        return MR_EINVAL;
    view = malloc(sizeof *view);
    if (!view)
        return MR_ENOMEM;
    r = mend(batch, record, view);
    free(view);
    return r;
}
