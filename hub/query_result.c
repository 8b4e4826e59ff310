/* What a question of hub/query is answered with: to a tool as a frame, to another asker by its function. */
#include "hub/query.h"

int mr_query_send(struct mr_query *query, const struct mr_query_to *to, const char *json, bool more,
        int error_code, const struct mr_error *error)
{
    Marshrut__Bus__V1__Frame frame = MARSHRUT__BUS__V1__FRAME__INIT;
    Marshrut__Bus__V1__Result result = MARSHRUT__BUS__V1__RESULT__INIT;

    if (to->asker) {
        to->asker->take(to->asker, json, more, error_code, error);
        return 0;
    }
    result.id = to->id;
    result.json = (char *)json;
    result.more = more;
    result.error = error_code;
    if (error) {
        result.what = (char *)(error->what[0] ? error->what : mr_err_text(error_code));
        result.where = (char *)error->where;
        result.cure = (char *)error->cure;
    }
    frame.body_case = MARSHRUT__BUS__V1__FRAME__BODY_RESULT;
    frame.result = &result;
    return mr_gateway_send(query->gateway, &to->peer, &frame);
}

void mr_query_send_result(struct mr_query *query, const struct mr_query_to *to, const char *json, int code,
        const struct mr_error *error)
{
    struct mr_error none = {0};

    (void)mr_query_send(query, to, json, false, code, code < 0 && !error ? &none : error);
}

int mr_query_no_space(struct mr_error *ret)
{
    return mr_error_set(ret, MR_ENOSPACE, "log", "free space; it goes on by itself",
            "the hub has no space and takes nothing now");
}

void mr_query_fail(struct mr_query *query, const struct mr_query_to *to, int code, const char *where,
        const char *cure, const char *what)
{
    struct mr_error error = {0};

    (void)mr_error_set(&error, code, where, cure, "%s", what);
    (void)mr_query_send(query, to, "", false, code, &error);
}
