/* Errors of the API: application/problem+json (RFC 9457), with the field and the cure as members of their
 * own. */
#ifndef MR_HUB_HTTP_PROBLEM_H
#define MR_HUB_HTTP_PROBLEM_H

#include <jansson.h>
#include <stdbool.h>

#include "proto/base/err.h"
#include "proto/loop/http_server.h"

/*
 * status 0: the code's own. code: negative, of proto/base/err.h; its name is the problem's type
 * ("urn:marshrut:problem:not-found"). error NULL: the code's text.
 */
void mr_problem_answer(
        struct mr_http_exchange *exchange, unsigned status, int code, const struct mr_error *error);
/* The same of texts. */
void mr_problem_say(struct mr_http_exchange *exchange, unsigned status, int code, const char *where,
        const char *what, const char *cure);
/* 429, with what is to be waited: at least a second. */
void mr_problem_later(struct mr_http_exchange *exchange, const char *where, const char *what,
        const char *cure, uint32_t wait_s);
/* RFC 9110, 12.5.3: does who asks take gzip? */
bool mr_api_takes_gzip(const struct mr_http_request *request);
/* An answer of the API, with the headers that all of them have and a strong ETag: 304 when the asker has it.
 * cache NULL: private, to be asked again each time. Packed for who takes it, but what nobody keeps
 * (no-store): there values of persons and secrets stand beside what others wrote (docs/api.md, "Smaller
 * answers"). */
void mr_api_answer(const struct mr_http_request *request, unsigned status, const char *content_type,
        const char *cache, struct mr_slice body);
/* The same of a document that nobody keeps (no-store): 200. Takes the reference; NULL: out of memory. */
void mr_api_answer_json(const struct mr_http_request *request, json_t *json);
/* The same of JSON with a tag of its own (without the quotes): what If-Match of an act can be held against.
 */
void mr_api_answer_as(const struct mr_http_request *request, const char *tag, struct mr_slice body);
/* The headers that all of them have, for an answer that is made elsewhere. */
void mr_api_answer_headers(struct mr_http_exchange *exchange);
/* An answer that is given once: without a tag, and kept by nobody. */
void mr_api_answer_once(
        struct mr_http_exchange *exchange, unsigned status, const char *content_type, struct mr_slice body);
/* The same of a page, under its own Content-Security-Policy: 200. */
void mr_api_answer_under(const struct mr_http_request *request, const char *content_type, const char *policy,
        struct mr_slice body);

#endif
