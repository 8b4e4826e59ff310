#include "hub/http/token.h"

#include <sodium.h>
#include <string.h>

#include "proto/base/bytes.h"
#include "proto/base/list.h"

/* u8 version, i64 issued, i64 expires, i64 revoked, u32 scopes, digest, then three texts, each with its NUL.
 */
enum { ROW_VERSION = 1, AT_ISSUED = 1, AT_EXPIRES = 9, AT_REVOKED = 17, AT_SCOPES = 25, AT_DIGEST = 29 };
enum { HEAD_BYTES = AT_DIGEST + MR_TOKEN_DIGEST_BYTES, KIND_TOKEN = 1, SECRET_BYTES = 32 };

static const char prefix[] = "mrt_"; /* so that a scanner of leaked secrets knows it */

static const char *const scope_names[] = {"read", "log", "passport", "publish", "pull"};

void mr_token_make(char ret[static MR_TOKEN_BYTES])
{
    uint8_t secret[SECRET_BYTES];

    randombytes_buf(secret, sizeof secret);
    memcpy(ret, prefix, sizeof prefix - 1);
    (void)sodium_bin2base64(ret + sizeof prefix - 1, MR_TOKEN_BYTES - (sizeof prefix - 1), secret,
            sizeof secret, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_memzero(secret, sizeof secret);
}

void mr_token_digest(const char *token, uint8_t ret[static MR_TOKEN_DIGEST_BYTES])
{
    (void)crypto_hash_sha256(ret, (const uint8_t *)token, strlen(token));
}

void mr_token_key(const uint8_t id[static MR_TOKEN_ID_BYTES], uint8_t ret[static MR_TOKEN_KEY_BYTES])
{
    ret[0] = KIND_TOKEN;
    memcpy(ret + 1, id, MR_TOKEN_ID_BYTES);
}

const char *mr_token_scope_name(uint32_t scope)
{
    for (size_t i = 0; i < MR_COUNT(scope_names); i++)
        if (scope == 1u << i)
            return scope_names[i];
    return NULL;
}

int mr_token_scopes_parse(const char *text, uint32_t *ret)
{
    *ret = 0;
    while (*text) {
        size_t size = strcspn(text, ","), i = 0;

        while (i < MR_COUNT(scope_names) &&
                (strlen(scope_names[i]) != size || strncmp(scope_names[i], text, size) != 0))
            i++;
        if (i == MR_COUNT(scope_names))
            return MR_EINVAL;
        *ret |= 1u << i;
        text += size + (text[size] == ',');
    }
    return *ret ? 0 : MR_EINVAL;
}

/* ---- the row ---- */

int mr_token_row_encode(struct mr_buf *out, const struct mr_token_row *row)
{
    mr_buf_put_u8(out, ROW_VERSION);
    mr_buf_put_be64(out, (uint64_t)row->issued_us);
    mr_buf_put_be64(out, (uint64_t)row->expires_us);
    mr_buf_put_be64(out, (uint64_t)row->revoked_us);
    mr_buf_put_be32(out, row->scopes);
    mr_buf_put(out, row->digest, sizeof row->digest);
    mr_buf_put(out, row->name, strlen(row->name) + 1);
    mr_buf_put(out, row->system, strlen(row->system) + 1);
    mr_buf_put(out, row->issued_by, strlen(row->issued_by) + 1);
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

int mr_token_row_decode(struct mr_token_row *ret, struct mr_slice value)
{
    struct mr_slice rest;

    *ret = (struct mr_token_row){0};
    if (value.size < HEAD_BYTES || value.data[0] != ROW_VERSION)
        return MR_ECORRUPT;
    ret->issued_us = (int64_t)mr_get_be64(value.data + AT_ISSUED);
    ret->expires_us = (int64_t)mr_get_be64(value.data + AT_EXPIRES);
    ret->revoked_us = (int64_t)mr_get_be64(value.data + AT_REVOKED);
    ret->scopes = mr_get_be32(value.data + AT_SCOPES);
    memcpy(ret->digest, value.data + AT_DIGEST, sizeof ret->digest);
    rest = mr_slice(value.data + HEAD_BYTES, value.size - HEAD_BYTES);
    if (!take_text(&rest, ret->name, sizeof ret->name) ||
            !take_text(&rest, ret->system, sizeof ret->system) ||
            !take_text(&rest, ret->issued_by, sizeof ret->issued_by))
        return MR_ECORRUPT;
    return rest.size == 0 ? 0 : MR_ECORRUPT;
}

/* ---- checking one ---- */

int mr_token_check_digest(struct mr_log_reader *reader, const uint8_t digest[static MR_TOKEN_DIGEST_BYTES],
        int64_t now_us, struct mr_token_row *ret, struct mr_error *reterr)
{
    uint8_t key[MR_TOKEN_KEY_BYTES];
    struct mr_slice value;
    int r;

    mr_token_key(digest, key);
    r = mr_log_row(reader, MR_LOG_ACCESS, mr_slice(key, sizeof key), &value);
    if (r == 0)
        r = mr_token_row_decode(ret, value);
    if (r == MR_ENOTFOUND || (r == 0 && sodium_memcmp(ret->digest, digest, sizeof ret->digest) != 0))
        return mr_error_set(reterr, MR_EDENIED, "Authorization", "ask the administrator of the hub for one",
                "no valid token");
    if (r == 0 && ret->revoked_us)
        return mr_error_set(reterr, MR_EDENIED, "Authorization",
                "ask the administrator of the hub for another one", "the token was revoked");
    if (r == 0 && ret->expires_us && ret->expires_us <= now_us)
        return mr_error_set(reterr, MR_EDENIED, "Authorization",
                "ask the administrator of the hub for another one", "the token's time is over");
    return r;
}

int mr_token_check(struct mr_log_reader *reader, const char *token, int64_t now_us, struct mr_token_row *ret,
        struct mr_error *reterr)
{
    uint8_t digest[MR_TOKEN_DIGEST_BYTES];

    mr_token_digest(token, digest);
    return mr_token_check_digest(reader, digest, now_us, ret, reterr);
}
