/* A frame that is accepted encodes to bytes that are accepted and encode to themselves. */
#include <assert.h>

#include "proto/wire/frame.h"
#include "tests/fuzz/fuzz.h"

enum { BUDGET_BYTES = 32 * 1024 * 1024 };

/* Decodes and encodes again; false when refused. */
static bool turn(struct mr_slice bytes, struct mr_buf *out)
{
    Marshrut__Bus__V1__Frame *frame;
    struct mr_error error;
    struct mr_arena arena;
    int r;

    mr_arena_init(&arena, BUDGET_BYTES);
    r = mr_frame_decode(bytes, &arena, &frame, &error);
    assert(r == 0 || (r == error.code && r != MR_ENOMEM));
    if (r == 0) {
        r = mr_frame_encode(out, frame);
        assert(r == 0);
    }
    mr_arena_fini(&arena);
    return r == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mr_buf first = MR_BUF_INIT;
    struct mr_buf second = MR_BUF_INIT;

    if (turn(mr_slice(data, size), &first)) {
        bool again = turn(mr_buf_slice(&first), &second);

        assert(again && mr_slice_equal(mr_buf_slice(&first), mr_buf_slice(&second)));
    }
    mr_buf_fini(&first);
    mr_buf_fini(&second);
    return 0;
}
