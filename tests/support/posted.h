/* A post store in memory: what an adapter's face would have put into its outbox. */
#ifndef MR_TESTS_POSTED_H
#define MR_TESTS_POSTED_H

#include "adapters/sdk/post.h"
#include "proto/wire/codec.h"

enum { POSTED_EVENTS_MAX = 64, POSTED_ROWS_MAX = 64 };

struct posted {
    struct mr_post_store store;
    struct mr_buf events[POSTED_EVENTS_MAX];
    int count;
    struct mr_buf keys[POSTED_ROWS_MAX];
    struct mr_buf values[POSTED_ROWS_MAX];
    int rows;
    int fail;              /* negative: add fails with it */
    struct mr_arena arena; /* of posted_event */
};

void posted_init(struct posted *posted);
void posted_fini(struct posted *posted);
void posted_clear(struct posted *posted); /* the events; rows stay */

/* Decoded; valid until posted_fini. Fails the test when there is no such event. */
struct mr_event *posted_event(struct posted *posted, int index);

#endif
