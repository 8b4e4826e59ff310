/* Corrections that are proposed for events that wait: whoever is erased is looked for in them too. */
#include <string.h>

#include "hub/desk/proposal.h"
#include "hub/erasure/eraser_internal.h"
#include "hub/erasure/identity.h"
#include "proto/wire/codec.h"

enum { EVENT_ARENA_BYTES = 4 << 20 };

struct looking {
    struct mr_erasing *e;
    struct mr_identity *identity;
    struct mr_arena arena;
    struct mr_buf bytes;
};

static bool goes_with_its_event(const struct looking *l, uint64_t number)
{
    const mr_erasure_secret *secret = l->e->secret;

    for (size_t i = 0; i < secret->n_quarantined; i++)
        if (secret->quarantined[i]->number == number)
            return true;
    return false;
}

/* Who has sent what waits; NULL: nobody knows. */
static const char *sender_of(const struct looking *l, uint64_t number)
{
    struct mr_quarantine_row row;
    int r = mr_quarantine_row_read(&row, l->e->reader, number);

    return r == 0 ? mr_names_text(l->e->eraser->house->names, MR_NAME_SYSTEM, row.system) : NULL;
}

/* 1: it is about the person, or nobody can tell. */
static int is_meant(struct looking *l, const mr_proposal *proposal)
{
    const char *system = sender_of(l, proposal->number);
    struct mr_event event;
    int r = mr_proposal_open(l->e->eraser->house->keyring, proposal, &l->bytes);

    if (r == 0)
        r = mr_event_decode(&event, mr_buf_slice(&l->bytes), &l->arena, NULL);
    if (r == MR_ECORRUPT || r == MR_EMALFORMED)
        return 1;
    if (r == MR_EDESTROYED)
        return 0;
    for (size_t i = 0; r == 0 && i < event.persons_count; i++)
        r = mr_identity_is(l->identity, system, event.persons[i].person);
    return r;
}

static int on_proposal(void *ctx, const mr_proposal *proposal)
{
    struct looking *l = ctx;
    int r = goes_with_its_event(l, proposal->number) ? 1 : is_meant(l, proposal);

    mr_buf_wipe(&l->bytes);
    mr_arena_reset(&l->arena);
    return r <= 0 ? r : mr_identity_proposal(l->identity, proposal->number, proposal->item.data);
}

int mr_erasure_proposals(struct mr_erasing *e, struct mr_identity *identity)
{
    struct looking l = {.e = e, .identity = identity, .bytes = MR_BUF_INIT};
    int r;

    mr_arena_init(&l.arena, EVENT_ARENA_BYTES);
    r = mr_proposal_each(e->reader, on_proposal, &l);
    mr_arena_fini(&l.arena);
    return r;
}
