#include "hub/audit/search.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "hub/audit/search_list.h"
#include "hub/audit/territory.h"
#include "hub/index/index_keys.h"
#include "hub/record/opened.h"
#include "hub/deliver/wanted.h"
#include "proto/wire/registry.h"

struct work {
    const struct mr_house *house;
    const struct mr_search *search;
    mr_search_fn fn;
    void *ctx;
    struct mr_error *reterr;
    struct mr_index_reader *index;
    struct mr_log_reader *reader;
    struct mr_record_view view;
    struct mr_opened opened;
    struct mr_buf type;
    struct mr_conditions conditions;
    uint8_t (*idents)[MR_INDEX_KEY_BYTES]; /* of search->id under each source that is configured */
    size_t idents_count;
    uint16_t system;
    uint64_t first, last; /* bounds */
    size_t looked;
};

/* ---- does a record match: the one truth, for what the index led to and for what it does not have ---- */

static bool type_matches(const char *wanted, const char *type)
{
    size_t size = strlen(wanted);

    return size > 0 && wanted[size - 1] == '.' ? strncmp(type, wanted, size) == 0 : strcmp(type, wanted) == 0;
}

static bool source_matches(const char *wanted, const struct mr_record *record)
{
    struct mr_slice source = mr_record_source(record);
    size_t size = strlen(wanted);
    bool prefix = size > 0 && strchr(":/.", wanted[size - 1]);

    return (prefix ? source.size >= size : source.size == size) && memcmp(source.data, wanted, size) == 0;
}

static bool has_person(const struct work *w)
{
    const struct mr_record *record = &w->view.record;
    uint8_t id[MR_KEY_ID_BYTES];

    if (record->flags & MR_RECORD_QUARANTINED)
        return false;
    for (size_t i = 0; i < record->slots_count; i++) {
        if (mr_slot_key_id(record->slots[i], id) < 0)
            continue;
        for (size_t j = 0; j < w->search->parts_count; j++)
            if (memcmp(w->search->parts[j].key_id, id, sizeof id) == 0)
                return true;
    }
    return false;
}

static bool has_ident(const struct work *w)
{
    for (size_t i = 0; i < w->idents_count; i++)
        if (memcmp(w->idents[i], w->view.record.ident, MR_INDEX_KEY_BYTES) == 0)
            return true;
    return false;
}

static bool same(const char *text, const char *wanted)
{
    return text && strcmp(text, wanted) == 0;
}

/* What only the opened event tells. Of one that waits for correction no more than its ids. 1, 0, negative. */
static int inside_matches(struct work *w)
{
    const struct mr_search *s = w->search;
    bool waits = w->view.record.flags & MR_RECORD_QUARANTINED;
    const struct mr_territory *territory = w->house->territory;
    bool id_known = !s->id || has_ident(w);
    const struct mr_attributes *a = &w->opened.event.a;
    int r;

    if (id_known && !s->organisation && !s->correlation && !territory)
        return 1;
    r = mr_opened_read(
            &w->opened, w->house, &w->view.record, waits ? MR_PURPOSE_SHOW : MR_PURPOSE_INDEX, NULL);
    if (r < 0)
        return r == MR_ENOMEM ? r : 0;
    if (!waits && (w->view.record.flags & MR_RECORD_SEALED) && w->opened.unsealed.persons_count == 0)
        return 0; /* for one system only: index_inside.c */
    if (territory && !mr_territory_has_org(territory, a->orgid))
        return 0;
    return (id_known || same(a->id, s->id)) && (!s->correlation || same(a->correlationid, s->correlation)) &&
           (!s->organisation || (!waits && same(a->orgid, s->organisation)));
}

static int matches(struct work *w)
{
    const struct mr_search *s = w->search;
    const struct mr_record *record = &w->view.record;
    int r;

    if ((s->from_us && record->recorded_us < s->from_us) || (s->to_us && record->recorded_us >= s->to_us) ||
            (s->system && record->system != w->system) || (s->state && mr_record_state(record) != s->state) ||
            (s->parts && !has_person(w)) || (s->source && !source_matches(s->source, record)))
        return 0;
    if (s->type) {
        r = mr_record_type(record, &w->type);
        if (r < 0 || !type_matches(s->type, mr_buf_str(&w->type)))
            return r;
    }
    return inside_matches(w);
}

/* ---- what to look for in the index ---- */

static int add_lane(struct work *w, enum mr_index_kind kind, const uint8_t *key)
{
    return mr_condition_lane(&w->conditions.items[w->conditions.count - 1], kind, key);
}

static int begin_condition(struct work *w)
{
    static const uint8_t no_key[MR_INDEX_KEY_BYTES];

    (void)mr_conditions_add(&w->conditions);
    return add_lane(w, MR_INDEX_DAMAGED, no_key); /* nobody knows of what key these are */
}

