/*
 * The hub's state for Prometheus: what marshrut status says, as numbers. Labels are configured names and
 * fixed words only: no ids, no texts of events. Counters begin with the process. Loop thread.
 */
#ifndef MR_HUB_WATCH_METRICS_H
#define MR_HUB_WATCH_METRICS_H

#include "proto/base/buf.h"

struct mr_hub;

void mr_metrics_write(struct mr_hub *hub, struct mr_buf *out);

#endif
