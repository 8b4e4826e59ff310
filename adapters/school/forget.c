#include "adapters/school/forget.h"

#include <string.h>

#include "adapters/school/map_internal.h"
#include "proto/base/hex.h"

/* The ids that this adapter gave to the hub are the digests themselves (map_event.c). */
struct forget {
    const Nms__Event__V1__HubErasureNotice *notice;
    struct mr_buf rows;        /* keys to delete, MR_SCHOOL_ROW_KEY each */
    struct mr_buf employments; /* of the person, MR_SCHOOL_KEY_BYTES each */
};

static bool is_own(const struct forget *f, const uint8_t *local)
{
    char hex[MR_SCHOOL_KEY_TEXT];

    (void)mr_hex_encode(local, MR_SCHOOL_KEY_BYTES, hex);
    for (size_t i = 0; i < f->notice->n_local_ids; i++)
        if (strcmp(f->notice->local_ids[i], hex) == 0)
            return true;
    return false;
}

static bool is_employment(const struct forget *f, const uint8_t *key)
{
    for (size_t at = 0; at < f->employments.size; at += MR_SCHOOL_KEY_BYTES)
        if (memcmp(f->employments.data + at, key, MR_SCHOOL_KEY_BYTES) == 0)
            return true;
    return false;
}

/* "s.p": a person by its id; "s.e": an employment, its value begins with the person's id. */
static int look(void *ctx, struct mr_slice key, struct mr_slice value)
{
    struct forget *f = ctx;
    const uint8_t *own = key.data + MR_SCHOOL_ROW_PREFIX;

    if (key.size != MR_SCHOOL_ROW_KEY)
        return 0;
    if (key.data[2] == 'e' && value.size >= MR_SCHOOL_KEY_BYTES && is_own(f, value.data)) {
        mr_buf_put(&f->employments, own, MR_SCHOOL_KEY_BYTES);
        mr_buf_put_slice(&f->rows, key);
    } else if (key.data[2] == 'p' && is_own(f, own)) {
        mr_buf_put_slice(&f->rows, key);
    }
    return 0;
}

/* "s.n": from a person's СНИЛС, as a digest, to the first employment. */
static int look_by_snils(void *ctx, struct mr_slice key, struct mr_slice value)
{
    struct forget *f = ctx;

    if (key.size == MR_SCHOOL_ROW_KEY && value.size == MR_SCHOOL_KEY_BYTES && is_employment(f, value.data))
        mr_buf_put_slice(&f->rows, key);
    return 0;
}

int mr_school_forget(struct mr_outbox_txn *txn, const Nms__Event__V1__HubErasureNotice *notice)
{
    struct forget f = {.notice = notice};
    int r = mr_outbox_each(txn, mr_slice_str("s."), look, &f);

    if (r == 0)
        r = mr_outbox_each(txn, mr_slice_str("s.n"), look_by_snils, &f);
    if (r == 0 && (mr_buf_failed(&f.rows) || mr_buf_failed(&f.employments)))
        r = MR_ENOMEM;
    for (size_t at = 0; r == 0 && at < f.rows.size; at += MR_SCHOOL_ROW_KEY)
        r = mr_outbox_del(txn, mr_slice(f.rows.data + at, MR_SCHOOL_ROW_KEY));
    mr_buf_wipe(&f.rows);
    mr_buf_wipe(&f.employments);
    return r;
}
