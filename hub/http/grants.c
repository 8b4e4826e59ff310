#include "hub/http/grants.h"

#include <string.h>

static const int64_t open_us = 30LL * 60 * 1000000;

void mr_grants_add(struct mr_grants *grants, const struct mr_grant *grant, int64_t now_us)
{
    struct mr_grant *place = &grants->list[0];

    for (size_t i = 1; i < MR_GRANTS_MAX; i++)
        if (grants->list[i].until_us < place->until_us)
            place = &grants->list[i];
    *place = *grant;
    place->until_us = now_us + open_us;
}

const struct mr_grant *mr_grants_next(const struct mr_grants *grants, const uint8_t login[static 32],
        const struct mr_grant *after, int64_t now_us)
{
    const struct mr_grant *end = grants->list + MR_GRANTS_MAX;

    for (const struct mr_grant *it = after ? after + 1 : grants->list; it < end; it++)
        if (it->until_us > now_us && memcmp(it->login, login, sizeof it->login) == 0)
            return it;
    return NULL;
}

const struct mr_grant *mr_grants_find(const struct mr_grants *grants, const uint8_t login[static 32],
        uint64_t number, uint64_t record, const char *case_code, int64_t now_us)
{
    const struct mr_grant *it = NULL;

    while ((it = mr_grants_next(grants, login, it, now_us)) != NULL)
        if (number ? it->number == number : it->record == record && strcmp(it->case_code, case_code) == 0)
            return it;
    return NULL;
}
