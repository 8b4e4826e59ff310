#include "proto/base/clock.h"

#include <stdbool.h>
#include <time.h>
#ifdef MR_FAULT_POINTS
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#endif

#include "proto/base/err.h"

static int64_t read_clock(clockid_t id)
{
    struct timespec ts;

    (void)clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

#ifdef MR_FAULT_POINTS
/* MR_CLOCK_AHEAD: a file with the seconds that the wall clock is ahead, so that a test need not wait for
 * days. It is read each time, and replaced as a whole. */
static int64_t ahead_us(void)
{
    const char *path = getenv("MR_CLOCK_AHEAD");
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    char text[24] = {0};

    if (fd < 0)
        return 0;
    (void)!read(fd, text, sizeof text - 1);
    (void)close(fd);
    return strtoll(text, NULL, 10) * 1000000;
}
#else
static int64_t ahead_us(void)
{
    return 0;
}
#endif

static int64_t system_wall_us(void *ctx)
{
    (void)ctx;
    return read_clock(CLOCK_REALTIME) + ahead_us();
}

static int64_t system_monotonic_us(void *ctx)
{
    (void)ctx;
    return read_clock(CLOCK_MONOTONIC) + ahead_us();
}

const struct mr_clock *mr_clock_system(void)
{
    static const struct mr_clock system_clock = {system_wall_us, system_monotonic_us, NULL};

    return &system_clock;
}

static char *put_digits(char *at, unsigned value, int digits, char after)
{
    for (int i = digits - 1; i >= 0; i--, value /= 10)
        at[i] = (char)('0' + value % 10);
    at[digits] = after;
    return at + digits + 1;
}

/* By hand: each event has a time, and snprintf() takes longer than anything else that is done with it. */
char *mr_time_format(int64_t wall_us, char out[static MR_TIME_TEXT_MAX])
{
    time_t seconds = (time_t)(wall_us / 1000000);
    int64_t micros = wall_us % 1000000;
    struct tm tm;
    char *at = out;

    if (micros < 0) {
        micros += 1000000;
        seconds--;
    }
    (void)gmtime_r(&seconds, &tm);
    at = put_digits(at, (unsigned)(tm.tm_year + 1900) % 10000, 4, '-');
    at = put_digits(at, (unsigned)tm.tm_mon + 1, 2, '-');
    at = put_digits(at, (unsigned)tm.tm_mday, 2, 'T');
    at = put_digits(at, (unsigned)tm.tm_hour, 2, ':');
    at = put_digits(at, (unsigned)tm.tm_min, 2, ':');
    at = put_digits(at, (unsigned)tm.tm_sec, 2, '.');
    at = put_digits(at, (unsigned)micros, 6, 'Z');
    *at = 0;
    return out;
}

struct cursor {
    const char *at;
    const char *end;
};

static bool take_digits(struct cursor *c, int count, int *ret)
{
    int v = 0;

    for (int i = 0; i < count; i++) {
        if (c->at == c->end || *c->at < '0' || *c->at > '9')
            return false;
        v = v * 10 + (*c->at++ - '0');
    }
    *ret = v;
    return true;
}

static bool take_char(struct cursor *c, const char *set)
{
    for (; *set; set++)
        if (c->at < c->end && *c->at == *set) {
            c->at++;
            return true;
        }
    return false;
}

static bool take_fraction(struct cursor *c, int *ret_micros)
{
    int scale = 100000;
    int digits = 0;

    *ret_micros = 0;
    if (!take_char(c, "."))
        return true;
    for (; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++, scale /= 10, digits++)
        *ret_micros += (*c->at - '0') * scale;
    return digits > 0 && digits <= 9;
}

static bool take_offset(struct cursor *c, int *ret_seconds)
{
    int hours;
    int minutes;
    int sign;

    *ret_seconds = 0;
    if (take_char(c, "Zz"))
        return true;
    sign = c->at < c->end && *c->at == '-' ? -1 : 1;
    if (!take_char(c, "+-") || !take_digits(c, 2, &hours) || !take_char(c, ":") ||
            !take_digits(c, 2, &minutes))
        return false;
    *ret_seconds = sign * (hours * 3600 + minutes * 60);
    return hours < 24 && minutes < 60;
}

static bool date_ok(int year, int month, int day)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return month >= 1 && month <= 12 && day >= 1 && day <= days[month - 1] + (month == 2 && leap);
}

int mr_time_parse(const char *text, size_t size, int64_t *ret_wall_us)
{
    struct cursor c = {text, text + size};
    struct tm tm = {0};
    int year;
    int month;
    int micros = 0;
    int offset = 0;

    if (!take_digits(&c, 4, &year) || !take_char(&c, "-") || !take_digits(&c, 2, &month) ||
            !take_char(&c, "-") || !take_digits(&c, 2, &tm.tm_mday) || !date_ok(year, month, tm.tm_mday))
        return MR_EINVAL;
    if (c.at < c.end) {
        if (!take_char(&c, "Tt ") || !take_digits(&c, 2, &tm.tm_hour) || !take_char(&c, ":") ||
                !take_digits(&c, 2, &tm.tm_min) || !take_char(&c, ":") || !take_digits(&c, 2, &tm.tm_sec) ||
                !take_fraction(&c, &micros) || !take_offset(&c, &offset) || c.at != c.end)
            return MR_EINVAL;
        if (tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 60)
            return MR_EINVAL;
    }
    tm.tm_year = year - 1900;
    tm.tm_mon = month - 1;
    *ret_wall_us = ((int64_t)timegm(&tm) - offset) * 1000000 + micros;
    return 0;
}
