#include "hub/query.h"

#include <stdlib.h>
#include <string.h>

#include "hub/edition/edition.h"
#include "hub/rows.h"
#include "proto/base/list.h"

enum { PENDING_MAX = 256, RETRY_MS = 10, RUNNING_MAX = 32, ASKED_MAX = 256 };
enum { BESIDE_BYTES = 1024 }; /* of a Result, beside its document */

struct document {
    struct mr_list link;
    char *text;
};

struct call {
    struct mr_list link;
    struct mr_list act_link;
    struct mr_telling telling;
    struct mr_turn turn;
    uv_work_t work;
    struct mr_query *query;
    struct mr_query_to to;
    const struct mr_method *method;
    struct mr_house house; /* of its own while it runs */
    struct mr_territory territory;
    json_t *arguments;
    json_t *live; /* when its method is */
    char operator_name[64];
    struct mr_error error;
    struct mr_act act;
    int status;
    bool finished; /* nothing more comes; loop thread */
    pthread_mutex_t lock;
    pthread_cond_t room;
    struct mr_list pending; /* under lock, as the two below */
    size_t pending_count;
    bool cancelled;
};

/* ---- documents ---- */

static void free_document(struct document *document)
{
    free(document->text);
    free(document);
}

static void free_call(struct call *call)
{
    struct mr_list *link;

    while ((link = mr_list_pop_front(&call->pending)) != NULL)
        free_document(MR_CONTAINER(link, struct document, link));
    mr_list_remove(&call->link);
    mr_telling_end(&call->telling);
    mr_list_remove(&call->turn.link);
    mr_act_fini(&call->act);
    mr_territory_fini(&call->territory);
    json_decref(call->arguments);
    json_decref(call->live);
    (void)pthread_mutex_destroy(&call->lock);
    (void)pthread_cond_destroy(&call->room);
    free(call);
}

static void cancel(struct call *call)
{
    (void)pthread_mutex_lock(&call->lock);
    call->cancelled = true;
    (void)pthread_mutex_unlock(&call->lock);
    (void)pthread_cond_broadcast(&call->room);
}

/* The oldest document, if it may go out: the last one waits until it is known to be the last. */
static struct document *next_document(struct call *call)
{
    struct document *document = NULL;

    (void)pthread_mutex_lock(&call->lock);
    if (call->pending_count > 1 || (call->pending_count == 1 && call->finished))
        document = MR_CONTAINER(call->pending.next, struct document, link);
    (void)pthread_mutex_unlock(&call->lock);
    return document;
}

static void drop_document(struct call *call, struct document *document)
{
    (void)pthread_mutex_lock(&call->lock);
    mr_list_remove(&document->link);
    call->pending_count--;
    (void)pthread_mutex_unlock(&call->lock);
    (void)pthread_cond_signal(&call->room);
    free_document(document);
}

static void on_timer(uv_timer_t *timer);

/* Sends what there is. false: the tool's queue is full. Frees a call that is over. */
static bool flush(struct call *call)
{
    struct mr_query *query = call->query;
    bool ended = false;
    struct document *document;

    while ((document = next_document(call)) != NULL) {
        bool last = call->finished && call->pending_count == 1 && call->status == 0;
        int r = mr_query_send(query, &call->to, document->text, !last, 0, NULL);

        if (r == MR_EAGAIN)
            return false;
        if (r < 0)
            cancel(call); /* gone: what is left is thrown away */
        ended |= last;
        drop_document(call, document);
    }
    if (!call->finished)
        return true;
    if (!ended)
        (void)mr_query_send(
                query, &call->to, "", false, call->status, call->status < 0 ? &call->error : NULL);
    free_call(call);
    return true;
}

static void flush_all(struct mr_query *query)
{
    bool slow = false;

    mr_list_foreach_safe (it, &query->calls)
        slow |= !flush(MR_CONTAINER(it, struct call, link));
    if (slow && !query->stopping)
        (void)uv_timer_start(&query->timer, on_timer, RETRY_MS, 0);
}

static void on_async(uv_async_t *async)
{
    flush_all(async->data);
}

static void on_timer(uv_timer_t *timer)
{
    flush_all(timer->data);
}

