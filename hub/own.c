#include "hub/own.h"

#include <semaphore.h>
#include <string.h>

struct waiting {
    sem_t done;
    struct mr_own *own;
    int (*task)(void *ctx, struct mr_keyring *keyring);
    void *ctx;
};

static void on_done(struct mr_intake *intake)
{
    struct waiting *waiting = intake->owner;

    (void)sem_post(&waiting->done);
}

static void take_back(struct mr_own *own, const struct mr_intake *intake)
{
    for (size_t i = 0; i < own->count; i++) {
        own->events[i].number = intake->items[i].number;
        memcpy(own->events[i].item_key, intake->items[i].item_key, sizeof own->events[i].item_key);
    }
}

/* Writer thread. */
static int put_rows(struct mr_intake *intake, struct mr_log_batch *batch)
{
    struct mr_own *own = ((struct waiting *)intake->owner)->own;

    take_back(own, intake);
    return own->rows(own, batch);
}

static int submit_and_wait(struct mr_prepare *prepare, struct mr_intake *intake, struct waiting *waiting)
{
    if (sem_init(&waiting->done, 0, 0) != 0)
        return MR_ESYSTEM;
    intake->done = on_done;
    intake->owner = waiting;
    mr_prepare_submit(prepare, intake);
    while (sem_wait(&waiting->done) != 0)
        ; /* a signal */
    (void)sem_destroy(&waiting->done);
    return intake->status;
}

int mr_own_wait(struct mr_prepare *prepare, struct mr_intake *intake)
{
    struct waiting waiting = {0};

    return submit_and_wait(prepare, intake, &waiting);
}

static int wait_for(struct mr_prepare *prepare, struct mr_intake *intake, struct waiting *waiting)
{
    intake->system = MR_SYSTEM_HUB;
    return submit_and_wait(prepare, intake, waiting);
}

static int fill(struct mr_intake *intake, const struct mr_own *own)
{
    size_t at = 0;

    for (size_t i = 0; i < own->count; i++)
        mr_buf_put_slice(&intake->bytes, mr_buf_slice(&own->events[i].bytes));
    if (mr_buf_failed(&intake->bytes))
        return MR_ENOMEM;
    for (size_t i = 0; i < own->count; i++) {
        intake->items[i].event = mr_slice(intake->bytes.data + at, own->events[i].bytes.size);
        intake->items[i].to_one = own->events[i].to_one;
        at += own->events[i].bytes.size;
    }
    return 0;
}

static int check(const struct mr_intake *intake, struct mr_error *reterr)
{
    for (size_t i = 0; i < intake->count; i++) {
        const struct mr_intake_item *item = &intake->items[i];

        if (item->verdict != MR_VERDICT_STORED)
            return mr_error_set(reterr, MR_EINVAL, item->text ? item->text->code : "", "report it",
                    "an event of the hub's own was not stored: %s",
                    item->text ? item->text->reason : "it is known already");
    }
    return 0;
}

int mr_own_say(struct mr_prepare *prepare, struct mr_own *own, struct mr_error *reterr)
{
    struct mr_intake *intake = mr_intake_new(own->count);
    struct waiting waiting = {.own = own};
    int r = intake ? fill(intake, own) : MR_ENOMEM;

    if (r == 0) {
        intake->rows = own->rows ? put_rows : NULL;
        r = wait_for(prepare, intake, &waiting);
    }
    if (r == 0) {
        take_back(own, intake);
        r = check(intake, reterr);
    } else {
        (void)mr_error_set(reterr, r, "log", "try again", "it could not be written: %s", mr_err_text(r));
    }
    mr_intake_free(intake);
    return r;
}

static int run_task(struct mr_intake *intake, struct mr_keyring *keyring)
{
    struct waiting *waiting = intake->owner;

    return waiting->task(waiting->ctx, keyring);
}

int mr_own_task(struct mr_prepare *prepare, int (*fn)(void *ctx, struct mr_keyring *keyring), void *ctx)
{
    struct mr_intake *intake = mr_intake_new(0);
    struct waiting waiting = {.task = fn, .ctx = ctx};
    int r;

    if (!intake)
        return MR_ENOMEM;
    intake->task = run_task;
    r = wait_for(prepare, intake, &waiting);
    mr_intake_free(intake);
    return r;
}

void mr_own_fini(struct mr_own_event *events, size_t count)
{
    for (size_t i = 0; i < count; i++)
        mr_buf_wipe(&events[i].bytes);
}
