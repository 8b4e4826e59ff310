/* A copy brought up to date with what writers have changed since it was begun. */
#include "store/kv_internal.h"

enum { PART_BYTES = 8 << 20 /* a commit of the copy */ };

struct catching {
    struct mr_kv *from, *to;
    MDB_txn *read, *write;
    size_t part_bytes;
};

static int end_part(struct catching *c)
{
    int rc = c->write ? mdb_txn_commit(c->write) : 0;

    c->write = NULL;
    c->part_bytes = 0;
    return rc;
}

/* What the environment has of the row now, or that it has none. */
static int apply(struct catching *c, const struct mr_kv_note *note)
{
    MDB_dbi target = c->to->tables[note->table];
    MDB_val key = mr_kv_val(note->key), value;
    int rc = c->write ? 0 : mdb_txn_begin(c->to->env, NULL, 0, &c->write);

    if (rc)
        return rc;
    if (note->all)
        return mdb_drop(c->write, target, 0);
    rc = mdb_get(c->read, c->from->tables[note->table], &key, &value);
    if (rc == MDB_NOTFOUND) {
        rc = mdb_del(c->write, target, &key, NULL);
        return rc == MDB_NOTFOUND ? 0 : rc;
    }
    if (!rc)
        rc = mdb_put(c->write, target, &key, &value, 0);
    c->part_bytes += key.mv_size + value.mv_size;
    return rc;
}

static int apply_all(struct catching *c, struct mr_slice rows)
{
    struct mr_kv_note note;
    int rc = mdb_txn_begin(c->from->env, NULL, MDB_RDONLY, &c->read);

    while (!rc && mr_kv_notes_next(&rows, &note)) {
        rc = apply(c, &note);
        if (!rc && c->part_bytes >= PART_BYTES)
            rc = end_part(c);
    }
    if (!rc)
        rc = end_part(c);
    mdb_txn_abort(c->write);
    mdb_txn_abort(c->read);
    return rc;
}

int mr_kv_catch_up(struct mr_kv *kv, struct mr_kv *copy, size_t *ret_bytes, struct mr_error *reterr)
{
    struct catching c = {.from = kv, .to = copy};
    struct mr_buf notes;
    int r = mr_kv_notes_take(&kv->notes, &notes), rc;

    *ret_bytes = notes.size;
    if (r < 0) {
        mr_buf_fini(&notes);
        return mr_error_set(reterr, r, kv->dir, "try again when fewer events come",
                "more was written than a compaction can follow");
    }
    rc = notes.size > 0 ? apply_all(&c, mr_buf_slice(&notes)) : 0;
    mr_buf_fini(&notes);
    return rc ? mr_kv_copy_error(copy, rc, copy->dir, reterr) : 0;
}
