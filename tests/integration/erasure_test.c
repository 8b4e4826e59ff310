/*
 * Forgetting persons, end to end: a school and an assessment centre with their real adapters, a receiver of
 * pseudonyms, a backup made before. Persons are erased, the hub is killed at every named point of it. Then
 * every file of every process is searched for everything that would give them away, in plain, encoded and as
 * unsalted hashes; every old proof still holds, everybody else is still there, and what is derived is what a
 * rebuild makes. The tests follow one another on one store.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "event/erasure.pb-c.h"
#include "hub/keep/backup.h"
#include "hub/index/indexer.h"
#include "hub/project/passport.h"
#include "proto/base/hex.h"
#include "proto/base/list.h"
#include "proto/wire/codec.h"
#include "tests/support/bus_client.h"
#include "tests/support/bytes_search.h"
#include "tests/support/erasure_scene.h"
#include "tests/support/needles.h"
#include "tests/support/turns.h"

/* Where the hub is killed, each time with another person. */
static const char *const points[] = {"erase.requested", "erase.collected", "erase.told", "erase.cleaned",
        "erase.drafted", "erase.ready", "erase.keys", "erase.destroyed", "erase.confirmed", "erase.stripped",
        "erase.written", "erase.completed", "erase.saved"};

enum { ERASED = sizeof points / sizeof points[0], SYSTEMS_TOLD = 4 };

static struct erasure_scene scene;
static struct needles *names, *links;
static char *vkey;
static uint64_t old_number; /* of an event of the first person */

static const char *below(const char *name)
{
    return erasure_scene_path(&scene, name);
}

#define TOOL(...)           erasure_scene_tool(&scene, NULL, NULL, ARGV(__VA_ARGS__))
#define TOOL_SAYS(ret, ...) erasure_scene_tool(&scene, NULL, ret, ARGV(__VA_ARGS__))
#define ASK(...)            erasure_scene_ask(&scene, ARGV(__VA_ARGS__))

static int setup(void **state)
{
    (void)state;
    erasure_scene_init(&scene);
    names = needles_new();
    links = needles_new();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    erasure_scene_fini(&scene);
    needles_free(names);
    needles_free(links);
    free(vkey);
    return 0;
}

/* ---- before ---- */

static void add_names(int i)
{
    const struct scene_person *p = &scene.persons[i];
    const struct {
        const char *what, *text;
    } texts[] = {{"family", p->family}, {"given", p->given}, {"snils", p->snils},
            {"snils with dashes", bytes_snils_dashed(p->snils)}, {"birth", p->birth},
            {"birth as typed", p->birth_typed}, {"number", p->number}, {"second snils", p->second}};

    for (size_t k = 0; k < MR_COUNT(texts); k++) {
        char what[32];

        (void)snprintf(what, sizeof what, "%s %d", texts[k].what, i);
        needles_text(names, what, texts[k].text);
    }
}

/* Events that wait for their correction here, and rows that came back. */
static bool is_read(void *ctx)
{
    json_t *counts = ASK("balance"), *line;
    size_t i, quarantined = 0, waiting = 0;

    (void)ctx;
    json_array_foreach (json_object_get(counts, "in"), i, line)
        quarantined += (size_t)json_integer_value(json_object_get(line, "quarantined"));
    json_array_foreach (json_object_get(counts, "out"), i, line) {
        const char *name = json_string_value(json_object_get(line, "subscription"));

        if (strcmp(name, "school-staff") == 0 || strcmp(name, "copmkp-courses") == 0)
            waiting += (size_t)json_integer_value(json_object_get(line, "waiting"));
    }
    json_decref(counts);
    return quarantined >= ERASED && waiting == 0 && needles_found(names, "family 0", below("s/rejected"));
}

static void test_journey(void **state)
{
    (void)state;
    for (int i = 0; i < ERASED; i++)
        add_names(i);
    erasure_scene_drop_lists(&scene, ERASED + 2);
    turns_until(&scene.loop, "the lists are read", is_read, NULL);
    erasure_scene_publish(&scene);
    turns_until(&scene.loop, "everything is delivered", is_read, NULL);
    assert_true(needles_found(names, "family 0", below("s/out")));
    assert_true(needles_found(names, "snils 0", below("c/out")));
}

