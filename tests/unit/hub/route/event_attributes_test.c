/* Attributes of a real event as CESQL sees them: of every CloudEvents type, and never the payload. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "hub/route/event_attributes.h"
#include "proto/base/list.h"
#include "proto/wire/event_parts.h"

struct scene {
    struct mr_buf bytes;
    struct mr_arena arena;
    struct mr_event event;
};

static const char payload[] = "{\"snils\": \"payload\"}";

static int setup(void **state)
{
    static const struct mr_attribute attributes[] = {
            {"dataschema", MR_ATTRIBUTE_URI, {(const uint8_t *)"urn:x", 5}, 0, 0},
            {"regioncode", MR_ATTRIBUTE_STRING, {(const uint8_t *)"24", 2}, 0, 0},
            {"extbool", MR_ATTRIBUTE_BOOLEAN, {NULL, 0}, 1, 0},
            {"extint", MR_ATTRIBUTE_INTEGER, {NULL, 0}, -7, 0},
            {"extstring", MR_ATTRIBUTE_STRING, {(const uint8_t *)"Ёж", 4}, 0, 0},
            {"extbytes", MR_ATTRIBUTE_BYTES, {(const uint8_t *)"\x00\xff", 2}, 0, 0},
            {"exturi", MR_ATTRIBUTE_URI, {(const uint8_t *)"urn:y", 5}, 0, 0},
            {"extref", MR_ATTRIBUTE_URI_REF, {(const uint8_t *)"/z", 2}, 0, 0},
            {"exttime", MR_ATTRIBUTE_TIMESTAMP, {NULL, 0}, 1700000000, 500000000},
            {"time", MR_ATTRIBUTE_TIMESTAMP, {NULL, 0}, 1700000000, 0},
            {"datacontenttype", MR_ATTRIBUTE_STRING, {(const uint8_t *)"application/json", 16}, 0, 0},
    };
    static struct mr_event_parts parts;
    static struct scene scene;
    struct mr_error error = {0};

    parts = (struct mr_event_parts){.id = "e-1",
            .source = "urn:s",
            .type = "other.type",
            .data_kind = MR_DATA_TEXT,
            .data = mr_slice_str(payload)};
    for (size_t i = 0; i < MR_COUNT(attributes); i++)
        assert_int_equal(mr_event_parts_add(&parts, &attributes[i]), 0);
    scene = (struct scene){.bytes = MR_BUF_INIT};
    mr_arena_init(&scene.arena, 1 << 20);
    assert_int_equal(mr_event_parts_put(&scene.bytes, &parts), 0);
    if (mr_event_decode(&scene.event, mr_buf_slice(&scene.bytes), &scene.arena, &error) < 0)
        fail_msg("%s: %s", error.where, error.what);
    *state = &scene;
    return 0;
}

static int teardown(void **state)
{
    struct scene *scene = *state;

    mr_arena_fini(&scene->arena);
    mr_buf_fini(&scene->bytes);
    return 0;
}

static bool is_true(struct scene *scene, const char *expression)
{
    struct mr_arena arena;
    const struct mr_event_view view = {&scene->event, &arena};
    const struct mr_cesql_source source = mr_event_source(&view);
    struct mr_cesql_problem problem;
    struct mr_cesql_value value;
    struct mr_cesql *compiled = NULL;
    bool good;

    assert_int_equal(mr_cesql_compile(&compiled, mr_slice_str(expression), &problem), 0);
    mr_arena_init(&arena, MR_CESQL_BUDGET_BYTES);
    good = mr_cesql_evaluate(compiled, &source, &arena, &value, &problem) && value.type == MR_CESQL_BOOLEAN &&
           value.boolean;
    mr_arena_fini(&arena);
    mr_cesql_free(compiled);
    return good;
}

/* An Integer is equal to 'text' by cast, so its type is asked by what only that type does. */
static void every_type(void **state)
{
    static const char *const rows[] = {
            "id = 'e-1' AND source = 'urn:s' AND type = 'other.type' AND specversion = '1.0'",
            "dataschema = 'urn:x' AND regioncode = '24'",
            "extbool",
            "extint = -7 AND -7 IN (extint) AND extint IN ('-07')", /* cast to the type on the left: Integer
                                                                     */
            "extstring = 'Ёж' AND LENGTH(extstring) = 2",
            "extbytes = 'AP8='",
            "exturi = 'urn:y'",
            "extref = '/z'",
            "exttime = '2023-11-14T22:13:20.500Z'",
            "time = '2023-11-14T22:13:20Z'",
            "datacontenttype = 'application/json'",
            "NOT EXISTS subject AND NOT EXISTS orgid",
            "NOT EXISTS data AND NOT EXISTS textdata AND NOT EXISTS snils", /* the payload is not there */
            "NOT EXISTS staffof",
    };

    for (size_t i = 0; i < MR_COUNT(rows); i++) {
        if (!is_true(*state, rows[i]))
            print_error("%s\n", rows[i]);
        assert_true(is_true(*state, rows[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(every_type, setup, teardown)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
