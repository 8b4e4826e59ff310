#include "hub/edition.h"

#include "hub/matcher.h"
#include "hub/rights.h"

int mr_edition_read(struct mr_config **ret, const struct mr_config *running, struct mr_slice text,
        const char *name, struct mr_error *reterr)
{
    struct mr_config *config = NULL;
    int r = mr_config_parse(&config, text, name, running->dir, reterr);

    if (r == 0)
        r = mr_rights_check(config, name, reterr);
    if (r == 0)
        r = mr_filters_check(config, name, NULL, NULL, reterr);
    if (r == 0)
        r = mr_matcher_check(config, name, reterr);
    if (r < 0)
        mr_config_free(config);
    else
        *ret = config;
    return r;
}
