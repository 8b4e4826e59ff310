/* Who may have got a record: subscriptions as they were, not only as they are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "hub/edition/edition.h"
#include "hub/erasure/receivers.h"
#include "hub/own.h"
#include "proto/base/bytes.h"
#include "tests/support/hub_env.h"

enum { FIRST_NUMBER = 1 };

static int put(struct mr_own *own, struct mr_log_batch *batch)
{
    const struct hub_env *env = ((void **)own->ctx)[0];

    return mr_edition_put(((void **)own->ctx)[1], env->house.names, FIRST_NUMBER, batch);
}

/* A next version of the configuration: `was` replaced by `is`. It is in force from now on. */
static void apply(struct hub_env *env, uint32_t version, const char *was, const char *is)
{
    const char *text = (const char *)env->house.config->text.data, *at = strstr(text, was);
    struct mr_buf other = MR_BUF_INIT;
    struct mr_config *config = NULL;
    struct mr_edition *edition = NULL;
    void *ctx[2] = {env};
    struct mr_own own = {.rows = put, .ctx = ctx};

    assert_non_null(at);
    mr_buf_put(&other, text, (size_t)(at - text));
    mr_buf_put_str(&other, is);
    mr_buf_put_str(&other, at + strlen(was));
    assert_int_equal(mr_edition_read(&config, env->house.config, mr_buf_slice(&other), "new", NULL), 0);
    assert_true(mr_names_add(env->house.names, config, NULL) >= 0);
    assert_int_equal(mr_edition_new(&edition, version, config, config, env->house.names, NULL), 0);
    ctx[1] = edition;
    assert_int_equal(mr_own_say(env->prepare, &own, NULL), 0);
    mr_house_adopt(&env->house, edition);
    mr_edition_drop(edition);
    mr_buf_fini(&other);
}

static int note(void *ctx, const char *system, enum mr_personal personal, uint32_t withheld)
{
    (void)withheld;
    mr_buf_printf(ctx, "%s %d;", system, (int)personal);
    return 0;
}

static void expect(struct hub_env *env, const struct mr_receivers *receivers, uint32_t version,
        const char *sub, const char *who)
{
    uint16_t id = mr_names_id(env->house.names, MR_NAME_SUBSCRIPTION, sub);
    struct mr_record record = {.config = version, .subs = &id, .subs_count = 1};
    struct mr_buf out = MR_BUF_INIT;

    assert_int_not_equal(id, 0);
    assert_int_equal(mr_receivers_of(receivers, &record, note, &out), 0);
    assert_non_null(mr_buf_str(&out));
    assert_string_equal(mr_buf_str(&out), who);
    mr_buf_fini(&out);
}

static void subscriptions_as_they_were(void **state)
{
    struct hub_env *env = *state;
    struct mr_receivers *receivers = NULL;
    struct mr_log_reader *reader;

    apply(env, 2, "  - name: cnppm-deficits\n    system: cnppm\n    personal: full\n",
            "  - name: cnppm-deficits\n    system: cnppm\n    personal: none\n");
    apply(env, 3,
            "  - name: portal-deficits\n    system: portal\n    personal: pseudonymous\n"
            "    filters: [{prefix: {type: nms.deficit.}}]\n",
            "");
    apply(env, 4, "suppress_below: 5", "suppress_below: 6");
    apply(env, 5, "  - name: portal-routes\n    system: portal\n",
            "  - name: portal-routes\n    system: cnppm\n");
    assert_int_equal(mr_log_reader_open(env->house.log, &reader), 0);
    assert_int_equal(mr_receivers_open(&receivers, &env->house, reader), 0);
    expect(env, receivers, 1, "cnppm-deficits",
            "cnppm 0;cnppm 2;"); /* it might have been sent under either */
    expect(env, receivers, 2, "cnppm-deficits", "cnppm 0;");
    expect(env, receivers, 1, "portal-deficits", "portal 1;"); /* gone, and it had what it had */
    expect(env, receivers, 2, "portal-deficits", "portal 1;");
    expect(env, receivers, 3, "portal-deficits", "");
    expect(env, receivers, 1, "school-staff", "school 2;");
    expect(env, receivers, 5, "school-staff", "school 2;");
    expect(env, receivers, 4, "portal-routes", "cnppm 0;portal 0;");
    expect(env, receivers, 5, "portal-routes", "cnppm 0;");
    mr_receivers_free(receivers);
    mr_log_reader_close(reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(subscriptions_as_they_were, hub_env_setup, hub_env_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
