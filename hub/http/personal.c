#include "hub/http/personal.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "hub/http/problem.h"
#include "proto/base/list.h"
#include "proto/wire/ident.h"

static const char digits[] = "0123456789", separators[] = " -()._/";

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "17" as the log writes its numbers: no zero before it. */
static bool is_log_number(const char *text, uint64_t head)
{
    size_t size = strspn(text, digits);

    return size > 0 && size < 19 && !text[size] && *text != '0' && strtoull(text, NULL, 10) <= head;
}

/* Names are in Cyrillic letters; digits and dashes of other scripts only hide what these are. No address that
 * the hub gives has such a character. */
static bool has_foreign(const char *text)
{
    for (const unsigned char *c = (const unsigned char *)text; *c; c++)
        if (*c >= 0x80)
            return true;
    return false;
}

static const char *behind(const char *text, const char *const *signs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strncasecmp(text, signs[i], strlen(signs[i])) == 0)
            return text + strlen(signs[i]);
    return NULL;
}

/* "name@place.ru", and as people write it where that is not let through: "name(at)place.ru". */
static bool has_mail(const char *text)
{
    static const char *const signs[] = {"@", "(at)", "[at]", "{at}"};

    for (const char *at = text; *at; at++) {
        const char *place = at > text ? behind(at, signs, MR_COUNT(signs)) : NULL;

        if (place && strchr(place, '.'))
            return true;
    }
    return false;
}

/* So that no id in hex has one in it. */
static bool is_of_a_word(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/*
 * So many digits in groups, each divided from the next by nothing or by separators, and no letter or digit
 * around.
 */
static bool is_grouped(
        const char *text, const char *at, const char *between, const size_t *groups, size_t count)
{
    if (at > text && is_of_a_word(at[-1]))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            at += strspn(at, between);
        for (size_t n = 0; n < groups[i]; n++)
            if (!is_digit(*at++))
                return false;
    }
    return !is_of_a_word(*at);
}

/* "89131234567", "8(913)123-45-67", "+7 (391) 000-00-00". A plus is a space in a query. */
static bool has_telephone(const char *text)
{
    static const size_t groups[] = {1, 3, 3, 2, 2};

    for (const char *at = text; *at; at++) {
        const char *code = at + 1 + strspn(at + 1, separators);

        if ((*at != '7' && *at != '8') || !is_grouped(text, at, separators, groups, MR_COUNT(groups)))
            continue;
        if (strchr("3489", *code) || (at > text && strchr("+ ", at[-1])))
            return true;
    }
    return false;
}

/* A СНИЛС whose check digits hold, however it is divided: "112.233.445.95". */
static bool has_snils(const char *text)
{
    static const size_t groups[] = {3, 3, 3, 2};

    for (const char *at = text; *at; at++) {
        char plain[12];
        size_t size = 0;

        if (!is_digit(*at) || !is_grouped(text, at, separators, groups, MR_COUNT(groups)))
            continue;
        for (const char *c = at; size < sizeof plain - 1; c++)
            if (is_digit(*c))
                plain[size++] = *c;
        plain[size] = '\0';
        if (mr_ident_snils_within(plain))
            return true;
    }
    return mr_ident_snils_within(text);
}

/* "0412 123456", "0412-123456", "04 12 123456", "0412123456"; not "c-0412123456", a number of something else.
 */
static bool has_passport(const char *text)
{
    static const size_t groups[] = {2, 2, 6};

    for (const char *at = text; *at; at++)
        if (is_digit(*at) && (at == text || !strchr("-_", at[-1])) &&
                is_grouped(text, at, " -_", groups, MR_COUNT(groups)))
            return true;
    return false;
}

bool mr_personal_like(const char *text, uint64_t head)
{
    return !is_log_number(text, head) && (has_snils(text) || has_mail(text) || has_telephone(text) ||
                                                 has_passport(text) || has_foreign(text));
}

/* ---- an address ---- */

static int look(void *ctx, const char *name, const char *value)
{
    uint64_t head = *(const uint64_t *)ctx;

    return mr_personal_like(name, head) || mr_personal_like(value, head);
}

bool mr_api_address_is_clean(const struct mr_api_request *request)
{
    uint64_t head = mr_log_head(request->api->house->log);
    int found = 0;

    for (size_t i = 0; !found && i < MR_COUNT(request->parameters); i++)
        found = mr_personal_like(request->parameters[i], head);
    if (!found)
        found = mr_http_each_query(request->http, look, &head);
    if (found)
        mr_problem_say(request->http->exchange, 400, MR_EINVAL, "address",
                "a value in the address is or may be a person's: addresses are kept where persons have no "
                "place",
                "ask by POST, with the value in the body: docs/api.md, \"No person in an address\"");
    return !found;
}
