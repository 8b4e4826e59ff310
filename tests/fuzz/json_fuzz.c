/* JSON from a stranger: an accepted event decodes, and its JSON gives the same bytes again. */
#include <assert.h>

#include "proto/wire/codec.h"
#include "proto/wire/json.h"
#include "tests/fuzz/fuzz.h"

static void check_event(const json_t *json)
{
    struct mr_buf first = MR_BUF_INIT;
    struct mr_buf second = MR_BUF_INIT;
    struct mr_error error;
    json_t *back = NULL;
    int r = mr_event_from_json(json, &first, &error);

    assert(r == 0 || (r == error.code && r != MR_ENOMEM && first.size == 0));
    if (r == 0) {
        r = mr_event_to_json(mr_buf_slice(&first), &back, NULL);
        assert(r == 0);
        r = mr_event_from_json(back, &second, NULL);
        assert(r == 0 && mr_slice_equal(mr_buf_slice(&first), mr_buf_slice(&second)));
    }
    json_decref(back);
    mr_buf_fini(&first);
    mr_buf_fini(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mr_error error;
    json_t *json = mr_json_parse(mr_slice(data, size), "input", &error);
    json_t *item;
    size_t i;

    if (json_is_array(json)) {
        json_array_foreach (json, i, item)
            check_event(item);
    } else if (json) {
        check_event(json);
    }
    json_decref(json);
    return 0;
}
