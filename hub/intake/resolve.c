#include "hub/intake/resolve.h"

#include <string.h>

#include <sodium.h>

#include "proto/base/hex.h"
#include "proto/wire/ident.h"

enum { SNILS_DIGITS = 11 };

void mr_resolved_reset(struct mr_resolved *resolved)
{
    if (resolved->persons_count > 0)
        sodium_memzero(resolved->persons, resolved->persons_count * sizeof resolved->persons[0]);
    resolved->persons_count = 0;
    resolved->employers_count = 0;
    mr_buf_reset(&resolved->staffof);
}

void mr_resolved_fini(struct mr_resolved *resolved)
{
    if (!resolved)
        return;
    mr_resolved_reset(resolved);
    mr_buf_wipe(&resolved->staffof);
    mr_buf_wipe(&resolved->identifiers);
}

/* One identifier of a block and to whom it leads. */
struct lead {
    size_t at, size; /* of its value, in the resolved's identifiers */
    enum mr_person_identifier kind;
    bool given;
    bool bound;
    uint8_t own[MR_PERSON_ID_BYTES];    /* as whom it was bound */
    uint8_t person[MR_PERSON_ID_BYTES]; /* who that is now, after merges */
};

struct block {
    const Nms__Event__V1__Person *person;
    struct lead snils;
    struct lead local;
    uint8_t own[MR_PERSON_ID_BYTES]; /* the person named, and ... */
    uint8_t id[MR_PERSON_ID_BYTES];  /* ... who that is now, after merges */
};

struct job {
    const struct mr_resolver *resolver;
    const struct mr_event *event;
    struct mr_decision *decision;
    struct mr_buf *identifiers;
    struct block blocks[MR_EVENT_PERSONS_MAX];
};

static bool going(const struct job *job)
{
    return job->decision->verdict == MR_VERDICT_STORED;
}

/* ---- the words ---- */

static int unresolved(struct job *job, const char *field)
{
    mr_decide(job->decision, MR_VERDICT_QUARANTINED, "person-unresolved", field,
            "The person cannot be told from what is given.",
            "Send a СНИЛС, or link the local id to a person first.");
    return 0;
}

static int conflict(struct job *job, const char *field)
{
    mr_decide(job->decision, MR_VERDICT_QUARANTINED, "person-conflict", field,
            "Two identifiers of the block lead to different persons.",
            "Correct the identifier, or merge the two persons if they are one.");
    return 0;
}

static int gone(struct job *job, int r)
{
    if (r == MR_EBLOCKED)
        mr_decide(job->decision, MR_VERDICT_REFUSED, "person-blocked", "person",
                "Processing of this person's data is blocked.",
                "Do not send it again until the block is lifted.");
    else
        mr_decide(job->decision, MR_VERDICT_REFUSED, "person-erased", "person",
                "This person's data were erased on request.", "Erase the person in your system too.");
    return 0;
}

/* ---- looking ---- */

static bool given(const char *text)
{
    return text && *text;
}

static struct mr_slice value_of(const struct job *job, const struct lead *lead)
{
    return mr_slice(job->identifiers->data + lead->at, lead->size);
}

/* What was put behind `at` is its value. */
static void give(const struct job *job, struct lead *lead, enum mr_person_identifier kind, size_t at)
{
    lead->kind = kind;
    lead->given = true;
    lead->at = at;
    lead->size = job->identifiers->size - at;
}

static int look(struct job *job, struct lead *lead)
{
    enum mr_person_state state;
    int r;

    if (!lead->given)
        return 0;
    if (mr_buf_failed(job->identifiers))
        return MR_ENOMEM;
    r = mr_person_find_own(job->resolver->txn, lead->kind, value_of(job, lead), lead->own);
    if (r == MR_ENOTFOUND)
        return 0;
    lead->bound = r == 0;
    return r < 0 ? r : mr_person_state(job->resolver->txn, lead->own, &state, lead->person);
}

/* The leads of one block. The check digits are the rules' business; here a wrong number just leads nowhere.
 */
static int read_leads(struct job *job, struct block *block)
{
    struct mr_buf *identifiers = job->identifiers;
    size_t at = identifiers->size;
    char digits[SNILS_DIGITS + 1];
    int r;

    if (given(block->person->snils) && mr_ident_snils_normalise(block->person->snils, digits) == 0 &&
            mr_ident_snils_ok(digits)) {
        mr_buf_put(identifiers, digits, SNILS_DIGITS);
        give(job, &block->snils, MR_IDENTIFIER_SNILS, at);
    }
    sodium_memzero(digits, sizeof digits);
    if (given(block->person->local_id)) {
        at = identifiers->size;
        mr_buf_put(identifiers, job->resolver->system, strlen(job->resolver->system) + 1);
        mr_buf_put_str(identifiers, block->person->local_id);
        give(job, &block->local, MR_IDENTIFIER_LOCAL, at);
    }
    r = look(job, &block->snils);
    return r < 0 ? r : look(job, &block->local);
}

