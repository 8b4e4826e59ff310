/* One HTTP POST to an adapter on the loopback, tried again until it is taken (2xx), as a real outside system
 * would. */
#ifndef MR_TESTS_DEMO_POST_H
#define MR_TESTS_DEMO_POST_H

#include <stdint.h>

#include "proto/base/slice.h"

struct post_request {
    uint16_t port;
    const char *path;
    const char *token;      /* bearer; NULL: none */
    const char *header;     /* one more header line; NULL: none */
    struct mr_slice body;   /* JSON */
    int (*tick)(void *ctx); /* between tries; negative stops */
    void *tick_ctx;
};

/* 0 taken; MR_EINVAL: refused for good (4xx other than 408, 425, 429); MR_ETIMEOUT. */
int post_until_taken(const struct post_request *request);

#endif
