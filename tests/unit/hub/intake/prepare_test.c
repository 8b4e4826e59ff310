/* prepare, writer and log together: what is stored, what is not, and that a restart forgets nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub/intake/prepare.h"
#include "hub/intake/prepare_item.h"
#include "hub/record/seal.h"
#include "store/fault.h"
#include "tests/support/hub_env.h"

#define GOOD_SNILS  "11223344595"
#define OTHER_SNILS "12345678964"
#define WRONG_SNILS "12345678900"

enum { EVENTS = 9 };

static const struct {
    enum mr_verdict verdict;
    uint64_t number;
    const char *code;
    const char *field;
} expected[EVENTS] = {
        {MR_VERDICT_STORED, 1, "", ""},
        {MR_VERDICT_REFUSED, 0, "type-unknown", "type"},
        {MR_VERDICT_REFUSED, 0, "malformed", "data.person.family_name"},
        {MR_VERDICT_REFUSED, 0, "event-too-big", ""},
        {MR_VERDICT_REFUSED, 0, "right-region", "regioncode"},
        {MR_VERDICT_QUARANTINED, 2, "snils-checkdigit", "person.snils"},
        {MR_VERDICT_DUPLICATE, 1, "", ""},
        {MR_VERDICT_QUARANTINED, 3, "person-unresolved", "person"},
        {MR_VERDICT_STORED, 4, "", ""},
};

static void put_wrong_region(struct mr_buf *out)
{
    struct mr_attributes a = hub_env_attributes("urn:marshrut:24:copmkp", "e-5", "nms.deficit.identified.v1");
    struct mr_buf good = MR_BUF_INIT;
    struct mr_arena arena;
    struct mr_event event;

    a.regioncode = "61";
    hub_env_deficit(&good, "e-5", GOOD_SNILS, NULL);
    mr_arena_init(&arena, 1 << 20);
    assert_int_equal(mr_event_decode(&event, mr_buf_slice(&good), &arena, NULL), 0);
    hub_env_encode(out, &a, event.payload);
    mr_arena_fini(&arena);
    mr_buf_fini(&good);
}

static void put_unknown_type(struct mr_buf *out)
{
    struct mr_attributes a = hub_env_attributes("urn:marshrut:24:copmkp", "e-2", "nms.deficit.forgotten.v1");

    hub_env_encode(out, &a, NULL);
}

static void put_broken_utf8(struct mr_buf *out)
{
    uint8_t *at;

    hub_env_deficit(out, "e-3", GOOD_SNILS, NULL);
    at = memmem(out->data, out->size, "Петрова", strlen("Петрова"));
    assert_non_null(at);
    at[1] = 0xff;
}

static void put_batch(struct mr_buf events[static EVENTS])
{
    memset(events, 0, EVENTS * sizeof *events);
    hub_env_deficit(&events[0], "e-1", GOOD_SNILS, NULL);
    put_unknown_type(&events[1]);
    put_broken_utf8(&events[2]);
    for (size_t i = 0; i < 50000; i++)
        mr_buf_put_u8(&events[3], 'x');
    put_wrong_region(&events[4]);
    hub_env_deficit(&events[5], "e-6", WRONG_SNILS, NULL);
    hub_env_deficit(&events[6], "e-1", GOOD_SNILS, NULL);
    hub_env_deficit(&events[7], "e-8", NULL, "nobody");
    hub_env_deficit(&events[8], "e-9", OTHER_SNILS, "77");
}

static void free_batch(struct mr_buf *events, size_t count)
{
    for (size_t i = 0; i < count; i++)
        mr_buf_fini(&events[i]);
}

static void check_batch(const struct mr_intake *intake)
{
    for (size_t i = 0; i < EVENTS; i++) {
        const struct mr_intake_item *item = &intake->items[i];

        if (item->verdict != expected[i].verdict)
            print_error("event %zu: verdict %d %s %s\n", i + 1, (int)item->verdict,
                    item->text ? item->text->code : "", item->text ? item->text->reason : "");
        assert_int_equal(item->verdict, expected[i].verdict);
        assert_int_equal(item->number, expected[i].number);
        assert_true((item->text != NULL) == (expected[i].code[0] != '\0'));
        if (!item->text)
            continue;
        assert_string_equal(item->text->code, expected[i].code);
        assert_string_equal(item->text->field, expected[i].field);
        assert_true(item->text->reason[0] && item->text->cure[0]);
        assert_null(strstr(item->text->reason, "Петрова"));
    }
    assert_memory_equal(intake->items[6].leaf_hash, intake->items[0].leaf_hash, 32);
}

static void check_again(const struct mr_intake *intake)
{
    for (size_t i = 0; i < EVENTS; i++) {
        enum mr_verdict verdict = expected[i].number ? MR_VERDICT_DUPLICATE : MR_VERDICT_REFUSED;

        assert_int_equal(intake->items[i].verdict, verdict);
        assert_int_equal(intake->items[i].number, expected[i].number);
    }
}

/* ---- rows ---- */

