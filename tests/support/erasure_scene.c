#include "tests/support/erasure_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/copmkp/app.h"
#include "adapters/sdk/file.h"
#include "proto/wire/ident.h"
#include "tests/support/bytes_search.h"
#include "tests/support/run_program.h"
#include "tests/support/tmpdir.h"
#include "tests/support/turns.h"

static const char config_text[] =
        "  - {name: school-staff, system: school, personal: full, scope: staff, filters: [{any: [{prefix: "
        "{type: nms.deficit.}}, {prefix: {type: nms.course.}}]}]}\n"
        "  - {name: copmkp-courses, system: copmkp, personal: full, filters: [{exact: {type: "
        "nms.course.finished.v1}}]}\n"
        "  - {name: pseudonyms, system: portal, personal: pseudonymous, filters: [{prefix: {type: nms.}}]}\n"
        "operators:\n"
        "  - {name: officer, roles: [pd-officer]}\n"
        "  - {name: head, roles: [pd-officer]}\n"
        "passport: {period_from: \"2026-01-01\", period_to: \"2026-12-31\"}\n"
        "erasure: {controller: \"Министерство\", address: \"Красноярск\", answer_days: 30}\n"
        "adapters:\n"
        "  school: {system: school, secret_key_file: school.key, state: state/school, in: s/in, out: s/out,\n"
        "    done: s/done, rejected: s/rejected, settle_ms: 50}\n"
        "  copmkp: {system: copmkp, secret_key_file: copmkp.key, state: state/copmkp, in: c/in, out: c/out,\n"
        "    done: c/done, rejected: c/rejected, settle_ms: 50}\n";

/* ---- the scene ---- */

static void make_snils(char out[static 12], int serial)
{
    char nine[10];

    (void)snprintf(nine, sizeof nine, "9%08d", serial);
    (void)snprintf(out, 12, "%s%02d", nine, mr_ident_snils_check(nine));
}

/* Names that no list of names has, and no two alike. */
static void make_name(char out[static 64], const char *first, const char *last, int i)
{
    static const char *const syllables[] = {
            "бар", "вел", "гор", "дим", "жук", "зар", "кан", "лом", "мур", "нов", "пав"};

    (void)snprintf(out, 64, "%s%s%s%s", first, syllables[i % 11], syllables[i / 11 % 11], last);
}

static void make_persons(struct erasure_scene *scene)
{
    for (int i = 0; i < SCENE_PERSONS; i++) {
        struct scene_person *p = &scene->persons[i];

        make_snils(p->snils, 1000 + 7 * i);
        make_snils(p->second, 500000 + 7 * i);
        make_name(p->family, "Щу", "цева", i);
        make_name(p->given, "Фе", "лия", i);
        (void)snprintf(p->birth, sizeof p->birth, "19%02d-%02d-%02d", 40 + i % 40, 1 + i % 12, 1 + i % 28);
        (void)snprintf(p->birth_typed, sizeof p->birth_typed, "%02d.%02d.19%02d", 1 + i % 28, 1 + i % 12,
                40 + i % 40);
        (void)snprintf(p->number, sizeof p->number, "TAB-%06d", 4711 + i);
    }
}

static void on_closed(void *ctx)
{
    ((struct erasure_scene *)ctx)->open--;
}

static bool all_closed(void *ctx)
{
    return ((struct erasure_scene *)ctx)->open == 0;
}

void erasure_scene_adapters_start(struct erasure_scene *scene)
{
    struct mr_error error = {0};

    if (mr_school_open(&scene->school, &scene->loop, scene->config, "test/1", &error) != 0 ||
            mr_copmkp_open(&scene->copmkp, &scene->loop, scene->config, "test/1", &error) != 0)
        fail_msg("%s: %s", error.where, error.what);
    scene->open = 2;
}

void erasure_scene_adapters_stop(struct erasure_scene *scene)
{
    mr_school_close(scene->school, on_closed, scene);
    mr_copmkp_close(scene->copmkp, on_closed, scene);
    turns_until(&scene->loop, "adapters closed", all_closed, scene);
}

void erasure_scene_init(struct erasure_scene *scene)
{
    make_persons(scene);
    (void)snprintf(scene->ogrn, sizeof scene->ogrn, "102240123456%d", mr_ident_ogrn_check("102240123456"));
    spawn_init(&scene->hub, config_text);
    assert_int_equal(mr_file_write(scene->hub.dir, "school.key",
                             mr_slice_str(scene->hub.keys[SPAWN_SCHOOL].secret_key), 0600),
            0);
    assert_int_equal(mr_file_write(scene->hub.dir, "copmkp.key",
                             mr_slice_str(scene->hub.keys[SPAWN_COPMKP].secret_key), 0600),
            0);
    assert_int_equal(mr_config_load(&scene->config, scene->hub.config, NULL), 0);
    assert_int_equal(uv_loop_init(&scene->loop), 0);
    spawn_start(&scene->hub);
    erasure_scene_adapters_start(scene);
}

void erasure_scene_fini(struct erasure_scene *scene)
{
    if (scene->open)
        erasure_scene_adapters_stop(scene);
    turns_end(&scene->loop);
    mr_config_free(scene->config);
    for (int i = 0; i < SCENE_PERSONS; i++)
        free(scene->persons[i].parts);
    spawn_fini(&scene->hub);
}

const char *erasure_scene_path(const struct erasure_scene *scene, const char *name)
{
    return mr_tmpdir_path(scene->hub.dir, name);
}

/* ---- the tool ---- */

