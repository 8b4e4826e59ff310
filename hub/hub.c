#include "hub/hub.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hub/deliver/deliver_rows.h"
#include "hub/session/selftest.h"
#include "proto/base/list.h"
#include "proto/base/logfmt.h"
#include "proto/loop/curvekey.h"

enum { WRITER_JOBS_MAX = 256, HOUSEKEEPING_MS = 15000, SELFTEST_MS = 5000, LINGER_MS = 500, LOOK_MS = 1000 };

/* ---- commit, then answer ---- */

/* The log has grown. */
static void tell_news(struct mr_hub *hub)
{
    mr_indexer_wake(hub->indexer);
    if (hub->checkpointer)
        mr_checkpointer_wake(hub->checkpointer);
    mr_deliver_wake(&hub->deliver);
}

/*
 * Everything that the hub says about an event it says here, and only here, after the writer's commit
 * returned: gateway -> mr_publish_frame() -> prepare thread -> writer thread: fill, commit -> done() ->
 * mailbox -> here. An intake that was not stored (the hub is going down) is not answered: it is sent again.
 */
static void answer_durable(struct mr_mailbox *mailbox, struct mr_list *batch)
{
    struct mr_hub *hub = mailbox->data;
    struct mr_list *link;

    while ((link = mr_list_pop_front(batch)) != NULL) {
        struct mr_intake *intake = MR_CONTAINER(link, struct mr_intake, link);

        if (intake->mended)
            mr_desk_wake(hub->desk);
        if (intake->begins && intake->status == 0)
            mr_hub_take(hub, intake->begins, intake->items[0].number);
        if (intake->answer)
            intake->answer(intake);
        else if (!intake->sender)
            mr_query_durable(&hub->query, intake);
        else if (intake->by_tool)
            mr_query_published(intake); /* the tool's, outside of any producer's sequence */
        else if (intake->status == 0)
            mr_publish_durable(&hub->publish, intake);
        mr_tail_settle(&hub->deliver.tail, intake); /* and frees it */
    }
    tell_news(hub);
    mr_eraser_news(hub->eraser);
}

/* What eraser and compactor say is durable too; and records may have less than they had when they came. */
static void on_said(uv_async_t *async)
{
    struct mr_hub *hub = async->data;

    mr_tail_forget(&hub->deliver.tail);
    if (hub->sessions.stopping)
        return;
    tell_news(hub);
    if (atomic_exchange(&hub->stripped, false))
        mr_eraser_wake(hub->eraser);
}

/* Any thread. */
static void on_own_said(void *ctx)
{
    struct mr_hub *hub = ctx;

    (void)uv_async_send(&hub->said);
}

/* Compactor thread. */
static void on_stripped(void *ctx)
{
    struct mr_hub *hub = ctx;

    atomic_store(&hub->stripped, true);
    (void)uv_async_send(&hub->said);
}

/* Eraser's thread, or one of the desk's: the compactor was started before them. */
static void on_owed(void *ctx)
{
    struct mr_hub *hub = ctx;

    mr_compactor_wake(hub->compactor);
    mr_desk_wake(hub->desk); /* what was discarded holds nothing back any more */
}

/* Writer thread. */
static void on_intake_done(struct mr_intake *intake)
{
    struct mr_hub *hub = intake->owner;

    (void)mr_mailbox_post(&hub->intakes, &intake->link);
}

/* Any thread: whatever was not committed is not answered, and nothing more will be. */
static void on_fatal(int error, const char *where)
{
    mr_err("hub.fatal", "error", mr_err_name(error), "where", where, "what",
            "a commit failed; stopping without an answer", "cure",
            "look at the disk and the kernel's log, then start the hub again");
    _exit(mr_err_exit(error) >= 70 ? mr_err_exit(error) : 70);
}

/* Writer thread. */
static void on_writer_fatal(void *ctx, int error)
{
    (void)ctx;
    on_fatal(error, "log/");
}

