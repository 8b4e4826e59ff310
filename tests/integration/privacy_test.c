/*
 * Who learns what, end to end: two schools and the assessment centre against a real hub. Each school gets the
 * deficits, routes and courses of its own staff, once and without scores; receivers without names get no
 * byte that names somebody; what lies on the disk afterwards is sealed. The tests follow one another on one
 * store.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <iconv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/copmkp/app.h"
#include "adapters/school/school.h"
#include "adapters/sdk/file.h"
#include "hub/house.h"
#include "proto/base/list.h"
#include "proto/wire/ident.h"
#include "store/keyring.h"
#include "tests/support/bus_client.h"
#include "tests/support/bytes_search.h"
#include "tests/support/run_program.h"
#include "tests/support/spawn.h"
#include "tests/support/tmpdir.h"
#include "tests/support/turns.h"

enum { SCHOOLS = 2, PERSONS = 3 };

/* Nobody's: numbers made here; the last one works at both schools. */
static struct person {
    const char *nine;
    const char *family;
    const char *given;
    bool at[SCHOOLS];
    char snils[12];
} persons[PERSONS] = {
        {"900000001", "Зимородкова", "Аглая", {true, false}, ""},
        {"900000002", "Перепёлкина", "Евдокия", {false, true}, ""},
        {"900000003", "Щеглицына", "Феврония", {true, true}, ""},
};

struct scene {
    struct spawn hub;
    uv_loop_t loop;
    struct mr_config *config;
    struct mr_school *school;
    void *copmkp;
    char ogrn[SCHOOLS][14];
    struct mr_buf delivered; /* to the receivers without names */
    int open;
    int more; /* courses of the first person behind the journey */
};

static const char config_text[] =
        "  - {name: school-staff, system: school, personal: full, scope: staff, filters: [{any: [{prefix: "
        "{type: nms.deficit.}},\n"
        "     {prefix: {type: nms.route.}}, {prefix: {type: nms.course.}}, {prefix: {type: "
        "nms.diagnostic.}}]}]}\n"
        "  - {name: copmkp-courses, system: copmkp, personal: full, filters: [{exact: {type: "
        "nms.course.finished.v1}}]}\n"
        "  - {name: nameless, system: portal, personal: none, filters: [{prefix: {type: nms.}}]}\n"
        "  - {name: pseudonyms, system: portal, personal: pseudonymous, filters: [{prefix: {type: nms.}}]}\n"
        "adapters:\n"
        "  school: {system: school, secret_key_file: school.key, state: state/school, in: s/in, out: s/out,\n"
        "    done: s/done, rejected: s/rejected, settle_ms: 50}\n"
        "  copmkp: {system: copmkp, secret_key_file: copmkp.key, state: state/copmkp, in: c/in, out: c/out,\n"
        "    done: c/done, rejected: c/rejected, settle_ms: 50}\n";

/* ---- adapters ---- */

static void on_closed(void *ctx)
{
    ((struct scene *)ctx)->open--;
}

static bool all_closed(void *ctx)
{
    return ((struct scene *)ctx)->open == 0;
}

static void adapters_start(struct scene *scene)
{
    struct mr_error error = {0};

    if (mr_school_open(&scene->school, &scene->loop, scene->config, "test/1", &error) != 0 ||
            mr_copmkp_open(&scene->copmkp, &scene->loop, scene->config, "test/1", &error) != 0)
        fail_msg("%s: %s", error.where, error.what);
    scene->open = 2;
}

static void adapters_stop(struct scene *scene)
{
    mr_school_close(scene->school, on_closed, scene);
    mr_copmkp_close(scene->copmkp, on_closed, scene);
    turns_until(&scene->loop, "adapters closed", all_closed, scene);
}

static int setup(void **state)
{
    static struct scene scene;

    for (int i = 0; i < PERSONS; i++)
        (void)snprintf(persons[i].snils, sizeof persons[i].snils, "%s%02d", persons[i].nine,
                mr_ident_snils_check(persons[i].nine));
    for (int i = 0; i < SCHOOLS; i++) {
        char twelve[13];

        (void)snprintf(twelve, sizeof twelve, "10224012345%d", i + 6);
        (void)snprintf(scene.ogrn[i], sizeof scene.ogrn[i], "%s%d", twelve, mr_ident_ogrn_check(twelve));
    }
    spawn_init(&scene.hub, config_text);
    assert_int_equal(mr_file_write(scene.hub.dir, "school.key",
                             mr_slice_str(scene.hub.keys[SPAWN_SCHOOL].secret_key), 0600),
            0);
    assert_int_equal(mr_file_write(scene.hub.dir, "copmkp.key",
                             mr_slice_str(scene.hub.keys[SPAWN_COPMKP].secret_key), 0600),
            0);
    assert_int_equal(mr_config_load(&scene.config, scene.hub.config, NULL), 0);
    spawn_start(&scene.hub);
    assert_int_equal(uv_loop_init(&scene.loop), 0);
    adapters_start(&scene);
    *state = &scene;
    return 0;
}

