#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "adapters/sdk/file.h"
#include "adapters/sdk/outbox.h"
#include "proto/wire/codec.h"
#include "tests/support/tmpdir.h"

#define DAY_US 86400000000ll

static int64_t now_us;

static int64_t fixed_now(void *ctx)
{
    (void)ctx;
    return now_us;
}

static const struct mr_clock test_clock = {fixed_now, fixed_now, NULL};

static struct mr_outbox *open_outbox(const char *dir)
{
    struct mr_outbox *outbox = NULL;
    struct mr_error error = {0};

    if (mr_outbox_open(&outbox, dir, &test_clock, &error) != 0)
        fail_msg("%s %s", error.what, error.where);
    return outbox;
}

static uint64_t add(struct mr_outbox *outbox, const char *event, const char *ref)
{
    struct mr_outbox_txn *txn;
    uint64_t sequence;

    assert_int_equal(mr_outbox_txn_begin(outbox, &txn), 0);
    assert_int_equal(mr_outbox_add(txn, mr_slice_str(event), mr_slice_str(ref), &sequence), 0);
    assert_int_equal(mr_outbox_commit(txn), 0);
    return sequence;
}

static void note(struct mr_outbox *outbox, uint64_t through)
{
    struct mr_outbox_txn *txn;

    assert_int_equal(mr_outbox_txn_begin(outbox, &txn), 0);
    assert_int_equal(mr_outbox_note(txn, through), 0);
    assert_int_equal(mr_outbox_commit(txn), 0);
}

struct seen {
    char text[256];
    uint64_t first;
    int errors;
};

static int see(void *ctx, const struct mr_outbox_item *item)
{
    struct seen *seen = ctx;

    if (seen->first == 0)
        seen->first = item->sequence;
    seen->errors += item->error != 0;
    if (item->error == 0)
        (void)strncat(seen->text, (const char *)item->event.data, item->event.size);
    return 0;
}

static struct seen walk(struct mr_outbox *outbox, uint64_t from)
{
    struct seen seen = {0};

    assert_int_equal(mr_outbox_walk(outbox, from, see, &seen), 0);
    return seen;
}

static void test_sequences_survive(void **state)
{
    char *dir = mr_tmpdir_new();
    struct mr_outbox *outbox = open_outbox(dir);
    uint64_t epoch = mr_outbox_epoch(outbox);

    (void)state;
    assert_int_equal(add(outbox, "one", "a"), 1);
    assert_int_equal(add(outbox, "two", "b"), 2);
    note(outbox, 1);
    mr_outbox_close(outbox);
    outbox = open_outbox(dir);
    assert_int_equal(mr_outbox_epoch(outbox), epoch);
    assert_int_equal(mr_outbox_noted(outbox), 1);
    assert_int_equal(add(outbox, "three", ""), 3);
    assert_string_equal(walk(outbox, 1).text, "twothree");
    mr_outbox_close(outbox);
    mr_tmpdir_free(dir);
}

static void test_abort_leaves_nothing(void **state)
{
    char *dir = mr_tmpdir_new();
    struct mr_outbox *outbox = open_outbox(dir);
    struct mr_outbox_txn *txn;
    struct mr_slice value;
    static uint8_t big[MR_EVENT_BYTES_MAX + 1];

    (void)state;
    assert_int_equal(mr_outbox_txn_begin(outbox, &txn), 0);
    assert_int_equal(mr_outbox_add(txn, mr_slice_str("one"), mr_slice_str(""), NULL), 0);
    assert_int_equal(mr_outbox_put(txn, mr_slice_str("k"), mr_slice_str("v")), 0);
    assert_int_equal(mr_outbox_add(txn, mr_slice(big, sizeof big), mr_slice_str(""), NULL), MR_ETOOBIG);
    assert_int_equal(mr_outbox_add(txn, mr_slice_str("x"), mr_slice(big, 65), NULL), MR_EINVAL);
    mr_outbox_abort(txn);
    assert_int_equal(mr_outbox_last(outbox), 0);
    assert_int_equal(mr_outbox_txn_begin(outbox, &txn), 0);
    assert_int_equal(mr_outbox_get(txn, mr_slice_str("k"), &value), MR_ENOTFOUND);
    mr_outbox_abort(txn);
    mr_outbox_close(outbox);
    mr_tmpdir_free(dir);
}

