/*
 * Searching against a naive look at every record: a random log, random questions, with the indexer stopped at
 * random places, a person merged and one blocked on the way. MR_SEED repeats a history, and it is printed on
 * failure.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "event/assessment.pb-c.h"
#include "event/common.pb-c.h"
#include "event/course.pb-c.h"
#include "hub/audit/search.h"
#include "hub/index/indexer.h"
#include "hub/record/opened.h"
#include "store/person_look.h"
#include "tests/support/hub_env.h"

enum { ROUNDS = 60, QUESTIONS = 25, EVENTS_MAX = 2000, ORGS = 4, CORRELATIONS = 12 };

static const char *const snils[] = {"11223344595", "12345678964", "00101998900"};
enum { PERSONS = sizeof snils / sizeof snils[0] };

struct history {
    uint64_t seed, state;
    struct hub_env *env;
    unsigned events;
    unsigned answered, by_org, by_correlation, by_person, by_id,
            from_newest;           /* questions that had an answer */
    int64_t times[2 * EVENTS_MAX]; /* of the records, from number 1 */
};

#define CHECK(h, condition)                                                                                  \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            print_error("%s:%d: %s; event %u, MR_SEED=%llu\n", __FILE__, __LINE__, #condition, (h)->events,  \
                    (unsigned long long)(h)->seed);                                                          \
            fail();                                                                                          \
        }                                                                                                    \
    } while (0)

static uint64_t below(struct history *h, uint64_t n) /* splitmix64 */
{
    uint64_t z = h->state += 0x9e3779b97f4a7c15;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return (z ^ z >> 31) % n;
}

/* ---- the log ---- */

static const char *text_of(char *out, size_t size, const char *before, uint64_t n)
{
    (void)snprintf(out, size, "%s%llu", before, (unsigned long long)n);
    return out;
}

static void programme(const struct mr_attributes *a, struct mr_buf *out)
{
    Nms__Event__V1__ProgrammeListed p = NMS__EVENT__V1__PROGRAMME_LISTED__INIT;

    p.programme_id = (char *)"p-1";
    p.title = (char *)"Цифровые инструменты учителя";
    p.kind = (char *)"PK";
    p.hours = 36;
    p.provider_ogrn = (char *)"1022402127461";
    p.registry = (char *)"own";
    p.listed_on = (char *)"2026-01-15";
    hub_env_encode(out, a, &p.base);
}

/* Every tenth has a wrong number and waits for correction. */
static void deficit(struct history *h, const struct mr_attributes *a, struct mr_buf *out)
{
    Nms__Event__V1__Person person = NMS__EVENT__V1__PERSON__INIT;
    Nms__Event__V1__DeficitIdentified d = NMS__EVENT__V1__DEFICIT_IDENTIFIED__INIT;

    person.snils = (char *)(below(h, 10) == 0 ? "12345678900" : snils[below(h, PERSONS)]);
    person.family_name = (char *)"Петрова";
    d.person = &person;
    d.deficit_id = (char *)"d-1";
    d.area = (char *)"ict";
    d.identified_on = (char *)"2026-10-30";
    hub_env_encode(out, a, &d.base);
}

static void publish_some(struct history *h)
{
    uint64_t count = 1 + below(h, 20);
    bool open = below(h, 2) == 0;
    struct mr_buf events[20] = {0};
    unsigned first = h->events;

    for (uint64_t i = 0; i < count; i++) {
        char id[32], correlation[32], org[32];
        struct mr_attributes a =
                hub_env_attributes(open ? "urn:marshrut:24:portal" : "urn:marshrut:24:copmkp",
                        text_of(id, sizeof id, "s-", h->events++),
                        open ? "nms.programme.listed.v1" : "nms.deficit.identified.v1");

        if (below(h, 3) > 0)
            a.correlationid = text_of(correlation, sizeof correlation, "c-", below(h, CORRELATIONS));
        if (below(h, 3) > 0)
            a.orgid = text_of(org, sizeof org, "102240212746", below(h, ORGS));
        if (open)
            programme(&a, &events[i]);
        else
            deficit(h, &a, &events[i]);
    }
    mr_intake_free(hub_env_publish(h->env, open ? "portal" : "copmkp", events, count, first + 1));
    for (uint64_t i = 0; i < count; i++)
        mr_buf_fini(&events[i]);
}

static void load_times(struct history *h)
{
    struct mr_record_view *view = calloc(1, sizeof *view);
    struct mr_log_reader *reader;

    CHECK(h, mr_log_reader_open(h->env->house.log, &reader) == 0);
    for (uint64_t n = 1; n <= mr_log_reader_head(reader); n++) {
        CHECK(h, mr_log_read(reader, n, view, NULL) == 0);
        h->times[n - 1] = view->record.recorded_us;
    }
    mr_log_reader_close(reader);
    free(view);
}

/* ---- a question, and the naive answer ---- */

