#include "hub/http/personal.h"

#include <stdlib.h>
#include <string.h>

#include "hub/http/problem.h"
#include "proto/base/list.h"
#include "proto/wire/ident.h"

static const char digits[] = "0123456789", separators[] = " -()";

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

/* UTF-8 of U+0400 to U+04FF begins with D0 to D3. */
static bool has_cyrillic(const char *text)
{
    for (const unsigned char *c = (const unsigned char *)text; *c; c++)
        if (*c >= 0xd0 && *c <= 0xd3)
            return true;
    return false;
}

/* "name@place.ru" */
static bool has_mail(const char *text)
{
    const char *at = strchr(text, '@');

    return at && at > text && strchr(at + 1, '.');
}

/* Eleven digits behind a plus, however they are divided: "+7 (391) 000-00-00". A plus is a space in a query.
 */
static bool has_telephone(const char *text)
{
    for (const char *at = text; *at; at++) {
        size_t found = 0;

        if ((*at != '+' && *at != ' ') || at[1] != '7')
            continue;
        for (const char *c = at + 1; is_digit(*c) || (*c && strchr(separators, *c)); c++)
            found += is_digit(*c);
        if (found == 11)
            return true;
    }
    return false;
}

/* Groups of so many digits with a space between them, and nothing of the kind around. */
static bool has_groups(const char *text, const size_t *groups, size_t count)
{
    for (const char *at = text; *at; at++) {
        const char *c = at;
        size_t i = 0;

        if (!is_digit(*at) || (at > text && is_digit(at[-1])))
            continue;
        for (; i < count && strspn(c, digits) == groups[i]; i++)
            c += groups[i] + (i + 1 < count && c[groups[i]] == ' ');
        if (i == count)
            return true;
    }
    return false;
}

static bool has_passport(const char *text)
{
    static const size_t joined[] = {4, 6}, divided[] = {2, 2, 6};

    return has_groups(text, joined, MR_COUNT(joined)) || has_groups(text, divided, MR_COUNT(divided));
}

bool mr_personal_like(const char *text, uint64_t head)
{
    return !is_log_number(text, head) &&
           (mr_ident_snils_within(text) || has_mail(text) || has_telephone(text) || has_passport(text) ||
                   has_cyrillic(text));
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
