#include "tests/support/counterpart/counterpart.h"

#include <stdio.h>
#include <stdlib.h>

#include "proto/base/list.h"
#include "proto/loop/http_route.h"
#include "proto/wire/json.h"

enum { PAGE_DEFAULT = 100, SLOW_MS_DEFAULT = 3000 };

static const char *const mode_names[] = {"fine", "slow", "down", "wrong", "flaky"};

struct counterpart {
    struct counterpart_options options;
    char *feed;
    struct mr_http_server *server;
    json_t *events; /* id -> event, in order of arrival */
    size_t repeated;
    size_t out_of_order;  /* an event of a subject with a smaller log number than one before it */
    json_t *last_numbers; /* subject -> log number */
    unsigned requests;
    struct mr_list delayed;
    void (*on_closed)(void *ctx);
    void *closed_ctx;
};

/* An answer that waits: slow mode. */
struct delayed {
    struct mr_list member;
    uv_timer_t timer;
    struct mr_http_exchange *exchange; /* NULL: the server is closed */
    unsigned status;
    char *content_type;
    char *cursor;
    char *body;
};

static void send_now(struct mr_http_exchange *exchange, unsigned status, const char *type, const char *cursor,
        const char *body)
{
    if (cursor)
        mr_http_answer_header(exchange, "Marshrut-Cursor", cursor);
    mr_http_answer(exchange, status, type, mr_slice_str(body));
}

static void on_delayed_closed(uv_handle_t *handle)
{
    struct delayed *delayed = handle->data;

    free(delayed->content_type);
    free(delayed->cursor);
    free(delayed->body);
    free(delayed);
}

static void on_delay(uv_timer_t *timer)
{
    struct delayed *delayed = timer->data;

    mr_list_remove(&delayed->member);
    send_now(delayed->exchange, delayed->status, delayed->content_type, delayed->cursor, delayed->body);
    uv_close((uv_handle_t *)timer, on_delayed_closed);
}

static void answer(struct counterpart *c, struct mr_http_exchange *exchange, unsigned status,
        const char *type, const char *cursor, const char *body)
{
    struct delayed *delayed;

    if (c->options.mode != COUNTERPART_SLOW) {
        send_now(exchange, status, type, cursor, body);
        return;
    }
    delayed = calloc(1, sizeof *delayed);
    delayed->exchange = exchange;
    delayed->status = status;
    delayed->content_type = strdup(type);
    delayed->cursor = cursor ? strdup(cursor) : NULL;
    delayed->body = strdup(body);
    mr_list_push_back(&c->delayed, &delayed->member);
    (void)uv_timer_init(c->options.loop, &delayed->timer);
    delayed->timer.data = delayed;
    (void)uv_timer_start(&delayed->timer, on_delay, c->options.slow_ms, 0);
}

/* ---- pushes ---- */

static void check_order(struct counterpart *c, const json_t *event, const struct mr_http_request *request)
{
    const char *subject = json_string_value(json_object_get(event, "subject"));
    const char *number = mr_http_header(request, "Marshrut-Number");
    json_int_t now = number ? strtoll(number, NULL, 10) : 0;

    if (!subject)
        return;
    if (json_integer_value(json_object_get(c->last_numbers, subject)) > now)
        c->out_of_order++;
    else
        (void)json_object_set_new(c->last_numbers, subject, json_integer(now));
}

/* The header says what the event says, and nothing that is no trace. */
static bool trace_is_wrong(const json_t *event, const struct mr_http_request *request)
{
    const char *attribute = json_string_value(json_object_get(event, "traceparent"));
    const char *header = mr_http_header(request, "traceparent");
    bool is_one = attribute && strncmp(attribute, "00-", 3) == 0;

    return is_one ? !header || strcmp(header, attribute) != 0 : header != NULL;
}

