/* Property: what is sealed comes back byte for byte, and the leaf has none of it. And: who may not open it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event/assessment.pb-c.h"
#include "event/hub.pb-c.h"
#include "event/informal.pb-c.h"
#include "hub/record/seal.h"
#include "hub/record/seal_layout.h"
#include "leaf.pb-c.h"
#include "proto/base/list.h"
#include "proto/wire/digest.h"
#include "tests/support/hub_env.h"

enum { ROUNDS = 300, VALUES_MAX = 64, VALUE_BYTES = 12 };

struct seal_env {
    struct hub_env *hub;
    struct mr_seal_person persons[2];
    uint32_t seed;
    char values[VALUES_MAX][VALUE_BYTES + 1]; /* every secret text of the event at hand */
    size_t values_count;
    struct mr_arena arena;
    struct mr_buf bytes;
    struct mr_event event;
    uint8_t person_of_span[MR_EVENT_PERSONS_MAX];
    struct mr_sealed sealed;
    uint8_t hub_id[16];
};

static int setup(void **state)
{
    struct seal_env *env = calloc(1, sizeof *env);
    struct mr_keyring_txn *txn;
    void *hub = NULL;

    assert_int_equal(hub_env_setup(&hub), 0);
    env->hub = hub;
    env->seed = 2024;
    env->hub_id[0] = 1;
    mr_arena_init(&env->arena, 4 << 20);
    assert_int_equal(mr_keyring_begin(env->hub->house.keyring, &txn), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(mr_person_create(txn, env->persons[i].id, &env->persons[i].key), 0);
    assert_int_equal(mr_keyring_commit(txn), 0);
    *state = env;
    return 0;
}

static int teardown(void **state)
{
    struct seal_env *env = *state;
    void *hub = env->hub;

    mr_sealed_fini(&env->sealed);
    mr_buf_fini(&env->bytes);
    mr_arena_fini(&env->arena);
    assert_int_equal(hub_env_teardown(&hub), 0);
    free(env);
    return 0;
}

static unsigned next_random(struct seal_env *env, unsigned below)
{
    env->seed = env->seed * 1664525u + 1013904223u;
    return (env->seed >> 8) % below;
}

/* A new secret text, or nothing. */
static char *secret(struct seal_env *env)
{
    char *value = env->values[env->values_count];

    if (next_random(env, 4) == 0)
        return (char *)protobuf_c_empty_string;
    assert_true(env->values_count < VALUES_MAX);
    for (int i = 0; i < VALUE_BYTES; i++)
        value[i] = (char)('a' + next_random(env, 26));
    env->values_count++;
    return value;
}

static void random_person(
        struct seal_env *env, Nms__Event__V1__Person *person, ProtobufCMessageUnknownField *unknown)
{
    nms__event__v1__person__init(person);
    if (next_random(env, 5) == 0)
        return; /* an empty block */
    person->snils = secret(env);
    person->family_name = secret(env);
    person->given_name = secret(env);
    person->email = secret(env);
    person->local_id = secret(env);
    if (next_random(env, 3) > 0)
        return;
    *unknown = (ProtobufCMessageUnknownField){.tag = 200, .wire_type = PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED};
    unknown->data = (uint8_t *)"\x05later"; /* with its length */
    unknown->len = 6;
    person->base.n_unknown_fields = 1;
    person->base.unknown_fields = unknown;
}

/* A mentoring pair of 0 to 2 persons, who may be one and the same. */
static size_t random_event(struct seal_env *env)
{
    struct mr_attributes a = hub_env_attributes("urn:marshrut:24:cnppm", "1", "nms.mentoring.started.v1");
    Nms__Event__V1__MentoringStarted pair = NMS__EVENT__V1__MENTORING_STARTED__INIT;
    Nms__Event__V1__Person persons[2];
    ProtobufCMessageUnknownField unknown[2];
    bool same = next_random(env, 4) == 0;
    size_t count = next_random(env, 3);

    env->values_count = 0;
    for (int i = 0; i < 2; i++)
        random_person(env, &persons[i], &unknown[i]);
    pair.person = count > 0 ? &persons[0] : NULL;
    pair.mentee = count > 1 ? &persons[1] : NULL;
    pair.mentoring_id = secret(env);
    pair.org_ogrn = secret(env);
    a.id = *pair.mentoring_id ? pair.mentoring_id : "1";
    a.subject = *pair.org_ogrn ? pair.org_ogrn : NULL;
    mr_buf_reset(&env->bytes);
    mr_arena_reset(&env->arena);
    hub_env_encode(&env->bytes, &a, &pair.base);
    assert_int_equal(mr_event_decode(&env->event, mr_buf_slice(&env->bytes), &env->arena, NULL), 0);
    assert_int_equal(env->event.persons_count, count);
    env->person_of_span[0] = 0;
    env->person_of_span[1] = same ? 0 : 1;
    return same && count > 1 ? 1 : count;
}

static struct mr_record seal(struct seal_env *env, size_t persons_count, const char *staffof)
{
    struct mr_seal_input input = {.event = &env->event,
            .system = "cnppm",
            .source = "urn:marshrut:24:cnppm",
            .hub_id = env->hub_id,
            .recorded_us = 77,
            .persons = env->persons,
            .persons_count = persons_count,
            .person_of_span = env->person_of_span,
            .staffof = staffof};
    struct mr_record record = {.number = 1, .flags = persons_count ? MR_RECORD_SEALED : 0};

    assert_int_equal(mr_seal(&env->sealed, &input, NULL), 0);
    record.leaf = mr_buf_slice(&env->sealed.leaf);
    record.slots_count = env->sealed.slots_count;
    for (size_t i = 0; i < record.slots_count; i++)
        record.slots[i] = mr_buf_slice(&env->sealed.slots[i]);
    assert_int_equal(record.slots_count, persons_count);
    return record;
}

static void check_secret(const struct seal_env *env, const struct mr_record *record)
{
    for (size_t i = 0; i < env->values_count; i++) {
        const char *value = env->values[i];

        assert_null(memmem(record->leaf.data, record->leaf.size, value, VALUE_BYTES));
        for (size_t s = 0; s < record->slots_count; s++)
            assert_null(memmem(record->slots[s].data, record->slots[s].size, value, VALUE_BYTES));
    }
}

static void what_is_sealed_comes_back(void **state)
{
    struct seal_env *env = *state;

    for (int round = 0; round < ROUNDS; round++) {
        size_t persons = random_event(env);
        struct mr_record record = seal(env, persons, persons ? "school=1" : NULL);
        struct mr_unsealed unsealed;

        if (persons > 0)
            check_secret(env, &record);
        assert_int_equal(mr_unseal(&unsealed, &env->hub->house, &record, MR_PURPOSE_SHOW, NULL), 0);
        assert_true(mr_slice_equal(mr_buf_slice(&unsealed.bytes), mr_buf_slice(&env->bytes)));
        assert_int_equal(unsealed.persons_count, persons);
        assert_int_equal(unsealed.spans_count, persons ? env->event.persons_count : 0);
        for (size_t i = 0; i < unsealed.spans_count; i++) {
            assert_int_equal(unsealed.person_of_span[i], env->person_of_span[i]);
            assert_int_equal(unsealed.spans[i].offset, env->event.persons[i].offset);
            assert_int_equal(unsealed.spans[i].size, env->event.persons[i].size);
        }
        for (size_t i = 0; i < persons; i++)
            assert_memory_equal(unsealed.persons[i].id, env->persons[i].id, MR_PERSON_ID_BYTES);
        if (persons > 0)
            assert_string_equal(unsealed.staffof.data, "school=1");
        mr_unsealed_fini(&unsealed);
    }
}

static void pair_of_two(struct seal_env *env)
{
    while (random_event(env) != 2)
        continue;
}

static int unseal(struct seal_env *env, const struct mr_record *record)
{
    struct mr_unsealed unsealed;
    int r = mr_unseal(&unsealed, &env->hub->house, record, MR_PURPOSE_DELIVER, NULL);

    if (r == 0)
        mr_unsealed_fini(&unsealed);
    return r;
}

static void damage_is_seen(void **state)
{
    struct seal_env *env = *state;
    struct mr_record record;
    struct mr_slice swapped;

    pair_of_two(env);
    record = seal(env, 2, NULL);
    assert_int_equal(unseal(env, &record), 0);
    env->sealed.leaf.data[record.leaf.size - 1] ^= 1; /* a commitment */
    assert_int_equal(unseal(env, &record), MR_ECORRUPT);
    env->sealed.leaf.data[record.leaf.size - 1] ^= 1;
    env->sealed.slots[1].data[record.slots[1].size - 1] ^= 1;
    assert_int_equal(unseal(env, &record), MR_ECORRUPT);
    env->sealed.slots[1].data[record.slots[1].size - 1] ^= 1;
    swapped = record.slots[0];
    record.slots[0] = record.slots[1];
    record.slots[1] = swapped;
    assert_int_equal(unseal(env, &record), MR_ECORRUPT);
    record.slots[1] = record.slots[0];
    record.slots[0] = swapped;
    record.slots_count = 1; /* the second person's slot is lost */
    assert_int_equal(unseal(env, &record), MR_ECORRUPT);
    record.slots_count = 0;
    assert_int_equal(unseal(env, &record), MR_ECORRUPT);
}

static void set_state(struct seal_env *env, int person, enum mr_person_state new_state)
{
    struct mr_keyring_txn *txn;

    assert_int_equal(mr_keyring_begin(env->hub->house.keyring, &txn), 0);
    assert_int_equal(mr_person_set_state(txn, env->persons[person].id, new_state), 0);
    assert_int_equal(mr_keyring_commit(txn), 0);
}

static void one_person_may_close_it(void **state)
{
    struct seal_env *env = *state;
    struct mr_house no_keys = env->hub->house;
    struct mr_record record;

    pair_of_two(env);
    record = seal(env, 2, NULL);
    no_keys.keyring = NULL;
    {
        struct mr_unsealed unsealed;

        assert_int_equal(mr_unseal(&unsealed, &no_keys, &record, MR_PURPOSE_SHOW, NULL), MR_EDENIED);
    }
    set_state(env, 0, MR_PERSON_BLOCKED);
    assert_int_equal(unseal(env, &record), MR_EBLOCKED);
    set_state(env, 1, MR_PERSON_DESTROYED);
    assert_int_equal(unseal(env, &record), MR_EDESTROYED); /* the stronger one, whatever their order */
    set_state(env, 0, MR_PERSON_LIVE);
    assert_int_equal(unseal(env, &record), MR_EDESTROYED);
}

static void only_public_fields_stand_openly(void **state)
{
    struct seal_env *env = *state;
    struct mr_attributes a = hub_env_attributes("urn:marshrut:24:copmkp", "1", "nms.deficit.identified.v1");
    Nms__Event__V1__DeficitIdentified deficit = NMS__EVENT__V1__DEFICIT_IDENTIFIED__INIT;
    Nms__Event__V1__Person person = NMS__EVENT__V1__PERSON__INIT;
    Nms__Event__V1__DeficitIdentified *open;
    Marshrut__Log__V1__Leaf *leaf;
    struct mr_record record;

    person.snils = (char *)"11223344595";
    deficit.person = &person;
    deficit.deficit_id = (char *)"d-777";
    deficit.area = (char *)"ict";
    deficit.severity = (char *)"high";
    deficit.recommendation = (char *)"rest";
    hub_env_encode(&env->bytes, &a, &deficit.base);
    assert_int_equal(mr_event_decode(&env->event, mr_buf_slice(&env->bytes), &env->arena, NULL), 0);
    record = seal(env, 1, NULL);
    leaf = marshrut__log__v1__leaf__unpack(NULL, record.leaf.size, record.leaf.data);
    assert_non_null(leaf);
    assert_string_equal(leaf->type, a.type);
    assert_string_equal(leaf->system, "cnppm");
    assert_string_equal(leaf->regioncode, "24");
    assert_int_equal(leaf->recorded_us, 77);
    assert_int_equal(leaf->event.len, 0);
    assert_int_equal(leaf->n_commitments, 1);
    open = nms__event__v1__deficit_identified__unpack(NULL, leaf->open.len, leaf->open.data);
    assert_non_null(open);
    assert_string_equal(open->area, "ict");
    assert_string_equal(open->severity, "high");
    assert_string_equal(open->deficit_id, "");
    assert_string_equal(open->recommendation, "");
    assert_null(open->person);
    nms__event__v1__deficit_identified__free_unpacked(open, NULL);
    marshrut__log__v1__leaf__free_unpacked(leaf, NULL);
}

static void quarantined_is_for_those_who_correct(void **state)
{
    struct seal_env *env = *state;
    struct mr_seal_input input = {.event = &env->event,
            .system = "cnppm",
            .source = "urn:marshrut:24:cnppm",
            .hub_id = env->hub_id,
            .recorded_us = 1};
    struct mr_record record = {
            .number = 1, .flags = MR_RECORD_SEALED | MR_RECORD_QUARANTINED, .slots_count = 1};
    Marshrut__Log__V1__Leaf *leaf;
    Nms__Event__V1__HubEventQuarantined *open;
    struct mr_unsealed unsealed;

    pair_of_two(env);
    assert_int_equal(mr_seal_quarantined(
                             &env->sealed, &input, "snils-checkdigit", "person.snils", &env->persons[0].key),
            0);
    record.leaf = mr_buf_slice(&env->sealed.leaf);
    record.slots[0] = mr_buf_slice(&env->sealed.slots[0]);
    check_secret(env, &record);
    assert_int_equal(unseal(env, &record), MR_EDENIED); /* for delivery */
    assert_int_equal(mr_unseal(&unsealed, &env->hub->house, &record, MR_PURPOSE_CORRECT, NULL), 0);
    assert_true(mr_slice_equal(mr_buf_slice(&unsealed.bytes), mr_buf_slice(&env->bytes)));
    mr_unsealed_fini(&unsealed);
    leaf = marshrut__log__v1__leaf__unpack(NULL, record.leaf.size, record.leaf.data);
    assert_string_equal(leaf->type, "hub.event.quarantined.v1");
    open = nms__event__v1__hub_event_quarantined__unpack(NULL, leaf->open.len, leaf->open.data);
    assert_string_equal(open->code, "snils-checkdigit");
    assert_string_equal(open->type, "nms.mentoring.started.v1");
    assert_int_equal(open->size_bytes, env->bytes.size);
    assert_memory_equal(open->commitment.data, leaf->commitments[0]->c.data, 32);
    nms__event__v1__hub_event_quarantined__free_unpacked(open, NULL);
    marshrut__log__v1__leaf__free_unpacked(leaf, NULL);
}

/* The leaf of an open event is put together by hand: protobuf-c makes the same bytes of the same fields. */
static void an_open_leaf_is_protobufs(void **state)
{
    static const size_t sizes[] = {1, 127, 128, 400, 16383, 16384, 48000};
    static uint8_t bytes[48000];
    struct seal_env *env = *state;
    struct mr_sealed sealed = {0};

    memset(bytes, 0xa5, sizeof bytes);
    for (size_t i = 0; i < 2 * MR_COUNT(sizes); i++) {
        struct mr_event event = {.bytes = mr_slice(bytes, sizes[i / 2])};
        struct mr_seal_input input = {.event = &event,
                .system = i % 2 ? "cnppm" : "hub",
                .hub_id = env->hub_id,
                .recorded_us = i % 2 ? 1796000000000000 + (int64_t)i : 0};
        Marshrut__Log__V1__Leaf leaf = MARSHRUT__LOG__V1__LEAF__INIT;
        struct mr_buf wanted = MR_BUF_INIT;
        uint8_t hash[32];

        leaf.v = MR_LEAF_VERSION;
        leaf.hub_id = (ProtobufCBinaryData){16, env->hub_id};
        leaf.recorded_us = (uint64_t)input.recorded_us;
        leaf.registry = mr_registry_version();
        leaf.system = (char *)input.system;
        leaf.event = (ProtobufCBinaryData){event.bytes.size, bytes};
        assert_non_null(mr_buf_reserve(&wanted, marshrut__log__v1__leaf__get_packed_size(&leaf)));
        wanted.size = marshrut__log__v1__leaf__pack(&leaf, wanted.data);
        assert_int_equal(mr_seal(&sealed, &input, NULL), 0);
        assert_int_equal(sealed.leaf.size, wanted.size);
        assert_memory_equal(sealed.leaf.data, wanted.data, wanted.size);
        mr_leaf_hash(mr_buf_slice(&wanted), hash);
        assert_memory_equal(sealed.leaf_hash, hash, sizeof hash);
        mr_buf_fini(&wanted);
    }
    mr_sealed_fini(&sealed);
}

#define SEAL_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
            SEAL_TEST(what_is_sealed_comes_back),
            SEAL_TEST(damage_is_seen),
            SEAL_TEST(one_person_may_close_it),
            SEAL_TEST(only_public_fields_stand_openly),
            SEAL_TEST(quarantined_is_for_those_who_correct),
            SEAL_TEST(an_open_leaf_is_protobufs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