int erasure_scene_tool(
        const struct erasure_scene *scene, const char *input, char **ret, const char *const argv[])
{
    const char *all[24] = {"marshrut", "-c", scene->hub.config};
    struct run_program run = {.input = input};
    int status;

    for (size_t i = 0; argv[i]; i++)
        all[3 + i] = argv[i];
    run_program(&run, all);
    status = run.status;
    if (ret)
        *ret = strdup(run_program_out(&run));
    if (status != 0)
        print_message("%s %s: %s\n", argv[0], argv[1] ? argv[1] : "", run_program_err(&run));
    run_program_fini(&run);
    return status;
}

json_t *erasure_scene_ask(const struct erasure_scene *scene, const char *const argv[])
{
    const char *all[20] = {NULL};
    char *text = NULL;
    size_t n = 0;
    json_t *json;

    for (; argv[n]; n++)
        all[n] = argv[n];
    all[n] = "--json";
    assert_int_equal(erasure_scene_tool(scene, NULL, &text, all), 0);
    json = json_loads(text, JSON_DISABLE_EOF_CHECK, NULL);
    free(text);
    assert_non_null(json);
    return json;
}

static void publish(struct erasure_scene *scene, struct mr_buf *lines)
{
    assert_int_equal(erasure_scene_tool(scene, mr_buf_str(lines), NULL, ARGV("publish")), 0);
    mr_buf_fini(lines);
}

/* ---- the journey ---- */

static void put_row(struct mr_buf *out, const struct scene_person *p, const char *snils)
{
    mr_buf_printf(out, "%s;%s;%s;%s;%s;учитель;ПР;01.09.2020\r\n", p->number, snils, p->family, p->given,
            p->birth_typed);
}

/* A list of everybody; and one of the first ones with a wrong digit, which waits, and comes back as rejected
 * rows. */
void erasure_scene_drop_lists(struct erasure_scene *scene, int bad_count)
{
    static const char head[] =
            "Табельный номер;СНИЛС;Фамилия;Имя;Дата рождения;Должность;Группа (ПР/УК);Дата приёма\r\n";
    struct mr_buf good = MR_BUF_INIT, bad = MR_BUF_INIT;
    char dir[512];

    mr_buf_put_str(&good, head);
    mr_buf_put_str(&bad, head);
    for (int i = 0; i < SCENE_PERSONS; i++) {
        char wrong[12];

        put_row(&good, &scene->persons[i], bytes_snils_dashed(scene->persons[i].snils));
        memcpy(wrong, scene->persons[i].snils, sizeof wrong);
        wrong[10] = wrong[10] == '9' ? '0' : (char)(wrong[10] + 1);
        if (i < bad_count)
            put_row(&bad, &scene->persons[i], wrong);
    }
    (void)snprintf(dir, sizeof dir, "%s/s/in/%s", scene->hub.dir, scene->ogrn);
    assert_int_equal(mr_file_make_dirs(dir), 0);
    assert_int_equal(mr_file_write(dir, "staff.csv", mr_buf_slice(&good), 0600), 0);
    assert_int_equal(mr_file_write(dir, "more.csv", mr_buf_slice(&bad), 0600), 0);
    mr_buf_fini(&good);
    mr_buf_fini(&bad);
}

static void put_event(struct mr_buf *out, const char *type, const char *system, const char *id,
        const struct scene_person *p, const char *snils, const char *rest)
{
    mr_buf_printf(out,
            "{\"specversion\":\"1.0\",\"id\":\"%s-%s\",\"source\":\"urn:marshrut:24:%s\",\"type\":\"%s\","
            "\"time\":"
            "\"2026-06-30T15:00:00Z\",\"regioncode\":\"24\",\"basis\":\"education\",\"actor\":\"a\","
            "\"actorrole\":"
            "\"system\",\"correlationid\":\"journey-%s\",\"data\":{\"person\":{\"snils\":\"%s\","
            "\"familyName\":\"%s\","
            "\"givenName\":\"%s\",\"birthDate\":\"%s\"},%s}}\n",
            id, p->number, system, type, p->number, snils, p->family, p->given, p->birth, rest);
}

void erasure_scene_publish(struct erasure_scene *scene)
{
    static const char deficit[] = "\"deficitId\":\"D\",\"area\":\"ict\",\"identifiedOn\":\"2026-03-15\"";
    static const char course[] = "\"programmeId\":\"DPP-777\",\"kind\":\"PK\",\"hours\":36,\"startedOn\":"
                                 "\"2026-05-12\",\"endedOn\":\"2026-06-30\"";
    struct mr_buf lines = MR_BUF_INIT;

    for (int i = 0; i < SCENE_PERSONS; i++) {
        const struct scene_person *p = &scene->persons[i];

        put_event(&lines, "nms.deficit.identified.v1", "copmkp", "deficit", p, p->snils, deficit);
        put_event(&lines, "nms.course.finished.v1", "cnppm", "course", p, p->snils, course);
    }
    publish(scene, &lines);
    put_event(&lines, "nms.course.finished.v1", "cnppm", "second", &scene->persons[SCENE_MERGED],
            scene->persons[SCENE_MERGED].second, course);
    publish(scene, &lines);
    mr_buf_printf(&lines,
            "{\"specversion\":\"1.0\",\"id\":\"merge\",\"source\":\"urn:marshrut:24:school\",\"type\":"
            "\"nms.person.merged.v1\",\"time\":\"2026-07-30T15:00:00Z\",\"regioncode\":\"24\",\"basis\":"
            "\"education\","
            "\"actor\":\"a\",\"actorrole\":\"system\",\"data\":{\"person\":{\"snils\":\"%s\"},\"previous\":{"
            "\"snils\":"
            "\"%s\"}}}\n",
            scene->persons[SCENE_MERGED].snils, scene->persons[SCENE_MERGED].second);
    publish(scene, &lines);
}