static void take_push(void *ctx, const struct mr_http_request *request)
{
    struct counterpart *c = ctx;
    json_t *event = mr_json_parse(request->body, "push", NULL);
    const char *id = json_string_value(json_object_get(event, "id"));
    const char *key = mr_http_header(request, "Idempotency-Key");

    if (c->options.mode == COUNTERPART_WRONG || !id || !key || strcmp(id, key) != 0 ||
            trace_is_wrong(event, request)) {
        json_decref(event);
        answer(c, request->exchange, 422, "application/json", NULL, "{\"error\":\"not understood\"}");
        return;
    }
    if (json_object_get(c->events, id)) {
        c->repeated++;
    } else {
        check_order(c, event, request);
        (void)json_object_set(c->events, id, event);
    }
    json_decref(event);
    if (c->options.mode == COUNTERPART_FLAKY && c->requests % 2)
        answer(c, request->exchange, 500, "application/json", NULL, "{\"error\":\"flaky\"}");
    else
        answer(c, request->exchange, 200, "application/json", NULL, "{}");
}

/* ---- the feed: a page of lines from the cursor (a line number) on ---- */

static json_t *read_page(struct counterpart *c, long from, long *ret_next)
{
    FILE *file = c->feed ? fopen(c->feed, "re") : NULL;
    json_t *page = json_array();
    char *line = NULL;
    size_t capacity = 0;
    ssize_t size;
    long at = 0;

    *ret_next = from;
    while (file && json_array_size(page) < c->options.page_items &&
            (size = getline(&line, &capacity, file)) > 0) {
        if (line[size - 1] != '\n')
            break; /* still being written */
        if (at++ < from)
            continue;
        *ret_next = at;
        (void)json_array_append_new(page, json_loads(line, 0, NULL));
    }
    free(line);
    if (file)
        (void)fclose(file);
    return page;
}

static void serve_feed(void *ctx, const struct mr_http_request *request)
{
    struct counterpart *c = ctx;
    const char *given = mr_http_query(request, "cursor");
    char cursor[24];
    long next;
    json_t *page;
    char *text;

    if (c->options.mode == COUNTERPART_WRONG) {
        answer(c, request->exchange, 200, "text/html", NULL, "<html>Service</html>");
        return;
    }
    if (c->options.mode == COUNTERPART_FLAKY && c->requests % 2) {
        answer(c, request->exchange, 500, "application/json", NULL, "{\"error\":\"flaky\"}");
        return;
    }
    page = read_page(c, given ? strtol(given, NULL, 10) : 0, &next);
    text = json_dumps(page, JSON_COMPACT);
    (void)snprintf(cursor, sizeof cursor, "%ld", next);
    answer(c, request->exchange, 200, "application/cloudevents-batch+json", cursor, text);
    free(text);
    json_decref(page);
}

/* ---- for the tests: always answered at once and rightly ---- */

static void show_received(void *ctx, const struct mr_http_request *request)
{
    struct counterpart *c = ctx;
    bool list = mr_http_query(request, "list") != NULL;
    json_t *body = json_pack("{s:I, s:I, s:I, s:s}", "count", (json_int_t)json_object_size(c->events),
            "repeated", (json_int_t)c->repeated, "outOfOrder", (json_int_t)c->out_of_order, "mode",
            mode_names[c->options.mode]);
    json_t *events = json_array();
    const char *id;
    json_t *event;

    json_object_foreach (c->events, id, event)
        (void)json_array_append(events, event);
    if (list)
        (void)json_object_set(body, "events", events);
    json_decref(events);
    mr_http_answer_json(request->exchange, 200, body);
}

static void control(void *ctx, const struct mr_http_request *request)
{
    struct counterpart *c = ctx;
    json_t *body = mr_json_parse(request->body, "control", NULL);
    const char *name = json_string_value(json_object_get(body, "mode"));
    int mode = name ? counterpart_mode_of(name) : -1;

    json_decref(body);
    if (mode < 0) {
        mr_http_answer_problem(request->exchange, 400, "invalid", "mode", "no such mode",
                "use fine, slow, down, wrong or flaky");
        return;
    }
    counterpart_set_mode(c, (enum counterpart_mode)mode);
    mr_http_answer(request->exchange, 200, NULL, mr_slice_str("{}"));
}

