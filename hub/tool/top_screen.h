/* The terminal of `marshrut top`, on ncurses. One at a time: ncurses has one. */
#ifndef MR_HUB_TOOL_TOP_SCREEN_H
#define MR_HUB_TOOL_TOP_SCREEN_H

#include "hub/tool/top_view.h"
#include "proto/base/err.h"

/* MR_EUNSUPPORTED: the terminal is not known. */
int top_screen_open(struct mr_error *reterr);
void top_screen_close(void); /* gives the terminal back as it was */

/* note: the last line; keys and, when there is one, what is the matter. bad: in another colour. */
void top_screen_draw(const struct top_view *view, const char *note, bool bad);
/*
 * Waits for a key for so long, scrolls, draws anew. false: somebody wants to end.
 */
bool top_screen_wait(const struct top_view *view, const char *note, bool bad, int wait_ms);

#endif
