#include "hub/edition/plan.h"

#include <stdlib.h>
#include <string.h>

#include "hub/route/matcher.h"
#include "hub/record/opened.h"
#include "hub/intake/staffof.h"

enum { PROGRESS_EVENTS = 10000 };

/* Rows of the new configuration stand first, in its order: the matcher's id is a row's place plus 1. */
struct planning {
    struct mr_plan *plan;
    const struct mr_house *house;
    const struct mr_matcher *matcher;
    uint32_t *row_of; /* by the log's id of the subscription: place plus 1; 0: none yet */
    size_t capacity;
    struct mr_opened opened;
    struct mr_record_view view;
};

/* ---- rows ---- */

static int make_rows(struct planning *p, const struct mr_config *config)
{
    p->capacity = config->subscriptions_count + 16u;
    p->plan->rows = calloc(p->capacity, sizeof *p->plan->rows);
    p->row_of = calloc(UINT16_MAX + 1u, sizeof *p->row_of);
    if (!p->plan->rows || !p->row_of)
        return MR_ENOMEM;
    for (uint32_t i = 0; i < config->subscriptions_count; i++) {
        struct mr_plan_row *row = &p->plan->rows[p->plan->count++];
        uint16_t id = mr_names_id(p->house->names, MR_NAME_SUBSCRIPTION, config->subscriptions[i].name);

        row->name = config->subscriptions[i].name;
        row->added = !mr_config_subscription(p->house->config, row->name);
        if (id != 0)
            p->row_of[id] = (uint32_t)p->plan->count;
    }
    return 0;
}

/* The row of a subscription of the log; one that the new configuration does not have is added. */
static struct mr_plan_row *row_of_id(struct planning *p, uint16_t id)
{
    struct mr_plan *plan = p->plan;
    const char *name;

    if (p->row_of[id] > 0)
        return &plan->rows[p->row_of[id] - 1];
    if (plan->count == p->capacity) {
        struct mr_plan_row *grown = realloc(plan->rows, 2 * p->capacity * sizeof *grown);

        if (!grown)
            return NULL;
        memset(grown + p->capacity, 0, p->capacity * sizeof *grown);
        plan->rows = grown;
        p->capacity *= 2;
    }
    name = mr_names_text(p->house->names, MR_NAME_SUBSCRIPTION, id);
    plan->rows[plan->count] = (struct mr_plan_row){.name = name ? name : "?", .removed = true};
    p->row_of[id] = (uint32_t)++plan->count;
    return &plan->rows[plan->count - 1];
}

static int add_removed(struct planning *p)
{
    const struct mr_config *running = p->house->config;

    for (uint32_t i = 0; i < running->subscriptions_count; i++) {
        uint16_t id = mr_names_id(p->house->names, MR_NAME_SUBSCRIPTION, running->subscriptions[i].name);

        if (id != 0 && !row_of_id(p, id))
            return MR_ENOMEM;
    }
    return 0;
}

/* ---- one event ---- */

static void note(uint64_t *count, uint64_t examples[static MR_PLAN_EXAMPLES], uint64_t number)
{
    if (*count < MR_PLAN_EXAMPLES)
        examples[*count] = number;
    (*count)++;
}

static int compare(struct planning *p, const uint16_t *subs, size_t count)
{
    const struct mr_record *record = &p->view.record;
    struct mr_plan *plan = p->plan;

    for (size_t i = 0; i < record->subs_count; i++) {
        struct mr_plan_row *row = row_of_id(p, record->subs[i]);

        if (!row)
            return MR_ENOMEM;
        row->before++;
        row->seen_before = record->number;
    }
    for (size_t i = 0; i < count; i++) {
        struct mr_plan_row *row = &plan->rows[subs[i] - 1];

        row->after++;
        row->seen_after = record->number;
        if (row->seen_before != record->number)
            note(&row->gained, row->gained_at, record->number);
    }
    for (size_t i = 0; i < record->subs_count; i++) {
        struct mr_plan_row *row = row_of_id(p, record->subs[i]);

        if (row && row->seen_after != record->number)
            note(&row->lost, row->lost_at, record->number);
    }
    plan->unwanted_before += record->subs_count == 0;
    plan->unwanted_after += count == 0;
    plan->looked++;
    return 0;
}

