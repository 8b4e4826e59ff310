/* A bearer token (RFC 6750), kept and compared as its digest. Pure functions. */
#ifndef MR_LOOP_HTTP_TOKEN_H
#define MR_LOOP_HTTP_TOKEN_H

#include <stdbool.h>
#include <stdint.h>

enum { MR_HTTP_TOKEN_DIGEST_BYTES = 32 };

void mr_http_token_digest(const char *token, uint8_t ret[static MR_HTTP_TOKEN_DIGEST_BYTES]);
/* Does the value of Authorization (NULL: absent) hold the token? Takes the same time wherever a wrong one
 * differs. */
bool mr_http_token_given(const uint8_t digest[static MR_HTTP_TOKEN_DIGEST_BYTES], const char *authorization);

#endif
