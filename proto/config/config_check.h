/* What the types of the keys do not say: defaults, names, references between parts, ranges. */
#ifndef MR_CONFIG_CHECK_H
#define MR_CONFIG_CHECK_H

#include "proto/config/config.h"
#include "proto/config/config_need.h"
#include "proto/config/config_yaml.h"

/* Fills in defaults. 0 or MR_ENOMEM. */
int mr_config_defaults(struct mr_config *config);

/* Appends the subscriptions that nobody has to write down; after the check. 0 or MR_ENOMEM. */
int mr_config_add_builtin(struct mr_config *config);

/* 0 or MR_ECONFIG with the place and a cure. */
int mr_config_check(const struct mr_config *config, struct mr_config_yaml *yaml, struct mr_error *reterr);
/* The parts of it in config_check_subscriptions.c, of one subscription or test, and in config_retention.c. */
int mr_config_check_subscription(struct mr_config_check *check, uint32_t index);
int mr_config_check_test(struct mr_config_check *check, uint32_t index);
int mr_config_check_retention(
        const struct mr_config *config, struct mr_config_yaml *yaml, struct mr_error *reterr);

/* hub.escrow: a copy beside what it is a copy of, or both halves in one place, would be no escrow. */
int mr_config_check_escrow(
        const struct mr_config *config, struct mr_config_yaml *yaml, struct mr_error *reterr);

/* `alerts`, when it is there. */
int mr_config_check_alerts(
        const struct mr_config *config, struct mr_config_yaml *yaml, struct mr_error *reterr);

#endif
