/* Shared by the kv_*.c files only. */
#ifndef MR_STORE_KV_INTERNAL_H
#define MR_STORE_KV_INTERNAL_H

#include <lmdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "proto/base/buf.h"
#include "proto/base/list.h"
#include "store/kv.h"

/*
 * Who is inside of an environment, and the gate that a compaction closes: for writers, while it begins and
 * while the last of what they changed is copied, then for all, while the file is swapped. A thread that is
 * inside never waits at the gate, so that one that needs a second transaction cannot be locked in; a second
 * one that writes makes a closing fail.
 */
struct mr_kv_gate {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct mr_list open; /* struct mr_kv_pass */
    bool compacting;
    bool closed_for_writers;
    bool closed_for_all;
    bool cancelled;
};

/* One transaction, or one call on the environment itself. */
struct mr_kv_pass {
    struct mr_list link;
    pthread_t thread; /* that entered; of a write transaction: LMDB's writer lock belongs to it */
    bool write;
    bool before; /* it was inside when a compaction looked */
};

/* Rows that were changed since the copy was begun (kv_notes.c). */
struct mr_kv_notes {
    pthread_mutex_t lock; /* of rows and lost */
    struct mr_buf rows;
    bool lost;         /* there were more than it keeps */
    atomic_bool taken; /* a compaction goes on; changed to true while no writer is inside */
};

struct mr_kv_note {
    uint32_t table;
    bool all; /* the whole table was emptied */
    struct mr_slice key;
};

struct mr_kv {
    struct mr_list link; /* in the registry of open environments */
    dev_t dev;           /* identity of the folder */
    ino_t ino;
    pid_t pid; /* who opened it: not to be used by a forked child */
    char *dir;
    struct mr_kv_gate gate;
    struct mr_kv_notes notes;
    MDB_env *env;  /* this and tables: changed by a compaction while nobody is inside */
    bool nameless; /* a compaction's new file, whose name may not be durable: nothing is written any more */
    int owner_fd;  /* holds the lock of owner.lock; -1 without */
    bool read_only;
    bool unlocked;
    char **names; /* of the tables */
    uint32_t tables_count;
    MDB_dbi tables[MR_KV_TABLES_MAX];
    uint64_t checked;                 /* tables whose rows end in a CRC */
    uint32_t seeds[MR_KV_TABLES_MAX]; /* CRC of a table's name */
};

struct mr_kv_txn {
    struct mr_kv *kv;
    MDB_txn *mdb;
    int ret;          /* first failure: sticky */
    uint32_t cursors; /* open ones; none may be left at the end */
    bool write;
    bool paused; /* a compaction waits for it all the same */
    bool noting; /* what it changes is noted for a compaction */
    struct mr_buf notes;
    struct mr_kv_tail *tails; /* one a table (kv_append.c); NULL: nothing was appended */
    struct mr_kv_pass pass;
};

struct mr_kv_cursor {
    struct mr_kv_txn *txn;
    uint32_t table;
    MDB_cursor *mdb;
};

/* ---- kv_gate.c ---- */

void mr_kv_gate_init(struct mr_kv_gate *gate);
void mr_kv_gate_fini(struct mr_kv_gate *gate);
void mr_kv_gate_enter(struct mr_kv_gate *gate, struct mr_kv_pass *pass, bool write); /* waits */
void mr_kv_gate_leave(struct mr_kv_gate *gate, struct mr_kv_pass *pass);
/*
 * The compaction; one at a time. MR_EAGAIN: there is another one; they did not end in time; or one of them
 * needed a second transaction. A closing that fails leaves the gate as it was before.
 */
int mr_kv_gate_begin(struct mr_kv_gate *gate);
/* Until whoever is inside now has left; nobody is kept out. */
int mr_kv_gate_outwait(struct mr_kv_gate *gate, unsigned wait_ms);
int mr_kv_gate_close_for_writers(struct mr_kv_gate *gate, unsigned wait_ms);
int mr_kv_gate_close_for_all(struct mr_kv_gate *gate, unsigned wait_ms); /* writers are out already */
void mr_kv_gate_open(struct mr_kv_gate *gate);                           /* the compaction goes on */
void mr_kv_gate_end(struct mr_kv_gate *gate);

/* ---- kv_notes.c ---- */

