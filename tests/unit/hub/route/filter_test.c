/* What compiled filters say before there is an event, and how the configuration tells which one is wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub/route/filter.h"
#include "proto/base/buf.h"
#include "proto/base/list.h"

enum { ORGID = 3 };

static char *str(const char *s)
{
    return (char *)s;
}

static struct mr_filter *compiled(const struct mr_config_filter *filters, uint32_t count)
{
    struct mr_filter_problem problem;
    struct mr_filter *filter = NULL;

    assert_int_equal(mr_filter_create(&filter, filters, count, &problem), 0);
    return filter;
}

static void what_the_type_says(void **state)
{
    struct mr_filter_attributes is = {.type = str("nms.org.closed.v1")};
    struct mr_filter_attributes and_region = {.type = str("nms.org.closed.v1"), .regioncode = str("24")};
    struct mr_filter_attributes begins = {.type = str("nms.org.")}, ends = {.type = str(".v2")};
    struct mr_filter_attributes region = {.regioncode = str("24")};
    struct mr_config_filter pair[] = {{.exact = &is}, {.exact = &region}};
    struct mr_config_filter yes = {.exact = &is}, no = {.suffix = &ends}, fails = {.sql = str("hop = 1")};
    const struct {
        struct mr_config_filter filter;
        enum mr_filter_answer answer; /* for nms.org.closed.v1 */
    } rows[] = {
            {{.exact = &is}, MR_FILTER_YES},
            {{.exact = &and_region}, MR_FILTER_MAYBE},
            {{.prefix = &begins}, MR_FILTER_YES},
            {{.suffix = &ends}, MR_FILTER_NO},
            {{.exact = &region}, MR_FILTER_MAYBE},
            {{.all = pair, .all_count = 2}, MR_FILTER_MAYBE},
            {{.any = pair, .any_count = 2}, MR_FILTER_YES},
            {{.not_ = &yes}, MR_FILTER_NO},
            {{.not_ = &no}, MR_FILTER_YES},
            {{.not_ = &fails}, MR_FILTER_MAYBE},
            {{.sql = str("type LIKE 'nms.org.%'")}, MR_FILTER_YES},
            {{.sql = str("type LIKE 'nms.org.%' AND hop = 1")}, MR_FILTER_MAYBE},
            {{.sql = str("hop = 1 AND type = 'x'")}, MR_FILTER_NO},
            {{0}, MR_FILTER_NO},
    };

    (void)state;
    assert_string_equal(mr_filter_attribute_name(ORGID), "orgid");
    for (size_t i = 0; i < MR_COUNT(rows); i++) {
        struct mr_filter *filter = compiled(&rows[i].filter, 1);

        if (mr_filter_ask_type(filter, "nms.org.closed.v1") != rows[i].answer)
            print_error("row %zu\n", i);
        assert_int_equal(mr_filter_ask_type(filter, "nms.org.closed.v1"), rows[i].answer);
        mr_filter_free(filter);
    }
}

static void which_values_it_wants(void **state)
{
    struct mr_filter_attributes a = {.orgid = str("1")}, b = {.orgid = str("2")}, type = {.type = str("x")};
    struct mr_config_filter same[] = {{.exact = &a}, {.exact = &b}};
    struct mr_config_filter mixed[] = {{.exact = &a}, {.exact = &type}};
    struct mr_config_filter lists[] = {{.sql = str("orgid IN ('7', '8', '9')")}, {.exact = &a}};
    struct mr_config_filter one = {.exact = &a};
    const struct {
        struct mr_config_filter filter;
        const char *values;
    } rows[] = {
            {{.exact = &a}, "1"},
            {{.exact = &type}, ""},
            {{.prefix = &a}, ""},
            {{.suffix = &a}, ""},
            {{.any = same, .any_count = 2}, "12"},
            {{.any = mixed, .any_count = 2}, ""}, /* what has another organisation may match by its type */
            {{.all = mixed, .all_count = 2}, "1"},
            {{.all = lists, .all_count = 2}, "1"}, /* the shorter list */
            {{.any = lists, .any_count = 2}, "7891"},
            {{.not_ = &one}, ""},
            {{.sql = str("orgid = '4' OR orgid = '5'")}, "45"},
    };

    (void)state;
    for (size_t i = 0; i < MR_COUNT(rows); i++) {
        struct mr_filter *filter = compiled(&rows[i].filter, 1);
        struct mr_slice values[8];
        size_t count = mr_filter_values(filter, ORGID, values, MR_COUNT(values));
        char got[9] = "";

        for (size_t k = 0; k < count; k++)
            got[k] = (char)values[k].data[0];
        assert_string_equal(got, rows[i].values);
        mr_filter_free(filter);
    }
}

