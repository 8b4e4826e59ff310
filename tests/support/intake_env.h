/*
 * Watched folders with a real adapter and a hub of the test's own, on one loop. The files' language is the
 * test's: a header line, then a row a line:
 *   "ok TEXT" one event, "two TEXT" two, "bad TEXT" a problem, "both TEXT" an event and a problem,
 *   "end" an event that stands for no row; "ask" wants a confirmation, "broken" refuses the whole file.
 */
#ifndef MR_TESTS_INTAKE_ENV_H
#define MR_TESTS_INTAKE_ENV_H

#include "adapters/sdk/intake_file.h"
#include "adapters/sdk/intake_state.h"
#include "tests/support/fake_hub.h"

enum { INTAKE_SETTLE_MS = 40 };

struct intake_env {
    uv_loop_t loop;
    struct fake_hub hub;
    char *dir;
    struct mr_curvekey key;
    struct mr_config config;
    char *listen[1];
    struct mr_config_link link;
    char state[128], secret[128], in[128], done[128], rejected[128];
    bool sub_folders;
    struct mr_adapter *adapter;
    struct mr_intake_files *files;
    void (*while_mapping)(struct intake_env *env); /* NULL: nothing happens meanwhile */
    int mapped;                                    /* how often the mapper has run into the outbox */
    bool closed;
};

int intake_env_setup(void **state);         /* the hub is there */
int intake_env_setup_no_hub(void **state);  /* it is not; intake_env_hub() brings it */
int intake_env_setup_folders(void **state); /* in/<folder>/ */
int intake_env_teardown(void **state);

void intake_env_hub(struct intake_env *env);
/* The adapter ends and begins anew on what is durable, as after a kill. */
void intake_env_stop(struct intake_env *env);
void intake_env_start(struct intake_env *env);

/* folder "" for none. */
void intake_env_drop(struct intake_env *env, const char *folder, const char *name, const char *text);
/* Files of done/ and so on whose names end so. */
int intake_env_count(const struct intake_env *env, const char *dir, const char *folder, const char *end);
/* The one file with that ending; valid until the next call but four. */
const char *intake_env_read(
        const struct intake_env *env, const char *dir, const char *folder, const char *end);

/* Until so many receipts are there and the outbox is empty. */
void intake_env_await(struct intake_env *env, const char *folder, int receipts);
void intake_env_await_waiting(struct intake_env *env, uint64_t events); /* in the outbox */
/* The one receipt of this file; valid as the above. */
const char *intake_env_receipt(const struct intake_env *env, const char *folder, const char *name);
/* It says so, and read is the sum of the four. */
void intake_env_expect(const struct intake_env *env, const char *folder, const char *name, unsigned accepted,
        unsigned repeated, unsigned quarantined, unsigned refused);

/* What is durably known of a file of this content. */
void intake_env_state(struct intake_env *env, const char *folder, const char *text, bool put,
        struct mr_intake_state *state);

#endif
