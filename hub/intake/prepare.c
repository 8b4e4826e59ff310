/*
 * One batch: what is queued, in parts. In one keyring transaction each event is admitted, looked up,
 * resolved, matched and sealed; then `keys` is committed, and only then each intake goes to the writer
 * (decision 5). Until that commit everything can be taken back, numbers too; after it nothing in here may
 * fail.
 */
#include "hub/intake/prepare.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hub/intake/dedup.h"
#include "hub/edition/edition.h"
#include "hub/intake/prepare_item.h"
#include "hub/intake/prepare_leaves.h"
#include "hub/intake/prepare_write.h"
#include "proto/base/logfmt.h"
#include "proto/loop/mailbox.h"

enum {
    NO_SPACE_PAUSE_MS = 200,
    INDEX_PAUSE_MS = 20,
    PART_EVENTS = 128,
    KEYS_PART_EVENTS = 2048,
    EXPECT_AHEAD = 2,
    FORESEE_AHEAD = 4,
    RECORD_MORE_MIN = 128,
    RECORD_MORE_MAX = 2048
};

struct mr_prepare {
    struct mr_house *house;
    struct mr_writer *writer;
    struct mr_mailbox mailbox;
    pthread_t thread;
    struct mr_preparer preparer;
    uint64_t next_intake;
    size_t record_more; /* so many bytes a record of the last intake was larger than its event */
    int failed;         /* for good: everything after it is turned away */
    void (*space)(void *ctx, bool read_only);
    void *space_ctx;
};

/* Hands an intake back that will never be stored. */
static void turn_away(struct mr_intake *intake, int status)
{
    intake->status = status;
    intake->done(intake);
}

static void on_written(struct mr_writer_job *job, int status)
{
    turn_away(MR_CONTAINER(job, struct mr_intake, job), status);
}

static void reset_intake(struct mr_intake *intake)
{
    mr_buf_reset(&intake->records);
    mr_buf_reset(&intake->spans);
    intake->idle = intake->mended = false;
    for (size_t i = 0; i < intake->count; i++) {
        free(intake->items[i].text);
        intake->items[i].text = NULL;
        intake->items[i].verdict = 0;
        intake->items[i].number = 0;
    }
}

static size_t event_bytes(const struct mr_intake *intake)
{
    size_t size = 0;

    for (size_t i = 0; i < intake->count; i++)
        size += intake->items[i].event.size;
    return size;
}

/* Once for all its records, going by those before it: else the buffers double until they are large enough,
 * and are copied and wiped each time. */
static void make_room(const struct mr_prepare *prepare, struct mr_intake *intake)
{
    size_t more = prepare->record_more + prepare->record_more / 8;

    (void)mr_buf_reserve(&intake->records, event_bytes(intake) + intake->count * more); /* sticky */
    (void)mr_buf_reserve(&intake->spans, intake->count * sizeof(struct mr_intake_span));
}

/* Within limits: one event whose record is much larger than itself is no rule for a thousand small ones. */
static void learn_room(struct mr_prepare *prepare, const struct mr_intake *intake)
{
    size_t events = event_bytes(intake), records = intake->records.size;

    if (records > events)
        prepare->record_more = (records - events) / intake->count;
    if (prepare->record_more < RECORD_MORE_MIN)
        prepare->record_more = RECORD_MORE_MIN;
    if (prepare->record_more > RECORD_MORE_MAX)
        prepare->record_more = RECORD_MORE_MAX;
}

/* Is the desk's order to be carried out? Says in the order why not. */
static int begin_order(struct mr_preparer *preparer, struct mr_desk_order *order, bool *ret_goes)
{
    int r = 0;

    order->refused = 0;
    *ret_goes = mr_preparer_order(preparer, order);
    if (*ret_goes && order->begin)
        r = order->begin(order, preparer->house->keyring, preparer->txn);
    *ret_goes &= order->refused == 0;
    return r;
}

static void look_ahead(const struct mr_dedup *dedup, const struct mr_intake *intake, size_t at)
{
    if (at + FORESEE_AHEAD < intake->count && intake->items[at + FORESEE_AHEAD].identified)
        mr_dedup_foresee(dedup, intake->items[at + FORESEE_AHEAD].ident);
    if (at + EXPECT_AHEAD < intake->count && intake->items[at + EXPECT_AHEAD].identified)
        mr_dedup_expect(dedup, intake->items[at + EXPECT_AHEAD].ident);
}