/* Nothing of an event stands in the folder, and the key of a past day goes with its last row. */
static void test_sealed_and_destroyed(void **state)
{
    char *dir = mr_tmpdir_new();
    struct mr_outbox *outbox;
    struct mr_buf file = MR_BUF_INIT;

    (void)state;
    now_us = 20000 * DAY_US;
    outbox = open_outbox(dir);
    (void)add(outbox, "Сидоров-Кобылянский", "");
    assert_true(mr_file_exists(dir, "outbox.key.20241004"));
    assert_int_equal(mr_file_read(mr_tmpdir_path(dir, "outbox/data.mdb"), 1 << 30, &file), 0);
    assert_null(memmem(file.data, file.size, "Сидоров", strlen("Сидоров")));
    mr_buf_fini(&file);
    now_us += DAY_US;
    (void)add(outbox, "next", "");
    assert_true(mr_file_exists(dir, "outbox.key.20241004"));
    note(outbox, 1);
    assert_false(mr_file_exists(dir, "outbox.key.20241004"));
    assert_true(mr_file_exists(dir, "outbox.key.20241005"));
    assert_string_equal(walk(outbox, 1).text, "next");
    mr_outbox_close(outbox);

    /* A key that no row needs, left by a crash, goes at the next start. */
    assert_int_equal(
            mr_file_write(dir, "outbox.key.20200101", mr_slice_str("01234567890123456789012345678901"), 0600),
            0);
    outbox = open_outbox(dir);
    assert_false(mr_file_exists(dir, "outbox.key.20200101"));
    mr_outbox_close(outbox);

    /* A lost key: the row says so and the rest goes on. */
    assert_int_equal(mr_file_destroy(mr_tmpdir_path(dir, "outbox.key.20241005")), 0);
    now_us += DAY_US;
    outbox = open_outbox(dir);
    (void)add(outbox, "after", "");
    assert_int_equal(walk(outbox, 1).errors, 1);
    assert_string_equal(walk(outbox, 1).text, "after");
    mr_outbox_close(outbox);
    mr_tmpdir_free(dir);
}

static void test_renumber(void **state)
{
    char *dir = mr_tmpdir_new();
    struct mr_outbox *outbox = open_outbox(dir);
    uint64_t epoch = mr_outbox_epoch(outbox);

    (void)state;
    for (const char *c = "abcde"; *c; c++)
        (void)add(outbox, (char[]){*c, 0}, "");
    note(outbox, 3);
    assert_int_equal(mr_outbox_renumber(outbox), 0);
    assert_int_not_equal(mr_outbox_epoch(outbox), epoch);
    assert_int_equal(mr_outbox_noted(outbox), 0);
    assert_int_equal(mr_outbox_last(outbox), 2);
    assert_int_equal(walk(outbox, 1).first, 1);
    assert_string_equal(walk(outbox, 1).text, "de");
    mr_outbox_close(outbox);
    outbox = open_outbox(dir);
    assert_string_equal(walk(outbox, 1).text, "de");
    mr_outbox_close(outbox);
    mr_tmpdir_free(dir);
}

static void test_one_owner(void **state)
{
    char *dir = mr_tmpdir_new();
    struct mr_outbox *outbox = open_outbox(dir), *other = NULL;
    uint8_t a[16], b[16];

    (void)state;
    assert_int_equal(mr_outbox_open(&other, dir, &test_clock, NULL), MR_EEXISTS);
    mr_outbox_keyed_digest(outbox, mr_slice_str("x"), a);
    mr_outbox_close(outbox);
    outbox = open_outbox(dir);
    mr_outbox_keyed_digest(outbox, mr_slice_str("x"), b);
    assert_memory_equal(a, b, sizeof a);
    mr_outbox_close(outbox);
    mr_tmpdir_free(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_sequences_survive),
            cmocka_unit_test(test_abort_leaves_nothing),
            cmocka_unit_test(test_sealed_and_destroyed),
            cmocka_unit_test(test_renumber),
            cmocka_unit_test(test_one_owner),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
