/* Reasons, cures and fields of what was put aside, in Russian, as the people know them who have to mend it.
 */
#ifndef MR_HUB_TOOL_QUARANTINE_WORDS_H
#define MR_HUB_TOOL_QUARANTINE_WORDS_H

#include <jansson.h>

/* Members reason, cure and field of the object, by its code. */
void tool_quarantine_russian(json_t *event);

#endif
