/* Dates and decimals as people type them. */
#include <stdio.h>
#include <string.h>

#include "adapters/sdk/table.h"
#include "proto/wire/ident.h"

/* Exactly `count` digits from *text on. */
static bool take_digits(const char **text, int count, int *ret)
{
    *ret = 0;
    for (int i = 0; i < count; i++, (*text)++) {
        if (**text < '0' || **text > '9')
            return false;
        *ret = *ret * 10 + (**text - '0');
    }
    return **text < '0' || **text > '9';
}

/* Spreadsheets write a midnight behind the day. */
static bool midnight(const char *rest)
{
    return *rest == 0 || strcmp(rest, " 0:00") == 0 || strcmp(rest, " 00:00") == 0 ||
           strcmp(rest, " 0:00:00") == 0 || strcmp(rest, " 00:00:00") == 0;
}

static bool day_first(const char *text, int *day, int *month, int *year)
{
    char dot;

    if (text[0] == 0 || text[1] == 0 || text[2] == 0)
        return false;
    if (!take_digits(&text, text[1] >= '0' && text[1] <= '9' ? 2 : 1, day))
        return false;
    dot = *text;
    if ((dot != '.' && dot != '/') || text[1] == 0 || text[2] == 0)
        return false;
    text++;
    if (!take_digits(&text, text[1] >= '0' && text[1] <= '9' ? 2 : 1, month) || *text++ != dot)
        return false;
    return take_digits(&text, 4, year) && midnight(text);
}

static bool year_first(const char *text, int *day, int *month, int *year)
{
    return take_digits(&text, 4, year) && *text++ == '-' && take_digits(&text, 2, month) && *text++ == '-' &&
           take_digits(&text, 2, day) && midnight(text);
}

int mr_table_date(const char *text, char ret[static 11])
{
    int day, month, year;
    char out[32];

    if (!year_first(text, &day, &month, &year) && !day_first(text, &day, &month, &year))
        return MR_EINVAL;
    (void)snprintf(out, sizeof out, "%04d-%02d-%02d", year, month, day);
    if (!mr_ident_date_ok(out))
        return MR_EINVAL;
    memcpy(ret, out, 11);
    return 0;
}

int mr_table_decimal(const char *text, int64_t *ret_thousandths)
{
    bool minus = *text == '-', digit = false, fraction = false;
    int64_t value = 0;
    int decimals = 0;

    for (text += minus; *text; text++) {
        if (*text == ' ' && digit && !fraction)
            continue;
        if ((*text == ',' || *text == '.') && digit && !fraction) {
            fraction = true;
            continue;
        }
        if (*text < '0' || *text > '9' || value > INT64_MAX / 20000 ||
                (fraction && ++decimals > 3 && *text != '0'))
            return MR_EINVAL;
        digit = true;
        if (decimals <= 3)
            value = value * 10 + (*text - '0');
    }
    if (!digit || (fraction && decimals == 0))
        return MR_EINVAL;
    for (; decimals < 3; decimals++)
        value *= 10;
    *ret_thousandths = minus ? -value : value;
    return 0;
}
