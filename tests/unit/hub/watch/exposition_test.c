#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "hub/watch/exposition.h"
#include "proto/base/list.h"

static void lines_are_of_the_format(void **state)
{
    const struct mr_label labels[] = {{"system", "school"}, {"text", "a\"b\\c\nd"}};
    struct mr_buf out = MR_BUF_INIT;

    (void)state;
    mr_exposition_family(&out, "m_total", "counter", "What it is.");
    mr_exposition_sample(&out, "m_total", labels, MR_COUNT(labels), 3);
    mr_exposition_sample(&out, "m_total", NULL, 0, 9007199254740991.0);
    mr_exposition_sample(&out, "m_total", labels, 1, 0.25);
    assert_string_equal(mr_buf_str(&out), "# HELP m_total What it is.\n"
                                          "# TYPE m_total counter\n"
                                          "m_total{system=\"school\",text=\"a\\\"b\\\\c\\nd\"} 3\n"
                                          "m_total 9007199254740991\n"
                                          "m_total{system=\"school\"} 0.25\n");
    mr_buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(lines_are_of_the_format)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
