#include "proto/config/config_values.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define ZONES "/usr/share/zoneinfo"

bool mr_config_address_ok(const char *text, uint32_t port_min)
{
    const char *colon = strrchr(text, ':');
    size_t host = colon ? (size_t)(colon - text) : 0;
    size_t digits = colon ? strlen(colon + 1) : 0;
    unsigned long port;

    if (host == 0 || digits == 0 || digits > 5 || strspn(colon + 1, "0123456789") != digits)
        return false;
    if (memchr(text, ':', host) && (text[0] != '[' || text[host - 1] != ']'))
        return false;
    for (size_t i = 0; i < host; i++)
        if ((unsigned char)text[i] <= ' ' || text[i] == '/')
            return false;
    port = strtoul(colon + 1, NULL, 10);
    return port >= port_min && port <= UINT16_MAX;
}

bool mr_config_endpoint_ok(const char *text)
{
    return strncmp(text, "tcp://", 6) == 0 && mr_config_address_ok(text + 6, 1);
}

bool mr_config_timezone_ok(const char *name)
{
    char path[128];
    struct stat st;

    if (strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/") != strlen(name) ||
            name[0] == 0 || name[0] == '/' ||
            snprintf(path, sizeof path, ZONES "/%s", name) >= (int)sizeof path)
        return false; /* no dot, so no way out of the folder either */
    if (stat(ZONES, &st) != 0)
        return true;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

bool mr_config_date_ok(const char *text)
{
    int year, month, day;
    char rest;

    return strlen(text) == 10 && sscanf(text, "%4d-%2d-%2d%c", &year, &month, &day, &rest) == 3 &&
           month >= 1 && month <= 12 && day >= 1 && day <= 31;
}
