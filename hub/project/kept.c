#include "hub/project/kept.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "hub/edition/edition.h"
#include "hub/project/fact_view.h"

static const int64_t idle_us = 3600LL * 1000000, day_us = 86400LL * 1000000;

/* All that cells say, they say of this: the facts, who is hidden, and the last day (cells.c provisional()).
 */
struct made_of {
    size_t facts, destroyed, blocked;
    int64_t day;
};

/* One passport of the kept facts: all of them, or those up to an earlier number. */
struct point {
    struct mr_fact_set set; /* facts borrowed */
    struct mr_fold *fold;   /* NULL: none */
    struct mr_cells *cells; /* NULL: none */
    struct made_of made_of; /* the cells */
};

struct mr_passport_kept {
    pthread_mutex_t lock;
    _Atomic bool stale;           /* to be let go by whoever has the lock */
    _Atomic uint64_t done, total; /* how far whoever has the lock is, for those who wait for it */
    struct mr_fact_set set;
    struct point now, earlier;
    /* what all of it was made of */
    struct mr_edition *edition; /* held */
    const struct mr_config *config;
    uint64_t epoch, changes;
    int64_t used_us;
};

static void drop_point(struct point *point)
{
    mr_cells_free(point->cells);
    mr_fold_free(point->fold);
    *point = (struct point){0};
}

static void drop(struct mr_passport_kept *kept)
{
    drop_point(&kept->now);
    drop_point(&kept->earlier);
    mr_fact_set_fini(&kept->set);
    mr_fact_set_init(&kept->set);
    mr_edition_drop(kept->edition);
    kept->edition = NULL;
    kept->config = NULL;
}

int mr_passport_kept_new(struct mr_passport_kept **ret)
{
    struct mr_passport_kept *kept = calloc(1, sizeof *kept);

    if (!kept)
        return MR_ENOMEM;
    if (pthread_mutex_init(&kept->lock, NULL) != 0) {
        free(kept);
        return MR_ESYSTEM;
    }
    mr_fact_set_init(&kept->set);
    *ret = kept;
    return 0;
}

void mr_passport_kept_free(struct mr_passport_kept *kept)
{
    if (!kept)
        return;
    drop(kept);
    (void)pthread_mutex_destroy(&kept->lock);
    free(kept);
}

/* ---- letting go ---- */

static void unlock(struct mr_passport_kept *kept)
{
    do {
        if (atomic_exchange(&kept->stale, false))
            drop(kept);
        (void)pthread_mutex_unlock(&kept->lock);
        /* somebody may have said so in between, and gone, for it was locked */
    } while (atomic_load(&kept->stale) && pthread_mutex_trylock(&kept->lock) == 0);
}

void mr_passport_kept_forget(struct mr_passport_kept *kept)
{
    if (!kept)
        return;
    atomic_store(&kept->stale, true);
    if (pthread_mutex_trylock(&kept->lock) == 0)
        unlock(kept);
}

void mr_passport_kept_maintain(struct mr_passport_kept *kept, const struct mr_clock *clock)
{
    if (!kept || pthread_mutex_trylock(&kept->lock) != 0)
        return;
    if (mr_clock_monotonic_us(clock) - kept->used_us > idle_us)
        drop(kept);
    unlock(kept);
}

/* ---- the facts ---- */

/* Begins anew unless all is as it was when these facts were taken. */
static void renew(struct mr_passport_kept *kept, const struct mr_house *house)
{
    uint64_t epoch = mr_keyring_epoch(house->keyring), changes = mr_view_changes(house->view);

    if (atomic_exchange(&kept->stale, false) || epoch != kept->epoch || changes != kept->changes ||
            house->config != kept->config || house->edition != kept->edition)
        drop(kept);
    if (!kept->config)
        kept->edition = mr_edition_hold(house->edition);
    kept->config = house->config;
    kept->epoch = epoch;
    kept->changes = changes;
}

static bool is_too_much(const struct mr_fact_set *set)
{
    return set->count * sizeof *set->items + set->arena.used > MR_PASSPORT_KEPT_BYTES_MAX;
}

/* Takes what came since. */
static int take(
        struct mr_passport_kept *kept, const struct mr_house *house, uint64_t as_of, struct mr_error *reterr)
{
    const struct mr_fact *items = kept->set.items;
    int r = mr_facts_load(house, as_of, &kept->set, reterr);

    if (kept->set.items != items)
        drop_point(&kept->earlier);
    if (r < 0 || kept->set.damaged || is_too_much(&kept->set))
        atomic_store(&kept->stale, true);
    return r;
}

/* ---- a passport of them ---- */

