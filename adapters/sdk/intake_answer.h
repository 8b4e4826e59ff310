/*
 * What an intake says about a whole file, and does with it then: read, read before, refused, or nothing that
 * can be read at all. Names go into outputs cleaned, and into the log not at all.
 */
#ifndef MR_SDK_INTAKE_ANSWER_H
#define MR_SDK_INTAKE_ANSWER_H

#include "adapters/sdk/intake_report.h"
#include "adapters/sdk/watch_dir.h"
#include "proto/base/logfmt.h"

/* Receipt and report; the file stays. */
int mr_intake_answer_finished(const struct mr_intake_files_options *options, const char *folder,
        const char *name, const struct mr_intake_state *state, const struct mr_intake_row *bad,
        size_t bad_count, struct mr_slice content);
/* A receipt; the file goes. */
int mr_intake_answer_repeated(const struct mr_intake_files_options *options, const char *folder,
        const char *name, const struct mr_intake_state *state, int64_t now_us);
/* What makes a file unfit before it is mapped: *r becomes MR_EINVAL. Returns the reason for the log. */
const char *mr_intake_unfit(int *r, struct mr_slice content, struct mr_error *error);

struct mr_intake_refusal {
    int64_t now_us;
    const char *reason; /* for the log: "empty", "workbook" ... */
    const uint8_t *id;  /* digest of the content */
};
/* The file goes to rejected/ with a report. */
int mr_intake_answer_refused(const struct mr_intake_files_options *options, const char *folder,
        const char *name, const struct mr_error *error, const struct mr_intake_refusal *refusal);
/* A note in rejected/ and a line in the log, once; the thing itself is left alone. */
int mr_intake_answer_odd(const struct mr_intake_files_options *options, const char *folder, const char *name,
        enum mr_watch_odd odd);

/* The name of a file may hold personal data: the log has the folder and a keyed digest (may be NULL). */
void mr_intake_log(
        enum mr_logfmt_level level, const char *event, const char *folder, const uint8_t *id, int error);
/* A keyed digest to tell names apart in the log. */
void mr_intake_name_digest(const struct mr_intake_files_options *options, const char *folder,
        const char *name, uint8_t ret[static 16]);

#endif
