/*
 * Who may annul an event (decision 15): its source, its own system, or two people. Admission and projection
 * ask the same questions. Any thread.
 */
#ifndef MR_HUB_INTAKE_ANNUL_H
#define MR_HUB_INTAKE_ANNUL_H

#include <stdbool.h>

#include "proto/config/config.h"

/* own itself, or below it: "urn:x" has "urn:x:school" and "urn:x/school", never "urn:xy". NULL: none. */
bool mr_source_within(const char *own, const char *source);

/* Two different operators of the configuration. What a sender merely writes is nobody. NULL: nobody. */
bool mr_annul_by_two(const struct mr_config *config, const char *actor, const char *second_actor);

#endif
