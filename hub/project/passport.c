#include "hub/project/passport.h"

#include <stdlib.h>
#include <string.h>

#include "hub/project/fact_view.h"
#include "hub/project/kept.h"
#include "proto/base/hex.h"
#include "proto/wire/digest.h"

static const char *const section_titles[] = {"", "Кадровый состав", "Программы ДПО, в том числе в ФР ДПП",
        "Инфраструктура ДПО", "Финансовое обеспечение",
        "Вовлечение педагогических работников в мероприятия РСНМС", "Информационные ресурсы",
        "Результативность работы системы",
        "Корреляция с результатами обучающихся общеобразовательных организаций"};
const char *mr_section_title(int section)
{
    return section >= 1 && section <= MR_PASSPORT_SECTIONS ? section_titles[section] : "";
}

static int evaluate(struct mr_passport *passport, const struct mr_tick *tick, struct mr_error *reterr)
{
    int r = mr_fold_create(&passport->fold, &passport->facts, tick);

    return r < 0 ? r : mr_cells_create(&passport->cells, passport->fold, passport->config, reterr);
}

int mr_passport_open(
        struct mr_passport *ret, const struct mr_house *house, uint64_t as_of, struct mr_error *reterr)
{
    int r;

    if (house->kept && house->keyring)
        return mr_passport_kept_open(house->kept, ret, house, as_of, reterr);
    *ret = (struct mr_passport){.config = house->config};
    mr_fact_set_init(&ret->facts);
    r = mr_facts_load(house, as_of, &ret->facts, reterr);
    if (r == 0)
        r = evaluate(ret, house->tick, reterr);
    if (r < 0)
        mr_passport_fini(ret);
    return r;
}

int mr_passport_of_facts(struct mr_passport *ret, struct mr_fact_set *facts, const struct mr_config *config,
        struct mr_error *reterr)
{
    int r;

    *ret = (struct mr_passport){.config = config, .facts = *facts};
    *facts = (struct mr_fact_set){0};
    r = evaluate(ret, NULL, reterr);
    if (r < 0)
        mr_passport_fini(ret);
    return r;
}

void mr_passport_fini(struct mr_passport *passport)
{
    if (passport->kept) {
        mr_passport_kept_leave(passport->kept);
        *passport = (struct mr_passport){0};
        return;
    }
    mr_cells_free(passport->cells);
    mr_fold_free(passport->fold);
    mr_fact_set_fini(&passport->facts);
    passport->cells = NULL;
    passport->fold = NULL;
}

const char *mr_passport_campaign(const struct mr_passport *passport)
{
    return passport->fold->campaign ? passport->fold->campaign->id : passport->config->passport.form;
}

static json_t *value_json(const char *value)
{
    return value[0] ? json_string(value) : json_null();
}

static json_t *misses_json(const struct mr_cell *cell)
{
    json_t *list = json_array();

    for (size_t i = 0; i < cell->misses_count; i++)
        (void)json_array_append_new(list,
                json_pack("{s:s, s:I, s:s}", "code", cell->misses[i].code, "count",
                        (json_int_t)cell->misses[i].count, "title", mr_miss_title(cell->misses[i].code)));
    return list;
}

static void add_more(json_t *json, const struct mr_cell *cell)
{
    char digest[65];

    (void)json_object_set_new(json, "rule", json_string(cell->rule->id));
    (void)json_object_set_new(json, "rule_version", json_integer(cell->rule->version));
    (void)json_object_set_new(json, "rule_text", json_string(cell->rule->text));
    (void)json_object_set_new(
            json, "first", json_integer(cell->events_count ? (json_int_t)cell->events[0] : 0));
    (void)json_object_set_new(json, "last",
            json_integer(cell->events_count ? (json_int_t)cell->events[cell->events_count - 1] : 0));
    (void)json_object_set_new(
            json, "digest", json_string(mr_hex_encode(cell->digest, sizeof cell->digest, digest)));
    (void)json_object_set_new(json, "not_counted", misses_json(cell));
    if (cell->has_share) {
        (void)json_object_set_new(json, "numerator", json_integer((json_int_t)cell->numerator));
        (void)json_object_set_new(json, "denominator", json_integer((json_int_t)cell->denominator));
    }
    if (cell->by[0] || cell->reason[0]) {
        (void)json_object_set_new(json, "by", json_string(cell->by));
        (void)json_object_set_new(json, "reason", json_string(cell->reason));
    }
    if (strcmp(cell->state, "overridden") == 0)
        (void)json_object_set_new(json, "computed", value_json(cell->computed));
}

json_t *mr_cell_json(const struct mr_cell *cell, bool full)
{
    uint64_t missed = 0;
    json_t *json = json_pack("{s:s, s:o, s:s, s:s, s:s, s:I}", "cell", cell->code, "value",
            value_json(cell->value), "unit", cell->unit, "title", cell->title, "state", cell->state, "events",
            (json_int_t)cell->events_count);

    if (!json)
        return NULL;
    for (size_t i = 0; i < cell->misses_count; i++)
        missed += cell->misses[i].count;
    if (full)
        add_more(json, cell);
    else
        (void)json_object_set_new(json, "not_counted", json_integer((json_int_t)missed));
    if (!full)
        mr_cell_json_beside(json, cell);
    return json;
}

void mr_cell_tag(const struct mr_cell *cell, char ret[static MR_CELL_TAG_MAX])
{
    (void)snprintf(ret, MR_CELL_TAG_MAX, "said-%llu", cell ? (unsigned long long)cell->said : 0ULL);
}

uint64_t mr_passport_said(const struct mr_passport *passport)
{
    const struct mr_fold_value *values = MR_VEC(passport->fold->values, struct mr_fold_value);
    uint64_t said = 0;

    for (size_t i = 0; i < passport->fold->values.count; i++)
        said = values[i].fact->number > said ? values[i].fact->number : said;
    return said;
}