/* ---- reading, on a thread of the pool ---- */

static size_t document_max(const struct mr_method *method)
{
    return (method->grows ? MR_ANSWER_BYTES_MAX : MR_FRAME_BYTES_MAX) - BESIDE_BYTES;
}

static int emit(void *ctx, json_t *json)
{
    struct call *call = ctx;
    struct document *document = calloc(1, sizeof *document);
    bool cancelled;

    if (document)
        document->text = json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(15));
    json_decref(json);
    if (!document || !document->text) {
        free(document);
        return MR_ENOMEM;
    }
    if (!call->to.asker &&
            strlen(document->text) > document_max(call->method)) { /* the tool would not read it */
        free_document(document);
        return mr_error_set(&call->error, MR_ETOOBIG, "",
                "ask for less at once: docs/methods.md has `limit` and the like",
                "the answer is larger than a frame");
    }
    (void)pthread_mutex_lock(&call->lock);
    while (call->pending_count >= PENDING_MAX && !call->cancelled)
        (void)pthread_cond_wait(&call->room, &call->lock);
    cancelled = call->cancelled;
    if (!cancelled) {
        mr_list_push_back(&call->pending, &document->link);
        call->pending_count++;
    }
    (void)pthread_mutex_unlock(&call->lock);
    if (cancelled) {
        free_document(document);
        return MR_ECLOSED;
    }
    (void)uv_async_send(&call->query->async);
    return 0;
}

static void on_work(uv_work_t *work)
{
    struct call *call = MR_CONTAINER(work, struct call, work);
    struct mr_method_call args = {.house = &call->house,
            .arguments = call->arguments,
            .operator_name = call->operator_name,
            .eraser = call->query->eraser,
            .desk = call->query->desk,
            .hub_running = true,
            .compactor = call->query->compactor,
            .live = call->live};

    atomic_store(&call->telling.begun, true);
    call->house.tick = call->telling.all ? &call->telling.tick : NULL;
    call->status = mr_territory_of_call(&call->territory, &call->house, call->operator_name,
            call->to.asker && call->to.asker->limited ? &call->to.asker->limits : NULL, &call->error);
    if (call->status == 0)
        call->status = mr_method_allowed(call->method, &args, &call->error);
    if (call->status < 0)
        return;
    call->status = call->method->act ? call->method->act(&args, &call->act, &call->error)
                                     : call->method->read(&args, emit, call, &call->error);
}

/* ---- acting: the event and its rows ---- */

/* Writer thread. */
static int put_rows(struct mr_intake *intake, struct mr_log_batch *batch)
{
    const struct call *call = intake->owner;
    int r = mr_act_put_rows(&call->act, batch);

    if (r == 0 && intake->begins)
        r = mr_edition_put(intake->begins, call->query->house->names, intake->items[0].number, batch);
    return r < 0 ? r : mr_rows_apply(mr_buf_slice(&call->act.many), batch);
}

static void on_act_done(struct mr_intake *intake)
{
    const struct call *call = intake->owner;

    (void)mr_mailbox_post(call->query->intakes, &intake->link);
}

static int submit_act(struct call *call)
{
    struct mr_intake *intake;

    if (call->query->stopping)
        return MR_ECLOSED;
    intake = mr_intake_new(1);
    if (!intake)
        return MR_ENOMEM;
    mr_buf_put_slice(&intake->bytes, mr_buf_slice(&call->act.event));
    if (mr_buf_failed(&intake->bytes)) {
        mr_intake_free(intake);
        return MR_ENOMEM;
    }
    intake->items[0].event = mr_buf_slice(&intake->bytes);
    intake->system = MR_SYSTEM_HUB;
    intake->begins = mr_edition_hold(call->act.begins);
    intake->rows = put_rows;
    intake->done = on_act_done;
    intake->owner = call;
    mr_prepare_submit(call->query->prepare, intake);
    return 0;
}

static void work(struct call *call);

/* The next acting call may run: the one before it is durable or has failed. */
static void next_act(struct mr_query *query)
{
    struct mr_list *link = mr_list_pop_front(&query->acts);

    query->acting = link ? MR_CONTAINER(link, struct call, act_link) : NULL;
    if (query->acting)
        work(query->acting);
}

