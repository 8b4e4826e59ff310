/* What is asked of terminfo, apart: term.h has macros of common words. */
#ifndef MR_HUB_TOOL_TOP_SCREEN_TERM_H
#define MR_HUB_TOOL_TOP_SCREEN_TERM_H

#include <stdbool.h>

/* Is there a terminal that TERM names? Asked before ncurses is begun: it leaks when there is none. */
bool top_screen_term_known(void);

#endif
