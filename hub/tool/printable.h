/*
 * Texts from outside (events, files, error texts that quote them) on a person's screen: what could steer a
 * terminal or turn a line around is shown as its code, so nothing that is printed can pretend to be something
 * else. JSON output does not come through here.
 */
#ifndef MR_HUB_TOOL_PRINTABLE_H
#define MR_HUB_TOOL_PRINTABLE_H

#include <stddef.h>
#include <stdio.h>

/* Control characters other than line end and tab, and bytes that are no UTF-8, as \xNN; C1 and bidirectional
 * controls as \u{...}; the rest as it is. */
void tool_put(FILE *out, const char *text);

/* Columns that tool_put() takes on a terminal (no wide or combining characters are expected). */
size_t tool_columns(const char *text);

/* tool_put() and spaces up to this many columns. */
void tool_put_padded(FILE *out, const char *text, size_t columns);

#endif
