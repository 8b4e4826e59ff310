/*
 * Accounts of people who use the console, as rows in the log (MR_LOG_ACCESS): the password of a configured
 * operator (its roles stay in the configuration), or of somebody who is limited to an organisation or a
 * municipality, whose role stands in the row. Passwords are kept as Argon2id; whoever is invited
 * gets a secret that is good once. Any thread; the two that hash take some 50 ms and 19 MiB, never on the
 * loop.
 */
#ifndef MR_HUB_HTTP_ACCOUNT_H
#define MR_HUB_HTTP_ACCOUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "hub/audit/territory.h"
#include "proto/base/buf.h"
#include "store/log.h"

enum {
    MR_ACCOUNT_KEY_BYTES = 17,
    MR_ACCOUNT_NAME_MAX = 32,
    MR_ACCOUNT_ROLE_MAX = 16,
    MR_ACCOUNT_HASH_BYTES = 128,  /* crypto_pwhash_STRBYTES */
    MR_ACCOUNT_SECRET_BYTES = 44, /* 43 characters of base64url (32 random bytes), NUL */
    MR_ACCOUNT_PASSWORD_MIN = 12,
    MR_ACCOUNT_PASSWORD_MAX = 200,
    MR_ACCOUNT_INVITED_HOURS = 72,
};

struct mr_account_row {
    int64_t created_us;
    int64_t changed_us; /* when the password was set last; 0: never */
    int64_t locked_us;  /* 0: not */
    int64_t invited_until_us;
    uint8_t secret_digest[32];        /* of the invitation; zeros: none, or used */
    char hash[MR_ACCOUNT_HASH_BYTES]; /* "" until a password was set */
    char name[MR_ACCOUNT_NAME_MAX + 1];
    char role[MR_ACCOUNT_ROLE_MAX + 1]; /* "organisation", "mms"; "": those of the configured operator */
    struct mr_limits limits;            /* with a role */
};

void mr_account_key(const char *name, uint8_t ret[static MR_ACCOUNT_KEY_BYTES]);
int mr_account_row_encode(struct mr_buf *out, const struct mr_account_row *row); /* 0, MR_ENOMEM */
int mr_account_row_decode(struct mr_account_row *ret, struct mr_slice value);    /* 0, MR_ECORRUPT */
int mr_account_find(struct mr_log_reader *reader, const char *name, struct mr_account_row *ret);

/* A new invitation into the row; the secret is told to nobody else. */
void mr_account_invite(struct mr_account_row *row, int64_t now_us, char ret[static MR_ACCOUNT_SECRET_BYTES]);
/* Does the secret open the row's invitation now? */
bool mr_account_invited(const struct mr_account_row *row, const char *secret, int64_t now_us);

/* Hashes: 0, MR_ENOMEM. */
/* May it be chosen by the owner of this account? MR_EINVAL: too short, or one of the first that is guessed.
 */
int mr_account_password_fits(const char *password, const char *name, struct mr_error *reterr);
int mr_account_set_password(struct mr_account_row *row, const char *password, int64_t now_us);
/* Takes the same time whether there is such an account (row NULL: none) or not. */
bool mr_account_password_right(const struct mr_account_row *row, const char *password);

#endif
