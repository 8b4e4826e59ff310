/* The school's mapper alone: what it would send, and what it finds wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <minizip/zip.h>
#include <stdio.h>
#include <string.h>

#include "adapters/school/map_school.h"
#include "adapters/sdk/file.h"
#include "adapters/sdk/map.h"
#include "event/employment.pb-c.h"
#include "event/org.pb-c.h"
#include "proto/base/list.h"
#include "proto/wire/ident.h"
#include "tests/support/tmpdir.h"

struct seen {
    struct mr_row_sink sink;
    char types[2048], problems[2048], doubts[1024], last[256];
    uint32_t rows;
};

static struct seen *self_of(struct mr_row_sink *sink)
{
    return MR_CONTAINER(sink, struct seen, sink);
}

static void append(char *text, size_t size, const char *more)
{
    size_t n = strlen(text);

    (void)snprintf(text + n, size - n, "%s ", more);
}

static int on_event(struct mr_row_sink *sink, uint32_t line, const struct mr_attributes *attributes,
        const ProtobufCMessage *payload)
{
    struct seen *seen = self_of(sink);

    (void)line;
    assert_null(attributes->id);
    assert_string_equal(attributes->source, "urn:marshrut:24:school"); /* it stands in the log in the open */
    assert_int_equal(strlen(attributes->orgid), 13);
    append(seen->types, sizeof seen->types, attributes->type + 4);
    if (strcmp(attributes->type, "nms.employment.started.v1") == 0) {
        const Nms__Event__V1__EmploymentStarted *started = (const void *)payload;

        (void)snprintf(seen->last, sizeof seen->last, "%s|%s|%s|%s|%s|%s", started->person->snils,
                started->post, started->staff_group, started->qual_category, started->part_time,
                started->started_on);
        assert_string_equal(attributes->basis, "employment");
    }
    return 0;
}

static void on_problem(struct mr_row_sink *sink, const struct mr_row_problem *problem)
{
    char text[256];

    (void)snprintf(text, sizeof text, "%u:%s", problem->line, problem->column);
    append(self_of(sink)->problems, sizeof self_of(sink)->problems, text);
    assert_true(problem->problem[0] && problem->cure[0]);
}

static void on_doubt(struct mr_row_sink *sink, const struct mr_row_problem *problem)
{
    char text[256];

    (void)snprintf(text, sizeof text, "%s: %s", problem->column, problem->cure);
    append(self_of(sink)->doubts, sizeof self_of(sink)->doubts, text);
}

static void on_note(struct mr_row_sink *sink, uint32_t line, const char *text)
{
    (void)sink;
    (void)line;
    (void)text;
}

static void on_table(struct mr_row_sink *sink, const char *name, const char *raw_header)
{
    (void)sink;
    (void)name;
    (void)raw_header;
}

static void on_row(struct mr_row_sink *sink, uint32_t line, const char *raw_line)
{
    (void)line;
    (void)raw_line;
    self_of(sink)->rows++;
}

static void on_digest(struct mr_row_sink *sink, struct mr_slice data, uint8_t ret[static 16])
{
    (void)sink;
    memset(ret, (int)data.size, 16);
}

static struct mr_config_system systems[] = {
        {.name = (char *)"school", .source = (char *)"urn:marshrut:24:school"}};
static struct mr_config_school school = {
        .link = {.system = (char *)"school"}, .full_list_end_percent_max = 20};
static struct mr_config_code codes[] = {{(char *)"none", (char *)"нет"}, {(char *)"first", (char *)"первая"},
        {(char *)"highest", (char *)"высшая"}};
static struct mr_config_codelist lists[] = {{(char *)"qual_category", codes, MR_COUNT(codes)}};
static struct mr_config config = {.codelists = lists,
        .codelists_count = 1,
        .region = (char *)"24",
        .systems = systems,
        .systems_count = 1,
        .adapters = {.school = &school}};

