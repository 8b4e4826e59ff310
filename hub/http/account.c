#include "hub/http/account.h"

#include <sodium.h>
#include <string.h>

#include "proto/base/bytes.h"

/* u8 version, i64 created, changed, locked, invited until, digest, hash, then the name with its NUL; from
 * version 2 on role, ОГРН and ОКТМО, each with its NUL. */
enum {
    ROW_VERSION = 2,
    ROW_VERSION_OLD = 1,
    AT_TIMES = 1,
    AT_DIGEST = 33,
    AT_HASH = 65,
    AT_NAME = AT_HASH + MR_ACCOUNT_HASH_BYTES
};
enum { DISTINCT_MIN = 6 };
enum { KIND_ACCOUNT = 2, OPSLIMIT = 2, MEMLIMIT = 19456 * 1024 }; /* Argon2id: m = 19 MiB, t = 2, p = 1 */

_Static_assert(MR_ACCOUNT_HASH_BYTES == crypto_pwhash_STRBYTES, "as libsodium has it");

static const int64_t us_an_hour = 3600LL * 1000000;

void mr_account_key(const char *name, uint8_t ret[static MR_ACCOUNT_KEY_BYTES])
{
    uint8_t digest[crypto_hash_sha256_BYTES];

    (void)crypto_hash_sha256(digest, (const uint8_t *)name, strlen(name));
    ret[0] = KIND_ACCOUNT;
    memcpy(ret + 1, digest, MR_ACCOUNT_KEY_BYTES - 1);
}

int mr_account_row_encode(struct mr_buf *out, const struct mr_account_row *row)
{
    mr_buf_put_u8(out, ROW_VERSION);
    mr_buf_put_be64(out, (uint64_t)row->created_us);
    mr_buf_put_be64(out, (uint64_t)row->changed_us);
    mr_buf_put_be64(out, (uint64_t)row->locked_us);
    mr_buf_put_be64(out, (uint64_t)row->invited_until_us);
    mr_buf_put(out, row->secret_digest, sizeof row->secret_digest);
    mr_buf_put(out, row->hash, sizeof row->hash);
    mr_buf_put(out, row->name, strlen(row->name) + 1);
    mr_buf_put(out, row->role, strlen(row->role) + 1);
    mr_buf_put(out, row->limits.ogrn, strlen(row->limits.ogrn) + 1);
    mr_buf_put(out, row->limits.oktmo, strlen(row->limits.oktmo) + 1);
    return mr_buf_failed(out) ? MR_ENOMEM : 0;
}

static bool take_text(struct mr_slice *rest, char *ret, size_t capacity)
{
    const uint8_t *end = rest->size ? memchr(rest->data, 0, rest->size) : NULL;
    size_t size = end ? (size_t)(end - rest->data) + 1 : 0;

    if (!end || size > capacity)
        return false;
    memcpy(ret, rest->data, size);
    *rest = mr_slice(rest->data + size, rest->size - size);
    return true;
}

static bool take_texts(struct mr_slice rest, uint8_t version, struct mr_account_row *ret)
{
    bool good = take_text(&rest, ret->name, sizeof ret->name);

    if (good && version >= ROW_VERSION)
        good = take_text(&rest, ret->role, sizeof ret->role) &&
               take_text(&rest, ret->limits.ogrn, sizeof ret->limits.ogrn) &&
               take_text(&rest, ret->limits.oktmo, sizeof ret->limits.oktmo);
    return good && rest.size == 0;
}

int mr_account_row_decode(struct mr_account_row *ret, struct mr_slice value)
{
    uint8_t version = value.size > AT_NAME ? value.data[0] : 0;

    *ret = (struct mr_account_row){0};
    if (version < ROW_VERSION_OLD || version > ROW_VERSION || value.data[AT_NAME - 1] ||
            !take_texts(mr_slice(value.data + AT_NAME, value.size - AT_NAME), version, ret))
        return MR_ECORRUPT;
    ret->created_us = (int64_t)mr_get_be64(value.data + AT_TIMES);
    ret->changed_us = (int64_t)mr_get_be64(value.data + AT_TIMES + 8);
    ret->locked_us = (int64_t)mr_get_be64(value.data + AT_TIMES + 16);
    ret->invited_until_us = (int64_t)mr_get_be64(value.data + AT_TIMES + 24);
    memcpy(ret->secret_digest, value.data + AT_DIGEST, sizeof ret->secret_digest);
    memcpy(ret->hash, value.data + AT_HASH, sizeof ret->hash);
    return 0;
}

