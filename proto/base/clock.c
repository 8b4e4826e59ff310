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

static inline char *put_digits(char *at, unsigned value, int digits, char after)
{
    for (int i = digits - 1; i >= 0; i--, value /= 10)
        at[i] = (char)('0' + value % 10);
    at[digits] = after;
    return at + digits + 1;
}

/* ---- the calendar: by hand, since the C library takes a lock and looks at the time zone for each ---- */

enum { DAY_S = 86400, DAYS_OF_400_YEARS = 146097, DAYS_TO_1970 = 719468 /* from 0000-03-01 */ };

struct date {
    int year, month, day;
};

/* Gregorian, before it was used too. Years begin in March: the day that may be there or not is the last one.
 */
static struct date date_of(int64_t days)
{
    int64_t since = days + DAYS_TO_1970;
    int64_t era = (since >= 0 ? since : since - (DAYS_OF_400_YEARS - 1)) / DAYS_OF_400_YEARS;
    unsigned day = (unsigned)(since - era * DAYS_OF_400_YEARS);
    unsigned year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    unsigned of_year = day - (365 * year + year / 4 - year / 100);
    unsigned month = (5 * of_year + 2) / 153; /* 0 is March */

    return (struct date){
            .year = (int)(era * 400) + (int)year + (month >= 10),
            .month = (int)(month < 10 ? month + 3 : month - 9),
            .day = (int)(of_year - (153 * month + 2) / 5 + 1),
    };
}

static int64_t days_of(struct date date)
{
    int64_t years = date.month > 2 ? date.year : date.year - 1;
    int64_t era = (years >= 0 ? years : years - 399) / 400;
    int64_t of_era = years - era * 400;
    int64_t of_year = (153 * (date.month > 2 ? date.month - 3 : date.month + 9) + 2) / 5 + date.day - 1;

    return era * DAYS_OF_400_YEARS + of_era * 365 + of_era / 4 - of_era / 100 + of_year - DAYS_TO_1970;
}

/* By hand too: each event has a time, and snprintf() takes longer than anything else that is done with it. */
char *mr_time_put_second(int64_t second, char out[static MR_TIME_TEXT_MAX])
{
    unsigned of_day = (unsigned)(second % DAY_S + (second % DAY_S < 0 ? DAY_S : 0));
    struct date date = date_of(second / DAY_S - (second % DAY_S < 0));
    char *at = put_digits(out, (unsigned)date.year % 10000, 4, '-');

    at = put_digits(at, (unsigned)date.month, 2, '-');
    at = put_digits(at, (unsigned)date.day, 2, 'T');
    at = put_digits(at, of_day / 3600, 2, ':');
    at = put_digits(at, of_day / 60 % 60, 2, ':');
    return put_digits(at, of_day % 60, 2, 0) - 1;
}

char *mr_time_format(int64_t wall_us, char out[static MR_TIME_TEXT_MAX])
{
    int64_t micros = wall_us % 1000000 + (wall_us % 1000000 < 0 ? 1000000 : 0);
    char *at = mr_time_put_second(wall_us / 1000000 - (wall_us % 1000000 < 0), out);

    *at++ = '.';
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
    struct date date;
    int hour = 0, minute = 0, second = 0, micros = 0, offset = 0;

    if (!take_digits(&c, 4, &date.year) || !take_char(&c, "-") || !take_digits(&c, 2, &date.month) ||
            !take_char(&c, "-") || !take_digits(&c, 2, &date.day) ||
            !date_ok(date.year, date.month, date.day))
        return MR_EINVAL;
    if (c.at < c.end) {
        if (!take_char(&c, "Tt ") || !take_digits(&c, 2, &hour) || !take_char(&c, ":") ||
                !take_digits(&c, 2, &minute) || !take_char(&c, ":") || !take_digits(&c, 2, &second) ||
                !take_fraction(&c, &micros) || !take_offset(&c, &offset) || c.at != c.end)
            return MR_EINVAL;
        if (hour > 23 || minute > 59 || second > 60)
            return MR_EINVAL;
    }
    *ret_wall_us =
            (days_of(date) * DAY_S + hour * 3600 + minute * 60 + second - offset) * INT64_C(1000000) + micros;
    return 0;
}
