/*
 * Notices: each system that sent data of the person, or to which they were addressed, gets an event of its
 * own, sealed under an item key, with what it knows the person by. One that gets data without persons has
 * nothing to look for.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event/erasure.pb-c.h"
#include "hub/erasure/eraser_internal.h"
#include "proto/base/hex.h"

enum { EVENT_ID_MAX = 96, HEX_MAX = 2 * MR_PERSON_ID_BYTES + 1 };
enum { /* tags of Person */
    PERSON_SNILS = 2,
    PERSON_FAMILY_NAME,
    PERSON_GIVEN_NAME,
    PERSON_PATRONYMIC,
    PERSON_BIRTH_DATE,
    PERSON_NAME_BITS =
            1 << PERSON_FAMILY_NAME | 1 << PERSON_GIVEN_NAME | 1 << PERSON_PATRONYMIC | 1 << PERSON_BIRTH_DATE
};
#define DAY_US (24 * 3600 * (int64_t)1000000)

struct telling {
    struct mr_erasing *e;
    struct mr_own_event *events;
    size_t count;
    int64_t now_us, answer_by_us;
};

/* The ids under which the system got the person; none when it got no ids. */
static int put_ids(struct mr_erasing *e, const Marshrut__Erasure__V1__Known *known,
        Nms__Event__V1__HubErasureNotice *notice)
{
    const mr_erasure_secret *secret = e->secret;
    int r = 0;

    if (known->personal == MR_PERSONAL_NONE)
        return 0;
    notice->ids = mr_arena_alloc(&e->arena, secret->n_parts * sizeof *notice->ids);
    for (size_t i = 0; notice->ids && r == 0 && i < secret->n_parts; i++) {
        uint8_t id[MR_PERSON_ID_BYTES];
        char *hex = mr_arena_alloc(&e->arena, HEX_MAX);

        memcpy(id, secret->parts[i]->person.data, sizeof id);
        if (known->personal == MR_PERSONAL_PSEUDONYMOUS)
            r = mr_keyring_pseudonym(
                    e->eraser->house->keyring, known->system, secret->parts[i]->person.data, id);
        if (r == 0 && hex)
            notice->ids[notice->n_ids++] = mr_hex_encode(id, sizeof id, hex);
        else if (r == 0)
            r = MR_ENOMEM;
    }
    return notice->ids ? r : MR_ENOMEM;
}

static int put_local_ids(struct mr_erasing *e, const char *system, Nms__Event__V1__HubErasureNotice *notice)
{
    const mr_erasure_secret *secret = e->secret;

    notice->local_ids = mr_arena_alloc(&e->arena, (secret->n_local_ids + 1) * sizeof *notice->local_ids);
    for (size_t i = 0; notice->local_ids && i < secret->n_local_ids; i++)
        if (strcmp(secret->local_ids[i]->system, system) == 0)
            notice->local_ids[notice->n_local_ids++] = secret->local_ids[i]->id;
    return notice->local_ids ? 0 : MR_ENOMEM;
}

/* What the system does not get of persons it has nothing to look for by. */
static char *unless_withheld(const Marshrut__Erasure__V1__Known *known, unsigned tag, char *value)
{
    return known->withheld & 1u << tag ? (char *)protobuf_c_empty_string : value;
}

static int put_names(struct mr_erasing *e, const Marshrut__Erasure__V1__Known *known,
        Nms__Event__V1__HubErasureNotice *notice)
{
    const mr_erasure_secret *secret = e->secret;

    if (!(known->withheld & 1u << PERSON_SNILS)) {
        notice->snils = secret->snils;
        notice->n_snils = secret->n_snils;
    }
    if ((known->withheld & PERSON_NAME_BITS) == PERSON_NAME_BITS)
        return 0;
    notice->names = mr_arena_alloc(&e->arena, (secret->n_names + 1) * sizeof *notice->names);
    for (size_t i = 0; notice->names && i < secret->n_names; i++) {
        Nms__Event__V1__ErasedName *name = mr_arena_alloc(&e->arena, sizeof *name);

        if (!name)
            return MR_ENOMEM;
        nms__event__v1__erased_name__init(name);
        name->family_name = unless_withheld(known, PERSON_FAMILY_NAME, secret->names[i]->family_name);
        name->given_name = unless_withheld(known, PERSON_GIVEN_NAME, secret->names[i]->given_name);
        name->patronymic = unless_withheld(known, PERSON_PATRONYMIC, secret->names[i]->patronymic);
        name->birth_date = unless_withheld(known, PERSON_BIRTH_DATE, secret->names[i]->birth_date);
        notice->names[notice->n_names++] = name;
    }
    return notice->names ? 0 : MR_ENOMEM;
}