/* Who they are, from the keys themselves, while no hub runs. */
static void look_up(struct mr_keyring *keyring, struct mr_keyring_txn *txn, int i)
{
    struct scene_person *p = &scene.persons[i];
    uint8_t person[MR_PERSON_ID_BYTES], pseudonym[MR_PERSON_ID_BYTES];
    char what[32];

    assert_int_equal(mr_person_find(txn, MR_IDENTIFIER_SNILS, mr_slice_str(p->snils), person), 0);
    assert_int_equal(mr_person_group(txn, person, &p->parts, &p->parts_count), 0);
    assert_int_equal(p->parts_count, i == SCENE_MERGED ? 2 : 1);
    for (size_t k = 0; k < p->parts_count; k++) {
        (void)snprintf(what, sizeof what, "person id %d", i);
        needles_bytes(links, what, mr_slice(p->parts[k].person, MR_PERSON_ID_BYTES));
        (void)snprintf(what, sizeof what, "pseudonym %d", i);
        assert_int_equal(mr_keyring_pseudonym(keyring, "portal", p->parts[k].person, pseudonym), 0);
        needles_bytes(links, what, mr_slice(pseudonym, sizeof pseudonym));
        (void)snprintf(what, sizeof what, "key id %d", i);
        needles_bytes(links, what, mr_slice(p->parts[k].key_id, MR_KEY_ID_BYTES));
    }
}

static void look_up_all(void)
{
    struct mr_house house;
    struct mr_keyring_txn *txn;

    assert_int_equal(mr_house_open(&house, scene.config, false, NULL), 0);
    assert_int_equal(mr_keyring_begin(house.keyring, &txn), 0);
    for (int i = 0; i < ERASED; i++)
        look_up(house.keyring, txn, i);
    mr_keyring_abort(txn);
    mr_house_close(&house);
}

static bool is_signed(void *ctx)
{
    json_t *status = ASK("status");
    bool done = json_integer_value(json_object_get(status, "signed")) >=
                json_integer_value(json_object_get(status, "head"));

    (void)ctx;
    json_decref(status);
    return done;
}

static void test_backup_and_proofs_before(void **state)
{
    char number[24];
    json_t *found;

    (void)state;
    turns_until(&scene.loop, "signed", is_signed, NULL);
    found = ASK("where", "deficit-TAB-004711");
    old_number = (uint64_t)json_integer_value(
            json_object_get(json_array_get(json_object_get(found, "matches"), 0), "number"));
    json_decref(found);
    assert_true(old_number > 0);
    (void)snprintf(number, sizeof number, "%llu", (unsigned long long)old_number);
    assert_int_equal(TOOL_SAYS(&vkey, "log", "key"), 0);
    vkey[strcspn(vkey, "\n")] = 0;
    assert_int_equal(
            TOOL("log", "prove", number, "--out", below("old.proof"), "--leaf", below("old.leaf")), 0);
    assert_int_equal(TOOL("log", "export", below("tiles")), 0);
    assert_int_equal(TOOL("backup", below("backup")), 0);
    spawn_stop(&scene.hub);
    look_up_all();
    spawn_start(&scene.hub);
}

/* ---- the erasure ---- */

static int request(int i)
{
    /* From standard input: it stands in no list of processes. */
    return erasure_scene_tool(&scene, scene.persons[i].snils, NULL,
            ARGV("erase", "request", "--snils", "-", "--basis", "consent-withdrawn", "--case",
                    "file 7 of 2026", "--as", "officer"));
}

static json_t *request_at(json_t *list, int i)
{
    return json_array_get(json_object_get(list, "requests"), (size_t)i);
}

