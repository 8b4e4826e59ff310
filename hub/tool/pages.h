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

/* Does `next` of this answer say where to go on? It is a number, 0 at the end, or a text, empty at the end.
 */
bool tool_pages_more(const json_t *page);

#endif
