#include "hub/sign/checkpointer.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hub/sign/checkpoint_thin.h"
#include "proto/base/bytes.h"
#include "proto/base/list.h"
#include "proto/base/logfmt.h"

enum { PAUSE_MS = 500, KEY_BYTES = 8, THIN_EVERY_S = 3600 };

struct mr_checkpointer {
    struct mr_house *house;
    struct mr_writer *writer;
    struct mr_note_signer signer;
    struct mr_log_reader *reader;
    struct mr_checkpoint last; /* signed, and in log.checkpoint */
    struct mr_buf note;        /* its bytes, while they are being published */
    _Atomic uint64_t size;     /* published */
    pthread_t thread;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t wake;
    bool stopping;
    bool answered; /* the job is done, with this status */
    int status;
    struct mr_writer_job job;
    void (*tell)(void *ctx);
    void *tell_ctx;
    struct mr_thin thin; /* old rows that go with the next commit */
    int64_t thin_at_us;  /* monotonic: when to look for such again */
    bool warned;         /* of the trouble that lasts; the thread's own */
};

/* ---- one checkpoint ---- */

/* Signs the snapshot's head. It must extend what was signed: anything else is never to be signed. */
static int sign(struct mr_checkpointer *c, struct mr_error *reterr)
{
    struct mr_checkpoint next = {0};
    uint8_t root[MR_MERKLE_BYTES];
    int r = mr_log_reader_renew(c->reader);

    if (r == 0) {
        next.size = mr_log_reader_head(c->reader);
        r = mr_log_tree_root(c->reader, next.size, next.root);
    }
    if (r == 0 && c->last.size > 0)
        r = mr_log_tree_root(c->reader, c->last.size, root);
    mr_log_reader_pause(c->reader);
    if (r < 0)
        return mr_error_set(reterr, r, "log", "", "the tree cannot be read: %s", mr_err_text(r));
    if (c->last.size > 0 && memcmp(root, c->last.root, sizeof root) != 0)
        return mr_error_set(reterr, MR_ECORRUPT, "log", "restore the log/ that belongs to log.checkpoint",
                "the log no longer extends what was signed: nothing more is signed");
    mr_buf_reset(&c->note);
    r = mr_checkpoint_sign(&c->note, next.size, next.root, &c->signer);
    if (r == 0)
        r = mr_log_signed_write(c->house->config, mr_buf_slice(&c->note), reterr);
    if (r == 0)
        c->last = next;
    return r;
}

/* Once an hour; at once again when one commit is not enough. What fails is tried with the next checkpoint. */
static void find_old_rows(struct mr_checkpointer *c)
{
    int64_t now_us = mr_clock_monotonic_us(c->house->clock);

    if (now_us < c->thin_at_us || mr_log_reader_renew(c->reader) < 0)
        return;
    if (mr_thin_find(&c->thin, c->reader, mr_clock_wall_us(c->house->clock)) < 0)
        c->thin.count = 0;
    else if (c->thin.count < MR_THIN_MAX)
        c->thin_at_us = now_us + THIN_EVERY_S * INT64_C(1000000);
    mr_log_reader_pause(c->reader);
}

static int put_row(const struct mr_checkpointer *c, struct mr_log_batch *batch)
{
    uint8_t key[KEY_BYTES];

    mr_put_be64(key, c->last.size);
    return mr_log_batch_put(batch, MR_LOG_CHECKPOINT, mr_slice(key, sizeof key), mr_buf_slice(&c->note));
}

/* Writer thread. */
static int fill(struct mr_writer_job *job, struct mr_log_batch *batch)
{
    const struct mr_checkpointer *c = MR_CONTAINER(job, struct mr_checkpointer, job);
    int r = put_row(c, batch);

    return r < 0 ? r : mr_thin_apply(&c->thin, batch);
}

/* Writer thread. */
static void done(struct mr_writer_job *job, int status)
{
    struct mr_checkpointer *c = MR_CONTAINER(job, struct mr_checkpointer, job);

    pthread_mutex_lock(&c->lock);
    c->answered = true;
    c->status = status;
    pthread_cond_signal(&c->wake);
    pthread_mutex_unlock(&c->lock);
}

/* Through the writer; false: not published. Once quiet, nothing is submitted any more. */
static bool publish(struct mr_checkpointer *c)
{
    bool published = false;

    pthread_mutex_lock(&c->lock);
    if (!c->stopping) {
        c->answered = false;
        c->job = (struct mr_writer_job){.fill = fill, .done = done};
        mr_writer_submit(c->writer, &c->job);
        while (!c->answered)
            pthread_cond_wait(&c->wake, &c->lock);
        published = c->status == 0;
    }
    if (published)
        atomic_store(&c->size, c->last.size);
    if (published && c->tell)
        c->tell(c->tell_ctx);
    pthread_mutex_unlock(&c->lock);
    return published;
}

/* False: signing has come to its end. */
static bool sign_and_publish(struct mr_checkpointer *c)
{
    struct mr_error error = {0};
    int r = sign(c, &error);

    if (r == 0) {
        find_old_rows(c);
        (void)publish(c);
    } else if (r == MR_EIO) {
        mr_house_fatal(c->house, r, error.where);
    } else if (mr_err_retry(r) && !c->warned) {
        mr_warn("checkpoint.later", "what", error.what, "where", error.where, "cure", error.cure);
    } else if (!c->warned) {
        mr_err("checkpoint.failed", "what", error.what, "where", error.where, "cure", error.cure);
    }
    c->warned = r < 0;
    return r != MR_ECORRUPT;
}

