#include "proto/config/config_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/ip.h"
#include "proto/base/list.h"
#include "proto/config/config_values.h"

enum { WINDOW_MAX = 1024 * 1024 };

static const char *const kinds[] = {"school", "copmkp", "cnppm", "portal", "other"};
static const char *const roles[] = {
        "cnppm", "mms", "ipk", "ministry", "federal", "auditor", "pd-officer", "admin"};

static int check_hub_numbers(struct mr_config_check *check, const struct mr_config_hub *hub)
{
    const struct {
        const char *at;
        uint32_t value, min, max;
    } numbers[] = {{"hub.publish_window", hub->publish_window, 1, WINDOW_MAX},
            {"hub.ping_interval_ms", hub->ping_interval_ms, 100, 600 * 1000},
            {"hub.ballast_mb", *hub->ballast_mb, 0, 1024 * 1024},
            {"hub.space_watermark_mb", *hub->space_watermark_mb, 0, 1024 * 1024},
            {"hub.scrub_days", *hub->scrub_days, 0, 365},
            {"hub.correction_days", hub->correction_days, 1, 365},
            {"hub.index_lag_max", hub->index_lag_max, 1000, 10 * 1000 * 1000},
            {"hub.segment_events", hub->segment_events, 100, 100 * 1000 * 1000}};

    for (size_t i = 0; i < MR_COUNT(numbers); i++) {
        int r;

        mr_config_at(check, "%s", numbers[i].at);
        if ((r = mr_config_need_range(check, numbers[i].value, numbers[i].min, numbers[i].max)) < 0)
            return r;
    }
    return 0;
}

/* Passwords and tokens do not cross a network in the clear. */
static int check_http(struct mr_config_check *check, const struct mr_config_hub *hub)
{
    const char *listen = hub->http_listen;
    int r = mr_config_need_listen(check, "hub.http_listen", listen);

    if (r < 0 || !listen || hub->http_tls)
        return r;
    if (strncmp(listen, "127.", 4) == 0 || strncmp(listen, "[::1]", 5) == 0)
        return 0;
    return mr_config_fail(check, listen, "plain HTTP beyond this machine",
            "configure hub.http_tls, or listen on 127.0.0.1 behind a proxy with TLS");
}

/* Whoever is believed about addresses must be named well: else everybody is taken for one, or none is. */
static int check_proxies(struct mr_config_check *check, const struct mr_config_hub *hub)
{
    static const char *const headers[] = {"X-Forwarded-For", "Forwarded"};
    const struct mr_config_proxy *proxy = hub->http_proxy;
    struct mr_ip_net net;

    mr_config_at(check, "hub.http_proxy.addresses");
    if (proxy && proxy->addresses_count == 0)
        return mr_config_fail(
                check, NULL, "no proxy is named", "name its address, or leave out hub.http_proxy");
    for (uint32_t i = 0; proxy && i < proxy->addresses_count; i++) {
        mr_config_at(check, "hub.http_proxy.addresses[%u]", i);
        if (mr_ip_net_parse(&net, proxy->addresses[i]) < 0)
            return mr_config_fail(check, proxy->addresses[i], "no address and no net",
                    "write it as 192.0.2.1, 10.0.0.0/8 or 2001:db8::/32");
    }
    mr_config_at(check, "hub.http_proxy.header");
    if (proxy && proxy->header && !mr_config_text_one_of(proxy->header, headers, MR_COUNT(headers)))
        return mr_config_fail(check, proxy->header, "not a header that proxies write",
                "give the one that yours writes: X-Forwarded-For or Forwarded");
    return 0;
}

static int check_hub(struct mr_config_check *check)
{
    const struct mr_config_hub *hub = &check->config->hub;
    int r;

    mr_config_at(check, "hub.source");
    if ((r = mr_config_need_uri(check, hub->source)) < 0)
        return r;
    mr_config_at(check, "hub.listen");
    if (hub->listen_count == 0)
        return mr_config_fail(check, NULL, "no endpoint", "at least one, such as tcp://127.0.0.1:7400");
    for (uint32_t i = 0; i < hub->listen_count; i++) {
        mr_config_at(check, "hub.listen[%u]", (unsigned)i);
        if ((r = mr_config_need_endpoint(check, hub->listen[i])) < 0)
            return r;
        for (uint32_t j = 0; j < i; j++)
            if (strcmp(hub->listen[i], hub->listen[j]) == 0)
                return mr_config_fail(check, hub->listen[i], "there twice", "keep one of them");
    }
    mr_config_at(check, "hub.admin");
    if ((r = mr_config_need_text(check, hub->admin)) < 0)
        return r;
    if (strlen(hub->admin) > 100)
        return mr_config_fail(
                check, hub->admin, "too long for a socket", "at most 100 bytes: use a shorter folder");
    if ((r = check_http(check, hub)) < 0 || (r = check_proxies(check, hub)) < 0)
        return r;
    mr_config_at(check, "hub.public_key");
    if ((r = mr_config_need_key(check, hub->public_key)) < 0)
        return r;
    return check_hub_numbers(check, hub);
}

