/* Requests, approvals and rejections: said by operators, one at a time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "event/erasure.pb-c.h"
#include "hub/erasure/eraser_internal.h"
#include "proto/base/hex.h"
#include "proto/wire/ident.h"
#include "store/fault.h"
#include "store/hold.h"
#include "store/person_group.h"

enum { IDENTIFIER_BYTES_MAX = 256, EVENT_ID_MAX = 48 };
#define DAY_US (24 * 3600 * (int64_t)1000000)

/* ---- who it is ---- */

struct look {
    const struct mr_erasure_wish *wish;
    struct mr_error *error;
    struct mr_person_part *parts; /* the caller frees */
    size_t parts_count;
    enum mr_person_state state;
    bool held;
    uint8_t item[MR_PERSON_ID_BYTES];
    struct mr_slot_key key; /* of the item */
};

static int no_person(struct mr_error *reterr)
{
    return mr_error_set(reterr, MR_ENOTFOUND, "person",
            "check the number; the person may be known by another one", "the hub knows no such person");
}

static bool is_given(const char *text)
{
    return text && *text;
}

/* With two it would be one of them that counts, and perhaps another person. */
static int check_one(const struct mr_erasure_wish *wish, struct mr_error *reterr)
{
    int given = is_given(wish->snils) + is_given(wish->local_id) + is_given(wish->person);

    if (given > 1)
        return mr_error_set(reterr, MR_EINVAL, "person", "give one of snils, local_id and person",
                "the person is named in several ways");
    if (given == 0)
        return mr_error_set(reterr, MR_EINVAL, "person",
                "name the person by --snils, --local or --person (32 hexadecimal digits)",
                "it is not said who is meant");
    if (is_given(wish->local_id) && !is_given(wish->system))
        return mr_error_set(
                reterr, MR_EINVAL, "system", "give system and local_id", "it is not said whose id it is");
    return 0;
}

int mr_erasure_find_person(struct mr_keyring_txn *txn, const struct mr_erasure_wish *wish,
        uint8_t ret[static MR_PERSON_ID_BYTES], struct mr_error *reterr)
{
    char value[IDENTIFIER_BYTES_MAX], snils[12];
    enum mr_person_state state;
    int r = check_one(wish, reterr);

    if (r < 0)
        return r;
    if (wish->snils && *wish->snils) {
        if (mr_ident_snils_normalise(wish->snils, snils) != 0 || !mr_ident_snils_ok(snils))
            return mr_error_set(reterr, MR_EINVAL, "snils", "give its 11 digits", "this is no СНИЛС");
        r = mr_person_find(txn, MR_IDENTIFIER_SNILS, mr_slice(snils, 11), ret);
        sodium_memzero(snils, sizeof snils);
    } else if (wish->local_id && *wish->local_id) {
        size_t system = strlen(wish->system) + 1, size = system + strlen(wish->local_id);

        if (size > sizeof value)
            return no_person(reterr);
        memcpy(value, wish->system, system);
        memcpy(value + system, wish->local_id, size - system);
        r = mr_person_find(txn, MR_IDENTIFIER_LOCAL, mr_slice(value, size), ret);
        sodium_memzero(value, sizeof value);
    } else {
        if (strlen(wish->person) != MR_PERSON_ID_BYTES * 2 ||
                mr_hex_decode(wish->person, strlen(wish->person), ret, MR_PERSON_ID_BYTES) < 0)
            return mr_error_set(reterr, MR_EINVAL, "person", "give the hub's id: 32 hex digits",
                    "not a person id: 32 hex digits");
        r = mr_person_state(txn, ret, &state, NULL);
    }
    return r == MR_ENOTFOUND ? no_person(reterr) : r;
}

