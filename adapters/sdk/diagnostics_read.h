/*
 * Inside the diagnostics mapper: the rows of one result number as they stand in the table
 * (diagnostics_read.c), from which map_diagnostics.c makes events. Not for other files.
 */
#ifndef MR_SDK_DIAGNOSTICS_READ_H
#define MR_SDK_DIAGNOSTICS_READ_H

#include "adapters/sdk/map_diagnostics.h"
#include "adapters/sdk/sheet.h"
#include "event/assessment.pb-c.h"
#include "proto/base/arena.h"

enum { AREAS_MAX = 64, NUMBER_BYTES_MAX = 64, GROUP_ARENA_BYTES = 1024 * 1024 };

enum column {
    NUMBER,
    SNILS,
    LOCAL_ID,
    FAMILY,
    GIVEN,
    PATRONYMIC,
    DATE,
    INSTRUMENT,
    SCALE,
    AREA,
    SCORE,
    MAXIMUM,
    SCORE_BEFORE,
    LEVEL,
    LEVEL_BEFORE,
    LEVEL_WHOLE,
    DEFICIT,
    COMPETENCE,
    SEVERITY,
    RECOMMENDATION,
    KIND,
    BASELINE,
    COURSE,
    COLUMNS
};

enum deficit { DEFICIT_UNSAID, DEFICIT_YES, DEFICIT_NO };

/* One row. */
struct area {
    size_t row;
    Nms__Event__V1__AreaScore score;
    Nms__Event__V1__AreaChange change;
    bool has_change;
    enum deficit deficit;
    char *competence;
};

/* The rows of one number. Strings in the arena. */
struct result {
    const struct mr_diagnostics_map *map;
    struct mr_sheet *sheet;
    struct mr_arena arena;
    const size_t *rows;
    size_t rows_count;
    bool again;
    char *number;
    char *date;
    char *baseline_number; /* "" when none */
    char *event_id;
    Nms__Event__V1__Person person;
    struct area areas[AREAS_MAX];
};

extern const struct mr_sheet_column mr_diagnostics_sheet[COLUMNS];

/* A copy in the result's arena. */
char *mr_diagnostics_keep(struct result *result, const char *text);
/* The code of a title or code in a column; what is in no list goes as typed. */
char *mr_diagnostics_code(struct result *result, size_t row, enum column column, const char *list);

/* Number, date, kind, person and baseline of the first row; one row's area; all of them. false: a problem was
 * told. */
bool mr_diagnostics_read_head(struct result *result);
bool mr_diagnostics_read_area(struct result *result, struct area *area);
bool mr_diagnostics_read(struct result *result);

#endif
