/*
 * Structured log lines for daemons and tools (libraries do not log): logfmt on stderr, one line an event,
 *   ts=2026-11-22T10:00:00.000001Z level=info event=hub.started systems=4
 * Values are quoted when they need it. Never log a payload or a personal datum. Thread-safe: one write(2) a
 * line.
 */
#ifndef MR_BASE_LOGFMT_H
#define MR_BASE_LOGFMT_H

enum mr_logfmt_level { MR_LEVEL_DEBUG, MR_LEVEL_INFO, MR_LEVEL_WARNING, MR_LEVEL_ERROR };

/* Lowest level to write; set once at start, before threads. Default MR_LEVEL_INFO. */
void mr_logfmt_set_level(enum mr_logfmt_level level);

/* After `event`: pairs of const char *key, const char *value, ended by NULL. A NULL value is left out. */
void mr_logfmt_write(enum mr_logfmt_level level, const char *event, ...) __attribute__((sentinel));

/* A decimal number as a value, for use inside one call of mr_logfmt_write. */
struct mr_logfmt_number {
    char text[24];
};
struct mr_logfmt_number mr_logfmt_number(long long value);
#define MR_N(value) (mr_logfmt_number((long long)(value)).text)

#define mr_info(...)  mr_logfmt_write(MR_LEVEL_INFO, __VA_ARGS__, NULL)
#define mr_warn(...)  mr_logfmt_write(MR_LEVEL_WARNING, __VA_ARGS__, NULL)
#define mr_err(...)   mr_logfmt_write(MR_LEVEL_ERROR, __VA_ARGS__, NULL)
#define mr_debug(...) mr_logfmt_write(MR_LEVEL_DEBUG, __VA_ARGS__, NULL)

#endif
