/*
 * Checkpoints (c2sp.org/tlog-checkpoint v1.0.0: origin, size, root) and proofs as files
 * (c2sp.org/tlog-proof@v1: index, inclusion path, signed checkpoint). No state; any thread.
 */
#ifndef MR_STORE_CHECKPOINT_H
#define MR_STORE_CHECKPOINT_H

#include <stdint.h>

#include "store/merkle.h"
#include "store/note.h"

struct mr_checkpoint {
    char origin[MR_NOTE_NAME_BYTES_MAX + 1];
    uint64_t size;
    uint8_t root[MR_MERKLE_BYTES];
};

/* Appends the three lines that are signed. */
int mr_checkpoint_put(struct mr_buf *out, const struct mr_checkpoint *checkpoint);
/* Appends the signed note; the origin is the signer's name. */
int mr_checkpoint_sign(struct mr_buf *out, uint64_t size, const uint8_t root[static MR_MERKLE_BYTES],
        const struct mr_note_signer *signer);

/* A note's text. Lines behind the third (extensions) are let pass. MR_EMALFORMED. */
int mr_checkpoint_parse(struct mr_checkpoint *ret, struct mr_slice text, struct mr_error *reterr);
/* A whole note: parsed, signed by the key, and the origin is the key's name; or as mr_note_verify(). */
int mr_checkpoint_open(struct mr_checkpoint *ret, struct mr_slice note, const struct mr_note_key *key,
        struct mr_error *reterr);

enum { MR_PROOF_BYTES_MAX = MR_NOTE_BYTES_MAX + 8 * 1024, MR_PROOF_EXTRA_BYTES_MAX = 1024 };

struct mr_proof {
    struct mr_slice extra; /* base64 of what the log's format adds; empty: none. Borrows */
    uint64_t index;
    struct mr_merkle_path path;
    struct mr_slice note; /* the signed checkpoint. Borrows */
};

int mr_proof_put(struct mr_buf *out, const struct mr_proof *proof);
int mr_proof_parse(struct mr_proof *ret, struct mr_slice bytes, struct mr_error *reterr);
/* 0: the entry with this leaf hash is in the log of this key. *ret (may be NULL) is its checkpoint. */
int mr_proof_verify(const struct mr_proof *proof, const uint8_t leaf[static MR_MERKLE_BYTES],
        const struct mr_note_key *key, struct mr_checkpoint *ret, struct mr_error *reterr);

#endif
