#include "hub/route/matcher_index.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "hub/intake/staffof.h"
#include "proto/base/list.h"
#include "proto/wire/registry.h"

enum {
    VALUES_MAX = 256, /* of one rule; a longer list is tried always */
    TYPES_FEW = 8,
    BY_EMPLOYER = MR_FILTER_ATTRIBUTES, /* beside the attributes */
    ALWAYS = MR_FILTER_ATTRIBUTES + 1,  /* no value to look up */
    DIMENSIONS = MR_FILTER_ATTRIBUTES + 2,
};

/* One row while building; rows of one key lie together when they are sorted. */
struct row {
    uint16_t slot; /* number of the type in the registry; behind the last one: every type */
    uint16_t dimension;
    struct mr_slice value;
    struct mr_candidate candidate;
};

struct key {
    uint16_t slot;
    uint16_t dimension;
    struct mr_slice value;
    size_t first; /* in candidates */
    size_t count; /* 0: a free place of the hash table */
};

struct mr_matcher_index {
    size_t types_count;
    uint32_t *dimensions; /* by slot: bits of those that it uses */
    struct mr_candidate *candidates;
    struct key *keys;
    size_t keys_mask; /* size of the table, a power of two, less one */
    char *values;     /* copies, so that an index does not hang on how filters keep their texts */
};

/* ---- building ---- */

struct builder {
    struct row *rows;
    size_t count;
    size_t capacity;
};

static int add(struct builder *b, const struct row *row)
{
    if (b->count == b->capacity) {
        size_t capacity = b->capacity ? b->capacity * 2 : 256;
        struct row *rows = realloc(b->rows, capacity * sizeof *rows);

        if (!rows)
            return MR_ENOMEM;
        b->rows = rows;
        b->capacity = capacity;
    }
    b->rows[b->count++] = *row;
    return 0;
}

/* The values by which the rule is found, at most VALUES_MAX, and of what. The first attribute that has some
 * wins: those come first that tell most events apart. */
static unsigned dimension_of(const struct mr_rule *rule, struct mr_slice *values, size_t *count)
{
    static const char *const order[] = {"id", "subject", "partitionkey", "correlationid", "causationid",
            "actor", "orgid", "oktmo", "source", "dataschema", "basis", "actorrole", "regioncode"};

    if (rule->employer) {
        values[0] = mr_slice_str(rule->employer);
        *count = 1;
        return BY_EMPLOYER;
    }
    for (size_t i = 0; i < MR_COUNT(order); i++) {
        for (unsigned k = 0; k < MR_FILTER_ATTRIBUTES; k++) {
            if (strcmp(mr_filter_attribute_name(k), order[i]) != 0)
                continue;
            *count = mr_filter_values(rule->filter, k, values, VALUES_MAX);
            if (*count > 0)
                return k;
        }
    }
    values[0] = mr_slice(NULL, 0);
    *count = 1;
    return ALWAYS;
}

/* Rows of one rule: under the types that it may want if they are few, else once under every type; there its
 * filter says no to the others. */
static int add_rule(struct builder *b, const struct mr_rule *rule, uint32_t number, size_t types)
{
    struct mr_slice values[VALUES_MAX];
    size_t values_count = 0, wanted_count = 0, sure_count = 0;
    struct row few[TYPES_FEW + 1];
    unsigned dimension = dimension_of(rule, values, &values_count);
    int r = 0;

    for (size_t t = 0; t < types; t++) {
        enum mr_filter_answer answer = mr_filter_ask_type(rule->filter, mr_registry_at(t)->name);
        bool sure = answer == MR_FILTER_YES;

        sure_count += sure;
        if (answer != MR_FILTER_NO && wanted_count++ < TYPES_FEW)
            few[wanted_count - 1] = (struct row){.slot = (uint16_t)t, .candidate = {number, sure}};
    }
    if (wanted_count > TYPES_FEW) {
        few[0] = (struct row){.slot = (uint16_t)types, .candidate = {number, sure_count == types}};
        wanted_count = 1;
    }
    for (size_t t = 0; t < wanted_count; t++)
        for (size_t i = 0; r == 0 && i < values_count; i++)
            r = add(b, &(struct row){few[t].slot, (uint16_t)dimension, values[i], few[t].candidate});
    return r;
}

