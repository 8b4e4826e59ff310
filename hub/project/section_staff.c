/* Section 1, «Кадровый состав». */
#include <stdio.h>
#include <string.h>

#include "hub/project/cell_build.h"

enum {
    RANK_TOTAL = 10,
    RANK_AGE = 100,
    RANK_SERVICE = 300,
    RANK_QUALIFICATION = 500,
    RANK_MUNICIPALITY = 600,
    RANK_KIND = 700
};

struct band_family {
    const char *prefix, *title, *unknown, *miss;
    enum mr_rule_id rule;
    unsigned rank;
    const struct mr_config_age_band *bands;
    uint32_t count;
};

static void band_title(const struct mr_config_age_band *band, char *out, size_t size)
{
    if (band->from_years == 0 && band->to_years)
        (void)snprintf(out, size, "до %u лет", band->to_years);
    else if (band->to_years)
        (void)snprintf(out, size, "от %u до %u лет", band->from_years, band->to_years);
    else
        (void)snprintf(out, size, "%u лет и больше", band->from_years);
}

static struct mr_cell *band_cell(struct mr_cell_builder *b, const struct band_family *family, uint32_t i)
{
    char code[MR_CELL_CODE_MAX], title[64];

    (void)snprintf(code, sizeof code, "1.%s.%s", family->prefix, family->bands[i].code);
    band_title(&family->bands[i], title, sizeof title);
    return mr_cell_get(b, code, family->rule, family->rank + i, "%s: %s", family->title, title);
}

/* Cell of so many years; since = 0: the one for those of whom it is not known. */
static struct mr_cell *band_of(struct mr_cell_builder *b, const struct band_family *family, uint32_t since)
{
    char code[MR_CELL_CODE_MAX];
    uint32_t years = since && since <= b->to ? (b->to - since) / 10000 : 0;
    struct mr_cell *cell;

    for (uint32_t i = 0; since && i < family->count; i++)
        if (years >= family->bands[i].from_years &&
                (!family->bands[i].to_years || years < family->bands[i].to_years))
            return band_cell(b, family, i);
    (void)snprintf(code, sizeof code, "1.%s.unknown", family->prefix);
    cell = mr_cell_get(b, code, family->rule, family->rank + 150, "%s: %s", family->title, family->unknown);
    mr_cell_miss(cell, since ? "bands" : family->miss, 1);
    return cell;
}

static void count_band(struct mr_cell_builder *b, const struct band_family *family, uint32_t since,
        const struct mr_fact *told, const struct mr_fact *job)
{
    struct mr_cell *cell = band_of(b, family, since);

    cell->count++;
    mr_cell_rest(b, cell, told);
    mr_cell_rest(b, cell, job);
}

static void count_qualification(struct mr_cell_builder *b, const struct mr_staff_person *p)
{
    const struct mr_fact *job = p->qualified ? p->qualified : p->main;
    const char *category = p->qualified ? p->qualified->detail : "unknown";
    const char *title =
            p->qualified ? mr_config_code_title(b->config, "qual_category", category) : "не сообщена";
    char code[MR_CELL_CODE_MAX];
    struct mr_cell *cell;

    if (p->qualified && job->until && job->until < b->to) {
        category = "expired";
        title = "срок истёк";
    }
    (void)snprintf(code, sizeof code, "1.qual.%s", category);
    cell = mr_cell_get(b, code, MR_RULE_STAFF_QUALIFICATION, RANK_QUALIFICATION,
            "Квалификационная категория: %s", title);
    cell->count++;
    mr_cell_rest(b, cell, job);
}