/* ---- the thread ---- */

static bool has_news(const struct mr_checkpointer *c)
{
    return mr_log_head(c->house->log) > atomic_load(&c->size);
}

/* False: it is being stopped. */
static bool wait_for_news(struct mr_checkpointer *c)
{
    bool go_on;

    pthread_mutex_lock(&c->lock);
    while (!c->stopping && !has_news(c))
        pthread_cond_wait(&c->wake, &c->lock);
    go_on = !c->stopping;
    pthread_mutex_unlock(&c->lock);
    return go_on;
}

/* What comes meanwhile goes into the next checkpoint together. */
static void pause_a_little(struct mr_checkpointer *c)
{
    struct timespec until;
    int rc = 0;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += PAUSE_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&c->lock);
    while (!c->stopping && rc == 0)
        rc = pthread_cond_timedwait(&c->wake, &c->lock, &until);
    pthread_mutex_unlock(&c->lock);
}

static void *run(void *arg)
{
    struct mr_checkpointer *c = arg;

    while (wait_for_news(c) && sign_and_publish(c))
        pause_a_little(c);
    return NULL;
}

/* ---- start and stop ---- */

/* What is published already; what was signed and not published is signed again with what came since. */
static int read_last(struct mr_checkpointer *c, struct mr_error *reterr)
{
    struct mr_slice note;
    uint64_t size;
    int r = mr_log_checkpoint(c->reader, &size, &note);

    if (r == MR_ENOTFOUND)
        return 0;
    if (r == 0)
        r = mr_checkpoint_open(&c->last, note, &c->signer.public_key, reterr);
    if (r == 0)
        atomic_store(&c->size, c->last.size);
    return r;
}

static int init_sync(struct mr_checkpointer *c)
{
    pthread_condattr_t attr;
    int rc = pthread_mutex_init(&c->lock, NULL);

    if (rc == 0 && (rc = pthread_condattr_init(&attr)) == 0) {
        rc = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
        if (rc == 0)
            rc = pthread_cond_init(&c->wake, &attr);
        pthread_condattr_destroy(&attr);
    }
    return rc ? mr_err_from_errno(rc) : 0;
}

static void checkpointer_free(struct mr_checkpointer *c)
{
    mr_log_reader_close(c->reader);
    mr_note_signer_wipe(&c->signer);
    mr_buf_fini(&c->note);
    free(c);
}

int mr_checkpointer_start(struct mr_checkpointer **ret, struct mr_house *house, struct mr_writer *writer,
        const struct mr_note_signer *signer, struct mr_error *reterr)
{
    struct mr_checkpointer *c = calloc(1, sizeof *c);
    int r;

    if (!c)
        return MR_ENOMEM;
    *c = (struct mr_checkpointer){.house = house, .writer = writer, .signer = *signer};
    r = mr_log_reader_open(house->log, &c->reader);
    if (r == 0)
        r = read_last(c, reterr);
    if (r == 0) {
        mr_log_reader_pause(c->reader);
        r = init_sync(c);
    }
    if (r == 0 && pthread_create(&c->thread, NULL, run, c) != 0)
        r = MR_ESYSTEM;
    if (r < 0) {
        checkpointer_free(c);
        return mr_error_set(reterr, r, "checkpointer", "", "cannot start: %s", mr_err_text(r));
    }
    *ret = c;
    return 0;
}

void mr_checkpointer_tell(struct mr_checkpointer *c, void (*fn)(void *ctx), void *ctx)
{
    pthread_mutex_lock(&c->lock);
    c->tell = fn;
    c->tell_ctx = ctx;
    pthread_mutex_unlock(&c->lock);
}

void mr_checkpointer_wake(struct mr_checkpointer *c)
{
    pthread_mutex_lock(&c->lock);
    pthread_cond_signal(&c->wake);
    pthread_mutex_unlock(&c->lock);
}

uint64_t mr_checkpointer_size(const struct mr_checkpointer *c)
{
    return atomic_load(&c->size);
}

void mr_checkpointer_quiet(struct mr_checkpointer *c)
{
    if (!c)
        return;
    pthread_mutex_lock(&c->lock);
    c->stopping = true;
    pthread_cond_signal(&c->wake);
    pthread_mutex_unlock(&c->lock);
}

/* No writer holds the log any more. What fails here is signed after the next start. */
static void sign_the_rest(struct mr_checkpointer *c)
{
    struct mr_log_batch *batch;

    if (!has_news(c) || sign(c, NULL) < 0 || mr_log_batch_begin(c->house->log, &batch) < 0)
        return;
    (void)put_row(c, batch); /* sticky */
    (void)mr_log_batch_commit(batch);
}

void mr_checkpointer_stop(struct mr_checkpointer *c)
{
    if (!c)
        return;
    mr_checkpointer_quiet(c);
    pthread_join(c->thread, NULL);
    sign_the_rest(c);
    pthread_cond_destroy(&c->wake);
    pthread_mutex_destroy(&c->lock);
    checkpointer_free(c);
}
