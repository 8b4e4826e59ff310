/*
 * A real hub with its HTTP API, for tests of it: made and started, with tokens and operators; requests with a
 * token, and their JSON.
 */
#ifndef MR_TESTS_API_ENV_H
#define MR_TESTS_API_ENV_H

#include <jansson.h>

#include "tests/support/http_ask.h"

enum { API_TOKEN_BYTES = 64, API_EVENT_BYTES = 1024 };

struct api_env {
    struct spawn spawn;
    uint16_t port;
    struct http_ask ask; /* the last one */
};

/* operators: YAML of the list, with one boss who is admin; hub: more keys as in spawn_init_hub(), or "". */
void api_env_open(struct api_env *env, const char *extra, const char *hub);
void api_env_start(struct api_env *env); /* again, after spawn_kill() or spawn_end() */
void api_env_close(struct api_env *env);

/* `marshrut --json --as boss ...`: its answer; more ends with NULL. */
json_t *api_tool(struct api_env *env, const char *const more[]);
/* `marshrut token new` by boss, for a system; ret_id may be NULL. */
void api_env_token(struct api_env *env, const char *scopes, const char *system,
        char ret[static API_TOKEN_BYTES], char *ret_id);
void api_env_revoke(struct api_env *env, const char *id);

int api_get(struct api_env *env, const char *path, const char *token);
/* content_type NULL: application/json. */
int api_post(
        struct api_env *env, const char *path, const char *token, const char *content_type, const char *body);
/* Its body: a new reference; fails the test when it is no JSON. */
json_t *api_json(const struct api_env *env);

/* nms.programme.listed.v1 of the portal, which nobody is in. */
const char *api_programme(char ret[static API_EVENT_BYTES], const char *id);
/* Publishes it; its number. */
uint64_t api_publish(struct api_env *env, const char *token, const char *id);

#endif
