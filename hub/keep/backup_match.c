/*
 * Do log/ and keys/ of a backup belong together? Those that were made before `marshrut backup` looked whether
 * an erasure ended between the two copies may have a log/ in which it goes on, and keys/ in which nobody is
 * left who could be erased: put back, it would ask for what is gone for ever.
 */
#include <stdlib.h>
#include <string.h>

#include "hub/erasure/rows.h"
#include "hub/keep/backup_files.h"
#include "store/erasure.h"

struct running {
    uint64_t number;
    bool ready; /* its keys may be gone already, by its own batch, and it goes on */
    bool alive; /* its item is in keys/ */
    uint8_t item[MR_PERSON_ID_BYTES];
};

struct match {
    struct mr_arena arena;
    struct mr_buf running; /* struct running */
    uint8_t batch[MR_ERASURE_ID_BYTES];
};

static struct running *running_at(const struct match *match, size_t i)
{
    return (struct running *)(void *)match->running.data + i;
}

static size_t running_count(const struct match *match)
{
    return match->running.size / sizeof(struct running);
}

static int on_document(void *ctx, struct mr_slice key, struct mr_slice value)
{
    struct match *match = ctx;
    mr_erasure_request *request;
    struct running running;
    int r;

    mr_arena_reset(&match->arena);
    r = mr_erasure_row(key, value, &match->arena, &request);
    if (r < 0)
        return r == MR_ENOTFOUND ? 0 : r;
    if (!mr_erasure_runs(request->state) || mr_erasure_reached(request->state, MR_ERASURE_DESTROYED) ||
            request->item.len != sizeof running.item)
        return 0;
    running = (struct running){.number = request->number, .ready = request->state == MR_ERASURE_READY};
    memcpy(running.item, request->item.data, sizeof running.item);
    mr_buf_put(&match->running, &running, sizeof running);
    return mr_buf_failed(&match->running) ? MR_ENOMEM : 0;
}

static int on_meta(void *ctx, struct mr_slice key, struct mr_slice value)
{
    (void)mr_keyring_row_batch(key, value, ((struct match *)ctx)->batch);
    return 0;
}

static int on_subject(void *ctx, struct mr_slice key, struct mr_slice value)
{
    struct match *match = ctx;

    for (size_t i = 0; i < running_count(match); i++) {
        struct running *running = running_at(match, i);

        if (mr_slice_equal(key, mr_slice(running->item, sizeof running->item)))
            running->alive = !mr_keyring_row_destroyed(value);
    }
    return 0;
}

static int judge(const struct match *match, const char *dir, struct mr_error *reterr)
{
    for (size_t i = 0; i < running_count(match); i++) {
        const struct running *running = running_at(match, i);
        uint8_t own[MR_ERASURE_ID_BYTES];

        mr_erasure_batch_of(running->number, own);
        if (!running->alive && !(running->ready && memcmp(own, match->batch, sizeof own) == 0))
            return mr_error_set(reterr, MR_ECORRUPT, dir,
                    "take another backup, made after that erasure or before it began",
                    "log/ is of before the end of erasure %llu and keys/ of after it: the erasure could "
                    "never "
                    "end",
                    (unsigned long long)running->number);
    }
    return 0;
}

static int check(struct match *match, const char *dir, struct mr_error *reterr)
{
    char log[BACKUP_PATH_MAX], keys[BACKUP_PATH_MAX];
    int r = backup_path(dir, "log", log, reterr);

    if (r == 0)
        r = backup_path(dir, "keys", keys, reterr);
    if (r == 0)
        r = backup_each_row(log, "document", on_document, match, reterr);
    if (r < 0 || running_count(match) == 0)
        return r;
    r = backup_each_row(keys, "meta", on_meta, match, reterr);
    if (r == 0)
        r = backup_each_row(keys, "subj", on_subject, match, reterr);
    return r < 0 ? r : judge(match, dir, reterr);
}

int backup_check_match(const char *dir, struct mr_error *reterr)
{
    struct match match = {.running = MR_BUF_INIT};
    int r;

    mr_arena_init(&match.arena, MR_ERASURE_ARENA_BYTES);
    r = check(&match, dir, reterr);
    mr_buf_fini(&match.running);
    mr_arena_fini(&match.arena);
    return r;
}
