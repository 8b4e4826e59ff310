/*
 * Filters of CloudEvents Subscriptions 1.0, compiled: exact, prefix, suffix, all, any, not, sql. They see the
 * attributes of an event, never its payload. Immutable after creation: any thread.
 */
#ifndef MR_HUB_ROUTE_FILTER_H
#define MR_HUB_ROUTE_FILTER_H

#include "hub/cesql/cesql.h"
#include "hub/route/event_attributes.h"

struct mr_filter;

/* What is wrong in which one of them. */
struct mr_filter_problem {
    char path[128]; /* "filters[1].any[0].sql" */
    struct mr_cesql_problem sql;
};

/*
 * Compiles a subscription's filters as one: all must match. The configuration is borrowed until free. 0;
 * MR_ECONFIG and the problem: an expression that is wrong, or that no event can pass; MR_ENOMEM; of
 * mr_cesql_compile().
 */
int mr_filter_create(struct mr_filter **ret, const struct mr_config_filter *filters, uint32_t count,
        struct mr_filter_problem *problem);
void mr_filter_free(struct mr_filter *filter); /* NULL is fine */

/* An expression that ends with an error, or with no Boolean, does not match (cesql/spec.md, section 1.2). The
 * view's arena is used and reset. */
bool mr_filter_matches(const struct mr_filter *filter, const struct mr_event_view *view);

/* What the type alone says; never NO where an event of this type can match, never YES where one cannot. */
enum mr_filter_answer { MR_FILTER_NO, MR_FILTER_MAYBE, MR_FILTER_YES };
enum mr_filter_answer mr_filter_ask_type(const struct mr_filter *filter, const char *type);

/* The values of which the attribute must have one for the filter to match, at most max; 0: there is no such
 * list. They live in filter and configuration and may repeat. */
size_t mr_filter_values(const struct mr_filter *filter, unsigned attribute, struct mr_slice *ret, size_t max);

/* Filters with the same bytes here match the same events. Appended to out. */
void mr_filter_put_form(const struct mr_filter *filter, struct mr_buf *out);

/*
 * Every filter of every subscription compiles. 0 or MR_ECONFIG with the place; file: the configuration's
 * name. warn (may be NULL) hears of subscriptions that can never get an event: no registered type can pass,
 * nobody else may publish what can, or nobody of them has the source or the region that is asked for.
 */
typedef void (*mr_filter_warning_fn)(void *ctx, const struct mr_error *warning);
int mr_filters_check(const struct mr_config *config, const char *file, mr_filter_warning_fn warn, void *ctx,
        struct mr_error *reterr);

#endif
