#include "hub/index/index_keys.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

#include "proto/base/bytes.h"
#include "proto/base/list.h"

const char *mr_index_key_tag(enum mr_index_kind kind)
{
    static const char *const tags[] = {
            [MR_INDEX_EVENT_ID] = "event-id",
            [MR_INDEX_CORRELATION] = "correlation",
            [MR_INDEX_ORGANISATION] = "organisation",
            [MR_INDEX_DOCUMENT] = "document",
    };

    assert(kind < MR_COUNT(tags) && tags[kind]);
    return tags[kind];
}

static void keyed(const struct mr_keyring *keyring, enum mr_index_kind kind, const char *text, uint8_t *ret)
{
    struct mr_slice part = mr_slice_str(text);

    mr_keyring_digest(keyring, mr_index_key_tag(kind), &part, 1, ret);
}

void mr_index_key_ident(const struct mr_keyring *keyring, const char *source, const char *id,
        uint8_t ret[static MR_INDEX_KEY_BYTES])
{
    struct mr_slice parts[] = {mr_slice_str(source), mr_slice_str(id)};

    mr_keyring_digest(keyring, "ident", parts, 2, ret);
}

void mr_index_key_event_id(
        const struct mr_keyring *keyring, const char *id, uint8_t ret[static MR_INDEX_KEY_BYTES])
{
    keyed(keyring, MR_INDEX_EVENT_ID, id, ret);
}

void mr_index_key_correlation(
        const struct mr_keyring *keyring, const char *id, uint8_t ret[static MR_INDEX_KEY_BYTES])
{
    keyed(keyring, MR_INDEX_CORRELATION, id, ret);
}

void mr_index_key_organisation(
        const struct mr_keyring *keyring, const char *ogrn, uint8_t ret[static MR_INDEX_KEY_BYTES])
{
    keyed(keyring, MR_INDEX_ORGANISATION, ogrn, ret);
}

void mr_index_key_document(
        const struct mr_keyring *keyring, const char *number, uint8_t ret[static MR_INDEX_KEY_BYTES])
{
    keyed(keyring, MR_INDEX_DOCUMENT, number, ret);
}

void mr_index_key_type(const char *type, uint8_t ret[static MR_INDEX_KEY_BYTES])
{
    (void)crypto_generichash(ret, MR_INDEX_KEY_BYTES, (const uint8_t *)type, strlen(type), NULL, 0);
}

void mr_index_key_subscription(uint16_t subscription, uint8_t ret[static MR_INDEX_KEY_BYTES])
{
    memset(ret, 0, MR_INDEX_KEY_BYTES);
    mr_put_be16(ret, subscription);
}

void mr_index_key_system(uint16_t system, uint8_t ret[static MR_INDEX_KEY_BYTES])
{
    memset(ret, 0, MR_INDEX_KEY_BYTES);
    mr_put_be16(ret, system);
}

void mr_index_key_person(const struct mr_slot_key *key, uint8_t ret[static MR_INDEX_KEY_BYTES])
{
    static const char tag[] = "person-index";

    (void)crypto_generichash(
            ret, MR_INDEX_KEY_BYTES, (const uint8_t *)tag, sizeof tag - 1, key->dek, sizeof key->dek);
}
