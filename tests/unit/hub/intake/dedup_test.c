/* The tail in memory: found, rolled back, forgotten once indexed; the log decides where the index is wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "hub/intake/dedup.h"
#include "tests/support/hub_env.h"

static struct mr_dedup_entry entry_of(
        const struct hub_env *env, const char *id, const char *bytes, uint64_t number)
{
    struct mr_dedup_entry entry = {.number = number, .leaf_hash = {(uint8_t)number}};

    mr_dedup_digests(env->house.keyring, "urn:x", id, mr_slice_str(bytes), &entry);
    return entry;
}

static void digests_are_of_source_and_id(void **state)
{
    struct hub_env *env = *state;
    struct mr_dedup_entry a, b;

    mr_dedup_digests(env->house.keyring, "urn:x", "yz", mr_slice_str("b"), &a);
    mr_dedup_digests(env->house.keyring, "urn:xy", "z", mr_slice_str("b"), &b);
    assert_memory_not_equal(a.ident, b.ident, sizeof a.ident);
    assert_memory_equal(a.digest, b.digest, sizeof a.digest);
    assert_memory_not_equal(a.digest, a.ident, sizeof a.ident);
}

/* What is made beforehand for a whole intake is what is made of one event: bytes that are no event have no
 * ident. */
static void digests_are_made_together(void **state)
{
    enum { EVENTS = 70, BIG = 33, BROKEN = 34 };
    static uint8_t big[MR_EVENT_BYTES_MAX + 1];
    struct hub_env *env = *state;
    struct mr_intake *intake = mr_intake_new(EVENTS);
    struct mr_buf events[EVENTS] = {0};
    char id[16];

    assert_non_null(intake);
    for (size_t i = 0; i < EVENTS; i++) {
        (void)snprintf(id, sizeof id, "p-%zu", i);
        hub_env_programme(&events[i], id);
        intake->items[i].event = mr_buf_slice(&events[i]);
    }
    intake->items[BIG].event = mr_slice(big, sizeof big);
    intake->items[BROKEN].event = mr_slice_str("no event");
    mr_intake_digest(intake, env->house.keyring);
    for (size_t i = 0; i < EVENTS; i++) {
        const struct mr_intake_item *item = &intake->items[i];
        struct mr_dedup_entry entry = {0};

        (void)snprintf(id, sizeof id, "p-%zu", i);
        mr_dedup_digests(env->house.keyring, "urn:marshrut:24:portal", id, item->event, &entry);
        assert_int_equal(item->digested, i != BIG);
        assert_int_equal(item->identified, i != BIG && i != BROKEN);
        if (item->digested)
            assert_memory_equal(item->digest, entry.digest, sizeof entry.digest);
        if (item->identified)
            assert_memory_equal(item->ident, entry.ident, sizeof entry.ident);
        mr_buf_fini(&events[i]);
    }
    mr_intake_free(intake);
}

static void the_tail_answers(void **state)
{
    struct hub_env *env = *state;
    struct mr_dedup *dedup;
    struct mr_dedup_entry one = entry_of(env, "1", "one", 1);
    struct mr_dedup_entry again = entry_of(env, "1", "one", 0);
    struct mr_dedup_entry other = entry_of(env, "1", "ONE", 0);
    struct mr_dedup_entry two = entry_of(env, "2", "one", 2);

    assert_int_equal(mr_dedup_open(&dedup, &env->house, NULL), 0);
    assert_int_equal(mr_dedup_find(dedup, &one), 0);
    assert_int_equal(mr_dedup_add(dedup, &one), 0);
    assert_int_equal(mr_dedup_find(dedup, &again), MR_DEDUP_SAME);
    assert_int_equal(again.number, 1);
    assert_int_equal(again.leaf_hash[0], 1);
    assert_int_equal(mr_dedup_find(dedup, &other), MR_DEDUP_OTHER);
    assert_int_equal(mr_dedup_add(dedup, &two), 0);
    mr_dedup_rollback(dedup, 2);
    assert_int_equal(mr_dedup_tail(dedup), 1);
    assert_int_equal(mr_dedup_find(dedup, &two), 0);
    mr_dedup_rollback(dedup, 1);
    assert_int_equal(mr_dedup_tail(dedup), 0);
    assert_int_equal(mr_dedup_find(dedup, &again), 0);
    mr_dedup_close(dedup);
}

/* A mended event has two records: the newest is found, and the older one again when the newer is taken back.
 */
