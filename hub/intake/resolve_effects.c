/* What an event changes of the persons it is about: merges and employments. */
#include <stdio.h>
#include <string.h>

#include "event/employment.pb-c.h"
#include "hub/intake/resolve.h"

enum { EMPLOYMENTS_MAX = 128 };

bool mr_resolve_by_pseudonym(const struct mr_config *config, const char *system)
{
    for (uint32_t i = 0; i < config->subscriptions_count; i++) {
        const struct mr_config_subscription *s = &config->subscriptions[i];

        if (s->personal == MR_PERSONAL_PSEUDONYMOUS && strcmp(s->system, system) == 0)
            return true;
    }
    return false;
}

static bool has_flag(const struct mr_event *event, uint32_t flag)
{
    return event->type && (event->type->flags & flag) != 0;
}

int mr_resolve_merge(const struct mr_resolver *resolver, const struct mr_event *event,
        const struct mr_resolved *resolved, struct mr_decision *decision)
{
    int r;

    /* One person twice: merged before. The rules ask for both blocks. */
    if (!has_flag(event, MR_TYPE_MERGES_PERSON) || resolved->persons_count < 2)
        return 0;
    r = mr_person_merge(resolver->txn, resolved->persons[0].id, resolved->persons[1].id);
    if (r != MR_EINVAL && r != MR_EEXISTS)
        return r;
    mr_decide(decision, MR_VERDICT_QUARANTINED, "person-conflict", "previous",
            "The two persons cannot be merged.", "Look at what they were merged with before.");
    return 0;
}

/* The row of one of the sender's posts: a person may hold several in one place, and end one of them. */
static void name_employment(
        const struct mr_resolver *resolver, const char *employment_id, struct mr_employment *ret)
{
    const struct mr_slice parts[] = {mr_slice_str(resolver->system), mr_slice_str(employment_id)};

    if (employment_id && *employment_id)
        mr_keyring_digest(resolver->keyring, "employment", parts, 2, ret->id);
}

/* The employment that the event speaks of. false: it does not say where. */
static bool read_employment(
        const struct mr_resolver *resolver, const struct mr_event *event, struct mr_employment *ret)
{
    bool started = event->type->payload == &nms__event__v1__employment_started__descriptor;
    const Nms__Event__V1__EmploymentStarted *start = started ? (const void *)event->payload : NULL;
    const Nms__Event__V1__EmploymentEnded *end = started ? NULL : (const void *)event->payload;
    const char *org = started ? start->org_ogrn : end->org_ogrn;

    if ((!org || !*org) && event->a.orgid)
        org = event->a.orgid;
    *ret = (struct mr_employment){.active = started, .number = (int64_t)resolver->number};
    if (!org || !*org || strlen(org) >= sizeof ret->org || strlen(resolver->system) >= sizeof ret->system)
        return false;
    (void)snprintf(ret->org, sizeof ret->org, "%s", org);
    (void)snprintf(ret->system, sizeof ret->system, "%s", resolver->system);
    name_employment(resolver, started ? start->employment_id : end->employment_id, ret);
    return true;
}

static int list_employments(const struct mr_resolver *resolver, const struct mr_resolved *resolved,
        struct mr_employment *ret, size_t *ret_count)
{
    size_t count = 0;

    for (size_t i = 0; i < resolved->persons_count; i++) {
        int n = mr_employment_list(
                resolver->txn, resolved->persons[i].id, ret + count, EMPLOYMENTS_MAX - count);

        if (n < 0)
            return n;
        count += (size_t)n;
    }
    *ret_count = count;
    return 0;
}

static void name_employers(struct mr_resolved *resolved, const struct mr_employment *sorted, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t n = resolved->employers_count;
        bool again = n > 0 && strcmp(resolved->employers[n - 1], sorted[i].system) == 0;

        if (!sorted[i].active || again || n == MR_STAFFOF_SYSTEMS_MAX)
            continue;
        memcpy(resolved->employers[n], sorted[i].system, sizeof resolved->employers[n]);
        resolved->employer_names[n] = resolved->employers[n];
        resolved->employers_count++;
    }
}

static int find_staff(const struct mr_resolver *resolver, struct mr_resolved *resolved)
{
    struct mr_employment employments[EMPLOYMENTS_MAX];
    size_t count = 0;
    int r = list_employments(resolver, resolved, employments, &count);

    if (r < 0)
        return r;
    mr_staffof_put(&resolved->staffof, employments, count);
    name_employers(resolved, employments, count);
    return mr_buf_str(&resolved->staffof) ? 0 : MR_ENOMEM;
}

int mr_resolve_staff(
        const struct mr_resolver *resolver, const struct mr_event *event, struct mr_resolved *resolved)
{
    struct mr_employment employment;
    bool changes;
    int r = 0;

    if (resolved->persons_count == 0)
        return mr_buf_str(&resolved->staffof) ? 0 : MR_ENOMEM;
    changes = has_flag(event, MR_TYPE_EMPLOYMENT) && read_employment(resolver, event, &employment);
    if (changes && employment.active)
        r = mr_employment_put(resolver->txn, resolved->persons[0].id, &employment);
    if (r == 0)
        r = find_staff(resolver, resolved);
    if (r == 0 && changes && !employment.active)
        r = mr_employment_put(resolver->txn, resolved->persons[0].id, &employment);
    return r;
}
