#include "hub/route/matcher.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub/route/matcher_index.h"
#include "proto/base/buf.h"
#include "proto/base/list.h"

struct mr_matcher {
    struct mr_rule *rules;
    size_t rules_count;
    struct mr_matcher_index *index;
    const char **systems; /* by subscription id: who receives */
    size_t systems_count;
};

/* ---- compiling ---- */

/* One subscription on its way to a rule. */
struct compiled {
    const struct mr_config_subscription *subscription;
    uint16_t id;
    struct mr_filter *filter; /* moves into the rule, or is freed */
    struct mr_buf form;       /* subscriptions of the same form become one rule */
};

struct compiler {
    struct compiled *subs;
    size_t count;
    struct mr_error *reterr;
};

static const char *employer_of(const struct compiled *sub)
{
    return sub->subscription->scope == MR_SCOPE_STAFF ? sub->subscription->system : NULL;
}

/* Those that the hub adds itself have a number and no rule: it says itself what goes there. */
static int compile_one(struct compiler *c, const struct mr_config_subscription *subscription, uint16_t id)
{
    struct compiled *sub = &c->subs[c->count];
    struct mr_filter_problem problem;
    const char *employer;
    int r;

    if (id == 0)
        return mr_error_set(c->reterr, MR_ECONFIG, subscription->name, "give it another name",
                "the log has no number for this subscription");
    if (mr_config_builtin(subscription))
        return 0;
    *sub = (struct compiled){.subscription = subscription, .id = id, .form = MR_BUF_INIT};
    c->count++;
    r = mr_filter_create(&sub->filter, subscription->filters, subscription->filters_count, &problem);
    if (r < 0)
        return mr_error_set(c->reterr, r, subscription->name, "`marshrut config check` says where", "%s: %s",
                problem.path, problem.sql.what);
    employer = employer_of(sub);
    mr_buf_put_str(&sub->form, employer ? employer : "");
    mr_buf_put_u8(&sub->form, 0);
    mr_filter_put_form(sub->filter, &sub->form);
    return mr_buf_failed(&sub->form) ? MR_ENOMEM : 0;
}

static int compare_form(const void *a, const void *b)
{
    const struct compiled *x = a, *y = b;
    int r = mr_slice_compare(mr_buf_slice(&x->form), mr_buf_slice(&y->form));

    return r ? r : (int)x->id - (int)y->id;
}

static int make_rule(struct mr_rule *rule, struct compiled *subs, size_t count)
{
    *rule = (struct mr_rule){.employer = employer_of(subs), .subs = calloc(count, sizeof *rule->subs)};
    if (!rule->subs)
        return MR_ENOMEM;
    for (size_t i = 0; i < count; i++)
        rule->subs[rule->subs_count++] = subs[i].id;
    rule->filter = subs[0].filter;
    subs[0].filter = NULL;
    return 0;
}

static int make_rules(struct mr_matcher *matcher, struct compiler *c)
{
    int r = 0;

    matcher->rules = calloc(c->count + 1, sizeof *matcher->rules);
    if (!matcher->rules)
        return MR_ENOMEM;
    qsort(c->subs, c->count, sizeof *c->subs, compare_form);
    for (size_t i = 0, n; r == 0 && i < c->count; i += n) {
        for (n = 1; i + n < c->count; n++)
            if (!mr_slice_equal(mr_buf_slice(&c->subs[i].form), mr_buf_slice(&c->subs[i + n].form)))
                break;
        r = make_rule(&matcher->rules[matcher->rules_count++], &c->subs[i], n);
    }
    return r;
}

static int note_systems(struct mr_matcher *matcher, const struct compiler *c)
{
    for (size_t i = 0; i < c->count; i++)
        if (c->subs[i].id >= matcher->systems_count)
            matcher->systems_count = c->subs[i].id + 1u;
    matcher->systems = calloc(matcher->systems_count + 1, sizeof *matcher->systems);
    if (!matcher->systems)
        return MR_ENOMEM;
    for (size_t i = 0; i < c->count; i++)
        matcher->systems[c->subs[i].id] = c->subs[i].subscription->system;
    return 0;
}

/* A record has room for so many subscriptions; more must be impossible, not cut off. */
static int check_bounds(const struct mr_matcher *matcher, struct mr_error *reterr)
{
    for (size_t t = 0; t < mr_registry_count(); t++) {
        size_t bound = mr_matcher_index_bound(matcher->index, matcher->rules, t);

        if (bound > MR_RECORD_SUBS_MAX)
            return mr_error_set(reterr, MR_ECONFIG, "subscriptions",
                    "narrow them by `exact` on an attribute that differs, such as orgid, or by scope staff",
                    "up to %zu subscriptions might want one event of type %s, and %d is the limit", bound,
                    mr_registry_at(t)->name, MR_RECORD_SUBS_MAX);
    }
    return 0;
}