struct question {
    struct mr_search search;
    char correlation[32], org[32], id[32];
    struct mr_person_part *parts;
};

static void ask_for(struct history *h, struct question *q)
{
    static const char *const types[] = {
            "nms.deficit.identified.v1", "nms.programme.listed.v1", "nms.", "nms.deficit.", "hub."};
    static const char *const systems[] = {"copmkp", "portal", "school"};
    uint64_t head = mr_log_head(h->env->house.log);
    struct mr_search *s = &q->search;

    memset(q, 0, sizeof *q);
    if (below(h, 3) == 0)
        s->type = types[below(h, 5)];
    if (below(h, 4) == 0)
        s->system = systems[below(h, 3)];
    if (below(h, 3) == 0)
        s->correlation = text_of(q->correlation, sizeof q->correlation, "c-", below(h, CORRELATIONS + 1));
    if (below(h, 3) == 0)
        s->organisation = text_of(q->org, sizeof q->org, "102240212746", below(h, ORGS + 1));
    if (below(h, 8) == 0)
        s->id = text_of(q->id, sizeof q->id, "s-", below(h, h->events + 1));
    if (below(h, 3) == 0) {
        const char *number = snils[below(h, PERSONS)];
        int r = mr_person_look(
                h->env->house.keyring, MR_IDENTIFIER_SNILS, mr_slice_str(number), &q->parts, &s->parts_count);

        CHECK(h, r == 0 || r == MR_ENOTFOUND || r == MR_EBLOCKED);
        s->parts = q->parts;
    }
    if (below(h, 4) == 0)
        s->from_us = h->times[below(h, head)];
    if (below(h, 4) == 0)
        s->to_us = h->times[below(h, head)] + (int64_t)below(h, 2);
    if (below(h, 4) == 0)
        s->first = 1 + below(h, head);
    if (below(h, 4) == 0)
        s->last = 1 + below(h, head + 5);
    if (below(h, 4) == 0)
        s->looks_max = 1 + below(h, 50);
    s->newest = below(h, 2) == 0;
}

static bool same(const char *a, const char *b)
{
    return a && b && strcmp(a, b) == 0;
}

static bool naive_inside(struct history *h, const struct mr_record *record, const struct mr_search *s)
{
    bool waits = record->flags & MR_RECORD_QUARANTINED, good;
    struct mr_opened opened;

    if (!s->id && !s->correlation && !s->organisation)
        return true;
    mr_opened_init(&opened);
    good = mr_opened_read(
                   &opened, &h->env->house, record, waits ? MR_PURPOSE_SHOW : MR_PURPOSE_INDEX, NULL) == 0;
    good = good && (!s->id || same(opened.event.a.id, s->id)) &&
           (!s->correlation || same(opened.event.a.correlationid, s->correlation)) &&
           (!s->organisation || (!waits && same(opened.event.a.orgid, s->organisation)));
    mr_opened_fini(&opened);
    return good;
}

static bool naive_person(const struct mr_record *record, const struct mr_search *s)
{
    uint8_t id[MR_KEY_ID_BYTES];

    if (!s->parts)
        return true;
    for (size_t i = 0; i < record->slots_count && !(record->flags & MR_RECORD_QUARANTINED); i++)
        for (size_t j = 0; j < s->parts_count; j++)
            if (mr_slot_key_id(record->slots[i], id) == 0 && memcmp(id, s->parts[j].key_id, sizeof id) == 0)
                return true;
    return false;
}

static bool naive(struct history *h, const struct mr_record *record, const struct mr_search *s)
{
    struct mr_buf type = MR_BUF_INIT;
    bool good;

    CHECK(h, mr_record_type(record, &type) == 0);
    good = !s->type ||
           (s->type[strlen(s->type) - 1] == '.' ? strncmp(mr_buf_str(&type), s->type, strlen(s->type)) == 0
                                                : strcmp(mr_buf_str(&type), s->type) == 0);
    mr_buf_fini(&type);
    good = good &&
           (!s->system || record->system == mr_names_id(h->env->house.names, MR_NAME_SYSTEM, s->system));
    good = good && (!s->from_us || record->recorded_us >= s->from_us) &&
           (!s->to_us || record->recorded_us < s->to_us);
    return good && record->number >= s->first && (!s->last || record->number <= s->last) &&
           naive_person(record, s) && naive_inside(h, record, s);
}

struct answer {
    uint64_t numbers[2 * EVENTS_MAX];
    size_t count;
};

static int take(void *ctx, const struct mr_record *record)
{
    struct answer *answer = ctx;

    answer->numbers[answer->count++] = record->number;
    return 0;
}

/* 0: the bounds of looks let it end early, and *next says where to go on. */
static void whole_answer(struct history *h, struct mr_search s, struct answer *ret)
{
    uint64_t next;

    ret->count = 0;
    do {
        CHECK(h, mr_search_run(&h->env->house, &s, take, ret, &next, NULL) == 0);
        *(s.newest ? &s.last : &s.first) = next;
    } while (next != 0);
}