static int fold(struct point *point, const struct mr_tick *tick)
{
    int r = point->fold ? mr_fold_more(point->fold, tick) : 1;

    if (r == 1) {
        mr_fold_free(point->fold);
        point->fold = NULL;
        r = mr_fold_create(&point->fold, &point->set, tick);
    }
    return r;
}

static bool is_of(const struct point *point, const struct made_of *other)
{
    const struct made_of *m = &point->made_of;

    return point->cells && m->facts == other->facts && m->destroyed == other->destroyed &&
           m->blocked == other->blocked && m->day == other->day;
}

/* Makes what the point has not yet, or has of something else. */
static int make_point(struct point *point, const struct mr_config *config, const struct mr_tick *tick,
        struct mr_error *reterr)
{
    const struct made_of of = {.facts = point->set.count,
            .destroyed = mr_fact_set_hidden(&point->set, true),
            .blocked = mr_fact_set_hidden(&point->set, false),
            .day = point->set.recorded_us / day_us};
    int r;

    if (is_of(point, &of))
        return 0;
    mr_cells_free(point->cells);
    point->cells = NULL;
    point->made_of = of;
    r = fold(point, tick);
    return r < 0 ? r : mr_cells_create(&point->cells, point->fold, config, reterr);
}

/* All of the facts. */
static int make_now(struct mr_passport_kept *kept, const struct mr_tick *tick, struct mr_error *reterr)
{
    kept->now.set = kept->set;
    return make_point(&kept->now, kept->config, tick, reterr);
}

static size_t count_through(const struct mr_fact_set *set, uint64_t through)
{
    size_t low = 0, high = set->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (set->items[middle].number <= through)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Those up to an earlier number. The last one asked for is kept. */
static int make_earlier(
        struct mr_passport_kept *kept, const struct mr_house *house, uint64_t as_of, struct mr_error *reterr)
{
    struct point *earlier = &kept->earlier;
    size_t count = count_through(&kept->set, as_of);
    int r;

    if (earlier->set.count != count)
        drop_point(earlier);
    earlier->set = kept->set;
    earlier->set.count = count;
    r = mr_facts_load(house, as_of, &earlier->set, reterr); /* nothing but what stands beside them */
    return r < 0 ? r : make_point(earlier, kept->config, house->tick, reterr);
}

static int make(struct mr_passport_kept *kept, struct mr_passport *ret, const struct mr_house *house,
        uint64_t as_of, struct mr_error *reterr)
{
    bool earlier = as_of != 0 && as_of < kept->set.through;
    const struct point *point = earlier ? &kept->earlier : &kept->now;
    int r = earlier ? 0 : take(kept, house, as_of, reterr);

    if (r == 0)
        r = earlier ? make_earlier(kept, house, as_of, reterr) : make_now(kept, house->tick, reterr);
    if (r < 0)
        return r;
    ret->facts = point->set;
    ret->fold = point->fold;
    ret->cells = point->cells;
    return 0;
}

/* ---- how far it is ---- */

struct teller {
    struct mr_passport_kept *kept;
    const struct mr_tick *asker; /* of whoever makes it */
};

static void on_tick(void *ctx, const char *what, uint64_t done, uint64_t total)
{
    const struct teller *teller = ctx;

    atomic_store(&teller->kept->total, total);
    atomic_store(&teller->kept->done, done);
    mr_tick(teller->asker, what, done, total);
}

/* Whoever waits for another one's passport says how far that is. */
static void lock(struct mr_passport_kept *kept, const struct mr_tick *tick)
{
    struct timespec until;
    int rc;

    do {
        (void)clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec++;
        rc = pthread_mutex_timedlock(&kept->lock, &until);
        if (rc != 0)
            mr_tick(tick, "facts", atomic_load(&kept->done), atomic_load(&kept->total));
    } while (rc != 0);
}

int mr_passport_kept_open(struct mr_passport_kept *kept, struct mr_passport *ret,
        const struct mr_house *house, uint64_t as_of, struct mr_error *reterr)
{
    struct teller teller = {kept, house->tick};
    const struct mr_tick tick = {on_tick, &teller};
    struct mr_house telling = *house;
    int r;

    telling.tick = &tick;
    lock(kept, house->tick);
    renew(kept, house);
    kept->used_us = mr_clock_monotonic_us(house->clock);
    *ret = (struct mr_passport){.config = house->config, .kept = kept};
    r = make(kept, ret, &telling, as_of, reterr);
    if (r == 0)
        return 0;
    atomic_store(&kept->stale, true); /* half made */
    unlock(kept);
    *ret = (struct mr_passport){0};
    return r;
}

void mr_passport_kept_leave(struct mr_passport_kept *kept)
{
    unlock(kept);
}