static int want_type(struct work *w)
{
    uint8_t key[MR_INDEX_KEY_BYTES];
    size_t size = strlen(w->search->type);
    int r = begin_condition(w);

    if (size == 0 || w->search->type[size - 1] != '.') {
        mr_index_key_type(w->search->type, key);
        return r < 0 ? r : add_lane(w, MR_INDEX_TYPE, key);
    }
    for (size_t i = 0; r == 0 && i < mr_registry_count(); i++)
        if (type_matches(w->search->type, mr_registry_at(i)->name)) {
            mr_index_key_type(mr_registry_at(i)->name, key);
            r = add_lane(w, MR_INDEX_TYPE, key);
        }
    return r;
}

static int want_system(struct work *w)
{
    uint8_t key[MR_INDEX_KEY_BYTES];
    int r = begin_condition(w);

    w->system = strcmp(w->search->system, "hub") == 0
                        ? MR_SYSTEM_HUB
                        : mr_names_id(w->house->names, MR_NAME_SYSTEM, w->search->system);
    if (w->system == 0)
        return mr_error_set(w->reterr, MR_EINVAL, "system", "give a name of the configuration",
                "the log has no such system");
    mr_index_key_system(w->system, key);
    return r < 0 ? r : add_lane(w, MR_INDEX_SYSTEM, key);
}

static int want_organisation(struct work *w)
{
    uint8_t key[MR_INDEX_KEY_BYTES];
    int r = begin_condition(w);

    mr_index_key_organisation(w->house->keyring, w->search->organisation, key);
    return r < 0 ? r : add_lane(w, MR_INDEX_ORGANISATION, key);
}

/* Those of who asks, whatever is asked: and what waits, which the index has by no organisation. */
static int want_territory(struct work *w)
{
    const struct mr_territory *territory = w->house->territory;
    uint8_t key[MR_INDEX_KEY_BYTES];
    int r = begin_condition(w);

    for (size_t i = 0; r == 0 && i < territory->orgs_count; i++) {
        mr_index_key_organisation(w->house->keyring, territory->orgs[i], key);
        r = add_lane(w, MR_INDEX_ORGANISATION, key);
    }
    mr_index_key_type("hub.event.quarantined.v1", key);
    return r < 0 ? r : add_lane(w, MR_INDEX_TYPE, key);
}

static int want_correlation(struct work *w)
{
    uint8_t key[MR_INDEX_KEY_BYTES];
    int r = begin_condition(w);

    mr_index_key_correlation(w->house->keyring, w->search->correlation, key);
    return r < 0 ? r : add_lane(w, MR_INDEX_CORRELATION, key);
}

static int want_id(struct work *w)
{
    const struct mr_config *config = w->house->config;
    uint8_t key[MR_INDEX_KEY_BYTES];
    int r = begin_condition(w);

    mr_index_key_event_id(w->house->keyring, w->search->id, key);
    if (r == 0)
        r = add_lane(w, MR_INDEX_EVENT_ID, key);
    w->idents = calloc(config->systems_count + 1, sizeof *w->idents);
    if (!w->idents)
        return MR_ENOMEM;
    for (uint32_t i = 0; r == 0 && i <= config->systems_count; i++) {
        const char *source = i < config->systems_count ? config->systems[i].source : config->hub.source;

        mr_index_key_ident(w->house->keyring, source, w->search->id, w->idents[i]);
        r = add_lane(w, MR_INDEX_IDENT, w->idents[i]);
        w->idents_count++;
    }
    return r;
}

static int want_person(struct work *w)
{
    int r = begin_condition(w);

    for (size_t i = 0; r == 0 && i < w->search->parts_count; i++) {
        uint8_t key[MR_INDEX_KEY_BYTES];
        struct mr_slot_key slot;

        r = mr_keyring_key(w->house->keyring, w->search->parts[i].key_id, &slot);
        if (r < 0)
            return r;
        mr_index_key_person(&slot, key);
        sodium_memzero(&slot, sizeof slot);
        r = add_lane(w, MR_INDEX_PERSON, key);
    }
    return r;
}

static int want_all(struct work *w)
{
    const struct mr_search *s = w->search;
    const struct {
        bool asked;
        int (*want)(struct work *w);
    } wants[] = {{s->parts != NULL, want_person}, {s->id != NULL, want_id},
            {s->correlation != NULL, want_correlation}, {s->organisation != NULL, want_organisation},
            {w->house->territory != NULL, want_territory}, {s->type != NULL, want_type},
            {s->system != NULL, want_system}};
    int r = 0;

    w->conditions.reader = w->index;
    w->conditions.newest = s->newest;
    for (size_t i = 0; r == 0 && i < sizeof wants / sizeof wants[0]; i++)
        if (wants[i].asked)
            r = wants[i].want(w);
    return r;
}

/* ---- going through ---- */