static void count_place(struct mr_cell_builder *b, const struct mr_staff_person *p)
{
    const struct mr_fold_org *org = mr_staff_org(b->fold, p->main);
    const struct mr_fact *fact = org ? org->fact : NULL;
    const char *kind = fact && fact->code[0] ? fact->code : "unknown";
    char oktmo[9] = "unknown", code[MR_CELL_CODE_MAX];
    struct mr_cell *cells[2];

    if (fact && fact->detail[0])
        (void)snprintf(oktmo, sizeof oktmo, "%s", fact->detail);
    (void)snprintf(code, sizeof code, "1.municipality.%s", oktmo);
    cells[0] = mr_cell_get(b, code, MR_RULE_STAFF_MUNICIPALITY, RANK_MUNICIPALITY, "Муниципалитет: %s",
            fact ? mr_config_code_title(b->config, "municipality", oktmo) : "не известен");
    (void)snprintf(code, sizeof code, "1.orgkind.%s", kind);
    cells[1] = mr_cell_get(b, code, MR_RULE_STAFF_ORGKIND, RANK_KIND, "Вид организации: %s",
            fact ? mr_config_code_title(b->config, "org_kind", kind) : "не известен");
    for (size_t i = 0; i < 2; i++) {
        cells[i]->count++;
        mr_cell_rest(b, cells[i], p->main);
        mr_cell_rest(b, cells[i], fact);
        if (!fact)
            mr_cell_miss(cells[i], "organisation", 1);
    }
}

static struct mr_cell *group_cell(struct mr_cell_builder *b, unsigned which)
{
    static const struct {
        const char *code;
        enum mr_rule_id rule;
        const char *title;
    } groups[] = {
            {"1.total", MR_RULE_STAFF_TOTAL, "Всего работников (ПР и УК)"},
            {"1.pr", MR_RULE_STAFF_GROUP, "Педагогические работники (ПР)"},
            {"1.uk", MR_RULE_STAFF_GROUP, "Управленческие кадры (УК)"},
            {"1.both", MR_RULE_STAFF_BOTH, "И ПР, и УК одновременно"},
    };

    return mr_cell_get(
            b, groups[which].code, groups[which].rule, RANK_TOTAL + which, "%s", groups[which].title);
}

static void count_groups(struct mr_cell_builder *b, const struct mr_staff_person *p)
{
    const bool in[] = {true, p->pr, p->uk, p->pr && p->uk};

    for (unsigned which = 0; which < 4; which++) {
        struct mr_cell *cell = group_cell(b, which);

        cell->count += in[which];
        for (uint32_t j = 0; in[which] && j < p->jobs; j++) {
            const struct mr_fact *job = b->staff->jobs[p->first_job + j];
            bool pr = strcmp(job->code, "PR") == 0;

            if ((which != 1 || pr) && (which != 2 || !pr))
                mr_cell_rest(b, cell, job);
        }
    }
}

void mr_section_staff(struct mr_cell_builder *b)
{
    const struct mr_config_passport *passport = &b->config->passport;
    const struct band_family age = {"age", "Возраст", "не известен", "birth-date", MR_RULE_STAFF_AGE,
            RANK_AGE, passport->age_bands, passport->age_bands_count};
    const struct band_family service = {"service", "Педагогический стаж", "не известен", "service",
            MR_RULE_STAFF_SERVICE, RANK_SERVICE, passport->service_bands, passport->service_bands_count};

    for (unsigned which = 0; which < 4; which++)
        (void)group_cell(b, which);
    for (uint32_t i = 0; i < age.count; i++)
        (void)band_cell(b, &age, i);
    for (uint32_t i = 0; i < service.count; i++)
        (void)band_cell(b, &service, i);
    for (size_t i = 0; i < b->staff->persons_count; i++) {
        const struct mr_staff_person *p = &b->staff->persons[i];
        const struct mr_fact *born = MR_VEC(b->fold->persons, struct mr_fold_person)[i].born;

        if (!p->active) {
            if (p->miss)
                mr_cell_miss(group_cell(b, 0), p->miss, 1);
            continue;
        }
        count_groups(b, p);
        count_band(b, &age, born ? born->from : 0, born, p->main);
        count_band(b, &service, p->serving ? p->serving->on : 0, p->serving, p->main);
        count_qualification(b, p);
        count_place(b, p);
    }
}
