/*
 * For every registered type, the subscriptions whose filters do not rule it out: an event then meets only
 * those. Which types a filter rules out is asked of the filter itself, with every other attribute unknown
 * (three-valued).
 */
#include "hub/matcher.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/list.h"

struct compiled {
    const struct mr_config_subscription *subscription;
    uint16_t id;
};

/* Indexes into subs of those that may want the type. */
struct candidates {
    uint16_t *subs;
    size_t count;
};

struct mr_matcher {
    struct compiled *subs; /* ascending by id */
    size_t subs_count;
    struct candidates *by_type; /* by index in the registry; one more row for types that are not in it: all */
    size_t types_count;
};

/* What the type alone says about a filter. */
enum answer { NO, MAYBE, YES };

static bool only_type(const struct mr_filter_attributes *attributes)
{
    struct mr_filter_attributes rest = *attributes;
    static const struct mr_filter_attributes none;

    rest.type = NULL;
    return memcmp(&rest, &none, sizeof rest) == 0;
}

static enum answer ask_attributes(const struct mr_filter_attributes *attributes, bool type_matches)
{
    if (attributes->type && !type_matches)
        return NO;
    return only_type(attributes) ? YES : MAYBE;
}

static enum answer ask(const struct mr_config_filter *filter, const char *type);

/* all: the least of the answers; any: the greatest. */
static enum answer ask_many(
        const struct mr_config_filter *filters, uint32_t count, const char *type, bool all)
{
    enum answer answer = all ? YES : NO;

    for (uint32_t i = 0; i < count; i++) {
        enum answer one = ask(&filters[i], type);

        if (all ? one < answer : one > answer)
            answer = one;
    }
    return answer;
}

static enum answer ask(const struct mr_config_filter *filter, const char *type)
{
    size_t size = strlen(type);

    if (filter->exact)
        return ask_attributes(filter->exact, filter->exact->type && strcmp(filter->exact->type, type) == 0);
    if (filter->prefix) {
        const char *prefix = filter->prefix->type;

        return ask_attributes(filter->prefix, prefix && strncmp(prefix, type, strlen(prefix)) == 0);
    }
    if (filter->suffix) {
        const char *suffix = filter->suffix->type;
        size_t need = suffix ? strlen(suffix) : 0;

        return ask_attributes(
                filter->suffix, suffix && need <= size && strcmp(suffix, type + size - need) == 0);
    }
    if (filter->all)
        return ask_many(filter->all, filter->all_count, type, true);
    if (filter->any)
        return ask_many(filter->any, filter->any_count, type, false);
    if (filter->not_)
        return (enum answer)(YES - ask(filter->not_, type));
    return MAYBE; /* a dialect that knows nothing about types, such as sql later */
}

static int compare_id(const void *a, const void *b)
{
    return (int)((const struct compiled *)a)->id - (int)((const struct compiled *)b)->id;
}

static int compile_subscriptions(
        struct mr_matcher *matcher, const struct mr_config *config, const struct mr_names *names)
{
    if (mr_config_subscriptions_configured(config) > MR_RECORD_SUBS_MAX)
        return MR_ECONFIG;
    matcher->subs = calloc(config->subscriptions_count + 1u, sizeof *matcher->subs);
    if (!matcher->subs)
        return MR_ENOMEM;
    for (uint32_t i = 0; i < config->subscriptions_count; i++) {
        const struct mr_config_subscription *subscription = &config->subscriptions[i];
        uint16_t id = mr_names_id(names, MR_NAME_SUBSCRIPTION, subscription->name);

        if (id == 0)
            return MR_ECONFIG;
        if (mr_config_builtin(subscription))
            continue;
        matcher->subs[matcher->subs_count++] = (struct compiled){subscription, id};
    }
    qsort(matcher->subs, matcher->subs_count, sizeof *matcher->subs, compare_id);
    return 0;
}

/* type NULL: every subscription. */
static int compile_candidates(const struct mr_matcher *matcher, const char *type, struct candidates *ret)
{
    ret->subs = calloc(matcher->subs_count + 1, sizeof *ret->subs);
    if (!ret->subs)
        return MR_ENOMEM;
    for (size_t i = 0; i < matcher->subs_count; i++) {
        const struct mr_config_subscription *s = matcher->subs[i].subscription;

        if (!type || ask_many(s->filters, s->filters_count, type, true) != NO)
            ret->subs[ret->count++] = (uint16_t)i;
    }
    return 0;
}

static int compile_types(struct mr_matcher *matcher)
{
    int r = 0;

    matcher->types_count = mr_registry_count();
    matcher->by_type = calloc(matcher->types_count + 1, sizeof *matcher->by_type);
    if (!matcher->by_type)
        return MR_ENOMEM;
    for (size_t i = 0; r == 0 && i < matcher->types_count; i++)
        r = compile_candidates(matcher, mr_registry_at(i)->name, &matcher->by_type[i]);
    return r < 0 ? r : compile_candidates(matcher, NULL, &matcher->by_type[matcher->types_count]);
}

int mr_matcher_create(struct mr_matcher **ret, const struct mr_config *config, const struct mr_names *names)
{
    struct mr_matcher *matcher = calloc(1, sizeof *matcher);
    int r = matcher ? compile_subscriptions(matcher, config, names) : MR_ENOMEM;

    if (r == 0)
        r = compile_types(matcher);
    if (r < 0) {
        mr_matcher_free(matcher);
        return r;
    }
    *ret = matcher;
    return 0;
}

void mr_matcher_free(struct mr_matcher *matcher)
{
    if (!matcher)
        return;
    for (size_t i = 0; matcher->by_type && i <= matcher->types_count; i++)
        free(matcher->by_type[i].subs);
    free(matcher->by_type);
    free(matcher->subs);
    free(matcher);
}

static const struct candidates *candidates_of(const struct mr_matcher *matcher, const struct mr_event *event)
{
    /* The registry is one static array in the order of mr_registry_at(). */
    size_t index = event->type ? (size_t)(event->type - mr_registry_at(0)) : matcher->types_count;

    assert(index <= matcher->types_count);
    return &matcher->by_type[index];
}

static bool employs(const struct mr_match_context *context, const char *system)
{
    for (size_t i = 0; i < context->employers_count; i++) {
        if (strcmp(context->employers[i], system) == 0)
            return true;
    }
    return false;
}

static bool wants(const struct mr_config_subscription *s, const struct mr_event *event, const char *sender,
        const struct mr_match_context *context)
{
    if (sender && strcmp(s->system, sender) == 0)
        return false;
    if (s->scope == MR_SCOPE_STAFF && !employs(context, s->system))
        return false;
    for (uint32_t i = 0; i < s->filters_count; i++) {
        if (!mr_filter_matches(&s->filters[i], event))
            return false;
    }
    return true;
}

size_t mr_matcher_match(const struct mr_matcher *matcher, const struct mr_event *event, const char *sender,
        const struct mr_match_context *context, uint16_t ret[static MR_RECORD_SUBS_MAX])
{
    const struct candidates *candidates = candidates_of(matcher, event);
    size_t count = 0;

    for (size_t i = 0; i < candidates->count; i++) {
        const struct compiled *sub = &matcher->subs[candidates->subs[i]];

        if (wants(sub->subscription, event, sender, context))
            ret[count++] = sub->id;
    }
    return count;
}
