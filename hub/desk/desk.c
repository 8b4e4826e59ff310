/* The desk's thread: what waited behind others, and bodies whose time has come. */
#include "hub/desk/desk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hub/desk/desk_internal.h"
#include "hub/edition/edition.h"
#include "proto/base/logfmt.h"

enum { LOOK_MS = 3600 * 1000 /* terms pass without anybody saying so */, AGAIN_MS = 1000, FREED_MAX = 64 };

/* ---- in the order of the key ---- */

struct freed {
    struct mr_prepare *prepare;
    uint64_t numbers[FREED_MAX];
    size_t count;
};

/* Prepare thread. */
static int find_freed(void *ctx, struct mr_keyring *keyring)
{
    struct freed *freed = ctx;

    (void)keyring;
    freed->count = mr_prepare_freed(freed->prepare, freed->numbers, FREED_MAX);
    return 0;
}

/* One that may not be released gets its reason, and is not looked at again. */
static int release_one(struct mr_desk *desk, uint64_t number)
{
    const struct mr_desk_word word = {.operator_name = "hub", .role = "hub", .reason = "in-order"};
    struct mr_desk_done done;
    struct mr_error error = {0};
    int r = mr_desk_release(desk, desk->house, number, &word, &done, &error);

    if (r < 0 && r != MR_EINVAL && r != MR_ECLOSED)
        mr_warn("quarantine.not_released", "number", MR_N(number), "error", mr_err_name(r), "what",
                error.what[0] ? error.what : NULL, "cure", error.cure[0] ? error.cure : NULL);
    return r;
}

static bool stopping(struct mr_desk *desk)
{
    bool stopping;

    (void)pthread_mutex_lock(&desk->lock);
    stopping = desk->stopping;
    (void)pthread_mutex_unlock(&desk->lock);
    return stopping;
}

/* Each that is released, or waits on for another reason, may free the next of its key: until nothing moves.
 * Whatever fails waits for the next look. */
static int release_freed(struct mr_desk *desk)
{
    struct freed freed = {.prepare = desk->options.prepare};
    size_t moved;
    int r;

    do {
        moved = 0;
        r = mr_own_task(desk->options.prepare, find_freed, &freed);
        for (size_t i = 0; r == 0 && i < freed.count && !stopping(desk); i++) {
            int one = release_one(desk, freed.numbers[i]);

            moved += one == 0 || one == MR_EINVAL;
        }
    } while (r == 0 && moved > 0 && !stopping(desk));
    return r;
}

static int sweep(struct mr_desk *desk)
{
    int64_t now = mr_clock_monotonic_us(desk->house->clock);
    int r;

    if (now < desk->sweep_next_us || stopping(desk))
        return 0;
    r = mr_desk_sweep(desk);
    if (r == 0)
        desk->sweep_next_us = now + LOOK_MS * (int64_t)1000;
    else if (r != MR_ECLOSED)
        mr_warn("quarantine.not_destroyed", "error", mr_err_name(r), "cure", "it is tried again");
    return r;
}

/* An event that waits no longer wakes the thread: what was proposed for it goes at once. */
static int end_proposals(struct mr_desk *desk)
{
    int r = stopping(desk) ? 0 : mr_desk_sweep_proposals(desk);

    if (r < 0 && r != MR_ECLOSED)
        mr_warn("quarantine.proposal_not_ended", "error", mr_err_name(r), "cure", "it is tried again");
    return r;
}

static int work(struct mr_desk *desk)
{
    int r, ended, swept;

    mr_house_renew(desk->house);
    r = release_freed(desk);
    ended = end_proposals(desk);
    swept = sweep(desk);
    return r < 0 ? r : ended < 0 ? ended : swept;
}

/* ---- the thread ---- */

static bool wait_for_news(struct mr_desk *desk, int64_t pause_ms)
{
    struct timespec until;
    bool go_on;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += pause_ms / 1000;
    (void)pthread_mutex_lock(&desk->lock);
    while (!desk->woken && !desk->stopping &&
            pthread_cond_timedwait(&desk->news, &desk->lock, &until) != ETIMEDOUT)
        ;
    go_on = !desk->stopping;
    desk->woken = false;
    (void)pthread_mutex_unlock(&desk->lock);
    return go_on;
}

static void *run(void *arg)
{
    struct mr_desk *desk = arg;
    int r;

    do {
        r = work(desk);
    } while (wait_for_news(desk, r < 0 ? AGAIN_MS : LOOK_MS));
    return NULL;
}

static void destroy(struct mr_desk *desk)
{
    (void)pthread_cond_destroy(&desk->news);
    (void)pthread_mutex_destroy(&desk->lock);
    (void)pthread_mutex_destroy(&desk->asking);
    free(desk);
}

int mr_desk_start(struct mr_desk **ret, const struct mr_desk_options *options, struct mr_error *reterr)
{
    struct mr_desk *desk = calloc(1, sizeof *desk);
    pthread_condattr_t attr;

    if (!desk)
        return MR_ENOMEM;
    desk->options = *options;
    desk->house = options->house;
    (void)pthread_mutex_init(&desk->asking, NULL);
    (void)pthread_mutex_init(&desk->lock, NULL);
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&desk->news, &attr);
    (void)pthread_condattr_destroy(&attr);
    if (pthread_create(&desk->thread, NULL, run, desk) != 0) {
        destroy(desk);
        return mr_error_set(reterr, MR_ESYSTEM, "quarantine", "", "its thread cannot be started");
    }
    *ret = desk;
    return 0;
}

void mr_desk_wake(struct mr_desk *desk)
{
    if (!desk)
        return;
    (void)pthread_mutex_lock(&desk->lock);
    desk->woken = true;
    (void)pthread_cond_signal(&desk->news);
    (void)pthread_mutex_unlock(&desk->lock);
}

void mr_desk_stop(struct mr_desk *desk)
{
    if (!desk)
        return;
    (void)pthread_mutex_lock(&desk->lock);
    desk->stopping = true;
    (void)pthread_cond_signal(&desk->news);
    (void)pthread_mutex_unlock(&desk->lock);
    (void)pthread_join(desk->thread, NULL);
}

void mr_desk_free(struct mr_desk *desk)
{
    if (desk)
        destroy(desk);
}
