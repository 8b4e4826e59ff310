#include "proto/base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct row {
    const char *name;
    const char *text;
    int http;
    int exit_code;
    bool retry;
};

static const struct row rows[] = {
#define MR_ERR_ROW(sym, value, name_, http_, exit_, retry_, text_)                                           \
    [value] = {.name = name_, .text = text_, .http = http_, .exit_code = exit_, .retry = retry_},
        MR_ERR_TABLE(MR_ERR_ROW)
#undef MR_ERR_ROW
};

static const struct row *row_of(int code)
{
    static const struct row unknown = {"unknown", "unknown error", 500, 70, false};
    size_t index = code < 0 ? (size_t) - (long)code : 0;

    return index > 0 && index < sizeof rows / sizeof rows[0] ? &rows[index] : &unknown;
}

const char *mr_err_name(int code)
{
    return row_of(code)->name;
}

int mr_err_of_name(const char *name)
{
    for (size_t i = 1; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].name && strcmp(rows[i].name, name) == 0)
            return -(int)i;
    return 0;
}

const char *mr_err_text(int code)
{
    return row_of(code)->text;
}

int mr_err_http(int code)
{
    return row_of(code)->http;
}

int mr_err_exit(int code)
{
    return row_of(code)->exit_code;
}

bool mr_err_retry(int code)
{
    return row_of(code)->retry;
}

/* Takes off the part of a UTF-8 letter that a cut left at the end. */
static void trim(char *text)
{
    size_t size = strlen(text);
    size_t tail = 0;
    unsigned char first;
    size_t need;

    while (tail < size && tail < 3 && ((unsigned char)text[size - 1 - tail] & 0xc0) == 0x80)
        tail++;
    if (tail == size)
        return;
    first = (unsigned char)text[size - 1 - tail];
    need = first < 0xc0 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
    if (tail < need)
        text[size - 1 - tail] = 0;
}

int mr_error_set(struct mr_error *ret, int code, const char *where, const char *cure, const char *what, ...)
{
    va_list args;

    if (!ret)
        return code;
    ret->code = code;
    ret->wait_ms = 0;
    (void)snprintf(ret->where, sizeof ret->where, "%s", where ? where : "");
    (void)snprintf(ret->cure, sizeof ret->cure, "%s", cure ? cure : "");
    va_start(args, what);
    (void)vsnprintf(ret->what, sizeof ret->what, what, args);
    va_end(args);
    trim(ret->where);
    trim(ret->cure);
    trim(ret->what);
    return code;
}

void mr_error_within(struct mr_error *ret, const char *parent)
{
    char inner[sizeof ret->where];
    const char *dot = ".";

    if (!ret)
        return;
    memcpy(inner, ret->where, sizeof inner);
    if (inner[0] == 0 || inner[0] == '[')
        dot = "";
    if (snprintf(ret->where, sizeof ret->where, "%s%s%s", parent, dot, inner) >= (int)sizeof ret->where)
        trim(ret->where);
}

int mr_err_from_errno(int errno_value)
{
    static const struct {
        int from;
        int to;
    } map[] = {
            {ENOMEM, MR_ENOMEM},
            {EINVAL, MR_EINVAL},
            {ENOSPC, MR_ENOSPACE},
            {EDQUOT, MR_ENOSPACE},
            {EIO, MR_EIO},
            {ENOENT, MR_ENOTFOUND},
            {EEXIST, MR_EEXISTS},
            {EACCES, MR_EDENIED},
            {EPERM, MR_EDENIED},
            {EAGAIN, MR_EAGAIN},
            {ETIMEDOUT, MR_ETIMEOUT},
            {EMSGSIZE, MR_ETOOBIG},
            {EFBIG, MR_ENOSPACE},
            {EBUSY, MR_EAGAIN},
            {EROFS, MR_EDENIED},
    };

    for (size_t i = 0; i < sizeof map / sizeof map[0]; i++)
        if (map[i].from == errno_value)
            return map[i].to;
    return MR_ESYSTEM;
}
