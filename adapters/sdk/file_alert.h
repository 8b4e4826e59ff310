/*
 * Tells people, by `alerts` of the configuration, that files were refused: the hub never sees those. Once
 * when it begins, again while it goes on, and when it is over. Loop thread.
 */
#ifndef MR_SDK_FILE_ALERT_H
#define MR_SDK_FILE_ALERT_H

#include <uv.h>

#include "proto/config/config.h"

struct mr_file_alert;

/* NULL without `alerts`, or when a secret of it may not be read, which is logged: an adapter goes on without.
 * system: configured. */
struct mr_file_alert *mr_file_alert_open(
        uv_loop_t *loop, const struct mr_config *config, const struct mr_config_system *system);
/* All take NULL. */
void mr_file_alert_refused(struct mr_file_alert *alert); /* one more file */
void mr_file_alert_close(struct mr_file_alert *alert);   /* memory goes when the loop has let go of it */

#endif