static int check_publish(struct mr_config_check *check, const struct mr_config_system *system, uint32_t index)
{
    for (uint32_t i = 0; i < system->publish_count; i++) {
        mr_config_at(check, "systems[%u].publish[%u]", (unsigned)index, (unsigned)i);
        if (!mr_config_text_all_of(system->publish[i], "abcdefghijklmnopqrstuvwxyz0123456789._-", 1, 128) ||
                system->publish[i][0] == '.')
            return mr_config_fail(check, system->publish[i], "not an event type",
                    "a type name, or the beginning of one that ends in '.'");
    }
    for (uint32_t i = 0; i < system->regions_count; i++) {
        int r;

        mr_config_at(check, "systems[%u].regions[%u]", (unsigned)index, (unsigned)i);
        if ((r = mr_config_need_region(check, system->regions[i])) < 0)
            return r;
    }
    return 0;
}

/* Nothing of a system may be another's: the key is its identity, the source its events' one. */
static int check_unique(struct mr_config_check *check, uint32_t index)
{
    const struct mr_config_system *systems = check->config->systems;

    for (uint32_t i = 0; i < index; i++) {
        mr_config_at(check, "systems[%u].name", (unsigned)index);
        if (strcmp(systems[i].name, systems[index].name) == 0)
            return mr_config_fail(
                    check, systems[index].name, "this name is there twice", "give every system its own name");
        mr_config_at(check, "systems[%u].public_key", (unsigned)index);
        if (strcmp(systems[i].public_key, systems[index].public_key) == 0)
            return mr_config_fail(
                    check, NULL, "another system has the same key", "`marshrut keys new` makes another one");
        mr_config_at(check, "systems[%u].source", (unsigned)index);
        if (strcmp(systems[i].source, systems[index].source) == 0)
            return mr_config_fail(
                    check, systems[index].source, "another system has the same source", "give each its own");
    }
    return 0;
}

static int check_system(struct mr_config_check *check, uint32_t i)
{
    const struct mr_config_system *system = &check->config->systems[i];
    int r;

    mr_config_at(check, "systems[%u].name", (unsigned)i);
    if ((r = mr_config_need_name(check, system->name)) < 0)
        return r;
    if (strcmp(system->name, "hub") == 0)
        return mr_config_fail(check, system->name, "this name is the hub's own", "choose another name");
    mr_config_at(check, "systems[%u].kind", (unsigned)i);
    if (!mr_config_text_one_of(system->kind, kinds, MR_COUNT(kinds)))
        return mr_config_fail(check, system->kind, "unknown kind", "school, copmkp, cnppm, portal or other");
    mr_config_at(check, "systems[%u].source", (unsigned)i);
    if ((r = mr_config_need_uri(check, system->source)) < 0)
        return r;
    mr_config_at(check, "systems[%u].public_key", (unsigned)i);
    if ((r = mr_config_need_key(check, system->public_key)) < 0)
        return r;
    if (strcmp(system->public_key, check->config->hub.public_key) == 0)
        return mr_config_fail(
                check, NULL, "this is the hub's own key", "`marshrut keys new` makes another one");
    if ((r = check_unique(check, i)) < 0)
        return r;
    mr_config_at(check, "systems[%u].waiting_max", (unsigned)i);
    if ((r = mr_config_need_range(check, system->waiting_max, 0, WINDOW_MAX)) < 0)
        return r;
    return check_publish(check, system, i);
}

static int check_codelist(struct mr_config_check *check, uint32_t i)
{
    const struct mr_config_codelist *lists = check->config->codelists;
    int r;

    mr_config_at(check, "codelists[%u].name", (unsigned)i);
    if ((r = mr_config_need_list_name(check, lists[i].name)) < 0)
        return r;
    for (uint32_t j = 0; j < i; j++)
        if (strcmp(lists[i].name, lists[j].name) == 0)
            return mr_config_fail(check, lists[i].name, "this list is there twice", "join the two");
    for (uint32_t j = 0; j < lists[i].values_count; j++) {
        mr_config_at(check, "codelists[%u].values[%u].code", (unsigned)i, (unsigned)j);
        if ((r = mr_config_need_text(check, lists[i].values[j].code)) < 0)
            return r;
        for (uint32_t k = 0; k < j; k++)
            if (strcmp(lists[i].values[j].code, lists[i].values[k].code) == 0)
                return mr_config_fail(
                        check, lists[i].values[j].code, "this code is there twice", "keep one of them");
    }
    return 0;
}

