/*
 * Where the files of an intake lie and how a person is asked about one: a note
 * "<name>.ТРЕБУЕТ-ПОДТВЕРЖДЕНИЯ.txt" beside it, answered by an empty file "ПОДТВЕРДИТЬ-<name>" or by renaming
 * the file itself so.
 */
#ifndef MR_SDK_INTAKE_PLACE_H
#define MR_SDK_INTAKE_PLACE_H

#include <limits.h>
#include <stdbool.h>

#include "proto/base/buf.h"
#include "proto/base/err.h"

/* base/folder, or base. */
void mr_intake_dir(const char *base, const char *folder, char out[static PATH_MAX]);
void mr_intake_path(const char *in, const char *folder, const char *name, char out[static PATH_MAX]);
/* Without the confirming prefix; name itself when it has none. */
const char *mr_intake_shown_name(const char *name);

enum { MR_INTAKE_NAME_MAX = 256 };
/* That name for outputs and reports: one that is no clean UTF-8 loses its odd bytes and gets a mark. Returns
 * out. */
const char *mr_intake_safe_name(const char *name, char out[static MR_INTAKE_NAME_MAX]);

bool mr_intake_confirmed(const char *in, const char *folder, const char *name);
bool mr_intake_is_question(const char *name);
/* Is name a confirmation of another file that lies beside it? */
bool mr_intake_is_confirmation(const char *in, const char *folder, const char *name);
/* Removes the note when the file that it asks about has gone. */
void mr_intake_forget_question(const char *in, const char *folder, const char *name);
/* lines: said below the question; may be empty. */
int mr_intake_ask(const char *in, const char *folder, const char *name, const struct mr_error *question,
        struct mr_buf *lines);

/* The file with its note and confirmation. */
void mr_intake_remove(const char *in, const char *folder, const char *name);

#endif
