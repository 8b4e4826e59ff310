/* Short texts of strangers: traceparent, times, the names of scopes, what stands in Authorization. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "hub/http/token.h"
#include "proto/base/clock.h"
#include "proto/loop/http_token.h"
#include "proto/wire/timestamp.h"
#include "proto/wire/traceparent.h"
#include "tests/fuzz/fuzz.h"

static void check_traceparent(const char *text, struct mr_slice bytes)
{
    char read[MR_TRACEPARENT_TEXT_MAX], again[MR_TRACEPARENT_TEXT_MAX];

    if (mr_traceparent_read(text, read)) {
        assert(strlen(read) == MR_TRACEPARENT_TEXT_MAX - 1);
        assert(mr_traceparent_read(read, again) && strcmp(read, again) == 0);
    }
    if (mr_traceparent_of_event(bytes, read))
        assert(mr_traceparent_read(read, again));
}

static void check_times(struct mr_slice bytes)
{
    char text[MR_TIME_TEXT_MAX];
    int64_t seconds, again, wall_us;
    int32_t nanos, nanos_again;

    if (mr_timestamp_parse(bytes, &seconds, &nanos) == 0) {
        assert(mr_timestamp_valid(seconds, nanos));
        (void)mr_timestamp_format(seconds, nanos, text);
        assert(mr_timestamp_parse(mr_slice_str(text), &again, &nanos_again) == 0);
        assert(again == seconds && nanos_again == nanos);
    }
    if (mr_time_parse((const char *)bytes.data, bytes.size, &wall_us) == 0)
        (void)mr_time_format(wall_us, text);
}

static void check_tokens(const char *text)
{
    uint8_t digest[MR_HTTP_TOKEN_DIGEST_BYTES];
    uint32_t scopes = 0;

    mr_http_token_digest("a token that nobody guesses", digest);
    assert(!mr_http_token_given(digest, text));
    if (mr_token_scopes_parse(text, &scopes) == 0)
        assert(scopes != 0 && (scopes & MR_TOKEN_PERSON) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = strndup(size > 0 ? (const char *)data : "", size);

    assert(text);
    check_traceparent(text, mr_slice(data, size));
    check_times(mr_slice(data, size));
    check_tokens(text);
    free(text);
    return 0;
}