static void finish(struct call *call, int status)
{
    struct mr_query *query = call->query;

    if (query->acting == call)
        next_act(query);
    mr_telling_end(&call->telling);
    call->status = status;
    call->finished = true;
    if (!flush(call) && !query->stopping)
        (void)uv_timer_start(&query->timer, on_timer, RETRY_MS, 0);
}

/* Those of the HTTP API that may run now. */
static void next_turns(struct mr_query *query)
{
    struct mr_turn *turn;

    while (!query->stopping && (turn = mr_turns_next(&query->turns)) != NULL)
        work(MR_CONTAINER(turn, struct call, turn));
}

static void on_after_work(uv_work_t *work, int status)
{
    struct call *call = MR_CONTAINER(work, struct call, work);

    mr_house_leave(&call->house);
    mr_turns_leave(&call->query->turns, &call->turn);
    next_turns(call->query);
    if (status < 0)
        call->status = MR_ECLOSED;
    if (call->status == 0 && call->method->act)
        call->status = submit_act(call);
    if (call->status < 0 || !call->method->act)
        finish(call, call->status);
}

static void work(struct call *call)
{
    mr_house_share(&call->house, call->query->house);
    if (uv_queue_work(call->query->loop, &call->work, on_work, on_after_work) == 0)
        return;
    mr_house_leave(&call->house);
    mr_turns_leave(&call->query->turns, &call->turn);
    finish(call, MR_ESYSTEM);
}

void mr_query_durable(struct mr_query *query, const struct mr_intake *intake)
{
    struct call *call = intake->owner;
    const struct mr_intake_item *item = &intake->items[0];
    int r = intake->status;

    if (r == 0 && item->verdict != MR_VERDICT_STORED)
        r = mr_error_set(&call->error, MR_EINVAL, item->text ? item->text->field : "",
                item->text ? item->text->cure : "", "%s", item->text ? item->text->reason : "not taken");
    if (r == 0 && query->acted)
        query->acted(query->acted_ctx, &call->act.delivery);
    if (r == 0 && !call->act.reply)
        call->act.reply = json_object();
    if (r == 0 && json_object_set_new(call->act.reply, "number", json_integer((json_int_t)item->number)) == 0)
        r = emit(call, json_incref(call->act.reply));
    finish(call, r);
}

/* ---- a query comes in ---- */

static struct call *new_call(struct mr_query *query, const struct mr_query_to *to,
        const struct mr_method *method, json_t *arguments, const char *operator_name)
{
    struct call *call = calloc(1, sizeof *call);

    if (!call)
        return NULL;
    call->query = query;
    call->to = *to;
    call->method = method;
    call->arguments = json_incref(arguments);
    call->live = method->live ? query->live(query->status_ctx) : NULL;
    memcpy(call->operator_name, operator_name, strnlen(operator_name, sizeof call->operator_name - 1));
    mr_list_init(&call->pending);
    mr_list_init(&call->act_link);
    mr_list_init(&call->turn.link);
    (void)pthread_mutex_init(&call->lock, NULL);
    (void)pthread_cond_init(&call->room, NULL);
    mr_list_push_back(&query->calls, &call->link);
    if (!to->asker)
        mr_telling_begin(&query->tellings, &call->telling, &to->peer, to->id);
    return call;
}

static void answer_status(struct mr_query *query, const struct mr_query_to *to, const char *operator_name)
{
    struct mr_error error = {0};
    int r = mr_method_status_allowed(query->house->config, operator_name, &error);
    json_t *status = r < 0 ? NULL : query->status(query->status_ctx);
    char *text = status ? json_dumps(status, JSON_COMPACT) : NULL;

    mr_query_send_result(query, to, text ? text : "",
            text    ? 0
            : r < 0 ? r
                    : MR_ENOMEM,
            r < 0 ? &error : NULL);
    free(text);
    json_decref(status);
}