static int compare_rows(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    int r = (int)x->slot - (int)y->slot;

    if (r == 0)
        r = (int)x->dimension - (int)y->dimension;
    if (r == 0)
        r = mr_slice_compare(x->value, y->value);
    if (r == 0)
        r = (x->candidate.rule > y->candidate.rule) - (x->candidate.rule < y->candidate.rule);
    return r;
}

/* FNV-1a. The keys come from the configuration, so nobody outside can make them collide. */
static uint64_t hash_of(size_t slot, unsigned dimension, struct mr_slice value)
{
    uint64_t hash = 14695981039346656037u ^ (slot * DIMENSIONS + dimension);

    hash *= 1099511628211u;
    for (size_t i = 0; i < value.size; i++)
        hash = (hash ^ value.data[i]) * 1099511628211u;
    return hash ^ hash >> 32;
}

static struct key *place_of(
        const struct mr_matcher_index *index, size_t slot, unsigned dimension, struct mr_slice value)
{
    size_t i = (size_t)hash_of(slot, dimension, value) & index->keys_mask;

    for (;; i = (i + 1) & index->keys_mask) {
        struct key *key = &index->keys[i];

        if (key->count == 0 ||
                (key->slot == slot && key->dimension == dimension && mr_slice_equal(key->value, value)))
            return key;
    }
}

static void put_rows(struct mr_matcher_index *index, const struct builder *b)
{
    size_t used = 0, values_used = 0;

    for (size_t i = 0; i < b->count; i++) {
        const struct row *row = &b->rows[i];
        struct key *key = place_of(index, row->slot, row->dimension, row->value);

        if (i > 0 && compare_rows(row, row - 1) == 0)
            continue; /* a value that the filter names twice */
        if (key->count == 0) {
            *key = (struct key){row->slot, row->dimension,
                    mr_slice(index->values + values_used, row->value.size), used, 0};
            if (row->value.size > 0)
                memcpy(index->values + values_used, row->value.data, row->value.size);
            values_used += row->value.size;
            index->dimensions[row->slot] |= 1u << row->dimension;
        }
        key->count++;
        index->candidates[used++] = row->candidate;
    }
}

static bool same_key(const struct row *a, const struct row *b)
{
    return a->slot == b->slot && a->dimension == b->dimension && mr_slice_equal(a->value, b->value);
}

static int build(struct mr_matcher_index *index, struct builder *b)
{
    size_t keys = 0, size = 16, values_size = 0;

    if (b->count > 0)
        qsort(b->rows, b->count, sizeof *b->rows, compare_rows);
    for (size_t i = 0; i < b->count; i++) {
        if (i > 0 && same_key(&b->rows[i], &b->rows[i - 1]))
            continue;
        keys++;
        values_size += b->rows[i].value.size;
    }
    while (size < keys * 2)
        size *= 2;
    index->keys_mask = size - 1;
    index->keys = calloc(size, sizeof *index->keys);
    index->candidates = calloc(b->count + 1, sizeof *index->candidates);
    index->values = malloc(values_size + 1);
    if (!index->keys || !index->candidates || !index->values)
        return MR_ENOMEM;
    put_rows(index, b);
    return 0;
}

int mr_matcher_index_create(struct mr_matcher_index **ret, const struct mr_rule *rules, size_t count)
{
    struct mr_matcher_index *index = calloc(1, sizeof *index);
    struct builder b = {0};
    size_t types = mr_registry_count();
    int r = index ? 0 : MR_ENOMEM;

    if (r == 0) {
        index->types_count = types;
        index->dimensions = calloc(types + 1, sizeof *index->dimensions);
        r = index->dimensions ? 0 : MR_ENOMEM;
    }
    for (size_t i = 0; r == 0 && i < count; i++)
        r = add_rule(&b, &rules[i], (uint32_t)i, types);
    if (r == 0)
        r = build(index, &b);
    free(b.rows);
    if (r < 0) {
        mr_matcher_index_free(index);
        return r;
    }
    *ret = index;
    return 0;
}