/* Writer thread. */
static void on_writer_space(void *ctx, bool read_only)
{
    struct mr_hub *hub = ctx;

    atomic_store(&hub->no_space, read_only);
    (void)uv_async_send(&hub->space);
}

/* Prepare thread. */
static void on_key_space(void *ctx, bool read_only)
{
    struct mr_hub *hub = ctx;

    atomic_store(&hub->no_key_space, read_only);
    (void)uv_async_send(&hub->space);
}

static bool is_full(struct mr_hub *hub)
{
    return atomic_load(&hub->no_space) || atomic_load(&hub->no_key_space);
}

static bool is_read_only(struct mr_hub *hub)
{
    return hub->room.low || is_full(hub);
}

static const char *why_read_only(struct mr_hub *hub)
{
    if (atomic_load(&hub->no_space))
        return "no space for the log";
    return atomic_load(&hub->no_key_space) ? "no space for the keys" : "below hub.space_watermark_mb";
}

static void on_space(uv_async_t *async)
{
    struct mr_hub *hub = async->data;
    bool read_only = is_read_only(hub);

    if (is_full(hub))
        mr_space_release(&hub->room);
    if (read_only == hub->publish.read_only)
        return;
    hub->publish.read_only = read_only;
    if (read_only)
        mr_warn("hub.read_only", "head", MR_N(mr_log_head(hub->house.log)), "reason", why_read_only(hub),
                "cure", "free space on the file system of hub.store; it goes on by itself");
    else
        mr_warn("hub.writable", "head", MR_N(mr_log_head(hub->house.log)));
}

/* ---- start ---- */

/* The log must be the one that was signed before anything is added to it. */
static int start_writer(struct mr_hub *hub, const struct mr_writer_options *options, struct mr_error *reterr)
{
    struct mr_note_signer signer;
    int r = mr_log_key_open(&signer, &hub->house, reterr);

    if (r < 0)
        return r;
    if ((r = mr_writer_start(&hub->writer, options)) < 0)
        mr_error_set(reterr, r, "writer", "", "cannot start the writer");
    else
        r = mr_checkpointer_start(
                &hub->checkpointer, &hub->houses[MR_HOUSE_FIXED], hub->writer, &signer, reterr);
    mr_note_signer_wipe(&signer);
    return r;
}

static int start_eraser(struct mr_hub *hub, struct mr_error *reterr)
{
    const struct mr_eraser_options options = {
            &hub->houses[MR_HOUSE_ERASER], hub->prepare, hub->indexer, on_own_said, on_owed, hub};
    const struct mr_desk_options d = {&hub->houses[MR_HOUSE_DESK], hub->prepare, on_own_said, on_owed, hub};
    int r = mr_desk_start(&hub->desk, &d, reterr);

    return r < 0 ? r : mr_eraser_start(&hub->eraser, &options, reterr);
}

static int start_store(struct mr_hub *hub, struct mr_error *reterr)
{
    struct mr_writer_options with_log = {.batch_jobs_max = WRITER_JOBS_MAX,
            .space = on_writer_space,
            .fatal = on_writer_fatal,
            .ctx = hub};
    struct mr_compactor_options compacting = {.news = on_own_said, .stripped = on_stripped, .ctx = hub};
    int r = mr_house_open(&hub->house, hub->config, /* read_only= */ false, reterr);

    if (r < 0)
        return r;
    hub->house_open = true;
    hub->house.fatal = on_fatal;
    if ((r = mr_deliver_rows_begin(&hub->house, reterr)) < 0)
        return r;
    if ((r = mr_editions_open(&hub->editions, &hub->house, reterr)) < 0)
        return r;
    for (size_t i = 0; i < MR_HOUSES; i++)
        mr_house_share(&hub->houses[i], &hub->house);
    with_log.log = hub->house.log;
    if ((r = start_writer(hub, &with_log, reterr)) < 0)
        return r;
    if ((r = mr_prepare_start(&hub->prepare, &hub->houses[MR_HOUSE_PREPARE], hub->house.edition->matcher,
                 hub->writer, reterr)) < 0)
        return r;
    mr_prepare_on_space(hub->prepare, on_key_space, hub);
    if ((r = mr_indexer_start(&hub->indexer, &hub->houses[MR_HOUSE_INDEXER])) < 0)
        return mr_error_set(reterr, r, "indexer", "", "cannot start the indexer");
    mr_prepare_note_to(hub->prepare, mr_indexer_notes(hub->indexer));
    compacting.house = &hub->houses[MR_HOUSE_COMPACTOR];
    compacting.writer = hub->writer;
    compacting.prepare = hub->prepare;
    if ((r = mr_compactor_start(&hub->compactor, &compacting, reterr)) < 0)
        return r;
    return start_eraser(hub, reterr);
}