static void the_newest_of_the_tail_counts(void **state)
{
    struct hub_env *env = *state;
    struct mr_dedup *dedup;
    struct mr_dedup_entry one = entry_of(env, "1", "one", 1);
    struct mr_dedup_entry other = entry_of(env, "2", "other", 2);
    struct mr_dedup_entry two = entry_of(env, "1", "two", 3);
    struct mr_dedup_entry three = entry_of(env, "1", "three", 4);
    struct mr_dedup_entry find = entry_of(env, "1", "two", 0);

    one.quarantined = two.quarantined = true;
    assert_int_equal(mr_dedup_open(&dedup, &env->house, NULL), 0);
    assert_int_equal(mr_dedup_add(dedup, &one), 0);
    assert_int_equal(mr_dedup_find(dedup, &find), MR_DEDUP_OTHER);
    assert_true(find.waits);
    assert_int_equal(mr_dedup_add(dedup, &other), 0);
    assert_int_equal(mr_dedup_add(dedup, &two), 0);
    assert_int_equal(mr_dedup_add(dedup, &three), 0);
    assert_int_equal(mr_dedup_find(dedup, &find), MR_DEDUP_OTHER);
    assert_int_equal(find.number, 4);
    assert_false(find.waits);
    mr_dedup_rollback(dedup, 4);
    assert_int_equal(mr_dedup_find(dedup, &find), MR_DEDUP_SAME);
    assert_int_equal(find.number, 3);
    mr_dedup_rollback(dedup, 2);
    assert_int_equal(mr_dedup_find(dedup, &find), MR_DEDUP_OTHER);
    assert_int_equal(find.number, 1);
    assert_int_equal(mr_dedup_tail(dedup), 1);
    assert_int_equal(mr_dedup_add(dedup, &two), 0);
    mr_dedup_close(dedup);
}

static void the_tail_is_read_and_forgotten(void **state)
{
    struct hub_env *env = *state;
    struct mr_buf events[3] = {0};
    struct mr_index_batch *batch;
    struct mr_dedup *dedup;
    struct mr_dedup_entry entry = {0};

    hub_env_programme(&events[0], "p-1");
    hub_env_programme(&events[1], "p-2");
    hub_env_programme(&events[2], "p-3");
    mr_intake_free(hub_env_publish(env, "portal", events, 3, 1));
    assert_int_equal(mr_dedup_open(&dedup, &env->house, NULL), 0);
    assert_int_equal(mr_dedup_tail(dedup), 3);
    mr_dedup_digests(env->house.keyring, "urn:marshrut:24:portal", "p-2", mr_buf_slice(&events[1]), &entry);
    assert_int_equal(mr_index_batch_begin(env->house.index, &batch), 0);
    assert_int_equal(mr_index_batch_put(batch, MR_INDEX_IDENT, entry.ident, 2), 0);
    assert_int_equal(mr_index_batch_commit(batch, 2), 0);
    assert_int_equal(mr_dedup_forget_indexed(dedup), 0);
    assert_int_equal(mr_dedup_tail(dedup), 1);
    assert_int_equal(mr_dedup_find(dedup, &entry), MR_DEDUP_SAME);
    assert_int_equal(entry.number, 2);
    mr_dedup_digests(env->house.keyring, "urn:marshrut:24:portal", "p-2", mr_slice_str("else"), &entry);
    assert_int_equal(mr_dedup_find(dedup, &entry), MR_DEDUP_OTHER);
    mr_dedup_close(dedup);
    for (int i = 0; i < 3; i++)
        mr_buf_fini(&events[i]);
}

static void an_index_that_leads_astray_is_not_believed(void **state)
{
    struct hub_env *env = *state;
    struct mr_buf event = MR_BUF_INIT;
    struct mr_dedup_entry entry = entry_of(env, "never", "said", 0);
    struct mr_dedup_entry beyond = entry_of(env, "beyond", "head", 0);
    struct mr_index_batch *batch;
    struct mr_dedup *dedup;

    hub_env_programme(&event, "p-1");
    mr_intake_free(hub_env_publish(env, "portal", &event, 1, 1));
    assert_int_equal(mr_index_batch_begin(env->house.index, &batch), 0);
    assert_int_equal(mr_index_batch_put(batch, MR_INDEX_IDENT, entry.ident, 1), 0);
    assert_int_equal(mr_index_batch_put(batch, MR_INDEX_IDENT, beyond.ident, 99), 0);
    assert_int_equal(mr_index_batch_commit(batch, 99), 0);
    assert_int_equal(mr_dedup_open(&dedup, &env->house, NULL), 0);
    assert_int_equal(mr_dedup_find(dedup, &entry), 0);
    assert_int_equal(mr_dedup_find(dedup, &beyond), 0);
    mr_dedup_close(dedup);
    mr_buf_fini(&event);
}

#define HUB_TEST(name) cmocka_unit_test_setup_teardown(name, hub_env_setup, hub_env_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
            HUB_TEST(digests_are_of_source_and_id),
            HUB_TEST(digests_are_made_together),
            HUB_TEST(the_tail_answers),
            HUB_TEST(the_newest_of_the_tail_counts),
            HUB_TEST(the_tail_is_read_and_forgotten),
            HUB_TEST(an_index_that_leads_astray_is_not_believed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
