/*
 * libcurl's multi interface on a libuv loop: what is asked of other servers without a thread. For HTTP: mail
 * blocks in it (mail.h).
 * Who asks embeds a struct mr_transfer and sets its easy handle up; here it is run, told, and let go. Loop
 * thread only.
 */
#ifndef MR_LOOP_TRANSFERS_H
#define MR_LOOP_TRANSFERS_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "proto/base/list.h"

struct mr_transfers;

struct mr_transfer {
    struct mr_list member;
    void *easy; /* a CURL *, of mr_transfer_init(); freed here after done() */
    int error;  /* for done(): 0, or MR_ETIMEOUT, MR_EDENIED (certificate, login), MR_EINVAL (URL), MR_ECLOSED
                   ... */
    void (*done)(struct mr_transfer
                    *transfer); /* once, when it ended; not when closed before. May add and close */
    void (*free)(struct mr_transfer *transfer); /* the last call, in every case: the owner's memory */
};

int mr_transfers_open(struct mr_transfers **ret, uv_loop_t *loop); /* MR_ENOMEM */
/* What runs is dropped: free() without done(). */
void mr_transfers_close(struct mr_transfers *transfers, void (*on_closed)(void *ctx), void *ctx);
bool mr_transfers_closing(const struct mr_transfers *transfers);

/*
 * Makes the easy handle, with what all have: no signals, no proxy, no redirects, and timeout_ms for
 * everything from the name's look-up to the last byte. protocols: "http,https". MR_ENOMEM.
 */
int mr_transfer_init(
        struct mr_transfer *transfer, const char *url, const char *protocols, uint32_t timeout_ms);
void mr_transfer_fini(struct mr_transfer *transfer); /* one that was not added */

/* done() never from inside of this call. MR_ENOMEM, and it is still the caller's. */
int mr_transfers_add(struct mr_transfers *transfers, struct mr_transfer *transfer);

#endif
