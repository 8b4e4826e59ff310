/* A closed store with something of everything, for tests of what lies on the disk. */
#ifndef MR_TESTS_FULL_STORE_H
#define MR_TESTS_FULL_STORE_H

#include "tests/support/hub_env.h"

/*
 * Publishes `events` events (open, sealed, some quarantined), indexes and signs them, closes the house; then
 * puts rows of deliveries, and moves the records up to `closed` into a segment. Returns the log's head.
 */
uint64_t full_store(struct hub_env *env, unsigned events, uint64_t closed);

#endif
