#include "hub/index/rebuild.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "hub/index/indexer.h"
#include "hub/index/owed.h"
#include "hub/keep/leftover.h"
#include "hub/project/fact_view.h"
#include "proto/base/bytes.h"
#include "proto/base/clock.h"
#include "proto/base/list.h"
#include "store/fault.h"
#include "store/folder.h"
#include "store/kv.h"
#include "store/sha256.h"

enum { PAUSE_MS = 1, LONGEST_PAUSE_MS = 200, PATIENCE_US = 60 * 1000 * 1000 };

static const struct {
    enum mr_rebuild_what what;
    const char *name;
} parts[] = {{MR_REBUILD_INDEX, "index"}, {MR_REBUILD_VIEWS, "views"}};

static int path_of(const char *dir, const char *name, char out[static PATH_MAX], struct mr_error *reterr)
{
    if (snprintf(out, PATH_MAX, "%s/%s", dir, name) < PATH_MAX)
        return 0;
    return mr_error_set(
            reterr, MR_ECONFIG, "hub.store", "use a shorter path", "the path of the store is too long");
}

/* Files of an environment that nobody owns; owner.lock stays, it is held. */
static int empty_folder(const char *dir, struct mr_error *reterr)
{
    DIR *folder = opendir(dir);
    struct dirent *entry;
    char path[PATH_MAX];
    int r = 0;

    if (!folder)
        return mr_error_set(
                reterr, mr_err_from_errno(errno), dir, "check the path and its owner", "cannot be opened");
    while (r == 0 && (entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] == '.' || strcmp(entry->d_name, "owner.lock") == 0)
            continue;
        r = path_of(dir, entry->d_name, path, reterr);
        if (r == 0 && unlink(path) < 0)
            r = mr_error_set(reterr, mr_err_from_errno(errno), path, "check its owner", "cannot be removed");
    }
    (void)closedir(folder);
    return r;
}

/* ---- anew ---- */

static int clear_part(const struct mr_config *config, const char *name, struct mr_error *reterr)
{
    char dir[PATH_MAX];
    int held = -1;
    int r = path_of(config->hub.store, name, dir, reterr);

    if (r == 0)
        r = mr_folder_make(dir, reterr);
    if (r == 0)
        r = mr_kv_hold(dir, &held, reterr);
    if (r == 0)
        r = empty_folder(dir, reterr);
    mr_kv_let_go(held);
    return r;
}

/* Both up to there, batch by batch. */
static int build(
        struct mr_house *house, uint64_t through, const struct mr_tick *tick, struct mr_error *reterr)
{
    uint64_t at = 0;
    int r = 0;

    while (r == 0 && at < through) {
        uint64_t left = through - at;

        r = mr_indexer_run_to(
                house, left < MR_INDEXER_BATCH_MAX ? through : at + MR_INDEXER_BATCH_MAX, reterr);
        at += left < MR_INDEXER_BATCH_MAX ? left : MR_INDEXER_BATCH_MAX;
        mr_tick(tick, "rebuild", at, through);
    }
    return r;
}

int mr_rebuild(const struct mr_config *config, enum mr_rebuild_what what, const struct mr_tick *tick,
        struct mr_rebuilt *ret, struct mr_error *reterr)
{
    struct mr_house house;
    int r = mr_leftover_check(config, reterr);

    *ret = (struct mr_rebuilt){0};
    for (size_t i = 0; i < MR_COUNT(parts) && r == 0; i++)
        if (what & parts[i].what)
            r = clear_part(config, parts[i].name, reterr);
    if (r == 0)
        r = mr_house_open(&house, config, /* read_only= */ false, reterr);
    if (r < 0)
        return r;
    r = build(&house, mr_log_head(house.log), tick, reterr);
    ret->through = mr_index_through(house.index);
    mr_house_close(&house);
    return r;
}

/* ---- the same result ---- */

struct content {
    uint64_t through;
    uint8_t index[32], views[32];
    uint64_t entries, facts;
};

/* Numbers of events that do not open now, because somebody in them is blocked: ascending u64. */
struct blocked {
    struct mr_buf numbers;
};

static int compare_numbers(const void *a, const void *b)
{
    uint64_t x, y;

    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return x < y ? -1 : x > y;
}

static bool is_blocked(const struct blocked *blocked, uint64_t number)
{
    return blocked->numbers.size > 0 &&
           bsearch(&number, blocked->numbers.data, blocked->numbers.size / sizeof number, sizeof number,
                   compare_numbers) != NULL;
}

