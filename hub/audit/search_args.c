#include "hub/audit/search_args.h"

#include <string.h>

#include "hub/audit/args.h"
#include "proto/base/list.h"

enum { ID_BYTES_MAX = 256 };

static int read_texts(const struct mr_method_call *call, struct mr_search *s, struct mr_error *reterr)
{
    const struct {
        const char *name;
        size_t max;
        const char **ret;
    } texts[] = {{"type", 128, &s->type}, {"system", 64, &s->system}, {"source", ID_BYTES_MAX, &s->source},
            {"organisation", ID_BYTES_MAX, &s->organisation}, {"correlation", ID_BYTES_MAX, &s->correlation},
            {"id", ID_BYTES_MAX, &s->id}};
    int r = 0;

    for (size_t i = 0; r == 0 && i < MR_COUNT(texts); i++) {
        r = mr_arg_text(call, texts[i].name, false, texts[i].max, texts[i].ret, reterr);
        if (r == 0 && !**texts[i].ret)
            *texts[i].ret = NULL;
    }
    return r;
}

/* From the newest on: `first` is where to go on, downwards. */
static void set_down(struct mr_search *s, uint64_t first, uint64_t least, uint64_t after)
{
    if (first && (!s->last || first < s->last))
        s->last = first;
    s->first = after >= least ? after + 1 : least;
}

static int read_numbers(const struct mr_method_call *call, struct mr_search *s, struct mr_error *reterr)
{
    uint64_t first, least, after;
    int r = mr_arg_number(call, "first", 1, INT64_MAX, 0, &first, reterr);

    if (r == 0)
        r = mr_arg_number(call, "least", 1, INT64_MAX, 1, &least, reterr);
    if (r == 0)
        r = mr_arg_number(call, "last", 1, INT64_MAX, 0, &s->last, reterr);
    if (r == 0)
        r = mr_arg_number(call, "after", 0, INT64_MAX, 0, &after, reterr);
    if (r < 0)
        return r;
    if (s->newest) {
        set_down(s, first, least, after);
        return 0;
    }
    s->first = first > least ? first : least;
    if (after >= s->first)
        s->first = after + 1;
    return 0;
}

int mr_search_order(const struct mr_method_call *call, struct mr_search *ret, struct mr_error *reterr)
{
    const char *order;
    int r = mr_arg_text(call, "order", false, 16, &order, reterr);

    if (r < 0)
        return r;
    ret->newest = strcmp(order, "newest") == 0;
    if (*order && !ret->newest && strcmp(order, "oldest") != 0)
        return mr_error_set(
                reterr, MR_EINVAL, "order", "say oldest (as without it) or newest", "there is no such order");
    return 0;
}

int mr_search_args(const struct mr_method_call *call, struct mr_search *ret, struct mr_error *reterr)
{
    const char *state;
    int r = read_texts(call, ret, reterr);

    if (r == 0)
        r = mr_arg_text(call, "state", false, 16, &state, reterr);
    if (r == 0 && *state)
        r = mr_record_state_parse(state, &ret->state, reterr);
    if (r == 0)
        r = mr_arg_time(call, "from", &ret->from_us, reterr);
    if (r == 0)
        r = mr_arg_time(call, "to", &ret->to_us, reterr);
    return r < 0 ? r : read_numbers(call, ret, reterr);
}
