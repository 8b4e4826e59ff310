/*
 * Example events of a configuration (`tests`): each is admitted and matched as the hub would, and must go to
 * exactly the subscriptions that are named. Needs no store. Any thread.
 */
#ifndef MR_HUB_EDITION_EXAMPLE_H
#define MR_HUB_EDITION_EXAMPLE_H

#include "proto/config/config.h"

/* Hears of each test that does not hold: what came out instead, with the place in the configuration. */
typedef void (*mr_example_fn)(void *ctx, const struct mr_error *failure);

/* How many do not hold; MR_ECONFIG (filters that do not compile), MR_ENOMEM. file: the configuration's name.
 */
int mr_examples_try(const struct mr_config *config, const char *file, mr_example_fn failed, void *ctx,
        struct mr_error *reterr);

#endif