static void on_request(void *ctx, const struct mr_http_request *request)
{
    static const struct mr_http_route own[] = {
            {"GET", "/received", show_received}, {"POST", "/control", control}};
    struct counterpart *c = ctx;

    for (size_t i = 0; i < MR_COUNT(own); i++)
        if (strcmp(request->path, own[i].path) == 0) {
            mr_http_dispatch(own, MR_COUNT(own), ctx, request);
            return;
        }
    c->requests++;
    if (c->options.mode == COUNTERPART_DOWN)
        mr_http_answer(request->exchange, 503, NULL, mr_slice_str("{\"error\":\"down\"}"));
    else if (strcmp(request->method, "POST") == 0)
        take_push(ctx, request);
    else if (strcmp(request->method, "GET") == 0 && c->options.role == COUNTERPART_PORTAL)
        serve_feed(ctx, request);
    else
        mr_http_answer_problem(request->exchange, 404, "not-found", NULL, "no such path", NULL);
}

/* ---- life ---- */

int counterpart_mode_of(const char *name)
{
    for (size_t i = 0; i < MR_COUNT(mode_names); i++)
        if (strcmp(name, mode_names[i]) == 0)
            return (int)i;
    return -1;
}

void counterpart_set_mode(struct counterpart *c, enum counterpart_mode mode)
{
    c->options.mode = mode;
}

uint16_t counterpart_port(const struct counterpart *c)
{
    return mr_http_server_port(c->server);
}

size_t counterpart_received(const struct counterpart *c)
{
    return json_object_size(c->events);
}

size_t counterpart_repeated(const struct counterpart *c)
{
    return c->repeated;
}

const json_t *counterpart_events(const struct counterpart *c)
{
    return c->events;
}

int counterpart_open(
        struct counterpart **ret, const struct counterpart_options *options, struct mr_error *reterr)
{
    struct counterpart *c = calloc(1, sizeof *c);
    int r;

    if (!c)
        return MR_ENOMEM;
    c->options = *options;
    c->options.page_items = options->page_items ? options->page_items : PAGE_DEFAULT;
    c->options.slow_ms = options->slow_ms ? options->slow_ms : SLOW_MS_DEFAULT;
    c->feed = options->feed ? strdup(options->feed) : NULL;
    c->events = json_object();
    c->last_numbers = json_object();
    mr_list_init(&c->delayed);
    r = mr_http_server_open(&c->server,
            &(struct mr_http_server_options){
                    .loop = options->loop, .listen = options->listen, .on_request = on_request, .ctx = c},
            reterr);
    if (r < 0) {
        json_decref(c->events);
        json_decref(c->last_numbers);
        free(c->feed);
        free(c);
        return r;
    }
    *ret = c;
    return 0;
}

static void on_server_closed(void *ctx)
{
    struct counterpart *c = ctx;
    void (*on_closed)(void *ctx) = c->on_closed;
    void *closed_ctx = c->closed_ctx;

    json_decref(c->events);
    json_decref(c->last_numbers);
    free(c->feed);
    free(c);
    if (on_closed)
        on_closed(closed_ctx);
}

void counterpart_close(struct counterpart *c, void (*on_closed)(void *ctx), void *ctx)
{
    struct mr_list *member;

    c->on_closed = on_closed;
    c->closed_ctx = ctx;
    while ((member = mr_list_pop_front(&c->delayed)))
        uv_close((uv_handle_t *)&MR_CONTAINER(member, struct delayed, member)->timer, on_delayed_closed);
    mr_http_server_close(c->server, on_server_closed, c);
}
