/*
 * Tokens of the HTTP API (RFC 6750, bearer): what may be done with one, and its row in the log
 * (MR_LOG_ACCESS). The token is told once, to who asks for it, and never kept: its id is the beginning of
 * its SHA-256, and the row has the whole digest. Pure functions, any thread.
 */
#ifndef MR_HUB_HTTP_TOKEN_H
#define MR_HUB_HTTP_TOKEN_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/buf.h"
#include "store/log.h"

enum {
    MR_TOKEN_BYTES = 48, /* "mrt_", 43 characters of base64url (32 random bytes), NUL */
    MR_TOKEN_ID_BYTES = 16,
    MR_TOKEN_DIGEST_BYTES = 32,
    MR_TOKEN_KEY_BYTES = 1 + MR_TOKEN_ID_BYTES,
    MR_TOKEN_NAME_MAX = 64,
};

enum mr_token_scope {
    MR_TOKEN_READ = 1u << 0,     /* state, balance, where, events: nothing of a person */
    MR_TOKEN_LOG = 1u << 1,      /* the tiles of the log, for who verifies it */
    MR_TOKEN_PASSPORT = 1u << 2, /* the passport and what its cells are made of */
    MR_TOKEN_PUBLISH = 1u << 3,  /* events of its system */
    MR_TOKEN_PULL = 1u << 4,     /* deliveries to its system */
    MR_TOKEN_PERSON = 1u << 31,  /* what people do who are logged in: no token has it */
};

struct mr_token_row {
    int64_t issued_us;
    int64_t expires_us; /* 0: no end */
    int64_t revoked_us; /* 0: not */
    uint32_t scopes;    /* of enum mr_token_scope */
    uint8_t digest[MR_TOKEN_DIGEST_BYTES];
    char name[MR_TOKEN_NAME_MAX + 1]; /* what it is for */
    char system[33];                  /* configured system that it speaks for; "" none */
    char issued_by[33];               /* operator */
};

/* A new one, from the system's random numbers. */
void mr_token_make(char ret[static MR_TOKEN_BYTES]);
void mr_token_digest(const char *token, uint8_t ret[static MR_TOKEN_DIGEST_BYTES]);
/* Key of its row; id: the first MR_TOKEN_ID_BYTES of the digest. */
void mr_token_key(const uint8_t id[static MR_TOKEN_ID_BYTES], uint8_t ret[static MR_TOKEN_KEY_BYTES]);

/* "read,log" <-> scopes. MR_EINVAL: an unknown one, or none at all. */
int mr_token_scopes_parse(const char *text, uint32_t *ret);
const char *mr_token_scope_name(uint32_t scope); /* of one; NULL behind the last: ask for 1 << n in turn */

int mr_token_row_encode(struct mr_buf *out, const struct mr_token_row *row); /* 0, MR_ENOMEM */
int mr_token_row_decode(struct mr_token_row *ret, struct mr_slice value);    /* 0, MR_ECORRUPT */

/*
 * What the token may do now: 0, and the row. MR_EDENIED: no such token, revoked, or its time is over (reterr
 * says which of them only to who holds a real one). The reader has a fresh snapshot.
 */
int mr_token_check(struct mr_log_reader *reader, const char *token, int64_t now_us, struct mr_token_row *ret,
        struct mr_error *reterr);
/* The same by its digest, for one that was taken before. */
int mr_token_check_digest(struct mr_log_reader *reader, const uint8_t digest[static MR_TOKEN_DIGEST_BYTES],
        int64_t now_us, struct mr_token_row *ret, struct mr_error *reterr);

#endif
