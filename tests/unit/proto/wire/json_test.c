#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bus.pb-c.h"
#include "event/assessment.pb-c.h"
#include "io/cloudevents/v1/cloudevents.pb-c.h"
#include "proto/base/list.h"
#include "proto/wire/codec.h"
#include "proto/wire/json.h"
#include "proto/wire/json_names.h"

enum { BUDGET_BYTES = 1 << 20 };

#define ACK        &marshrut__bus__v1__publish_ack__descriptor
#define SUBSCRIBE  &marshrut__bus__v1__subscribe__descriptor
#define RESULT     &marshrut__bus__v1__result__descriptor
#define VALUE      &io__cloudevents__v1__cloud_event__cloud_event_attribute_value__descriptor
#define DIAGNOSTIC &nms__event__v1__diagnostic_completed__descriptor
#define VERSION    "\"specversion\":\"1.0\","
#define REQUIRED   "\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"urn:a\","
#define TYPED      REQUIRED "\"type\":\"nms.diagnostic.completed.v1\","

static json_t *parse(const char *text)
{
    json_t *json = mr_json_parse(mr_slice_str(text), "test", NULL);

    if (!json)
        fail_msg("not JSON: %s", text);
    return json;
}

static void assert_json(const json_t *json, const char *expected)
{
    json_t *other = parse(expected);
    char *text = json_dumps(json, JSON_COMPACT);

    if (!json_equal(json, other))
        fail_msg("%s instead of %s", text, expected);
    free(text);
    json_decref(other);
}

static void messages_round_trip(void **state)
{
    static const struct {
        const ProtobufCMessageDescriptor *descriptor;
        const char *in;
        const char *out;
    } rows[] = {
            {ACK, "{}", "{}"},
            {ACK, "{\"through\":\"18446744073709551615\"}", "{\"through\":\"18446744073709551615\"}"},
            {ACK, "{\"through\":7,\"firstSequence\":3.0}", "{\"through\":\"7\",\"firstSequence\":\"3\"}"},
            {ACK, "{\"first_sequence\":\"3\"}", "{\"firstSequence\":\"3\"}"},
            {ACK, "{\"through\":null,\"results\":null}", "{}"},
            {ACK, "{\"through\":0,\"lastLeafHash\":\"\",\"results\":[]}", "{}"},
            {ACK, "{\"lastLeafHash\":\"AP+A\"}", "{\"lastLeafHash\":\"AP+A\"}"},
            {ACK, "{\"lastLeafHash\":\"AP-A\"}", "{\"lastLeafHash\":\"AP+A\"}"},
            {ACK, "{\"lastLeafHash\":\"AA\"}", "{\"lastLeafHash\":\"AA==\"}"},
            {ACK, "{\"results\":[{\"verdict\":\"VERDICT_STORED\"},{\"verdict\":4},{\"verdict\":99},{}]}",
                    "{\"results\":[{\"verdict\":\"VERDICT_STORED\"},{\"verdict\":\"VERDICT_REFUSED\"},{"
                    "\"verdict\":99},{}]}"},
            {SUBSCRIBE, "{\"creditEvents\":\"5\"}", "{\"creditEvents\":5}"},
            {SUBSCRIBE, "{\"fromNumber\":0}", "{\"fromNumber\":\"0\"}"},
            {SUBSCRIBE, "{\"fromTimeUs\":\"-9223372036854775808\"}",
                    "{\"fromTimeUs\":\"-9223372036854775808\"}"},
            {RESULT, "{\"more\":true,\"error\":-5}", "{\"more\":true,\"error\":-5}"},
            {RESULT, "{\"what\":\"Ёлка \\\"\\u20ac\\\"\"}", "{\"what\":\"Ёлка \\\"€\\\"\"}"},
            {VALUE, "{\"ceTimestamp\":\"2026-11-22T10:00:00+03:00\"}",
                    "{\"ceTimestamp\":\"2026-11-22T07:00:00Z\"}"},
            {VALUE, "{\"ceTimestamp\":\"2026-11-22T10:00:00.5Z\"}",
                    "{\"ceTimestamp\":\"2026-11-22T10:00:00.500Z\"}"},
            {VALUE, "{\"ceTimestamp\":\"1969-12-31T23:59:59.000001Z\"}",
                    "{\"ceTimestamp\":\"1969-12-31T23:59:59.000001Z\"}"},
            {VALUE, "{\"ceTimestamp\":\"2026-11-22T10:00:00.123456789Z\"}",
                    "{\"ceTimestamp\":\"2026-11-22T10:00:00.123456789Z\"}"},
            {VALUE, "{\"ceBoolean\":false}", "{\"ceBoolean\":false}"},
            {DIAGNOSTIC,
                    "{\"areas\":[{\"scoreThousandths\":0},{\"area\":\"ict\"}],\"person\":{\"familyName\":"
                    "\"Перминова\"}}",
                    "{\"areas\":[{\"scoreThousandths\":0},{\"area\":\"ict\"}],\"person\":{\"familyName\":"
                    "\"Перминова\"}}"},
    };

    (void)state;
    for (size_t i = 0; i < MR_COUNT(rows); i++) {
        struct mr_error e = {0};
        json_t *in = parse(rows[i].in);
        ProtobufCMessage *message;
        struct mr_arena arena;
        json_t *out;

        mr_arena_init(&arena, BUDGET_BYTES);
        if (mr_json_to_message(in, rows[i].descriptor, &arena, &message, &e) != 0)
            fail_msg("%s: %s at %s", rows[i].in, e.what, e.where);
        out = mr_json_from_message(message);
        assert_non_null(out);
        assert_json(out, rows[i].out);
        json_decref(out);
        json_decref(in);
        mr_arena_fini(&arena);
    }
}

