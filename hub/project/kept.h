/*
 * The facts of the last passport, their fold and its cells, kept in memory for the next one, which then takes
 * only what came since (ADR 0032). What is told from them is byte for byte what would be made anew: they are
 * let go as soon as something changes what is in them already, which is when somebody is blocked, unblocked
 * or erased, when rows of the view are changed, and with another configuration.
 *
 * They are plaintext about persons: in memory only, wiped when let go, and let go when nobody asks for a
 * while.
 *
 * Any thread. Between open and leave everybody else waits: nothing that waits for another thread may come
 * between.
 */
#ifndef MR_HUB_PROJECT_KEPT_H
#define MR_HUB_PROJECT_KEPT_H

#include "hub/project/passport.h"

struct mr_passport_kept;

/* What is larger than this is made, told and let go. */
enum { MR_PASSPORT_KEPT_BYTES_MAX = 1 << 30 };

int mr_passport_kept_new(struct mr_passport_kept **ret);
void mr_passport_kept_free(struct mr_passport_kept *kept); /* wipes; NULL is fine */

/* As mr_passport_open() without it; until mr_passport_kept_leave(), also after a failure of what follows. */
int mr_passport_kept_open(struct mr_passport_kept *kept, struct mr_passport *ret,
        const struct mr_house *house, uint64_t as_of, struct mr_error *reterr);
void mr_passport_kept_leave(struct mr_passport_kept *kept);

/* Lets go now, or when whoever has it leaves: does not wait. NULL is fine. */
void mr_passport_kept_forget(struct mr_passport_kept *kept);
/* Every 10 to 30 s: lets go of what nobody has asked for in an hour. NULL is fine. */
void mr_passport_kept_maintain(struct mr_passport_kept *kept, const struct mr_clock *clock);

#endif