/* The block names this person: 0; MR_ENOTFOUND, MR_EBLOCKED, MR_EDESTROYED. */
static int name_person(const struct job *job, const uint8_t *own, struct block *block)
{
    enum mr_person_state state;
    int r = mr_person_state(job->resolver->txn, own, &state, block->id);

    if (r < 0)
        return r;
    memcpy(block->own, own, sizeof block->own);
    if (state == MR_PERSON_LIVE)
        return 0;
    return state == MR_PERSON_BLOCKED ? MR_EBLOCKED : MR_EDESTROYED;
}

/* A hub id, else the sender's own pseudonym for one. MR_ENOTFOUND when it is neither. */
static int name_by_id(const struct job *job, const char *text, struct block *block)
{
    uint8_t id[MR_PERSON_ID_BYTES];
    int r;

    if (mr_hex_decode(text, strlen(text), id, sizeof id) < 0)
        return MR_ENOTFOUND;
    r = name_person(job, id, block);
    if (r != MR_ENOTFOUND || !mr_resolve_by_pseudonym(job->resolver->config, job->resolver->system))
        return r;
    r = mr_keyring_pseudonym_open(job->resolver->keyring, job->resolver->system, id, id);
    return r < 0 ? r : name_person(job, id, block);
}

static int create(struct job *job, struct block *block)
{
    int r = mr_person_create(job->resolver->txn, block->id, NULL);

    if (r == 0)
        r = mr_person_bind(
                job->resolver->txn, MR_IDENTIFIER_SNILS, value_of(job, &block->snils), block->id, NULL);
    if (r == 0) {
        block->snils.bound = true;
        memcpy(block->own, block->id, sizeof block->own);
        memcpy(block->snils.person, block->id, sizeof block->id);
    }
    return r;
}

static bool leads_elsewhere(const struct lead *lead, const uint8_t *id)
{
    return lead->bound && memcmp(lead->person, id, MR_PERSON_ID_BYTES) != 0;
}

static int find_person(struct job *job, struct block *block)
{
    if (given(block->person->person_id))
        return name_by_id(job, block->person->person_id, block);
    if (block->snils.given && block->snils.bound)
        return name_person(job, block->snils.own, block);
    if (block->snils.given && !block->local.bound)
        return create(job, block);
    if (block->local.bound)
        return name_person(job, block->local.own, block);
    return MR_ENOTFOUND;
}

static int resolve_block(struct job *job, struct block *block)
{
    int r = read_leads(job, block);

    if (r == 0)
        r = find_person(job, block);
    if (r == MR_ENOTFOUND)
        return unresolved(job, given(block->person->person_id) ? "person.person_id" : "person");
    if (r == MR_EBLOCKED || r == MR_EDESTROYED)
        return gone(job, r);
    if (r < 0)
        return r;
    /* A known person always has its СНИЛС bound: another one, or one that leads nowhere, is somebody else's.
     */
    if (leads_elsewhere(&block->snils, block->id) || (block->snils.given && !block->snils.bound))
        return conflict(job, "person.snils");
    if (leads_elsewhere(&block->local, block->id))
        return conflict(job, "person.local_id");
    return 0;
}

/* Two blocks of one event may not claim one unbound local id for two persons. */
static bool claims_clash(const struct job *job)
{
    for (size_t i = 0; i < job->event->persons_count; i++) {
        for (size_t k = 0; k < i; k++) {
            const struct block *a = &job->blocks[i];
            const struct block *b = &job->blocks[k];

            if (a->local.given && b->local.given &&
                    mr_slice_equal(value_of(job, &a->local), value_of(job, &b->local)) &&
                    memcmp(a->id, b->id, sizeof a->id) != 0)
                return true;
        }
    }
    return false;
}

static int resolve_blocks(struct job *job)
{
    int r = 0;

    for (size_t i = 0; r == 0 && going(job) && i < job->event->persons_count; i++) {
        job->blocks[i].person = job->event->persons[i].person;
        r = resolve_block(job, &job->blocks[i]);
    }
    if (r == 0 && going(job) && claims_clash(job))
        return conflict(job, "person.local_id");
    return r;
}

