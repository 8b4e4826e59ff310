/*
 * The loop takes over another edition of the configuration (ADR 0020). The prepare thread works with it since
 * its first number; everything that came before that is answered already. Nothing in here waits.
 */
#include "hub/hub.h"
#include "proto/base/logfmt.h"

static int take_parts(struct mr_hub *hub, const struct mr_config *config)
{
    int r = mr_zap_take(&hub->zap, config);

    if (r < 0)
        return r;
    mr_sessions_take(&hub->sessions, config);
    r = mr_publish_take(&hub->publish, config);
    return r < 0 ? r : mr_deliver_take(&hub->deliver, &hub->loop, config);
}

void mr_hub_take(struct mr_hub *hub, struct mr_edition *edition, uint64_t number)
{
    struct mr_edition *old = mr_edition_hold(hub->house.edition);
    int r;

    if (hub->sessions
                    .stopping) { /* sessions and feeds end with what they began with; the next start has it */
        mr_edition_drop(old);
        return;
    }
    r = take_parts(hub, edition->config);
    if (r < 0) /* half of it holds: starting anew with the new one is the way out */
        mr_house_fatal(&hub->house, r, "configuration");
    mr_house_adopt(&hub->house, edition);
    hub->config = edition->config;
    hub->gateway.config = edition->config;
    hub->room.config = &edition->config->hub;
    mr_alerts_take(&hub->alerts, edition);
    mr_editions_set(&hub->editions, edition);
    mr_edition_drop(old);
    mr_info("config.applied", "version", MR_N(edition->version), "number", MR_N(number), "systems",
            MR_N(edition->config->systems_count), "subscriptions",
            MR_N(mr_config_subscriptions_configured(edition->config)));
}
