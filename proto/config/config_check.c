#include "proto/config/config_check.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/list.h"
#include "proto/config/config_values.h"

struct check {
    const struct mr_config *config;
    struct mr_config_yaml *yaml;
    struct mr_error *reterr;
    char path[160]; /* of the part that is looked at */
};

static const char *const kinds[] = {"school", "copmkp", "cnppm", "portal", "other"};
static const char *const roles[] = {
        "cnppm", "mms", "ipk", "ministry", "federal", "auditor", "pd-officer", "admin"};

static void at(struct check *check, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void at(struct check *check, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(check->path, sizeof check->path, format, args);
    va_end(args);
}

/* `value` is shown: configuration texts are not personal. */
static int fail(struct check *check, const char *value, const char *what, const char *cure)
{
    char where[192];

    mr_config_yaml_where(check->yaml, check->path, where, sizeof where);
    return mr_error_set(check->reterr, MR_ECONFIG, where, cure, "%s: %s%s%.80s%s", check->path, what,
            value ? ": \"" : "", value ? value : "", value ? "\"" : "");
}

static bool one_of(const char *value, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(value, names[i]) == 0)
            return true;
    return false;
}

static bool all_of(const char *text, const char *allowed, size_t min, size_t max)
{
    size_t size = strlen(text);

    return size >= min && size <= max && strspn(text, allowed) == size;
}

static int need_name(struct check *check, const char *name)
{
    if (islower((unsigned char)name[0]) && all_of(name, "abcdefghijklmnopqrstuvwxyz0123456789-", 1, 32))
        return 0;
    return fail(check, name, "not a name", "a small Latin letter, then letters, digits and '-', at most 32");
}

/* Lists are named after the fields that they are for: qual_category. */
static int need_list_name(struct check *check, const char *name)
{
    if (islower((unsigned char)name[0]) && all_of(name, "abcdefghijklmnopqrstuvwxyz0123456789_", 1, 32))
        return 0;
    return fail(check, name, "not a code list's name",
            "one of those in docs/configuration.md: small letters and '_'");
}

static int need_key(struct check *check, const char *key)
{
    if (all_of(key, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#",
                40, 40))
        return 0;
    return fail(check, NULL, "not a CURVE key",
            "40 characters of Z85 in single quotes, as `marshrut keys new` makes them");
}

static int need_region(struct check *check, const char *region)
{
    if (all_of(region, "0123456789", 2, 3))
        return 0;
    return fail(check, region, "not a region code", "two or three digits in quotes, as in \"24\"");
}

static int need_endpoint(struct check *check, const char *text)
{
    static const char cure[] = "tcp://ADDRESS:PORT, a port from 1 to 65535";

    return mr_config_endpoint_ok(text) ? 0 : fail(check, text, "not an endpoint", cure);
}

/* Port 0, any free one, is for tests: who would find it? */
static int need_listen(struct check *check, const char *path, const char *text)
{
    static const char cure[] = "ADDRESS:PORT, a port from 1 to 65535 (0: any free one)";

    at(check, "%s", path);
    return !text || mr_config_address_ok(text, 0) ? 0 : fail(check, text, "not an address", cure);
}

static int need_timezone(struct check *check, const char *name)
{
    static const char cure[] =
            "a name of the IANA database, such as Asia/Krasnoyarsk: a file below /usr/share/zoneinfo";

    return mr_config_timezone_ok(name) ? 0 : fail(check, name, "no such time zone", cure);
}

static int need_text(struct check *check, const char *text)
{
    return text[0] ? 0 : fail(check, NULL, "empty", "write a value");
}

static int need_uri(struct check *check, const char *text)
{
    bool bad = strchr(text, ':') == NULL;

    for (const char *p = text; *p; p++)
        bad = bad || (unsigned char)*p <= ' ' || (unsigned char)*p >= 0x7f;
    return bad ? fail(check, text, "not a URI", "such as \"urn:marshrut:24:school\", without spaces") : 0;
}

static int need_range(struct check *check, uint32_t value, uint32_t min, uint32_t max)
{
    char cure[80];
    char text[16];

    if (value >= min && value <= max)
        return 0;
    (void)snprintf(cure, sizeof cure, "a number from %u to %u", (unsigned)min, (unsigned)max);
    (void)snprintf(text, sizeof text, "%u", (unsigned)value);
    return fail(check, text, "out of range", cure);
}

static int need_date(struct check *check, const char *text)
{
    return !text || mr_config_date_ok(text) ? 0 : fail(check, text, "not a date", "YYYY-MM-DD");
}

