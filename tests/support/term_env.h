/*
 * A hub without a network (hub_env.h) with a clock of its own and terms: nms.programme. 30 days,
 * nms.deficit.identified.v1 90 days, all else without term; segments of 50 events. Retention runs when it is
 * asked, unless a test says otherwise. All assert with cmocka.
 */
#ifndef MR_TESTS_TERM_ENV_H
#define MR_TESTS_TERM_ENV_H

#include <jansson.h>

#include "hub/keep/compactor.h"
#include "store/log_segment.h"
#include "tests/support/hub_env.h"

/* What term_env_fill() publishes, in this order. */
enum { TERM_ENV_PROGRAMMES = 60, TERM_ENV_DEFICITS = 10, TERM_ENV_LATER = 40 };

#define TERM_ENV_DAY_US   (86400LL * 1000000)
#define TERM_ENV_BEGIN_US (1798761600LL * 1000000) /* 2027-01-01 */

struct term_env {
    struct hub_env *env;
    struct mr_compactor *compactor; /* NULL: not started */
    uint64_t sequence;
};

int term_env_setup(void **state); /* cmocka fixtures */
int term_env_teardown(void **state);
void term_env_start(struct term_env *t); /* the compactor */
void term_env_stop(struct term_env *t);
void term_env_again(struct term_env *t); /* all of it is closed and opened */

void term_env_now(int64_t us);
void term_env_programmes(struct term_env *t, unsigned count);
/* 1..60 programmes, 61..70 deficits of one person at the beginning; 71..110 programmes 20 days later. */
void term_env_fill(struct term_env *t);
/* Through the writer: the compactor may have it do something at the same time. */
void term_env_put(struct term_env *t, enum mr_log_table table, struct mr_slice key, struct mr_slice value);
void term_env_last_run(struct term_env *t, int64_t at_us);
uint16_t term_env_subscription(struct term_env *t, const char *name);
void term_env_cursor(struct term_env *t, const char *name, uint64_t first, uint64_t cursor);
void term_env_settle(struct term_env *t); /* nobody is owed anything of what is there */

struct mr_compactor_run term_env_run(struct term_env *t); /* asks for a run and waits for its end */
bool term_env_has_segments(const struct mr_compactor_stats *stats);
bool term_env_has_run(const struct mr_compactor_stats *stats);
void term_env_wait(struct term_env *t, bool (*condition)(const struct mr_compactor_stats *stats));

/* How many of from..to have expired; what is left of each is looked at. */
unsigned term_env_expired(struct term_env *t, uint64_t from, uint64_t to);
void term_env_root(struct term_env *t, uint64_t size, uint8_t ret[static MR_MERKLE_BYTES]);
void term_env_balance(struct term_env *t);
json_int_t term_env_number(const json_t *object, const char *key);

#endif
