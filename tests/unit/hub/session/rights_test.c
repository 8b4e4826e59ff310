#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "hub/session/rights.h"
#include "proto/base/list.h"

static void test_check(void **state)
{
    static const struct {
        const char *entry;
        bool good;
    } cases[] = {{"nms.course.", true}, {"nms.course.finished.v1", true}, {"nms.", true},
            {"nms.course.finished", false}, {"nms.course.finished.v9", false}, {"nms.coarse.", false},
            {"nms.course", false}};
    struct mr_config *config = NULL;
    struct mr_error error = {0};

    (void)state;
    assert_int_equal(mr_config_load(&config, MR_SOURCE_DIR "/docs/example.yaml", &error), 0);
    assert_int_equal(mr_rights_check(config, "f", &error), 0);
    for (size_t i = 0; i < MR_COUNT(cases); i++) {
        char *kept = config->systems[0].publish[1];
        int r;

        config->systems[0].publish[1] = (char *)cases[i].entry;
        r = mr_rights_check(config, "f", &error);
        config->systems[0].publish[1] = kept;
        if (r != (cases[i].good ? 0 : MR_ECONFIG))
            fail_msg("%s: %d", cases[i].entry, r);
        if (r < 0 && (strcmp(error.where, "f:25:28") != 0 || !strstr(error.what, cases[i].entry)))
            fail_msg("%s: %s", error.where, error.what);
    }
    mr_config_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_check)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
