/* What a key that is left out means. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/list.h"
#include "proto/config/config_check.h"

static int default_text(char **text, const char *value)
{
    if (!*text)
        *text = strdup(value);
    return *text ? 0 : MR_ENOMEM;
}

static void default_number(uint32_t *number, uint32_t value)
{
    if (*number == 0)
        *number = value;
}

static int default_erasure(struct mr_config *config)
{
    struct mr_config_erasure *e = &config->erasure;

    if (!config->hub.acts && asprintf(&config->hub.acts, "%s/acts", config->hub.store) < 0) {
        config->hub.acts = NULL;
        return MR_ENOMEM;
    }
    default_number(&e->term_days, 30);
    default_number(&e->answer_days, 30);
    if (default_text(&e->controller, "") < 0 || default_text(&e->address, "") < 0)
        return MR_ENOMEM;
    return default_text(&e->information_system, "Маршрут");
}

/* Where 0 may be said. */
static int default_said(uint32_t **member, uint32_t value)
{
    if (*member)
        return 0;
    *member = malloc(sizeof **member);
    if (!*member)
        return MR_ENOMEM;
    **member = value;
    return 0;
}

static int default_alerts(struct mr_config_alerts *a)
{
    const struct {
        uint32_t **member;
        uint32_t value;
    } said[] = {{&a->repeat_minutes, 240}, {&a->settle_seconds, 60}, {&a->away_seconds, 900},
            {&a->waiting_seconds, 3600}, {&a->quarantined_per_hour, 50}, {&a->refused_per_hour, 1},
            {&a->parked_per_hour, 1}, {&a->disk_free_mb, 1024}, {&a->checkpoint_seconds, 300},
            {&a->index_seconds, 300}, {&a->balance_hours, 24}};
    int r = 0;

    default_number(&a->timeout_seconds, 30);
    for (size_t i = 0; r == 0 && i < MR_COUNT(said); i++)
        r = default_said(said[i].member, said[i].value);
    return r;
}

int mr_config_defaults(struct mr_config *config)
{
    struct mr_config_adapters *a = &config->adapters;
    struct mr_config_link *links[] = {a->school ? &a->school->link : NULL,
            a->copmkp ? &a->copmkp->link : NULL, a->cnppm ? &a->cnppm->link : NULL,
            a->portal ? &a->portal->link : NULL};
    uint32_t *settle[] = {a->school ? &a->school->settle_ms : NULL, a->copmkp ? &a->copmkp->settle_ms : NULL,
            a->cnppm ? &a->cnppm->settle_ms : NULL};
    uint32_t **keep[] = {a->school ? &a->school->keep_days : NULL, a->copmkp ? &a->copmkp->keep_days : NULL,
            a->cnppm ? &a->cnppm->keep_days : NULL};

    for (size_t i = 0; i < MR_COUNT(keep); i++)
        if (keep[i] && default_said(keep[i], 30) < 0)
            return MR_ENOMEM;
    if (default_said(&config->hub.ballast_mb, 64) < 0 ||
            default_said(&config->hub.space_watermark_mb, 256) < 0 ||
            default_said(&config->hub.scrub_days, 7) < 0)
        return MR_ENOMEM;
    if (config->alerts && default_alerts(config->alerts) < 0)
        return MR_ENOMEM;
    default_number(&config->hub.publish_window, 16384);
    default_number(&config->hub.ping_interval_ms, 5000);
    default_number(&config->hub.correction_days, 14);
    default_number(&config->hub.index_lag_max, 100000);
    default_number(&config->hub.segment_events, 1000000);
    default_number(&config->passport.suppress_below, 5);
    for (uint32_t i = 0; i < config->subscriptions_count; i++)
        default_number(&config->subscriptions[i].attempts_max, 10);
    if (default_erasure(config) < 0 || default_text(&config->timezone, "Europe/Moscow") < 0 ||
            default_text(&config->passport.form, "образец-2021") < 0)
        return MR_ENOMEM;
    for (size_t i = 0; i < MR_COUNT(links); i++)
        if (links[i] &&
                default_text(&links[i]->hub, config->hub.listen_count ? config->hub.listen[0] : "") < 0)
            return MR_ENOMEM;
    for (size_t i = 0; i < MR_COUNT(settle); i++)
        if (settle[i])
            default_number(settle[i], 500);
    if (a->school)
        default_number(&a->school->full_list_end_percent_max, 20);
    if (a->portal)
        default_number(&a->portal->poll_interval_ms, 30000);
    return 0;
}