/* Same form, same rule: nothing that tells two filters apart may be missing in it. */
static void forms_differ_where_filters_do(void **state)
{
    struct mr_filter_attributes a = {.orgid = str("12")}, b = {.oktmo = str("12")};
    struct mr_filter_attributes c = {.orgid = str("1"), .id = str("2")};
    struct mr_config_filter pair[] = {{.exact = &a}, {.exact = &b}}, one = {.exact = &a};
    const struct mr_config_filter rows[] = {{.exact = &a}, {.exact = &b}, {.exact = &c}, {.prefix = &a},
            {.suffix = &a}, {.not_ = &one}, {.all = pair, .all_count = 1}, {.all = pair, .all_count = 2},
            {.any = pair, .any_count = 2}, {.sql = str("TRUE")}, {.sql = str("true")}};
    struct mr_buf forms[MR_COUNT(rows)];

    (void)state;
    for (size_t i = 0; i < MR_COUNT(rows); i++) {
        struct mr_filter *filter = compiled(&rows[i], 1), *again = compiled(&rows[i], 1);
        struct mr_buf other = MR_BUF_INIT;

        forms[i] = (struct mr_buf)MR_BUF_INIT;
        mr_filter_put_form(filter, &forms[i]);
        mr_filter_put_form(again, &other);
        assert_true(mr_slice_equal(mr_buf_slice(&forms[i]), mr_buf_slice(&other)));
        for (size_t k = 0; k < i; k++)
            assert_false(mr_slice_equal(mr_buf_slice(&forms[i]), mr_buf_slice(&forms[k])));
        mr_buf_fini(&other);
        mr_filter_free(filter);
        mr_filter_free(again);
    }
    for (size_t i = 0; i < MR_COUNT(rows); i++)
        mr_buf_fini(&forms[i]);
}

static void the_configuration_names_the_place(void **state)
{
    static const struct {
        const char *sql;
        const char *what; /* part of it; NULL: it is good */
    } rows[] = {
            {"EXISTS orgid", NULL},
            {"EXISTS", "subscriptions[1].filters[1].sql: ParseError at byte 7"},
            {"orgid = '1' AND", "ParseError at byte 16"},
            {"orgId = '1'", "MissingAttributeError at byte 1"},
            {"LEN(orgid) = 1", "MissingFunctionError at byte 1"},
            {"1 + 1", "CastError at byte 3: the value of this expression is never Boolean"},
    };
    struct mr_config *config = NULL;
    size_t line = 1;
    char where[32];
    char *kept;

    (void)state;
    assert_int_equal(mr_config_load(&config, MR_SOURCE_DIR "/docs/example.yaml", NULL), 0);
    kept = config->subscriptions[1].filters[1].sql;
    assert_non_null(kept);
    for (const char *p = (const char *)config->text.data; strncmp(p, "- sql: ", 7) != 0; p++)
        line += *p == '\n';
    (void)snprintf(where, sizeof where, "f:%zu:14", line);
    for (size_t i = 0; i < MR_COUNT(rows); i++) {
        struct mr_error error = {0};
        int r;

        config->subscriptions[1].filters[1].sql = str(rows[i].sql);
        r = mr_filters_check(config, "f", NULL, NULL, &error);
        if (r != (rows[i].what ? MR_ECONFIG : 0) || (rows[i].what && !strstr(error.what, rows[i].what)))
            fail_msg("%s: %d %s", rows[i].sql, r, error.what);
        if (r < 0) {
            assert_string_equal(error.where, where);
            assert_true(strlen(error.cure) > 5);
        }
    }
    config->subscriptions[1].filters[1].sql = kept;
    mr_config_free(config);
}

