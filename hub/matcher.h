/*
 * Which subscriptions want an event (CloudEvents Subscriptions 1.0, section on filters), compiled once from
 * the configuration. Each event is matched once, before it is appended (decision 18). Immutable after
 * creation: any thread.
 */
#ifndef MR_HUB_MATCHER_H
#define MR_HUB_MATCHER_H

#include <stdint.h>

#include "hub/house.h"
#include "proto/wire/codec.h"

struct mr_matcher;

int mr_matcher_create(struct mr_matcher **ret, const struct mr_config *config, const struct mr_names *names);
void mr_matcher_free(struct mr_matcher *matcher);

/* What the resolver knows beside the event. */
struct mr_match_context {
    const char *const *employers; /* names of the systems that employ one of its persons now, and ... */
    size_t employers_count;
};

/*
 * Fills ret with subscription ids in ascending order; returns how many (at most MR_RECORD_SUBS_MAX). A system
 * does not get back what it said itself.
 */
size_t mr_matcher_match(const struct mr_matcher *matcher, const struct mr_event *event, const char *sender,
        const struct mr_match_context *context, uint16_t ret[static MR_RECORD_SUBS_MAX]);

/* One filter against one event: for `config check` and tests. */
bool mr_filter_matches(const struct mr_config_filter *filter, const struct mr_event *event);

#endif
