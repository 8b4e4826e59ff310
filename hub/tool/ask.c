#include "hub/tool/ask.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hub/audit/method.h"
#include "hub/house.h"
#include "hub/tool/admin_client.h"
#include "hub/tool/progress.h"
#include "proto/base/clock.h"
#include "proto/wire/json.h"

enum { ANSWER_TIMEOUT_MS = 60000, AGAIN_PAUSE_MS = 200 };

static int send_query(
        struct tool *tool, struct admin_client *client, const char *method, const json_t *arguments)
{
    Marshrut__Bus__V1__Query query = MARSHRUT__BUS__V1__QUERY__INIT;
    Marshrut__Bus__V1__Frame frame = MARSHRUT__BUS__V1__FRAME__INIT;
    char *text = json_dumps(arguments, JSON_COMPACT);
    int r;

    if (!text)
        return MR_ENOMEM;
    query.id = 1;
    query.method = (char *)method;
    query.arguments = text;
    query.operator_ = (char *)tool->operator_name;
    frame.body_case = MARSHRUT__BUS__V1__FRAME__BODY_QUERY;
    frame.query = &query;
    r = admin_client_send(client, &frame);
    free(text);
    return r;
}

/* One Result: 1 more follow, 0 the last, or negative, or the callback's value in *ret_stop. */
static int take_result(const Marshrut__Bus__V1__Result *result, tool_answer_fn answer, void *ctx,
        int *ret_stop, struct mr_error *reterr)
{
    json_t *document;

    if (result->error != 0)
        return mr_error_set(reterr, result->error, result->where, result->cure, "%s", result->what);
    if (result->json[0] == 0)
        return result->more;
    document = mr_json_parse(mr_slice_str(result->json), "answer", reterr);
    if (!document)
        return MR_EMALFORMED;
    *ret_stop = answer(ctx, document);
    json_decref(document);
    return *ret_stop ? 0 : result->more;
}

/* An empty document that others follow: the hub is at work. */
static bool tells_progress(const Marshrut__Bus__V1__Result *result)
{
    return result->error == 0 && result->json[0] == 0 && result->more;
}

/* Waits as long as the hub answers, or says how far it is. */
static int take_results(struct admin_client *client, const char *method, tool_answer_fn answer, void *ctx,
        struct tool_progress *progress, struct mr_error *reterr)
{
    int stop = 0, r;

    for (;;) {
        Marshrut__Bus__V1__Frame *frame;

        r = admin_client_receive(client, ANSWER_TIMEOUT_MS, &frame, reterr);
        if (r < 0)
            return r;
        if (frame->body_case == MARSHRUT__BUS__V1__FRAME__BODY_REFUSAL)
            return mr_error_set(reterr, MR_EDENIED, frame->refusal->code, frame->refusal->cure, "%s",
                    frame->refusal->reason);
        if (frame->body_case != MARSHRUT__BUS__V1__FRAME__BODY_RESULT)
            continue;
        if (tells_progress(frame->result)) {
            tool_progress_show(progress, method, frame->result->done, frame->result->total);
            continue;
        }
        tool_progress_end(progress);
        r = take_result(frame->result, answer, ctx, &stop, reterr);
        if (r <= 0)
            return r < 0 ? r : stop;
    }
}

static int ask_hub(struct tool *tool, struct admin_client *client, const char *method,
        const json_t *arguments, tool_answer_fn answer, void *ctx, struct mr_error *reterr)
{
    struct tool_progress progress = {0};
    int r = send_query(tool, client, method, arguments);

    if (r == MR_ETOOBIG)
        return mr_error_set(reterr, r, "arguments", "give less at once",
                "the question is larger than a frame of %d bytes", MR_FRAME_BYTES_MAX);
    if (r < 0)
        return mr_error_set(
                reterr, r, tool->config->hub.admin, "try again", "cannot ask the hub: %s", mr_err_text(r));
    r = take_results(client, method, answer, ctx, &progress, reterr);
    tool_progress_end(&progress);
    return r;
}

static int say_no_hub(const struct tool *tool, struct mr_error *reterr)
{
    return mr_error_set(reterr, MR_ECLOSED, tool->config->hub.admin, "start the hub: marshrut -c FILE up",
            "this needs a running hub, and none is running");
}

/* A question of which this program does the work itself. */
struct own_work {
    const char *method;
    struct tool_progress progress;
};

struct emit {
    tool_answer_fn answer;
    void *ctx;
    struct own_work *work;
};

static void on_own_tick(void *ctx, const char *what, uint64_t done, uint64_t total)
{
    struct own_work *work = ctx;

    (void)what;
    tool_progress_tick(&work->progress, work->method, done, total);
}

static int emit_own(void *ctx, json_t *document)
{
    struct emit *emit = ctx;
    int r;

    tool_progress_end(&emit->work->progress);
    r = emit->answer(emit->ctx, document);
    json_decref(document);
    return r;
}

