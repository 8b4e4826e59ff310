/*
 * The index of the matcher against plain evaluation of every subscription: random filters of all dialects,
 * random events, senders and employers. The plain evaluation is written here once more, so that it shares
 * nothing with the matcher but the evaluation of CESQL. MR_SEED repeats a run. The last test is of size:
 * 10,000 subscriptions beside 10.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub/route/matcher.h"
#include "proto/base/list.h"
#include "tests/support/hub_env.h"

enum { SUBSCRIPTIONS = 120, ROUNDS = 150, EVENTS = 60, DEPTH_MAX = 3, EMPLOYERS_MAX = 3 };

static const char *const systems[] = {"school", "copmkp", "cnppm", "portal"};
static const char *const orgs[] = {"1022402127461", "1022402127472", "1022402127483"};
static const char *const regions[] = {"24", "61"};
static const char *const subjects[] = {"a", "ab", "б"};

struct random {
    uint64_t state;
    uint64_t seed;
};

static unsigned below(struct random *random, unsigned count)
{
    random->state = random->state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(random->state >> 33) % count;
}

#define PICK(random, list) ((char *)(list)[below(random, (unsigned)MR_COUNT(list))])

/* ---- filters ---- */

static struct mr_filter_attributes *random_attributes(struct random *random, struct mr_arena *arena)
{
    static const char *const types[] = {"nms.route.closed.v1", "nms.route.", "nms.", ".v1", "hub.",
            "nms.course.finished.v1", "closed.v1", "x"};
    struct mr_filter_attributes *attributes = mr_arena_zalloc(arena, sizeof *attributes);

    if (below(random, 3) > 0)
        attributes->type = PICK(random, types);
    if (below(random, 3) == 0)
        attributes->regioncode = PICK(random, regions);
    if (below(random, 3) == 0)
        attributes->orgid = PICK(random, orgs);
    if (below(random, 5) == 0)
        attributes->subject = PICK(random, subjects);
    if (below(random, 8) == 0)
        attributes->source = (char *)"urn:marshrut:24:school";
    return attributes;
}

static char *random_sql(struct random *random, unsigned depth, struct mr_arena *arena)
{
    static const char *const leaves[] = {"type = 'nms.route.closed.v1'", "type LIKE 'nms.%'",
            "type LIKE '%.v1'", "type IN ('nms.course.finished.v1', 'nms.route.closed.v1')",
            "orgid = '1022402127461'", "'1022402127472' = orgid",
            "orgid IN ('1022402127461', '1022402127483', '1022402127461')", "orgid NOT IN ('1022402127461')",
            "EXISTS subject", "subject = 'ab'", "subject LIKE '_'", "regioncode = 24", "regioncode = 61",
            "LENGTH(type) > 18", "subject = 5", "TRUE", "EXISTS orgid", "UPPER(subject) = 'Б'", "type = 'x'",
            "orgid = '1022402127461' = TRUE"};
    static const char *const logic[] = {"AND", "OR", "XOR"};
    char *left, *right;

    if (depth == 0 || below(random, 3) == 0)
        return PICK(random, leaves);
    left = random_sql(random, depth - 1, arena);
    if (below(random, 4) == 0)
        return mr_arena_printf(arena, "NOT (%s)", left);
    right = random_sql(random, depth - 1, arena);
    return mr_arena_printf(arena, "(%s) %s (%s)", left, PICK(random, logic), right);
}

static void random_filter(
        struct random *random, struct mr_config_filter *ret, unsigned depth, struct mr_arena *arena)
{
    struct mr_config_filter *inner = mr_arena_zalloc(arena, 2 * sizeof *inner);
    unsigned kind = below(random, depth < DEPTH_MAX ? 8 : 5);

