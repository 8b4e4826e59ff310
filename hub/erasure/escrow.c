#include "hub/erasure/eraser_internal.h"
#include "proto/base/logfmt.h"

enum { REFRESH_HOURS = 24, AGAIN_SECONDS = 60 };

int mr_erasure_finish_keys(struct mr_eraser *eraser, struct mr_error *reterr)
{
    const struct mr_escrow escrow = mr_house_escrow(eraser->house);

    return mr_keyring_finish_erasure(eraser->house->keyring, &escrow, reterr);
}

const char *mr_erasure_escrow_word(const struct mr_house *house)
{
    return mr_house_escrow(house).root ? "confirmed" : "none";
}

void mr_erasure_keep_escrow(struct mr_eraser *eraser)
{
    const struct mr_escrow escrow = mr_house_escrow(eraser->house);
    int64_t now = mr_clock_monotonic_us(eraser->house->clock);
    struct mr_error error = {0};

    if (now < eraser->escrow_next_us)
        return;
    if (mr_erasure_finish_keys(eraser, &error) == 0) {
        eraser->escrow_next_us = now + (int64_t)REFRESH_HOURS * 3600 * 1000000;
        if (escrow.root || escrow.keys)
            mr_info("hub.escrow_kept");
        return;
    }
    eraser->escrow_next_us = now + AGAIN_SECONDS * INT64_C(1000000);
    mr_warn("hub.escrow_failed", "where", error.where, "what", error.what, "cure", error.cure);
}
