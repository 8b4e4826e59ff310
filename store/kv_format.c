#include "store/kv.h"

#include "proto/base/bytes.h"
#include "store/kv_internal.h"

static int compare(struct mr_kv *kv, struct mr_slice stored, uint32_t version, struct mr_error *reterr)
{
    uint32_t have;

    if (stored.size != 4)
        return mr_error_set(
                reterr, MR_ECORRUPT, kv->dir, "restore the folder from a backup", "damaged format row");
    have = mr_get_be32(stored.data);
    if (have == version)
        return 0;
    return mr_error_set(reterr, MR_EUNSUPPORTED, kv->dir,
            have > version ? "use the newer program that wrote it" : "use the older program that wrote it",
            "the store has format %u, this program knows %u", have, version);
}

static int write_new(struct mr_kv *kv, uint32_t table, uint32_t version)
{
    struct mr_kv_txn *txn;
    int r = mr_kv_begin_write(kv, &txn);

    if (r < 0)
        return r;
    (void)mr_kv_set_format(txn, table, version); /* sticky */
    return mr_kv_commit(txn);
}

int mr_kv_format(struct mr_kv *kv, uint32_t table, uint32_t version, struct mr_error *reterr)
{
    const struct mr_slice key = mr_slice_str("format");
    struct mr_slice stored = {0};
    struct mr_kv_txn *txn;
    int r = mr_kv_begin_read(kv, &txn);

    if (r == 0) {
        r = mr_kv_get(txn, table, key, &stored);
        if (r == 0)
            r = compare(kv, stored, version, reterr);
        else if (r == MR_ENOTFOUND && kv->read_only)
            mr_error_set(reterr, r, kv->dir, "start the hub once", "the store is not finished");
        mr_kv_abort(txn);
        if (r != MR_ENOTFOUND || kv->read_only)
            return r;
        r = write_new(kv, table, version);
    }
    return r == 0 ? 0
                  : mr_error_set(reterr, r, kv->dir, "", "cannot write the format row: %s", mr_err_text(r));
}

int mr_kv_format_read(struct mr_kv *kv, uint32_t table, uint32_t *ret)
{
    struct mr_slice value;
    struct mr_kv_txn *txn;
    int r = mr_kv_begin_read(kv, &txn);

    *ret = 0;
    if (r < 0)
        return r;
    r = mr_kv_get(txn, table, mr_slice_str("format"), &value);
    if (r == 0 && value.size == 4)
        *ret = mr_get_be32(value.data);
    else if (r == 0)
        r = MR_ECORRUPT;
    mr_kv_abort(txn);
    return r == MR_ENOTFOUND ? 0 : r;
}

int mr_kv_set_format(struct mr_kv_txn *txn, uint32_t table, uint32_t version)
{
    uint8_t value[4];

    mr_put_be32(value, version);
    return mr_kv_put(txn, table, mr_slice_str("format"), mr_slice(value, sizeof value));
}

int mr_kv_through(struct mr_kv_txn *txn, uint32_t table, uint64_t *ret)
{
    struct mr_slice value;
    int r = mr_kv_get(txn, table, mr_slice_str("through"), &value);

    *ret = 0;
    if (r == MR_ENOTFOUND)
        return 0;
    if (r < 0)
        return r;
    if (value.size != 8)
        return MR_ECORRUPT;
    *ret = mr_get_be64(value.data);
    return 0;
}

int mr_kv_set_through(struct mr_kv_txn *txn, uint32_t table, uint64_t through)
{
    uint8_t value[8];

    mr_put_be64(value, through);
    return mr_kv_put(txn, table, mr_slice_str("through"), mr_slice(value, sizeof value));
}