static int teardown(void **state)
{
    struct scene *scene = *state;

    if (scene->open)
        adapters_stop(scene);
    turns_end(&scene->loop);
    mr_config_free(scene->config);
    mr_buf_fini(&scene->delivered);
    spawn_fini(&scene->hub);
    return 0;
}

/* ---- files ---- */

static const char *path(const struct scene *scene, const char *dir, const char *folder)
{
    return folder ? mr_tmpdir_path(mr_tmpdir_path(scene->hub.dir, dir), folder)
                  : mr_tmpdir_path(scene->hub.dir, dir);
}

static int count_files(const char *dir, const char *end)
{
    DIR *handle = opendir(dir);
    struct dirent *entry;
    int count = 0;

    while (handle && (entry = readdir(handle)) != NULL) {
        size_t n = strlen(entry->d_name), e = strlen(end);

        count += entry->d_name[0] != '.' && n >= e && strcmp(entry->d_name + n - e, end) == 0;
    }
    if (handle)
        (void)closedir(handle);
    return count;
}

static void drop(const char *dir, const char *name, struct mr_buf *utf8, bool cp1251)
{
    uint8_t converted[4096];
    char *in = (char *)utf8->data, *to = (char *)converted;
    size_t in_left = utf8->size, to_left = sizeof converted;
    iconv_t cd = iconv_open(cp1251 ? "CP1251" : "UTF-8", "UTF-8");

    assert_true(iconv(cd, &in, &in_left, &to, &to_left) != (size_t)-1);
    (void)iconv_close(cd);
    assert_int_equal(mr_file_make_dirs(dir), 0);
    assert_int_equal(mr_file_write(dir, name, mr_slice(converted, sizeof converted - to_left), 0600), 0);
    mr_buf_fini(utf8);
}

struct waiting {
    struct scene *scene;
    int staff[SCHOOLS], diagnostics, out[SCHOOLS], courses; /* files */
};

static bool has_come(void *ctx)
{
    const struct waiting *w = ctx;

    for (int i = 0; i < SCHOOLS; i++)
        if (count_files(path(w->scene, "s/done", w->scene->ogrn[i]), ".receipt.txt") < w->staff[i] ||
                count_files(path(w->scene, "s/out", w->scene->ogrn[i]), ".csv") < w->out[i])
            return false;
    return count_files(path(w->scene, "c/done", NULL), ".receipt.txt") >= w->diagnostics &&
           count_files(path(w->scene, "c/out", NULL), ".csv") >= w->courses;
}

/* ---- the journey ---- */

static void drop_staff(struct scene *scene)
{
    for (int s = 0; s < SCHOOLS; s++) {
        struct mr_buf text = MR_BUF_INIT;

        mr_buf_put_str(
                &text, "Табельный номер;СНИЛС;Фамилия;Имя;Отчество;Должность;Группа (ПР/УК);Дата приёма\r\n");
        for (int i = 0; i < PERSONS; i++)
            if (persons[i].at[s])
                mr_buf_printf(&text, "T-%d;%s;%s;%s;;учитель;ПР;01.09.2020\r\n", i,
                        bytes_snils_dashed(persons[i].snils), persons[i].family, persons[i].given);
        drop(path(scene, "s/in", scene->ogrn[s]), "staff.csv", &text, s == 1);
    }
    turns_until(&scene->loop, "staff", has_come, &(struct waiting){scene, {1, 1}, 0, {0, 0}, 0});
}

static void drop_diagnostics(struct scene *scene)
{
    struct mr_buf text = MR_BUF_INIT;

    mr_buf_put_str(
            &text, "Номер результата;СНИЛС;Фамилия;Имя;Дата;Шкала;Область;Балл;Уровень;Дефицит;Тип\r\n");
    for (int i = 0; i < PERSONS; i++)
        mr_buf_printf(&text, "D-%d;%s;%s;%s;15.03.2026;100;ict;41,37;низкий;да;первичная\r\n", i,
                bytes_snils_dashed(persons[i].snils), persons[i].family, persons[i].given);
    drop(path(scene, "c/in", NULL), "results.csv", &text, true);
    turns_until(&scene->loop, "diagnostics", has_come, &(struct waiting){scene, {1, 1}, 1, {2, 2}, 0});
}

