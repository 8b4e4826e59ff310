/*
 * Records that cannot be read while their person is forgotten: told by number, closed with the keys, empty
 * when they come back: by themselves, out of a backup, or in the middle of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hub/keep/backup.h"
#include "hub/index/owed.h"
#include "hub/own.h"
#include "hub/keep/repair.h"
#include "proto/base/bytes.h"
#include "tests/support/bytes_search.h"
#include "tests/support/eraser_env.h"
#include "tests/support/spawn.h"
#include "tests/support/tmpdir.h"

enum { WHOLE = 1, DAMAGED = 2, OTHERS = 3, WAITING = 4, MARK_BYTES = 40 };

struct flips {
    uint8_t marks[2][MARK_BYTES]; /* sealed bytes of the records: nothing else in the file is like them */
};

static const uint64_t flipped[] = {DAMAGED, WAITING};

static const char *log_file(const struct eraser_env *f)
{
    return mr_tmpdir_path(f->env->dir, "store/log/data.mdb");
}

static void read_mark(const struct eraser_env *f, uint64_t number, uint8_t ret[static MARK_BYTES])
{
    struct mr_record_view *view = calloc(1, sizeof *view);
    struct mr_log_reader *reader;

    assert_int_equal(mr_log_reader_open(f->env->house.log, &reader), 0);
    assert_int_equal(mr_log_read(reader, number, view, NULL), 0);
    assert_true(view->record.slots_count > 0 && view->record.slots[0].size > MARK_BYTES);
    memcpy(ret, view->record.slots[0].data + view->record.slots[0].size - MARK_BYTES, MARK_BYTES);
    mr_log_reader_close(reader);
    free(view);
}

/* A bit behind each place in the file that has the mark but for its last byte. */
static void flip(const struct eraser_env *f, const uint8_t mark[static MARK_BYTES])
{
    int fd = open(log_file(f), O_RDWR | O_CLOEXEC), places = 0;
    struct stat st;
    uint8_t *bytes, *at;

    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &st), 0);
    bytes = malloc((size_t)st.st_size);
    assert_int_equal(pread(fd, bytes, (size_t)st.st_size, 0), st.st_size);
    for (at = bytes; (at = memmem(at, (size_t)(bytes + st.st_size - at), mark, MARK_BYTES - 1)) != NULL;
            at += MARK_BYTES, places++) {
        at[MARK_BYTES - 1] ^= 4;
        assert_int_equal(pwrite(fd, at + MARK_BYTES - 1, 1, at + MARK_BYTES - 1 - bytes), 1);
    }
    assert_true(places > 0);
    (void)close(fd);
    free(bytes);
}

static void flip_all(const struct eraser_env *f, const struct flips *flips)
{
    for (size_t i = 0; i < 2; i++)
        flip(f, flips->marks[i]);
}

/* Hers, hers, another's, and one that waits for correction: nobody knows whose. */
static void publish(struct eraser_env *f, struct flips *ret)
{
    assert_int_equal(eraser_env_deficit(f, "d-1", SNILS_ANNA, "p-17"), WHOLE);
    assert_int_equal(eraser_env_deficit(f, "d-2", SNILS_ANNA, NULL), DAMAGED);
    assert_int_equal(eraser_env_deficit(f, "d-3", SNILS_OLGA, NULL), OTHERS);
    assert_int_equal(eraser_env_deficit(f, "d-4", SNILS_OLGA, "p-17"), WAITING);
    eraser_env_await_indexed(f);
    for (size_t i = 0; i < 2; i++)
        read_mark(f, flipped[i], ret->marks[i]);
}

static void start_erasing(struct eraser_env *f)
{
    struct mr_error error = {0};
    uint64_t number;

    assert_int_equal(eraser_env_request(f, SNILS_ANNA, &number, &error), 0);
    assert_int_equal(mr_eraser_approve(f->eraser, number, "pd-2", &error), 0);
}

/* ---- what a request says of them ---- */