/* "system=ogrn,ogrn;system=ogrn" as names. */
static size_t employers_of(char *text, const char *names[static MR_STAFFOF_SYSTEMS_MAX])
{
    char *state = NULL;
    size_t count = 0;

    for (char *part = text ? strtok_r(text, ";", &state) : NULL; part && count < MR_STAFFOF_SYSTEMS_MAX;
            part = strtok_r(NULL, ";", &state)) {
        part[strcspn(part, "=")] = 0;
        names[count++] = part;
    }
    return count;
}

static int match(struct planning *p)
{
    const char *names[MR_STAFFOF_SYSTEMS_MAX];
    struct mr_match_context context = {.employers = names};
    uint16_t subs[MR_RECORD_SUBS_MAX];
    const char *sender = mr_names_text(p->house->names, MR_NAME_SYSTEM, p->view.record.system);
    struct mr_buf *staffof = &p->opened.unsealed.staffof;
    size_t count;

    context.employers_count = employers_of(staffof->size > 0 ? (char *)staffof->data : NULL, names);
    count = mr_matcher_match(p->matcher, &p->opened.event, sender, &context, subs);
    return compare(p, subs, count);
}

/* What waits for correction was matched to nobody, and what is for one system only is not matched. */
static int look_at(struct planning *p)
{
    const struct mr_record *record = &p->view.record;
    int r;

    if (record->flags & MR_RECORD_QUARANTINED)
        return 0;
    r = mr_opened_read(&p->opened, p->house, record, MR_PURPOSE_DELIVER, NULL);
    if (r == MR_ENOMEM || r == MR_EDENIED)
        return r;
    if (r < 0) {
        p->plan->unreadable++;
        return 0;
    }
    if (p->opened.event.type && (p->opened.event.type->flags & MR_TYPE_TO_ONE))
        return 0;
    return match(p);
}

static int look_at_all(struct planning *p, struct mr_log_reader *reader, mr_plan_progress_fn progress,
        void *ctx, struct mr_error *reterr)
{
    struct mr_plan *plan = p->plan;
    int r = 0;

    for (uint64_t n = plan->from; r == 0 && n <= plan->to; n++) {
        r = mr_log_read(reader, n, &p->view, reterr);
        if (r == MR_ECORRUPT) {
            plan->unreadable++;
            r = 0;
        } else if (r == 0) {
            r = look_at(p);
        }
        if (r == 0 && progress && (n - plan->from + 1) % PROGRESS_EVENTS == 0)
            r = progress(ctx, plan);
    }
    if (r == MR_EDENIED)
        (void)mr_error_set(reterr, r, "keys", "run it as the user of the hub, or ask the running hub",
                "the keys of persons are not open here");
    return r;
}

static int make(struct planning *p, const struct mr_config *config, uint64_t from, uint64_t to,
        mr_plan_progress_fn progress, void *ctx, struct mr_error *reterr)
{
    struct mr_log_reader *reader;
    uint64_t head;
    int r = make_rows(p, config);

    if (r == 0)
        r = add_removed(p);
    if (r == 0)
        r = mr_log_reader_open(p->house->log, &reader);
    if (r < 0)
        return r;
    head = mr_log_reader_head(reader);
    p->plan->from = from > 0 ? from : 1;
    p->plan->to = to < head ? to : head;
    r = look_at_all(p, reader, progress, ctx, reterr);
    mr_log_reader_close(reader);
    return r;
}

int mr_plan_make(struct mr_plan *ret, const struct mr_house *house, const struct mr_config *config,
        uint64_t from, uint64_t to, mr_plan_progress_fn progress, void *ctx, struct mr_error *reterr)
{
    struct planning *p = calloc(1, sizeof *p);
    struct mr_matcher *matcher = NULL;
    int r;

    *ret = (struct mr_plan){0};
    if (!p)
        return MR_ENOMEM;
    p->plan = ret;
    p->house = house;
    mr_opened_init(&p->opened);
    r = mr_matcher_create(&matcher, config, NULL, reterr);
    p->matcher = matcher;
    if (r == 0)
        r = make(p, config, from, to, progress, ctx, reterr);
    mr_matcher_free(matcher);
    mr_opened_fini(&p->opened);
    free(p->row_of);
    free(p);
    if (r != 0)
        mr_plan_fini(ret);
    return r;
}

void mr_plan_fini(struct mr_plan *plan)
{
    free(plan->rows);
    *plan = (struct mr_plan){0};
}
