/*
 * Signs the log: a checkpoint (root of the tree, Ed25519) over durable records only, at most a second behind
 * when there is news, and none when there is not. A thread of its own. Order: root from a snapshot -> it must
 * extend what was signed before -> log.checkpoint, durable -> row of MR_LOG_CHECKPOINT in the writer's next
 * commit, where others see it.
 */
#ifndef MR_HUB_SIGN_CHECKPOINTER_H
#define MR_HUB_SIGN_CHECKPOINTER_H

#include "hub/sign/log_key.h"
#include "store/writer.h"

struct mr_checkpointer;

/* Copies the signer. Signs at once what is not signed yet. */
int mr_checkpointer_start(struct mr_checkpointer **ret, struct mr_house *house, struct mr_writer *writer,
        const struct mr_note_signer *signer, struct mr_error *reterr);
/* fn is called after each checkpoint that is published, on the checkpointer's thread: be short, do not wait.
 */
void mr_checkpointer_tell(struct mr_checkpointer *checkpointer, void (*fn)(void *ctx), void *ctx);
void mr_checkpointer_wake(struct mr_checkpointer *checkpointer);           /* any thread: there is news */
uint64_t mr_checkpointer_size(const struct mr_checkpointer *checkpointer); /* published last; any thread */

/* First: it submits nothing more. Then stop the writer, and then this: signs what came last, and frees. */
void mr_checkpointer_quiet(struct mr_checkpointer *checkpointer); /* NULL is fine */
void mr_checkpointer_stop(struct mr_checkpointer *checkpointer);  /* NULL is fine */

#endif