static void read_row(struct hub_env *env, enum mr_log_table table, struct mr_slice key, struct mr_buf *ret)
{
    struct mr_log_reader *reader;
    struct mr_slice value;

    assert_int_equal(mr_log_reader_open(env->house.log, &reader), 0);
    assert_int_equal(mr_log_row(reader, table, key, &value), 0);
    mr_buf_reset(ret);
    mr_buf_put_slice(ret, value);
    mr_log_reader_close(reader);
}

static void check_rows(struct hub_env *env, const struct mr_intake *intake)
{
    uint8_t key[MR_VERDICT_KEY_BYTES];
    struct mr_buf value = MR_BUF_INIT;
    struct mr_intake_row row;
    struct mr_producer_row producer;
    struct mr_verdict_row verdict;
    struct mr_quarantine_row quarantine;

    read_row(env, MR_LOG_INTAKE, mr_number_key(1, key), &value);
    assert_int_equal(mr_intake_row_decode(&row, mr_buf_slice(&value)), 0);
    assert_int_equal(row.received, EVENTS);
    assert_int_equal(row.stored, 2);
    assert_int_equal(row.duplicate, 1);
    assert_int_equal(row.quarantined, 2);
    assert_int_equal(row.refused, 4);
    assert_int_equal(row.system, intake->system);
    read_row(env, MR_LOG_PRODUCER, mr_producer_key(intake->system, key), &value);
    assert_int_equal(mr_producer_row_decode(&producer, mr_buf_slice(&value)), 0);
    assert_int_equal(producer.epoch, 7);
    assert_int_equal(producer.stored_sequence, EVENTS);
    read_row(env, MR_LOG_VERDICT, mr_verdict_key(intake->system, 7, 6, key), &value);
    assert_int_equal(mr_verdict_row_decode(&verdict, mr_buf_slice(&value)), 0);
    assert_int_equal(verdict.verdict, MR_VERDICT_QUARANTINED);
    assert_int_equal(verdict.number, 2);
    assert_string_equal(verdict.text.code, "snils-checkdigit");
    read_row(env, MR_LOG_QUARANTINE, mr_number_key(2, key), &value);
    assert_int_equal(mr_quarantine_row_decode(&quarantine, mr_buf_slice(&value)), 0);
    assert_int_equal(quarantine.state, MR_QUARANTINE_WAITING);
    assert_int_equal(quarantine.system, intake->system);
    assert_string_equal(quarantine.text.field, "person.snils");
    mr_buf_fini(&value);
}

/* ---- records ---- */

struct read_record {
    struct mr_log_reader *reader;
    struct mr_record_view view;
};

static const struct mr_record *read_record(struct hub_env *env, uint64_t number, struct read_record *ret)
{
    assert_int_equal(mr_log_reader_open(env->house.log, &ret->reader), 0);
    assert_int_equal(mr_log_read(ret->reader, number, &ret->view, NULL), 0);
    return &ret->view.record;
}

