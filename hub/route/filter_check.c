/* The filters of a whole configuration: what is wrong where, and what cannot be meant. */
#include "hub/route/filter.h"

#include <stdio.h>
#include <string.h>

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

/* ---- subscriptions that never get an event ---- */

enum {
    VALUES_MAX = 256,
    SOURCE_ATTRIBUTE = 1,
    REGION_ATTRIBUTE = 2
}; /* numbers of hub/route/event_attributes.c */

struct never {
    const struct mr_config *config;
    const struct mr_config_subscription *subscription;
    const struct mr_filter *filter;
    bool type;      /* events of some registered type can pass */
    bool publisher; /* ... and somebody else may publish one */
    bool match;     /* ... who has such a source and speaks for such a region */
};

static bool below(struct mr_slice value, const char *source)
{
    size_t size = strlen(source);

    return value.size >= size && memcmp(value.data, source, size) == 0 &&
           (value.size == size || value.data[size] == ':' || value.data[size] == '/');
}

/* system NULL: the hub. Without values the filter does not ask. */
static bool may_have(const struct never *never, unsigned attribute, const struct mr_config_system *system)
{
    const struct mr_config *config = never->config;
    struct mr_slice values[VALUES_MAX];
    size_t count = mr_filter_values(never->filter, attribute, values, VALUES_MAX);

    for (size_t i = 0; i < count && count < VALUES_MAX; i++) {
        char region[8] = "";

        if (attribute == SOURCE_ATTRIBUTE && below(values[i], system ? system->source : config->hub.source))
            return true;
        if (attribute != REGION_ATTRIBUTE || values[i].size >= sizeof region)
            continue;
        memcpy(region, values[i].data, values[i].size);
        if (system ? mr_config_speaks_for(config, system, region) : strcmp(region, config->region) == 0)
            return true;
    }
    return count == 0 || count == VALUES_MAX;
}

static void note_publisher(struct never *never, const struct mr_config_system *system)
{
    never->publisher = true;
    never->match = never->match ||
                   (may_have(never, SOURCE_ATTRIBUTE, system) && may_have(never, REGION_ATTRIBUTE, system));
}

/* Those of the passport's workflow come from the hub's operators, and systems may have the right too. */
static bool hub_says(const struct mr_event_type *type)
{
    return (type->flags & MR_TYPE_HUB) || strncmp(type->name, "nms.passport.", 13) == 0;
}

/* Nobody gets back what it said itself; what is for one system only is not matched. */
static void note_type(struct never *never, const struct mr_event_type *type)
{
    never->type = true;
    if (type->flags & MR_TYPE_TO_ONE)
        return;
    if (hub_says(type))
        note_publisher(never, NULL);
    for (uint32_t i = 0; i < never->config->systems_count && !(type->flags & MR_TYPE_HUB); i++) {
        const struct mr_config_system *system = &never->config->systems[i];

        if (strcmp(system->name, never->subscription->system) != 0 &&
                ((type->flags & MR_TYPE_OF_EVERYBODY) || mr_config_may_publish(system, type->name)))
            note_publisher(never, system);
    }
}

static void warn_never(const struct never *never, const char *file, unsigned subscription,
        mr_filter_warning_fn warn, void *ctx)
{
    struct mr_error warning;
    char path[64], where[192];
    const char *what = "none of a registered type can pass", *cure = "`marshrut types` lists the types";

    if (never->match)
        return;
    if (never->type) {
        what = "no other system may publish what can pass";
        cure = "add the type to `publish` of the system that says it, or take the subscription away";
    }
    if (never->publisher) {
        what = "nobody who may publish what can pass has such a source and speaks for such a region";
        cure = "compare with `source` and `regions` of the systems";
    }
    (void)snprintf(path, sizeof path, "subscriptions[%u].filters", subscription);
    mr_config_where(never->config, file, path, where, sizeof where);
    (void)mr_error_set(&warning, MR_ECONFIG, where, cure, "%s: \"%.32s\" never gets an event: %s", path,
            never->subscription->name, what);
    warn(ctx, &warning);
}

static void look_for_never(const struct mr_config *config, const char *file, unsigned subscription,
        const struct mr_filter *filter, mr_filter_warning_fn warn, void *ctx)
{
    struct never never = {
            .config = config, .subscription = &config->subscriptions[subscription], .filter = filter};

    for (size_t i = 0; i < mr_registry_count(); i++)
        if (mr_filter_ask_type(filter, mr_registry_at(i)->name) != MR_FILTER_NO)
            note_type(&never, mr_registry_at(i));
    warn_never(&never, file, subscription, warn, ctx);
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
        if (warn && !mr_config_builtin(subscription))
            look_for_never(config, file, i, filter, warn, ctx);
        mr_filter_free(filter);
    }
    return 0;
}