void mr_kv_notes_init(struct mr_kv_notes *notes);
void mr_kv_notes_fini(struct mr_kv_notes *notes);
void mr_kv_notes_start(struct mr_kv_notes *notes); /* no writer is inside */
void mr_kv_notes_stop(struct mr_kv_notes *notes);
void mr_kv_note_row(struct mr_kv_txn *txn, uint32_t table, struct mr_slice key);
void mr_kv_note_clear(struct mr_kv_txn *txn, uint32_t table);
/* Behind the commit, before the writer leaves the gate. */
void mr_kv_notes_committed(struct mr_kv_txn *txn);
/* What was noted so far moves to *ret, for the caller to free. MR_EAGAIN: it is not all. */
int mr_kv_notes_take(struct mr_kv_notes *notes, struct mr_buf *ret);
/* Takes the first one off; its key borrows. False: there is none. */
bool mr_kv_notes_next(struct mr_slice *rows, struct mr_kv_note *ret);

/* ---- kv_append.c ---- */

/* Behind the last row, MDB_KEYEXIST if the key is not greater. A code of LMDB's; flags: MDB_RESERVE. */
int mr_kv_append_row(struct mr_kv_txn *txn, uint32_t table, MDB_val *key, MDB_val *value, unsigned flags);
/* The table is changed in another way than by appending. */
void mr_kv_append_moved(struct mr_kv_txn *txn, uint32_t table);
void mr_kv_append_end(struct mr_kv_txn *txn); /* before commit and abort */

/* ---- kv_open.c, kv_copy.c, kv_copy_rows.c, kv_catch_up.c, kv_compact.c ---- */

/* Environment and tables, by kv->dir, names, tables_count and the flags. */
int mr_kv_open_env(struct mr_kv *kv, struct mr_error *reterr);
/* By errno. */
int mr_kv_system_error(struct mr_error *reterr, const char *path, const char *what);
int mr_kv_copy_error(struct mr_kv *kv, int rc, const char *path, struct mr_error *reterr);
/* mr_kv_copy_rows for who is inside, or has closed the gate. */
int mr_kv_copy_rows_inside(struct mr_kv *kv, const char *dir, struct mr_error *reterr);
/* Applies what was noted to an open copy; how much that was. One thread. */
int mr_kv_catch_up(struct mr_kv *kv, struct mr_kv *copy, size_t *ret_bytes, struct mr_error *reterr);
/* Removes what a compaction that was killed has left. The owner's, before it opens. */
int mr_kv_compact_recover(const char *dir);

/* kv_fatal.c: says so and ends the process. */
void mr_kv_on_assert(MDB_env *env, const char *message);

/* LMDB's or the system's code to ours. */
int mr_kv_error(const struct mr_kv *kv, int rc);
/* The same, remembered in the transaction unless it is MR_ENOTFOUND. */
int mr_kv_txn_result(struct mr_kv_txn *txn, int rc);

/* ---- rows that end in a CRC (kv_row.c) ---- */

enum { MR_KV_CRC_BYTES = 4 };

uint32_t mr_kv_row_seed(const char *table);
uint32_t mr_kv_row_crc(uint32_t seed, struct mr_slice key, struct mr_slice value);
/* Takes the CRC off the value when the table's rows have one. 0, MR_ECORRUPT. */
int mr_kv_row_open(const struct mr_kv *kv, uint32_t table, struct mr_slice key, struct mr_slice *value);

static inline bool mr_kv_is_checked(const struct mr_kv *kv, uint32_t table)
{
    return (kv->checked >> table & 1) != 0;
}

static inline MDB_val mr_kv_val(struct mr_slice slice)
{
    return (MDB_val){
            .mv_size = slice.size, .mv_data = (void *)(slice.data ? slice.data : (const uint8_t *)"")};
}

static inline struct mr_slice mr_kv_slice(MDB_val val)
{
    return mr_slice(val.mv_data, val.mv_size);
}

/* Before the owner opens: empties a data.mdb that power loss left while it was being made. */
int mr_kv_drop_unfinished(const char *dir, struct mr_error *reterr);

/* Before LMDB opens, and only while this process does not have it open: closing the file drops the process's
 * locks on it. MR_ENOSPACE. */
enum { MR_KV_READERS_MAX = 512 };
int mr_kv_lock_allocate(const char *dir, struct mr_error *reterr);

#endif