static int prepare_items(struct mr_prepare *prepare, struct mr_intake *intake)
{
    bool goes = true;
    int r = 0;

    reset_intake(intake);
    intake->running = prepare->next_intake;
    intake->at_us = mr_clock_wall_us(prepare->house->clock);
    if (intake->order)
        r = begin_order(&prepare->preparer, intake->order, &goes);
    if (r < 0 || !goes) {
        intake->idle = true;
        return r;
    }
    if (intake->count > 0)
        make_room(prepare, intake);
    for (size_t i = 0; r == 0 && i < intake->count; i++) {
        look_ahead(prepare->preparer.dedup, intake, i);
        r = mr_preparer_item(&prepare->preparer, intake, &intake->items[i]);
    }
    if (r == 0 && intake->count > 0) {
        mr_prepare_leaves(intake, prepare->preparer.dedup);
        learn_room(prepare, intake);
    }
    if (r == 0 && intake->order)
        intake->idle = intake->items[0].verdict != MR_VERDICT_STORED;
    if (intake->count > 0 && !intake->idle)
        prepare->next_intake++;
    return r;
}

/* The hub's word on what the desk has done, now that the new number is known. */
static int prepare_word(struct mr_prepare *prepare, struct mr_intake *intake)
{
    struct mr_desk_order *order = intake->order;
    struct mr_intake *word = intake->with;
    int r;

    mr_buf_reset(&word->bytes);
    r = order->say(order, intake->items[0].number, &word->bytes);
    if (r < 0)
        return r;
    word->items[0].event = mr_buf_slice(&word->bytes);
    r = prepare_items(prepare, word);
    assert(r < 0 || word->items[0].verdict == MR_VERDICT_STORED);
    return r;
}

static int prepare_intake(struct mr_prepare *prepare, struct mr_intake *intake)
{
    int r = prepare_items(prepare, intake);

    return r == 0 && intake->with && !intake->idle ? prepare_word(prepare, intake) : r;
}

/* All or nothing: on failure no number was given and no person made. */
static int prepare_batch_once(struct mr_prepare *prepare, struct mr_list *batch)
{
    struct mr_preparer_mark mark = mr_preparer_mark(&prepare->preparer);
    uint64_t next_intake = prepare->next_intake;
    int r = mr_preparer_begin(&prepare->preparer);

    mr_list_foreach (link, batch) {
        if (r == 0)
            r = prepare_intake(prepare, MR_CONTAINER(link, struct mr_intake, link));
    }
    r = mr_preparer_end(&prepare->preparer, r);
    if (r < 0) {
        mr_preparer_rollback(&prepare->preparer, &mark);
        prepare->next_intake = next_intake;
    }
    return r;
}

static bool stopping(struct mr_prepare *prepare)
{
    bool closed;

    (void)pthread_mutex_lock(&prepare->mailbox.lock);
    closed = prepare->mailbox.closed;
    (void)pthread_mutex_unlock(&prepare->mailbox.lock);
    return closed;
}

static void tell_space(struct mr_prepare *prepare, bool read_only)
{
    if (prepare->space)
        prepare->space(prepare->space_ctx, read_only);
}

/* Without space for `keys` the hub waits, and says so: what comes behind this batch is refused as read-only.
 */
static int prepare_batch(struct mr_prepare *prepare, struct mr_list *batch)
{
    int r = prepare_batch_once(prepare, batch);
    bool waited = r == MR_ENOSPACE;

    if (waited)
        tell_space(prepare, true);
    while (r == MR_ENOSPACE && !stopping(prepare)) {
        const struct timespec pause = {.tv_nsec = NO_SPACE_PAUSE_MS * 1000000L};

        (void)nanosleep(&pause, NULL);
        r = prepare_batch_once(prepare, batch);
    }
    if (waited && r != MR_ENOSPACE)
        tell_space(prepare, false);
    return r;
}

static uint64_t index_lag(const struct mr_prepare *prepare)
{
    uint64_t head = mr_log_head(prepare->house->log), through = mr_index_through(prepare->house->index);

    return head > through ? head - through : 0;
}

/*
 * What the index does not have yet is in memory, to find repeats: so it may fall behind so far and no
 * further. Producers feel it as a late acknowledgement; below half of it the hub goes on.
 */
