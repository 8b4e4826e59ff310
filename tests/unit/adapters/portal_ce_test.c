#include "adapters/portal/ce.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "adapters/portal/feed_place.h"
#include "proto/base/list.h"
#include "proto/wire/json.h"
#include "tests/support/posted.h"

#define PROGRAMME                                                                                            \
    "{\"programmeId\":\"PK-1\",\"title\":\"Курс\",\"kind\":\"PK\",\"hours\":36,"                         \
    "\"providerOgrn\":\"1022402129067\",\"registry\":\"own\"}"
#define EVENT                                                                                                \
    "{\"specversion\":\"1.0\",\"id\":\"p-1\",\"source\":\"urn:marshrut:24:portal\","                         \
    "\"type\":\"nms.programme.listed.v1\",\"data\":" PROGRAMME "}"

static char *publish[] = {(char *)"nms.programme.", (char *)"nms.course."};
static const struct mr_config_system portal = {.name = (char *)"portal",
        .source = (char *)"urn:marshrut:24:portal",
        .publish = publish,
        .publish_count = MR_COUNT(publish)};

struct header {
    const char *name;
    const char *value;
};

static const char *header_of(void *ctx, const char *name)
{
    for (const struct header *h = ctx; h->name; h++)
        if (strcmp(h->name, name) == 0)
            return h->value;
    return NULL;
}

static json_t *read_ce(const struct header *headers, const char *body, struct mr_error *error)
{
    *error = (struct mr_error){0};
    return mr_ce_read(header_of, (void *)(uintptr_t)headers, mr_slice_str(body), error);
}

static void test_structured_and_batch(void **state)
{
    static const struct header structured[] = {
            {"Content-Type", "application/cloudevents+json; charset=UTF-8"}, {0}};
    static const struct header batch[] = {{"Content-Type", "application/cloudevents-batch+json"}, {0}};
    struct mr_error error;
    json_t *json;

    (void)state;
    json = read_ce(structured, EVENT, &error);
    assert_string_equal(json_string_value(json_object_get(json, "id")), "p-1");
    json_decref(json);
    json = read_ce(batch, "[" EVENT "," EVENT "]", &error);
    assert_int_equal(json_array_size(json), 2);
    json_decref(json);
    assert_null(read_ce(structured, "[" EVENT "]", &error));
    assert_int_equal(error.code, MR_EINVAL);
    assert_null(read_ce(batch, EVENT, &error));
    assert_null(read_ce(batch, "[{]", &error));
}

static void test_binary(void **state)
{
    static const struct header headers[] = {{"Content-Type", "application/json"}, {"ce-specversion", "1.0"},
            {"ce-id", "p%20%C3%A9%2"}, {"ce-source", "urn:marshrut:24:portal"},
            {"ce-type", "nms.programme.listed.v1"}, {"ce-regioncode", "24"}, {0}};
    static const struct header nul[] = {
            {"Content-Type", "application/json"}, {"ce-specversion", "1.0"}, {"ce-id", "a%00b"}, {0}};
    struct mr_error error;
    json_t *json = read_ce(headers, PROGRAMME, &error);

    (void)state;
    assert_non_null(json);
    assert_string_equal(json_string_value(json_object_get(json, "id")), "p \xc3\xa9%2");
    assert_string_equal(json_string_value(json_object_get(json, "regioncode")), "24");
    assert_string_equal(json_string_value(json_object_get(json_object_get(json, "data"), "kind")), "PK");
    json_decref(json);
    assert_null(read_ce(nul, "{}", &error));
    assert_string_equal(error.where, "ce-id");
}

static void test_other_content(void **state)
{
    static const struct header cases[][3] = {{{"Content-Type", "text/plain"}}, {{NULL}},
            {{"Content-Type", "application/json"}}, {{"Content-Type", "application/cloudevents+jsonx"}}};
    struct mr_error error;

    (void)state;
    for (size_t i = 0; i < MR_COUNT(cases); i++) {
        assert_null(read_ce(cases[i], EVENT, &error));
        assert_int_equal(error.code, MR_EUNSUPPORTED);
    }
}

