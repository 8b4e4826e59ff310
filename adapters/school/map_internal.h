/* What the readers of the three kinds of school files share: one school, one file. */
#ifndef MR_SCHOOL_MAP_INTERNAL_H
#define MR_SCHOOL_MAP_INTERNAL_H

#include "adapters/school/map_school.h"
#include "event/employment.pb-c.h"
#include "event/org.pb-c.h"
#include "event/person.pb-c.h"
#include "proto/base/buf.h"

enum { MR_SCHOOL_KEY_BYTES = 16, MR_SCHOOL_KEY_TEXT = 2 * MR_SCHOOL_KEY_BYTES + 1 };

struct mr_school_file {
    const struct mr_school_map *map;
    const char *ogrn;
    struct mr_row_sink *sink;
    struct mr_error *error;
    char actor[32];
    struct mr_buf seen;    /* keys of employments in this file, MR_SCHOOL_KEY_BYTES each */
    struct mr_buf persons; /* and of the persons of rows with a СНИЛС */
    bool without_snils;    /* some row had none */
    bool kinds[256];       /* of the rows' keys, by first letter */
    uint32_t problems;
    bool row_bad;
    uint32_t line;
};

/* An employment as a row says it. Strings are borrowed. */
struct mr_school_employment {
    const char *key_kind, *key;           /* what identifies it in the school's own system */
    const char *person_kind, *person_key; /* as given to mr_school_send_person() */
    Nms__Event__V1__Person *person;
    const char *post, *staff_group, *qual_category, *part_time, *started_on, *service_since, *ended_on;
};

/* An employment that is remembered, by keyed digests only. */
struct mr_school_known {
    uint8_t key[MR_SCHOOL_KEY_BYTES];    /* its id */
    uint8_t local[MR_SCHOOL_KEY_BYTES];  /* the person's id in the school's own system */
    uint8_t person[MR_SCHOOL_KEY_BYTES]; /* of the СНИЛС; zeros: not known */
    char kind;                           /* first letter of key_kind; 0: not known (rows of before) */
    uint32_t line;                       /* in the last list that had it; 0: not known */
};

/* map_row.c */
void mr_school_row(struct mr_school_file *file, uint32_t line, const char *raw);
void mr_school_problem(struct mr_school_file *file, const char *column, const char *value,
        const char *problem, const char *cure);
/* Digits of a СНИЛС into out; "" when empty. Says the problem when there are not 11. */
void mr_school_snils(struct mr_school_file *file, const char *column, const char *text, char out[static 12]);
/* ISO date; "" when empty. Says the problem when it is no date, or is needed and empty. */
void mr_school_date(
        struct mr_school_file *file, const char *column, const char *text, bool needed, char out[static 11]);
/* text, after saying the problem when it is empty. */
const char *mr_school_needed(struct mr_school_file *file, const char *column, const char *text);
/* The code for a title or code of the list, or the text itself after a doubt: the hub will hold it. */
const char *mr_school_code(
        struct mr_school_file *file, const char *column, const char *list, const char *text);
void mr_school_own_ogrn(struct mr_school_file *file, const char *column, const char *text);

/* map_event.c: nothing is sent of a row with problems */
int mr_school_send_org(struct mr_school_file *file, const Nms__Event__V1__OrgUpserted *org);
int mr_school_send_person(
        struct mr_school_file *file, Nms__Event__V1__Person *person, const char *key_kind, const char *key);
int mr_school_send_employment(struct mr_school_file *file, const struct mr_school_employment *employment);
int mr_school_send_ended(struct mr_school_file *file, uint32_t line, const char *id,
        Nms__Event__V1__Person *person, const char *employment_id, const char *ended_on);

/* map_full.c: own rows "s." + letter + ОГРН + key */
enum {
    MR_SCHOOL_OGRN_BYTES = 13,
    MR_SCHOOL_ROW_PREFIX = 3 + MR_SCHOOL_OGRN_BYTES,
    MR_SCHOOL_ROW_KEY = MR_SCHOOL_ROW_PREFIX + MR_SCHOOL_KEY_BYTES
};
/* key NULL: the prefix only */
void mr_school_row_key(const struct mr_school_file *file, char letter, const uint8_t *key,
        uint8_t out[static MR_SCHOOL_ROW_KEY]);
/*
 * Remembers it, or that it has ended. A row without a table number takes the id under which this person's
 * employment is remembered, so that leaving the column out makes no second employment.
 */
int mr_school_note_employment(struct mr_school_file *file, struct mr_school_known *known, bool ended);
/* After a full list: who was employed before and is absent. 0, 1 (asks), negative. */
int mr_school_end_absent(struct mr_school_file *file);
/* Id of a person or employment of this school, keyed: never the number itself. */
void mr_school_key(struct mr_school_file *file, const char *kind, const char *value,
        uint8_t ret[static MR_SCHOOL_KEY_BYTES]);

/* map_staff.c, map_org.c, map_oneroster.c */
int mr_school_map_staff(struct mr_school_file *file, const struct mr_table *table, bool full);
int mr_school_map_orgs(struct mr_school_file *file, const struct mr_table *table);
int mr_school_map_oneroster(struct mr_school_file *file, struct mr_slice content);

#endif