static void wrong_values_are_refused_with_their_path(void **state)
{
    static const struct {
        const ProtobufCMessageDescriptor *descriptor;
        const char *in;
        const char *where;
    } rows[] = {
            {ACK, "[]", ""},
            {ACK, "{\"nosuch\":1}", "nosuch"},
            {ACK, "{\"11223344595\":1}", "?"},
            {ACK, "{\"Иванов\":1}", "?"},
            {ACK, "{\"FirstSequence\":1}", "FirstSequence"},
            {ACK, "{\"first_sequence\":1,\"firstSequence\":1}", "first_sequence"},
            {ACK, "{\"through\":-1}", "through"},
            {ACK, "{\"through\":\"-1\"}", "through"},
            {ACK, "{\"through\":1.5}", "through"},
            {ACK, "{\"through\":1e300}", "through"},
            {ACK, "{\"through\":\"18446744073709551616\"}", "through"},
            {ACK, "{\"through\":\"\"}", "through"},
            {ACK, "{\"through\":\" 1\"}", "through"},
            {ACK, "{\"through\":\"0x1\"}", "through"},
            {ACK, "{\"through\":true}", "through"},
            {ACK, "{\"results\":{}}", "results"},
            {ACK, "{\"results\":[null]}", "results[0]"},
            {ACK, "{\"results\":[{},{\"verdict\":\"VERDICT_NONE\"}]}", "results[1].verdict"},
            {ACK, "{\"results\":[{},{},{\"leafHash\":5}]}", "results[2].leafHash"},
            {ACK, "{\"lastLeafHash\":\"A\"}", "lastLeafHash"},
            {ACK, "{\"lastLeafHash\":\"A A=\"}", "lastLeafHash"},
            {ACK, "{\"lastLeafHash\":\"AA=\"}", "lastLeafHash"},
            {SUBSCRIBE, "{\"creditEvents\":4294967296}", "creditEvents"},
            {SUBSCRIBE, "{\"fromTimeUs\":\"9223372036854775808\"}", "fromTimeUs"},
            {SUBSCRIBE, "{\"fromTimeUs\":\"--1\"}", "fromTimeUs"},
            {SUBSCRIBE, "{\"fromNumber\":1,\"fromTimeUs\":1}", "fromTimeUs"},
            {SUBSCRIBE, "{\"subscription\":5}", "subscription"},
            {RESULT, "{\"more\":1}", "more"},
            {RESULT, "{\"error\":2147483648}", "error"},
            {VALUE, "{\"ceTimestamp\":\"2026-11-22\"}", "ceTimestamp"},
            {VALUE, "{\"ceTimestamp\":1}", "ceTimestamp"},
            {VALUE, "{\"ceTimestamp\":\"0000-01-01T00:00:00Z\"}", "ceTimestamp"},
            {VALUE, "{\"ceTimestamp\":{\"seconds\":1}}", "ceTimestamp"},
            {DIAGNOSTIC, "{\"person\":{\"snils\":11223344595}}", "person.snils"},
            {DIAGNOSTIC, "{\"person\":\"Иванов\"}", "person"},
    };

    (void)state;
    for (size_t i = 0; i < MR_COUNT(rows); i++) {
        struct mr_error e = {0};
        json_t *in = parse(rows[i].in);
        ProtobufCMessage *message;
        struct mr_arena arena;
        int r;

        mr_arena_init(&arena, BUDGET_BYTES);
        r = mr_json_to_message(in, rows[i].descriptor, &arena, &message, &e);
        if (r != MR_EINVAL || strcmp(e.where, rows[i].where) != 0)
            fail_msg("%s: %d %s at %s", rows[i].in, r, e.what, e.where);
        assert_null(strstr(e.what, "11223344595"));
        assert_null(strstr(e.what, "Иванов"));
        assert_true(e.cure[0] != 0);
        json_decref(in);
        mr_arena_fini(&arena);
    }
}

