/*
 * One question to the hub: a method of hub/audit/method.h with JSON arguments. With a hub running it goes
 * over the admin socket as Query / Result frames; without one, reading methods run here on the store opened
 * read-only (decision 24: then no personal value is shown). Acting methods need a running hub.
 */
#ifndef MR_HUB_TOOL_ASK_H
#define MR_HUB_TOOL_ASK_H

#include <jansson.h>

#include "hub/tool/tool.h"

/* Gets each answer document (borrowed). Non-zero stops. */
typedef int (*tool_answer_fn)(void *ctx, json_t *document);

/* Steals arguments. 0, the callback's value, or a negative code with reterr. */
int tool_ask(struct tool *tool, const char *method, json_t *arguments, tool_answer_fn answer, void *ctx,
        struct mr_error *reterr);

/*
 * The same for a method with one answer that may be asked twice (publish: ids keep events apart). When the
 * hub ends before it has answered, the next one is asked, for up to again_ms. *met: a hub was there before,
 * so one that is not there now is waited for too; set here. Borrows arguments.
 */
int tool_ask_again(struct tool *tool, const char *method, const json_t *arguments, int again_ms, bool *met,
        tool_answer_fn answer, void *ctx, struct mr_error *reterr);

/* The one document of a method that answers with one; a new reference, NULL after saying why (*ret_exit is
 * set). */
json_t *tool_ask_one(struct tool *tool, const char *method, json_t *arguments, int *ret_exit);

/* Is a hub answering on the admin socket? */
bool tool_hub_runs(struct tool *tool);

#endif
