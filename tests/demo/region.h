/*
 * A made-up region: municipalities, organisations, teachers, and what will happen to each teacher in the
 * demo. All of it follows from the seed. Names are common ones put together at random; numbers carry valid
 * check digits, from ranges that the demo makes itself, so they are nobody's but by chance.
 */
#ifndef MR_TESTS_DEMO_REGION_H
#define MR_TESTS_DEMO_REGION_H

#include <stdbool.h>
#include <stdint.h>

enum { REGION_MUNICIPALITIES = 3, REGION_PROGRAMMES = 6 };

struct region_municipality {
    const char *name;
    char oktmo[9];
};

struct region_org {
    char ogrn[14];
    char inn[11];
    char name[160]; /* UTF-8 */
    int municipality;
};

struct region_programme {
    char id[16]; /* registry id */
    const char *title;
    const char *area; /* code */
    const char *kind; /* PK, PP */
    int hours;
};

struct region_teacher {
    int org;
    char local_id[12]; /* personnel number */
    char snils[12];
    const char *family;
    const char *given;
    const char *patronymic;
    char birth_date[11]; /* YYYY-MM-DD */
    char hired_on[11];
    char service_since[11];
    bool woman;
    bool manager; /* УК */
    bool part_time;
    int category; /* 0 none, 1 first, 2 highest */
    const char *post;
    bool diagnosed;
    int area; /* index of region_areas; the one with a deficit */
    bool deficit;
    bool course_finished;
    bool course_by_three; /* told by portal, learning environment and training institute */
    bool rediagnosed;
    bool deficit_closed;
    bool contest;
};

struct region {
    struct region_municipality municipalities[REGION_MUNICIPALITIES];
    struct region_org *orgs;
    int orgs_count;
    struct region_org provider; /* the institute (ИРО) */
    struct region_programme programmes[REGION_PROGRAMMES];
    struct region_teacher *teachers;
    int teachers_count;
};

extern const char *const region_areas[6]; /* codes, one programme an area */

/* Never fails but for memory (then NULL). Free with region_free. */
struct region *region_new(uint64_t seed, int orgs, int teachers);
void region_free(struct region *region);

#endif