static void check_record(struct hub_env *env, uint64_t number, const struct mr_buf *event, uint16_t flags,
        size_t subs_count, enum mr_purpose purpose)
{
    struct read_record *read = calloc(1, sizeof *read);
    const struct mr_record *record = read_record(env, number, read);
    struct mr_unsealed unsealed;

    assert_int_equal(record->flags, flags);
    assert_int_equal(record->subs_count, subs_count);
    assert_int_equal(mr_unseal(&unsealed, &env->house, record, purpose, NULL), 0);
    assert_int_equal(unsealed.bytes.size, event->size);
    assert_memory_equal(unsealed.bytes.data, event->data, event->size);
    mr_unsealed_fini(&unsealed);
    mr_log_reader_close(read->reader);
    free(read);
}

static void a_mixed_batch_is_divided(void **state)
{
    struct hub_env *env = *state;
    struct mr_buf events[EVENTS];
    struct mr_intake *intake;

    put_batch(events);
    intake = hub_env_publish(env, "copmkp", events, EVENTS, 1);
    check_batch(intake);
    check_rows(env, intake);
    assert_int_equal(mr_log_head(env->house.log), 4);
    check_record(env, 1, &events[0], MR_RECORD_SEALED, 3, MR_PURPOSE_SHOW);
    check_record(env, 2, &events[5], MR_RECORD_SEALED | MR_RECORD_QUARANTINED, 0, MR_PURPOSE_CORRECT);
    mr_intake_free(intake);
    free_batch(events, EVENTS);
}

static void after_a_restart_all_are_known(void **state)
{
    struct hub_env *env = *state;
    struct mr_buf events[EVENTS];
    struct mr_intake *intake;

    put_batch(events);
    mr_intake_free(hub_env_publish(env, "copmkp", events, EVENTS, 1));
    for (int i = 0; i < 2; i++) {
        hub_env_close(env);
        hub_env_open(env);
        assert_int_equal(env->house.config_version, 1);
        intake = hub_env_publish(env, "copmkp", events, EVENTS, 1 + EVENTS);
        check_again(intake);
        assert_int_equal(mr_log_head(env->house.log), 4);
        mr_intake_free(intake);
    }
    free_batch(events, EVENTS);
}

static void the_same_id_with_other_bytes_is_refused(void **state)
{
    struct hub_env *env = *state;
    struct mr_buf events[2] = {0};
    struct mr_intake *intake;

    hub_env_deficit(&events[0], "e-1", GOOD_SNILS, NULL);
    hub_env_deficit(&events[1], "e-1", OTHER_SNILS, NULL);
    intake = hub_env_publish(env, "copmkp", events, 2, 1);
    assert_int_equal(intake->items[0].verdict, MR_VERDICT_STORED);
    assert_int_equal(intake->items[1].verdict, MR_VERDICT_REFUSED);
    assert_string_equal(intake->items[1].text->code, "id-conflict");
    assert_int_equal(intake->items[1].number, 0);
    mr_intake_free(intake);
    free_batch(events, 2);
}

static void the_index_takes_over_from_the_tail(void **state)
{
    struct hub_env *env = *state;
    struct mr_buf events[EVENTS];
    struct mr_intake *intake;

    put_batch(events);
    mr_intake_free(hub_env_publish(env, "copmkp", events, EVENTS, 1));
    hub_env_index_idents(env);
    intake = hub_env_publish(env, "copmkp", events, EVENTS, 1 + EVENTS);
    check_again(intake);
    mr_intake_free(intake);
    hub_env_close(env);
    hub_env_open(env);
    intake = hub_env_publish(env, "copmkp", events, EVENTS, 1 + 2 * EVENTS);
    check_again(intake);
    mr_intake_free(intake);
    free_batch(events, EVENTS);
}

/* ---- several senders at once ---- */

enum { INTAKES = 40, IN_ONE = 5 };

