/* The hashes of an intake's open leaves: not as each is made, but together. Prepare thread. */
#ifndef MR_HUB_INTAKE_PREPARE_LEAVES_H
#define MR_HUB_INTAKE_PREPARE_LEAVES_H

#include "hub/intake/dedup.h"
#include "hub/intake/prepare.h"

/* Tells them to spans and items, repeats within the intake included, and to dedup. After its last item. */
void mr_prepare_leaves(struct mr_intake *intake, struct mr_dedup *dedup);

#endif
