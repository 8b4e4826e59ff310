/* People at the HTTP API of a spawned hub: let in by an invitation, asking with their cookie; and events sent
 * with a token of a system. Fails the test when something does not work that must. */
#ifndef MR_TESTS_PEOPLE_H
#define MR_TESTS_PEOPLE_H

#include <jansson.h>

#include "tests/support/http_ask.h"

#define PEOPLE_PASSWORD "four words are enough"

enum { PEOPLE_SECRET_BYTES = 64 };

struct person {
    char name[40];
    char cookie[PEOPLE_SECRET_BYTES];
    char csrf[PEOPLE_SECRET_BYTES];
};

struct people {
    const struct spawn *spawn;
    uint16_t port;
    struct http_ask ask; /* the last one, with its answer */
};

/* Runs the tool: marshrut -c CONFIG --json --as WHO ARGUMENTS...; its one JSON document, the caller's. */
json_t *people_tool(const struct people *people, const char *who, const char *const arguments[]);

/* An operator of the configuration; boss has the role admin. */
void people_let_in(struct people *people, struct person *person, const char *boss, const char *name);
/* Sets the password by an invitation's secret. */
void people_accept(struct people *people, struct person *person, const char *name, const char *secret);
/* Logs in once more; the status. */
int people_log_in(struct people *people, struct person *person, const char *name);

int people_ask(struct people *people, const struct person *person, const char *method, const char *path,
        const char *body); /* the status */
/* With If-Match; NULL: without. */
int people_ask_if(struct people *people, const struct person *person, const char *method, const char *path,
        const char *if_match, const char *body);
int people_get(struct people *people, const struct person *person, const char *path);
/* The last answer; the caller's. */
json_t *people_json(const struct people *people);
/* A text, or a number, of the last answer. */
const char *people_said(const struct people *people, const char *key, char ret[static 256]);
json_int_t people_number(const struct people *people, const char *key);

/* A token to publish as a system of the configuration; then one event, as JSON: its number. verdict NULL:
 * any. */
void people_token(const struct people *people, const char *boss, const char *system, char ret[static 64]);
json_int_t people_publish(struct people *people, const char *token, const char *event, const char *verdict);

void people_fini(struct people *people);

#endif
