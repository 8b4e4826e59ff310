/* The demo's folder: keys, tokens, configuration, empty folders. Layout: docs/operations.md, "The demo's
 * folder". */
#ifndef MR_TESTS_DEMO_SETUP_H
#define MR_TESTS_DEMO_SETUP_H

#include <stdint.h>

#include "proto/base/err.h"

struct setup {
    char dir[256];    /* absolute */
    char config[320]; /* DIR/marshrut.yaml */
    uint16_t hub_port;
    uint16_t http_port;  /* the hub's: console and API */
    uint16_t cnppm_port; /* the adapters' HTTP servers */
    uint16_t portal_port;
    uint16_t cnppm_outside; /* the counterparts' */
    uint16_t portal_outside;
    char cnppm_token[33];
    char portal_token[33];
};

/* Makes everything below dir (created when missing; must hold no configuration yet). 0 or negative with
 * reterr. */
int setup_make(struct setup *ret, const char *dir, struct mr_error *reterr);

#endif