static bool is_completed(void *ctx)
{
    const int *i = ctx;
    json_t *list = ASK("erase", "list");
    const char *state = json_string_value(json_object_get(request_at(list, *i), "state"));
    bool done = state && strcmp(state, "completed") == 0;

    json_decref(list);
    return done;
}

static bool is_gone(void *ctx)
{
    (void)ctx;
    return spawn_gone(&scene.hub);
}

/* The hub starts anew, and will die there. */
static void die_at(const char *point)
{
    char fault[64];
    const char *environment[] = {fault, NULL};

    (void)snprintf(fault, sizeof fault, "MR_FAULT=%s:1:kill", point);
    spawn_stop(&scene.hub);
    scene.hub.environment = environment;
    spawn_start(&scene.hub);
    scene.hub.environment = NULL;
}

/* Asked for and approved; the hub dies at the point, and goes on after its next start. */
static void erase_with_kill(int i)
{
    char number[16];
    int status;

    (void)snprintf(number, sizeof number, "%d", i + 1);
    die_at(points[i]);
    if (request(i) == 0) {
        assert_int_equal(TOOL("erase", "approve", number, "--as", "officer"), 77);
        (void)TOOL("erase", "approve", number, "--as", "head"); /* it may die before it answers */
    }
    turns_until(&scene.loop, points[i], is_gone, NULL);
    status = spawn_wait(&scene.hub);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    spawn_start(&scene.hub);
    if (strcmp(points[i], "erase.requested") == 0)
        assert_int_equal(TOOL("erase", "approve", number, "--as", "head"), 0);
    turns_until(&scene.loop, "completed", is_completed, &i);
}

static void test_erase_with_kills(void **state)
{
    (void)state;
    for (int i = 0; i < ERASED; i++)
        erase_with_kill(i);
}

/* ---- the notices ---- */

static Nms__Event__V1__HubErasureNotice *notice_of(
        struct mr_arena *arena, struct mr_event *event, const Marshrut__Bus__V1__DeliverItem *item)
{
    assert_int_equal(mr_event_decode(event, mr_slice(item->event.data, item->event.len), arena, NULL), 0);
    assert_string_equal(event->a.type, "hub.erasure.notice.v1");
    return (Nms__Event__V1__HubErasureNotice *)event->payload;
}

/* The portal knew pseudonyms, and is told these alone. */
static void test_portal_is_told_pseudonyms(void **state)
{
    struct bus_client portal;
    struct mr_arena arena;
    size_t got = 0;

    (void)state;
    mr_arena_init(&arena, 1 << 20);
    bus_connect_as(&portal, &scene.hub, SPAWN_PORTAL);
    (void)bus_hello(&portal, 0, 0);
    bus_subscribe(&portal, "@erasure-portal", 100, 0);
    while (got < ERASED) {
        bus_frame *frame = bus_expect(&portal, MARSHRUT__BUS__V1__FRAME__BODY_DELIVER);

        for (size_t i = 0; i < frame->deliver->n_items; i++, got++) {
            struct mr_event event;
            const Nms__Event__V1__HubErasureNotice *notice =
                    notice_of(&arena, &event, frame->deliver->items[i]);

            assert_int_equal(notice->request, got + 1);
            assert_int_equal(notice->n_ids, scene.persons[got].parts_count);
            assert_int_equal(notice->n_snils + notice->n_names + notice->n_local_ids, 0);
        }
        bus_ack(&portal, "@erasure-portal", frame->deliver->items[frame->deliver->n_items - 1]->number);
    }
    bus_close(&portal);
    mr_arena_fini(&arena);
}

static bool is_answered(void *ctx)
{
    json_t *list = ASK("erase", "list"), *one;
    size_t i, unanswered = 0;

    (void)ctx;
    json_array_foreach (json_object_get(list, "requests"), i, one)
        unanswered += (size_t)json_integer_value(json_object_get(one, "unanswered"));
    json_decref(list);
    return unanswered == 0;
}

