#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "proto/base/buf.h"
#include "store/view.h"
#include "tests/support/tmpdir.h"

#define S(text) mr_slice_str(text)

static int setup(void **state)
{
    *state = mr_tmpdir_new();
    return 0;
}

static int teardown(void **state)
{
    mr_tmpdir_free(*state);
    return 0;
}

static struct mr_view *open_view(const char *dir, bool read_only)
{
    struct mr_view *view = NULL;

    assert_int_equal(mr_view_open(&view, dir, read_only, NULL), 0);
    return view;
}

static struct mr_view_batch *batch_of(struct mr_view *view)
{
    struct mr_view_batch *batch = NULL;

    assert_int_equal(mr_view_batch_begin(view, &batch), 0);
    return batch;
}

static int collect(void *ctx, struct mr_slice key, struct mr_slice value)
{
    struct mr_buf *out = ctx;

    mr_buf_put_slice(out, key);
    mr_buf_put_slice(out, value);
    return mr_slice_equal(key, S("stop")) ? 5 : 0;
}

static void assert_rows(struct mr_view *view, const char *from, int want_r, const char *want)
{
    struct mr_view_reader *reader = NULL;
    struct mr_buf got = MR_BUF_INIT;

    assert_int_equal(mr_view_reader_open(view, &reader), 0);
    assert_int_equal(mr_view_rows(reader, MR_VIEW_FACT, S(from), collect, &got), want_r);
    assert_string_equal(mr_buf_str(&got), want);
    mr_buf_fini(&got);
    mr_view_reader_close(reader);
}

static void rows_move_with_through(void **state)
{
    struct mr_view *view = open_view(*state, false);
    struct mr_view_batch *batch = batch_of(view);
    struct mr_slice value;

    assert_int_equal(mr_view_through(view), 0);
    mr_view_batch_put(batch, MR_VIEW_FACT, S("b"), S("2"));
    mr_view_batch_put(batch, MR_VIEW_FACT, S("a"), S("1"));
    mr_view_batch_put(batch, MR_VIEW_FACT, S("x"), S("9"));
    mr_view_batch_put(batch, MR_VIEW_META, S("through"), S("the projection's own"));
    assert_int_equal(mr_view_batch_get(batch, MR_VIEW_FACT, S("x"), &value), 0);
    assert_int_equal(mr_view_batch_del(batch, MR_VIEW_FACT, S("x")), 0);
    assert_int_equal(mr_view_batch_del(batch, MR_VIEW_FACT, S("x")), MR_ENOTFOUND);
    assert_int_equal(mr_view_batch_commit(batch, 17), 0);
    batch = batch_of(view);
    mr_view_batch_put(batch, MR_VIEW_FACT, S("c"), S("3"));
    mr_view_batch_abort(batch);
    mr_view_close(view);

    view = open_view(*state, true);
    assert_int_equal(mr_view_through(view), 17);
    assert_rows(view, "", 0, "a1b2");
    assert_rows(view, "aa", 0, "b2");
    mr_view_close(view);
}

static void failed_put_stops_the_commit(void **state)
{
    struct mr_view *view = open_view(*state, false);
    struct mr_view_batch *batch = batch_of(view);

    mr_view_batch_put(batch, MR_VIEW_FACT, S("a"), S("1"));
    assert_int_equal(mr_view_batch_put(batch, MR_VIEW_FACT, S(""), S("no key")), MR_EINVAL);
    assert_int_equal(mr_view_batch_commit(batch, 9), MR_EINVAL);
    assert_int_equal(mr_view_through(view), 0);
    assert_rows(view, "", 0, "");
    mr_view_close(view);
}

static void reader_keeps_its_snapshot(void **state)
{
    struct mr_view *view = open_view(*state, false);
    struct mr_view_batch *batch = batch_of(view);
    struct mr_view_reader *reader = NULL;
    struct mr_slice value;

    mr_view_batch_put(batch, MR_VIEW_FACT, S("k"), S("old"));
    assert_int_equal(mr_view_batch_commit(batch, 1), 0);
    assert_int_equal(mr_view_reader_open(view, &reader), 0);
    batch = batch_of(view);
    mr_view_batch_put(batch, MR_VIEW_FACT, S("k"), S("new"));
    assert_int_equal(mr_view_batch_commit(batch, 2), 0);
    assert_int_equal(mr_view_reader_through(reader), 1);
    assert_int_equal(mr_view_get(reader, MR_VIEW_FACT, S("k"), &value), 0);
    assert_true(mr_slice_equal(value, S("old")));
    assert_int_equal(mr_view_get(reader, MR_VIEW_META, S("k"), &value), MR_ENOTFOUND);
    mr_view_reader_close(reader);
    assert_rows(view, "", 0, "knew");
    mr_view_close(view);
}

static void walk_stops_and_clear_empties(void **state)
{
    struct mr_view *view = open_view(*state, false);
    struct mr_view_batch *batch = batch_of(view);

    mr_view_batch_put(batch, MR_VIEW_FACT, S("a"), S("1"));
    mr_view_batch_put(batch, MR_VIEW_FACT, S("stop"), S("2"));
    mr_view_batch_put(batch, MR_VIEW_FACT, S("z"), S("3"));
    assert_int_equal(mr_view_batch_commit(batch, 5), 0);
    assert_rows(view, "", 5, "a1stop2");
    assert_int_equal(mr_view_clear(view), 0);
    assert_int_equal(mr_view_through(view), 0);
    assert_rows(view, "", 0, "");
    assert_int_equal(mr_view_maintain(view), 0);
    mr_view_close(view);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
            T(rows_move_with_through),
            T(failed_put_stops_the_commit),
            T(reader_keeps_its_snapshot),
            T(walk_stops_and_clear_empties),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
