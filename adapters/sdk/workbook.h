/* Books of a spreadsheet program, dropped where a table was meant: known by content, whatever they are
 * called. */
#ifndef MR_SDK_WORKBOOK_H
#define MR_SDK_WORKBOOK_H

#include "proto/base/err.h"
#include "proto/base/slice.h"

/* .xlsx (a zip with xl/ or [Content_Types].xml) or .xls (OLE2). */
bool mr_workbook_looks_like(struct mr_slice content);
/* MR_EINVAL with the Russian text for who dropped it; 0 when it is none. */
int mr_workbook_refuse(struct mr_slice content, struct mr_error *reterr);

#endif