    *ret = (struct mr_config_filter){0};
    if (kind >= 5) {
        random_filter(random, &inner[0], depth + 1, arena);
        random_filter(random, &inner[1], depth + 1, arena);
    }
    switch (kind) {
    case 0:
    case 1:
        ret->exact = random_attributes(random, arena);
        break;
    case 2:
        ret->prefix = random_attributes(random, arena);
        break;
    case 3:
        ret->suffix = random_attributes(random, arena);
        break;
    case 4:
        ret->sql = random_sql(random, 3, arena);
        break;
    case 5:
        *ret = (struct mr_config_filter){.all = inner, .all_count = 2};
        break;
    case 6:
        *ret = (struct mr_config_filter){.any = inner, .any_count = 2};
        break;
    default:
        *ret = (struct mr_config_filter){.not_ = inner};
    }
}

/* ---- plain evaluation ---- */

static bool one_compares(const char *dialect, const char *value, const char *wanted)
{
    size_t size = value ? strlen(value) : 0, need = wanted ? strlen(wanted) : 0;

    if (!wanted)
        return true;
    if (!value || size < need)
        return false;
    if (strcmp(dialect, "exact") == 0)
        return strcmp(value, wanted) == 0;
    return memcmp(strcmp(dialect, "prefix") == 0 ? value : value + size - need, wanted, need) == 0;
}

static bool plain_attributes(
        const char *dialect, const struct mr_filter_attributes *wanted, const struct mr_attributes *a)
{
    return one_compares(dialect, a->type, wanted->type) &&
           one_compares(dialect, a->regioncode, wanted->regioncode) &&
           one_compares(dialect, a->orgid, wanted->orgid) &&
           one_compares(dialect, a->subject, wanted->subject) &&
           one_compares(dialect, a->source, wanted->source);
}

static bool plain_sql(const char *text, const struct mr_event *event)
{
    struct mr_arena arena;
    struct mr_event_view view = {event, &arena};
    struct mr_cesql_source source = mr_event_source(&view);
    struct mr_cesql_problem problem;
    struct mr_cesql *sql = NULL;
    struct mr_cesql_value value;
    bool good;

    mr_arena_init(&arena, MR_CESQL_BUDGET_BYTES);
    assert_int_equal(mr_cesql_compile(&sql, mr_slice_str(text), &problem), 0);
    good = mr_cesql_evaluate(sql, &source, &arena, &value, &problem);
    mr_cesql_free(sql);
    mr_arena_fini(&arena);
    return good && value.type == MR_CESQL_BOOLEAN && value.boolean;
}

static bool plain(const struct mr_config_filter *filter, const struct mr_event *event)
{
    if (filter->exact)
        return plain_attributes("exact", filter->exact, &event->a);
    if (filter->prefix)
        return plain_attributes("prefix", filter->prefix, &event->a);
    if (filter->suffix)
        return plain_attributes("suffix", filter->suffix, &event->a);
    if (filter->sql)
        return plain_sql(filter->sql, event);
    if (filter->all)
        return plain(&filter->all[0], event) && plain(&filter->all[1], event);
    if (filter->any)
        return plain(&filter->any[0], event) || plain(&filter->any[1], event);
    return !plain(filter->not_, event);
}

static bool plain_wants(const struct mr_config_subscription *s, const struct mr_event *event,
        const char *sender, const struct mr_match_context *context)
{
    bool employed = s->scope == MR_SCOPE_ALL;

    for (size_t i = 0; i < context->employers_count; i++)
        employed = employed || strcmp(context->employers[i], s->system) == 0;
    if (!employed || (sender && strcmp(sender, s->system) == 0))
        return false;
    for (uint32_t i = 0; i < s->filters_count; i++)
        if (!plain(&s->filters[i], event))
            return false;
    return true;
}

/* ---- both ---- */

static struct mr_event random_event(struct random *random)
{
    static const char *const types[] = {
            "nms.route.closed.v1", "nms.course.finished.v1", "nms.org.closed.v1", "hub.config.applied.v1"};
    struct mr_event event = {.a = {.id = "1", .source = "urn:marshrut:24:school"}};

