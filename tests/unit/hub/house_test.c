/* Opening: one hub at a time, names for ever, a version for each change of configuration, log and keys of one
 * house. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub/house.h"
#include "tests/support/hub_env.h"
#include "tests/support/tmpdir.h"

static void names_stay(void **state)
{
    struct hub_env *env = *state;
    uint16_t school = mr_names_id(env->house.names, MR_NAME_SYSTEM, "school");
    uint16_t cnppm = mr_names_id(env->house.names, MR_NAME_SYSTEM, "cnppm");
    uint16_t portal = mr_names_id(env->house.names, MR_NAME_SUBSCRIPTION, "portal-routes");
    struct mr_config_system *systems = env->config->systems;
    uint32_t count = env->config->systems_count;

    assert_int_equal(mr_names_id(env->house.names, MR_NAME_SYSTEM, "hub"), MR_SYSTEM_HUB);
    assert_true(school > MR_SYSTEM_HUB && cnppm > school);
    assert_int_equal(mr_names_id(env->house.names, MR_NAME_SYSTEM, "portal-routes"), 0);
    assert_int_equal(mr_names_id(env->house.names, MR_NAME_SUBSCRIPTION, "school"), 0);
    hub_env_close(env);
    env->config->systems = systems + 1; /* school is no longer configured */
    env->config->systems_count = count - 1;
    hub_env_open(env);
    assert_int_equal(mr_names_id(env->house.names, MR_NAME_SYSTEM, "cnppm"), cnppm);
    assert_string_equal(mr_names_text(env->house.names, MR_NAME_SYSTEM, school), "school");
    assert_string_equal(mr_names_text(env->house.names, MR_NAME_SUBSCRIPTION, portal), "portal-routes");
    assert_null(mr_names_text(env->house.names, MR_NAME_SYSTEM, 99));
    env->config->systems = systems;
    env->config->systems_count = count;
}

static void a_changed_configuration_is_a_version(void **state)
{
    struct hub_env *env = *state;
    struct mr_slice text = env->config->text;

    assert_int_equal(env->house.config_version, 1);
    hub_env_close(env);
    env->config->text = mr_slice(text.data, text.size - 1);
    hub_env_open(env);
    assert_int_equal(env->house.config_version, 2);
    hub_env_close(env);
    hub_env_open(env);
    assert_int_equal(env->house.config_version, 2);
    hub_env_close(env);
    env->config->text = text; /* back again is a change too */
    hub_env_open(env);
    assert_int_equal(env->house.config_version, 3);
}

static void one_hub_at_a_time(void **state)
{
    struct hub_env *env = *state;
    struct mr_house second;
    struct mr_error error = {0};

    assert_int_equal(mr_house_open(&second, env->config, false, &error), MR_EEXISTS);
    assert_null(second.log);
    assert_null(second.keyring);
}

static void read_only_needs_no_key(void **state)
{
    struct hub_env *env = *state;
    struct mr_house tool;
    char *root = env->config->hub.root_key;
    struct mr_buf event = MR_BUF_INIT;

    hub_env_programme(&event, "p-1");
    mr_intake_free(hub_env_publish(env, "portal", &event, 1, 1));
    mr_buf_fini(&event);
    hub_env_close(env);
    env->config->hub.root_key = (char *)"/nowhere";
    assert_int_equal(mr_house_open(&tool, env->config, true, NULL), 0);
    assert_null(tool.keyring);
    assert_int_equal(mr_log_head(tool.log), 1);
    assert_int_equal(tool.config_version, 1);
    mr_house_close(&tool);
    env->config->hub.root_key = root;
    hub_env_open(env);
}

static void a_log_without_its_keys_is_refused(void **state)
{
    struct hub_env *env = *state;
    struct mr_buf event = MR_BUF_INIT;
    struct mr_error error = {0};
    char from[512];
    char to[512];

    hub_env_deficit(&event, "d-1", "11223344595", NULL);
    mr_intake_free(hub_env_publish(env, "copmkp", &event, 1, 1));
    mr_buf_fini(&event);
    hub_env_close(env);
    (void)snprintf(from, sizeof from, "%s/keys", env->config->hub.store);
    (void)snprintf(to, sizeof to, "%s/keys-lost", env->config->hub.store);
    assert_int_equal(rename(from, to), 0);
    (void)snprintf(from, sizeof from, "%s", env->config->hub.root_key);
    (void)snprintf(to, sizeof to, "%s-lost", env->config->hub.root_key);
    assert_int_equal(rename(from, to), 0);
    assert_int_equal(mr_house_open(&env->house, env->config, false, &error), MR_ECORRUPT);
    assert_non_null(strstr(error.cure, "keys"));
}

#define HUB_TEST(name) cmocka_unit_test_setup_teardown(name, hub_env_setup, hub_env_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
            HUB_TEST(names_stay),
            HUB_TEST(a_changed_configuration_is_a_version),
            HUB_TEST(one_hub_at_a_time),
            HUB_TEST(read_only_needs_no_key),
            HUB_TEST(a_log_without_its_keys_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