static bool is_number_of(const char *text, size_t digits)
{
    return strlen(text) == digits && strspn(text, "0123456789") == digits;
}

/* What an operator is limited to: those who look at the work of a part of the region. */
static int check_limits(struct mr_config_check *check, uint32_t i)
{
    static const char *const limited[] = {"cnppm", "ipk", "ministry", "mms"};
    const struct mr_config_operator *op = &check->config->operators[i];

    mr_config_at(check, "operators[%u].%s", (unsigned)i, op->ogrn ? "ogrn" : "oktmo");
    if (op->ogrn && op->oktmo)
        return mr_config_fail(check, NULL, "an operator is limited by one of ogrn and oktmo", "keep one");
    if (op->ogrn && !is_number_of(op->ogrn, 13) && !is_number_of(op->ogrn, 15))
        return mr_config_fail(check, op->ogrn, "no ОГРН", "13 digits, or 15 of an entrepreneur");
    if (op->oktmo && !is_number_of(op->oktmo, 8) && !is_number_of(op->oktmo, 11))
        return mr_config_fail(check, op->oktmo, "no ОКТМО", "8 or 11 digits; a region: 04000000");
    for (uint32_t j = 0; (op->ogrn || op->oktmo) && j < op->roles_count; j++)
        if (!mr_config_text_one_of(op->roles[j], limited, MR_COUNT(limited)))
            return mr_config_fail(check, op->roles[j], "this role cannot be limited to a territory",
                    "cnppm, ipk, ministry and mms can; give the other role to another operator");
    return 0;
}

static int check_operator(struct mr_config_check *check, uint32_t i)
{
    const struct mr_config_operator *operators = check->config->operators;
    int r;

    mr_config_at(check, "operators[%u].name", (unsigned)i);
    if ((r = mr_config_need_name(check, operators[i].name)) < 0)
        return r;
    for (uint32_t j = 0; j < i; j++)
        if (strcmp(operators[i].name, operators[j].name) == 0)
            return mr_config_fail(check, operators[i].name, "this name is there twice",
                    "give every operator their own name");
    for (uint32_t j = 0; j < operators[i].roles_count; j++) {
        mr_config_at(check, "operators[%u].roles[%u]", (unsigned)i, (unsigned)j);
        if (!mr_config_text_one_of(operators[i].roles[j], roles, MR_COUNT(roles)))
            return mr_config_fail(check, operators[i].roles[j], "unknown role",
                    "cnppm, mms, ipk, ministry, federal, auditor, pd-officer or admin");
    }
    return check_limits(check, i);
}

static int check_bands(struct mr_config_check *check, const char *key, const struct mr_config_age_band *bands,
        uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        int r;

        mr_config_at(check, "passport.%s[%u]", key, (unsigned)i);
        if ((r = mr_config_need_text(check, bands[i].code)) < 0)
            return r;
        if (bands[i].to_years != 0 && bands[i].to_years <= bands[i].from_years)
            return mr_config_fail(check, bands[i].code, "ends before it begins",
                    "to_years is above from_years, or 0 for no end");
    }
    return 0;
}

static int check_erasure(struct mr_config_check *check)
{
    const struct mr_config_erasure *erasure = &check->config->erasure;
    int r;

    mr_config_at(check, "hub.acts");
    if ((r = mr_config_need_text(check, check->config->hub.acts)) < 0)
        return r;
    mr_config_at(check, "erasure.term_days");
    if ((r = mr_config_need_range(check, erasure->term_days, 1, 365)) < 0)
        return r;
    mr_config_at(check, "erasure.answer_days");
    return mr_config_need_range(check, erasure->answer_days, 1, 365);
}

/* Each of the form's eight at most once. */
static int check_sections(struct mr_config_check *check, const struct mr_config_passport *passport)
{
    unsigned seen = 0;

    for (uint32_t i = 0; i < passport->sections_count; i++) {
        const char *text = passport->sections[i];
        unsigned bit = strlen(text) == 1 && text[0] >= '1' && text[0] <= '8' ? 1u << (text[0] - '0') : 0;

        mr_config_at(check, "passport.sections[%u]", (unsigned)i);
        if (!bit)
            return mr_config_fail(check, text, "no section of the form", "a number from 1 to 8");
        if (seen & bit)
            return mr_config_fail(check, text, "named twice", "each section once");
        seen |= bit;
    }
    return 0;
}