static void test_items(void **state)
{
    static const struct {
        const char *event;
        const char *field; /* NULL: accepted */
    } cases[] = {
            {EVENT, NULL},
            {"{\"specversion\":\"1.0\",\"id\":\"p-1\",\"source\":\"urn:marshrut:24:portal:lk\",\"type\":"
             "\"nms.programme.listed.v1\","
             "\"data\":" PROGRAMME "}",
                    NULL},
            {"{\"specversion\":\"1.0\",\"id\":\"p-1\",\"source\":\"urn:marshrut:24:portal2\",\"type\":\"nms."
             "programme.listed.v1\","
             "\"data\":" PROGRAMME "}",
                    "source"},
            {"{\"specversion\":\"1.0\",\"id\":\"p-1\",\"source\":\"urn:marshrut:24:portal\",\"type\":\"nms."
             "route.assigned.v1\","
             "\"data\":{}}",
                    "type"},
            {"{\"specversion\":\"1.0\",\"id\":\"p-1\",\"source\":\"urn:marshrut:24:portal\",\"type\":\"nms."
             "programme.lost.v1\","
             "\"data\":{}}",
                    "type"},
            {"{\"specversion\":\"1.0\",\"id\":\"p-1\",\"source\":\"urn:marshrut:24:portal\",\"type\":\"nms."
             "programme.listed.v1\","
             "\"data\":{\"colour\":1}}",
                    "data.colour"},
            {"{\"specversion\":\"1.0\",\"id\":\"p-1\",\"source\":\"urn:marshrut:24:portal\",\"type\":\"nms."
             "programme.listed.v1\","
             "\"data\":{\"programmeId\":\"1\"}}",
                    "title"},
            {"{\"specversion\":\"1.0\",\"source\":\"urn:marshrut:24:portal\",\"type\":\"nms.programme.listed."
             "v1\",\"data\":" PROGRAMME "}",
                    "id"},
    };
    struct posted posted;
    struct mr_post *post;
    struct mr_post_summary summary;
    int accepted = 0;

    (void)state;
    posted_init(&posted);
    assert_int_equal(mr_post_new(&post, &posted.store), 0);
    for (size_t i = 0; i < MR_COUNT(cases); i++) {
        json_t *json = mr_json_parse(mr_slice_str(cases[i].event), "test", NULL);
        const json_t *result;
        const char *field;

        assert_non_null(json);
        mr_ce_item(&portal, json, post);
        json_decref(json);
        result = json_array_get(mr_post_results(post), i);
        field = json_string_value(json_object_get(result, "field"));
        if (cases[i].field) {
            assert_non_null(field);
            assert_string_equal(field, cases[i].field);
        } else {
            assert_string_equal(json_string_value(json_object_get(result, "status")), "accepted");
            accepted++;
        }
    }
    mr_post_summary(post, &summary);
    assert_int_equal(posted.count, accepted);
    assert_int_equal(summary.invalid, (int)MR_COUNT(cases) - accepted);
    mr_post_free(post);
    posted_fini(&posted);
}

static void test_place_in_the_feed(void **state)
{
    static const struct {
        const char *cursor;
        const char *link;
        int want;
        const char *place;
    } cases[] = {
            {NULL, NULL, 1, ""},
            {"12", NULL, 0, "c12"},
            {"12", "</x>; rel=\"next\"", 0, "c12"},
            {"1 2", NULL, MR_EINVAL, ""},
            {NULL, "</events?page=2>; rel=\"next\"", 0, "uhttp://portal.example:80/events?page=2"},
            {NULL, "</a>; rel=\"prev\", </b>; rel=\"next\"", 0, "uhttp://portal.example:80/b"},
            {NULL, "</a>; rel=\"prev\"", 1, ""},
            {NULL, "<http://portal.example:80/c>; rel=next", 0, "uhttp://portal.example:80/c"},
            {NULL, "<http://portal.example:8080/c>; rel=next", MR_EINVAL, ""},
            {NULL, "<http://portal.example:80.evil.example/c>; rel=next", MR_EINVAL, ""},
            {NULL, "<https://portal.example:80/c>; rel=next", MR_EINVAL, ""},
            {NULL, "<//evil.example/c>; rel=next", MR_EINVAL, ""},
            {NULL, "<file:///etc/passwd>; rel=next", MR_EINVAL, ""},
            {NULL, "</a", 1, ""},
    };

    (void)state;
    for (size_t i = 0; i < MR_COUNT(cases); i++) {
        struct mr_buf out = MR_BUF_INIT;

        assert_int_equal(
                mr_feed_place_next("http://portal.example:80/events", cases[i].cursor, cases[i].link, &out),
                cases[i].want);
        assert_string_equal(mr_buf_str(&out), cases[i].place);
        mr_buf_fini(&out);
    }
}

static void test_url_of_a_place(void **state)
{
    static const struct {
        const char *poll_url;
        const char *place;
        const char *want;
    } cases[] = {
            {"http://p/e", "", "http://p/e"},
            {"http://p/e", "ca b&c", "http://p/e?cursor=a%20b%26c"},
            {"http://p/e?x=1", "c7", "http://p/e?x=1&cursor=7"},
            {"http://p/e", "uhttp://p/n", "http://p/n"},
    };
    struct mr_buf out = MR_BUF_INIT;

    (void)state;
    for (size_t i = 0; i < MR_COUNT(cases); i++) {
        mr_buf_reset(&out);
        assert_int_equal(mr_feed_place_url(cases[i].poll_url, cases[i].place, &out), 0);
        assert_string_equal(mr_buf_str(&out), cases[i].want);
    }
    mr_buf_fini(&out);
    assert_int_equal(mr_feed_place_url("http://p/e", "x", &out), MR_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_structured_and_batch),
            cmocka_unit_test(test_binary),
            cmocka_unit_test(test_other_content),
            cmocka_unit_test(test_items),
            cmocka_unit_test(test_place_in_the_feed),
            cmocka_unit_test(test_url_of_a_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