static int check_hub_numbers(struct check *check, const struct mr_config_hub *hub)
{
    const struct {
        const char *at;
        uint32_t value, min, max;
    } numbers[] = {{"hub.publish_window", hub->publish_window, 1, 1024 * 1024},
            {"hub.ping_interval_ms", hub->ping_interval_ms, 100, 600 * 1000},
            {"hub.ballast_mb", *hub->ballast_mb, 0, 1024 * 1024},
            {"hub.space_watermark_mb", *hub->space_watermark_mb, 0, 1024 * 1024},
            {"hub.scrub_days", *hub->scrub_days, 0, 365},
            {"hub.index_lag_max", hub->index_lag_max, 1000, 10 * 1000 * 1000},
            {"hub.segment_events", hub->segment_events, 100, 100 * 1000 * 1000}};

    for (size_t i = 0; i < MR_COUNT(numbers); i++) {
        int r;

        at(check, "%s", numbers[i].at);
        if ((r = need_range(check, numbers[i].value, numbers[i].min, numbers[i].max)) < 0)
            return r;
    }
    return 0;
}

static int check_hub(struct check *check)
{
    const struct mr_config_hub *hub = &check->config->hub;
    int r;

    at(check, "hub.source");
    if ((r = need_uri(check, hub->source)) < 0)
        return r;
    at(check, "hub.listen");
    if (hub->listen_count == 0)
        return fail(check, NULL, "no endpoint", "at least one, such as tcp://127.0.0.1:7400");
    for (uint32_t i = 0; i < hub->listen_count; i++) {
        at(check, "hub.listen[%u]", (unsigned)i);
        if ((r = need_endpoint(check, hub->listen[i])) < 0)
            return r;
        for (uint32_t j = 0; j < i; j++)
            if (strcmp(hub->listen[i], hub->listen[j]) == 0)
                return fail(check, hub->listen[i], "there twice", "keep one of them");
    }
    at(check, "hub.admin");
    if ((r = need_text(check, hub->admin)) < 0)
        return r;
    if (strlen(hub->admin) > 100)
        return fail(check, hub->admin, "too long for a socket", "at most 100 bytes: use a shorter folder");
    if ((r = need_listen(check, "hub.http_listen", hub->http_listen)) < 0)
        return r;
    at(check, "hub.public_key");
    if ((r = need_key(check, hub->public_key)) < 0)
        return r;
    return check_hub_numbers(check, hub);
}

static int check_publish(struct check *check, const struct mr_config_system *system, uint32_t index)
{
    for (uint32_t i = 0; i < system->publish_count; i++) {
        at(check, "systems[%u].publish[%u]", (unsigned)index, (unsigned)i);
        if (!all_of(system->publish[i], "abcdefghijklmnopqrstuvwxyz0123456789._-", 1, 128) ||
                system->publish[i][0] == '.')
            return fail(check, system->publish[i], "not an event type",
                    "a type name, or the beginning of one that ends in '.'");
    }
    for (uint32_t i = 0; i < system->regions_count; i++) {
        int r;

        at(check, "systems[%u].regions[%u]", (unsigned)index, (unsigned)i);
        if ((r = need_region(check, system->regions[i])) < 0)
            return r;
    }
    return 0;
}

/* Nothing of a system may be another's: the key is its identity, the source its events' one. */
static int check_unique(struct check *check, uint32_t index)
{
    const struct mr_config_system *systems = check->config->systems;

    for (uint32_t i = 0; i < index; i++) {
        at(check, "systems[%u].name", (unsigned)index);
        if (strcmp(systems[i].name, systems[index].name) == 0)
            return fail(
                    check, systems[index].name, "this name is there twice", "give every system its own name");
        at(check, "systems[%u].public_key", (unsigned)index);
        if (strcmp(systems[i].public_key, systems[index].public_key) == 0)
            return fail(
                    check, NULL, "another system has the same key", "`marshrut keys new` makes another one");
        at(check, "systems[%u].source", (unsigned)index);
        if (strcmp(systems[i].source, systems[index].source) == 0)
            return fail(
                    check, systems[index].source, "another system has the same source", "give each its own");
    }
    return 0;
}