/* What the hub's rules compute is not known here: a computed cell stays so, and is overridden. */
static int check_cells(struct mr_config_check *check, const struct mr_config_passport *passport)
{
    const struct mr_config_cell *cells = passport->cells;

    for (uint32_t i = 0; i < passport->cells_count; i++) {
        const char *code = cells[i].code;
        int r;

        mr_config_at(check, "passport.cells[%u]", (unsigned)i);
        if (code[0] < '1' || code[0] > '8' || code[1] != '.' || strstr(code, "..") ||
                code[strlen(code) - 1] == '.' ||
                !mr_config_text_all_of(
                        code + 2, "abcdefghijklmnopqrstuvwxyz0123456789-.", 1, MR_CONFIG_CELL_CODE_MAX - 2))
            return mr_config_fail(check, code, "not a cell's code",
                    "section, point and a name of at most 48 small Latin letters, digits, '-' and '.': "
                    "3.premises");
        if (cells[i].title && (r = mr_config_need_text(check, cells[i].title)) < 0)
            return r;
        if (cells[i].unit && strlen(cells[i].unit) > MR_CONFIG_CELL_UNIT_MAX)
            return mr_config_fail(check, cells[i].unit, "too long for a unit", "at most 31 bytes");
        for (uint32_t j = 0; j < i; j++)
            if (strcmp(code, cells[j].code) == 0)
                return mr_config_fail(check, code, "named twice", "each cell once");
    }
    return 0;
}

static int check_passport(struct mr_config_check *check)
{
    const struct mr_config_passport *passport = &check->config->passport;
    int r;

    mr_config_at(check, "passport.period_from");
    if ((r = mr_config_need_date(check, passport->period_from)) < 0)
        return r;
    mr_config_at(check, "passport.period_to");
    if ((r = mr_config_need_date(check, passport->period_to)) < 0)
        return r;
    if (passport->period_from && passport->period_to &&
            strcmp(passport->period_to, passport->period_from) < 0)
        return mr_config_fail(check, passport->period_to, "before period_from", "the last day of the period");
    mr_config_at(check, "passport.suppress_below");
    if ((r = mr_config_need_range(check, passport->suppress_below, 1, 1000)) < 0)
        return r;
    if ((r = check_sections(check, passport)) < 0)
        return r;
    if ((r = check_cells(check, passport)) < 0)
        return r;
    if ((r = check_bands(check, "age_bands", passport->age_bands, passport->age_bands_count)) < 0)
        return r;
    return check_bands(check, "service_bands", passport->service_bands, passport->service_bands_count);
}

static int check_link(struct mr_config_check *check, const char *adapter, const struct mr_config_link *link)
{
    int r;

    mr_config_at(check, "adapters.%s.system", adapter);
    if (!mr_config_system(check->config, link->system))
        return mr_config_fail(check, link->system, "no such system", "one of the names below `systems`");
    mr_config_at(check, "adapters.%s.state", adapter);
    if ((r = mr_config_need_text(check, link->state)) < 0)
        return r;
    mr_config_at(check, "adapters.%s.hub", adapter);
    return mr_config_need_endpoint(check, link->hub);
}

static int check_adapters(struct mr_config_check *check)
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
    if (adapters->cnppm &&
            (r = mr_config_need_listen(check, "adapters.cnppm.listen", adapters->cnppm->listen)) < 0)
        return r;
    if (adapters->portal &&
            (r = mr_config_need_listen(check, "adapters.portal.listen", adapters->portal->listen)) < 0)
        return r;
    mr_config_at(check, "adapters.school.full_list_end_percent_max");
    return adapters->school ? mr_config_need_range(check, adapters->school->full_list_end_percent_max, 1, 100)
                            : 0;
}

typedef int (*check_row_fn)(struct mr_config_check *check, uint32_t index);

int mr_config_check(const struct mr_config *config, struct mr_config_yaml *yaml, struct mr_error *reterr)
{
    struct mr_config_check check = {.config = config, .yaml = yaml, .reterr = reterr};
    const struct {
        check_row_fn fn;
        uint32_t count;
    } lists[] = {{check_system, config->systems_count},
            {mr_config_check_subscription, config->subscriptions_count},
            {check_codelist, config->codelists_count}, {check_operator, config->operators_count},
            {mr_config_check_test, config->tests_count}};
    int r;

    mr_config_at(&check, "version");
    if (config->version != 1)
        return mr_config_fail(&check, NULL, "this program reads version 1", "write `version: 1`");
    mr_config_at(&check, "region");
    if ((r = mr_config_need_region(&check, config->region)) < 0)
        return r;
    mr_config_at(&check, "timezone");
    if ((r = mr_config_need_timezone(&check, config->timezone)) < 0 || (r = check_hub(&check)) < 0)
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
