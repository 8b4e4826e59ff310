#include "hub/audit/territory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event/org.pb-c.h"
#include "hub/audit/search.h"
#include "hub/record/opened.h"

struct gather {
    struct mr_territory *territory;
    const struct mr_house *house;
    struct mr_opened opened;
};

static int find_org(const struct mr_territory *t, const char *ogrn)
{
    for (size_t i = 0; i < t->orgs_count; i++)
        if (strcmp(t->orgs[i], ogrn) == 0)
            return (int)i;
    return -1;
}

static int add_org(struct mr_territory *t, const char *ogrn)
{
    char(*orgs)[MR_OGRN_TEXT_MAX];

    if (find_org(t, ogrn) >= 0 || strlen(ogrn) >= sizeof t->orgs[0])
        return 0;
    orgs = realloc(t->orgs, (t->orgs_count + 1) * sizeof *orgs);
    if (!orgs)
        return MR_ENOMEM;
    t->orgs = orgs;
    memcpy(t->orgs[t->orgs_count++], ogrn, strlen(ogrn) + 1);
    return 0;
}

static void drop_org(struct mr_territory *t, const char *ogrn)
{
    int at = find_org(t, ogrn);

    if (at >= 0)
        memcpy(t->orgs[at], t->orgs[--t->orgs_count], sizeof t->orgs[0]);
}

/* "04000000" is a region, "04701000" a municipality with what is in it, "04701001" one place (ОК 033-2013:
 * two, three and three digits). */
static size_t digits_that_say(const char *oktmo)
{
    if (strspn(oktmo + 2, "0") >= MR_OKTMO_DIGITS - 2)
        return 2;
    return strspn(oktmo + 5, "0") >= MR_OKTMO_DIGITS - 5 ? 5 : MR_OKTMO_DIGITS;
}

/* In log order: what was said last holds. */
static int on_organisation(void *ctx, const struct mr_record *record)
{
    struct gather *g = ctx;
    const Nms__Event__V1__OrgUpserted *org;

    if (record->flags & MR_RECORD_QUARANTINED ||
            mr_opened_read(&g->opened, g->house, record, MR_PURPOSE_SHOW, NULL) < 0 ||
            !g->opened.event.payload)
        return 0;
    org = (const Nms__Event__V1__OrgUpserted *)(const void *)g->opened.event.payload;
    if (strncmp(org->oktmo, g->territory->limits.oktmo, digits_that_say(g->territory->limits.oktmo)) == 0)
        return add_org(g->territory, org->ogrn);
    drop_org(g->territory, org->ogrn);
    return 0;
}

static int find_orgs(struct mr_territory *territory, const struct mr_house *house, struct mr_error *reterr)
{
    const struct mr_search of_organisations = {.type = "nms.org.upserted.v1"};
    struct gather g = {.territory = territory, .house = house};
    uint64_t next;
    int r;

    mr_opened_init(&g.opened);
    r = mr_search_run(house, &of_organisations, on_organisation, &g, &next, reterr);
    mr_opened_fini(&g.opened);
    return r;
}

bool mr_limits_of_operator(const struct mr_config *config, const char *name, struct mr_limits *ret)
{
    const struct mr_config_operator *op = mr_config_operator_find(config, name);

    *ret = (struct mr_limits){.of_operator = true};
    if (!op || (!op->ogrn && !op->oktmo))
        return false;
    (void)snprintf(ret->ogrn, sizeof ret->ogrn, "%s", op->ogrn ? op->ogrn : "");
    (void)snprintf(ret->oktmo, sizeof ret->oktmo, "%s", op->oktmo ? op->oktmo : "");
    return true;
}

int mr_territory_enter(struct mr_territory *territory, struct mr_house *house, const struct mr_limits *limits,
        struct mr_error *reterr)
{
    int r = 0;

    *territory = (struct mr_territory){.limits = *limits};
    if (*limits->ogrn)
        r = add_org(territory, limits->ogrn);
    else if (*limits->oktmo)
        r = find_orgs(territory, house, reterr);
    house->territory = territory;
    return r;
}

int mr_territory_of_call(struct mr_territory *territory, struct mr_house *house, const char *operator_name,
        const struct mr_limits *of_account, struct mr_error *reterr)
{
    struct mr_limits limits;

    if (of_account)
        return mr_territory_enter(territory, house, of_account, reterr);
    return mr_limits_of_operator(house->config, operator_name, &limits)
                   ? mr_territory_enter(territory, house, &limits, reterr)
                   : 0;
}

void mr_territory_fini(struct mr_territory *territory)
{
    free(territory->orgs);
    *territory = (struct mr_territory){0};
}

bool mr_territory_has_org(const struct mr_territory *territory, const char *ogrn)
{
    return ogrn && *ogrn && find_org(territory, ogrn) >= 0;
}

int mr_territory_has(
        const struct mr_territory *territory, const struct mr_house *house, const struct mr_record *record)
{
    struct mr_opened opened;
    int r;

    mr_opened_init(&opened);
    r = mr_opened_read(&opened, house, record,
            record->flags & MR_RECORD_QUARANTINED ? MR_PURPOSE_SHOW : MR_PURPOSE_INDEX, NULL);
    if (r == 0)
        r = mr_territory_has_org(territory, opened.event.a.orgid);
    else if (r != MR_ENOMEM)
        r = 0;
    mr_opened_fini(&opened);
    return r;
}

int mr_territory_has_number(
        const struct mr_territory *territory, const struct mr_house *house, uint64_t number)
{
    struct mr_record_view *view = malloc(sizeof *view);
    struct mr_log_reader *reader;
    int r = view ? mr_log_reader_open(house->log, &reader) : MR_ENOMEM;

    if (r == 0) {
        r = mr_log_read(reader, number, view, NULL);
        r = r == 0 ? mr_territory_has(territory, house, &view->record) : r == MR_ENOMEM ? r : 0;
        mr_log_reader_close(reader);
    }
    free(view);
    return r;
}