static int run(struct seen *seen, const char *folder, struct mr_slice content, struct mr_error *error)
{
    void *ctx = NULL;
    int r;

    *seen = (struct seen){.sink = {.event = on_event,
                                  .problem = on_problem,
                                  .doubt = on_doubt,
                                  .note = on_note,
                                  .table = on_table,
                                  .row = on_row,
                                  .digest = on_digest}};
    *error = (struct mr_error){0};
    assert_int_equal(mr_school_mapper.open(&ctx, &config, error), 0);
    r = mr_school_mapper.map(ctx, folder, "f.csv", content, &seen->sink, error);
    mr_school_mapper.close(ctx);
    return r;
}

static const char *ogrn(void)
{
    static char text[16];

    (void)snprintf(text, sizeof text, "102240123456%d", mr_ident_ogrn_check("102240123456"));
    return text;
}

#define STAFF "СНИЛС;Фамилия;Имя;Должность;Группа;Дата приёма;Категория;Основное место;Дата увольнения\n"

static void test_staff(void **state)
{
    static const struct {
        const char *name, *row, *types, *problems;
    } cases[] = {
            {"good", "112-233-445 95;Иванова;Анна;учитель;ПР;1.9.2020;первая;да;\n",
                    "person.registered.v1 employment.started.v1 ", ""},
            {"dismissed", "112-233-445 95;Иванова;Анна;учитель;ПР;1.9.2020;;;01.06.2026\n",
                    "person.registered.v1 employment.ended.v1 ", ""},
            {"nothing filled", ";;;;;;;x;\n", "",
                    "2:Фамилия 2:Имя 2:СНИЛС 2:Дата приёма 2:Должность 2:Группа 2:Основное место "},
            {"wrong check digits are the hub's to hold",
                    "112-233-445 00;Иванова;Анна;учитель;ПР;1.9.2020;;;\n",
                    "person.registered.v1 employment.started.v1 ", ""},
            {"short СНИЛС", "112;Иванова;Анна;учитель;ПР;1.9.2020;;;\n", "", "2:СНИЛС "},
            {"wrong group", "112-233-445 95;Иванова;Анна;учитель;АБ;1.9.2020;;;\n", "", "2:Группа "},
    };
    struct seen seen;
    struct mr_error error;

    (void)state;
    for (size_t i = 0; i < MR_COUNT(cases); i++) {
        char text[1024];

        print_message("%s\n", cases[i].name);
        (void)snprintf(text, sizeof text, STAFF "%s", cases[i].row);
        assert_int_equal(run(&seen, ogrn(), mr_slice_str(text), &error), 0);
        assert_string_equal(seen.types, cases[i].types);
        assert_string_equal(seen.problems, cases[i].problems);
        if (i == 0)
            assert_string_equal(seen.last, "11223344595|учитель|PR|first|main|2020-09-01");
    }
}

/* Problems and doubts of a row in one round; code lists with what is allowed; a broken table is known still.
 */
static void test_one_round(void **state)
{
    struct seen seen;
    struct mr_error error;

    (void)state;
    assert_int_equal(
            run(&seen, ogrn(), mr_slice_str(STAFF "112-233-445 00;;Анна;учитель;ПР;1.13.2020;третья;;\n"),
                    &error),
            0);
    assert_string_equal(seen.types, "");
    assert_string_equal(seen.problems, "2:Фамилия 2:Дата приёма ");
    assert_string_equal(
            seen.doubts, "СНИЛС: сверьте СНИЛС с документом Категория: допустимо: нет, первая, высшая ");
    assert_ptr_equal(
            mr_mapper_guess("f.csv", mr_slice_str(STAFF "1;2;3;4;5;6;7;8;9;10\n")), &mr_school_mapper);
    assert_null(mr_mapper_guess("f.csv", mr_slice_str("a;b\n1;2;3\n")));
}

