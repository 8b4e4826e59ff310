/* JSON documents for people: scalars as aligned lines, lists of alike objects as tables, the rest indented.
 */
#ifndef MR_HUB_TOOL_RENDER_H
#define MR_HUB_TOOL_RENDER_H

#include <jansson.h>
#include <stdio.h>

#include "hub/tool/tool.h"

/* With --json one compact line, keys in the method's order; else as above. */
void tool_render(const struct tool *tool, FILE *out, const json_t *document);

/* Asks a method with one answer and prints it. Steals arguments; returns the exit code. */
int tool_ask_and_render(struct tool *tool, const char *method, json_t *arguments);

#endif