static void many_intakes_get_numbers_without_gaps(void **state)
{
    struct hub_env *env = *state;
    struct mr_intake *intakes[INTAKES];
    bool seen[INTAKES * IN_ONE + 1] = {false};
    sem_t done;

    assert_int_equal(sem_init(&done, 0, 0), 0);
    for (int i = 0; i < INTAKES; i++) {
        struct mr_buf events[IN_ONE] = {0};
        bool portal = i % 2 == 0;

        for (int k = 0; k < IN_ONE; k++) {
            char id[16];

            (void)snprintf(id, sizeof id, "m-%d-%d", i, k);
            if (portal)
                hub_env_programme(&events[k], id);
            else
                hub_env_deficit(&events[k], id, k % 2 ? GOOD_SNILS : OTHER_SNILS, NULL);
        }
        intakes[i] = hub_env_submit(
                env, portal ? "portal" : "copmkp", events, IN_ONE, (uint64_t)(1 + i * IN_ONE), &done);
        free_batch(events, IN_ONE);
    }
    for (int i = 0; i < INTAKES; i++)
        while (sem_wait(&done) != 0)
            continue;
    for (int i = 0; i < INTAKES; i++) {
        assert_int_equal(intakes[i]->status, 0);
        for (int k = 0; k < IN_ONE; k++) {
            uint64_t number = intakes[i]->items[k].number;

            assert_int_equal(intakes[i]->items[k].verdict, MR_VERDICT_STORED);
            assert_in_range(number, 1, INTAKES * IN_ONE);
            assert_false(seen[number]);
            seen[number] = true;
        }
        mr_intake_free(intakes[i]);
    }
    assert_int_equal(mr_log_head(env->house.log), INTAKES * IN_ONE);
    (void)sem_destroy(&done);
}

/* ---- failures ---- */

#ifdef MR_FAULT_POINTS
static void a_full_disk_only_delays(void **state)
{
    struct hub_env *env = *state;
    struct mr_buf events[EVENTS];
    struct mr_intake *intake;

    put_batch(events);
    hub_env_close(env);
    mr_fault_set("store.commit.before:1:enospc");
    hub_env_open(env);
    intake = hub_env_publish(env, "copmkp", events, EVENTS, 1);
    mr_fault_set(NULL);
    check_batch(intake);
    check_rows(env, intake);
    mr_intake_free(intake);
    free_batch(events, EVENTS);
}

/* `keys` is committed, the log is not: what the producer sends again is stored, under the numbers that were
 * not used. */
static void a_failed_log_commit_leaves_no_gap(void **state)
{
    struct hub_env *env = *state;
    struct mr_buf events[EVENTS];
    struct mr_intake *intake;
    sem_t done;

    put_batch(events);
    assert_int_equal(sem_init(&done, 0, 0), 0);
    hub_env_close(env);
    mr_fault_set("store.commit.before:1:eio");
    hub_env_open(env);
    intake = hub_env_submit(env, "copmkp", events, EVENTS, 1, &done);
    while (sem_wait(&done) != 0)
        continue;
    assert_true(intake->status < 0);
    mr_intake_free(intake);
    hub_env_close(env);
    mr_fault_set(NULL);
    hub_env_open(env);
    intake = hub_env_publish(env, "copmkp", events, EVENTS, 1);
    check_batch(intake);
    check_rows(env, intake);
    mr_intake_free(intake);
    (void)sem_destroy(&done);
    free_batch(events, EVENTS);
}

#endif

