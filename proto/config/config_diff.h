/*
 * What is different between two configurations, key by key, with defaults filled in: entries of a list are
 * known by their name. And what of it a running hub can take over (ADR 0020).
 */
#ifndef MR_CONFIG_DIFF_H
#define MR_CONFIG_DIFF_H

#include "proto/config/config.h"

enum mr_config_change_kind { MR_CONFIG_ADDED, MR_CONFIG_REMOVED, MR_CONFIG_CHANGED };

struct mr_config_change {
    enum mr_config_change_kind kind;
    char path[160]; /* "subscriptions.portal-routes.personal" */
    char from[80];  /* of one value that changed; both "" else */
    char to[80];
    bool restart; /* it holds only after a restart of the hub */
};
const char *mr_config_change_word(enum mr_config_change_kind kind); /* "added" ... */

/* Non-zero stops, and is returned. */
typedef int (*mr_config_change_fn)(void *ctx, const struct mr_config_change *change);
/* 0, MR_ENOMEM, or the callback's value. */
int mr_config_diff(
        const struct mr_config *from, const struct mr_config *to, mr_config_change_fn fn, void *ctx);

/* May a hub that runs with `from` go over to `to`? 0, or MR_ECONFIG, which names what needs a restart. */
int mr_config_live(const struct mr_config *from, const struct mr_config *to, struct mr_error *reterr);

#endif