    event.a.type = PICK(random, types);
    if (below(random, 3) > 0)
        event.a.regioncode = PICK(random, regions);
    if (below(random, 3) > 0)
        event.a.orgid = PICK(random, orgs);
    if (below(random, 3) > 0)
        event.a.subject = PICK(random, subjects);
    event.type = mr_registry_find(event.a.type, strlen(event.a.type));
    assert_non_null(event.type);
    return event;
}

static void compare(struct random *random, const struct mr_matcher *matcher,
        const struct mr_config_subscription *subs, const uint16_t *ids)
{
    struct mr_event event = random_event(random);
    const char *employers[EMPLOYERS_MAX];
    struct mr_match_context context = {employers, below(random, EMPLOYERS_MAX + 1)};
    const char *sender = below(random, 2) ? PICK(random, systems) : NULL;
    uint16_t got[MR_RECORD_SUBS_MAX], wanted[SUBSCRIPTIONS];
    size_t got_count, wanted_count = 0;

    for (size_t i = 0; i < context.employers_count; i++)
        employers[i] = systems[i];
    for (size_t i = 0; i < SUBSCRIPTIONS; i++)
        if (plain_wants(&subs[i], &event, sender, &context))
            wanted[wanted_count++] = ids[i];
    got_count = mr_matcher_match(matcher, &event, sender, &context, got);
    if (got_count != wanted_count || memcmp(got, wanted, wanted_count * sizeof *got) != 0)
        fail_msg("%s: %zu subscriptions, not %zu; again with MR_SEED=%llu", event.a.type, got_count,
                wanted_count, (unsigned long long)random->seed);
}

/* Subscriptions of these names, with numbers in the log. */
static void name_all(struct mr_config_subscription *subs, size_t count, struct mr_arena *arena)
{
    for (size_t i = 0; i < count; i++)
        subs[i] = (struct mr_config_subscription){.name = mr_arena_printf(arena, "s-%05zu", i),
                .system = (char *)systems[i % MR_COUNT(systems)]};
}

static struct mr_names *open_names(const struct hub_env *env, struct mr_config *config,
        struct mr_config_subscription *subs, size_t count)
{
    struct mr_names *names = NULL;
    struct mr_error error;

    *config = *env->config;
    config->subscriptions = subs;
    config->subscriptions_count = (uint32_t)count;
    assert_int_equal(mr_names_open(&names, env->house.log, config, false, &error), 0);
    return names;
}

static void one_round(struct random *random, const struct mr_config *config, const struct mr_names *names)
{
    struct mr_config_subscription *subs = config->subscriptions;
    uint16_t ids[SUBSCRIPTIONS];
    struct mr_matcher *matcher = NULL;
    struct mr_arena arena;
    struct mr_error error;

    mr_arena_init(&arena, 64u << 20);
    for (size_t i = 0; i < SUBSCRIPTIONS; i++) {
        subs[i].scope = below(random, 3) == 0 ? MR_SCOPE_STAFF : MR_SCOPE_ALL;
        subs[i].filters_count = below(random, 3);
        subs[i].filters = mr_arena_zalloc(&arena, 2 * sizeof *subs[i].filters);
        for (uint32_t k = 0; k < subs[i].filters_count; k++)
            random_filter(random, &subs[i].filters[k], 0, &arena);
        ids[i] = mr_names_id(names, MR_NAME_SUBSCRIPTION, subs[i].name);
    }
    if (mr_matcher_create(&matcher, config, names, &error) < 0)
        fail_msg("%s: %s", error.where, error.what);
    for (int i = 0; i < EVENTS; i++)
        compare(random, matcher, subs, ids);
    mr_matcher_free(matcher);
    mr_arena_fini(&arena);
}