static void put_head(struct mr_buf *out, const char *type, const char *system, const char *id, int person)
{
    mr_buf_printf(out,
            "{\"specversion\":\"1.0\",\"id\":\"%s-%d\",\"source\":\"urn:marshrut:24:%s\",\"type\":\"%s\","
            "\"time\":\"2026-06-30T15:00:00Z\",\"regioncode\":\"24\",\"basis\":\"education\",\"actor\":\"%"
            "s\","
            "\"actorrole\":\"system\",\"subject\":\"%s\",\"data\":{\"person\":{\"snils\":\"%s\","
            "\"familyName\":"
            "\"%s\",\"givenName\":\"%s\"},",
            id, person, system, type, system, persons[person].snils, persons[person].snils,
            persons[person].family, persons[person].given);
}

static void put_course(struct scene *scene, struct mr_buf *out, const char *id, int person)
{
    put_head(out, "nms.course.finished.v1", "cnppm", id, person);
    mr_buf_printf(out,
            "\"programmeId\":\"DPP-777\",\"programmeTitle\":\"Цифра; \\\"и\\\" "
            "жизнь\",\"kind\":\"PK\",\"hours\":36,"
            "\"providerOgrn\":\"%s\",\"funding\":\"regional\",\"startedOn\":\"2026-05-12\",\"endedOn\":"
            "\"2026-06-30\",\"documentNumber\":\"24-%06d\"}}\n",
            scene->ogrn[0], person);
}

static void publish(struct scene *scene, struct mr_buf *lines)
{
    struct run_program run = {.input = mr_buf_str(lines)};

    run_program(&run, (const char *[]){"marshrut", "-c", scene->hub.config, "publish", NULL});
    if (run.status != 0)
        fail_msg("publish: %s%s", run_program_out(&run), run_program_err(&run));
    run_program_fini(&run);
    mr_buf_fini(lines);
}

static void publish_routes_and_courses(struct scene *scene)
{
    struct mr_buf lines = MR_BUF_INIT;

    for (int i = 0; i < PERSONS; i++) {
        put_head(&lines, "nms.route.assigned.v1", "cnppm", "route", i);
        mr_buf_printf(&lines,
                "\"routeId\":\"IOM-%d\",\"content\":\"Маршрут\",\"assignedOn\":\"2026-04-10\"}}\n", i);
        put_course(scene, &lines, "course", i);
    }
    publish(scene, &lines);
}

static void test_journey(void **state)
{
    struct scene *scene = *state;

    drop_staff(scene);
    drop_diagnostics(scene);
    publish_routes_and_courses(scene);
    turns_until(&scene->loop, "deliveries", has_come, &(struct waiting){scene, {1, 1}, 1, {6, 6}, PERSONS});
}

/* ---- what the schools have ---- */

static void expect_out(struct scene *scene, int school)
{
    static const char *const kinds[] = {"-deficit.csv", "-route.csv", "-course.csv"};
    static const char *const scores[] = {"41,37", "41.37", "4137", "41370", "низкий", "Балл"};
    const char *dir = path(scene, "s/out", scene->ogrn[school]);

    int more = school == 0 ? scene->more : 0;

    for (size_t i = 0; i < MR_COUNT(kinds); i++)
        assert_int_equal(count_files(dir, kinds[i]), i == 2 ? 2 + more : 2); /* of two persons each, once */
    assert_int_equal(count_files(dir, ""), 6 + more);                        /* and nothing else */
    for (int i = 0; i < PERSONS; i++) {
        char route[16];

        (void)snprintf(route, sizeof route, "IOM-%d", i);
        assert_int_equal(bytes_folder_has(dir, persons[i].family), persons[i].at[school]);
        assert_int_equal(bytes_folder_has(dir, route), persons[i].at[school]);
        if (!persons[i].at[school])
            assert_false(bytes_folder_has(dir, persons[i].given));
    }
    for (size_t i = 0; i < MR_COUNT(scores); i++)
        (void)bytes_search_folder(dir, scores[i]);
}

static void test_schools_get_their_own(void **state)
{
    struct scene *scene = *state;

    for (int i = 0; i < SCHOOLS; i++)
        expect_out(scene, i);
    assert_int_equal(count_files(path(scene, "s/out", NULL), ""), SCHOOLS); /* no folder of anybody else */
}

static void test_work_list(void **state)
{
    struct scene *scene = *state;
    const char *dir = path(scene, "c/out", NULL);

    assert_int_equal(count_files(dir, ""), PERSONS + scene->more);
    for (int i = 0; i < PERSONS; i++)
        assert_true(bytes_folder_has(dir, persons[i].snils) && bytes_folder_has(dir, persons[i].family));
    assert_true(bytes_folder_has(
            dir, "\"DPP-777\";\"Цифра; \"\"и\"\" жизнь\";\"36\";\"2026-05-12\";\"2026-06-30\""));
}

/* Adapters and hub begin anew, and all is told again: nothing comes a second time. One more course shows that
 * what would have come before it is through. */
