#include "proto/config/config_need.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "proto/config/config_values.h"

void mr_config_at(struct mr_config_check *check, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(check->path, sizeof check->path, format, args);
    va_end(args);
}

int mr_config_fail(struct mr_config_check *check, const char *value, const char *what, const char *cure)
{
    char where[192];

    mr_config_yaml_where(check->yaml, check->path, where, sizeof where);
    return mr_error_set(check->reterr, MR_ECONFIG, where, cure, "%s: %s%s%.80s%s", check->path, what,
            value ? ": \"" : "", value ? value : "", value ? "\"" : "");
}

bool mr_config_text_one_of(const char *value, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(value, names[i]) == 0)
            return true;
    return false;
}

bool mr_config_text_all_of(const char *text, const char *allowed, size_t min, size_t max)
{
    size_t size = strlen(text);

    return size >= min && size <= max && strspn(text, allowed) == size;
}

int mr_config_need_name(struct mr_config_check *check, const char *name)
{
    if (islower((unsigned char)name[0]) &&
            mr_config_text_all_of(name, "abcdefghijklmnopqrstuvwxyz0123456789-", 1, 32))
        return 0;
    return mr_config_fail(
            check, name, "not a name", "a small Latin letter, then letters, digits and '-', at most 32");
}

/* Lists are named after the fields that they are for: qual_category. */
int mr_config_need_list_name(struct mr_config_check *check, const char *name)
{
    if (islower((unsigned char)name[0]) &&
            mr_config_text_all_of(name, "abcdefghijklmnopqrstuvwxyz0123456789_", 1, 32))
        return 0;
    return mr_config_fail(check, name, "not a code list's name",
            "one of those in docs/configuration.md: small letters and '_'");
}

int mr_config_need_key(struct mr_config_check *check, const char *key)
{
    if (mr_config_text_all_of(key,
                "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#", 40,
                40))
        return 0;
    return mr_config_fail(check, NULL, "not a CURVE key",
            "40 characters of Z85 in single quotes, as `marshrut keys new` makes them");
}

int mr_config_need_region(struct mr_config_check *check, const char *region)
{
    if (mr_config_text_all_of(region, "0123456789", 2, 3))
        return 0;
    return mr_config_fail(check, region, "not a region code", "two or three digits in quotes, as in \"24\"");
}

int mr_config_need_endpoint(struct mr_config_check *check, const char *text)
{
    static const char cure[] = "tcp://ADDRESS:PORT, a port from 1 to 65535";

    return mr_config_endpoint_ok(text) ? 0 : mr_config_fail(check, text, "not an endpoint", cure);
}

/* Port 0, any free one, is for tests: who would find it? */
int mr_config_need_listen(struct mr_config_check *check, const char *path, const char *text)
{
    static const char cure[] = "ADDRESS:PORT, a port from 1 to 65535 (0: any free one)";

    mr_config_at(check, "%s", path);
    return !text || mr_config_address_ok(text, 0) ? 0 : mr_config_fail(check, text, "not an address", cure);
}

int mr_config_need_timezone(struct mr_config_check *check, const char *name)
{
    static const char cure[] =
            "a name of the IANA database, such as Asia/Krasnoyarsk: a file below /usr/share/zoneinfo";

    return mr_config_timezone_ok(name) ? 0 : mr_config_fail(check, name, "no such time zone", cure);
}

int mr_config_need_text(struct mr_config_check *check, const char *text)
{
    return text[0] ? 0 : mr_config_fail(check, NULL, "empty", "write a value");
}

int mr_config_need_uri(struct mr_config_check *check, const char *text)
{
    bool bad = strchr(text, ':') == NULL;

    for (const char *p = text; *p; p++)
        bad = bad || (unsigned char)*p <= ' ' || (unsigned char)*p >= 0x7f;
    return bad ? mr_config_fail(
                         check, text, "not a URI", "such as \"urn:marshrut:24:school\", without spaces")
               : 0;
}

int mr_config_need_range(struct mr_config_check *check, uint32_t value, uint32_t min, uint32_t max)
{
    char cure[80];
    char text[16];

    if (value >= min && value <= max)
        return 0;
    (void)snprintf(cure, sizeof cure, "a number from %u to %u", (unsigned)min, (unsigned)max);
    (void)snprintf(text, sizeof text, "%u", (unsigned)value);
    return mr_config_fail(check, text, "out of range", cure);
}

int mr_config_need_date(struct mr_config_check *check, const char *text)
{
    return !text || mr_config_date_ok(text) ? 0 : mr_config_fail(check, text, "not a date", "YYYY-MM-DD");
}
