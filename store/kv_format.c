#include "store/kv.h"

#include "proto/base/bytes.h"
#include "store/kv_internal.h"

/* An environment of the time before version 1 has this row instead. */
static const char UNRELEASED[] = "format";
static const char LAYOUT[] = "layout";

static int compare(struct mr_kv *kv, struct mr_slice stored, uint32_t version, struct mr_error *reterr)
{
    uint32_t have;

    if (stored.size != 4)
        return mr_error_set(
                reterr, MR_ECORRUPT, kv->dir, "restore the folder from a backup", "damaged layout row");
    have = mr_get_be32(stored.data);
    if (have == version)
        return 0;
    return mr_error_set(reterr, MR_EUNSUPPORTED, kv->dir,
            have > version ? "use the newer program that wrote it" : "use the older program that wrote it",
            "the store has layout %u, this program knows %u", have, version);
}

static int write_new(struct mr_kv *kv, uint32_t table, uint32_t version)
{
    struct mr_kv_txn *txn;
    uint8_t value[4];
    int r = mr_kv_begin_write(kv, &txn);

    if (r < 0)
        return r;
    mr_put_be32(value, version);
    (void)mr_kv_put(txn, table, mr_slice_str(LAYOUT), mr_slice(value, sizeof value)); /* sticky */
    return mr_kv_commit(txn);
}

/* MR_ENOTFOUND: it has none yet. */
static int check(
        struct mr_kv *kv, struct mr_kv_txn *txn, uint32_t table, uint32_t version, struct mr_error *reterr)
{
    struct mr_slice stored = {0};
    int r = mr_kv_get(txn, table, mr_slice_str(LAYOUT), &stored);

    if (r == 0)
        return compare(kv, stored, version, reterr);
    if (r == MR_ECORRUPT)
        return mr_error_set(reterr, r, kv->dir, "restore the folder from a backup", "damaged layout row");
    if (r == MR_ENOTFOUND && mr_kv_get(txn, table, mr_slice_str(UNRELEASED), &stored) != MR_ENOTFOUND)
        return mr_error_set(reterr, MR_EUNSUPPORTED, kv->dir,
                "move the folder away and start again: it is made anew",
                "the store was made by an unreleased version");
    if (r == MR_ENOTFOUND && kv->read_only)
        mr_error_set(reterr, r, kv->dir, "start the hub once", "the store is not finished");
    return r;
}

int mr_kv_layout(struct mr_kv *kv, uint32_t table, uint32_t version, struct mr_error *reterr)
{
    struct mr_kv_txn *txn;
    int r = mr_kv_begin_read(kv, &txn);

    if (r == 0) {
        r = check(kv, txn, table, version, reterr);
        mr_kv_abort(txn);
        if (r != MR_ENOTFOUND || kv->read_only)
            return r;
        r = write_new(kv, table, version);
    }
    return r == 0 ? 0
                  : mr_error_set(reterr, r, kv->dir, "", "cannot write the layout row: %s", mr_err_text(r));
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
