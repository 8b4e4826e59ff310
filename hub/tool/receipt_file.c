#include "hub/tool/receipt_file.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "hub/tool/ask.h"
#include "hub/tool/log_tiles.h"
#include "proto/base/clock.h"

enum { PAUSE_MS = 100 };

static int keep_text(void *ctx, json_t *document)
{
    const json_t *text = json_object_get(document, "receipt");

    if (!json_is_string(text))
        return MR_EMALFORMED;
    mr_buf_put(ctx, json_string_value(text), json_string_length(text));
    return mr_buf_failed(ctx) ? MR_ENOMEM : 0;
}

int tool_receipt_get(
        struct tool *tool, uint64_t number, int wait_ms, struct mr_buf *out, struct mr_error *reterr)
{
    const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000L};
    int64_t until_us = mr_clock_monotonic_us(mr_clock_system()) + wait_ms * INT64_C(1000);

    for (;;) {
        int r = tool_ask(tool, "log.receipt", json_pack("{s:I}", "number", (json_int_t)number), keep_text,
                out, reterr);

        if (r != MR_EAGAIN || tool_interrupted() || mr_clock_monotonic_us(mr_clock_system()) >= until_us)
            return r;
        (void)nanosleep(&pause, NULL);
    }
}

int tool_receipt_save(
        struct tool *tool, uint64_t number, int wait_ms, const char *dir, struct mr_error *reterr)
{
    struct mr_buf text = MR_BUF_INIT;
    char name[32];
    int r = tool_receipt_get(tool, number, wait_ms, &text, reterr);

    (void)snprintf(name, sizeof name, "%llu.receipt", (unsigned long long)number);
    if (r == 0)
        r = tile_write(dir, name, mr_buf_slice(&text), reterr);
    mr_buf_fini(&text);
    return r;
}