static int start_scrubber(struct mr_hub *hub, struct mr_error *reterr)
{
    uint32_t days = *hub->config->hub.scrub_days;
    struct mr_scrubber_options options;

    if (days == 0)
        return 0;
    options = mr_scrubber_pace(&hub->house, days);
    return mr_scrubber_start(&hub->scrubber, &hub->houses[MR_HOUSE_FIXED], &options, reterr);
}

static int open_mailboxes(struct mr_hub *hub)
{
    int r = uv_async_init(&hub->loop, &hub->space, on_space);

    hub->space.data = hub->said.data = hub;
    if (r == 0)
        r = uv_async_init(&hub->loop, &hub->said, on_said);
    if (r != 0 || (r = mr_mailbox_open(&hub->intakes, &hub->loop, answer_durable, hub)) != 0)
        return MR_ESYSTEM;
    hub->intakes_open = true;
    return 0;
}

static void join(struct mr_hub *hub)
{
    hub->publish = (struct mr_publish){.house = &hub->house,
            .sessions = &hub->sessions,
            .prepare = hub->prepare,
            .jobs = &hub->jobs,
            .receipts = &hub->receipts,
            .done = on_intake_done,
            .owner = hub,
            .read_only = is_read_only(hub)};
    hub->deliver = (struct mr_deliver){.house = &hub->house,
            .jobs = &hub->jobs,
            .gateway = &hub->gateway,
            .prepare = hub->prepare,
            .intakes = &hub->intakes};
    hub->query = (struct mr_query){.house = &hub->house,
            .publish = &hub->publish,
            .gateway = &hub->gateway,
            .prepare = hub->prepare,
            .compactor = hub->compactor,
            .intakes = &hub->intakes,
            .eraser = hub->eraser,
            .desk = hub->desk,
            .status = mr_hub_status,
            .live = mr_hub_live,
            .status_ctx = hub,
            .acted = mr_deliver_on_act,
            .acted_ctx = &hub->deliver,
            .read_only = &hub->publish.read_only};
    hub->sessions = (struct mr_sessions){.publish = &hub->publish,
            .deliver = &hub->deliver,
            .query = &hub->query,
            .receipts = &hub->receipts};
    hub->receipts = (struct mr_receipt_queue){.sessions = &hub->sessions, .house = &hub->house};
}

/* The secret key from its file; it must be the one whose public half the configuration tells to everybody. */
static int read_key(const struct mr_hub *hub, struct mr_curvekey *ret, struct mr_error *reterr)
{
    const char *file = hub->config->hub.secret_key_file;
    char secret_key[MR_CURVEKEY_TEXT_MAX];
    int r = mr_config_read_key(file, true, secret_key, reterr);

    if (r == 0 && (mr_curvekey_from_secret(ret, secret_key) < 0 ||
                          strcmp(ret->public_key, hub->config->hub.public_key) != 0))
        r = mr_error_set(reterr, MR_ECONFIG, file, "set hub.public_key to the .pub file's text",
                "the secret key does not belong to hub.public_key");
    explicit_bzero(secret_key, sizeof secret_key);
    return r;
}

