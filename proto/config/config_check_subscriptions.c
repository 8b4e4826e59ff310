/* Subscriptions with their filters, and the tests of who gets what. */
#include <stdio.h>
#include <string.h>

#include "proto/base/list.h"
#include "proto/config/config_check.h"

enum { DEADLINE_HOURS_MAX = 10 * 366 * 24 };

static bool attributes_empty(const struct mr_filter_attributes *a)
{
    static const struct mr_filter_attributes none;

    return memcmp(a, &none, sizeof none) == 0;
}

/* Exactly one dialect a node, and it says something. check->path is the node's. */
static int check_filter(struct mr_config_check *check, const struct mr_config_filter *filter)
{
    const struct mr_filter_attributes *const tables[] = {filter->exact, filter->prefix, filter->suffix};
    const struct {
        const char *name;
        const struct mr_config_filter *nodes;
        uint32_t count;
    } parts[] = {{"all", filter->all, filter->all_count}, {"any", filter->any, filter->any_count}};
    int dialects = (filter->exact != NULL) + (filter->prefix != NULL) + (filter->suffix != NULL) +
                   (filter->all_count > 0) + (filter->any_count > 0) + (filter->not_ != NULL) +
                   (filter->sql != NULL);
    size_t size = strlen(check->path);
    int r;

    if (dialects != 1)
        return mr_config_fail(check, NULL,
                dialects == 0 ? "a filter that says nothing" : "several dialects in one filter",
                "exactly one of exact, prefix, suffix, all, any, not, sql; join several with `all`");
    for (size_t i = 0; i < MR_COUNT(tables); i++)
        if (tables[i] && attributes_empty(tables[i]))
            return mr_config_fail(
                    check, NULL, "a filter without an attribute", "name at least one, such as `type`");
    for (size_t i = 0; i < MR_COUNT(parts); i++) {
        for (uint32_t j = 0; j < parts[i].count; j++) {
            (void)snprintf(
                    check->path + size, sizeof check->path - size, ".%s[%u]", parts[i].name, (unsigned)j);
            if ((r = check_filter(check, &parts[i].nodes[j])) < 0)
                return r;
            check->path[size] = 0;
        }
    }
    if (!filter->not_)
        return 0;
    (void)snprintf(check->path + size, sizeof check->path - size, ".not");
    return check_filter(check, filter->not_);
}

int mr_config_check_subscription(struct mr_config_check *check, uint32_t i)
{
    const struct mr_config_subscription *subs = check->config->subscriptions;
    int r;

    mr_config_at(check, "subscriptions[%u].name", (unsigned)i);
    if ((r = mr_config_need_name(check, subs[i].name)) < 0)
        return r;
    for (uint32_t j = 0; j < i; j++)
        if (strcmp(subs[i].name, subs[j].name) == 0)
            return mr_config_fail(
                    check, subs[i].name, "this name is there twice", "give every subscription its own name");
    mr_config_at(check, "subscriptions[%u].system", (unsigned)i);
    if (!mr_config_system(check->config, subs[i].system))
        return mr_config_fail(check, subs[i].system, "no such system", "one of the names below `systems`");
    mr_config_at(check, "subscriptions[%u].attempts_max", (unsigned)i);
    if ((r = mr_config_need_range(check, subs[i].attempts_max, 1, 1000)) < 0)
        return r;
    mr_config_at(check, "subscriptions[%u].deadline_hours", (unsigned)i);
    if ((r = mr_config_need_range(check, subs[i].deadline_hours, 0, DEADLINE_HOURS_MAX)) < 0)
        return r;
    for (uint32_t j = 0; j < subs[i].filters_count; j++) {
        mr_config_at(check, "subscriptions[%u].filters[%u]", (unsigned)i, (unsigned)j);
        if ((r = check_filter(check, &subs[i].filters[j])) < 0)
            return r;
    }
    return 0;
}

static int check_named_systems(struct mr_config_check *check, uint32_t i)
{
    const struct mr_config_test *test = &check->config->tests[i];

    mr_config_at(check, "tests[%u].system", (unsigned)i);
    if (test->system && !mr_config_system(check->config, test->system))
        return mr_config_fail(check, test->system, "no such system", "one of the names below `systems`");
    for (uint32_t j = 0; j < test->staff_of_count; j++) {
        mr_config_at(check, "tests[%u].staff_of[%u]", (unsigned)i, (unsigned)j);
        if (!mr_config_system(check->config, test->staff_of[j]))
            return mr_config_fail(
                    check, test->staff_of[j], "no such system", "one of the names below `systems`");
    }
    return 0;
}

int mr_config_check_test(struct mr_config_check *check, uint32_t i)
{
    const struct mr_config_test *test = &check->config->tests[i];
    int r;

    mr_config_at(check, "tests[%u].name", (unsigned)i);
    if ((r = mr_config_need_text(check, test->name)) < 0)
        return r;
    mr_config_at(check, "tests[%u].event", (unsigned)i);
    if ((r = mr_config_need_text(check, test->event)) < 0 || (r = check_named_systems(check, i)) < 0)
        return r;
    for (uint32_t j = 0; j < test->subscriptions_count; j++) {
        mr_config_at(check, "tests[%u].subscriptions[%u]", (unsigned)i, (unsigned)j);
        if (!mr_config_subscription(check->config, test->subscriptions[j]))
            return mr_config_fail(check, test->subscriptions[j], "no such subscription",
                    "one of the names below `subscriptions`");
    }
    return 0;
}
