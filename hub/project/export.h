/*
 * The passport as a file. Cells that count fewer persons than passport.suppress_below are withheld, and where
 * one part of a breakdown would then follow from the others, the next smallest too (decision 7).
 */
#ifndef MR_HUB_PROJECT_EXPORT_H
#define MR_HUB_PROJECT_EXPORT_H

#include "hub/project/passport.h"

enum mr_suppression { MR_SHOWN, MR_SUPPRESSED_SMALL, MR_SUPPRESSED_BESIDE };
/* One for each cell; free() it. NULL: out of memory. */
enum mr_suppression *mr_export_suppress(const struct mr_passport *passport);

/* json, csv (';', UTF-8 with BOM) or xlsx; appended to out. MR_EINVAL: no such format. */
int mr_export(
        const struct mr_passport *passport, const char *format, struct mr_buf *out, struct mr_error *reterr);

#endif
