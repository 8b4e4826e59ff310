/* What is or may be a person's has no place in an address: addresses stay in histories of browsers, in logs
 * of proxies and in caches. Loop thread. */
#ifndef MR_HUB_HTTP_PERSONAL_H
#define MR_HUB_HTTP_PERSONAL_H

#include <stdbool.h>
#include <stdint.h>

#include "hub/http/route.h"

/* A СНИЛС, an address of mail, a telephone, series and number of a passport, however they are divided, or
 * anything that is not ASCII (names are not). A whole number up to `head` is a log number. Pure. */
bool mr_personal_like(const char *text, uint64_t head);

/* false: answered, path or query has such a value; it is not repeated. */
bool mr_api_address_is_clean(const struct mr_api_request *request);

#endif
