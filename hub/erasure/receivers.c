#include "hub/erasure/receivers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub/deliver/minimise.h"
#include "proto/base/bytes.h"
#include "proto/base/logfmt.h"

enum { VERSION_KEY_BYTES = 4, IDS = UINT16_MAX + 1, NAME_BYTES = 40 };

/* One subscription, unchanged from one version to another. */
struct period {
    uint32_t from, to;
    uint32_t before; /* place plus 1 of the one before it, of the same subscription; 0: none */
    enum mr_personal personal;
    uint32_t withheld;
    char system[NAME_BYTES];
};

struct mr_receivers {
    const struct mr_house *house;
    struct period *periods;
    size_t count, capacity;
    uint32_t last[IDS]; /* by the subscription's id: place plus 1; 0: none */
    uint32_t read;      /* version that was read before the one that is read */
};

static int add_period(struct mr_receivers *r, uint16_t id, const struct period *period)
{
    if (r->count == r->capacity) {
        size_t capacity = r->capacity ? 2 * r->capacity : 64;
        struct period *grown = realloc(r->periods, capacity * sizeof *grown);

        if (!grown)
            return MR_ENOMEM;
        r->periods = grown;
        r->capacity = capacity;
    }
    r->periods[r->count] = *period;
    r->periods[r->count].before = r->last[id];
    r->last[id] = (uint32_t)++r->count;
    return 0;
}

static int add_subscription(
        struct mr_receivers *r, uint32_t version, const struct mr_config_subscription *subscription)
{
    uint16_t id = mr_names_id(r->house->names, MR_NAME_SUBSCRIPTION, subscription->name);
    struct period *last = r->last[id] ? &r->periods[r->last[id] - 1] : NULL;
    struct period now = {.from = version,
            .to = version,
            .personal = subscription->personal,
            .withheld = mr_minimise_withheld(subscription)};

    if (id == 0)
        return 0; /* nothing was ever matched to it */
    (void)snprintf(now.system, sizeof now.system, "%s", subscription->system);
    if (last && last->to >= r->read && last->personal == now.personal && last->withheld == now.withheld &&
            strcmp(last->system, now.system) == 0) {
        last->to = version;
        return 0;
    }
    return add_period(r, id, &now);
}

static int add_config(struct mr_receivers *r, uint32_t version, const struct mr_config *config)
{
    int failed = 0;

    for (uint32_t i = 0; failed == 0 && i < config->subscriptions_count; i++)
        failed = add_subscription(r, version, &config->subscriptions[i]);
    r->read = version;
    return failed;
}

static int on_version(void *ctx, struct mr_slice key, struct mr_slice text)
{
    struct mr_receivers *r = ctx;
    struct mr_config *config = NULL;
    struct mr_error error = {0};
    char name[32];
    uint32_t version;
    int failed;

    if (key.size != VERSION_KEY_BYTES)
        return MR_ECORRUPT;
    version = mr_get_be32(key.data);
    if (version == r->house->config_version)
        return add_config(r, version, r->house->config);
    (void)snprintf(name, sizeof name, "version-%u", version);
    failed = mr_config_parse(&config, text, name, r->house->config->dir, &error);
    if (failed == MR_ENOMEM)
        return failed;
    if (failed < 0) {
        mr_warn("erasure.old_configuration", "version", MR_N(version), "where", error.where, "what",
                error.what);
        return 0;
    }
    failed = add_config(r, version, config);
    mr_config_free(config);
    return failed;
}

int mr_receivers_open(struct mr_receivers **ret, const struct mr_house *house, struct mr_log_reader *reader)
{
    struct mr_receivers *r = calloc(1, sizeof *r);
    int failed;

    if (!r)
        return MR_ENOMEM;
    r->house = house;
    failed = mr_log_rows(reader, MR_LOG_CONFIG, (struct mr_slice){0}, (struct mr_slice){0}, on_version, r);
    if (failed < 0) {
        mr_receivers_free(r);
        return failed;
    }
    *ret = r;
    return 0;
}

void mr_receivers_free(struct mr_receivers *receivers)
{
    if (!receivers)
        return;
    free(receivers->periods);
    free(receivers);
}

int mr_receivers_of(
        const struct mr_receivers *receivers, const struct mr_record *record, mr_receiver_fn fn, void *ctx)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < record->subs_count; i++) {
        for (uint32_t at = receivers->last[record->subs[i]]; r == 0 && at > 0;
                at = receivers->periods[at - 1].before) {
            const struct period *period = &receivers->periods[at - 1];

            if (period->to >= record->config)
                r = fn(ctx, period->system, period->personal, period->withheld);
        }
    }
    return r;
}