static void start(struct mr_query *query, const struct mr_query_to *to, const char *name, json_t *arguments,
        const char *operator_name)
{
    const struct mr_method *method = mr_method_find(name);
    struct mr_error error = {0};
    struct call *call;
    const char *who = to->asker ? to->asker->who : "";
    size_t running = 0; /* of those who ask in this way: neither keeps the others out */

    mr_list_foreach (it, &query->calls)
        running += (MR_CONTAINER(it, struct call, link)->to.asker == NULL) == (to->asker == NULL);
    if (!method) {
        mr_query_fail(
                query, to, MR_ENOTFOUND, "method", "docs/protocol.md lists the methods", "no such method");
        return;
    }
    if ((method->act || method->appends) && *query->read_only) {
        mr_query_send_result(query, to, "", mr_query_no_space(&error), &error);
        return;
    }
    if (running >= (to->asker ? ASKED_MAX : RUNNING_MAX)) {
        mr_query_fail(query, to, MR_EAGAIN, "", "ask again later", "too many queries at once");
        return;
    }
    call = new_call(query, to, method, arguments, operator_name);
    if (!call) {
        mr_query_fail(query, to, MR_ENOMEM, "", "ask again later", "out of memory");
        return;
    }
    if (method->act && query->acting) {
        mr_list_push_back(&query->acts, &call->act_link);
        return;
    }
    if (method->act)
        query->acting = call;
    if (method->act || !*who) {
        work(call);
        return;
    }
    mr_turns_wait(&query->turns, &call->turn, who, method->takes_long);
    next_turns(query);
}

bool mr_query_may_ask(const struct mr_query *query, const char *who, const char *name)
{
    const struct mr_method *method = mr_method_find(name);

    return !method || method->act || mr_turns_may(&query->turns, who, method->takes_long);
}

/* Takes the reference to arguments. */
static void ask(struct mr_query *query, const struct mr_query_to *to, const char *method, json_t *arguments,
        const char *operator_name)
{
    if (!json_is_object(arguments))
        mr_query_fail(query, to, MR_EINVAL, "arguments", "send a JSON object", "not a JSON object");
    else if (strcmp(method, "hub.status") == 0)
        answer_status(query, to, operator_name);
    else if (strcmp(method, "publish") == 0)
        mr_query_publish(query, to, arguments);
    else
        start(query, to, method, arguments, operator_name);
    json_decref(arguments);
}

void mr_query_frame(struct mr_query *query, const struct mr_peer *peer, const Marshrut__Bus__V1__Query *frame)
{
    const struct mr_query_to to = {.peer = *peer, .id = frame->id};

    ask(query, &to, frame->method,
            frame->arguments[0] ? json_loads(frame->arguments, JSON_REJECT_DUPLICATES, NULL) : json_object(),
            frame->operator_);
}

void mr_query_ask(struct mr_query *query, struct mr_query_asker *asker, const char *method, json_t *arguments,
        const char *operator_name)
{
    const struct mr_query_to to = {.asker = asker};

    ask(query, &to, method, arguments, operator_name);
}

int mr_query_open(struct mr_query *query, uv_loop_t *loop)
{
    query->loop = loop;
    mr_list_init(&query->calls);
    mr_list_init(&query->acts);
    mr_turns_init(&query->turns);
    if (uv_async_init(loop, &query->async, on_async) != 0)
        return MR_ESYSTEM;
    (void)uv_timer_init(loop, &query->timer);
    mr_tellings_open(&query->tellings, loop, query->gateway);
    query->async.data = query;
    query->timer.data = query;
    return 0;
}

void mr_query_close(struct mr_query *query)
{
    if (!query->loop)
        return;
    query->stopping = true;
    mr_list_foreach (it, &query->calls)
        cancel(MR_CONTAINER(it, struct call, link));
    for (struct mr_list *link; (link = mr_list_pop_front(&query->turns.waiting)) != NULL;)
        finish(MR_CONTAINER(link, struct call, turn.link), MR_ECLOSED);
    while (!mr_list_empty(&query->calls)) {
        (void)uv_run(query->loop, UV_RUN_ONCE);
        mr_list_foreach_safe (it, &query->calls) {
            struct call *call = MR_CONTAINER(it, struct call, link);

            if (call->finished)
                free_call(call); /* its tool does not read */
        }
    }
    uv_close((uv_handle_t *)&query->async, NULL);
    uv_close((uv_handle_t *)&query->timer, NULL);
    mr_tellings_close(&query->tellings);
}
