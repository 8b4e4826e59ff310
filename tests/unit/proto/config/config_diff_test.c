/* What is different between two configurations, and what of it a running hub takes over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/buf.h"
#include "proto/base/list.h"
#include "proto/config/config_diff.h"

/* docs/example.yaml with `was` replaced by `is`; NULL: as it is. */
static struct mr_config *example(const char *was, const char *is)
{
    FILE *file = fopen(MR_SOURCE_DIR "/docs/example.yaml", "re");
    struct mr_buf text = MR_BUF_INIT, other = MR_BUF_INIT;
    struct mr_config *config = NULL;
    struct mr_error error = {0};
    char line[512];
    const char *at;

    assert_non_null(file);
    while (fgets(line, sizeof line, file))
        mr_buf_put_str(&text, line);
    (void)fclose(file);
    assert_non_null(mr_buf_str(&text));
    at = was ? strstr(mr_buf_str(&text), was) : NULL;
    assert_true(!was || at);
    if (at) {
        mr_buf_put(&other, text.data, (size_t)(at - (const char *)text.data));
        mr_buf_put_str(&other, is);
        mr_buf_put_str(&other, at + strlen(was));
    } else {
        mr_buf_put_slice(&other, mr_buf_slice(&text));
    }
    if (mr_config_parse(&config, mr_buf_slice(&other), "f", "/base", &error) < 0)
        fail_msg("%s: %s", error.where, error.what);
    mr_buf_fini(&text);
    mr_buf_fini(&other);
    return config;
}

static int note(void *ctx, const struct mr_config_change *change)
{
    struct mr_buf *out = ctx;

    mr_buf_printf(out, "%s %s", mr_config_change_word(change->kind), change->path);
    if (change->from[0] || change->to[0])
        mr_buf_printf(out, " %s -> %s", change->from, change->to);
    mr_buf_printf(out, "%s|", change->restart ? " restart" : "");
    return 0;
}

static void every_key_that_differs_is_told(void **state)
{
    static const struct {
        const char *was, *is, *told;
    } rows[] = {
            {NULL, NULL, ""},
            {"  ping_interval_ms: 5000\n", "", ""}, /* the default */
            {"  ping_interval_ms: 5000\n", "  ping_interval_ms: 2500\n",
                    "changed hub.ping_interval_ms 5000 -> 2500 restart|"},
            {"  publish_window: 16384\n", "", ""},
            {"  publish_window: 16384\n", "  publish_window: 100\n",
                    "changed hub.publish_window 16384 -> 100|"},
            {"tcp://127.0.0.1:7400", "tcp://127.0.0.1:7401", "changed hub.listen[0]"},
            {"  store: store\n", "  store: other\n", "changed hub.store /base/store -> /base/other restart|"},
            {"region: \"24\"", "region: \"19\"", "changed region 24 -> 19 restart|"},
            {"    personal: none\n", "    personal: full\n",
                    "changed subscriptions.portal-passport.personal none -> full|"},
            {"  - name: copmkp-courses\n",
                    "  - name: copmkp-all\n    system: copmkp\n  - name: copmkp-courses\n",
                    "added subscriptions.copmkp-all|"},
            {"  - name: copmkp-courses\n", "  - name: copmkp-other\n",
                    "removed subscriptions.copmkp-courses|added subscriptions.copmkp-other|"},
            {"publish: [nms.person., nms.org., nms.employment.]", "publish: [nms.person., nms.org.]",
                    "changed systems.school.publish|"},
            {"{code: first, title: Первая категория}", "{code: first, title: Первая}",
                    "changed codelists.qual_category.values.first.title Первая категория -> Первая|"},
            {"          - exact: {regioncode: \"24\"}", "          - exact: {regioncode: \"61\"}",
                    "changed subscriptions.portal-passport.filters[0].all[1].exact.regioncode 24 -> 61|"},
    };
    struct mr_config *from = example(NULL, NULL);

    (void)state;
    for (size_t i = 0; i < MR_COUNT(rows); i++) {
        struct mr_config *to = example(rows[i].was, rows[i].is);
        struct mr_buf told = MR_BUF_INIT;

        assert_int_equal(mr_config_diff(from, to, note, &told), 0);
        assert_non_null(mr_buf_str(&told));
        if (strncmp(mr_buf_str(&told), rows[i].told, strlen(rows[i].told)) != 0 ||
                (!rows[i].told[0] && told.size > 0))
            fail_msg("%zu: %s", i, mr_buf_str(&told));
        mr_buf_fini(&told);
        mr_config_free(to);
    }
    mr_config_free(from);
}

static void what_needs_a_restart_is_refused_by_name(void **state)
{
    struct mr_config *from = example(NULL, NULL);
    struct mr_config *good = example("    personal: none\n", "    personal: full\n");
    struct mr_config *bad =
            example("  admin: run/hub.sock\n  store: store\n", "  admin: run/x.sock\n  store: x\n");
    struct mr_error error = {0};

    (void)state;
    assert_int_equal(mr_config_live(from, good, &error), 0);
    assert_int_equal(mr_config_live(from, bad, &error), MR_ECONFIG);
    assert_string_equal(error.what, "hub.admin, and 2 more keys cannot change while the hub runs");
    assert_int_equal(strncmp(error.where, "f:", 2), 0);
    assert_non_null(strstr(error.cure, "restart the hub"));
    mr_config_free(from);
    mr_config_free(good);
    mr_config_free(bad);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(every_key_that_differs_is_told),
            cmocka_unit_test(what_needs_a_restart_is_refused_by_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