static int note_blocked(struct blocked *blocked, const struct mr_fact_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        if (set->items[i].kind == MR_FACT_WITHHELD && strcmp(set->items[i].code, "blocked") == 0)
            mr_buf_put(&blocked->numbers, &set->items[i].number, sizeof set->items[i].number);
    return mr_buf_failed(&blocked->numbers) ? MR_ENOMEM : 0;
}

/*
 * Facts of an event stand sealed in the present views when a person in it was blocked afterwards, and a
 * rebuild makes none of it until the block ends. Both would be the same then: such events are left out.
 */
static int digest_set(const struct mr_fact_set *set, const struct blocked *blocked, struct content *ret)
{
    struct mr_sha256_state state;
    struct mr_buf bytes = MR_BUF_INIT;
    int r = 0;

    mr_sha256_init(&state);
    for (size_t i = 0; i < set->count && r == 0; i++) {
        if (is_blocked(blocked, set->items[i].number))
            continue;
        mr_buf_reset(&bytes);
        mr_buf_put_be64(&bytes, set->items[i].number);
        mr_buf_put_u8(&bytes, set->items[i].part);
        r = mr_fact_encode(&bytes, &set->items[i]);
        mr_sha256_put(&state, mr_buf_slice(&bytes));
        ret->facts++;
    }
    mr_sha256_final(&state, ret->views);
    mr_buf_wipe(&bytes);
    return r;
}

/* noting: whoever is blocked in these is added, before anything is compared. */
static int digest_facts(struct mr_house *house, struct blocked *blocked, bool noting, struct content *ret,
        struct mr_error *reterr)
{
    struct mr_fact_set set;
    int r;

    mr_fact_set_init(&set);
    ret->facts = 0;
    r = ret->through > 0 ? mr_facts_load(house, ret->through, &set, reterr) : 0;
    if (r == 0 && noting)
        r = note_blocked(blocked, &set);
    if (r == 0)
        r = digest_set(&set, blocked, ret);
    mr_fact_set_fini(&set);
    return r;
}

/* A row of index/ or views/ that cannot be read: whoever asks for a check wants to know whose, and what to
 * do. */
static int say_damage(int r, const char *name, struct mr_error *reterr)
{
    char cure[64];

    if (r != MR_ECORRUPT || !reterr || (reterr->code != 0 && reterr->cure[0] != '\0'))
        return r;
    (void)snprintf(cure, sizeof cure, "stop the hub, then marshrut rebuild %s", name);
    return mr_error_set(reterr, r, name, cure, "rows of %s/ are damaged", name);
}

/* 1: the log has changed behind them, and that is not settled yet (hub/index/owed.h). */
static int look_owing(struct mr_house *house)
{
    struct mr_log_reader *reader;
    struct mr_owed owed;
    int r = mr_log_reader_open(house->log, &reader);

    if (r < 0)
        return r;
    r = mr_owed_next(reader, 1, &owed);
    mr_log_reader_close(reader);
    return r == 0 ? 1 : r == MR_ENOTFOUND ? 0 : r;
}

/* The digest, when index/ and views/ stood at the same number before and after it. 1: they did not. */
static int digest_once(struct mr_house *house, struct content *ret, struct mr_error *reterr)
{
    uint64_t views = mr_view_through(house->view);
    int r = look_owing(house);

    ret->through = mr_index_through(house->index);
    if (r != 0 || ret->through != views)
        return r < 0 ? r : 1;
    r = say_damage(mr_index_digest(house->index, ret->index, &ret->entries, reterr), "index", reterr);
    if (r < 0 || ret->through != mr_index_through(house->index))
        return r < 0 ? r : 1;
    return look_owing(house);
}

/* Of one moment. Their builder commits one after the other, and a commit lasts as long as the disk wants. */
static int digest_present(struct mr_house *house, struct content *ret, struct mr_error *reterr)
{
    const struct mr_clock *clock = mr_clock_system();
    int64_t until_us = mr_clock_monotonic_us(clock) + PATIENCE_US;
    long pause_ms = PAUSE_MS;
    int r = digest_once(house, ret, reterr);

    while (r > 0 && mr_clock_monotonic_us(clock) < until_us) {
        struct timespec pause = {.tv_nsec = pause_ms * 1000 * 1000};

        (void)nanosleep(&pause, NULL);
        pause_ms = 2 * pause_ms < LONGEST_PAUSE_MS ? 2 * pause_ms : LONGEST_PAUSE_MS;
        r = digest_once(house, ret, reterr);
    }
    return r <= 0 ? r
                  : mr_error_set(reterr, MR_EAGAIN, "index",
                            "try again with the hub running, when fewer events come",
                            "index and views do not come to rest beside the log");
}