static void the_budget_bounds_messages(void **state)
{
    json_t *in = parse("{\"results\":[{},{},{},{},{},{},{},{}],\"lastLeafHash\":\"AAAA\"}");

    (void)state;
    for (size_t budget = 0; budget < 2048; budget += 16) {
        ProtobufCMessage *message;
        struct mr_arena arena;
        int r;

        mr_arena_init(&arena, budget);
        r = mr_json_to_message(in, ACK, &arena, &message, NULL);
        assert_true(r == 0 || r == MR_ENOMEM);
        assert_true(r == MR_ENOMEM || budget > 512);
        mr_arena_fini(&arena);
    }
    json_decref(in);
}

static void text_is_parsed_strictly(void **state)
{
    static const struct {
        const char *text;
        int code;
        const char *where;
    } rows[] = {
            {"", MR_EINVAL, "f.json:1:0"},
            {"{", MR_EINVAL, "f.json:1:1"},
            {"5", MR_EINVAL, "f.json:1:1"},
            {"{} x", MR_EINVAL, "f.json:1:4"},
            {"{\"a\":1,\n\"a\":2}", MR_EINVAL, "f.json:2:3"},
            {"{\"a\":\"\xff\"}", MR_EINVAL, NULL},
            {"{\"a\":\"\\u0000\"}", MR_EINVAL, NULL},
            {"{\"a\":\"\\ud800\"}", MR_EINVAL, NULL},
            {"{\"a\":01}", MR_EINVAL, NULL},
            {"{'a':1}", MR_EINVAL, NULL},
            {"{\"a\":1,}", MR_EINVAL, NULL},
            {"{\"a\":Иванов}", MR_EINVAL, NULL},
            {"{\"a\":NaN}", MR_EINVAL, NULL},
            {"{\"a\":9223372036854775808}", MR_EINVAL, NULL},
            {"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]", MR_ETOOBIG, "f.json"},
    };

    (void)state;
    for (size_t i = 0; i < MR_COUNT(rows); i++) {
        struct mr_error e = {0};

        assert_null(mr_json_parse(mr_slice_str(rows[i].text), "f.json", &e));
        assert_int_equal(e.code, rows[i].code);
        if (rows[i].where && strcmp(e.where, rows[i].where) != 0)
            fail_msg("%s: %s at %s", rows[i].text, e.what, e.where);
        assert_null(strstr(e.what, "Иванов"));
    }
    assert_null(mr_json_parse(mr_slice("{\"a\0\":1}", 8), NULL, NULL));
    json_decref(parse("{\"a\":\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[\"}"));
    json_decref(parse("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]"));
}

