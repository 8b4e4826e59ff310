/*
 * What the log is signed with: log.key (Ed25519) beside the root key, made at the first start; and
 * log.checkpoint beside it, the checkpoint signed last. That one stands outside of the log on purpose: a log
 * that was taken back to an older backup, or is another one, is refused, because signing it would contradict
 * what was signed before. Blocking file I/O; any thread, one at a time.
 */
#ifndef MR_HUB_SIGN_LOG_KEY_H
#define MR_HUB_SIGN_LOG_KEY_H

#include "hub/house.h"
#include "store/checkpoint.h"

/*
 * The log's name for ever, from hub.source without its scheme: "urn:marshrut:24:hub" is "marshrut/24/hub",
 * "https://hub.example/24/" is "hub.example/24". MR_ECONFIG: that gives no name.
 */
int mr_log_origin(
        const struct mr_config *config, char out[static MR_NOTE_NAME_BYTES_MAX + 1], struct mr_error *reterr);

/*
 * Opens the key, or makes one where nothing was ever signed; tells its public half in MR_LOG_META "vkey"; and
 * holds the log against log.checkpoint. Before the writer starts. MR_ECORRUPT: the log is shorter than what
 * was signed, or another one. MR_ENOTFOUND: a file is missing though the log was signed. Wipe the signer.
 */
int mr_log_key_open(struct mr_note_signer *ret, struct mr_house *house, struct mr_error *reterr);

/*
 * Looks only: log.key against the key that the log tells, log.checkpoint against key and log. MR_ECORRUPT,
 * MR_EMALFORMED, MR_ENOTFOUND, MR_ECONFIG with the file in where; 0 too for a log that was never signed.
 */
int mr_log_key_check(const struct mr_config *config, struct mr_log *log, struct mr_error *reterr);

/* The verifier's key as the log tells it; read-only houses too. MR_ENOTFOUND: a hub never ran on it. */
int mr_log_key_public(struct mr_note_key *ret, struct mr_log *log, struct mr_error *reterr);

/* Replaces log.checkpoint, durably, before the checkpoint is shown to anybody. */
int mr_log_signed_write(const struct mr_config *config, struct mr_slice note, struct mr_error *reterr);

#endif