static int start_network(struct mr_hub *hub, struct mr_error *reterr)
{
    struct mr_curvekey key;
    int r = read_key(hub, &key, reterr);

    if (r < 0)
        return r;
    join(hub);
    hub->zmq = zmq_ctx_new();
    if (!hub->zmq || mr_jobs_open(&hub->jobs, &hub->loop, hub->writer) < 0 ||
            mr_query_open(&hub->query, &hub->loop) < 0)
        r = mr_error_set(reterr, MR_ESYSTEM, "network", "", "cannot start the network");
    if (r == 0)
        r = mr_publish_open(&hub->publish, reterr);
    if (r == 0)
        r = mr_receipt_queue_open(&hub->receipts, &hub->loop, reterr);
    if (r == 0) {
        mr_checkpointer_tell(hub->checkpointer, mr_receipt_queue_wake, &hub->receipts);
        r = mr_deliver_open(&hub->deliver, &hub->loop, reterr);
    }
    if (r == 0)
        r = mr_zap_open(&hub->zap, &hub->loop, hub->zmq, hub->config, reterr);
    if (r == 0)
        r = mr_sessions_open(&hub->sessions, &hub->loop, &hub->gateway, &hub->house);
    if (r == 0)
        r = mr_gateway_open(&hub->gateway, &hub->loop, hub->zmq, hub->config, key.secret_key,
                mr_sessions_on_frame, &hub->sessions, reterr);
    mr_curvekey_wipe(&key);
    hub->zap.quiet = true;
    if (r == 0)
        r = mr_selftest_stranger(&hub->loop, hub->zmq, hub->gateway.endpoints[0].bound,
                hub->config->hub.public_key, SELFTEST_MS, reterr);
    hub->zap.quiet = false;
    return r;
}

static void on_signal(uv_signal_t *signal, int number)
{
    struct mr_hub *hub = signal->data;

    mr_info("hub.signal", "signal", number == SIGTERM ? "SIGTERM" : "SIGINT");
    hub->stop_asked = true;
    uv_stop(signal->loop);
}

int mr_hub_start(struct mr_hub *hub, const struct mr_config *config, struct mr_error *reterr)
{
    int r;

    *hub = (struct mr_hub){.config = config};
    if (uv_loop_init(&hub->loop) != 0)
        return mr_error_set(reterr, MR_ESYSTEM, "loop", "", "cannot make a loop");
    (void)uv_signal_init(&hub->loop, &hub->sigterm);
    (void)uv_signal_init(&hub->loop, &hub->sigint);
    hub->sigterm.data = hub->sigint.data = hub;
    (void)uv_signal_start(&hub->sigterm, on_signal, SIGTERM);
    (void)uv_signal_start(&hub->sigint, on_signal, SIGINT);
    mr_space_begin(&hub->room, &config->hub);
    r = open_mailboxes(hub);
    if (r == 0)
        r = start_store(hub, reterr);
    if (r == 0)
        r = start_scrubber(hub, reterr);
    if (r == 0)
        r = start_network(hub, reterr);
    if (r == 0)
        r = mr_face_open(&hub->face, hub, reterr);
    if (r == 0)
        r = mr_survey_open(&hub->survey, &hub->loop, &hub->house, &hub->deliver, reterr);
    if (r == 0)
        r = mr_alerts_open(&hub->alerts, hub, reterr);
    if (r < 0)
        mr_hub_stop(hub);
    return r;
}

static void on_housekeeping(uv_timer_t *timer)
{
    mr_house_maintain(&MR_CONTAINER(timer, struct mr_hub, housekeeping)->house);
}

