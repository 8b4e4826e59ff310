/* Calls methods of hub/audit in a test, as the gateway would. */
#ifndef MR_TESTS_ASK_H
#define MR_TESTS_ASK_H

#include "hub/audit/method.h"
#include "tests/support/hub_env.h"

/* An emit function into an array (ctx). */
int ask_collect(void *ctx, json_t *document);
/* Every document of the answer as an array; fails the test when the method fails. arguments: stolen, may be
 * NULL. */
json_t *ask_all(struct hub_env *env, const char *method, json_t *arguments);
/* The one document. */
json_t *ask_one(struct hub_env *env, const char *method, json_t *arguments);
/* The failure's code; *reterr says more. */
int ask_fails(struct hub_env *env, const char *method, json_t *arguments, struct mr_error *reterr);
/* Runs an acting method as this operator: event and rows into the log, the indexer after it. Returns the
 * reply. */
json_t *act(struct hub_env *env, const char *operator_name, const char *method, json_t *arguments);
/* The same of a hub that has a desk. */
json_t *act_at_desk(struct hub_env *env, struct mr_desk *desk, const char *operator_name, const char *method,
        json_t *arguments);

#endif