static int look_within(struct look *look, struct mr_keyring_txn *txn)
{
    uint8_t person[MR_PERSON_ID_BYTES];
    int r = mr_erasure_find_person(txn, look->wish, person, look->error);

    if (r == 0)
        r = mr_person_state(txn, person, &look->state, NULL);
    if (r == 0 && look->state == MR_PERSON_DESTROYED)
        return mr_error_set(look->error, MR_EDESTROYED, "person", "", "this person was erased before");
    if (r == 0)
        r = mr_person_group(txn, person, &look->parts, &look->parts_count);
    if (r == 0 && (r = mr_person_held(txn, person)) >= 0) {
        look->held = r > 0;
        r = 0;
    }
    return r;
}

/* Prepare thread. Finds the person; a request that goes on has its item key, too. */
static int look_on_prepare(void *ctx, struct mr_keyring *keyring)
{
    struct look *look = ctx;
    struct mr_keyring_txn *txn;
    int r = mr_keyring_begin(keyring, &txn);

    if (r < 0)
        return r;
    r = look_within(look, txn);
    if (r == 0 && !look->held)
        r = mr_person_create(txn, look->item, &look->key);
    if (r == 0)
        return mr_keyring_commit(txn);
    mr_keyring_abort(txn);
    return r;
}

struct set_state {
    const uint8_t *person;
    enum mr_person_state state;
};

/* Prepare thread. Destroyed ones stay as they are. */
static int set_on_prepare(void *ctx, struct mr_keyring *keyring)
{
    const struct set_state *set = ctx;
    struct mr_keyring_txn *txn;
    int r = mr_keyring_begin(keyring, &txn);

    if (r < 0)
        return r;
    r = mr_person_set_state(txn, set->person, set->state);
    if (r == 0)
        return mr_keyring_commit(txn);
    mr_keyring_abort(txn);
    return r == MR_EDESTROYED ? 0 : r;
}

int mr_erasure_set_state(
        struct mr_eraser *eraser, const uint8_t person[static MR_PERSON_ID_BYTES], enum mr_person_state state)
{
    struct set_state set = {person, state};

    return mr_own_task(eraser->options.prepare, set_on_prepare, &set);
}

/* ---- what there is ---- */

struct other {
    struct mr_eraser *eraser;
    struct mr_log_reader *reader;
    const uint8_t *person;
    struct mr_erasure_other *ret;
};

static int look_at_other(void *ctx, const mr_erasure_request *request)
{
    struct other *other = ctx;
    struct mr_slot_key key;
    struct mr_arena arena;
    mr_erasure_secret *secret;

    other->ret->last = request->number;
    if ((request->state != MR_ERASURE_REQUESTED && !mr_erasure_runs(request->state)) ||
            request->item.len != MR_PERSON_ID_BYTES ||
            mr_keyring_person_key(other->eraser->house->keyring, request->item.data, &key) < 0)
        return 0;
    mr_arena_init(&arena, MR_ERASURE_ARENA_BYTES);
    if (mr_erasure_secret_read(other->reader, request, &key, &arena, &secret) == 0 &&
            secret->person.len == MR_PERSON_ID_BYTES &&
            memcmp(secret->person.data, other->person, MR_PERSON_ID_BYTES) == 0) {
        other->ret->number = request->number;
        other->ret->state = request->state;
    }
    mr_arena_fini(&arena);
    sodium_memzero(&key, sizeof key);
    return 0;
}

int mr_erasure_other(struct mr_eraser *eraser, const uint8_t person[static MR_PERSON_ID_BYTES],
        struct mr_erasure_other *ret)
{
    struct other other = {.eraser = eraser, .person = person, .ret = ret};
    int r = mr_log_reader_open(eraser->house->log, &other.reader);

    *ret = (struct mr_erasure_other){0};
    if (r < 0)
        return r;
    r = mr_erasure_each(other.reader, look_at_other, &other);
    mr_log_reader_close(other.reader);
    return r;
}

