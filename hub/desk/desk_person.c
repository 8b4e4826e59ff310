/* Whom an event at the desk is about: a person who is blocked is not shown, and nothing is corrected of them.
 */
#include <string.h>

#include "hub/desk/desk_internal.h"
#include "proto/base/hex.h"
#include "proto/wire/ident.h"

enum { SNILS_DIGITS = 11 };

int mr_desk_is_blocked(struct mr_error *reterr)
{
    return mr_error_set(reterr, MR_EBLOCKED, "person",
            "wait until the request to erase the person is carried out or rejected: marshrut erase list",
            "a person in it is blocked: nothing of them is shown or changed");
}

/* A destroyed one has no identifiers: nothing leads there. */
static int state_of(struct mr_keyring_txn *txn, const uint8_t *person)
{
    enum mr_person_state state;
    int r = mr_person_state(txn, person, &state, NULL);

    if (r == 0 && state == MR_PERSON_BLOCKED)
        return MR_EBLOCKED;
    return r == MR_ENOTFOUND ? 0 : r;
}

static int by_identifier(struct mr_keyring_txn *txn, enum mr_person_identifier kind, struct mr_slice value)
{
    uint8_t person[MR_PERSON_ID_BYTES];
    int r = mr_person_find(txn, kind, value, person);

    return r == 0 ? state_of(txn, person) : r == MR_ENOTFOUND ? 0 : r;
}

static int by_local_id(struct mr_keyring_txn *txn, const char *system, const char *local_id)
{
    struct mr_buf value = MR_BUF_INIT;
    int r;

    mr_buf_put(&value, system, strlen(system) + 1);
    mr_buf_put_str(&value, local_id);
    r = mr_buf_failed(&value) ? MR_ENOMEM : by_identifier(txn, MR_IDENTIFIER_LOCAL, mr_buf_slice(&value));
    mr_buf_wipe(&value);
    return r;
}

/* The hub's id, or the sender's pseudonym. */
static int by_id(struct mr_keyring *keyring, struct mr_keyring_txn *txn, const char *system, const char *text)
{
    uint8_t id[MR_PERSON_ID_BYTES];
    int r;

    if (strlen(text) != 2 * sizeof id || mr_hex_decode(text, strlen(text), id, sizeof id) < 0)
        return 0;
    r = state_of(txn, id);
    if (r == 0 && mr_keyring_pseudonym_open(keyring, system, id, id) == 0)
        r = state_of(txn, id);
    return r;
}

static int look_at(struct mr_keyring *keyring, struct mr_keyring_txn *txn, const char *system,
        const Nms__Event__V1__Person *person)
{
    char digits[SNILS_DIGITS + 1];
    int r = *person->person_id ? by_id(keyring, txn, system, person->person_id) : 0;

    if (r == 0 && *person->snils && mr_ident_snils_normalise(person->snils, digits) == 0)
        r = by_identifier(txn, MR_IDENTIFIER_SNILS, mr_slice(digits, SNILS_DIGITS));
    explicit_bzero(digits, sizeof digits);
    return r == 0 && *person->local_id ? by_local_id(txn, system, person->local_id) : r;
}

int mr_desk_blocked(struct mr_keyring *keyring, struct mr_keyring_txn *txn, const char *system,
        const struct mr_event *event)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < event->persons_count; i++)
        r = look_at(keyring, txn, system, event->persons[i].person);
    return r;
}

struct look {
    const char *system;
    const struct mr_event *event;
};

/* Prepare thread. */
static int look(void *ctx, struct mr_keyring *keyring)
{
    const struct look *look = ctx;
    struct mr_keyring_txn *txn;
    int r = mr_keyring_begin(keyring, &txn);

    if (r < 0)
        return r;
    r = mr_desk_blocked(keyring, txn, look->system, look->event);
    mr_keyring_abort(txn);
    return r;
}

int mr_desk_may_show(
        struct mr_desk *desk, const char *system, const struct mr_event *event, struct mr_error *reterr)
{
    struct look ctx = {system, event};
    int r = mr_own_task(desk->options.prepare, look, &ctx);

    return r == MR_EBLOCKED ? mr_desk_is_blocked(reterr) : r;
}