/* ---- taking ---- */

static int add_person(struct job *job, struct mr_resolved *ret, size_t span)
{
    const uint8_t *id = job->blocks[span].id;
    size_t i = 0;
    int r = 0;

    while (i < ret->persons_count && memcmp(ret->persons[i].id, id, MR_PERSON_ID_BYTES) != 0)
        i++;
    if (i == ret->persons_count) {
        ret->persons_count++; /* from here on it is wiped */
        memcpy(ret->persons[i].id, id, MR_PERSON_ID_BYTES);
        r = mr_person_key(job->resolver->txn, id, &ret->persons[i].key);
    }
    ret->person_of_span[span] = (uint8_t)i;
    return r;
}

/*
 * A merge said again: after a crash between the two commits, or by another system. It has its two slots all
 * the same, so that the log says which id became which.
 */
static bool merged_before(const struct job *job)
{
    const struct block *b = job->blocks;

    return job->event->type && (job->event->type->flags & MR_TYPE_MERGES_PERSON) &&
           job->event->persons_count == 2 && memcmp(b[0].id, b[1].id, sizeof b->id) == 0 &&
           memcmp(b[1].own, b[1].id, sizeof b->id) != 0;
}

/* Two identifiers of one person, which nobody merged: nothing to merge. */
static bool merges_itself(const struct job *job)
{
    const struct block *b = job->blocks;

    return job->event->type && (job->event->type->flags & MR_TYPE_MERGES_PERSON) &&
           job->event->persons_count == 2 && memcmp(b[0].own, b[1].own, sizeof b->own) == 0;
}

static int add_alias(struct job *job, struct mr_resolved *ret)
{
    struct mr_seal_person *alias = &ret->persons[1];

    ret->persons_count = 2;
    ret->person_of_span[1] = 1;
    memcpy(alias->id, job->blocks[1].own, sizeof alias->id);
    return mr_person_own_key(job->resolver->txn, alias->id, &alias->key);
}

/* Keys before a merge: they are those under which the two persons were known until now. */
static int take_keys(struct job *job, struct mr_resolved *ret)
{
    int r = 0;

    if (merged_before(job)) {
        r = add_person(job, ret, 0);
        return r < 0 ? r : add_alias(job, ret);
    }
    for (size_t i = 0; r == 0 && i < job->event->persons_count; i++)
        r = add_person(job, ret, i);
    return r;
}

static int bind_local_ids(struct job *job)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < job->event->persons_count; i++) {
        struct block *block = &job->blocks[i];

        if (block->local.given && !block->local.bound)
            r = mr_person_bind(
                    job->resolver->txn, MR_IDENTIFIER_LOCAL, value_of(job, &block->local), block->id, NULL);
    }
    return r;
}

static int take(struct job *job, struct mr_resolved *ret)
{
    int r;

    if (merges_itself(job)) {
        mr_decide(job->decision, MR_VERDICT_REFUSED, "merge-itself", "previous",
                "The two persons to merge are one already.",
                "Name the person in person, and the other one that is the same in previous.");
        return 0;
    }
    r = take_keys(job, ret);
    if (r == 0)
        r = mr_resolve_merge(job->resolver, job->event, ret, job->decision);
    if (r == 0 && going(job))
        r = bind_local_ids(job);
    if (r == 0 && going(job))
        r = mr_resolve_staff(job->resolver, job->event, ret);
    return r;
}

/* Whom nobody is in, nobody employs. */
static int resolve_nobody(struct mr_resolved *ret)
{
    return mr_buf_str(&ret->staffof) ? 0 : MR_ENOMEM;
}

int mr_resolve(const struct mr_resolver *resolver, const struct mr_event *event, struct mr_resolved *ret,
        struct mr_decision *decision)
{
    struct job job;
    int r;

    mr_resolved_reset(ret);
    mr_decision_go(decision);
    if (event->persons_count == 0)
        return resolve_nobody(ret);
    job.resolver = resolver;
    job.event = event;
    job.decision = decision;
    job.identifiers = &ret->identifiers;
    memset(job.blocks, 0, event->persons_count * sizeof job.blocks[0]);
    r = resolve_blocks(&job);
    if (r == 0 && going(&job))
        r = take(&job, ret);
    if (ret->identifiers.size > 0)
        sodium_memzero(ret->identifiers.data, ret->identifiers.size);
    mr_buf_reset(&ret->identifiers);
    return r;
}
