/* Configuration text: mr_config_parse(), mr_config_code_find(), mr_filters_check(),
 * mr_minimise_check(); mr_config_diff() with itself: nothing. */
#include <stdint.h>
#include <stdlib.h>

#include "hub/route/filter.h"
#include "hub/deliver/minimise.h"
#include "proto/config/config_diff.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int on_change(void *ctx, const struct mr_config_change *change)
{
    (void)ctx;
    (void)change;
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mr_config *config = NULL;
    struct mr_error error;

    if (mr_config_parse(&config, mr_slice(data, size), "fuzz.yaml", "/base", &error) == 0) {
        (void)mr_config_code_find(config, "qual_category", config->region);
        (void)mr_filters_check(config, "fuzz.yaml", NULL, NULL, &error);
        (void)mr_minimise_check(config, "fuzz.yaml", &error);
        (void)mr_config_diff(config, config, on_change, NULL);
        mr_config_free(config);
    }
    return 0;
}
