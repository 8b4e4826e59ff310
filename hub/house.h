/*
 * The opened house: configuration and the four environments, with the names that the log keeps. Passed down
 * from main; there is no global. The tool opens the same house read-only when no hub runs.
 *
 * Threads: each has a struct of its own (mr_house_share() of hub/edition/edition.h), of the same parts; each
 * part says which of its calls are for which thread. The configuration in it is one edition, which its thread
 * changes for a newer one between two turns (mr_house_renew()): within a turn nothing changes.
 */
#ifndef MR_HUB_HOUSE_H
#define MR_HUB_HOUSE_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/clock.h"
#include "proto/base/err.h"
#include "proto/base/tick.h"
#include "proto/config/config.h"
#include "store/escrow.h"
#include "store/index.h"
#include "store/keyring.h"
#include "store/log.h"
#include "store/view.h"

/* Names of systems and subscriptions and the ids under which the log knows them, for ever (MR_LOG_NAME). */
enum mr_name_kind { MR_NAME_SYSTEM = 1, MR_NAME_SUBSCRIPTION = 2 };
enum { MR_SYSTEM_HUB = 1 }; /* id of the hub itself; configured systems follow */

struct mr_edition;
struct mr_editions;
struct mr_territory;
struct mr_passport_kept;
struct mr_names;
/* Reads the rows; unless the log is read-only, gives new ids to new names in one commit of its own. */
int mr_names_open(struct mr_names **ret, struct mr_log *log, const struct mr_config *config, bool read_only,
        struct mr_error *reterr);
void mr_names_free(struct mr_names *names);
/*
 * Gives ids to the names of a configuration that are new, in memory; how many. One caller at a time.
 * MR_ECONFIG: there are no more ids.
 */
int mr_names_add(struct mr_names *names, const struct mr_config *config, struct mr_error *reterr);
/* The rows of a configuration's names that the log does not have yet. */
int mr_names_put(const struct mr_names *names, const struct mr_config *config, struct mr_log_batch *batch);
/* Any thread, also beside mr_names_add(). Texts live as long as the names. */
uint16_t mr_names_id(const struct mr_names *names, enum mr_name_kind kind, const char *name); /* 0: none */
const char *mr_names_text(const struct mr_names *names, enum mr_name_kind kind, uint16_t id); /* NULL: none */

struct mr_house {
    const struct mr_config *config; /* borrowed; of `edition` when there is one */
    uint32_t config_version;        /* of MR_LOG_CONFIG; begins at 1 */
    struct mr_edition *edition;     /* held; NULL: a tool, or a test, whose configuration never changes */
    struct mr_editions *editions;   /* the hub's; NULL as above */
    const struct mr_clock *clock;
    struct mr_log *log;
    struct mr_keyring *keyring; /* NULL when read-only and its key may not be read */
    struct mr_index *index;
    struct mr_view *view;
    struct mr_names *names;
    struct mr_passport_kept *kept;        /* the hub's; NULL: each passport is made from its facts */
    const struct mr_territory *territory; /* of one question, by who is limited to it; NULL: all of it */
    const struct mr_tick *tick;           /* of one question: who wants to know how far it is; NULL: nobody */
    void (*fatal)(int error, const char *where); /* the hub's, set before threads begin; NULL: none */
};

/* MR_EEXISTS: a hub has it open already. Everything opened is closed again on failure. */
int mr_house_open(
        struct mr_house *ret, const struct mr_config *config, bool read_only, struct mr_error *reterr);
void mr_house_close(struct mr_house *house);
/* Configured source of a system of the log, what lies below it aside; NULL: not configured any more. */
const char *mr_house_source(const struct mr_house *house, uint16_t system);

/* Where its keys have escrow; members may be NULL. Borrowed from the configuration. */
struct mr_escrow mr_house_escrow(const struct mr_house *house);

/*
 * A store that does not write any more (a failed write or sync is never tried again as if nothing was:
 * recovering is starting). In the hub it does not return. Elsewhere nothing happens: the caller goes on
 * without storing.
 */
void mr_house_fatal(const struct mr_house *house, int error, const char *where);

/* Every 10 to 30 s, any thread: gives back the snapshots of readers that died. */
void mr_house_maintain(struct mr_house *house);

#endif