static void on_look(uv_timer_t *timer)
{
    struct mr_hub *hub = MR_CONTAINER(timer, struct mr_hub, looking);
    struct mr_writer_stats stats;

    if (hub->sessions.stopping)
        return;
    mr_writer_stats(hub->writer, &stats);
    mr_pulse_look(&hub->pulse, &stats);
    mr_face_look(&hub->face);
    mr_space_look(&hub->room, is_full(hub));
    on_space(&hub->space);
    mr_alerts_look(&hub->alerts);
}

/* For the watchdog: that it is asked shows that the loop turns. */
static bool gets_on(void *ctx)
{
    const struct mr_hub *hub = ctx;

    return mr_pulse_beats(&hub->pulse);
}

void mr_hub_run(struct mr_hub *hub)
{
    if (mr_watchdog_open(&hub->watchdog, &hub->loop, gets_on, hub) < 0)
        mr_warn("hub.no_watchdog", "cure", "WatchdogSec= in the unit");
    (void)uv_timer_init(&hub->loop, &hub->looking);
    (void)uv_timer_start(&hub->looking, on_look, 0, LOOK_MS);
    (void)uv_timer_init(&hub->loop, &hub->housekeeping);
    (void)uv_timer_start(&hub->housekeeping, on_housekeeping, HOUSEKEEPING_MS, HOUSEKEEPING_MS);
    if (!hub->stop_asked)
        (void)uv_run(&hub->loop, UV_RUN_DEFAULT);
}

/* ---- stop, in the opposite order ---- */

static void close_handle(uv_handle_t *handle, void *arg)
{
    (void)arg;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

/* What was taken is finished and answered; nothing new is taken. */
static void drain(struct mr_hub *hub)
{
    struct mr_list last;

    hub->sessions.stopping = true;
    mr_deliver_stop(&hub->deliver);
    mr_desk_stop(hub->desk);
    mr_eraser_stop(hub->eraser);
    mr_compactor_quiet(hub->compactor);
    mr_prepare_stop(hub->prepare);
    mr_checkpointer_quiet(hub->checkpointer);
    mr_writer_stop(hub->writer);
    mr_compactor_stop(hub->compactor);
    mr_checkpointer_stop(hub->checkpointer);
    hub->checkpointer = NULL;
    if (hub->intakes_open && hub->deliver.house) {
        mr_list_init(&last);
        mr_mailbox_take(&hub->intakes, &last);
        answer_durable(&hub->intakes, &last);
        mr_receipt_queue_flush(&hub->receipts);
    }
}

void mr_hub_stop(struct mr_hub *hub)
{
    mr_face_close(&hub->face);
    mr_scrubber_stop(hub->scrubber);
    drain(hub);
    mr_indexer_stop(hub->indexer);
    mr_alerts_close(&hub->alerts);
    mr_survey_close(&hub->survey);
    mr_query_close(&hub->query);
    mr_eraser_free(hub->eraser);
    hub->eraser = NULL;
    mr_desk_free(hub->desk);
    if (hub->sessions.loop)
        mr_sessions_close(&hub->sessions, "the hub is stopping");
    if (hub->zmq) {
        mr_gateway_close(&hub->gateway, LINGER_MS);
        mr_zap_close(&hub->zap);
    }
    if (hub->jobs.writer)
        mr_jobs_close(&hub->jobs);
    if (hub->intakes_open)
        mr_mailbox_close(&hub->intakes, NULL);
    uv_walk(&hub->loop, close_handle, NULL);
    (void)uv_run(&hub->loop, UV_RUN_DEFAULT);
    if (hub->zmq)
        (void)zmq_ctx_term(hub->zmq);
    free(hub->gateway.endpoints);
    mr_publish_close(&hub->publish);
    mr_receipt_queue_close(&hub->receipts);
    mr_deliver_close(&hub->deliver);
    mr_face_fini(&hub->face);
    for (size_t i = 0; i < MR_HOUSES; i++)
        mr_house_leave(&hub->houses[i]);
    mr_editions_close(&hub->editions);
    if (hub->house_open)
        mr_house_close(&hub->house);
    (void)uv_loop_close(&hub->loop);
}
