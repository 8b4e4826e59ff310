/* What `marshrut bench` found. One thread. */
#ifndef MR_HUB_TOOL_LOAD_REPORT_H
#define MR_HUB_TOOL_LOAD_REPORT_H

#include "hub/tool/load_hub.h"

struct load_report {
    const struct load_options *options;
    const struct load_peer *producers;
    const struct load_peer *consumers;
    struct load_usage before, after; /* of the hub, around the load */
    double client_cpu_s;             /* of this process */
    bool usage_known;
    uint64_t commits;
    double raw_commit_us; /* of as many events as the hub's commits had, p50; 0: not measured */
    uint64_t index_lag;   /* events, when the last one had been delivered */
};

/* Prints it; TOOL_EXIT_CHECK when an event was delivered more than once, else 0. */
int load_report_print(const struct load_report *report, struct tool *tool);

#endif
