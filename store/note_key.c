/* The keys of signed notes and their text forms. */
#include "store/note.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "proto/base/bytes.h"
#include "proto/base/hex.h"
#include "store/sha256.h"

enum { ED25519 = 1, ID_BYTES = 4, ID_DIGITS = 8, TYPED_BYTES = 1 + MR_NOTE_KEY_BYTES };

static const char SECRET[] = "PRIVATE+KEY+";

static uint32_t id_of(const char *name, const uint8_t key[static MR_NOTE_KEY_BYTES])
{
    static const uint8_t between[] = {'\n', ED25519};
    struct mr_sha256_state state;
    uint8_t digest[32];

    mr_sha256_init(&state);
    mr_sha256_put(&state, mr_slice_str(name));
    mr_sha256_put(&state, mr_slice(between, sizeof between));
    mr_sha256_put(&state, mr_slice(key, MR_NOTE_KEY_BYTES));
    mr_sha256_final(&state, digest);
    return mr_get_be32(digest);
}

int mr_note_key_init(struct mr_note_key *ret, const char *name, const uint8_t key[static MR_NOTE_KEY_BYTES])
{
    if (!mr_note_name_valid(name))
        return MR_EINVAL;
    *ret = (struct mr_note_key){.id = id_of(name, key)};
    memcpy(ret->name, name, strlen(name));
    memcpy(ret->key, key, MR_NOTE_KEY_BYTES);
    return 0;
}

/* name+id+base64(type || bytes). Splits and decodes; the id is not compared yet. NULL, or what is wrong. */
static const char *split(struct mr_slice text, char name[static MR_NOTE_NAME_BYTES_MAX + 1], uint32_t *ret_id,
        uint8_t *ret_bytes)
{
    const uint8_t *first = text.size ? memchr(text.data, '+', text.size) : NULL;
    size_t name_size = first ? (size_t)(first - text.data) : 0;
    uint8_t id[ID_BYTES], typed[TYPED_BYTES];
    const char *wrong = NULL;

    if (!first || name_size > MR_NOTE_NAME_BYTES_MAX || text.size < name_size + 2 + ID_DIGITS ||
            first[1 + ID_DIGITS] != '+')
        return "it is not of the form name+id+key";
    for (size_t i = 1; i <= ID_DIGITS; i++)
        if (first[i] >= 'A' && first[i] <= 'F')
            return "its id is not of eight digits";
    if (mr_hex_decode((const char *)first + 1, ID_DIGITS, id, sizeof id) < 0)
        return "its id is not of eight digits";
    text = mr_slice(first + 2 + ID_DIGITS, text.size - name_size - 2 - ID_DIGITS);
    if (mr_base64_get(text, typed, sizeof typed) < 0)
        wrong = "its key is no base64 of 33 bytes";
    else if (typed[0] != ED25519)
        wrong = "its key is not of type Ed25519";
    memcpy(name, first - name_size, name_size);
    name[name_size] = 0;
    *ret_id = mr_get_be32(id);
    memcpy(ret_bytes, typed + 1, MR_NOTE_KEY_BYTES);
    sodium_memzero(typed, sizeof typed);
    return wrong;
}

int mr_note_key_parse(struct mr_note_key *ret, struct mr_slice vkey, struct mr_error *reterr)
{
    char name[MR_NOTE_NAME_BYTES_MAX + 1];
    uint8_t key[MR_NOTE_KEY_BYTES];
    uint32_t id;
    const char *wrong = split(vkey, name, &id, key);

    if (!wrong && (memchr(vkey.data, 0, vkey.size) || mr_note_key_init(ret, name, key) < 0))
        wrong = "its name is none";
    if (!wrong && ret->id != id)
        wrong = "its id is not that of this name and key: a character was changed";
    if (!wrong)
        return 0;
    return mr_error_set(reterr, MR_EMALFORMED, "verifier key",
            "copy it whole, as `marshrut log key` prints it", "%s", wrong);
}

static void format(char out[static MR_NOTE_KEY_TEXT_MAX], const char *prefix, const struct mr_note_key *key,
        const uint8_t *bytes)
{
    char base64[sodium_base64_ENCODED_LEN(TYPED_BYTES, sodium_base64_VARIANT_ORIGINAL)];
    uint8_t typed[TYPED_BYTES] = {ED25519};

    memcpy(typed + 1, bytes, MR_NOTE_KEY_BYTES);
    (void)sodium_bin2base64(base64, sizeof base64, typed, sizeof typed, sodium_base64_VARIANT_ORIGINAL);
    (void)snprintf(out, MR_NOTE_KEY_TEXT_MAX, "%s%s+%08x+%s", prefix, key->name, key->id, base64);
    sodium_memzero(typed, sizeof typed);
    sodium_memzero(base64, sizeof base64);
}

char *mr_note_key_format(const struct mr_note_key *key, char out[static MR_NOTE_KEY_TEXT_MAX])
{
    format(out, "", key, key->key);
    return out;
}

/* ---- secret ones ---- */

int mr_note_signer_init(
        struct mr_note_signer *ret, const char *name, const uint8_t seed[static MR_NOTE_KEY_BYTES])
{
    uint8_t key[MR_NOTE_KEY_BYTES];

    (void)crypto_sign_seed_keypair(key, ret->secret, seed);
    return mr_note_key_init(&ret->public_key, name, key);
}

int mr_note_signer_parse(struct mr_note_signer *ret, struct mr_slice skey, struct mr_error *reterr)
{
    const size_t prefix = sizeof SECRET - 1;
    char name[MR_NOTE_NAME_BYTES_MAX + 1];
    uint8_t seed[MR_NOTE_KEY_BYTES];
    const char *wrong = "it does not begin with PRIVATE+KEY+";
    uint32_t id = 0;

    if (skey.size > prefix && memcmp(skey.data, SECRET, prefix) == 0)
        wrong = split(mr_slice(skey.data + prefix, skey.size - prefix), name, &id, seed);
    if (!wrong && mr_note_signer_init(ret, name, seed) < 0)
        wrong = "its name is none";
    if (!wrong && ret->public_key.id != id)
        wrong = "its id is not that of this name and key";
    sodium_memzero(seed, sizeof seed);
    if (!wrong)
        return 0;
    mr_note_signer_wipe(ret);
    return mr_error_set(reterr, MR_EMALFORMED, "signing key", "restore the file from a backup", "%s", wrong);
}

char *mr_note_signer_format(const struct mr_note_signer *signer, char out[static MR_NOTE_KEY_TEXT_MAX])
{
    format(out, SECRET, &signer->public_key, signer->secret);
    return out;
}

void mr_note_signer_wipe(struct mr_note_signer *signer)
{
    sodium_memzero(signer, sizeof *signer);
}