static void events_round_trip(void **state)
{
    static const struct {
        const char *in;
        const char *out;
    } rows[] = {
            {"{" TYPED
             "\"datacontenttype\":\"application/json; charset=utf-8\",\"time\":\"2026-11-22T10:00:00+03:00\","
             "\"orgid\":\"1022402062046\",\"data\":{\"person\":{\"snils\":\"11223344595\"}}}",
                    "{" TYPED "\"datacontenttype\":\"application/json\",\"time\":\"2026-11-22T07:00:00Z\","
                    "\"orgid\":\"1022402062046\",\"data\":{\"person\":{\"snils\":\"11223344595\"}}}"},
            {"{" TYPED "\"data\":{}}", "{" TYPED "\"datacontenttype\":\"application/json\",\"data\":{}}"},
            {"{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"s\",\"type\":\"other\"}",
                    "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"s\",\"type\":\"other\"}"},
            {"{" REQUIRED "\"type\":\"other\",\"data\":\"text\",\"datacontenttype\":\"text/plain\"}",
                    "{" REQUIRED "\"type\":\"other\",\"data\":\"text\",\"datacontenttype\":\"text/plain\"}"},
            {"{" REQUIRED "\"type\":\"other\",\"data\":{\"a\":1}}",
                    "{" REQUIRED "\"type\":\"other\",\"data\":\"{\\\"a\\\":1}\"}"},
            {"{" REQUIRED "\"type\":\"other\",\"data_base64\":\"AP8=\"}",
                    "{" REQUIRED "\"type\":\"other\",\"data_base64\":\"AP8=\"}"},
            {"{" REQUIRED "\"type\":\"other\",\"flag\":true,\"count\":-5,\"ext\":\"v\",\"subject\":null}",
                    "{" REQUIRED "\"type\":\"other\",\"flag\":true,\"count\":-5,\"ext\":\"v\"}"},
    };

    (void)state;
    for (size_t i = 0; i < MR_COUNT(rows); i++) {
        json_t *in = parse(rows[i].in);
        struct mr_buf bytes = MR_BUF_INIT;
        struct mr_buf again = MR_BUF_INIT;
        struct mr_error e = {0};
        json_t *out;

        if (mr_event_from_json(in, &bytes, &e) != 0)
            fail_msg("%s: %s at %s", rows[i].in, e.what, e.where);
        assert_int_equal(mr_event_to_json(mr_buf_slice(&bytes), &out, NULL), 0);
        assert_json(out, rows[i].out);
        assert_int_equal(mr_event_from_json(out, &again, NULL), 0);
        assert_true(mr_slice_equal(mr_buf_slice(&bytes), mr_buf_slice(&again)));
        json_decref(out);
        json_decref(in);
        mr_buf_fini(&bytes);
        mr_buf_fini(&again);
    }
}

static void an_event_too_big_is_refused_by_that_name(void **state)
{
    json_t *event = parse("{" REQUIRED "\"type\":\"other\"}");
    char *text = calloc(1, MR_EVENT_BYTES_MAX + 1);
    struct mr_buf bytes = MR_BUF_INIT;
    struct mr_error e = {0};

    (void)state;
    assert_non_null(text);
    memset(text, 'x', MR_EVENT_BYTES_MAX);
    assert_int_equal(json_object_set_new(event, "data", json_string(text)), 0);
    assert_int_equal(mr_event_from_json(event, &bytes, &e), MR_ETOOBIG);
    assert_int_equal(bytes.size, 0);
    json_decref(event);
    free(text);
    mr_buf_fini(&bytes);
}

