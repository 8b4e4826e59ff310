/* Which tellings are one course: person + programme + last day, or a number of a document, or the event that
 * a document names (decision 16). For fold.c only. */
#ifndef MR_HUB_PROJECT_COURSE_H
#define MR_HUB_PROJECT_COURSE_H

#include "hub/project/fold.h"

/* Tellings are gathered, then grouped at the end: which come first does not matter. */
struct mr_telling {
    uint32_t person;
    uint32_t group;             /* of a union-find; the smallest index of its group at the root */
    const struct mr_fact *fact; /* MR_FACT_FINISHED or MR_FACT_DOCUMENT */
};
struct mr_courses {
    struct mr_vec tellings;
    struct mr_keymap keys;
    struct mr_vec first; /* uint32_t: for each key the first telling with it */
    size_t finished;     /* tellings that the fold has */
};
void mr_courses_init(struct mr_courses *courses);
void mr_courses_fini(struct mr_courses *courses);
int mr_courses_tell(struct mr_courses *courses, uint32_t person, const struct mr_fact *fact);
/* Fills fold->courses and fold->course_facts; again when more was told. */
int mr_courses_finish(struct mr_courses *courses, struct mr_fold *fold);

#endif
