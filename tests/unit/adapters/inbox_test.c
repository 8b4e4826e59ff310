#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "adapters/sdk/inbox.h"
#include "tests/support/tmpdir.h"

static void test_front(void **state)
{
    char *dir = mr_tmpdir_new();
    struct mr_inbox *inbox;
    struct mr_inbox_subscription *sub;

    (void)state;
    assert_int_equal(mr_inbox_open(&inbox, dir, NULL), 0);
    sub = mr_inbox_subscription(inbox, "s");
    for (uint64_t n = 10; n < 14; n++)
        assert_int_equal(mr_inbox_deliver(sub, n, 100, false), MR_INBOX_HAND_OVER);
    assert_int_equal(mr_inbox_finish(sub, 11, true), 0);
    assert_int_equal(sub->ack, 0); /* 10 is not finished */
    assert_int_equal(mr_inbox_finish(sub, 10, true), 0);
    assert_int_equal(sub->ack, 11);
    assert_int_equal(
            mr_inbox_finish(sub, 12, false), 0); /* nacked: does not hold up 13, is not acknowledged itself */
    assert_int_equal(sub->ack, 11);
    assert_int_equal(mr_inbox_finish(sub, 13, true), 0);
    assert_int_equal(sub->ack, 13);
    assert_int_equal(sub->credit_events, 4);
    assert_int_equal(sub->credit_bytes, 400);
    assert_int_equal(mr_inbox_finish(sub, 13, true), MR_ENOTFOUND);
    assert_int_equal(mr_inbox_save(inbox), 0);
    mr_inbox_close(inbox);
    assert_int_equal(mr_inbox_open(&inbox, dir, NULL), 0);
    assert_int_equal(mr_inbox_subscription(inbox, "s")->cursor, 13);
    assert_null(mr_inbox_find(inbox, "other"));
    mr_inbox_close(inbox);
    mr_tmpdir_free(dir);
}

/* A break while the adapter works: it is not given the same event twice, and its finish counts in the new
 * session. */
static void test_sessions(void **state)
{
    char *dir = mr_tmpdir_new();
    struct mr_inbox *inbox;
    struct mr_inbox_subscription *sub;

    (void)state;
    assert_int_equal(mr_inbox_open(&inbox, dir, NULL), 0);
    sub = mr_inbox_subscription(inbox, "s");
    assert_int_equal(mr_inbox_deliver(sub, 1, 1, false), MR_INBOX_HAND_OVER);
    assert_int_equal(mr_inbox_deliver(sub, 2, 1, false), MR_INBOX_HAND_OVER);
    mr_inbox_new_session(inbox);
    assert_int_equal(mr_inbox_finish(sub, 2, true), 0); /* before it comes again */
    assert_int_equal(mr_inbox_deliver(sub, 1, 1, false), MR_INBOX_KNOWN);
    assert_int_equal(mr_inbox_deliver(sub, 2, 1, false), MR_INBOX_KNOWN);
    assert_int_equal(sub->ack, 0);
    assert_int_equal(mr_inbox_finish(sub, 1, true), 0);
    assert_int_equal(sub->ack, 2);
    /* A parked one is released: its low number is no repetition. */
    assert_int_equal(mr_inbox_deliver(sub, 1, 1, false), MR_INBOX_HAND_OVER);
    assert_int_equal(mr_inbox_finish(sub, 1, false), 0);
    assert_int_equal(mr_inbox_deliver(sub, 1, 1, false), MR_INBOX_HAND_OVER);
    mr_inbox_close(inbox);
    mr_tmpdir_free(dir);
}

/* What was given back comes by itself while later ones are still at work: each has an acknowledgement of its
 * own. */
static void test_apart(void **state)
{
    char *dir = mr_tmpdir_new();
    struct mr_inbox *inbox;
    struct mr_inbox_subscription *sub;

    (void)state;
    assert_int_equal(mr_inbox_open(&inbox, dir, NULL), 0);
    sub = mr_inbox_subscription(inbox, "s");
    for (uint64_t n = 1; n < 5; n++)
        assert_int_equal(mr_inbox_deliver(sub, n, 1, false), MR_INBOX_HAND_OVER);
    assert_int_equal(mr_inbox_finish(sub, 2, false), 0);
    assert_int_equal(mr_inbox_finish(sub, 1, true), 0);
    assert_int_equal(mr_inbox_deliver(sub, 2, 1, true), MR_INBOX_HAND_OVER);
    assert_int_equal(mr_inbox_finish(sub, 4, true), 0);
    assert_int_equal(mr_inbox_finish(sub, 2, true), 0); /* 3 is still at work */
    assert_int_equal(sub->ack, 1);
    assert_int_equal(sub->ack_apart, 2);
    assert_int_equal(mr_inbox_deliver(sub, 3, 1, false), MR_INBOX_KNOWN); /* behind it, again */
    assert_int_equal(mr_inbox_finish(sub, 3, true), 0);
    assert_int_equal(sub->ack, 4);
    assert_int_equal(sub->ack_apart, 2);
    /* Replayed while the adapter is at it: one effect, both acknowledged. */
    assert_int_equal(mr_inbox_deliver(sub, 5, 1, false), MR_INBOX_HAND_OVER);
    assert_int_equal(mr_inbox_deliver(sub, 5, 1, true), MR_INBOX_KNOWN);
    assert_int_equal(mr_inbox_finish(sub, 5, true), 0);
    assert_int_equal(sub->ack, 5);
    assert_int_equal(sub->ack_apart, 5);
    mr_inbox_close(inbox);
    mr_tmpdir_free(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_front),
            cmocka_unit_test(test_sessions),
            cmocka_unit_test(test_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