/* A batch whose keyring transaction failed was never there: no number, no person, no memory of its ids. */
static void a_batch_is_taken_back(void **state)
{
    struct hub_env *env = *state;
    struct mr_intake *intake = mr_intake_new(1);
    struct mr_preparer preparer;
    struct mr_preparer_mark mark;
    struct mr_keyring_txn *txn;
    uint8_t person[MR_PERSON_ID_BYTES];

    hub_env_deficit(&intake->bytes, "e-1", GOOD_SNILS, NULL);
    intake->items[0].event = mr_buf_slice(&intake->bytes);
    intake->sender = mr_config_system(env->config, "copmkp");
    intake->system = mr_names_id(env->house.names, MR_NAME_SYSTEM, "copmkp");
    intake->at_us = mr_clock_wall_us(env->house.clock);
    assert_int_equal(mr_preparer_init(&preparer, &env->house, env->matcher, NULL), 0);
    mark = mr_preparer_mark(&preparer);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(mr_preparer_begin(&preparer), 0);
        assert_int_equal(mr_preparer_item(&preparer, intake, &intake->items[0]), 0);
        assert_int_equal(intake->items[0].verdict, MR_VERDICT_STORED);
        assert_int_equal(intake->items[0].number, 1);
        assert_int_equal(mr_preparer_end(&preparer, MR_ENOSPACE), MR_ENOSPACE);
        mr_preparer_rollback(&preparer, &mark);
    }
    assert_int_equal(mr_keyring_begin(env->house.keyring, &txn), 0);
    assert_int_equal(
            mr_person_find(txn, MR_IDENTIFIER_SNILS, mr_slice_str(GOOD_SNILS), person), MR_ENOTFOUND);
    mr_keyring_abort(txn);
    mr_preparer_fini(&preparer);
    mr_intake_free(intake);
}

static void the_hub_has_every_right(void **state)
{
    struct hub_env *env = *state;
    struct mr_buf event = MR_BUF_INIT;
    struct mr_intake *intake;

    hub_env_programme(&event, "h-1");
    intake = hub_env_publish(env, "hub", &event, 1, 0);
    assert_int_equal(intake->items[0].verdict, MR_VERDICT_STORED);
    check_record(env, 1, &event, MR_RECORD_HUB, 1, MR_PURPOSE_SHOW);
    mr_intake_free(intake);
    mr_buf_fini(&event);
}

static void an_empty_intake_is_answered(void **state)
{
    struct hub_env *env = *state;
    struct mr_intake *empty = hub_env_publish(env, "hub", NULL, 0, 0);

    assert_int_equal(empty->status, 0);
    assert_int_equal(mr_log_head(env->house.log), 0);
    mr_intake_free(empty);
}

static void rows_survive_a_round_trip(void **state)
{
    struct mr_buf out = MR_BUF_INIT;
    struct mr_verdict_row row = {MR_VERDICT_REFUSED, 9, -1, {1, 2}, {"c", "f", "reason", "cure"}};
    struct mr_verdict_row back;

    (void)state;
    assert_int_equal(mr_verdict_row_encode(&out, &row), 0);
    assert_int_equal(mr_verdict_row_decode(&back, mr_buf_slice(&out)), 0);
    assert_string_equal(back.text.cure, "cure");
    assert_int_equal(back.at_us, -1);
    for (size_t size = 0; size < out.size; size++)
        assert_int_equal(mr_verdict_row_decode(&back, mr_slice(out.data, size)), MR_ECORRUPT);
    out.data[0] = 2;
    assert_int_equal(mr_verdict_row_decode(&back, mr_buf_slice(&out)), MR_ECORRUPT);
    mr_buf_fini(&out);
}

#define HUB_TEST(name) cmocka_unit_test_setup_teardown(name, hub_env_setup, hub_env_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
            HUB_TEST(a_mixed_batch_is_divided),
            HUB_TEST(after_a_restart_all_are_known),
            HUB_TEST(the_same_id_with_other_bytes_is_refused),
            HUB_TEST(the_index_takes_over_from_the_tail),
            HUB_TEST(many_intakes_get_numbers_without_gaps),
#ifdef MR_FAULT_POINTS
            HUB_TEST(a_full_disk_only_delays),
            HUB_TEST(a_failed_log_commit_leaves_no_gap),
#endif
            HUB_TEST(a_batch_is_taken_back),
            HUB_TEST(the_hub_has_every_right),
            HUB_TEST(an_empty_intake_is_answered),
            cmocka_unit_test(rows_survive_a_round_trip),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
