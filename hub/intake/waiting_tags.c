/* The keys of one event: what it says of its persons. */
#include <string.h>

#include "hub/intake/waiting.h"
#include "proto/base/buf.h"
#include "proto/base/list.h"
#include "proto/wire/ident.h"

enum { SNILS_DIGITS = 11 };

static void put_tag(struct mr_keyring *keyring, const char *system, const char *kind, struct mr_slice value,
        struct mr_waiting_tags *ret)
{
    const struct mr_slice parts[] = {mr_slice_str(system), mr_slice_str(kind), value};
    uint8_t tag[MR_WAITING_TAG_BYTES];

    mr_keyring_digest(keyring, "waits", parts, MR_COUNT(parts), tag);
    for (size_t i = 0; i < ret->count; i++)
        if (memcmp(ret->tags[i], tag, sizeof tag) == 0)
            return;
    if (ret->count < MR_WAITING_TAGS_MAX)
        memcpy(ret->tags[ret->count++], tag, sizeof tag);
}

/* The person, if the identifier leads to one. */
static int put_person(struct mr_keyring *keyring, struct mr_keyring_txn *txn, const char *system,
        enum mr_person_identifier kind, struct mr_slice value, struct mr_waiting_tags *ret)
{
    uint8_t person[MR_PERSON_ID_BYTES];
    int r = mr_person_find(txn, kind, value, person);

    if (r == 0)
        put_tag(keyring, system, "person", mr_slice(person, sizeof person), ret);
    return r == MR_ENOTFOUND ? 0 : r;
}

static int tags_of_person(struct mr_keyring *keyring, struct mr_keyring_txn *txn, const char *system,
        const Nms__Event__V1__Person *person, struct mr_waiting_tags *ret)
{
    struct mr_buf local = MR_BUF_INIT;
    char digits[SNILS_DIGITS + 1];
    int r = 0;

    if (*person->person_id)
        put_tag(keyring, system, "id", mr_slice_str(person->person_id), ret);
    if (*person->snils && mr_ident_snils_normalise(person->snils, digits) == 0) {
        put_tag(keyring, system, "snils", mr_slice(digits, SNILS_DIGITS), ret);
        r = put_person(keyring, txn, system, MR_IDENTIFIER_SNILS, mr_slice(digits, SNILS_DIGITS), ret);
        explicit_bzero(digits, sizeof digits);
    }
    if (r == 0 && *person->local_id) {
        put_tag(keyring, system, "local", mr_slice_str(person->local_id), ret);
        mr_buf_put(&local, system, strlen(system) + 1);
        mr_buf_put_str(&local, person->local_id);
        r = mr_buf_failed(&local)
                    ? MR_ENOMEM
                    : put_person(keyring, txn, system, MR_IDENTIFIER_LOCAL, mr_buf_slice(&local), ret);
    }
    mr_buf_wipe(&local);
    return r;
}

int mr_waiting_tags(struct mr_keyring *keyring, struct mr_keyring_txn *txn, const char *system,
        const struct mr_event *event, struct mr_waiting_tags *ret)
{
    int r = 0;

    ret->count = 0;
    for (size_t i = 0; r == 0 && i < event->persons_count; i++)
        r = tags_of_person(keyring, txn, system, event->persons[i].person, ret);
    if (event->persons_count == 0 && event->a.orgid && *event->a.orgid)
        put_tag(keyring, system, "org", mr_slice_str(event->a.orgid), ret);
    return r;
}
