/*
 * Room on the file system of hub.store. Below hub.space_watermark_mb the hub is read-only before the disk is
 * full, and goes on by itself when there is room again. A ballast file (hub.ballast_mb, really allocated) is
 * let go when a commit found no room all the same, so that what was begun, cursors and an orderly stop have
 * some; it is made again when there is plenty.
 *
 * Loop thread. Says what changes in log lines.
 */
#ifndef MR_HUB_KEEP_SPACE_H
#define MR_HUB_KEEP_SPACE_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/config/config.h"

struct mr_space {
    const struct mr_config_hub *config; /* borrowed */
    uint64_t free_bytes;
    bool low;     /* read-only for want of room */
    bool ballast; /* is there */
};

/* Before the store is opened: with next to nothing left the ballast goes, so that it can be. */
void mr_space_begin(struct mr_space *space, const struct mr_config_hub *config);
/* Every second. wanting: a commit waits for room. */
void mr_space_look(struct mr_space *space, bool wanting);
void mr_space_release(struct mr_space *space); /* the ballast */

#endif