static int ask_store(struct tool *tool, const char *method_name, const json_t *arguments,
        tool_answer_fn answer, void *ctx, struct mr_error *reterr)
{
    const struct mr_method *method = mr_method_find(method_name);
    struct own_work work = {.method = method_name};
    const struct mr_tick tick = {on_own_tick, &work};
    struct emit emit = {answer, ctx, &work};
    struct mr_house house;
    struct mr_method_call call = {
            .house = &house, .arguments = arguments, .operator_name = tool->operator_name};
    int r;

    if (!method || !method->read)
        return say_no_hub(tool, reterr);
    if (reterr)
        *reterr = (struct mr_error){0}; /* of the hub that is not there */
    r = mr_house_open(&house, tool->config, true, reterr);
    if (r < 0)
        return r;
    house.tick = &tick;
    r = mr_method_allowed(method, &call, reterr);
    if (r == 0)
        r = method->read(&call, emit_own, &emit, reterr);
    tool_progress_end(&work.progress);
    mr_house_close(&house);
    return r;
}

/* Whoever acts must be one of the configured: a slip of the pen is told as such, not as a missing role. */
static int check_operator(const struct tool *tool, struct mr_error *reterr)
{
    const struct mr_config *config = tool->config;
    char cure[256];
    size_t used;

    if (!tool->operator_name[0])
        return 0;
    for (uint32_t i = 0; i < config->operators_count; i++)
        if (strcmp(config->operators[i].name, tool->operator_name) == 0)
            return 0;
    used = (size_t)snprintf(cure, sizeof cure, "--as takes a name below `operators` of the configuration:");
    for (uint32_t i = 0; i < config->operators_count && used < sizeof cure; i++)
        used += (size_t)snprintf(
                cure + used, sizeof cure - used, "%s %s", i ? "," : "", config->operators[i].name);
    if (config->operators_count == 0)
        (void)snprintf(cure, sizeof cure, "add the operator below `operators` of the configuration");
    return mr_error_set(
            reterr, MR_EDENIED, "--as", cure, "no operator '%.64s' is configured", tool->operator_name);
}

/* What is known of an acting method's outcome when its hub ends: nothing. */
static int say_unknown(const char *method_name, int r, struct mr_error *reterr)
{
    const struct mr_method *method = mr_method_find(method_name);

    if ((r == MR_ECLOSED || r == MR_ETIMEOUT) && method && (method->act || method->appends) && reterr)
        (void)snprintf(reterr->cure, sizeof reterr->cure,
                "it may have been done or not: look (marshrut tail, passport show, erase list) before you "
                "repeat it");
    return r;
}

int tool_ask(struct tool *tool, const char *method, json_t *arguments, tool_answer_fn answer, void *ctx,
        struct mr_error *reterr)
{
    struct admin_client *client;
    int r;

    if (!arguments)
        return MR_ENOMEM;
    r = check_operator(tool, reterr);
    if (r == 0)
        r = admin_client_open(&client, tool->config, reterr);
    if (r == 0) {
        r = say_unknown(method, ask_hub(tool, client, method, arguments, answer, ctx, reterr), reterr);
        admin_client_close(client);
    } else if (r == MR_ECLOSED) {
        r = ask_store(tool, method, arguments, answer, ctx, reterr);
    }
    json_decref(arguments);
    return r;
}

static int64_t now_ms(void)
{
    return mr_clock_monotonic_us(mr_clock_system()) / 1000;
}

int tool_ask_again(struct tool *tool, const char *method, const json_t *arguments, int again_ms, bool *met,
        tool_answer_fn answer, void *ctx, struct mr_error *reterr)
{
    const struct timespec pause = {.tv_nsec = AGAIN_PAUSE_MS * 1000000L};
    int64_t until = now_ms() + again_ms;

    for (bool first = true;; first = false) {
        struct admin_client *client;
        int r = admin_client_open(&client, tool->config, reterr);

        if (r == 0) {
            *met = true;
            r = ask_hub(tool, client, method, arguments, answer, ctx, reterr);
            admin_client_close(client);
            if (r == MR_ECLOSED && first) /* it may have worked on the question for long */
                until = now_ms() + again_ms;
        }
        if (r != MR_ECLOSED || tool_interrupted())
            return r;
        if (!*met)
            return say_no_hub(tool, reterr);
        if (now_ms() >= until)
            return mr_error_set(reterr, MR_ECLOSED, tool->config->hub.admin,
                    "start the hub, then do the same again: nothing is taken twice",
                    "the hub ended, and none came back in %d s", again_ms / 1000);
        (void)nanosleep(&pause, NULL);
    }
}

bool tool_hub_runs(struct tool *tool)
{
    struct admin_client *client;

    if (admin_client_open(&client, tool->config, NULL) < 0)
        return false;
    admin_client_close(client);
    return true;
}

static int keep_document(void *ctx, json_t *document)
{
    json_t **kept = ctx;

    json_decref(*kept);
    *kept = json_incref(document);
    return 0;
}

json_t *tool_ask_one(struct tool *tool, const char *method, json_t *arguments, int *ret_exit)
{
    struct mr_error error = {0};
    json_t *document = NULL;
    int r;

    if (!tool_config(tool)) {
        json_decref(arguments);
        *ret_exit = mr_err_exit(MR_ECONFIG);
        return NULL;
    }
    r = tool_ask(tool, method, arguments, keep_document, &document, &error);
    if (r == 0 && document)
        return document;
    json_decref(document);
    if (r == 0)
        (void)mr_error_set(&error, MR_ENOTFOUND, method, NULL, "the hub gave no answer");
    else if (error.code == 0)
        (void)mr_error_set(&error, r, method, NULL, "%s", mr_err_text(r));
    *ret_exit = tool_fail(tool, &error);
    return NULL;
}
