#include "hub/audit/passport_point.h"

#include "hub/audit/args.h"
#include "hub/deliver/wanted.h"

static int before(const struct mr_method_call *call, const char *time, int64_t time_us, uint64_t *ret,
        struct mr_error *reterr)
{
    struct mr_log_reader *reader;
    struct mr_record_view view;
    int r = mr_log_reader_open(call->house->log, &reader);

    if (r < 0)
        return r;
    *ret = mr_wanted_from_time(reader, &view, time_us) - 1;
    mr_log_reader_close(reader);
    return *ret > 0 ? 0
                    : mr_error_set(reterr, MR_ENOTFOUND, time, "give a later moment",
                              "the log had nothing before that moment");
}

int mr_passport_point(const struct mr_method_call *call, const char *number, const char *time, uint64_t *ret,
        struct mr_error *reterr)
{
    int64_t time_us = 0;
    int r = mr_arg_number(call, number, 1, INT64_MAX, 0, ret, reterr);

    if (r == 0)
        r = mr_arg_time(call, time, &time_us, reterr);
    if (r < 0 || !time_us)
        return r;
    if (*ret)
        return mr_error_set(reterr, MR_EINVAL, time, "leave one of them out",
                "a number and a moment are given: which one?");
    return before(call, time, time_us, ret, reterr);
}
