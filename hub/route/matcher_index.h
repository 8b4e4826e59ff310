/*
 * From an event to the rules that it can match: for each registered type a list of rules to try always, and a
 * hash table from (type, attribute, value) to rules that want just this value. For the matcher only.
 * Immutable after build: any thread.
 */
#ifndef MR_HUB_ROUTE_MATCHER_INDEX_H
#define MR_HUB_ROUTE_MATCHER_INDEX_H

#include "hub/route/filter.h"
#include "hub/route/matcher.h"

/* Subscriptions that want the same: those whose filters are the same, and of scope staff those of one system.
 */
struct mr_rule {
    struct mr_filter *filter;
    const char *employer; /* scope staff: the system; NULL: scope all */
    uint16_t *subs;       /* ids, ascending */
    size_t subs_count;
};

/* One way to a rule. */
struct mr_candidate {
    uint32_t rule;
    bool sure; /* the type alone says that the filter matches */
};

struct mr_matcher_index;

int mr_matcher_index_create(
        struct mr_matcher_index **ret, const struct mr_rule *rules, size_t count); /* 0 or MR_ENOMEM */
void mr_matcher_index_free(struct mr_matcher_index *index);

/* Calls fn with every rule that this event, whose type is registered, can match; each once. */
typedef void (*mr_candidate_fn)(void *ctx, const struct mr_candidate *candidate);
void mr_matcher_index_walk(const struct mr_matcher_index *index, const struct mr_event *event,
        const struct mr_match_context *context, mr_candidate_fn fn, void *ctx);

/* The most subscriptions that one event of this type might get; type: number in the registry. */
size_t mr_matcher_index_bound(const struct mr_matcher_index *index, const struct mr_rule *rules, size_t type);

#endif