static void test_orgs(void **state)
{
    struct seen seen;
    struct mr_error error;
    char text[1024];

    (void)state;
    (void)snprintf(text, sizeof text,
            "ОГРН;ИНН;ОКТМО;Наименование;Вид\n%s;2460000000;04701000;Школа 1;school\n"
            "1027700132195;;04701000;Чужая;school\n",
            ogrn());
    assert_int_equal(run(&seen, ogrn(), mr_slice_str(text), &error), 0);
    assert_string_equal(seen.types, "org.upserted.v1 ");
    assert_string_equal(seen.problems, "3:ОГРН ");
}

static void test_refused_whole(void **state)
{
    static const char *const contents[] = {
            "a;b\n1;2\n", "СНИЛС;Фамилия\n1;2\n", "PK\x03\x04junk", "", "Фамилия;\"x\n"};
    struct seen seen;
    struct mr_error error;

    (void)state;
    for (size_t i = 0; i < MR_COUNT(contents); i++) {
        assert_int_equal(run(&seen, ogrn(), mr_slice_str(contents[i]), &error), MR_EINVAL);
        assert_true(error.what[0] && error.cure[0]);
    }
    assert_int_equal(run(&seen, "../../etc", mr_slice_str(STAFF), &error), MR_EINVAL);
    assert_int_equal(run(&seen, "1234567890123", mr_slice_str(STAFF), &error), MR_EINVAL);
}

static void put(zipFile zip, const char *name, const char *text)
{
    assert_int_equal(zipOpenNewFileInZip(zip, name, NULL, NULL, 0, NULL, 0, NULL, Z_DEFLATED, 6), ZIP_OK);
    assert_int_equal(zipWriteInFileInZip(zip, text, (unsigned)strlen(text)), ZIP_OK);
    assert_int_equal(zipCloseFileInZip(zip), ZIP_OK);
}

static void test_oneroster(void **state)
{
    char *dir = mr_tmpdir_new(), orgs[512];
    zipFile zip = zipOpen(mr_tmpdir_path(dir, "r.zip"), APPEND_STATUS_CREATE);
    struct mr_buf bytes = MR_BUF_INIT;
    struct seen seen;
    struct mr_error error;

    (void)state;
    (void)snprintf(orgs, sizeof orgs,
            "sourcedId,status,name,type,identifier,metadata.oktmo\no1,active,Школа,school,%s,04701000\n",
            ogrn());
    put(zip, "manifest.csv", "propertyName,value\noneroster.version,1.2\nfile.roles,delta\n");
    put(zip, "orgs.csv", orgs);
    put(zip, "users.csv",
            "sourcedId,status,userIds,givenName,familyName,identifier\nu1,active,{snils:112-233-445 "
            "95},Анна,Иванова,\n"
            "u2,active,,,Петров,\n");
    put(zip, "roles.csv",
            "sourcedId,status,userSourcedId,roleType,role,beginDate,endDate,orgSourcedId\n"
            "r1,active,u1,primary,teacher,2020-09-01,,o1\nr2,active,u9,primary,teacher,2020-09-01,,o1\n"
            "r3,active,u1,primary,student,,,o1\nr4,active,u1,primary,wizard,,,o1\n"
            "r5,tobedeleted,u1,secondary,principal,2020-09-01,2026-06-01,o1\n");
    assert_int_equal(zipClose(zip, NULL), ZIP_OK);
    assert_int_equal(mr_file_read(mr_tmpdir_path(dir, "r.zip"), 1 << 20, &bytes), 0);
    assert_int_equal(run(&seen, ogrn(), mr_buf_slice(&bytes), &error), 0);
    assert_string_equal(
            seen.types, "org.upserted.v1 person.registered.v1 employment.started.v1 employment.ended.v1 ");
    assert_string_equal(seen.problems, "3:givenName 3:userSourcedId 5:role ");
    assert_string_equal(seen.last, "11223344595|учитель|PR||main|2020-09-01");
    assert_int_equal(seen.rows, 8);
    mr_buf_fini(&bytes);
    mr_tmpdir_free(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_staff),
            cmocka_unit_test(test_one_round),
            cmocka_unit_test(test_orgs),
            cmocka_unit_test(test_refused_whole),
            cmocka_unit_test(test_oneroster),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
