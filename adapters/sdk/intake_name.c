#include "adapters/sdk/intake_name.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { STEM_MAX = 140, ENDING_MAX = 16 };

static bool digits(const char *text, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        if (text[i] < '0' || text[i] > '9')
            return false;
    return true;
}

/* Length of "20261122T101500Z" or "20261122T101500.123Z" at text; 0. */
static size_t time_at(const char *text)
{
    if (strnlen(text, 16) < 16 || !digits(text, 0, 8) || text[8] != 'T' || !digits(text, 9, 15))
        return 0;
    if (text[15] == 'Z')
        return 16;
    return strnlen(text, 20) == 20 && text[15] == '.' && digits(text, 16, 19) && text[19] == 'Z' ? 20 : 0;
}

/* At name + at: ".<time>.rejected." or ".<time>.refused."? */
static bool own_ending(const char *name)
{
    size_t n = *name == '.' ? time_at(name + 1) : 0;

    return n > 0 &&
           (strncmp(name + 1 + n, ".rejected.", 10) == 0 || strncmp(name + 1 + n, ".refused", 8) == 0);
}

size_t mr_intake_stem(const char *name)
{
    for (size_t i = 1; name[0] && name[i]; i++)
        if (own_ending(name + i))
            return i;
    return strlen(name);
}

bool mr_intake_mends(const char *name)
{
    return name[mr_intake_stem(name)] != 0;
}

void mr_intake_output_name(
        char out[static MR_OUTPUT_NAME_MAX], const char *name, int64_t time_us, const char *suffix)
{
    time_t seconds = (time_t)(time_us / 1000000);
    size_t kept = mr_intake_stem(name);
    char when[24] = "";
    struct tm tm;

    if (kept > STEM_MAX) {
        kept = STEM_MAX;
        while (kept > 0 && ((unsigned char)name[kept] & 0xc0) == 0x80)
            kept--; /* not in the middle of a letter */
    }
    if (gmtime_r(&seconds, &tm))
        (void)strftime(when, sizeof when, "%Y%m%dT%H%M%S", &tm);
    (void)snprintf(out, MR_OUTPUT_NAME_MAX, "%.*s.%s.%03dZ%s", (int)kept, name, when,
            (int)(time_us / 1000 % 1000), suffix);
}

void mr_intake_refused_suffix(char out[static 32], const char *name)
{
    const char *dot = strrchr(name, '.');
    bool plain = dot && dot != name && strlen(dot) <= ENDING_MAX;

    for (const char *p = plain ? dot + 1 : ""; *p; p++)
        plain = plain && ((*p >= '0' && *p <= '9') || ((*p | 0x20) >= 'a' && (*p | 0x20) <= 'z'));
    (void)snprintf(out, 32, ".refused%s", plain ? dot : "");
}