void mr_cell_json_beside(json_t *json, const struct mr_cell *cell)
{
    const struct mr_fact *copied = cell->copied;
    char tag[MR_CELL_TAG_MAX], day[16] = "";

    mr_cell_tag(cell, tag);
    (void)json_object_set_new(json, "tag", json_string(tag));
    if (!copied)
        return;
    if (copied->on)
        (void)snprintf(day, sizeof day, "%04u-%02u-%02u", copied->on / 10000 % 10000, copied->on / 100 % 100,
                copied->on % 100);
    (void)json_object_set_new(json, "copied",
            json_pack("{s:I, s:s, s:s, s:s}", "number", (json_int_t)copied->number, "by", copied->document,
                    "on", day, "value", copied->text));
}

static json_t *sections_json(const struct mr_passport *passport, bool full)
{
    json_t *sections = json_array(), *cells = NULL;
    int section = 0;

    for (size_t i = 0; i < passport->cells->count; i++) {
        const struct mr_cell *cell = passport->cells->items[i];

        if (cell->section != section) {
            section = cell->section;
            cells = json_array();
            (void)json_array_append_new(sections, json_pack("{s:i, s:s, s:o}", "section", section, "title",
                                                          mr_section_title(section), "cells", cells));
        }
        (void)json_array_append_new(cells, mr_cell_json(cell, full));
    }
    return sections;
}

json_t *mr_passport_json(const struct mr_passport *passport, bool full)
{
    const struct mr_config_passport *p = &passport->config->passport;

    return json_pack("{s:s, s:s, s:i, s:s, s:s, s:s, s:I, s:I, s:I, s:o}", "region", passport->config->region,
            "form", p->form ? p->form : "", "version", (int)passport->version, "campaign",
            mr_passport_campaign(passport), "period_from", p->period_from, "period_to", p->period_to, "as_of",
            (json_int_t)passport->facts.through, "erased",
            (json_int_t)mr_fact_set_hidden(&passport->facts, true), "blocked",
            (json_int_t)mr_fact_set_hidden(&passport->facts, false), "sections",
            sections_json(passport, full));
}

static int put_canonical(json_t *json, struct mr_buf *out, uint8_t *digest)
{
    char *text = json ? json_dumps(json, JSON_SORT_KEYS | JSON_COMPACT) : NULL;

    json_decref(json);
    if (!text)
        return MR_ENOMEM;
    mr_buf_put_str(out, text);
    mr_sha256(mr_slice_str(text), digest);
    free(text);
    return mr_buf_failed(out) ? MR_ENOMEM : 0;
}

int mr_passport_canonical(
        const struct mr_passport *passport, struct mr_buf *out, uint8_t ret_digest[static 32])
{
    return put_canonical(mr_passport_json(passport, true), out, ret_digest);
}

/* ---- made again ---- */

static json_t *find_cell(const json_t *document, const char *code)
{
    json_t *section, *cell;
    size_t i, j;

    json_array_foreach (json_object_get(document, "sections"), i, section)
        json_array_foreach (json_object_get(section, "cells"), j, cell)
            if (strcmp(json_string_value(json_object_get(cell, "cell")), code) == 0)
                return cell;
    return NULL;
}

static void compare_cells(const json_t *stored, const json_t *again, struct mr_passport_difference *ret)
{
    json_t *section, *cell;
    size_t i, j;

    json_array_foreach (json_object_get(stored, "sections"), i, section)
        json_array_foreach (json_object_get(section, "cells"), j, cell) {
            const char *code = json_string_value(json_object_get(cell, "cell"));
            const json_t *other = code ? find_cell(again, code) : NULL;

            if (!other || !json_equal(json_object_get(cell, "value"), json_object_get(other, "value")))
                ret->cells++;
            if (other && !json_equal(json_object_get(cell, "rule_version"),
                                 json_object_get(other, "rule_version")))
                ret->rules = true;
        }
}

static int compare(struct mr_passport *passport, const json_t *stored, struct mr_slice bytes,
        struct mr_passport_difference *ret)
{
    struct mr_buf again = MR_BUF_INIT;
    uint8_t digest[32];
    json_t *json;
    int r;

    passport->version = (uint32_t)json_integer_value(json_object_get(stored, "version"));
    r = mr_passport_canonical(passport, &again, digest);
    if (r == 0) {
        ret->equal = mr_slice_equal(mr_buf_slice(&again), bytes);
        ret->erased = (int64_t)mr_fact_set_hidden(&passport->facts, true) -
                      json_integer_value(json_object_get(stored, "erased"));
        json = mr_passport_json(passport, true);
        if (!json)
            r = MR_ENOMEM;
        else if (!ret->equal)
            compare_cells(stored, json, ret);
        json_decref(json);
    }
    mr_buf_fini(&again);
    return r;
}

int mr_passport_compare(const struct mr_house *house, struct mr_slice stored,
        struct mr_passport_difference *ret, struct mr_error *reterr)
{
    json_t *json = json_loadb((const char *)stored.data, stored.size, 0, NULL);
    struct mr_passport passport;
    int r;

    *ret = (struct mr_passport_difference){0};
    if (!json)
        return mr_error_set(reterr, MR_ECORRUPT, "passport", "restore the log from its backup",
                "the stored version is no JSON");
    r = mr_passport_open(
            &passport, house, (uint64_t)json_integer_value(json_object_get(json, "as_of")), reterr);
    if (r == 0) {
        r = compare(&passport, json, stored, ret);
        mr_passport_fini(&passport);
    }
    json_decref(json);
    return r;
}