static void wait_for_index(struct mr_prepare *prepare)
{
    const struct timespec pause = {.tv_nsec = INDEX_PAUSE_MS * 1000000L};
    uint64_t max = prepare->house->config->hub.index_lag_max;

    if (index_lag(prepare) <= max)
        return;
    mr_warn("index.behind", "events", MR_N(index_lag(prepare)), "cure",
            "nothing is lost: producers wait; if it lasts, look for index.failed, or raise "
            "hub.index_lag_max");
    while (index_lag(prepare) > max / 2 && !stopping(prepare))
        (void)nanosleep(&pause, NULL);
}

static void pass_on(struct mr_prepare *prepare, struct mr_list *batch)
{
    struct mr_list *link;

    while ((link = mr_list_pop_front(batch))) {
        struct mr_intake *intake = MR_CONTAINER(link, struct mr_intake, link);

        if (prepare->failed < 0) {
            turn_away(intake, prepare->failed);
            continue;
        }
        intake->job.fill = mr_intake_fill;
        intake->job.done = on_written;
        mr_writer_submit(prepare->writer, &intake->job);
    }
}

/* Those that change the keyring themselves, before the batch begins a transaction. */
static void run_tasks(struct mr_prepare *prepare, struct mr_list *batch)
{
    mr_list_foreach_safe (link, batch) {
        struct mr_intake *intake = MR_CONTAINER(link, struct mr_intake, link);
        int r = prepare->failed;

        if (!intake->task)
            continue;
        mr_list_remove(link);
        if (r == 0 && (r = intake->task(intake, prepare->house->keyring)) == MR_EIO)
            mr_house_fatal(prepare->house, r, "keys/");
        turn_away(intake, r);
    }
}

/* ---- trying out ---- */

/* As a batch of its own that fails: no number was given and no person made. */
static int try_out(struct mr_prepare *prepare, struct mr_intake *intake)
{
    struct mr_preparer_mark mark = mr_preparer_mark(&prepare->preparer);
    uint64_t next_intake = prepare->next_intake;
    int r = mr_preparer_begin(&prepare->preparer);

    if (r == 0)
        r = prepare_items(prepare, intake);
    (void)mr_preparer_end(&prepare->preparer, r < 0 ? r : MR_ECLOSED);
    mr_preparer_rollback(&prepare->preparer, &mark);
    prepare->next_intake = next_intake;
    return r;
}

static bool renew_sender(const struct mr_prepare *prepare, struct mr_intake *intake);

static void try_all(struct mr_prepare *prepare, struct mr_list *batch)
{
    mr_list_foreach_safe (link, batch) {
        struct mr_intake *intake = MR_CONTAINER(link, struct mr_intake, link);
        int r = prepare->failed;

        if (!intake->dry)
            continue;
        mr_list_remove(link);
        if (r == 0)
            r = renew_sender(prepare, intake) ? try_out(prepare, intake) : MR_EDENIED;
        turn_away(intake, r);
    }
}

/* ---- editions of the configuration ---- */

/* From here on everything is admitted and matched under it. */
static void begin_edition(struct mr_prepare *prepare, struct mr_edition *edition)
{
    mr_house_adopt(prepare->house, edition);
    prepare->preparer.matcher = edition->matcher;
}

/*
 * A sender is what the edition says that holds now. One that it does not know, or that came with a key which
 * it does not know, has no rights any more: false. The tool speaks for a system without a key.
 */
static bool renew_sender(const struct mr_prepare *prepare, struct mr_intake *intake)
{
    const struct mr_house *house = prepare->house;
    const struct mr_config_system *system;

    if (!intake->sender || !intake->edition || intake->edition == house->edition)
        return true;
    system = mr_config_system(house->config, intake->sender->name);
    if (!system || (!intake->by_tool && strcmp(system->public_key, intake->sender->public_key) != 0))
        return false;
    intake->sender = system;
    mr_edition_drop(intake->edition);
    intake->edition = mr_edition_hold(house->edition);
    return true;
}

/*
 * What comes before the next edition, and not much more than PART_EVENTS: the writer begins with it while the
 * rest is prepared. When the part before has changed `keys`, this one probably will too, and a commit of them
 * waits for the disk: then it is more. An edition begins with the first of a part.
 */
