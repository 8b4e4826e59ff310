/* quarantine.fix: another content is proposed for an event that waits for correction. */
#include <string.h>

#include "hub/audit/args.h"
#include "hub/audit/quarantine_word.h"
#include "hub/audit/queries.h"

static int read_change(const struct mr_method_call *call, struct mr_desk_change *ret, struct mr_error *reterr)
{
    ret->set = json_object_get(call->arguments, "set");
    ret->event = json_object_get(call->arguments, "event");
    if ((!ret->set) == (!ret->event))
        return mr_error_set(reterr, MR_EINVAL, "set", "give one of them: set, or event",
                "it is not said what is to be changed");
    if (ret->set ? !json_is_object(ret->set) : !json_is_object(ret->event))
        return mr_error_set(reterr, MR_EINVAL, ret->set ? "set" : "event",
                "set: {\"person.snils\": \"...\"}; event: a CloudEvents object", "this is no object");
    return 0;
}

int mr_query_quarantine_fix(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr)
{
    struct mr_desk_change change = {0};
    struct mr_desk_proposed proposed;
    struct mr_desk_word word;
    uint64_t number;
    int r = mr_arg_number(call, "number", 1, INT64_MAX, 0, &number, reterr);

    if (r == 0 && number == 0)
        r = mr_error_set(reterr, MR_EINVAL, "number", "marshrut quarantine list has the numbers",
                "it is not said which event is meant");
    if (r == 0)
        r = read_change(call, &change, reterr);
    if (r == 0)
        r = mr_quarantine_word_read(&word, call, true, reterr);
    if (r == 0)
        r = mr_quarantine_needs_hub(call, reterr);
    if (r == 0)
        r = mr_desk_propose(call->desk, call->house, number, &change, &word, &proposed, reterr);
    if (r < 0)
        return r;
    return emit(ctx, json_pack("{s:I, s:I, s:o, s:o}", "number", (json_int_t)number, "event",
                             (json_int_t)proposed.event, "fields", proposed.fields, "expires",
                             mr_time_json(proposed.expires_us)));
}