static void wrong_events_are_refused_and_leave_nothing(void **state)
{
    static const struct {
        const char *in;
        int result;
        const char *where;
    } rows[] = {
            {"[]", MR_EINVAL, ""},
            {"{}", MR_EINVAL, "specversion"},
            {"{\"id\":\"1\",\"source\":\"s\",\"type\":\"t\"}", MR_EINVAL, "specversion"},
            {"{\"specversion\":null,\"id\":\"1\",\"source\":\"s\",\"type\":\"t\"}", MR_EINVAL, "specversion"},
            {"{" VERSION "\"source\":\"s\",\"type\":\"t\"}", MR_EINVAL, "id"},
            {"{" VERSION "\"id\":\"1\",\"type\":\"t\"}", MR_EINVAL, "source"},
            {"{" VERSION "\"id\":\"1\",\"source\":\"s\"}", MR_EINVAL, "type"},
            {"{" VERSION "\"id\":1,\"source\":\"s\",\"type\":\"t\"}", MR_EINVAL, "id"},
            {"{" VERSION "\"id\":\"1\",\"source\":\"s\",\"type\":[]}", MR_EINVAL, "type"},
            {"{\"specversion\":\"0.3\",\"id\":\"1\",\"source\":\"s\",\"type\":\"t\"}", MR_EINVAL,
                    "specversion"},
            {"{\"specversion\":1.0,\"id\":\"1\",\"source\":\"s\",\"type\":\"t\"}", MR_EINVAL, "specversion"},
            {"{" REQUIRED "\"type\":\"t\",\"Upper\":\"v\"}", MR_EINVAL, "attributes"},
            {"{" REQUIRED "\"type\":\"t\",\"with_line\":\"v\"}", MR_EINVAL, "attributes"},
            {"{" REQUIRED "\"type\":\"t\",\"\":\"v\"}", MR_EINVAL, "attributes"},
            {"{" REQUIRED "\"type\":\"t\",\"ext\":{}}", MR_EINVAL, "attributes"},
            {"{" REQUIRED "\"type\":\"t\",\"ext\":1.5}", MR_EINVAL, "attributes"},
            {"{" REQUIRED "\"type\":\"t\",\"ext\":2147483648}", MR_EINVAL, "attributes"},
            {"{" REQUIRED "\"type\":\"t\",\"orgid\":5}", MR_EINVAL, "orgid"},
            {"{" REQUIRED "\"type\":\"t\",\"orgid\":\"\"}", MR_EINVAL, "orgid"},
            {"{" REQUIRED "\"type\":\"t\",\"orgid\":\"a\\nb\"}", MR_EINVAL, "orgid"},
            {"{" REQUIRED "\"type\":\"t\",\"time\":\"soon\"}", MR_EINVAL, "time"},
            {"{" REQUIRED "\"type\":\"t\",\"time\":5}", MR_EINVAL, "time"},
            {"{" REQUIRED "\"type\":\"t\",\"data\":\"a\",\"data_base64\":\"AA==\"}", MR_EINVAL, "data"},
            {"{" REQUIRED "\"type\":\"t\",\"data_base64\":\"A\"}", MR_EINVAL, "data_base64"},
            {"{" REQUIRED "\"type\":\"t\",\"data_base64\":5}", MR_EINVAL, "data_base64"},
            {"{" TYPED "\"subject\":\"a\"}", MR_EINVAL, "data"},
            {"{" TYPED "\"data\":null}", MR_EINVAL, "data"},
            {"{" TYPED "\"data\":\"text\"}", MR_EINVAL, "data"},
            {"{" TYPED "\"data_base64\":\"AA==\"}", MR_EINVAL, "data"},
            {"{" TYPED "\"data\":{},\"datacontenttype\":\"text/xml\"}", MR_EINVAL, "datacontenttype"},
            {"{" TYPED "\"data\":{\"person\":{\"nosuch\":1}}}", MR_EINVAL, "data.person.nosuch"},
            {"{" TYPED "\"data\":{\"areas\":[{},{\"maxThousandths\":\"x\"}]}}", MR_EINVAL,
                    "data.areas[1].maxThousandths"},
    };

    (void)state;
    for (size_t i = 0; i < MR_COUNT(rows); i++) {
        struct mr_buf out = MR_BUF_INIT;
        struct mr_error e = {0};
        json_t *in = parse(rows[i].in);
        int r;

        mr_buf_put_str(&out, "before");
        r = mr_event_from_json(in, &out, &e);
        if (r != rows[i].result || strcmp(e.where, rows[i].where) != 0)
            fail_msg("%s: %d %s at %s", rows[i].in, r, e.what, e.where);
        assert_int_equal(out.size, 6);
        json_decref(in);
        mr_buf_fini(&out);
    }
}