/* One that is destroyed stays so. */
static int block(struct mr_eraser *eraser, const uint8_t *person, uint64_t number, struct mr_error *reterr)
{
    int r = MR_FAULT("erase.requested");

    if (r == 0)
        r = mr_erasure_set_state(eraser, person, MR_PERSON_BLOCKED);
    return r == 0 ? 0
                  : mr_error_set(reterr, r, "keys", "ask again: that blocks the person",
                            "request No. %llu is noted, but its person is not blocked yet: %s",
                            (unsigned long long)number, mr_err_text(r));
}

/* The next number; MR_EEXISTS when there is a request for this person, who is blocked then. */
static int next_number(
        struct mr_eraser *eraser, const uint8_t *person, uint64_t *ret, struct mr_error *reterr)
{
    struct mr_erasure_other other;
    int r = mr_erasure_other(eraser, person, &other);

    *ret = other.last + 1;
    if (r == 0 && other.number) {
        if ((r = block(eraser, person, other.number, reterr)) < 0)
            return r; /* that the request is there does not say that its person could be blocked */
        return mr_error_set(reterr, MR_EEXISTS, "person", "marshrut erase show tells how far it is",
                "there is a request for this person: No. %llu", (unsigned long long)other.number);
    }
    return r;
}

/* ---- request ---- */

static int check_wish(const struct mr_erasure_wish *wish, struct mr_error *reterr)
{
    if (!mr_erasure_code_ok(wish->basis))
        return mr_error_set(reterr, MR_EINVAL, "basis",
                "give a code of small letters, digits and '-', as consent-withdrawn", "no code");
    if (!*wish->case_text || strlen(wish->case_text) > MR_ERASURE_CASE_MAX)
        return mr_error_set(reterr, MR_EINVAL, "case", "say in whose file the demand lies",
                "the case is missing, or longer than %d bytes", MR_ERASURE_CASE_MAX);
    return 0;
}

static int refuse_held(struct mr_eraser *eraser, const struct mr_erasure_wish *wish, struct mr_error *reterr)
{
    Nms__Event__V1__HubErasureRefused m = NMS__EVENT__V1__HUB_ERASURE_REFUSED__INIT;
    struct mr_own_event event = {.bytes = MR_BUF_INIT};
    struct mr_own own = {.events = &event, .count = 1};
    struct mr_uuid7 generator = {0};
    uint8_t uuid[MR_UUID_BYTES];
    char id[MR_UUID_TEXT_MAX];
    int r;

    m.basis = (char *)wish->basis;
    m.actor = (char *)wish->operator_name;
    m.code = (char *)"legal-hold";
    mr_uuid7_next(&generator, mr_clock_wall_us(eraser->house->clock), uuid);
    r = mr_erasure_event(&event.bytes, eraser->house, "refused", mr_uuid_format(uuid, id), &m.base);
    if (r == 0)
        r = mr_own_say(eraser->options.prepare, &own, reterr);
    mr_own_fini(&event, 1);
    if (r < 0)
        return r;
    if (eraser->options.said)
        eraser->options.said(eraser->options.ctx);
    return mr_error_set(reterr, MR_EDENIED, "person",
            "release the hold when its case is over: marshrut hold list",
            "the person is under legal hold; the refusal is event No. %llu",
            (unsigned long long)event.number);
}

static int seal_first(const struct look *look, uint64_t number, struct mr_buf *out)
{
    Marshrut__Erasure__V1__Secret secret = MARSHRUT__ERASURE__V1__SECRET__INIT;
    Marshrut__Erasure__V1__Part *parts = calloc(look->parts_count, sizeof *parts);
    Marshrut__Erasure__V1__Part **pointers = calloc(look->parts_count, sizeof *pointers);
    int r = parts && pointers ? 0 : MR_ENOMEM;

    for (size_t i = 0; r == 0 && i < look->parts_count; i++) {
        marshrut__erasure__v1__part__init(&parts[i]);
        parts[i].person = (ProtobufCBinaryData){MR_PERSON_ID_BYTES, look->parts[i].person};
        parts[i].key_id = (ProtobufCBinaryData){MR_KEY_ID_BYTES, look->parts[i].key_id};
        pointers[i] = &parts[i];
    }
    secret.person = (ProtobufCBinaryData){MR_PERSON_ID_BYTES, look->parts[0].person};
    secret.parts = pointers;
    secret.n_parts = look->parts_count;
    secret.case_text = (char *)look->wish->case_text;
    if (r == 0)
        r = mr_erasure_secret_seal(&look->key, number, &secret, out);
    free(parts);
    free(pointers);
    return r;
}

