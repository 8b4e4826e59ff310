/*
 * What writers change while an environment is compacted: table and key of each row, noted with the commit, so
 * that the copy can be brought up to date with what the environment has of them now.
 */
#include "proto/base/bytes.h"
#include "store/kv_internal.h"

/* u8 table, u16 size of the key, the key. */
enum { HEAD_BYTES = 3, ALL_ROWS = UINT16_MAX, NOTES_BYTES_MAX = 64 << 20 };

void mr_kv_notes_init(struct mr_kv_notes *notes)
{
    (void)pthread_mutex_init(&notes->lock, NULL);
}

void mr_kv_notes_fini(struct mr_kv_notes *notes)
{
    mr_buf_fini(&notes->rows);
    (void)pthread_mutex_destroy(&notes->lock);
}

void mr_kv_notes_start(struct mr_kv_notes *notes)
{
    (void)pthread_mutex_lock(&notes->lock);
    mr_buf_reset(&notes->rows);
    notes->lost = false;
    atomic_store(&notes->taken, true);
    (void)pthread_mutex_unlock(&notes->lock);
}

void mr_kv_notes_stop(struct mr_kv_notes *notes)
{
    (void)pthread_mutex_lock(&notes->lock);
    atomic_store(&notes->taken, false);
    mr_buf_fini(&notes->rows);
    (void)pthread_mutex_unlock(&notes->lock);
}

static void put_note(struct mr_kv_txn *txn, uint32_t table, struct mr_slice key, uint16_t size)
{
    if (!txn->noting)
        return;
    mr_buf_put_u8(&txn->notes, (uint8_t)table);
    mr_buf_put_be16(&txn->notes, size);
    mr_buf_put_slice(&txn->notes, key);
}

void mr_kv_note_row(struct mr_kv_txn *txn, uint32_t table, struct mr_slice key)
{
    put_note(txn, table, key, (uint16_t)key.size);
}

void mr_kv_note_clear(struct mr_kv_txn *txn, uint32_t table)
{
    put_note(txn, table, mr_slice(NULL, 0), ALL_ROWS);
}

void mr_kv_notes_committed(struct mr_kv_txn *txn)
{
    struct mr_kv_notes *notes = &txn->kv->notes;

    if (!txn->noting)
        return;
    (void)pthread_mutex_lock(&notes->lock);
    if (atomic_load(&notes->taken)) {
        if (notes->rows.size + txn->notes.size > NOTES_BYTES_MAX)
            notes->lost = true;
        else
            mr_buf_put_slice(&notes->rows, mr_buf_slice(&txn->notes));
        notes->lost |= mr_buf_failed(&txn->notes) || mr_buf_failed(&notes->rows);
    }
    (void)pthread_mutex_unlock(&notes->lock);
}

int mr_kv_notes_take(struct mr_kv_notes *notes, struct mr_buf *ret)
{
    int r;

    (void)pthread_mutex_lock(&notes->lock);
    *ret = notes->rows;
    notes->rows = (struct mr_buf)MR_BUF_INIT;
    r = notes->lost ? MR_EAGAIN : 0;
    (void)pthread_mutex_unlock(&notes->lock);
    return r;
}

bool mr_kv_notes_next(struct mr_slice *rows, struct mr_kv_note *ret)
{
    uint16_t size;

    if (rows->size < HEAD_BYTES)
        return false;
    size = mr_get_be16(rows->data + 1);
    ret->table = rows->data[0];
    ret->all = size == ALL_ROWS;
    ret->key = mr_slice(rows->data + HEAD_BYTES, ret->all ? 0 : size);
    *rows = mr_slice(rows->data + HEAD_BYTES + ret->key.size, rows->size - HEAD_BYTES - ret->key.size);
    return true;
}
