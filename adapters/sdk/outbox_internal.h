/* What outbox.c (transactions) and outbox_seal.c (rows under the daily key) share. */
#ifndef MR_SDK_OUTBOX_INTERNAL_H
#define MR_SDK_OUTBOX_INTERNAL_H

#include "adapters/sdk/outbox.h"
#include "adapters/sdk/outbox_key.h"
#include "store/kv.h"

enum { MR_OUTBOX_EVENTS, MR_OUTBOX_ROWS, MR_OUTBOX_META, MR_OUTBOX_TABLES };
enum { MR_OUTBOX_REF_MAX = 64, MR_OUTBOX_EMPTIED_MAX = 8 };

struct mr_outbox {
    char *dir;
    const struct mr_clock *clock;
    struct mr_kv *kv;
    struct mr_outbox_keys keys;
    uint8_t secret[MR_OUTBOX_KEY_BYTES];
    uint64_t epoch;
    uint64_t next; /* sequence of the next event */
    uint64_t noted;
    uint32_t day; /* of the last add */
    void (*on_added)(void *ctx);
    void *on_added_ctx;
};

struct mr_outbox_txn {
    struct mr_outbox *outbox;
    struct mr_kv_txn *kv;
    uint64_t epoch;
    uint64_t next;
    uint64_t noted;
    uint32_t emptied[MR_OUTBOX_EMPTIED_MAX]; /* days whose last row went in this transaction */
    unsigned emptied_count;
    bool added;
};

/* Appends the sealed row to out: day, nonce, ciphertext of (ref, event), bound to epoch and sequence. */
int mr_outbox_seal(struct mr_outbox *outbox, uint32_t day, uint64_t epoch, uint64_t sequence,
        struct mr_slice event, struct mr_slice ref, struct mr_buf *out);
/* Into plain (reset first). MR_EDESTROYED: the day's key is gone; MR_ECORRUPT. */
int mr_outbox_unseal(struct mr_outbox *outbox, uint64_t epoch, uint64_t sequence, struct mr_slice sealed,
        struct mr_buf *plain, struct mr_slice *ret_event, struct mr_slice *ret_ref);
uint32_t mr_outbox_sealed_day(struct mr_slice sealed); /* 0: no such row */

#endif