static void note_warning(void *ctx, const struct mr_error *warning)
{
    unsigned *count = ctx;

    assert_non_null(
            strstr(warning->what, "subscriptions[1].filters: \"copmkp-courses\" never gets an event"));
    assert_non_null(strstr(warning->cure, "marshrut types"));
    (*count)++;
}

/* A type that no event has: not wrong, for it may come, but worth a word. */
static void what_no_event_can_pass_is_told(void **state)
{
    static const struct {
        const char *sql;
        unsigned warnings;
    } rows[] = {{"EXISTS orgid", 0}, {"type = 'nms.course.ended.v1'", 1}, {"orgid = '1' AND FALSE", 1}};
    struct mr_config *config = NULL;
    char *kept;

    (void)state;
    assert_int_equal(mr_config_load(&config, MR_SOURCE_DIR "/docs/example.yaml", NULL), 0);
    kept = config->subscriptions[1].filters[1].sql;
    for (size_t i = 0; i < MR_COUNT(rows); i++) {
        unsigned count = 0;

        config->subscriptions[1].filters[1].sql = str(rows[i].sql);
        assert_int_equal(mr_filters_check(config, "f", note_warning, &count, NULL), 0);
        assert_int_equal(count, rows[i].warnings);
    }
    config->subscriptions[1].filters[1].sql = kept;
    mr_config_free(config);
}

static void note_words(void *ctx, const struct mr_error *warning)
{
    struct mr_buf *words = ctx;

    mr_buf_printf(words, "%s|", warning->what);
}

/* It is the senders who decide, too: nobody gets back its own, and sources and regions are configured. */
static void what_nobody_may_send_is_told(void **state)
{
    static const struct {
        const char *sql;
        const char *words; /* part of them; NULL: none */
    } rows[] = {
            {"type = 'nms.course.finished.v1'", NULL},
            {"type = 'nms.deficit.identified.v1'",
                    "no other system may publish"}, /* only copmkp may, itself */
            {"type = 'nms.mentoring.ended.v1'", "no other system may publish"},
            {"type = 'hub.config.applied.v1'", NULL},
            {"type = 'hub.erasure.notice.v1'", "no other system may publish"}, /* never matched */
            {"type = 'nms.course.finished.v1' AND regioncode = '24'", NULL},
            {"type = 'nms.course.finished.v1' AND regioncode = '61'", "nobody who may publish"},
            {"type = 'nms.course.finished.v1' AND regioncode IN ('61', '24')", NULL},
            {"type = 'nms.course.finished.v1' AND source = 'urn:marshrut:24:portal:x'", NULL},
            {"type = 'nms.course.finished.v1' AND source = 'urn:marshrut:24:portalx'",
                    "nobody who may publish"},
            {"type = 'nms.programme.listed.v1' AND source = 'urn:marshrut:24:cnppm'",
                    "nobody who may publish"},
            {"source = 'urn:marshrut:24:hub' AND regioncode = '24'", NULL},
    };
    struct mr_config *config = NULL;
    char *kept;

    (void)state;
    assert_int_equal(mr_config_load(&config, MR_SOURCE_DIR "/docs/example.yaml", NULL), 0);
    kept = config->subscriptions[1].filters[1].sql;
    config->subscriptions[1].filters++;
    config->subscriptions[1].filters_count--;
    for (size_t i = 0; i < MR_COUNT(rows); i++) {
        struct mr_buf words = MR_BUF_INIT;

        config->subscriptions[1].filters[0].sql = str(rows[i].sql);
        assert_int_equal(mr_filters_check(config, "f", note_words, &words, NULL), 0);
        assert_non_null(mr_buf_str(&words));
        if (rows[i].words ? !strstr(mr_buf_str(&words), rows[i].words) : words.size > 0)
            fail_msg("%s: %s", rows[i].sql, mr_buf_str(&words));
        mr_buf_fini(&words);
    }
    config->subscriptions[1].filters[0].sql = kept;
    config->subscriptions[1].filters--;
    config->subscriptions[1].filters_count++;
    mr_config_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(what_the_type_says),
            cmocka_unit_test(which_values_it_wants),
            cmocka_unit_test(forms_differ_where_filters_do),
            cmocka_unit_test(the_configuration_names_the_place),
            cmocka_unit_test(what_no_event_can_pass_is_told),
            cmocka_unit_test(what_nobody_may_send_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