static int compile(struct mr_matcher *matcher, struct compiler *c, const struct mr_config *config,
        const struct mr_names *names)
{
    int r = 0;

    c->subs = calloc(config->subscriptions_count + 1u, sizeof *c->subs);
    if (!c->subs)
        return MR_ENOMEM;
    for (uint32_t i = 0; r == 0 && i < config->subscriptions_count; i++)
        r = compile_one(c, &config->subscriptions[i],
                names ? mr_names_id(names, MR_NAME_SUBSCRIPTION, config->subscriptions[i].name)
                      : (uint16_t)(i % UINT16_MAX + 1));
    if (r == 0)
        r = note_systems(matcher, c);
    if (r == 0)
        r = make_rules(matcher, c);
    if (r == 0)
        r = mr_matcher_index_create(&matcher->index, matcher->rules, matcher->rules_count);
    return r < 0 ? r : check_bounds(matcher, c->reterr);
}

int mr_matcher_create(struct mr_matcher **ret, const struct mr_config *config, const struct mr_names *names,
        struct mr_error *reterr)
{
    struct mr_matcher *matcher = calloc(1, sizeof *matcher);
    struct compiler c = {.reterr = reterr};
    int r = matcher ? compile(matcher, &c, config, names) : MR_ENOMEM;

    for (size_t i = 0; i < c.count; i++) {
        mr_filter_free(c.subs[i].filter);
        mr_buf_fini(&c.subs[i].form);
    }
    free(c.subs);
    if (r < 0) {
        mr_matcher_free(matcher);
        return r == MR_ENOMEM ? mr_error_set(reterr, r, "subscriptions", "", "out of memory") : r;
    }
    *ret = matcher;
    return 0;
}

void mr_matcher_free(struct mr_matcher *matcher)
{
    if (!matcher)
        return;
    for (size_t i = 0; i < matcher->rules_count; i++) {
        mr_filter_free(matcher->rules[i].filter);
        free(matcher->rules[i].subs);
    }
    free(matcher->rules);
    mr_matcher_index_free(matcher->index);
    free(matcher->systems);
    free(matcher);
}

int mr_matcher_check(const struct mr_config *config, const char *file, struct mr_error *reterr)
{
    struct mr_matcher *matcher = NULL;
    char where[192];
    int r = mr_matcher_create(&matcher, config, NULL, reterr);

    mr_matcher_free(matcher);
    if (r < 0 && reterr) {
        mr_config_where(config, file, "subscriptions", where, sizeof where);
        (void)snprintf(reterr->where, sizeof reterr->where, "%s", where);
    }
    return r;
}

/* ---- one event ---- */

struct match {
    const struct mr_matcher *matcher;
    struct mr_event_view view;
    const char *sender;
    uint16_t *ret;
    size_t count;
};

static void on_candidate(void *ctx, const struct mr_candidate *candidate)
{
    struct match *match = ctx;
    const struct mr_rule *rule = &match->matcher->rules[candidate->rule];

    if (!candidate->sure && !mr_filter_matches(rule->filter, &match->view))
        return;
    for (size_t i = 0; i < rule->subs_count && match->count < MR_RECORD_SUBS_MAX; i++) {
        const char *system = match->matcher->systems[rule->subs[i]];

        if (!match->sender || strcmp(system, match->sender) != 0)
            match->ret[match->count++] = rule->subs[i];
    }
}

static bool employs(const struct mr_match_context *context, const char *system)
{
    for (size_t i = 0; i < context->employers_count; i++)
        if (strcmp(context->employers[i], system) == 0)
            return true;
    return false;
}

/* A type that the registry does not know has no place in the index: every rule is tried. The hub refuses such
 * events before it matches them. */
static void walk(const struct mr_matcher *matcher, const struct mr_event *event,
        const struct mr_match_context *context, mr_candidate_fn fn, void *ctx)
{
    if (event->type) {
        mr_matcher_index_walk(matcher->index, event, context, fn, ctx);
        return;
    }
    for (size_t i = 0; i < matcher->rules_count; i++)
        if (!matcher->rules[i].employer || employs(context, matcher->rules[i].employer))
            fn(ctx, &(struct mr_candidate){(uint32_t)i, false});
}

static int compare_id(const void *a, const void *b)
{
    return (int)*(const uint16_t *)a - (int)*(const uint16_t *)b;
}

size_t mr_matcher_match(const struct mr_matcher *matcher, const struct mr_event *event, const char *sender,
        const struct mr_match_context *context, uint16_t ret[static MR_RECORD_SUBS_MAX])
{
    struct mr_arena arena;
    struct match match = {
            .matcher = matcher, .view = {event, &arena}, .sender = sender, .ret = ret, .count = 0};

    mr_arena_init(&arena, MR_CESQL_BUDGET_BYTES);
    walk(matcher, event, context, on_candidate, &match);
    mr_arena_fini(&arena);
    qsort(ret, match.count, sizeof *ret, compare_id);
    return match.count;
}

static void on_count(void *ctx, const struct mr_candidate *candidate)
{
    *(size_t *)ctx += !candidate->sure;
}

size_t mr_matcher_candidates(const struct mr_matcher *matcher, const struct mr_event *event,
        const struct mr_match_context *context)
{
    size_t count = 0;

    walk(matcher, event, context, on_count, &count);
    return count;
}