static int build(struct telling *t, const Marshrut__Erasure__V1__Known *known, struct mr_own_event *event)
{
    Nms__Event__V1__HubErasureNotice notice = NMS__EVENT__V1__HUB_ERASURE_NOTICE__INIT;
    struct mr_erasing *e = t->e;
    char id[EVENT_ID_MAX], date[MR_ERASURE_DATE_MAX];
    int r = put_ids(e, known, &notice);

    notice.request = e->request->number;
    notice.system = known->system;
    notice.basis = e->request->basis;
    notice.answer_by = (char *)mr_erasure_date(t->answer_by_us, date);
    if (r == 0 && known->sent)
        r = put_local_ids(e, known->system, &notice);
    if (r == 0 && (known->sent || known->personal == MR_PERSONAL_FULL))
        r = put_names(e, known, &notice);
    (void)snprintf(
            id, sizeof id, "erasure-%llu-notice-%s", (unsigned long long)notice.request, known->system);
    return r < 0 ? r : mr_erasure_event(&event->bytes, e->eraser->house, "notice", id, &notice.base);
}

static int add_row(struct telling *t, const char *system)
{
    mr_erasure_request *request = t->e->request;
    Marshrut__Erasure__V1__NoticeRow *row = mr_arena_alloc(&t->e->arena, sizeof *row);

    if (!row)
        return MR_ENOMEM;
    marshrut__erasure__v1__notice_row__init(row);
    row->system = (char *)system;
    row->state = MR_NOTICE_WAITING;
    row->sent_us = t->now_us;
    row->answer_by_us = t->answer_by_us;
    request->notices[request->n_notices++] = row;
    return 0;
}

/* One for each system that is configured still and has something to look for. */
static int add_notice(struct telling *t, const Marshrut__Erasure__V1__Known *known)
{
    const struct mr_house *house = t->e->eraser->house;
    struct mr_own_event *event = &t->events[t->count];
    char subscription[64];
    int r;

    (void)snprintf(subscription, sizeof subscription, MR_CONFIG_NOTICES "%s", known->system);
    event->to_one = mr_names_id(house->names, MR_NAME_SUBSCRIPTION, subscription);
    if ((!known->sent && known->personal == MR_PERSONAL_NONE) || event->to_one == 0 ||
            !mr_config_system(house->config, known->system))
        return 0;
    r = build(t, known, event);
    t->count++;
    return r < 0 ? r : add_row(t, known->system);
}

static void set_told(struct mr_erasure_saying *saying)
{
    mr_erasure_request *request = saying->request;

    for (size_t i = 0; i < saying->count; i++) {
        request->notices[i]->number = saying->events[i].number;
        request->notices[i]->item = (ProtobufCBinaryData){MR_PERSON_ID_BYTES, saying->events[i].item_key};
    }
    if (saying->count > 0)
        request->answers_from = saying->events[0].number;
}

static int tell(struct telling *t)
{
    mr_erasure_request *request = t->e->request;
    struct mr_erasure_saying saying = {
            .eraser = t->e->eraser, .request = request, .events = t->events, .set = set_told};
    const mr_erasure_secret *secret = t->e->secret;
    int r = 0;

    request->notices = mr_arena_alloc(&t->e->arena, (secret->n_known + 1) * sizeof *request->notices);
    request->n_notices = 0;
    if (!request->notices)
        return MR_ENOMEM;
    for (size_t i = 0; r == 0 && i < secret->n_known; i++)
        r = add_notice(t, secret->known[i]);
    saying.count = t->count;
    request->state = MR_ERASURE_TOLD;
    return r < 0 ? r : mr_erasure_say(&saying, &t->e->error);
}

int mr_erasure_tell(struct mr_erasing *e)
{
    struct telling t = {.e = e, .now_us = mr_clock_wall_us(e->eraser->house->clock)};
    int r;

    t.answer_by_us = t.now_us + e->eraser->house->config->erasure.answer_days * DAY_US;
    t.events = calloc(e->secret->n_known + 1, sizeof *t.events);
    r = t.events ? tell(&t) : MR_ENOMEM;
    if (t.events)
        mr_own_fini(t.events, t.count);
    free(t.events);
    return r;
}