static void the_index_agrees_with_plain_evaluation(void **state)
{
    const char *text = getenv("MR_SEED");
    struct mr_config_subscription *subs = calloc(SUBSCRIPTIONS, sizeof *subs);
    struct random random = {.seed = text ? strtoull(text, NULL, 10) : 24};
    struct mr_config config;
    struct mr_names *names;
    struct mr_arena arena;

    mr_arena_init(&arena, 1 << 20);
    name_all(subs, SUBSCRIPTIONS, &arena);
    names = open_names(*state, &config, subs, SUBSCRIPTIONS);
    for (random.state = random.seed; random.seed < 24 + ROUNDS || text; random.state = ++random.seed) {
        one_round(&random, &config, names);
        if (text)
            break;
    }
    mr_names_free(names);
    mr_arena_fini(&arena);
    free(subs);
}

/* ---- size ---- */

enum { MANY = 10000, FEW = 10, TIMED_EVENTS = 20000 };

/* As many schools would have it: one type and their own organisation, some of them in CESQL, some of scope
 * staff by a system of their own. */
static void fill(struct mr_config_subscription *subs, size_t count, struct mr_arena *arena)
{
    static const char *const types[] = {
            "nms.course.finished.v1", "nms.deficit.closed.v1", "nms.route.closed.v1", "nms.org.closed.v1"};

    name_all(subs, count, arena);
    for (size_t i = 0; i < count; i++) {
        struct mr_config_filter *filter = mr_arena_zalloc(arena, sizeof *filter);
        struct mr_filter_attributes *attributes = mr_arena_zalloc(arena, sizeof *attributes);
        const char *type = types[i % MR_COUNT(types)];

        subs[i].filters = filter;
        subs[i].filters_count = 1;
        attributes->type = (char *)type;
        filter->exact = attributes;
        if (i % 3 == 0) {
            attributes->orgid = mr_arena_printf(arena, "10224%08zu", i);
        } else if (i % 3 == 1) {
            filter->exact = NULL;
            filter->sql = mr_arena_printf(
                    arena, "type = '%s' AND orgid IN ('10224%08zu', '10225%08zu')", type, i, i);
        } else {
            subs[i].scope = MR_SCOPE_STAFF;
            subs[i].system = mr_arena_printf(arena, "school-%05zu", i);
        }
    }
}

struct measure {
    double ns;         /* an event, the fastest of the repetitions */
    double plain_ns;   /* the same with every rule tried */
    double candidates; /* filters that it meets */
    size_t matches;
};

/* Matches so many events; two of the schools employ their persons. */
static void match_all(
        const struct mr_matcher *matcher, struct measure *ret, size_t events, bool indexed, bool count)
{
    const char *employers[] = {"school-00002", "school-00005"};
    const struct mr_match_context context = {employers, MR_COUNT(employers)};
    size_t candidates = 0;

    ret->matches = 0;
    for (size_t i = 0; i < events; i++) {
        struct mr_event event = {.a = {.id = "1", .source = "urn:marshrut:24:portal"}};
        uint16_t got[MR_RECORD_SUBS_MAX];
        char org[32];

        event.a.type = i % 2 ? "nms.deficit.closed.v1" : "nms.course.finished.v1";
        if (indexed) /* else as an event of a type that the registry does not know: every rule is tried */
            event.type = mr_registry_find(event.a.type, strlen(event.a.type));
        (void)snprintf(org, sizeof org, "10224%08zu", i % FEW);
        event.a.orgid = org;
        ret->matches += mr_matcher_match(matcher, &event, "portal", &context, got);
        if (count)
            candidates += mr_matcher_candidates(matcher, &event, &context);
    }
    if (count)
        ret->candidates = (double)candidates / (double)events;
}

/* The fastest of some repetitions. */
static double timed(const struct hub_env *env, const struct mr_matcher *matcher, struct measure *ret,
        size_t events, bool indexed)
{
    double best = 1e18;

    for (int repetition = 0; repetition < 5; repetition++) {
        int64_t begin = mr_clock_monotonic_us(env->house.clock);
        double ns;

        match_all(matcher, ret, events, indexed, false);
        ns = (double)(mr_clock_monotonic_us(env->house.clock) - begin) * 1000 / (double)events;
        if (ns < best)
            best = ns;
    }
    return best;
}

