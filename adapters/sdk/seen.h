/* A set of digests: was this one there before? Open addressing; nothing is ever taken out. */
#ifndef MR_SDK_SEEN_H
#define MR_SDK_SEEN_H

#include <stddef.h>
#include <stdint.h>

enum { MR_SEEN_BYTES = 16 };

struct mr_seen {
    uint8_t *slots; /* zeros: free */
    size_t count, room;
};

void mr_seen_fini(struct mr_seen *seen);
/* 1: it was there; 0: it is now; MR_ENOMEM. */
int mr_seen_add(struct mr_seen *seen, const uint8_t digest[static MR_SEEN_BYTES]);

#endif
