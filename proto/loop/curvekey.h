/* CURVE key pairs as files: NAME.key (secret, 0600) and NAME.pub, 40 Z85 characters and a line end each. */
#ifndef MR_LOOP_CURVEKEY_H
#define MR_LOOP_CURVEKEY_H

#include "proto/base/err.h"

enum { MR_CURVEKEY_TEXT_MAX = 41 };

struct mr_curvekey {
    char public_key[MR_CURVEKEY_TEXT_MAX];
    char secret_key[MR_CURVEKEY_TEXT_MAX];
};

int mr_curvekey_generate(struct mr_curvekey *ret);
void mr_curvekey_wipe(struct mr_curvekey *key);

/* Makes a pair and writes both files; never overwrites: MR_EEXISTS. ret may be NULL. */
int mr_curvekey_create_files(
        const char *secret_path, const char *public_path, struct mr_curvekey *ret, struct mr_error *reterr);

/* The pair of a secret key that was read with mr_config_read_key(). MR_EINVAL: not one. */
int mr_curvekey_from_secret(struct mr_curvekey *ret, const char secret_key[static MR_CURVEKEY_TEXT_MAX]);

#endif