struct damage {
    struct mr_log *log;
    uint64_t met, left, first, last, events, quarantined;
};

static int look(void *ctx, const mr_erasure_request *request)
{
    struct damage *d = ctx;

    d->met = request->damaged_met;
    d->left = request->n_damaged;
    d->first = d->left > 0 ? request->damaged[0]->first : 0;
    d->last = d->left > 0 ? request->damaged[d->left - 1]->last : 0;
    d->events = request->events;
    d->quarantined = request->quarantined;
    return 0;
}

static struct damage damage_of(const struct eraser_env *f)
{
    struct damage d = {.log = f->env->house.log};

    assert_int_equal(mr_erasure_all(d.log, look, &d), 0);
    return d;
}

static bool is_mended(void *ctx)
{
    return damage_of(ctx).left == 0;
}

/* The sealed parts are out of them, whoever holds which key. */
static bool is_empty(void *ctx)
{
    struct eraser_env *f = ctx;
    struct mr_record_view *view = calloc(1, sizeof *view);
    struct mr_log_reader *reader;
    bool empty = true;

    assert_int_equal(mr_log_reader_open(f->env->house.log, &reader), 0);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(mr_log_read(reader, flipped[i], view, NULL), 0);
        empty = empty && view->record.slots[0].size == 0;
    }
    mr_log_reader_close(reader);
    free(view);
    return empty;
}

static int drop_owed(struct mr_own *own, struct mr_log_batch *batch)
{
    return mr_owed_del(batch, own->ctx);
}

/* As the compactor does it. */
static void settle(struct eraser_env *f)
{
    const struct mr_owed_stop never = {0};
    struct mr_owed owed = {0};
    struct mr_log_reader *reader;
    struct mr_own own = {.rows = drop_owed, .ctx = &owed};

    assert_int_equal(mr_log_reader_open(f->env->house.log, &reader), 0);
    while (mr_owed_next(reader, owed.first + 1, &owed) == 0) {
        mr_log_reader_pause(reader);
        assert_int_equal(mr_owed_settle(&f->env->house, &owed, &never), 0);
        assert_int_equal(mr_own_say(f->env->prepare, &own, NULL), 0);
        assert_int_equal(mr_log_reader_renew(reader), 0);
    }
    mr_log_reader_close(reader);
}

static void expect_forgotten(struct eraser_env *f)
{
    spawn_until("nothing is damaged any more", is_mended, f);
    spawn_until("they are empty", is_empty, f);
    assert_int_equal(damage_of(f).met, 2); /* as the act says */
    assert_int_equal(eraser_env_open(f, DAMAGED, MR_PURPOSE_ERASE), MR_EDESTROYED);
    assert_int_equal(eraser_env_open(f, WAITING, MR_PURPOSE_CORRECT), MR_EDESTROYED);
    assert_int_equal(eraser_env_open(f, OTHERS, MR_PURPOSE_DELIVER), 0);
    eraser_env_await_indexed(f);
    settle(f);
    eraser_env_expect_as_rebuilt(f);
}

static void expect_told(struct eraser_env *f)
{
    struct damage d = damage_of(f);

    assert_int_equal(d.met, 2);
    assert_int_equal(d.left, 2);
    assert_int_equal(d.first, DAMAGED);
    assert_int_equal(d.last, WAITING);
    assert_int_equal(d.events, 1);
    assert_int_equal(d.quarantined, 1); /* not to be read: it may have been hers */
    assert_int_equal(eraser_env_open(f, WHOLE, MR_PURPOSE_ERASE), MR_EDESTROYED);
    assert_int_equal(eraser_env_open(f, DAMAGED, MR_PURPOSE_ERASE), MR_ECORRUPT);
    assert_true(bytes_folder_has(mr_tmpdir_path(f->env->dir, "store/acts"), "№ 2, 4."));
}

/* ---- tests ---- */

