/*
 * The hub as a whole: opens the parts in their order, joins them by mailboxes, and stops them in the opposite
 * order. One loop thread runs all I/O; prepare, writer, indexer and checkpointer are threads
 * of their own. No globals:
 * tests may run two.
 */
#ifndef MR_HUB_HUB_H
#define MR_HUB_HUB_H

#include <jansson.h>
#include <stdatomic.h>

#include "hub/alert/alerts.h"
#include "hub/sign/checkpointer.h"
#include "hub/keep/compactor.h"
#include "hub/deliver/deliver.h"
#include "hub/edition/edition.h"
#include "hub/desk/desk.h"
#include "hub/erasure/eraser.h"
#include "hub/watch/face.h"
#include "hub/session/gateway.h"
#include "hub/house.h"
#include "hub/index/indexer.h"
#include "hub/job.h"
#include "hub/intake/prepare.h"
#include "hub/session/publish.h"
#include "hub/watch/pulse.h"
#include "hub/query.h"
#include "hub/sign/receipt.h"
#include "hub/keep/scrubber.h"
#include "hub/session/session.h"
#include "hub/keep/space.h"
#include "hub/watch/survey.h"
#include "hub/session/zap.h"
#include "proto/loop/watchdog.h"

/* Who has a house of its own beside the loop. The last one is for those who read only what needs a restart.
 */
enum mr_hub_house {
    MR_HOUSE_PREPARE,
    MR_HOUSE_INDEXER,
    MR_HOUSE_COMPACTOR,
    MR_HOUSE_ERASER,
    MR_HOUSE_DESK,
    MR_HOUSE_FIXED,
    MR_HOUSES
};

struct mr_hub {
    const struct mr_config *config; /* that of the loop's edition */
    uv_loop_t loop;
    void *zmq;
    struct mr_house house; /* the loop's */
    bool house_open;
    struct mr_editions editions;
    struct mr_house houses[MR_HOUSES];
    struct mr_writer *writer;
    struct mr_prepare *prepare;
    struct mr_indexer *indexer;
    struct mr_eraser *eraser;
    struct mr_desk *desk;
    struct mr_scrubber *scrubber; /* NULL: hub.scrub_days is 0 */
    struct mr_checkpointer *checkpointer;
    struct mr_compactor *compactor;
    struct mr_mailbox intakes; /* durable ones, from the writer thread */
    bool intakes_open;
    uv_async_t space;      /* writer or prepare say: no space, or space again */
    uv_async_t said;       /* eraser or compactor have said something */
    _Atomic bool stripped; /* the compactor has emptied slots */
    _Atomic bool no_space, no_key_space;
    struct mr_space room;
    struct mr_jobs jobs;
    struct mr_zap zap;
    struct mr_gateway gateway;
    struct mr_sessions sessions;
    struct mr_publish publish;
    struct mr_receipt_queue receipts;
    struct mr_deliver deliver;
    struct mr_query query;
    uv_timer_t housekeeping;
    uv_timer_t looking; /* for room on the disk, and whether the writer gets on */
    struct mr_pulse pulse;
    struct mr_watchdog watchdog;
    struct mr_face face;
    struct mr_survey survey;
    struct mr_alerts alerts;
    bool stop_asked; /* also before the loop runs: a signal during the start */
    uv_signal_t sigterm;
    uv_signal_t sigint;
};

/* Starts everything, with the self-test. On failure what was started is stopped again. */
int mr_hub_start(struct mr_hub *hub, const struct mr_config *config, struct mr_error *reterr);
void mr_hub_run(struct mr_hub *hub);  /* until SIGTERM or SIGINT */
void mr_hub_stop(struct mr_hub *hub); /* answers what was taken, then closes */

/* The loop goes over to an edition that is durable from a number on, and all others after it; hub/hub_take.c.
 */
void mr_hub_take(struct mr_hub *hub, struct mr_edition *edition, uint64_t number);

json_t *mr_hub_status(void *hub); /* for Query hub.status; hub/watch/status.c */
json_t *mr_hub_live(void *hub);   /* for the methods that are `live` (hub/audit/method.h); the same file */

#endif