static int check_system(struct check *check, uint32_t i)
{
    const struct mr_config_system *system = &check->config->systems[i];
    int r;

    at(check, "systems[%u].name", (unsigned)i);
    if ((r = need_name(check, system->name)) < 0)
        return r;
    if (strcmp(system->name, "hub") == 0)
        return fail(check, system->name, "this name is the hub's own", "choose another name");
    at(check, "systems[%u].kind", (unsigned)i);
    if (!one_of(system->kind, kinds, MR_COUNT(kinds)))
        return fail(check, system->kind, "unknown kind", "school, copmkp, cnppm, portal or other");
    at(check, "systems[%u].source", (unsigned)i);
    if ((r = need_uri(check, system->source)) < 0)
        return r;
    at(check, "systems[%u].public_key", (unsigned)i);
    if ((r = need_key(check, system->public_key)) < 0)
        return r;
    if (strcmp(system->public_key, check->config->hub.public_key) == 0)
        return fail(check, NULL, "this is the hub's own key", "`marshrut keys new` makes another one");
    if ((r = check_unique(check, i)) < 0)
        return r;
    return check_publish(check, system, i);
}

static bool attributes_empty(const struct mr_filter_attributes *a)
{
    static const struct mr_filter_attributes none;

    return memcmp(a, &none, sizeof none) == 0;
}

/* Exactly one dialect a node, and it says something. check->path is the node's. */
static int check_filter(struct check *check, const struct mr_config_filter *filter)
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
        return fail(check, NULL,
                dialects == 0 ? "a filter that says nothing" : "several dialects in one filter",
                "exactly one of exact, prefix, suffix, all, any, not, sql; join several with `all`");
    for (size_t i = 0; i < MR_COUNT(tables); i++)
        if (tables[i] && attributes_empty(tables[i]))
            return fail(check, NULL, "a filter without an attribute", "name at least one, such as `type`");
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

static int check_subscription(struct check *check, uint32_t i)
{
    const struct mr_config_subscription *subs = check->config->subscriptions;
    int r;

    at(check, "subscriptions[%u].name", (unsigned)i);
    if ((r = need_name(check, subs[i].name)) < 0)
        return r;
    for (uint32_t j = 0; j < i; j++)
        if (strcmp(subs[i].name, subs[j].name) == 0)
            return fail(
                    check, subs[i].name, "this name is there twice", "give every subscription its own name");
    at(check, "subscriptions[%u].system", (unsigned)i);
    if (!mr_config_system(check->config, subs[i].system))
        return fail(check, subs[i].system, "no such system", "one of the names below `systems`");
    at(check, "subscriptions[%u].attempts_max", (unsigned)i);
    if ((r = need_range(check, subs[i].attempts_max, 1, 1000)) < 0)
        return r;
    for (uint32_t j = 0; j < subs[i].filters_count; j++) {
        at(check, "subscriptions[%u].filters[%u]", (unsigned)i, (unsigned)j);
        if ((r = check_filter(check, &subs[i].filters[j])) < 0)
            return r;
    }
    return 0;
}

static int check_codelist(struct check *check, uint32_t i)
{
    const struct mr_config_codelist *lists = check->config->codelists;
    int r;

    at(check, "codelists[%u].name", (unsigned)i);
    if ((r = need_list_name(check, lists[i].name)) < 0)
        return r;
    for (uint32_t j = 0; j < i; j++)
        if (strcmp(lists[i].name, lists[j].name) == 0)
            return fail(check, lists[i].name, "this list is there twice", "join the two");
    for (uint32_t j = 0; j < lists[i].values_count; j++) {
        at(check, "codelists[%u].values[%u].code", (unsigned)i, (unsigned)j);
        if ((r = need_text(check, lists[i].values[j].code)) < 0)
            return r;
        for (uint32_t k = 0; k < j; k++)
            if (strcmp(lists[i].values[j].code, lists[i].values[k].code) == 0)
                return fail(check, lists[i].values[j].code, "this code is there twice", "keep one of them");
    }
    return 0;
}

static int check_operator(struct check *check, uint32_t i)
{
    const struct mr_config_operator *operators = check->config->operators;
    int r;

    at(check, "operators[%u].name", (unsigned)i);
    if ((r = need_name(check, operators[i].name)) < 0)
        return r;
    for (uint32_t j = 0; j < i; j++)
        if (strcmp(operators[i].name, operators[j].name) == 0)
            return fail(check, operators[i].name, "this name is there twice",
                    "give every operator their own name");
    for (uint32_t j = 0; j < operators[i].roles_count; j++) {
        at(check, "operators[%u].roles[%u]", (unsigned)i, (unsigned)j);
        if (!one_of(operators[i].roles[j], roles, MR_COUNT(roles)))
            return fail(check, operators[i].roles[j], "unknown role",
                    "cnppm, mms, ipk, ministry, federal, auditor, pd-officer or admin");
    }
    return 0;
}

