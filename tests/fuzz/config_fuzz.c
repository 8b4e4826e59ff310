/* Configuration text: mr_config_parse(), mr_config_code_find(), mr_filters_check(),
 * mr_minimise_check(). */
#include <stdint.h>

#include "hub/filter.h"
#include "hub/minimise.h"
#include "proto/config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mr_config *config = NULL;
    struct mr_error error;

    if (mr_config_parse(&config, mr_slice(data, size), "fuzz.yaml", "/base", &error) == 0) {
        (void)mr_config_code_find(config, "qual_category", config->region);
        (void)mr_filters_check(config, "fuzz.yaml", NULL, NULL, &error);
        (void)mr_minimise_check(config, "fuzz.yaml", &error);
        mr_config_free(config);
    }
    return 0;
}
