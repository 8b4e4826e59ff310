#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "proto/base/list.h"
#include "proto/wire/codec.h"
#include "proto/wire/traceparent.h"

#define TRACE "0af7651916cd43dd8448eb211c80319c"
#define SPAN  "b7ad6b7169203331"
#define GOOD  "00-" TRACE "-" SPAN "-01"

/* The examples and rules of W3C Trace Context, section 3.2. */
static void the_form(void **state)
{
    static const struct {
        const char *text;
        bool ok;
    } cases[] = {
            {GOOD, true},
            {"00-" TRACE "-" SPAN "-00", true},
            {"cc-" TRACE "-" SPAN "-01", true},      /* of a later version, as it is known */
            {"cc-" TRACE "-" SPAN "-01-more", true}, /* ... with something behind */
            {"cc-" TRACE "-" SPAN "-01.more", false},
            {GOOD "-more", false}, /* version 00 has nothing behind */
            {"ff-" TRACE "-" SPAN "-01", false},
            {"00-00000000000000000000000000000000-" SPAN "-01", false},
            {"00-" TRACE "-0000000000000000-01", false},
            {"00-0AF7651916CD43DD8448EB211C80319C-" SPAN "-01", false},
            {"00-" TRACE "-" SPAN "-1", false},
            {"00-" TRACE "-" SPAN "-zz", false},
            {"00_" TRACE "-" SPAN "-01", false},
            {"00-" TRACE "_" SPAN "-01", false},
            {"00-" TRACE "-" SPAN "_01", false},
            {"Ivanova Anna, 112-233-445 95, and so on, as long as one ", false},
            {"", false},
    };
    char trace[MR_TRACEPARENT_TEXT_MAX];

    (void)state;
    for (size_t i = 0; i < MR_COUNT(cases); i++) {
        if (mr_traceparent_read(cases[i].text, trace) != cases[i].ok)
            fail_msg("%s", cases[i].text);
        if (cases[i].ok)
            assert_memory_equal(trace, cases[i].text, MR_TRACEPARENT_TEXT_MAX - 1);
    }
}

static bool of_event(const char *traceparent, char trace[static MR_TRACEPARENT_TEXT_MAX])
{
    const struct mr_attributes a = {.id = "1",
            .source = "urn:marshrut:24:portal",
            .type = "nms.programme.listed.v1",
            .actor = GOOD, /* not this one */
            .traceparent = traceparent};
    struct mr_buf bytes = MR_BUF_INIT;
    bool found;

    assert_int_equal(mr_event_encode(&bytes, &a, NULL), 0);
    found = mr_traceparent_of_event(mr_buf_slice(&bytes), trace);
    mr_buf_fini(&bytes);
    return found;
}

static void of_an_event(void **state)
{
    static const uint8_t cut[] = {0x2a, 0x50, 0x0a};
    char trace[MR_TRACEPARENT_TEXT_MAX];

    (void)state;
    assert_true(of_event(GOOD, trace));
    assert_string_equal(trace, GOOD);
    assert_false(of_event(NULL, trace));
    assert_false(of_event("any text", trace));
    assert_false(of_event(GOOD GOOD GOOD, trace));
    assert_false(mr_traceparent_of_event(mr_slice(cut, sizeof cut), trace));
    assert_false(mr_traceparent_of_event(mr_slice(NULL, 0), trace));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(the_form),
            cmocka_unit_test(of_an_event),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