static int check_bands(
        struct check *check, const char *key, const struct mr_config_age_band *bands, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        int r;

        at(check, "passport.%s[%u]", key, (unsigned)i);
        if ((r = need_text(check, bands[i].code)) < 0)
            return r;
        if (bands[i].to_years != 0 && bands[i].to_years <= bands[i].from_years)
            return fail(check, bands[i].code, "ends before it begins",
                    "to_years is above from_years, or 0 for no end");
    }
    return 0;
}

static int check_erasure(struct check *check)
{
    const struct mr_config_erasure *erasure = &check->config->erasure;
    int r;

    at(check, "hub.acts");
    if ((r = need_text(check, check->config->hub.acts)) < 0)
        return r;
    at(check, "erasure.term_days");
    if ((r = need_range(check, erasure->term_days, 1, 365)) < 0)
        return r;
    at(check, "erasure.answer_days");
    return need_range(check, erasure->answer_days, 1, 365);
}

static int check_passport(struct check *check)
{
    const struct mr_config_passport *passport = &check->config->passport;
    int r;

    at(check, "passport.period_from");
    if ((r = need_date(check, passport->period_from)) < 0)
        return r;
    at(check, "passport.period_to");
    if ((r = need_date(check, passport->period_to)) < 0)
        return r;
    if (passport->period_from && passport->period_to &&
            strcmp(passport->period_to, passport->period_from) < 0)
        return fail(check, passport->period_to, "before period_from", "the last day of the period");
    at(check, "passport.suppress_below");
    if ((r = need_range(check, passport->suppress_below, 1, 1000)) < 0)
        return r;
    if ((r = check_bands(check, "age_bands", passport->age_bands, passport->age_bands_count)) < 0)
        return r;
    return check_bands(check, "service_bands", passport->service_bands, passport->service_bands_count);
}

static int check_link(struct check *check, const char *adapter, const struct mr_config_link *link)
{
    int r;

    at(check, "adapters.%s.system", adapter);
    if (!mr_config_system(check->config, link->system))
        return fail(check, link->system, "no such system", "one of the names below `systems`");
    at(check, "adapters.%s.state", adapter);
    if ((r = need_text(check, link->state)) < 0)
        return r;
    at(check, "adapters.%s.hub", adapter);
    return need_endpoint(check, link->hub);
}

static int check_adapters(struct check *check)
{
    const struct mr_config_adapters *adapters = &check->config->adapters;
    const struct {
        const char *name;
        const struct mr_config_link *link;
    } links[] = {{"school", adapters->school ? &adapters->school->link : NULL},
            {"copmkp", adapters->copmkp ? &adapters->copmkp->link : NULL},
            {"cnppm", adapters->cnppm ? &adapters->cnppm->link : NULL},
            {"portal", adapters->portal ? &adapters->portal->link : NULL}};
    int r;

    for (size_t i = 0; i < MR_COUNT(links); i++)
        if (links[i].link && (r = check_link(check, links[i].name, links[i].link)) < 0)
            return r;
    if (adapters->cnppm && (r = need_listen(check, "adapters.cnppm.listen", adapters->cnppm->listen)) < 0)
        return r;
    if (adapters->portal && (r = need_listen(check, "adapters.portal.listen", adapters->portal->listen)) < 0)
        return r;
    at(check, "adapters.school.full_list_end_percent_max");
    return adapters->school ? need_range(check, adapters->school->full_list_end_percent_max, 1, 100) : 0;
}

typedef int (*check_row_fn)(struct check *check, uint32_t index);

int mr_config_check(const struct mr_config *config, struct mr_config_yaml *yaml, struct mr_error *reterr)
{
    struct check check = {.config = config, .yaml = yaml, .reterr = reterr};
    const struct {
        check_row_fn fn;
        uint32_t count;
    } lists[] = {{check_system, config->systems_count}, {check_subscription, config->subscriptions_count},
            {check_codelist, config->codelists_count}, {check_operator, config->operators_count}};
    int r;

    at(&check, "version");
    if (config->version != 1)
        return fail(&check, NULL, "this program reads version 1", "write `version: 1`");
    at(&check, "region");
    if ((r = need_region(&check, config->region)) < 0)
        return r;
    at(&check, "timezone");
    if ((r = need_timezone(&check, config->timezone)) < 0 || (r = check_hub(&check)) < 0)
        return r;
    for (size_t i = 0; i < MR_COUNT(lists); i++)
        for (uint32_t j = 0; j < lists[i].count; j++)
            if ((r = lists[i].fn(&check, j)) < 0)
                return r;
    if ((r = check_erasure(&check)) < 0 || (r = check_passport(&check)) < 0 ||
            (r = check_adapters(&check)) < 0)
        return r;
    return mr_config_check_retention(config, yaml, reterr);
}
