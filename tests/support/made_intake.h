/* An intake as the writer gives it back: its records are made and numbered, nothing else is in it. */
#ifndef MR_TESTS_MADE_INTAKE_H
#define MR_TESTS_MADE_INTAKE_H

#include "hub/intake/prepare.h"

struct mr_intake *made_intake(void);
void made_intake_add(struct mr_intake *intake, const struct mr_record *record);

#endif
