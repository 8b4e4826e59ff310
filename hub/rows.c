#include "hub/rows.h"

#include "proto/base/bytes.h"

enum { ROW_HEAD = 9, ROW_REMOVE = 0x80 };

static void put(struct mr_buf *rows, uint8_t table, struct mr_slice key, struct mr_slice value)
{
    mr_buf_put_u8(rows, table);
    mr_buf_put_be32(rows, (uint32_t)key.size);
    mr_buf_put_be32(rows, (uint32_t)value.size);
    mr_buf_put_slice(rows, key);
    mr_buf_put_slice(rows, value);
}

void mr_rows_put(struct mr_buf *rows, enum mr_log_table table, struct mr_slice key, struct mr_slice value)
{
    put(rows, (uint8_t)table, key, value);
}

void mr_rows_del(struct mr_buf *rows, enum mr_log_table table, struct mr_slice key)
{
    put(rows, (uint8_t)(table | ROW_REMOVE), key, mr_slice(NULL, 0));
}

int mr_rows_apply(struct mr_slice rows, struct mr_log_batch *batch)
{
    int r = 0;

    for (size_t at = 0; r == 0 && at < rows.size;) {
        const uint8_t *head = rows.data + at;
        enum mr_log_table table = (enum mr_log_table)(head[0] & ~ROW_REMOVE);
        struct mr_slice key = mr_slice(head + ROW_HEAD, mr_get_be32(head + 1));
        struct mr_slice value = mr_slice(key.data + key.size, mr_get_be32(head + 5));

        r = head[0] & ROW_REMOVE ? mr_log_batch_del(batch, table, key)
                                 : mr_log_batch_put(batch, table, key, value);
        if (r == MR_ENOTFOUND && (head[0] & ROW_REMOVE))
            r = 0;
        at += ROW_HEAD + key.size + value.size;
    }
    return r;
}