static void turn_round(struct answer *answer)
{
    for (size_t i = 0; i < answer->count / 2; i++) {
        uint64_t number = answer->numbers[i];

        answer->numbers[i] = answer->numbers[answer->count - 1 - i];
        answer->numbers[answer->count - 1 - i] = number;
    }
}

static void question(struct history *h)
{
    struct answer *got = calloc(1, sizeof *got), *want = calloc(1, sizeof *want);
    struct mr_record_view *view = calloc(1, sizeof *view);
    struct mr_log_reader *reader;
    struct question q;

    CHECK(h, got && want && view && mr_log_reader_open(h->env->house.log, &reader) == 0);
    ask_for(h, &q);
    for (uint64_t n = 1; n <= mr_log_reader_head(reader); n++) {
        CHECK(h, mr_log_read(reader, n, view, NULL) == 0);
        if (naive(h, &view->record, &q.search))
            want->numbers[want->count++] = n;
    }
    mr_log_reader_close(reader);
    if (q.search.newest)
        turn_round(want);
    whole_answer(h, q.search, got);
    CHECK(h, got->count == want->count);
    CHECK(h, memcmp(got->numbers, want->numbers, want->count * sizeof *want->numbers) == 0);
    if (want->count > 0) {
        h->answered++;
        h->from_newest += q.search.newest && want->count > 1;
        h->by_org += q.search.organisation != NULL;
        h->by_correlation += q.search.correlation != NULL;
        h->by_person += q.search.parts != NULL;
        h->by_id += q.search.id != NULL;
    }
    free(q.parts);
    free(view);
    free(got);
    free(want);
}

/* ---- histories ---- */

static void block(struct history *h, const char *number, enum mr_person_state state)
{
    struct mr_keyring_txn *txn;
    uint8_t person[MR_PERSON_ID_BYTES];

    CHECK(h, mr_keyring_begin(h->env->house.keyring, &txn) == 0);
    CHECK(h, mr_person_find(txn, MR_IDENTIFIER_SNILS, mr_slice_str(number), person) == 0);
    CHECK(h, mr_person_set_state(txn, person, state) == 0);
    CHECK(h, mr_keyring_commit(txn) == 0);
}

static void merge(struct history *h, const char *survivor, const char *previous)
{
    struct mr_keyring_txn *txn;
    uint8_t to[MR_PERSON_ID_BYTES], from[MR_PERSON_ID_BYTES];

    CHECK(h, mr_keyring_begin(h->env->house.keyring, &txn) == 0);
    CHECK(h, mr_person_find(txn, MR_IDENTIFIER_SNILS, mr_slice_str(survivor), to) == 0);
    CHECK(h, mr_person_find(txn, MR_IDENTIFIER_SNILS, mr_slice_str(previous), from) == 0);
    CHECK(h, mr_person_merge(txn, to, from) == 0);
    CHECK(h, mr_keyring_commit(txn) == 0);
}

static void round_of(struct history *h, int round)
{
    publish_some(h);
    load_times(h);
    if (round == ROUNDS / 3)
        block(h, snils[0], MR_PERSON_BLOCKED);
    if (round == ROUNDS / 2)
        block(h, snils[0], MR_PERSON_LIVE);
    if (round == 2 * ROUNDS / 3)
        merge(h, snils[1], snils[2]);
    if (below(h, 3) == 0)
        CHECK(h, mr_indexer_run_once(&h->env->house, NULL) == 0);
    for (int i = 0; i < QUESTIONS; i++)
        question(h);
}

static uint64_t seed_of_run(void)
{
    const char *text = getenv("MR_SEED");
    uint64_t seed;

    if (text)
        return strtoull(text, NULL, 10);
    return getrandom(&seed, sizeof seed, 0) == sizeof seed ? seed : 1;
}

static void every_person_is_known(struct history *h)
{
    struct mr_buf events[PERSONS] = {0};

    for (unsigned i = 0; i < PERSONS; i++) {
        char id[32];

        hub_env_deficit(&events[i], text_of(id, sizeof id, "first-", i), snils[i], NULL);
    }
    mr_intake_free(hub_env_publish(h->env, "copmkp", events, PERSONS, 1));
    for (unsigned i = 0; i < PERSONS; i++)
        mr_buf_fini(&events[i]);
}

static void random_histories(void **state)
{
    struct history *h = calloc(1, sizeof *h);

    assert_non_null(h);
    h->env = *state;
    h->seed = h->state = seed_of_run();
    h->events = PERSONS;
    every_person_is_known(h);
    for (int i = 0; i < ROUNDS; i++)
        round_of(h, i);
    CHECK(h, h->answered > ROUNDS * QUESTIONS / 10);
    CHECK(h, h->by_org > 10 && h->by_correlation > 10 && h->by_person > 10 && h->by_id > 0 &&
                     h->from_newest > 10);
    free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(random_histories, hub_env_setup, hub_env_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
