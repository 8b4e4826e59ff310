/*
 * Receipts (decision 23): what a sender keeps to show, to anybody and offline, that the log took its event. A
 * text file: our lines, a blank line, and a c2sp.org/tlog-proof@v1 that other programs check as it stands:
 *
 *     marshrut.receipt@v1
 *     key <vkey of the log>
 *     leaf <base64>
 *
 *     c2sp.org/tlog-proof@v1
 *     ...
 *
 * There is no salt in it: what a leaf commits to stays closed. docs/receipts.md. No state; any thread.
 */
#ifndef MR_STORE_RECEIPT_H
#define MR_STORE_RECEIPT_H

#include "store/checkpoint.h"

enum {
    MR_RECEIPT_LEAF_BYTES_MAX = 65535, /* as c2sp.org/tlog-tiles has it for an entry */
    MR_RECEIPT_BYTES_MAX = MR_PROOF_BYTES_MAX + 90 * 1024,
};

struct mr_receipt {
    struct mr_note_key key; /* as the file says: worth no more than the file */
    struct mr_slice leaf;   /* in the buffer given to parse */
    struct mr_slice bytes;  /* of the proof. Borrows */
    struct mr_proof proof;  /* borrows */
};

/* Appends the file. MR_ETOOBIG: the leaf. */
int mr_receipt_put(struct mr_buf *out, const struct mr_note_key *key, struct mr_slice leaf,
        const struct mr_proof *proof);
/* leaf (emptied first) gets the decoded leaf. Only what put makes is taken. MR_EMALFORMED, MR_ENOMEM. */
int mr_receipt_parse(
        struct mr_receipt *ret, struct mr_slice bytes, struct mr_buf *leaf, struct mr_error *reterr);
/*
 * 0: the log of this key has this leaf as its record of this number, and signed it. Where in reterr names the
 * check that failed: "signature" or "inclusion". MR_ENOTFOUND, MR_EDENIED, MR_EMALFORMED. ret: the
 * checkpoint.
 */
int mr_receipt_verify(const struct mr_receipt *receipt, const struct mr_note_key *key,
        struct mr_checkpoint *ret, struct mr_error *reterr);

static inline uint64_t mr_receipt_number(const struct mr_receipt *receipt)
{
    return receipt->proof.index + 1;
}

#endif