static void set_requested(struct mr_erasure_saying *saying)
{
    saying->request->event_requested = saying->events[0].number;
}

static int say_requested(
        struct mr_eraser *eraser, struct look *look, uint64_t number, struct mr_error *reterr)
{
    Nms__Event__V1__HubErasureRequested m = NMS__EVENT__V1__HUB_ERASURE_REQUESTED__INIT;
    Marshrut__Erasure__V1__Request request = MARSHRUT__ERASURE__V1__REQUEST__INIT;
    struct mr_own_event event = {.bytes = MR_BUF_INIT};
    struct mr_erasure_saying saying = {
            .eraser = eraser, .request = &request, .events = &event, .count = 1, .set = set_requested};
    struct mr_buf sealed = MR_BUF_INIT;
    char id[EVENT_ID_MAX], due[MR_ERASURE_DATE_MAX];
    int r = seal_first(look, number, &sealed);

    request.number = m.request = number;
    request.state = MR_ERASURE_REQUESTED;
    request.basis = m.basis = (char *)look->wish->basis;
    request.requested_by = m.actor = (char *)look->wish->operator_name;
    request.requested_us = mr_clock_wall_us(eraser->house->clock);
    request.due_us = request.requested_us + eraser->house->config->erasure.term_days * DAY_US;
    request.item = (ProtobufCBinaryData){MR_PERSON_ID_BYTES, look->item};
    request.persons = 1;
    m.due_on = (char *)mr_erasure_date(request.due_us, due);
    (void)snprintf(id, sizeof id, "erasure-%llu-requested", (unsigned long long)number);
    saying.secret = mr_buf_slice(&sealed);
    if (r == 0)
        r = mr_erasure_event(&event.bytes, eraser->house, "requested", id, &m.base);
    if (r == 0)
        r = mr_erasure_say(&saying, reterr);
    mr_buf_fini(&sealed);
    mr_own_fini(&event, 1);
    return r;
}

static int request(struct mr_eraser *eraser, struct look *look, uint64_t *ret, struct mr_error *reterr)
{
    int r = mr_own_task(eraser->options.prepare, look_on_prepare, look);

    if (r < 0)
        return reterr && reterr->code == 0
                       ? mr_error_set(reterr, r, "keys", "try again", "%s", mr_err_text(r))
                       : r;
    if (look->held)
        return refuse_held(eraser, look->wish, reterr);
    r = next_number(eraser, look->parts[0].person, ret, reterr);
    if (r == 0)
        r = say_requested(eraser, look, *ret, reterr);
    return r < 0 ? r : block(eraser, look->parts[0].person, *ret, reterr);
}

int mr_eraser_request(struct mr_eraser *eraser, const struct mr_erasure_wish *wish, uint64_t *ret_number,
        struct mr_error *reterr)
{
    struct look look = {.wish = wish, .error = reterr};
    int r = check_wish(wish, reterr);

    if (r < 0)
        return r;
    (void)pthread_mutex_lock(&eraser->asking);
    r = request(eraser, &look, ret_number, reterr);
    (void)pthread_mutex_unlock(&eraser->asking);
    free(look.parts);
    sodium_memzero(&look, sizeof look);
    mr_eraser_wake(eraser);
    return r;
}