void mr_matcher_index_free(struct mr_matcher_index *index)
{
    if (!index)
        return;
    free(index->dimensions);
    free(index->candidates);
    free(index->keys);
    free(index->values);
    free(index);
}

/* ---- one event ---- */

struct walk {
    const struct mr_matcher_index *index;
    mr_candidate_fn fn;
    void *ctx;
};

static void look_up(const struct walk *walk, size_t slot, unsigned dimension, struct mr_slice value)
{
    const struct key *key = place_of(walk->index, slot, dimension, value);

    for (size_t i = 0; i < key->count; i++)
        walk->fn(walk->ctx, &walk->index->candidates[key->first + i]);
}

static void walk_slot(const struct walk *walk, size_t slot, const struct mr_event *event,
        const struct mr_match_context *context)
{
    uint32_t dimensions = walk->index->dimensions[slot];

    for (unsigned k = 0; dimensions >> k != 0 && k < MR_FILTER_ATTRIBUTES; k++) {
        const char *value = dimensions & 1u << k ? mr_filter_attribute_of(&event->a, k) : NULL;

        if (value)
            look_up(walk, slot, k, mr_slice_str(value));
    }
    for (size_t i = 0; dimensions & 1u << BY_EMPLOYER && i < context->employers_count; i++)
        look_up(walk, slot, BY_EMPLOYER, mr_slice_str(context->employers[i]));
    if (dimensions & 1u << ALWAYS)
        look_up(walk, slot, ALWAYS, mr_slice(NULL, 0));
}

void mr_matcher_index_walk(const struct mr_matcher_index *index, const struct mr_event *event,
        const struct mr_match_context *context, mr_candidate_fn fn, void *ctx)
{
    const struct walk walk = {index, fn, ctx};
    /* The registry is one static array in the order of mr_registry_at(). */
    size_t type = (size_t)(event->type - mr_registry_at(0));

    assert(type < index->types_count);
    walk_slot(&walk, type, event, context);
    walk_slot(&walk, index->types_count, event, context);
}

/* ---- how many at most ---- */

static size_t subs_of(
        const struct mr_matcher_index *index, const struct mr_rule *rules, const struct key *key)
{
    size_t subs = 0;

    for (size_t i = 0; i < key->count; i++)
        subs += rules[index->candidates[key->first + i].rule].subs_count;
    return subs;
}

/* An event has one value of each attribute, so of a dimension the fullest key counts; of employers it may
 * have many. */
size_t mr_matcher_index_bound(const struct mr_matcher_index *index, const struct mr_rule *rules, size_t type)
{
    size_t fullest[2][DIMENSIONS] = {{0}};
    size_t all[2] = {0}, bound = 0;

    for (size_t i = 0; i <= index->keys_mask; i++) {
        const struct key *key = &index->keys[i];
        unsigned every = key->slot == index->types_count;
        size_t subs = key->count > 0 && (key->slot == type || every) ? subs_of(index, rules, key) : 0;

        if (key->dimension == BY_EMPLOYER)
            all[every] += subs;
        if (subs > fullest[every][key->dimension])
            fullest[every][key->dimension] = subs;
    }
    for (unsigned every = 0; every < 2; every++) {
        for (unsigned k = 0; k < DIMENSIONS; k++) {
            size_t subs = fullest[every][k];

            if (k == BY_EMPLOYER)
                subs = subs * MR_STAFFOF_SYSTEMS_MAX < all[every] ? subs * MR_STAFFOF_SYSTEMS_MAX
                                                                  : all[every];
            bound += subs;
        }
    }
    return bound;
}
