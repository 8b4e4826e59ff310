#include "proto/base/logfmt.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "proto/base/buf.h"
#include "proto/base/clock.h"

/* The one process-wide setting: a log level has no owner to be passed from. */
static _Atomic int lowest = MR_LEVEL_INFO;

void mr_logfmt_set_level(enum mr_logfmt_level level)
{
    atomic_store(&lowest, (int)level);
}

static void put_value(struct mr_buf *line, const char *value)
{
    bool quote = value[0] == 0;

    for (const char *p = value; *p; p++)
        if (*p <= ' ' || *p == '"' || *p == '=' || *p == '\\')
            quote = true;
    if (!quote) {
        mr_buf_put_str(line, value);
        return;
    }
    mr_buf_put_u8(line, '"');
    for (const char *p = value; *p; p++) {
        if (*p == '"' || *p == '\\')
            mr_buf_printf(line, "\\%c", *p);
        else if (*p == '\n')
            mr_buf_put_str(line, "\\n");
        else if ((unsigned char)*p < ' ')
            mr_buf_printf(line, "\\x%02x", (unsigned)(unsigned char)*p);
        else
            mr_buf_put_u8(line, (uint8_t)*p);
    }
    mr_buf_put_u8(line, '"');
}

void mr_logfmt_write(enum mr_logfmt_level level, const char *event, ...)
{
    static const char *const names[] = {"debug", "info", "warning", "error"};
    struct mr_buf line = MR_BUF_INIT;
    char when[MR_TIME_TEXT_MAX];
    const char *key;
    va_list args;

    if ((int)level < atomic_load(&lowest))
        return;
    mr_buf_printf(&line, "ts=%s level=%s event=%s", mr_time_format(mr_clock_wall_us(mr_clock_system()), when),
            names[level], event);
    va_start(args, event);
    while ((key = va_arg(args, const char *)) != NULL) {
        const char *value = va_arg(args, const char *);

        if (!value)
            continue;
        mr_buf_printf(&line, " %s=", key);
        put_value(&line, value);
    }
    va_end(args);
    mr_buf_put_u8(&line, '\n');
    if (!mr_buf_failed(&line) && write(STDERR_FILENO, line.data, line.size) < 0)
        (void)0; /* nowhere left to say it */
    mr_buf_fini(&line);
}

struct mr_logfmt_number mr_logfmt_number(long long value)
{
    struct mr_logfmt_number n;

    (void)snprintf(n.text, sizeof n.text, "%lld", value);
    return n;
}