static int digest_again(struct mr_house *house, uint64_t through, struct blocked *blocked,
        const struct mr_tick *tick, struct content *ret, struct mr_error *reterr)
{
    int r = build(house, through, tick, reterr);

    ret->through = through;
    if (r == 0)
        r = mr_index_digest(house->index, ret->index, &ret->entries, reterr);
    return r < 0 ? r : digest_facts(house, blocked, /* noting= */ true, ret, reterr);
}

/* The present house with an index and views of its own. */
static int build_beside(const struct mr_house *present, const char *dir, uint64_t through,
        struct blocked *blocked, const struct mr_tick *tick, struct content *ret, struct mr_error *reterr)
{
    struct mr_house beside = *present;
    char path[PATH_MAX];
    int r = path_of(dir, "index", path, reterr);

    beside.index = NULL;
    beside.view = NULL;
    if (r == 0)
        r = mr_index_open(&beside.index, path, false, reterr);
    if (r == 0)
        r = path_of(dir, "views", path, reterr);
    if (r == 0)
        r = mr_view_open(&beside.view, path, false, reterr);
    if (r == 0)
        r = digest_again(&beside, through, blocked, tick, ret, reterr);
    if (r == 0)
        r = MR_FAULT("rebuild.built");
    if (beside.index)
        mr_index_close(beside.index);
    if (beside.view)
        mr_view_close(beside.view);
    return r;
}

/* The present facts as of the same number, behind the others: those say what is left out. */
static int look_at_both(const struct mr_house *house, const char *dir, struct blocked *blocked,
        const struct mr_tick *tick, struct content *have, struct content *again, struct mr_error *reterr)
{
    struct mr_house present = *house;
    int r = digest_present(&present, have, reterr);

    if (r == 0)
        r = build_beside(house, dir, have->through, blocked, tick, again, reterr);
    return r < 0 ? r
                 : say_damage(digest_facts(&present, blocked, /* noting= */ false, have, reterr), "views",
                           reterr);
}

static int compare(const struct mr_house *house, const char *dir, const struct mr_tick *tick,
        struct mr_rebuilt *ret, struct mr_error *reterr)
{
    struct content have = {0}, again = {0};
    struct blocked blocked = {.numbers = MR_BUF_INIT};
    int r = look_at_both(house, dir, &blocked, tick, &have, &again, reterr);

    *ret = (struct mr_rebuilt){.through = have.through,
            .index_same = r == 0 && memcmp(have.index, again.index, sizeof have.index) == 0,
            .views_same = r == 0 && memcmp(have.views, again.views, sizeof have.views) == 0,
            .entries = have.entries,
            .entries_again = again.entries,
            .facts = have.facts,
            .facts_again = again.facts,
            .blocked = blocked.numbers.size / sizeof(uint64_t)};
    mr_buf_fini(&blocked.numbers);
    return r;
}

static int check_in(const struct mr_house *house, const char *dir, const struct mr_tick *tick,
        struct mr_rebuilt *ret, struct mr_error *reterr)
{
    int held, removed;
    int r = mr_leftover_hold(dir, &held, reterr);

    if (r < 0)
        return r;
    r = compare(house, dir, tick, ret, reterr);
    removed = mr_leftover_remove(dir, r == 0 ? reterr : NULL);
    (void)close(held);
    return r < 0 ? r : removed;
}

int mr_rebuild_check(const struct mr_config *config, const struct mr_tick *tick, struct mr_rebuilt *ret,
        struct mr_error *reterr)
{
    char dir[PATH_MAX];
    struct mr_house house;
    int r = path_of(config->hub.store, MR_LEFTOVER_REBUILD "XXXXXX", dir, reterr);

    *ret = (struct mr_rebuilt){0};
    mr_leftover_clear(config);
    if (r == 0)
        r = mr_house_open(&house, config, /* read_only= */ true, reterr);
    if (r < 0)
        return r;
    if (!house.keyring)
        r = mr_error_set(reterr, MR_EDENIED, config->hub.root_key,
                "run it as the hub's user, with the root key",
                "without the keys of persons nothing can be built");
    else if (!mkdtemp(dir))
        r = mr_error_set(reterr, mr_err_from_errno(errno), dir, "check the folder's owner",
                "cannot be made: %s", strerror(errno));
    if (r == 0)
        r = check_in(&house, dir, tick, ret, reterr);
    mr_house_close(&house);
    return r;
}
