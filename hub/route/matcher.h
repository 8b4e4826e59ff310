/*
 * Which subscriptions want an event (CloudEvents Subscriptions 1.0, section on filters), compiled once from
 * the configuration. Each event is matched once, before it is appended (decision 18). Immutable after
 * creation: any thread.
 *
 * Subscriptions with the same filters share one rule; an index by type and by one more attribute (or by
 * employer, for scope staff) leads to the few rules that an event can match at all (ADR 0014).
 */
#ifndef MR_HUB_ROUTE_MATCHER_H
#define MR_HUB_ROUTE_MATCHER_H

#include <stdint.h>

#include "hub/route/filter.h"
#include "hub/house.h"
#include "proto/wire/codec.h"

struct mr_matcher;

/*
 * The configuration is borrowed until free. MR_ECONFIG: a filter that does not compile (mr_filters_check()
 * says where), a subscription without an id, or more than MR_RECORD_SUBS_MAX of them may want one event.
 */
int mr_matcher_create(struct mr_matcher **ret, const struct mr_config *config, const struct mr_names *names,
        struct mr_error *reterr);
void mr_matcher_free(struct mr_matcher *matcher);

/* The same without a log, for `--check`: 0 or MR_ECONFIG with the place; file: the configuration's name. */
int mr_matcher_check(const struct mr_config *config, const char *file, struct mr_error *reterr);

/* What the resolver knows beside the event. */
struct mr_match_context {
    const char *const *employers; /* names of the systems that employ one of its persons now, and ... */
    size_t employers_count;       /* at most MR_STAFFOF_SYSTEMS_MAX */
};

/*
 * Fills ret with subscription ids in ascending order; returns how many (at most MR_RECORD_SUBS_MAX). A system
 * does not get back what it said itself.
 */
size_t mr_matcher_match(const struct mr_matcher *matcher, const struct mr_event *event, const char *sender,
        const struct mr_match_context *context, uint16_t ret[static MR_RECORD_SUBS_MAX]);

/* How many filters this event meets in the index: what matching it costs. */
size_t mr_matcher_candidates(const struct mr_matcher *matcher, const struct mr_event *event,
        const struct mr_match_context *context);

#endif
