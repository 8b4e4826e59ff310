#include "proto/loop/http_token.h"

#include <sodium.h>
#include <string.h>
#include <strings.h>

static const char scheme[] = "Bearer ";

void mr_http_token_digest(const char *token, uint8_t ret[static MR_HTTP_TOKEN_DIGEST_BYTES])
{
    (void)crypto_hash_sha256(ret, (const uint8_t *)token, strlen(token));
}

bool mr_http_token_given(const uint8_t digest[static MR_HTTP_TOKEN_DIGEST_BYTES], const char *authorization)
{
    uint8_t given[MR_HTTP_TOKEN_DIGEST_BYTES];

    if (!authorization || strncasecmp(authorization, scheme, sizeof scheme - 1) != 0)
        return false;
    mr_http_token_digest(authorization + sizeof scheme - 1, given);
    return sodium_memcmp(given, digest, sizeof given) == 0;
}
