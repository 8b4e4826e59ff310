/*
 * Answers that may be larger than a frame: asked for in pages, and put together to the one document that it
 * would be. What changes in between is seen as it is when its page is asked.
 */
#ifndef MR_HUB_TOOL_PAGES_H
#define MR_HUB_TOOL_PAGES_H

#include "hub/tool/tool.h"

/*
 * As tool_ask_one(), of a method with `limit`, `after` and `next`. `lists`: its members that go on from page
 * to page, ends with NULL; a `more` or the like of a later page holds for the whole. Takes the reference to
 * arguments.
 */
json_t *tool_pages_ask(struct tool *tool, const char *method, json_t *arguments, unsigned limit,
        const char *const lists[], int *ret_exit);

#endif
