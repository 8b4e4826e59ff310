/*
 * Errors: one table for enum, name, HTTP status, exit code and whether a retry can help.
 *
 * Functions return 0, a negative code of this table (a failure: pass it up unchanged), or a positive outcome
 * that is named in the function's own header and handled by its direct caller. A function that can say more
 * fills an optional struct mr_error: what happened, where, and what to do. No personal datum is ever put into
 * it.
 */
#ifndef MR_BASE_ERR_H
#define MR_BASE_ERR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*     enum suffix     name              http exit retry text */
#define MR_ERR_TABLE(X)                                                                                      \
    X(NOMEM, 1, "no-memory", 503, 70, true, "out of memory")                                                 \
    X(INVAL, 2, "invalid", 400, 65, false, "invalid input")                                                  \
    X(MALFORMED, 3, "malformed", 400, 65, false, "bytes that do not follow their format")                    \
    X(TOOBIG, 4, "too-big", 413, 65, false, "larger than the limit")                                         \
    X(NOTFOUND, 5, "not-found", 404, 66, false, "no such thing")                                             \
    X(EXISTS, 6, "exists", 409, 73, false, "already there")                                                  \
    X(DENIED, 7, "denied", 403, 77, false, "not allowed")                                                    \
    X(NOSPACE, 8, "no-space", 507, 75, true, "no space left on the device")                                  \
    X(IO, 9, "io", 500, 74, false, "input/output error")                                                     \
    X(CORRUPT, 10, "corrupt", 500, 76, false, "stored data is damaged")                                      \
    X(AGAIN, 11, "again", 503, 75, true, "not now, try again")                                               \
    X(TIMEOUT, 12, "timeout", 504, 75, true, "took too long")                                                \
    X(CLOSED, 13, "closed", 503, 75, true, "closed")                                                         \
    X(UNSUPPORTED, 14, "unsupported", 501, 69, false, "not supported")                                       \
    X(SYSTEM, 15, "system", 500, 71, false, "operating system error")                                        \
    X(CONFIG, 16, "config", 500, 78, false, "configuration error")                                           \
    X(DESTROYED, 17, "destroyed", 410, 66, false, "erased: its key is destroyed")                            \
    X(BLOCKED, 18, "blocked", 451, 77, false, "blocked on the person's request")                             \
    X(EXPIRED, 19, "expired", 410, 66, false, "its term has passed: only its head and hash are kept")        \
    X(CHANGED, 20, "changed", 412, 73, false, "changed since you looked at it")

enum mr_err {
#define MR_ERR_ENUM(sym, value, name, http, exit_code, retry, text) MR_E##sym = -(value),
    MR_ERR_TABLE(MR_ERR_ENUM)
#undef MR_ERR_ENUM
};

/* Optional detail of a failure. Owned by the caller; texts are cut, never overrun. */
struct mr_error {
    int code;         /* negative, of enum mr_err */
    char what[256];   /* what happened */
    char where[192];  /* file:line:column, field path, table and key number ... */
    char cure[256];   /* what to do */
    uint32_t wait_ms; /* with MR_EAGAIN: when it may be tried again; 0: not known */
};

int mr_err_of_name(const char *name); /* 0: there is none */
const char *mr_err_name(int code);    /* "no-memory"; "unknown" for a code outside of the table */
const char *mr_err_text(int code);
int mr_err_http(int code);
int mr_err_exit(int code); /* sysexits.h */
bool mr_err_retry(int code);

/* Fills ret (may be NULL) and returns code, so that `return mr_error_set(...)` reads well. */
int mr_error_set(struct mr_error *ret, int code, const char *where, const char *cure, const char *what, ...)
        __attribute__((format(printf, 5, 6)));

/* The failure happened inside of something: puts "parent." before ret->where. ret may be NULL. */
void mr_error_within(struct mr_error *ret, const char *parent);

/* errno to the nearest code of the table: ENOSPC and EDQUOT to MR_ENOSPACE, EIO to MR_EIO ... */
int mr_err_from_errno(int errno_value);

#endif
