/*
 * What people get back about a file: a receipt in done/, and when rows were bad, those rows in rejected/ with
 * a report. Written by temp, fsync, rename; the same texts when written again after a kill.
 */
#ifndef MR_SDK_INTAKE_REPORT_H
#define MR_SDK_INTAKE_REPORT_H

#include "adapters/sdk/intake_file.h"
#include "adapters/sdk/intake_state.h"

struct mr_intake_report {
    const char *done_dir, *rejected_dir; /* with the sub-folder; they exist */
    const char *folder, *name;
    const char *place;    /* of rejected_dir, as people know it: "rejected/<folder>" */
    const char *timezone; /* IANA name; NULL: UTC */
    const struct mr_intake_state *state;
    const struct mr_intake_row *bad; /* mr_intake_rows_bad() */
    size_t bad_count;
    const struct mr_field_column *columns; /* may be NULL */
    mr_map_fn map;
    void *map_ctx;
};

/* The mapper is run again over the content for lines, values and its own problems. */
int mr_intake_report_write(const struct mr_intake_report *report, struct mr_slice content);
/* The whole content was read before: a receipt only. erased: numbers of the requests to erase a person that
 * were answered since, or "". */
int mr_intake_report_repeated(const struct mr_intake_report *report, int64_t now_us, const char *erased);
/* The file as a whole was refused; error in Russian. It lies in rejected/ as `kept`. */
int mr_intake_report_refused(const struct mr_intake_report *report, int64_t now_us, const char *kept,
        const struct mr_error *error);

#endif
