#include "adapters/sdk/seen.h"

#include <stdlib.h>
#include <string.h>

#include "proto/base/err.h"

enum { ROOM_FIRST = 64 };

static const uint8_t nothing[MR_SEEN_BYTES];

void mr_seen_fini(struct mr_seen *seen)
{
    free(seen->slots);
    *seen = (struct mr_seen){0};
}

/* The slot that holds it, or the free one where it belongs. */
static uint8_t *slot_of(const struct mr_seen *seen, const uint8_t *digest)
{
    size_t at;

    memcpy(&at, digest, sizeof at);
    for (at &= seen->room - 1;; at = (at + 1) & (seen->room - 1)) {
        uint8_t *slot = seen->slots + at * MR_SEEN_BYTES;

        if (memcmp(slot, digest, MR_SEEN_BYTES) == 0 || memcmp(slot, nothing, MR_SEEN_BYTES) == 0)
            return slot;
    }
}

static int grow(struct mr_seen *seen)
{
    struct mr_seen wider = {.room = seen->room ? 2 * seen->room : ROOM_FIRST};

    wider.slots = calloc(wider.room, MR_SEEN_BYTES);
    if (!wider.slots)
        return MR_ENOMEM;
    for (size_t i = 0; i < seen->room; i++) {
        const uint8_t *old = seen->slots + i * MR_SEEN_BYTES;

        if (memcmp(old, nothing, MR_SEEN_BYTES) != 0)
            memcpy(slot_of(&wider, old), old, MR_SEEN_BYTES);
    }
    wider.count = seen->count;
    free(seen->slots);
    *seen = wider;
    return 0;
}

int mr_seen_add(struct mr_seen *seen, const uint8_t digest[static MR_SEEN_BYTES])
{
    uint8_t *slot;

    if (2 * seen->count >= seen->room && grow(seen) < 0)
        return MR_ENOMEM;
    slot = slot_of(seen, digest);
    if (memcmp(slot, digest, MR_SEEN_BYTES) == 0)
        return 1;
    memcpy(slot, digest, MR_SEEN_BYTES);
    seen->count++;
    return 0;
}
