/* The CloudEvents SDK for JavaScript against a real hub (cloudevents/client.mjs). Exit 77: it is not
 * installed (tests/conformance/install.sh). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "tests/support/api_env.h"

enum { SKIPPED = 77 };

static int run_client(const char *address, const char *publisher, const char *puller)
{
    char command[512];
    int status;

    (void)snprintf(command, sizeof command, "node '%s/tests/conformance/cloudevents/client.mjs' %s %s %s",
            MR_SOURCE_DIR, address, publisher, puller);
    status = system(command); // NOLINT(cert-env33-c): a program of our own tests
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void the_sdk_is_understood(void **state)
{
    struct api_env env;
    char address[64], portal[API_TOKEN_BYTES], cnppm[API_TOKEN_BYTES];

    (void)state;
    api_env_open(&env, "operators: [{name: boss, roles: [admin]}]\n", "");
    api_env_token(&env, "publish", "portal", portal, NULL);
    api_env_token(&env, "pull", "cnppm", cnppm, NULL);
    (void)snprintf(address, sizeof address, "http://127.0.0.1:%u", env.port);
    assert_int_equal(run_client(address, portal, cnppm), 0);
    api_env_close(&env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_sdk_is_understood)};

    if (system("command -v node >/dev/null && test -d '" MR_SOURCE_DIR // NOLINT(cert-env33-c)
               "/tests/conformance/cloudevents/node_modules'") != 0)
        return SKIPPED;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
