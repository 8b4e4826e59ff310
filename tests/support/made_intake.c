#include "tests/support/made_intake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "hub/intake/prepare_write.h"

struct mr_intake *made_intake(void)
{
    struct mr_intake *intake = mr_intake_new(0);

    assert_non_null(intake);
    return intake;
}

void made_intake_add(struct mr_intake *intake, const struct mr_record *record)
{
    struct mr_intake_span span = {
            .offset = intake->records.size, .number = record->number, .recorded_us = record->recorded_us};

    assert_int_equal(mr_record_encode(&intake->records, record), 0);
    span.size = intake->records.size - span.offset;
    mr_buf_put(&intake->spans, &span, sizeof span);
    assert_false(mr_buf_failed(&intake->spans));
}