static void take_part(struct mr_prepare *prepare, struct mr_list *batch, struct mr_list *part)
{
    size_t events = 0, enough = prepare->preparer.keys_written ? KEYS_PART_EVENTS : PART_EVENTS;
    bool first = true;

    while (!mr_list_empty(batch) && events < enough) {
        struct mr_intake *intake = MR_CONTAINER(batch->next, struct mr_intake, link);

        if (intake->begins && !first)
            return;
        if (intake->begins && prepare->failed == 0)
            begin_edition(prepare, intake->begins);
        first = false;
        mr_list_remove(&intake->link);
        events += intake->count;
        if (renew_sender(prepare, intake))
            mr_list_push_back(part, &intake->link);
        else
            turn_away(intake, MR_EDENIED);
    }
}

static void prepare_part(struct mr_prepare *prepare, struct mr_list *part)
{
    if (mr_list_empty(part))
        return;
    wait_for_index(prepare);
    if (prepare->failed == 0)
        prepare->failed = prepare_batch(prepare, part);
    if (prepare->failed < 0 && prepare->failed != MR_ENOSPACE) /* that one: stopped while it waited */
        mr_house_fatal(prepare->house, prepare->failed, "keys/");
    pass_on(prepare, part);
}

static void *run(void *arg)
{
    struct mr_prepare *prepare = arg;
    struct mr_list batch, part;

    (void)pthread_setname_np(pthread_self(), "prepare");
    mr_list_init(&batch);
    mr_list_init(&part);
    while (mr_mailbox_wait(&prepare->mailbox, &batch)) {
        run_tasks(prepare, &batch);
        try_all(prepare, &batch);
        while (!mr_list_empty(&batch)) {
            take_part(prepare, &batch, &part);
            prepare_part(prepare, &part);
        }
    }
    return NULL;
}

static int start_thread(struct mr_prepare *prepare)
{
    int r = mr_mailbox_open(&prepare->mailbox, NULL, NULL, NULL);

    if (r < 0)
        return r;
    if (pthread_create(&prepare->thread, NULL, run, prepare) == 0)
        return 0;
    mr_mailbox_close(&prepare->mailbox, NULL);
    return MR_ESYSTEM;
}

int mr_prepare_start(struct mr_prepare **ret, struct mr_house *house, const struct mr_matcher *matcher,
        struct mr_writer *writer, struct mr_error *reterr)
{
    struct mr_prepare *prepare = calloc(1, sizeof *prepare);
    int r;

    if (!prepare)
        return MR_ENOMEM;
    prepare->house = house;
    prepare->writer = writer;
    prepare->record_more = RECORD_MORE_MIN;
    r = mr_preparer_init(&prepare->preparer, house, matcher, reterr);
    if (r == 0)
        r = mr_intake_next(house->log, &prepare->next_intake);
    if (r == 0)
        r = start_thread(prepare);
    if (r < 0) {
        mr_preparer_fini(&prepare->preparer);
        free(prepare);
        return r;
    }
    *ret = prepare;
    return 0;
}

void mr_prepare_on_space(struct mr_prepare *prepare, void (*fn)(void *ctx, bool read_only), void *ctx)
{
    prepare->space = fn;
    prepare->space_ctx = ctx;
}

void mr_prepare_note_to(struct mr_prepare *prepare, struct mr_index_notes *notes)
{
    prepare->preparer.notes = notes;
}

void mr_prepare_submit(struct mr_prepare *prepare, struct mr_intake *intake)
{
    assert(mr_list_empty(&intake->link));
    assert(intake->done && intake->system != 0);
    assert(intake->sender || intake->system == MR_SYSTEM_HUB);
    assert(!intake->task || intake->count == 0);
    intake->clock = prepare->house->clock;
    intake->came_us = mr_clock_wall_us(intake->clock);
    if (intake->with) {
        intake->with->clock = intake->clock;
        intake->with->came_us = intake->came_us;
    }
    if (!mr_mailbox_post(&prepare->mailbox, &intake->link))
        turn_away(intake, MR_ECLOSED);
}

void mr_prepare_erased(struct mr_prepare *prepare, const uint64_t *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        mr_waiting_end(prepare->preparer.waiting, numbers[i]);
    mr_waiting_keep(prepare->preparer.waiting);
}

size_t mr_prepare_freed(struct mr_prepare *prepare, uint64_t *numbers, size_t max)
{
    return mr_waiting_freed(prepare->preparer.waiting, numbers, max);
}

void mr_prepare_stop(struct mr_prepare *prepare)
{
    if (!prepare)
        return;
    mr_mailbox_shut(&prepare->mailbox);
    (void)pthread_join(prepare->thread, NULL);
    mr_mailbox_close(&prepare->mailbox, NULL);
    mr_preparer_fini(&prepare->preparer);
    free(prepare);
}
