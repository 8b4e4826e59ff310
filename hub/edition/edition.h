/*
 * A version of the configuration as it is in force, with the rules made from it (ADR 0020). Immutable and
 * counted: whoever reads holds it, the last one who lets go frees it. Any thread.
 *
 * A new edition begins at a number: the prepare thread goes over to it before the event that says so, the
 * loop when that event is durable, all others at their next turn.
 */
#ifndef MR_HUB_EDITION_EDITION_H
#define MR_HUB_EDITION_EDITION_H

#include <pthread.h>
#include <stdatomic.h>

#include "hub/route/matcher.h"

struct mr_edition {
    _Atomic uint32_t holders;
    uint32_t version; /* of MR_LOG_CONFIG */
    const struct mr_config *config;
    struct mr_config *own; /* the same, freed with it; NULL: the caller's, as that of the start is */
    struct mr_matcher *matcher;
};

/* Held once. own: taken, also on failure; NULL: config is borrowed, and outlives it. */
int mr_edition_new(struct mr_edition **ret, uint32_t version, const struct mr_config *config,
        struct mr_config *own, const struct mr_names *names, struct mr_error *reterr);
struct mr_edition *mr_edition_hold(struct mr_edition *edition); /* NULL is fine */
void mr_edition_drop(struct mr_edition *edition);               /* NULL is fine */

/*
 * What the log keeps of an edition that begins at a number: its text, names that are new, and where its new
 * subscriptions begin. In the commit of that number; writer thread.
 */
int mr_edition_put(const struct mr_edition *edition, const struct mr_names *names, uint64_t number,
        struct mr_log_batch *batch);

/*
 * Reads a text that is to follow the running configuration, as the hub's own file would be: MR_ECONFIG with
 * the place and a cure, whatever is wrong. What may not change while the hub runs is another question
 * (mr_config_live()). name: the file's, for messages. The caller frees.
 */
int mr_edition_read(struct mr_config **ret, const struct mr_config *running, struct mr_slice text,
        const char *name, struct mr_error *reterr);

/* The newest edition, for those who come to look. */
struct mr_editions {
    pthread_mutex_t lock;
    struct mr_edition *newest; /* held */
};
/* Makes the first one from the house's configuration; the house follows from now on. */
int mr_editions_open(struct mr_editions *editions, struct mr_house *house, struct mr_error *reterr);
void mr_editions_close(struct mr_editions *editions); /* zeroed is fine */
void mr_editions_set(struct mr_editions *editions, struct mr_edition *newest);

/* The same house for one more thread, or for one question. */
void mr_house_share(struct mr_house *ret, const struct mr_house *house);
void mr_house_leave(struct mr_house *house); /* lets go of the edition, closes nothing; zeroed is fine */
/* Between two turns: what was taken from the configuration before is not used any more. */
void mr_house_renew(struct mr_house *house);
void mr_house_adopt(struct mr_house *house, struct mr_edition *edition); /* this one, whatever is newest */

#endif