static void set_bounds(struct work *w)
{
    const struct mr_search *s = w->search;
    uint64_t head = mr_log_reader_head(w->reader);

    w->first = s->first ? s->first : 1;
    w->last = s->last && s->last < head ? s->last : head;
    if (s->from_us) {
        uint64_t n = mr_wanted_from_time(w->reader, &w->view, s->from_us);

        w->first = n > w->first ? n : w->first;
    }
    if (s->to_us) {
        uint64_t n = mr_wanted_from_time(w->reader, &w->view, s->to_us);

        w->last = n - 1 < w->last ? n - 1 : w->last;
    }
}

/* One record. A damaged one is nobody's: `log verify` and the scrubber report it. */
static int look(struct work *w, uint64_t number)
{
    int r = mr_log_read(w->reader, number, &w->view, w->reterr);

    w->looked++;
    if (w->looked % MR_TICK_EVERY == 0)
        mr_tick(w->house->tick, "records", w->search->newest ? w->last - number : number - w->first,
                w->last - w->first + 1);
    if (r == MR_ECORRUPT)
        return 0;
    if (r == 0)
        r = matches(w);
    return r == 1 ? w->fn(w->ctx, &w->view.record) : r;
}

static bool spent(const struct work *w)
{
    return w->search->looks_max > 0 && w->looked >= w->search->looks_max;
}

/* Behind the one that was looked at, on the way that is gone; 0: no number is. */
static uint64_t behind(const struct work *w, uint64_t number)
{
    return w->search->newest ? number - 1 : number + 1;
}

static bool is_inside(const struct work *w, uint64_t number, uint64_t first, uint64_t last)
{
    return number > 0 && number >= first && number <= last && !spent(w);
}

/* Those of first..last that the index holds; *next is behind the last one looked at. */
static int in_index(struct work *w, uint64_t first, uint64_t last, uint64_t *next)
{
    int r = mr_conditions_order(&w->conditions, w->search->newest ? last : first);

    while (r == 0 && is_inside(w, *next, first, last)) {
        uint64_t number;

        r = mr_conditions_next(&w->conditions, *next, &number);
        if (r < 0)
            break;
        if (number == 0 || number < first || number > last) {
            *next = w->search->newest ? first - 1 : last + 1;
            break;
        }
        *next = behind(w, number);
        r = look(w, number);
    }
    return r;
}

/* Record by record. */
static int in_log(struct work *w, uint64_t first, uint64_t last, uint64_t *next)
{
    int r = 0;

    while (r == 0 && is_inside(w, *next, first, last)) {
        uint64_t number = *next;

        *next = behind(w, number);
        r = look(w, number);
    }
    return r;
}

/* What the index has by it, all else out of the log. */
static int go_through(struct work *w, uint64_t *ret_next)
{
    uint64_t through = w->conditions.count > 0 ? mr_index_reader_through(w->index) : 0;
    uint64_t indexed = through < w->last ? through : w->last; /* the last one that it has */
    uint64_t rest = through < w->first ? w->first : through + 1,
             next = w->search->newest ? w->last : w->first;
    int r = 0;

    if (w->search->newest)
        r = in_log(w, rest, w->last, &next);
    if (r == 0)
        r = in_index(w, w->first, indexed, &next);
    if (r == 0 && !w->search->newest)
        r = in_log(w, rest, w->last, &next);
    *ret_next = next >= w->first && next <= w->last ? next : 0;
    return r;
}

static int run(struct work *w, uint64_t *ret_next)
{
    /* The index first: what its snapshot does not have, the log's has. */
    int r = mr_index_reader_open(w->house->index, &w->index);

    if (r == 0)
        r = mr_log_reader_open(w->house->log, &w->reader);
    if (r == 0)
        r = want_all(w);
    if (r < 0)
        return r;
    set_bounds(w);
    return go_through(w, ret_next);
}

int mr_search_run(const struct mr_house *house, const struct mr_search *search, mr_search_fn fn, void *ctx,
        uint64_t *ret_next, struct mr_error *reterr)
{
    struct work *w;
    int r;

    *ret_next = 0;
    if (!house->keyring)
        return mr_error_set(reterr, MR_EDENIED, "", "start the hub, or run this as the user of the hub",
                "ids are stored as keyed digests and the key is not open here");
    w = calloc(1, sizeof *w);
    if (!w)
        return MR_ENOMEM;
    w->house = house;
    w->search = search;
    w->fn = fn;
    w->ctx = ctx;
    w->reterr = reterr;
    mr_opened_init(&w->opened);
    r = run(w, ret_next);
    mr_conditions_fini(&w->conditions);
    mr_opened_fini(&w->opened);
    mr_buf_fini(&w->type);
    if (w->reader)
        mr_log_reader_close(w->reader);
    mr_index_reader_close(w->index);
    free(w->idents);
    free(w);
    return r;
}