int mr_account_find(struct mr_log_reader *reader, const char *name, struct mr_account_row *ret)
{
    uint8_t key[MR_ACCOUNT_KEY_BYTES];
    struct mr_slice value;
    int r;

    mr_account_key(name, key);
    r = mr_log_row(reader, MR_LOG_ACCESS, mr_slice(key, sizeof key), &value);
    if (r == 0)
        r = mr_account_row_decode(ret, value);
    return r == 0 && strcmp(ret->name, name) != 0 ? MR_ENOTFOUND : r;
}

/* ---- the invitation ---- */

void mr_account_invite(struct mr_account_row *row, int64_t now_us, char ret[static MR_ACCOUNT_SECRET_BYTES])
{
    uint8_t secret[32];

    randombytes_buf(secret, sizeof secret);
    (void)sodium_bin2base64(
            ret, MR_ACCOUNT_SECRET_BYTES, secret, sizeof secret, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    (void)crypto_hash_sha256(row->secret_digest, (const uint8_t *)ret, strlen(ret));
    row->invited_until_us = now_us + MR_ACCOUNT_INVITED_HOURS * us_an_hour;
    sodium_memzero(secret, sizeof secret);
}

bool mr_account_invited(const struct mr_account_row *row, const char *secret, int64_t now_us)
{
    uint8_t digest[crypto_hash_sha256_BYTES];

    (void)crypto_hash_sha256(digest, (const uint8_t *)secret, strlen(secret));
    return !sodium_is_zero(row->secret_digest, sizeof row->secret_digest) &&
           sodium_memcmp(row->secret_digest, digest, sizeof digest) == 0 && now_us < row->invited_until_us;
}

/* ---- the password ---- */

/* Long is not enough: one character over and over, or one's own name, is tried first. */
static bool is_guessed(const char *password, const char *name)
{
    bool seen[256] = {false};
    size_t distinct = 0;

    for (const char *c = password; *c; c++) {
        distinct += !seen[(uint8_t)*c];
        seen[(uint8_t)*c] = true;
    }
    return distinct < DISTINCT_MIN || strcasestr(password, name) || strcasestr(password, "marshrut") ||
           strstr("01234567890123456789qwertyuiopasdfghjklzxcvbnmabcdefghijklmnopqrstuvwxyz", password);
}

int mr_account_password_fits(const char *password, const char *name, struct mr_error *reterr)
{
    if (strlen(password) < MR_ACCOUNT_PASSWORD_MIN)
        return mr_error_set(reterr, MR_EINVAL, "password", "choose a longer one; some words make a good one",
                "shorter than %d characters", MR_ACCOUNT_PASSWORD_MIN);
    if (is_guessed(password, name))
        return mr_error_set(reterr, MR_EINVAL, "password",
                "choose another one, without your name and with more different characters; some words make "
                "a good one",
                "this is one of the first that is tried");
    return 0;
}

int mr_account_set_password(struct mr_account_row *row, const char *password, int64_t now_us)
{
    if (crypto_pwhash_str_alg(
                row->hash, password, strlen(password), OPSLIMIT, MEMLIMIT, crypto_pwhash_ALG_ARGON2ID13) != 0)
        return MR_ENOMEM;
    sodium_memzero(row->secret_digest, sizeof row->secret_digest);
    row->invited_until_us = 0;
    row->changed_us = now_us;
    return 0;
}

bool mr_account_password_right(const struct mr_account_row *row, const char *password)
{
    struct mr_account_row nobody = {0};

    if (row && row->hash[0])
        return crypto_pwhash_str_verify(row->hash, password, strlen(password)) == 0;
    (void)mr_account_set_password(&nobody, password, 0);
    return false;
}
