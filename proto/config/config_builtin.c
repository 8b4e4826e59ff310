/* What every configuration has without saying so: a subscription a system for notices of erasure. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/config/config_check.h"

enum { BUILTIN_ATTEMPTS_MAX = 1000 };

bool mr_config_builtin(const struct mr_config_subscription *subscription)
{
    return subscription->name[0] == MR_CONFIG_BUILTIN_MARK;
}

uint32_t mr_config_subscriptions_configured(const struct mr_config *config)
{
    uint32_t count = config->subscriptions_count;

    while (count > 0 && mr_config_builtin(&config->subscriptions[count - 1]))
        count--;
    return count;
}

static int add_notices(struct mr_config_subscription *ret, const char *system)
{
    *ret = (struct mr_config_subscription){.system = strdup(system),
            .personal = MR_PERSONAL_FULL,
            .scope = MR_SCOPE_ALL,
            .attempts_max = BUILTIN_ATTEMPTS_MAX};
    if (asprintf(&ret->name, MR_CONFIG_NOTICES "%s", system) < 0)
        ret->name = NULL;
    return ret->name && ret->system ? 0 : MR_ENOMEM;
}

/* The memory is cyaml's, which is malloc's. Half-made ones are freed with the configuration. */
int mr_config_add_builtin(struct mr_config *config)
{
    struct mr_config_subscription *grown = realloc(config->subscriptions,
            ((size_t)config->subscriptions_count + config->systems_count + 1) * sizeof *grown);
    int r = 0;

    if (!grown)
        return MR_ENOMEM;
    config->subscriptions = grown;
    for (uint32_t i = 0; r == 0 && i < config->systems_count; i++)
        r = add_notices(&config->subscriptions[config->subscriptions_count++], config->systems[i].name);
    return r;
}
