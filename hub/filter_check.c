/* The filters of a whole configuration: what is wrong where, and what cannot be meant. */
#include "hub/filter.h"

#include <stdio.h>

#include "proto/wire/registry.h"

static int fail(const struct mr_config *config, const char *file, unsigned subscription,
        const struct mr_filter_problem *problem, struct mr_error *reterr)
{
    char path[192], where[192];

    (void)snprintf(path, sizeof path, "subscriptions[%u].%s", subscription, problem->path);
    mr_config_where(config, file, path, where, sizeof where);
    return mr_error_set(reterr, MR_ECONFIG, where,
            problem->sql.cure[0] ? problem->sql.cure : "`marshrut filter EXPR` shows where; docs/cesql.md",
            "%s: %s at byte %zu: %s", path, mr_cesql_fault_name(problem->sql.fault), problem->sql.at + 1,
            problem->sql.what);
}

static bool wants_a_type(const struct mr_filter *filter)
{
    for (size_t i = 0; i < mr_registry_count(); i++)
        if (mr_filter_ask_type(filter, mr_registry_at(i)->name) != MR_FILTER_NO)
            return true;
    return false;
}

static void warn_never(const struct mr_config *config, const char *file, unsigned subscription,
        mr_filter_warning_fn warn, void *ctx)
{
    struct mr_error warning;
    char path[64], where[192];

    (void)snprintf(path, sizeof path, "subscriptions[%u].filters", subscription);
    mr_config_where(config, file, path, where, sizeof where);
    (void)mr_error_set(&warning, MR_ECONFIG, where, "`marshrut types` lists the types",
            "%s: \"%.32s\" never gets an event: none of a registered type can pass", path,
            config->subscriptions[subscription].name);
    warn(ctx, &warning);
}

int mr_filters_check(const struct mr_config *config, const char *file, mr_filter_warning_fn warn, void *ctx,
        struct mr_error *reterr)
{
    for (uint32_t i = 0; i < config->subscriptions_count; i++) {
        const struct mr_config_subscription *subscription = &config->subscriptions[i];
        struct mr_filter_problem problem;
        struct mr_filter *filter = NULL;
        int r = mr_filter_create(&filter, subscription->filters, subscription->filters_count, &problem);

        if (r == MR_ENOMEM)
            return mr_error_set(reterr, r, file, "", "out of memory");
        if (r < 0)
            return fail(config, file, i, &problem, reterr);
        if (warn && !wants_a_type(filter))
            warn_never(config, file, i, warn, ctx);
        mr_filter_free(filter);
    }
    return 0;
}
