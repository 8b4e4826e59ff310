#include "proto/wire/ident.h"

#include <stdint.h>
#include <string.h>

/* The last СНИЛС given without check digits, 001-001-998. */
#define SNILS_UNCHECKED_MAX 1001998

bool mr_ident_digits(const char *text, size_t count)
{
    size_t i = 0;

    if (!text)
        return false;
    while (i < count && text[i] >= '0' && text[i] <= '9')
        i++;
    return i == count && text[i] == '\0';
}

static bool digits_prefix(const char *text, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
    }
    return true;
}

static bool all_zeros(const char *digits)
{
    return digits[strspn(digits, "0")] == '\0';
}

/* Sum of digit * weight over the weights. */
static int weighted(const char *digits, const int *weights, size_t count)
{
    int sum = 0;

    for (size_t i = 0; i < count; i++)
        sum += (digits[i] - '0') * weights[i];
    return sum;
}

static int number(const char *digits, size_t count)
{
    int value = 0;

    for (size_t i = 0; i < count; i++)
        value = value * 10 + (digits[i] - '0');
    return value;
}

/* Of up to 18 digits. Its halves do not wait for each other. */
static uint64_t long_number(const char *digits, size_t count)
{
    uint64_t high = 0, low = 0, shift = 1;
    size_t half = count / 2;

    for (size_t i = 0; i < half; i++, shift *= 10) {
        high = high * 10 + (uint64_t)(digits[i] - '0');
        low = low * 10 + (uint64_t)(digits[half + i] - '0');
    }
    return count % 2 == 0 ? high * shift + low
                          : (high * shift + low) * 10 + (uint64_t)(digits[count - 1] - '0');
}

/* The check digit of what is numbered so: of ОГРН by 11, of ОГРНИП by 13. */
static int check_by(uint64_t number, unsigned divisor)
{
    return (int)(number % divisor % 10);
}

static bool prefix_given(const char *digits, size_t count)
{
    return digits && strnlen(digits, count) == count && digits_prefix(digits, count);
}

int mr_ident_snils_check(const char *nine)
{
    static const int weights[] = {9, 8, 7, 6, 5, 4, 3, 2, 1};
    int rest;

    if (!prefix_given(nine, 9))
        return -1;
    rest = weighted(nine, weights, 9) % 101;
    return rest == 100 ? 0 : rest;
}

int mr_ident_inn10_check(const char *nine)
{
    static const int weights[] = {2, 4, 10, 3, 5, 9, 4, 6, 8};

    if (!prefix_given(nine, 9))
        return -1;
    return weighted(nine, weights, 9) % 11 % 10;
}

int mr_ident_inn12_check(const char *ten)
{
    static const int weights[] = {3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8};
    int first, second;

    if (!prefix_given(ten, 10))
        return -1;
    first = weighted(ten, weights + 1, 10) % 11 % 10;
    second = (weighted(ten, weights, 10) + first * weights[10]) % 11 % 10;
    return first * 10 + second;
}

int mr_ident_ogrn_check(const char *twelve)
{
    return prefix_given(twelve, 12) ? check_by(long_number(twelve, 12), 11) : -1;
}

int mr_ident_ogrnip_check(const char *fourteen)
{
    return prefix_given(fourteen, 14) ? check_by(long_number(fourteen, 14), 13) : -1;
}

bool mr_ident_snils_ok(const char *digits11)
{
    if (!mr_ident_digits(digits11, 11) || all_zeros(digits11))
        return false;
    if (number(digits11, 9) <= SNILS_UNCHECKED_MAX)
        return true;
    return number(digits11 + 9, 2) == mr_ident_snils_check(digits11);
}

bool mr_ident_inn_ok(const char *digits)
{
    if (mr_ident_digits(digits, 10))
        return !all_zeros(digits) && digits[9] - '0' == mr_ident_inn10_check(digits);
    if (mr_ident_digits(digits, 12))
        return !all_zeros(digits) && number(digits + 10, 2) == mr_ident_inn12_check(digits);
    return false;
}

/* The last one checks those before it, which are not all zeros. */
static bool checked_by(const char *digits, size_t count, unsigned divisor)
{
    uint64_t before = long_number(digits, count - 1);

    return before > 0 && digits[count - 1] - '0' == check_by(before, divisor);
}

bool mr_ident_ogrn_ok(const char *digits)
{
    if (mr_ident_digits(digits, 13))
        return checked_by(digits, 13, 11);
    return mr_ident_digits(digits, 15) && checked_by(digits, 15, 13);
}

bool mr_ident_oktmo_ok(const char *digits)
{
    return (mr_ident_digits(digits, 8) || mr_ident_digits(digits, 11)) && !all_zeros(digits);
}

bool mr_ident_date_ok(const char *date)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year, month, day, last;

    if (!date || strnlen(date, 11) != 10 || !digits_prefix(date, 4) || date[4] != '-' ||
            !digits_prefix(date + 5, 2) || date[7] != '-' || !digits_prefix(date + 8, 2))
        return false;
    year = number(date, 4);
    month = number(date + 5, 2);
    day = number(date + 8, 2);
    if (year < 1900 || year > 2100 || month < 1 || month > 12)
        return false;
    last = days[month - 1];
    if (month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0))
        last = 29;
    return day >= 1 && day <= last;
}

/* Bytes of the separator at text, 0 when it is none. */
static size_t separator(const char *text)
{
    static const char *const separators[] = {"-", " ", "\t", "\u00a0", "\u2009", "\u2010", "\u2011", "\u2012",
            "\u2013", "\u2014", "\u202f", "\u2212"};

    for (size_t i = 0; i < sizeof(separators) / sizeof(separators[0]); i++) {
        size_t len = strlen(separators[i]);

        if (strncmp(text, separators[i], len) == 0)
            return len;
    }
    return 0;
}

int mr_ident_snils_normalise(const char *in, char out[12])
{
    size_t count = 0;

    out[0] = '\0';
    while (in && *in) {
        size_t skip = *in >= '0' && *in <= '9' ? 0 : separator(in);

        if (skip) {
            in += skip;
            continue;
        }
        if (*in < '0' || *in > '9' || count == 11) {
            out[0] = '\0';
            return 1;
        }
        out[count++] = *in++;
    }
    out[count == 11 ? 11 : 0] = '\0';
    return count == 11 ? 0 : 1;
}

/* Does a СНИЛС begin here? Behind it is no other digit. */
static bool snils_begins(const char *text)
{
    char digits[12] = "";

    for (size_t count = 0; count < 11; count++) {
        if (count > 0 && count % 3 == 0 && (*text == ' ' || *text == '-'))
            text++;
        if (!digits_prefix(text, 1))
            return false;
        digits[count] = *text++;
    }
    return !digits_prefix(text, 1) && !all_zeros(digits) &&
           number(digits + 9, 2) == mr_ident_snils_check(digits);
}

bool mr_ident_snils_within(const char *text)
{
    for (const char *at = text; at && *at; at++)
        if ((at == text || !digits_prefix(at - 1, 1)) && snils_begins(at))
            return true;
    return false;
}
