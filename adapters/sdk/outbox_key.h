/*
 * The daily keys of an outbox: one file a day (outbox.key.YYYYMMDD, 0600) in the state folder. Destroying the
 * file is what makes the rows of that day unreadable, also those that linger in free pages of LMDB (decision
 * 6).
 */
#ifndef MR_SDK_OUTBOX_KEY_H
#define MR_SDK_OUTBOX_KEY_H

#include <stdbool.h>
#include <stdint.h>

enum { MR_OUTBOX_KEY_BYTES = 32, MR_OUTBOX_KEYS_CACHED = 4 };

struct mr_outbox_keys {
    const char *dir; /* borrowed */
    struct {
        uint32_t day; /* YYYYMMDD; 0: empty */
        uint8_t key[MR_OUTBOX_KEY_BYTES];
    } cached[MR_OUTBOX_KEYS_CACHED];
    unsigned next;
};

void mr_outbox_keys_init(struct mr_outbox_keys *keys, const char *dir);
void mr_outbox_keys_fini(struct mr_outbox_keys *keys); /* wipes */

uint32_t mr_outbox_day(int64_t wall_us); /* YYYYMMDD in UTC */

/* The key of a day; with create, a new one is durable when this returns. MR_ENOTFOUND: destroyed. */
int mr_outbox_keys_get(struct mr_outbox_keys *keys, uint32_t day, bool create, const uint8_t **ret);
int mr_outbox_keys_destroy(struct mr_outbox_keys *keys, uint32_t day);
/* Days that have a key file, for the sweep at start. Stops when fn returns non-zero. */
int mr_outbox_keys_each(const struct mr_outbox_keys *keys, int (*fn)(void *ctx, uint32_t day), void *ctx);

/* The long-lived secret for digests (outbox.secret): made when missing. */
int mr_outbox_secret(const char *dir, uint8_t ret[static MR_OUTBOX_KEY_BYTES]);

#endif
