/*
 * A real marshrutd on a folder of its own: keys and configuration are made, the process is started and
 * awaited (by its ready line, no sleeping), stopped or killed; afterwards its stderr is searched for
 * sanitizer reports and error lines.
 */
#ifndef MR_TESTS_SPAWN_H
#define MR_TESTS_SPAWN_H

#include <stdbool.h>
#include <sys/types.h>

#include "proto/loop/curvekey.h"
#include "tests/support/port_claim.h"

enum { SPAWN_CNPPM, SPAWN_COPMKP, SPAWN_PORTAL, SPAWN_SCHOOL, SPAWN_SYSTEMS };
enum { SPAWN_DEADLINE_MS = 120 * 1000 };

struct spawn {
    char *dir;
    char config[128];
    char endpoint[64];
    struct port_claim port; /* of the endpoint */
    char admin[128];        /* "ipc://..." */
    char log[128];          /* stderr of every run, appended */
    struct mr_curvekey hub_key;
    struct mr_curvekey keys[SPAWN_SYSTEMS];
    pid_t pid;                      /* 0: not running */
    long log_from;                  /* where the log of this run begins */
    const char *const *environment; /* "NAME=value" ..., NULL: more for the hub; NULL: nothing more */
};

/* Makes the folder with keys and configuration. extra: more YAML at the end, or "". Fails the test. */
void spawn_init(struct spawn *spawn, const char *extra);
/* The same with more keys in the section hub: lines of two spaces and a key, instead of SPAWN_HUB. Without
 * ping_interval_ms among them, clients are asked once a minute whether they are there. */
#define SPAWN_HUB "  ballast_mb: 1\n  space_watermark_mb: 1\n"
void spawn_init_hub(struct spawn *spawn, const char *extra, const char *hub);
void spawn_start(struct spawn *spawn);      /* returns when the hub is ready */
int spawn_start_fails(struct spawn *spawn); /* expects it not to become ready; its exit status */
void spawn_kill(struct spawn *spawn);       /* SIGKILL */
int spawn_start_ends(struct spawn *spawn);  /* expects it to end, however, before it is ready: as waitpid() */
void spawn_end(struct spawn *spawn);        /* SIGTERM; exit status 0; the log is the caller's to look at */
bool spawn_gone(const struct spawn *spawn); /* it has ended, and nobody has waited for it */
int spawn_wait(struct spawn *spawn);        /* until it has ended by itself: as waitpid() says */
void spawn_stop(struct spawn *spawn);       /* SIGTERM; asserts exit status 0 and a clean log */
/* Stops if running, and removes the folder. */
void spawn_fini(struct spawn *spawn);

/* Asserts that no run left a sanitizer report or a level=error line. */
void spawn_scan(const struct spawn *spawn);
/* What it has written is known and right: later scans do not see it. */
void spawn_forget(struct spawn *spawn);
bool spawn_logged(const struct spawn *spawn, const char *text);
void spawn_print_log(const struct spawn *spawn); /* of this run, for whoever reads why a test fails */

const char *spawn_system(int system); /* "cnppm" ... */
const char *spawn_source(int system); /* "urn:marshrut:24:cnppm" ... */

/* Polls until fn(ctx) is true; fails the test with `what` after the deadline. */
void spawn_until(const char *what, bool (*fn)(void *ctx), void *ctx);

#endif
