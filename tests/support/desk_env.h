/* A hub_env with a desk: for unit tests of hub/desk. */
#ifndef MR_TESTS_DESK_ENV_H
#define MR_TESTS_DESK_ENV_H

#include "hub/desk/desk.h"
#include "tests/support/hub_env.h"

#define GOOD_SNILS        "11223344595"
#define OTHER_SNILS       "08765430300"
#define WRONG_SNILS       "12345678900"
#define OTHER_WRONG_SNILS "11223344594"

struct desk_env {
    struct hub_env *env;
    struct mr_desk *desk;
};

int desk_env_setup(void **state);
int desk_env_teardown(void **state);
void desk_env_start(struct desk_env *f);
void desk_env_stop(struct desk_env *f);
void desk_env_restart(struct desk_env *f); /* hub and desk */

/* One event of the system; fails unless the verdict is this one, with this code ("" for none). Its number.
 * Wipes it. As the hub does, wakes the desk when something waits no longer. */
uint64_t desk_env_publish(struct desk_env *f, const char *system, struct mr_buf *event,
        enum mr_verdict verdict, const char *code);
uint64_t desk_env_deficit(struct desk_env *f, const char *id, const char *snils, const char *local_id,
        enum mr_verdict verdict, const char *code);

/* A deficit that says which event it is sent instead of. */
void desk_env_mending(
        struct mr_buf *out, const char *id, const char *mends, const char *snils, const char *local_id);

struct mr_quarantine_row desk_env_row(struct desk_env *f, uint64_t number);
/* Until the row is in the state. */
struct mr_quarantine_row desk_env_await(struct desk_env *f, uint64_t number, enum mr_quarantine_state state);
/* Does the body of the record open? 0, MR_EDESTROYED ... */
int desk_env_body(struct desk_env *f, uint64_t number);
void desk_env_await_body(struct desk_env *f, uint64_t number, int wanted);
/* The key of an item goes, as by an erasure. */
void desk_env_destroy(struct desk_env *f, const uint8_t *item);
/* The balance of the log adds up. */
void desk_env_balance(struct desk_env *f);

#endif
