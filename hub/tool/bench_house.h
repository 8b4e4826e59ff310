/*
 * The made-up house of a benchmark: a configuration without a file, in a folder of its own, with persons
 * whose keys are kept at hand. One thread; the house's own threads are started by whoever needs them.
 */
#ifndef MR_HUB_TOOL_BENCH_HOUSE_H
#define MR_HUB_TOOL_BENCH_HOUSE_H

#include "hub/house.h"
#include "hub/record/seal.h"

struct bench_house {
    struct mr_config *config;
    struct mr_house house;
    bool open;
    struct mr_seal_person *persons; /* secret keys: wiped at the end */
    size_t persons_count;
};

/* segment_events: of hub.segment_events. */
int bench_house_init(
        struct bench_house *ret, const char *dir, uint32_t segment_events, struct mr_error *reterr);
void bench_house_fini(struct bench_house *bench);
int bench_house_open(struct bench_house *bench, struct mr_error *reterr);
void bench_house_close(struct bench_house *bench);
/* Makes that many persons; the house is open and has none yet. */
int bench_house_people(struct bench_house *bench, size_t count, struct mr_error *reterr);

#endif
