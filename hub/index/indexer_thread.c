/*
 * The indexer's thread. Behind, a batch is large; at the tail it gathers for a moment, so that a slow stream
 * does not cost two more commits for each of the log's; and while intake is heavy it waits (index_pace.h).
 * The answers are exact meanwhile: who asks looks at the tail himself.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "hub/edition/edition.h"
#include "hub/index/index_notes.h"
#include "hub/index/index_pace.h"
#include "hub/index/indexer.h"
#include "proto/base/logfmt.h"

enum {
    GATHER_RECORDS = 2000,
    GATHER_MS = 100,
    RETRY_MS = 1000,
    BEHIND = 10, /* nice */
};

struct mr_indexer {
    struct mr_house *house;
    struct mr_index_notes *notes;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t news;
    bool woken;
    bool paced; /* it waits for a moment, not for news */
    bool stopping;
    struct mr_index_pace pace; /* the thread's own */
};

static struct timespec after_ms(unsigned ms)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_nsec += (long)(ms % 1000) * 1000000L;
    t.tv_sec += (time_t)(ms / 1000) + t.tv_nsec / 1000000000L;
    t.tv_nsec %= 1000000000L;
    return t;
}

/* What index and views have both. */
static uint64_t through(const struct mr_house *house)
{
    uint64_t index = mr_index_through(house->index), view = mr_view_through(house->view);

    return index < view ? index : view;
}

static uint64_t waiting(const struct mr_house *house)
{
    return mr_log_head(house->log) - through(house);
}

/* Until there is something to do. Under the lock. After a failure it tries again by itself: all it writes is
 * derived. */
static int wait_for_work(struct mr_indexer *indexer, bool failed)
{
    struct timespec until = after_ms(RETRY_MS);
    int r = 0;

    while (!indexer->woken && !indexer->stopping && r != ETIMEDOUT &&
            (failed || waiting(indexer->house) == 0))
        r = failed ? pthread_cond_timedwait(&indexer->news, &indexer->lock, &until)
                   : pthread_cond_wait(&indexer->news, &indexer->lock);
    return r;
}

/* Under the lock. */
static void give_way(struct mr_indexer *indexer)
{
    struct mr_house *house = indexer->house;

    indexer->paced = true;
    while (!indexer->stopping &&
            mr_index_pace_waits(&indexer->pace, mr_clock_monotonic_us(house->clock), mr_log_head(house->log),
                    through(house), house->config->hub.index_lag_max)) {
        struct timespec until = after_ms(MR_INDEX_PACE_LOOK_MS);

        (void)pthread_cond_timedwait(&indexer->news, &indexer->lock, &until);
    }
    indexer->paced = false;
}

/* True: go on; false: stop. After news it gathers until there is enough for a batch or the moment is over. */
static bool wait_for_news(struct mr_indexer *indexer, bool failed)
{
    struct timespec until;
    bool go_on;
    int r;

    (void)pthread_mutex_lock(&indexer->lock);
    r = wait_for_work(indexer, failed);
    until = after_ms(GATHER_MS);
    while (!indexer->stopping && r != ETIMEDOUT && waiting(indexer->house) < GATHER_RECORDS)
        r = pthread_cond_timedwait(&indexer->news, &indexer->lock, &until);
    give_way(indexer);
    indexer->woken = false;
    go_on = !indexer->stopping;
    (void)pthread_mutex_unlock(&indexer->lock);
    return go_on;
}

static bool has_news(struct mr_indexer *indexer)
{
    bool news;

    (void)pthread_mutex_lock(&indexer->lock);
    news = indexer->woken || indexer->stopping;
    (void)pthread_mutex_unlock(&indexer->lock);
    return news;
}

/* Look-ups go round a damaged filter; here it is told, and is made anew. */
static int mend(struct mr_indexer *indexer)
{
    uint64_t run;
    int r;

    while ((r = mr_index_mend(indexer->house->index, &run)) == 1)
        mr_err("index.damaged", "run", MR_N(run), "what", "a filter of identities", "cure",
                "it has been made anew; look at the disk");
    return r;
}

static int work(struct mr_indexer *indexer)
{
    struct mr_error error = {0};
    int r = mr_indexer_run_batch(indexer->house, indexer->notes, &error), more = 1;

    if (r == 0)
        r = mend(indexer);
    while (r == 0 && more == 1 && !has_news(indexer)) {
        more = mr_index_merge(indexer->house->index);
        r = more < 0 ? more : 0;
    }
    if (r == MR_EIO)
        mr_house_fatal(indexer->house, r, "index/ or views/");
    if (r < 0)
        mr_logfmt_write(r == MR_ENOSPACE ? MR_LEVEL_WARNING : MR_LEVEL_ERROR, "index.failed", "error",
                mr_err_name(r), "through", MR_N(mr_index_through(indexer->house->index)), "what", error.what,
                "cure",
                r == MR_ENOSPACE ? "free space on the file system of hub.store; it goes on by itself"
                                 : "it is tried again; if it stays so: marshrut rebuild index",
                NULL);
    return r;
}

static void *run(void *ctx)
{
    struct mr_indexer *indexer = ctx;
    int r;

    (void)pthread_setname_np(pthread_self(), "indexer");
    /* Behind the others in everything: what waits for it is work that is done already. hub.index_lag_max
     * bounds it. */
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), BEHIND);
    do {
        mr_house_renew(indexer->house);
        r = work(indexer);
    } while (wait_for_news(indexer, r < 0));
    return NULL;
}

static void destroy(struct mr_indexer *indexer)
{
    mr_index_notes_free(indexer->notes);
    (void)pthread_cond_destroy(&indexer->news);
    (void)pthread_mutex_destroy(&indexer->lock);
    free(indexer);
}

int mr_indexer_start(struct mr_indexer **ret, struct mr_house *house)
{
    struct mr_indexer *indexer = calloc(1, sizeof *indexer);
    pthread_condattr_t attr;
    int r;

    if (!indexer)
        return MR_ENOMEM;
    indexer->house = house;
    (void)pthread_mutex_init(&indexer->lock, NULL);
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&indexer->news, &attr);
    (void)pthread_condattr_destroy(&attr);
    r = mr_index_notes_new(&indexer->notes);
    if (r == 0 && pthread_create(&indexer->thread, NULL, run, indexer) != 0)
        r = MR_ESYSTEM;
    if (r < 0) {
        destroy(indexer);
        return r;
    }
    *ret = indexer;
    return 0;
}

struct mr_index_notes *mr_indexer_notes(struct mr_indexer *indexer)
{
    return indexer->notes;
}

void mr_indexer_wake(struct mr_indexer *indexer)
{
    (void)pthread_mutex_lock(&indexer->lock);
    indexer->woken = true;
    if (!indexer->paced)
        (void)pthread_cond_signal(&indexer->news);
    (void)pthread_mutex_unlock(&indexer->lock);
}

void mr_indexer_stop(struct mr_indexer *indexer)
{
    if (!indexer)
        return;
    (void)pthread_mutex_lock(&indexer->lock);
    indexer->stopping = true;
    (void)pthread_cond_signal(&indexer->news);
    (void)pthread_mutex_unlock(&indexer->lock);
    (void)pthread_join(indexer->thread, NULL);
    destroy(indexer);
}