/* School and assessment centre have answered by their adapters; the others by hand. */
static void test_everybody_answers(void **state)
{
    static const char *const systems[] = {"portal", "cnppm"};
    struct mr_buf lines = MR_BUF_INIT;
    json_t *shown, *notices, *one;
    size_t i, files = 0;

    (void)state;
    for (int r = 1; r <= ERASED; r++)
        for (size_t s = 0; s < MR_COUNT(systems); s++)
            mr_buf_printf(&lines,
                    "{\"specversion\":\"1.0\",\"id\":\"answer-%d\",\"source\":\"urn:marshrut:24:%s\","
                    "\"type\":"
                    "\"nms.erasure.acknowledged.v1\",\"regioncode\":\"24\",\"data\":{\"request\":\"%d\","
                    "\"outcome\":"
                    "\"done\"}}\n",
                    r, systems[s], r);
    die_at("erase.answered"); /* the key of a notice is gone, and the answer is not noted */
    (void)erasure_scene_tool(&scene, mr_buf_str(&lines), NULL, ARGV("publish"));
    turns_until(&scene.loop, "erase.answered", is_gone, NULL);
    (void)spawn_wait(&scene.hub);
    spawn_start(&scene.hub);
    assert_int_equal(erasure_scene_tool(&scene, mr_buf_str(&lines), NULL, ARGV("publish")), 0);
    mr_buf_fini(&lines);
    turns_until(&scene.loop, "answered", is_answered, NULL);
    shown = ASK("erase", "show", "1");
    notices = json_object_get(shown, "notices");
    assert_int_equal(json_array_size(notices), SYSTEMS_TOLD);
    json_array_foreach (notices, i, one) {
        assert_string_equal(json_string_value(json_object_get(one, "state")), "done");
        files += (size_t)json_integer_value(json_object_get(one, "files"));
    }
    json_decref(shown);
    shown = ASK("status"); /* the backup of before opens no more */
    assert_true(json_is_true(json_object_get(json_object_get(shown, "root_key"), "backup_needed")));
    assert_true(files >= 4); /* rejected rows and their report, a deficit and a course written for people */
    json_decref(shown);
}

/* ---- after ---- */

static bool is_stripped(void *ctx)
{
    json_t *status = ASK("status");
    bool done = json_integer_value(json_object_get(json_object_get(status, "compactor"), "stripping")) == 0;

    (void)ctx;
    json_decref(status);
    return done;
}

static void test_proofs_hold(void **state)
{
    char number[24], *text = NULL;

    (void)state;
    turns_until(&scene.loop, "signed", is_signed, NULL);
    turns_until(&scene.loop, "stripped", is_stripped, NULL);
    assert_int_equal(
            TOOL("log", "verify", "--proof", below("old.proof"), "--leaf", below("old.leaf"), "--key", vkey),
            0);
    assert_int_equal(TOOL("log", "verify", "--key", vkey), 0);
    assert_int_equal(TOOL("log", "export", below("tiles")), 0);
    assert_int_equal(TOOL("log", "verify", below("tiles"), "--key", vkey), 0);
    assert_int_equal(TOOL("balance"), 0);
    (void)snprintf(number, sizeof number, "%llu", (unsigned long long)old_number);
    assert_int_equal(
            TOOL("log", "prove", number, "--out", below("new.proof"), "--leaf", below("new.leaf")), 0);
    assert_int_equal(
            TOOL("log", "verify", "--proof", below("new.proof"), "--leaf", below("new.leaf"), "--key", vkey),
            0);
    assert_int_equal(TOOL_SAYS(&text, "log", "show", number), 0);
    assert_non_null(strstr(text, "destroyed"));
    free(text);
}

static json_t *passport_of(const struct mr_house *house)
{
    struct mr_passport passport;
    json_t *json;

    assert_int_equal(mr_passport_open(&passport, house, 0, NULL), 0);
    json = mr_passport_json(&passport, true);
    mr_passport_fini(&passport);
    return json;
}

