#include "hub/tool/load.h"

#include <stdlib.h>

#include "proto/base/clock.h"

uint64_t load_share(const struct load_options *options, uint32_t producer, uint64_t *first)
{
    uint64_t each = options->events / options->producers;
    uint64_t more = options->events % options->producers; /* the first ones have one more */

    *first = each * producer + (producer < more ? producer : more);
    return each + (producer < more);
}

int64_t load_now_us(const struct load *load)
{
    return mr_clock_monotonic_us(mr_clock_system()) - load->start_us;
}

int load_fail(struct load *load, const struct mr_error *error)
{
    (void)pthread_mutex_lock(&load->lock);
    if (load->error.code == 0)
        load->error = *error;
    (void)pthread_mutex_unlock(&load->lock);
    atomic_store(&load->stop, true);
    return error->code;
}

int load_samples_init(struct load_samples *samples, uint64_t expected)
{
    size_t stride = (size_t)(expected / LOAD_SAMPLES_MAX + 1);

    *samples = (struct load_samples){.stride = stride};
    samples->us = calloc((size_t)(expected / stride) + 1, sizeof *samples->us);
    return samples->us ? 0 : MR_ENOMEM;
}

void load_samples_fini(struct load_samples *samples)
{
    free(samples->us);
    *samples = (struct load_samples){0};
}

void load_samples_add(struct load_samples *samples, double us)
{
    if (samples->seen++ % samples->stride == 0)
        samples->us[samples->count++] = us;
}