static void test_once(void **state)
{
    struct scene *scene = *state;
    struct mr_buf line = MR_BUF_INIT;

    adapters_stop(scene);
    spawn_kill(&scene->hub);
    spawn_start(&scene->hub);
    adapters_start(scene);
    publish_routes_and_courses(scene);
    put_course(scene, &line, "one-more", 0);
    publish(scene, &line);
    scene->more = 1;
    turns_until(&scene->loop, "one more", has_come, &(struct waiting){scene, {1, 1}, 1, {7, 6}, PERSONS + 1});
    test_schools_get_their_own(state);
    test_work_list(state);
}

/* ---- receivers without names ---- */

/* The last event of the log: the subscriptions want them all, and none is the receiver's own. */
static uint64_t log_head(struct scene *scene)
{
    struct bus_client client;
    const char *head;
    uint64_t number;

    bus_connect(&client, scene->hub.admin, NULL, NULL);
    head = strstr(bus_query(&client, "hub.status", ""), "\"head\":");
    assert_non_null(head);
    number = strtoull(head + strlen("\"head\":"), NULL, 10);
    bus_close(&client);
    return number;
}

static void take_all(struct scene *scene, const char *subscription)
{
    uint64_t head = log_head(scene), last = 0;
    struct bus_client client;

    bus_connect_as(&client, &scene->hub, SPAWN_PORTAL);
    (void)bus_hello(&client, 0, 0);
    bus_subscribe(&client, subscription, 1000, 0);
    while (last < head) {
        const bus_frame *frame = bus_expect(&client, MARSHRUT__BUS__V1__FRAME__BODY_DELIVER);

        for (size_t i = 0; i < frame->deliver->n_items; i++) {
            mr_buf_put(&scene->delivered, frame->deliver->items[i]->event.data,
                    frame->deliver->items[i]->event.len);
            last = frame->deliver->items[i]->number;
        }
    }
    bus_close(&client);
}

static void test_delivered_without_names(void **state)
{
    struct scene *scene = *state;
    struct mr_slice bytes;

    take_all(scene, "nameless");
    take_all(scene, "pseudonyms");
    bytes = mr_buf_slice(&scene->delivered);
    assert_non_null(bytes_search(bytes, "DPP-777")); /* the search finds what is there */
    for (int i = 0; i < PERSONS; i++) {
        assert_null(bytes_search(bytes, persons[i].snils));
        assert_null(bytes_search(bytes, bytes_snils_dashed(persons[i].snils)));
        assert_null(bytes_search(bytes, persons[i].family));
        assert_null(bytes_search(bytes, persons[i].given));
    }
}

/* ---- the disk ---- */

static void expect_no_hub_ids(struct scene *scene, struct mr_house *house)
{
    struct mr_keyring_txn *txn;

    assert_int_equal(mr_keyring_begin(house->keyring, &txn), 0);
    for (int i = 0; i < PERSONS; i++) {
        uint8_t id[MR_PERSON_ID_BYTES];

        assert_int_equal(mr_person_find(txn, MR_IDENTIFIER_SNILS, mr_slice_str(persons[i].snils), id), 0);
        assert_null(bytes_search_raw(mr_buf_slice(&scene->delivered), mr_slice(id, sizeof id)));
    }
    mr_keyring_abort(txn);
}

static void test_disk_is_sealed(void **state)
{
    static const char *const dirs[] = {
            "store", "state", "s/done", "s/rejected", "c/done", "c/rejected", "run"};
    struct scene *scene = *state;
    struct mr_house house;

    adapters_stop(scene);
    spawn_stop(&scene->hub);
    assert_true(bytes_folder_has(path(scene, "store", NULL), "urn:marshrut:24:cnppm")); /* readable as such */
    assert_true(bytes_folder_has(path(scene, "s/out", NULL), persons[0].family));
    for (size_t d = 0; d < MR_COUNT(dirs); d++)
        for (int i = 0; i < PERSONS; i++) {
            (void)bytes_search_folder(path(scene, dirs[d], NULL), persons[i].snils);
            (void)bytes_search_folder(path(scene, dirs[d], NULL), bytes_snils_dashed(persons[i].snils));
            (void)bytes_search_folder(path(scene, dirs[d], NULL), persons[i].family);
        }
    assert_true(bytes_search_folder(path(scene, "state", NULL), persons[0].given) > 0);
    assert_false(spawn_logged(&scene->hub, persons[0].snils));
    assert_int_equal(mr_house_open(&house, scene->config, false, NULL), 0);
    expect_no_hub_ids(scene, &house);
    mr_house_close(&house);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_journey),
            cmocka_unit_test(test_schools_get_their_own), cmocka_unit_test(test_work_list),
            cmocka_unit_test(test_once), cmocka_unit_test(test_delivered_without_names),
            cmocka_unit_test(test_disk_is_sealed)};

    return cmocka_run_group_tests(tests, setup, teardown);
}