/* Everybody else is counted; index and views are what a rebuild makes. */
static void test_derived_is_as_rebuilt(void **state)
{
    uint8_t before[32], after[32];
    struct mr_house house;
    json_t *was, *is;
    char *text;

    (void)state;
    erasure_scene_adapters_stop(&scene);
    spawn_stop(&scene.hub);
    assert_int_equal(mr_house_open(&house, scene.config, false, NULL), 0);
    assert_int_equal(mr_indexer_run_once(&house, NULL), 0);
    assert_int_equal(mr_index_digest(house.index, before, NULL, NULL), 0);
    was = passport_of(&house);
    assert_int_equal(mr_index_clear(house.index), 0);
    assert_int_equal(mr_view_clear(house.view), 0);
    assert_int_equal(mr_indexer_run_once(&house, NULL), 0);
    assert_int_equal(mr_index_digest(house.index, after, NULL, NULL), 0);
    is = passport_of(&house);
    mr_house_close(&house);
    assert_memory_equal(before, after, sizeof after);
    assert_true(json_equal(was, is));
    assert_int_equal(json_integer_value(json_object_get(is, "erased")), ERASED);
    text = json_dumps(is, JSON_COMPACT);
    (void)snprintf((char *)before, sizeof before, "\"value\":\"%d\"", SCENE_PERSONS - ERASED);
    assert_non_null(strstr(text, (const char *)before)); /* of all employed */
    free(text);
    json_decref(was);
    json_decref(is);
}

static void test_nothing_is_left(void **state)
{
    /* Excepted and said so (docs/erasure.md): the acts; the folder that a person's files come from is empty
     * by now. */
    static const char *const acts[] = {"/store/acts/"};
    /*
     * keys/ tells a person who was destroyed from one who never was by the bare id, and the backup holds the
     * ids of destroyed keys.
     */
    static const char *const bare_ids[] = {"/store/acts/", "/store/keys/", "/backup/"};

    (void)state;
    assert_true(needles_search(names, scene.hub.dir, acts, MR_COUNT(acts)) > 1000000);
    (void)needles_search(links, scene.hub.dir, bare_ids, MR_COUNT(bare_ids));
    assert_true(needles_found(names, "snils 0", below("store/acts")));
}

/* The backup of before: its keys open with no root that there is. */
static void test_backup_is_worthless(void **state)
{
    const struct mr_keyring_options options = {
            .dir = below("backup/keys"), .root_path = below("root"), .read_only = true};
    struct mr_keyring *keyring = NULL;

    (void)state;
    assert_int_equal(mr_keyring_open(&keyring, &options, NULL), MR_ECORRUPT);
}

/* And whoever verifies it, or wants to put it back, is told so before anything is put. */
static void test_backup_is_refused(void **state)
{
    struct mr_restored restored;
    struct mr_error error = {0};

    (void)state;
    assert_int_equal(TOOL("backup", "verify", below("backup")), 1);
    assert_int_equal(mr_backup_try_root(scene.config, below("backup"), &error), MR_ECORRUPT);
    assert_non_null(strstr(error.what, "it was changed by an erasure after the backup"));
    assert_int_equal(rename(below("store"), below("store-before")), 0);
    error = (struct mr_error){0};
    assert_int_equal(mr_backup_restore(scene.config, below("backup"), &restored, NULL, NULL, NULL, &error),
            MR_ECORRUPT);
    assert_non_null(strstr(error.what, "does not open this backup"));
    assert_int_not_equal(access(below("store/log"), F_OK), 0);
    assert_int_equal(rename(below("store-before"), below("store")), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_journey),
            cmocka_unit_test(test_backup_and_proofs_before), cmocka_unit_test(test_erase_with_kills),
            cmocka_unit_test(test_portal_is_told_pseudonyms), cmocka_unit_test(test_everybody_answers),
            cmocka_unit_test(test_proofs_hold), cmocka_unit_test(test_derived_is_as_rebuilt),
            cmocka_unit_test(test_nothing_is_left), cmocka_unit_test(test_backup_is_worthless),
            cmocka_unit_test(test_backup_is_refused)};

    return cmocka_run_group_tests(tests, setup, teardown);
}