static void a_large_event_is_refused(void **state)
{
    json_t *in = parse("{" REQUIRED "\"type\":\"t\"}");
    struct mr_buf text = MR_BUF_INIT;
    struct mr_buf out = MR_BUF_INIT;

    (void)state;
    for (int i = 0; i < MR_EVENT_BYTES_MAX; i++)
        mr_buf_put_u8(&text, 'a');
    (void)json_object_set_new(in, "data", json_string(mr_buf_str(&text)));
    assert_int_equal(mr_event_from_json(in, &out, NULL), MR_ETOOBIG);
    assert_int_equal(out.size, 0);
    for (int i = 0; i <= MR_EVENT_ATTRIBUTES_MAX; i++) {
        char name[16];

        (void)snprintf(name, sizeof name, "a%d", i);
        (void)json_object_set_new(in, name, json_string("v"));
    }
    (void)json_object_del(in, "data");
    assert_int_equal(mr_event_from_json(in, &out, NULL), MR_ETOOBIG);
    json_decref(in);
    mr_buf_fini(&text);
    mr_buf_fini(&out);
}

static void broken_bytes_give_no_json(void **state)
{
    struct mr_error e = {0};
    json_t *out = NULL;

    (void)state;
    assert_int_equal(mr_event_to_json(mr_slice("\x0a", 1), &out, &e), MR_EMALFORMED);
    assert_int_equal(mr_event_to_json(mr_slice(NULL, 0), &out, &e), MR_EINVAL);
    assert_null(out);
}

/* A field is named as its sender wrote it; what is not there, as ProtoJSON has it. */
static void a_path_is_said_as_it_was_sent(void **state)
{
    static const struct {
        const char *data, *path, *said;
    } rows[] = {
            {"{\"providerOgrn\": \"1\"}", "provider_ogrn", "providerOgrn"},
            {"{\"provider_ogrn\": \"1\"}", "provider_ogrn", "provider_ogrn"},
            {"{}", "person.family_name", "person.familyName"},
            {"{\"person\": {\"family_name\": \"\"}}", "person.family_name", "person.family_name"},
            {"{\"routeSteps\": [{}, {\"due_on\": \"\"}]}", "route_steps[1].due_on", "routeSteps[1].due_on"},
            {"{\"routeSteps\": [{}, {}]}", "route_steps[1].due_on", "routeSteps[1].dueOn"},
            {"{}", "time", "time"},
            {"{}", "", ""},
            {"{}", "a_field_whose_name_is_longer", "aFieldWhoseNameIsLo"},
    };
    char out[20 + 12];

    (void)state;
    for (size_t i = 0; i < MR_COUNT(rows); i++) {
        json_t *data = json_loads(rows[i].data, 0, NULL);
        bool cut = i + 1 == MR_COUNT(rows);

        assert_string_equal(mr_json_path(data, rows[i].path, out, cut ? 20 : sizeof out), rows[i].said);
        json_decref(data);
    }
    assert_string_equal(mr_json_path(NULL, "issued_on", out, sizeof out), "issuedOn");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(messages_round_trip),
            cmocka_unit_test(wrong_values_are_refused_with_their_path),
            cmocka_unit_test(the_budget_bounds_messages),
            cmocka_unit_test(text_is_parsed_strictly),
            cmocka_unit_test(events_round_trip),
            cmocka_unit_test(an_event_too_big_is_refused_by_that_name),
            cmocka_unit_test(wrong_events_are_refused_and_leave_nothing),
            cmocka_unit_test(a_large_event_is_refused),
            cmocka_unit_test(broken_bytes_give_no_json),
            cmocka_unit_test(a_path_is_said_as_it_was_sent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