static void measure(const struct hub_env *env, size_t count, struct measure *ret)
{
    struct mr_config_subscription *subs = calloc(count, sizeof *subs);
    struct mr_config config;
    struct mr_names *names;
    struct mr_matcher *matcher = NULL;
    struct mr_arena arena;
    struct mr_error error;
    size_t plain_matches;

    mr_arena_init(&arena, 256u << 20);
    fill(subs, count, &arena);
    names = open_names(env, &config, subs, count);
    if (mr_matcher_create(&matcher, &config, names, &error) < 0)
        fail_msg("%s: %s", error.where, error.what);
    ret->plain_ns = timed(env, matcher, ret, FEW, false);
    plain_matches = ret->matches;
    match_all(matcher, ret, FEW, true, false);
    assert_int_equal(ret->matches, plain_matches);
    match_all(matcher, ret, TIMED_EVENTS, true, true);
    ret->ns = timed(env, matcher, ret, TIMED_EVENTS, true);
    mr_matcher_free(matcher);
    mr_names_free(names);
    mr_arena_fini(&arena);
    free(subs);
}

static void ten_thousand_cost_little_more_than_ten(void **state)
{
    struct measure few, many;

    measure(*state, FEW, &few);
    measure(*state, MANY, &many);
    print_message("every rule tried: %.0f ns an event of %d subscriptions, %.0f ns of %d\n", few.plain_ns,
            FEW, many.plain_ns, MANY);
    print_message("%d subscriptions: %.0f ns an event, %.2f filters tried; %d: %.0f ns, %.2f; ratio %.2f\n",
            FEW, few.ns, few.candidates, MANY, many.ns, many.candidates, many.ns / few.ns);
    assert_true(few.matches > 0 && few.candidates > 0);
    assert_int_equal(few.matches, many.matches);
    /* Time is for reading; what must hold on every machine is how many filters an event meets. */
    assert_true(many.candidates <= few.candidates + 1);
}

/* A record has room for 1,024 subscriptions: more that might want one event are refused, not cut off. */
static void too_many_for_one_event(void **state)
{
    enum { LIMIT = MR_RECORD_SUBS_MAX };
    struct hub_env *env = *state;
    struct mr_config_subscription *subs = calloc(LIMIT + 1, sizeof *subs);
    struct mr_filter_attributes type = {.type = (char *)"nms.org.closed.v1"};
    struct mr_config_filter filter = {.exact = &type};
    struct mr_config config;
    struct mr_names *names;
    struct mr_matcher *matcher = NULL;
    struct mr_arena arena;
    struct mr_error error = {0};

    mr_arena_init(&arena, 1 << 20);
    name_all(subs, LIMIT + 1, &arena);
    for (size_t i = 0; i <= LIMIT; i++) {
        subs[i].filters = &filter;
        subs[i].filters_count = 1;
    }
    names = open_names(env, &config, subs, LIMIT + 1);
    assert_int_equal(mr_matcher_create(&matcher, &config, names, &error), MR_ECONFIG);
    assert_non_null(strstr(error.what, "nms.org.closed.v1"));
    assert_int_equal(mr_matcher_check(&config, "f", &error), MR_ECONFIG);
    assert_int_equal(strncmp(error.where, "f:", 2), 0);
    config.subscriptions_count = LIMIT;
    assert_int_equal(mr_matcher_check(&config, "f", &error), 0);
    assert_int_equal(mr_matcher_create(&matcher, &config, names, &error), 0);
    mr_matcher_free(matcher);
    mr_names_free(names);
    mr_arena_fini(&arena);
    free(subs);
}

#define HUB_TEST(name) cmocka_unit_test_setup_teardown(name, hub_env_setup, hub_env_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
            HUB_TEST(the_index_agrees_with_plain_evaluation),
            HUB_TEST(too_many_for_one_event),
            HUB_TEST(ten_thousand_cost_little_more_than_ten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
