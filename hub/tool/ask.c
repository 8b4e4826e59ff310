#include "hub/tool/ask.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub/audit/method.h"
#include "hub/house.h"
#include "hub/tool/admin_client.h"
#include "proto/wire/json.h"

enum { ANSWER_TIMEOUT_MS = 60000 };

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

static int ask_hub(struct tool *tool, struct admin_client *client, const char *method,
        const json_t *arguments, tool_answer_fn answer, void *ctx, struct mr_error *reterr)
{
    int stop = 0;
    int r = send_query(tool, client, method, arguments);

    while (r >= 0) {
        Marshrut__Bus__V1__Frame *frame;

        r = admin_client_receive(client, ANSWER_TIMEOUT_MS, &frame, reterr);
        if (r < 0)
            return r;
        if (frame->body_case == MARSHRUT__BUS__V1__FRAME__BODY_REFUSAL)
            return mr_error_set(reterr, MR_EDENIED, frame->refusal->code, frame->refusal->cure, "%s",
                    frame->refusal->reason);
        if (frame->body_case != MARSHRUT__BUS__V1__FRAME__BODY_RESULT)
            continue;
        r = take_result(frame->result, answer, ctx, &stop, reterr);
        if (r <= 0)
            return r < 0 ? r : stop;
    }
    return r;
}

struct emit {
    tool_answer_fn answer;
    void *ctx;
};

static int emit_here(void *ctx, json_t *document)
{
    struct emit *emit = ctx;
    int r = emit->answer(emit->ctx, document);

    json_decref(document);
    return r;
}

static int ask_store(struct tool *tool, const char *method_name, const json_t *arguments,
        tool_answer_fn answer, void *ctx, struct mr_error *reterr)
{
    const struct mr_method *method = mr_method_find(method_name);
    struct emit emit = {answer, ctx};
    struct mr_house house;
    struct mr_method_call call = {&house, arguments, tool->operator_name, false};
    int r;

    if (!method || !method->read)
        return mr_error_set(reterr, MR_ECLOSED, tool->config->hub.admin, "start the hub: marshrut -c FILE up",
                "this needs a running hub, and none is running");
    r = mr_house_open(&house, tool->config, true, reterr);
    if (r < 0)
        return r;
    r = mr_method_allowed(method, &call, reterr);
    if (r == 0)
        r = method->read(&call, emit_here, &emit, reterr);
    mr_house_close(&house);
    return r;
}

int tool_ask(struct tool *tool, const char *method, json_t *arguments, tool_answer_fn answer, void *ctx,
        struct mr_error *reterr)
{
    struct admin_client *client;
    int r;

    if (!arguments)
        return MR_ENOMEM;
    r = admin_client_open(&client, tool->config, reterr);
    if (r == 0) {
        r = ask_hub(tool, client, method, arguments, answer, ctx, reterr);
        admin_client_close(client);
    } else if (r == MR_ECLOSED) {
        r = ask_store(tool, method, arguments, answer, ctx, reterr);
    }
    json_decref(arguments);
    return r;
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
