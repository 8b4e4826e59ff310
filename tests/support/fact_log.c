#include "tests/support/fact_log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "proto/base/bytes.h"

void fact_ident(uint64_t number, uint8_t ret[static MR_FACT_ID_BYTES])
{
    memset(ret, 0x5a, MR_FACT_ID_BYTES);
    mr_put_be64(ret, number);
}

uint64_t fact_add(struct mr_fact_set *set, struct mr_fact fact)
{
    fact.number = set->through + 1;
    if (!fact.system)
        fact.system = 2;
    fact_ident(fact.number, fact.ident);
    assert_int_equal(mr_fact_set_add(set, &fact), 0);
    set->through = fact.number;
    set->recorded_us = INT64_C(1830297600000000); /* 2028-01-01: the period is over */
    return fact.number;
}

static void person_id(unsigned who, uint8_t *ret)
{
    memset(ret, 0x11, MR_FACT_ID_BYTES);
    mr_put_be32(ret, who);
}

uint64_t fact_of(struct mr_fact_set *set, unsigned who, struct mr_fact fact)
{
    fact.has_person = true;
    person_id(who, fact.person);
    return fact_add(set, fact);
}

uint64_t fact_ref(struct mr_fact_set *set, unsigned who, uint64_t ref, struct mr_fact fact)
{
    fact.has_ref = ref != 0;
    fact_ident(ref, fact.ref);
    return fact_of(set, who, fact);
}

uint64_t fact_merge(struct mr_fact_set *set, unsigned survivor, unsigned previous)
{
    struct mr_fact fact = {.kind = MR_FACT_MERGED, .has_other = true};

    person_id(previous, fact.other);
    return fact_of(set, survivor, fact);
}

uint64_t fact_annul(struct mr_fact_set *set, uint64_t number, uint16_t by_system)
{
    struct mr_fact fact = {.kind = MR_FACT_ANNULMENT, .system = by_system, .has_ref = true};

    fact_ident(number, fact.ref);
    return fact_add(set, fact);
}

uint64_t fact_job(struct mr_fact_set *set, unsigned who, const char *id, const char *code)
{
    return fact_of(set, who,
            (struct mr_fact){.kind = MR_FACT_EMPLOYMENT,
                    .id = id,
                    .org = "1022400000001",
                    .code = code,
                    .detail = "first",
                    .text = "main",
                    .from = 20200901,
                    .on = 20100901});
}

uint64_t fact_school(struct mr_fact_set *set, const char *ogrn, const char *kind, const char *oktmo)
{
    return fact_add(set, (struct mr_fact){.kind = MR_FACT_ORG, .org = ogrn, .code = kind, .detail = oktmo});
}

const struct mr_config *fact_config(void)
{
    static struct mr_config_age_band ages[] = {
            {(char *)"under-35", 0, 35}, {(char *)"35-54", 35, 55}, {(char *)"from-55", 55, 0}};
    static struct mr_config_age_band services[] = {{(char *)"under-3", 0, 3}, {(char *)"from-3", 3, 0}};
    static char *indicators[] = {(char *)"aksay-2021.1", (char *)"3"};
    static struct mr_config config = {.region = (char *)"24",
            .passport = {.form = (char *)"образец-2021",
                    .period_from = (char *)"2026-01-01",
                    .period_to = (char *)"2026-12-31",
                    .suppress_below = 5,
                    .indicators = indicators,
                    .indicators_count = 2,
                    .age_bands = ages,
                    .age_bands_count = 3,
                    .service_bands = services,
                    .service_bands_count = 2}};

    return &config;
}

static struct mr_cells *cells_of(const struct mr_fact_set *set, struct mr_fold **fold)
{
    struct mr_error error = {0};
    struct mr_cells *cells = NULL;

    assert_int_equal(mr_fold_create(fold, set, NULL), 0);
    assert_int_equal(mr_cells_create(&cells, *fold, fact_config(), &error), 0);
    return cells;
}

char *fact_value(const struct mr_fact_set *set, const char *code)
{
    struct mr_fold *fold;
    struct mr_cells *cells = cells_of(set, &fold);
    const struct mr_cell *cell = mr_cells_find(cells, code);
    char *value = cell ? strdup(cell->value) : NULL;

    mr_cells_free(cells);
    mr_fold_free(fold);
    return value;
}

void expect_cell(const struct mr_fact_set *set, const char *code, const char *value)
{
    char *have = fact_value(set, code);

    if (!have || strcmp(have, value) != 0)
        fail_msg("cell %s: %s, not %s", code, have ? have : "missing", value);
    free(have);
}

void expect_miss(const struct mr_fact_set *set, const char *code, const char *why, uint64_t count)
{
    struct mr_fold *fold;
    struct mr_cells *cells = cells_of(set, &fold);
    const struct mr_cell *cell = mr_cells_find(cells, code);
    uint64_t have = 0;

    assert_non_null(cell);
    for (size_t i = 0; i < cell->misses_count; i++)
        if (strcmp(cell->misses[i].code, why) == 0)
            have = cell->misses[i].count;
    mr_cells_free(cells);
    mr_fold_free(fold);
    if (have != count)
        fail_msg("cell %s: %llu not counted as %s, not %llu", code, (unsigned long long)have, why,
                (unsigned long long)count);
}
