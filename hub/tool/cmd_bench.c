/* marshrut bench: the load on a bus, or by name something else to measure. */
#include <string.h>

#include "hub/tool/bench.h"
#include "proto/base/list.h"

static const struct {
    const char *name;
    int (*run)(struct tool *tool, int argc, char **argv);
} subcommands[] = {
        {"store", tool_bench_store},
        {"keys", tool_bench_keys},
};

static int bench_run(struct tool *tool, int argc, char **argv)
{
    for (size_t i = 0; argc > 1 && i < MR_COUNT(subcommands); i++)
        if (strcmp(argv[1], subcommands[i].name) == 0)
            return subcommands[i].run(tool, argc - 1, argv + 1);
    return tool_bench_bus(tool, argc, argv);
}

const struct tool_command tool_bench = {
        .name = "bench",
        .usage = "(--spawn [--dir DIR] | --keys DIR [--hub ENDPOINT]) [--events N] [--size BYTES]\n"
                 "                      [--window N] [--batch N] [--producers N] [--consumers N] [--person]\n"
                 "                      [--rate N] [--index-lag N]\n"
                 "       marshrut [-c FILE] bench keys DIR [--producers N] [--consumers N]\n"
                 "       marshrut bench store [--dir DIR] [--events N] [--quick]",
        .summary = "load a hub and say how fast it is; measure the store",
        .help = "Publishes events (100,000 of 400 bytes), each one acknowledged after it is on disk, and "
                "takes them as a\n"
                "receiver does. Prints what was published and delivered a second, how long an "
                "acknowledgement and the way\n"
                "to the receiver took, what the hub used. docs/bench.md tells how to read it.\n"
                "  --spawn        a private hub in a temporary folder below DIR (the current one), "
                "encrypted, removed after\n"
                "  --keys DIR     the running hub of the configuration. Its events stay in its log: a hub "
                "for trying.\n"
                "                 `bench keys DIR` makes the keys and prints what to add to the "
                "configuration\n"
                "  --window N     unacknowledged events of a producer (1,000); --batch N events a message "
                "(a fourth of it, at\n"
                "                 most 256)\n"
                "  --person       each event is about a person: sealed\n"
                "  --rate N       offers N events a second, and counts latency from when each was due\n"
                "  --index-lag N  hub.index_lag_max of the private hub (100,000)\n"
                "`bench store` needs no hub: it makes a log of N events (10 million) below DIR and prints "
                "what was measured\n"
                "beside what is required (docs/bench-store.md); --quick: 200,000 events, a minute.\n"
                "Compare ratios of runs that were taken by turns; rates are this machine's at this moment. "
                "Exit code 0 also\n"
                "when something is slow.\n",
        .run = bench_run,
};
