/*
 * Facts folded into the state at one point of the log: who works where, which courses there were, and so on;
 * each thing once, however many systems told it, without what was annulled, with merged persons as one. A
 * pure function of the set. Borrows facts from the set, which must live longer. Wiped when freed. One thread.
 */
#ifndef MR_HUB_PROJECT_FOLD_H
#define MR_HUB_PROJECT_FOLD_H

#include "hub/project/fact.h"
#include "hub/project/keymap.h"
#include "proto/base/tick.h"

/* A growing array; items are plain structs. */
struct mr_vec {
    void *items;
    size_t count, capacity, item_size;
};

struct mr_fold_person {
    uint32_t survivor; /* index of the person that this one is; itself when it was never merged away */
    const struct mr_fact *born; /* NULL: not told */
};

struct mr_fold_employment {
    uint32_t person;
    const struct mr_fact *fact;  /* the last one that says how it is */
    const struct mr_fact *ended; /* NULL: it holds */
};

struct mr_fold_org {
    const struct mr_fact *fact;   /* NULL: nobody described it */
    const struct mr_fact *closed; /* NULL: open */
};

enum { MR_REGISTRY_OWN, MR_REGISTRY_FEDERAL, MR_REGISTRIES };
struct mr_fold_programme {
    const struct mr_fact *listed[MR_REGISTRIES];
    const struct mr_fact *removed[MR_REGISTRIES];
};

/* One finished course of one person (decision 16), told by one or more facts of fold.course_facts. */
struct mr_fold_course {
    uint32_t person;
    const struct mr_fact *finished; /* first of course.finished; NULL: only a document tells of it */
    const struct mr_fact
            *document; /* that names a document, document.issued before the course; NULL: none yet */
    uint32_t ended_on;
    int ended_rank;     /* who told the last day: the course before the document before its issue */
    uint32_t issued_on; /* of the document; its last day when not told */
    const char *kind;   /* PK, PP or "" */
    const char *programme;
    const char *route; /* id of the ИОМ, "" */
};
struct mr_fold_course_fact {
    uint32_t course;
    const struct mr_fact *fact;
};

struct mr_fold_deficit {
    uint32_t person;
    const struct mr_fact *identified; /* NULL: only its end was told */
    const struct mr_fact *closed;     /* NULL: open */
};

struct mr_fold_mentoring {
    const struct mr_fact *started;
    const struct mr_fact *ended;
    uint32_t person;
};

/* Something that a person did on one day. */
struct mr_fold_deed {
    uint32_t person;
    uint32_t on;
    const struct mr_fact *fact;
};

struct mr_fold_value {
    const struct mr_fact *fact; /* MR_FACT_CELL or MR_FACT_OVERRIDE: the last one for this cell */
};

struct mr_courses;
struct mr_fold {
    const struct mr_fact_set *facts;
    const struct mr_fact *items; /* where they lay, and how many there were */
    size_t count, capacity;
    bool *annulled;        /* for each fact */
    size_t annulled_count; /* events */
    struct mr_keymap person_ids, org_ids, programme_ids, idents, keys;
    struct mr_vec persons;    /* struct mr_fold_person, by person_ids */
    struct mr_vec orgs;       /* struct mr_fold_org, by org_ids */
    struct mr_vec programmes; /* struct mr_fold_programme, by programme_ids */
    struct mr_vec employments, courses, course_facts, deficits, enrolments, mentorings, mentees;
    struct mr_vec diagnostics, rediagnostics, routes, contests, internships,
            activities;             /* struct mr_fold_deed */
    struct mr_vec values;           /* struct mr_fold_value */
    struct mr_vec copies;           /* the same: MR_FACT_COPIED */
    const struct mr_fact *campaign; /* NULL: none opened */
    struct mr_vec slots;            /* of keys: what each key leads to */
    struct mr_vec firsts;           /* of idents: index of the event's first fact */
    struct mr_keymap awaited;       /* idents that were annulled before their events came */
    struct mr_courses *told;        /* what the courses are made of */
};

/* tick, also below: NULL, nobody wants to know how far it is. */
int mr_fold_create(struct mr_fold **ret, const struct mr_fact_set *facts, const struct mr_tick *tick);
/*
 * Facts were added at the end of the set: as if it had been made of all of them. 1: it has to be made anew,
 * for something among them changes what came before (an annulment, a merge), or the facts have moved. Else
 * 0, or MR_ENOMEM: what there is then is of no use.
 */
int mr_fold_more(struct mr_fold *fold, const struct mr_tick *tick);
void mr_fold_free(struct mr_fold *fold);

/* The deed or course that the event with this ident told; NULL. */
const struct mr_fact *mr_fold_by_ident(
        const struct mr_fold *fold, const uint8_t ident[static MR_FACT_ID_BYTES]);

/* Typed look at an array. */
#define MR_VEC(vec, type) ((type *)(vec).items)

int mr_vec_push(struct mr_vec *vec, const void *item);
void mr_vec_clear(struct mr_vec *vec); /* wipes */
void mr_vec_fini(struct mr_vec *vec);  /* wipes */

#endif
