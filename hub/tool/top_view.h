/* What `marshrut top` shows, made of two answers of hub.status: lines of text. Pure functions. */
#ifndef MR_HUB_TOOL_TOP_VIEW_H
#define MR_HUB_TOOL_TOP_VIEW_H

#include <jansson.h>
#include <stddef.h>

enum { TOP_LINE_BYTES = 256 };
enum top_kind { TOP_PLAIN, TOP_HEAD, TOP_BAD }; /* BAD: something to look at */

struct top_line {
    enum top_kind kind;
    char text[TOP_LINE_BYTES];
};

struct top_view {
    struct top_line *lines;
    size_t count, capacity;
    size_t fixed; /* so many stay at the top when the rest is scrolled */
};

/* before: an earlier answer of the same hub, for rates; NULL, or of another run of the hub: rates are "-".
 * MR_ENOMEM. */
int top_view_make(struct top_view *view, const json_t *before, const json_t *now);
void top_view_fini(struct top_view *view);

#endif
