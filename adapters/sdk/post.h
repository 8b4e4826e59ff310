/*
 * The events that one HTTP request brings: item by item into one outbox transaction, each item wholly or not
 * at all, and what to answer for each. docs/adapters.md has the answers. Loop thread; lives within one
 * request.
 */
#ifndef MR_SDK_POST_H
#define MR_SDK_POST_H

#include <jansson.h>

#include "adapters/sdk/adapter.h"
#include "proto/loop/http_server.h"
#include "proto/base/arena.h"

enum { MR_POST_ITEMS_MAX = 1000 };

/* Where the events go: an outbox transaction, or a test's array. Functions return 0 or a negative code. */
struct mr_post_store {
    void *ctx;
    int (*add)(void *ctx, struct mr_slice event);
    int (*get)(void *ctx, struct mr_slice key, struct mr_slice *ret);
    int (*put)(void *ctx, struct mr_slice key, struct mr_slice value);
    void (*digest)(void *ctx, struct mr_slice data, uint8_t ret[static 16]);
};

struct mr_post;

int mr_post_new(struct mr_post **ret, const struct mr_post_store *store);
void mr_post_free(struct mr_post *post); /* wipes; NULL is fine */

void mr_post_begin(struct mr_post *post);             /* the next item */
struct mr_arena *mr_post_arena(struct mr_post *post); /* for the current item */
const struct mr_post_store *mr_post_store(const struct mr_post *post);

/*
 * An event of the current item. id NULL: made from the content, the same again for the same. Checks the field
 * rules that refuse and the size; what is wrong becomes the item's problem.
 */
void mr_post_event(
        struct mr_post *post, const struct mr_attributes *attributes, const ProtobufCMessage *payload);
/* A CloudEvents JSON object, whole. Unknown types are a problem. */
void mr_post_cloudevent(struct mr_post *post, const json_t *event);
/* The item is wrong; the first problem stays. status: "invalid", "conflict". NULL texts are left out. */
void mr_post_problem(
        struct mr_post *post, const char *status, const char *field, const char *problem, const char *cure);
bool mr_post_has_problem(const struct mr_post *post);
/* The item came before: its events are not stored again; status "repeated". */
void mr_post_repeated(struct mr_post *post);
/* What to call the item's success instead of "accepted": "ignored". Static text. */
void mr_post_status(struct mr_post *post, const char *status);
/* An id to report for the item beside those of its events. */
void mr_post_id(struct mr_post *post, const char *id);
void mr_post_fail(
        struct mr_post *post, int code); /* the store failed: the request as a whole comes to nothing */

void mr_post_end(struct mr_post *post); /* the item's events go to the store, unless it has a problem */

struct mr_post_summary {
    unsigned items, good, invalid, conflicts;
    unsigned events;
    int failed; /* 0, or the store's error */
};
void mr_post_summary(const struct mr_post *post, struct mr_post_summary *ret);
/* [{"index": 0, "status": "accepted", "ids": [...]}, ...]; borrowed. */
json_t *mr_post_results(const struct mr_post *post);
/* 202, 207 or 400 with the results. */
void mr_post_answer(const struct mr_post *post, struct mr_http_exchange *exchange);

#endif
