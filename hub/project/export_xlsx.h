/* The passport as a workbook, and what it shares with the other formats. For export.c only. */
#ifndef MR_HUB_PROJECT_EXPORT_XLSX_H
#define MR_HUB_PROJECT_EXPORT_XLSX_H

#include "hub/project/export.h"

enum { MR_EXPORT_COLUMNS = 9 };
extern const char *const mr_export_columns[MR_EXPORT_COLUMNS];
const char *mr_export_state(const char *state); /* Russian */
const char *mr_export_value(const struct mr_passport *passport, const struct mr_cell *cell,
        enum mr_suppression suppression, char *out, size_t size);

int mr_export_xlsx(const struct mr_passport *passport, const enum mr_suppression *suppressed,
        struct mr_buf *out, struct mr_error *reterr);

#endif
