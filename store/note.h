/*
 * Signed notes (c2sp.org/signed-note v1.0.0): a text, a blank line, and a line for each signature. Keys are
 * Ed25519 (type 01) under a name; a verifier key is told as "name+<key id>+<base64>". Signatures of other
 * types are carried, not verified.
 *
 * Strict where a stranger's bytes come in: limits below, UTF-8, no control characters, base64 with padding.
 * No state; any thread.
 */
#ifndef MR_STORE_NOTE_H
#define MR_STORE_NOTE_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/buf.h"
#include "proto/base/err.h"
#include "proto/base/slice.h"

enum {
    MR_NOTE_BYTES_MAX = 64 * 1024,
    MR_NOTE_SIGNATURES_MAX = 64,
    MR_NOTE_NAME_BYTES_MAX = 255,
    MR_NOTE_SIGNATURE_BYTES_MAX = 4 * 1024, /* of one line, decoded: ML-DSA-44 has 2,420 */
    MR_NOTE_KEY_BYTES = 32,
    MR_NOTE_KEY_TEXT_MAX = MR_NOTE_NAME_BYTES_MAX + 80, /* vkey or skey with its NUL */
};

/* A public key under its name. */
struct mr_note_key {
    char name[MR_NOTE_NAME_BYTES_MAX + 1];
    uint32_t id;
    uint8_t key[MR_NOTE_KEY_BYTES];
};

/* A key that signs. Wipe it. */
struct mr_note_signer {
    struct mr_note_key public_key;
    uint8_t secret[64]; /* libsodium's form: seed, then public key */
};

struct mr_note_signature {
    struct mr_slice name;
    uint32_t id;
    struct mr_slice base64; /* of key id and signature, as it stands in the line */
};

/* A note in parts; slices borrow from the bytes. */
struct mr_note {
    struct mr_slice text; /* what is signed: with its final newline */
    struct mr_note_signature signatures[MR_NOTE_SIGNATURES_MAX];
    size_t signatures_count;
};

/* Not empty, no '+', no space of any script, no control character, UTF-8, within the limit. */
bool mr_note_name_valid(const char *name);

/* MR_EINVAL: no valid name. */
int mr_note_key_init(struct mr_note_key *ret, const char *name, const uint8_t key[static MR_NOTE_KEY_BYTES]);
int mr_note_key_parse(struct mr_note_key *ret, struct mr_slice vkey, struct mr_error *reterr);
char *mr_note_key_format(const struct mr_note_key *key, char out[static MR_NOTE_KEY_TEXT_MAX]); /* vkey */

int mr_note_signer_init(
        struct mr_note_signer *ret, const char *name, const uint8_t seed[static MR_NOTE_KEY_BYTES]);
/* The text form of golang.org/x/mod/sumdb/note: "PRIVATE+KEY+name+<key id>+<base64>". */
int mr_note_signer_parse(struct mr_note_signer *ret, struct mr_slice skey, struct mr_error *reterr);
char *mr_note_signer_format(const struct mr_note_signer *signer, char out[static MR_NOTE_KEY_TEXT_MAX]);
void mr_note_signer_wipe(struct mr_note_signer *signer);

/* Appends the signed note to out. MR_EINVAL: the text may not stand in a note. MR_ENOMEM. */
int mr_note_sign(struct mr_buf *out, struct mr_slice text, const struct mr_note_signer *signer);

/* MR_EMALFORMED, MR_ETOOBIG; the line is in where. */
int mr_note_parse(struct mr_note *ret, struct mr_slice bytes, struct mr_error *reterr);
/*
 * 0: signed by this key. MR_ENOTFOUND: no line of it. MR_EDENIED: a line says so and does not verify. Lines
 * of unknown keys do not matter.
 */
int mr_note_verify(const struct mr_note *note, const struct mr_note_key *key, struct mr_error *reterr);

/* RFC 4648 section 4 with padding. Decoding: 0, or MR_EMALFORMED unless it is exactly `size` bytes. */
void mr_base64_put(struct mr_buf *out, const uint8_t *data, size_t size);
int mr_base64_get(struct mr_slice text, uint8_t *out, size_t size);

#endif