static void test_comes_back_by_itself(void **state)
{
    struct eraser_env *f = *state;
    struct flips flips;

    publish(f, &flips);
    flip_all(f, &flips);
    start_erasing(f);
    (void)eraser_env_await(f, 1, MR_ERASURE_COMPLETED);
    expect_told(f);
    flip_all(f, &flips);
    assert_int_equal(eraser_env_open(f, DAMAGED, MR_PURPOSE_ERASE), MR_EDESTROYED); /* at once */
    mr_eraser_wake(f->eraser);
    expect_forgotten(f);
}

static void ignore(void *ctx, const struct mr_scrub_finding *finding)
{
    (void)ctx;
    (void)finding;
}

static void test_repaired_from_a_backup(void **state)
{
    struct eraser_env *f = *state;
    const char *backup = mr_tmpdir_path(f->env->dir, "backup");
    struct mr_error error = {0};
    struct mr_backup made;
    struct mr_repaired repaired;
    struct flips flips;

    publish(f, &flips);
    eraser_env_stop(f);
    hub_env_close(f->env);
    assert_int_equal(mr_backup_make(f->env->config, backup, &made, ignore, NULL, NULL, &error), 0);
    mr_backup_fini(&made);
    hub_env_open(f->env);
    eraser_env_start(f);
    flip_all(f, &flips);
    start_erasing(f);
    (void)eraser_env_await(f, 1, MR_ERASURE_COMPLETED);
    expect_told(f);
    eraser_env_stop(f);
    hub_env_close(f->env);
    if (mr_repair_from(f->env->config, backup, &repaired, ignore, NULL, &error) < 0)
        fail_msg("%s: %s", error.where, error.what);
    assert_int_equal(repaired.mended, 2);
    hub_env_open(f->env);
    assert_true(is_empty(f)); /* before anybody looks */
    eraser_env_start(f);
    expect_forgotten(f);
}

static bool waits_for_compactor(void *ctx)
{
    char text[MR_ERASER_WAITS_BYTES];

    mr_eraser_waits(((struct eraser_env *)ctx)->eraser, 1, text);
    return strcmp(text, "compactor") == 0;
}

static int put_owed(struct mr_own *own, struct mr_log_batch *batch)
{
    return mr_owed_put(batch, own->ctx);
}

static int look_at_state(void *ctx, const mr_erasure_request *request)
{
    *(uint32_t *)ctx = request->state;
    return 0;
}

static bool is_completed(void *ctx)
{
    struct eraser_env *f = ctx;
    uint32_t state = 0;

    settle(f);
    assert_int_equal(mr_erasure_all(f->env->house.log, look_at_state, &state), 0);
    return state == MR_ERASURE_COMPLETED;
}

/* Found anew, cleaned and emptied as the others. */
static void test_comes_back_in_the_middle(void **state)
{
    struct eraser_env *f = *state;
    struct mr_owed owed = {.first = OTHERS, .last = OTHERS}; /* for which cleaning waits */
    struct mr_own own = {.rows = put_owed, .ctx = &owed};
    struct flips flips;

    publish(f, &flips);
    flip_all(f, &flips);
    assert_int_equal(mr_own_say(f->env->prepare, &own, NULL), 0);
    start_erasing(f);
    spawn_until("it waits", waits_for_compactor, f);
    assert_int_equal(damage_of(f).left, 2);
    assert_int_equal(damage_of(f).events, 1);
    flip_all(f, &flips);
    spawn_until("completed", is_completed, f);
    assert_int_equal(damage_of(f).met, 0);
    assert_int_equal(damage_of(f).left, 0);
    assert_int_equal(damage_of(f).events, 2);
    assert_true(is_empty(f));
    eraser_env_expect_as_rebuilt(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(test_comes_back_by_itself, eraser_env_setup, eraser_env_teardown),
            cmocka_unit_test_setup_teardown(
                    test_repaired_from_a_backup, eraser_env_setup, eraser_env_teardown),
            cmocka_unit_test_setup_teardown(
                    test_comes_back_in_the_middle, eraser_env_setup, eraser_env_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
