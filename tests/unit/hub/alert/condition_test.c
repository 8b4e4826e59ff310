/* Each condition: with figures just below its threshold, and at it; and what it then says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "hub/alert/condition.h"
#include "proto/base/list.h"

#define S    INT64_C(1000000)
#define HOUR (3600 * S)
#define MIB  (UINT64_C(1) << 20)

static uint32_t thresholds[8];

/* Thresholds in the order of the members; never: all are 0. */
static struct mr_config_alerts config_of(bool never)
{
    static const uint32_t values[] = {900, 3600, 50, 2, 1, 1024, 300, 60};

    for (size_t i = 0; i < MR_COUNT(thresholds); i++)
        thresholds[i] = never ? 0 : values[i];
    return (struct mr_config_alerts){.away_seconds = &thresholds[0],
            .waiting_seconds = &thresholds[1],
            .quarantined_per_hour = &thresholds[2],
            .refused_per_hour = &thresholds[3],
            .parked_per_hour = &thresholds[4],
            .disk_free_mb = &thresholds[5],
            .checkpoint_seconds = &thresholds[6],
            .index_seconds = &thresholds[7]};
}

#define HUB(...)                                                                                             \
    &(const struct mr_alert_of_hub)                                                                          \
    {                                                                                                        \
        .free_bytes = 5000 * MIB, __VA_ARGS__                                                                \
    }
#define SYSTEM(...)                                                                                          \
    &(const struct mr_alert_of_system)                                                                       \
    {                                                                                                        \
        .known = true, __VA_ARGS__                                                                           \
    }
#define SUBSCRIPTION(...)                                                                                    \
    &(const struct mr_alert_of_subscription)                                                                 \
    {                                                                                                        \
        __VA_ARGS__                                                                                          \
    }

struct row {
    const struct mr_alert_condition *conditions;
    size_t count;
    const char *name;
    const void *below, *at;
    const char *what;
    bool always; /* it has no threshold */
};

static const struct mr_alert_condition *find(const struct row *row)
{
    for (size_t i = 0; i < row->count; i++)
        if (strcmp(row->conditions[i].name, row->name) == 0)
            return &row->conditions[i];
    fail_msg("no condition %s", row->name);
    return NULL;
}

#define OF_HUB    mr_alert_hub_conditions, MR_ALERT_HUB_CONDITIONS
#define OF_SYSTEM mr_alert_system_conditions, MR_ALERT_SYSTEM_CONDITIONS
#define OF_SUB    mr_alert_subscription_conditions, MR_ALERT_SUBSCRIPTION_CONDITIONS

static void each_at_its_threshold(void **state)
{
    const struct row rows[] = {
            {OF_HUB, "read-only", HUB(.damaged = 0), HUB(.read_only = true),
                    "no new events are taken: 5000 MiB", true},
            {OF_HUB, "writer-stalled", HUB(.damaged = 0), HUB(.stalled = true), "does not end", true},
            {OF_HUB, "disk-low", HUB(.damaged = 0), &(const struct mr_alert_of_hub){.free_bytes = 1023 * MIB},
                    "1023 MiB are free on the file system of hub.store, the threshold is 1024", false},
            {OF_HUB, "not-signed", HUB(.unsigned_us = 299 * S), HUB(.unsigned_us = 300 * S), "for 300 s",
                    false},
            {OF_HUB, "index-behind", HUB(.index_us = 59 * S), HUB(.index_us = 61 * S), "61 s behind", false},
            {OF_HUB, "damaged", HUB(.damaged = 0), HUB(.damaged = 2), "found 2 damaged", true},
            {OF_HUB, "erasure-overdue", HUB(.damaged = 0), HUB(.erasures_overdue = 3), "3 erasures", true},
            {OF_HUB, "balance", HUB(.damaged = 0), HUB(.differences = 4), "4 sums", true},
            {OF_SYSTEM, "system-away", SYSTEM(.away_us = 899 * S), SYSTEM(.away_us = 900 * S), "for 900 s",
                    false},
            {OF_SYSTEM, "system-silent", SYSTEM(.silent_us = 26 * HOUR - S, .silent_hours = 26),
                    SYSTEM(.silent_us = 26 * HOUR, .silent_hours = 26), "no event for 26 h", true},
            {OF_SYSTEM, "quarantine-growing", SYSTEM(.quarantined = 49),
                    SYSTEM(.quarantined = 50, .quarantine_waiting = 70),
                    "50 events were quarantined within an hour; 70", false},
            {OF_SYSTEM, "events-refused", SYSTEM(.refused = 1), SYSTEM(.refused = 2), "2 events were refused",
                    false},
            {OF_SUB, "delivery-waiting", SUBSCRIPTION(.oldest = 7, .oldest_us = 3599 * S),
                    SUBSCRIPTION(.oldest = 7, .oldest_us = 3600 * S), "event 7 has waited for 3600 s", false},
            {OF_SUB, "delivery-parked", SUBSCRIPTION(.parked_now = 9),
                    SUBSCRIPTION(.parked = 1, .parked_now = 9), "1 events were parked within an hour; 9",
                    false},
    };
    char what[MR_ALERT_WHAT_BYTES];

    (void)state;
    assert_int_equal(MR_COUNT(rows),
            MR_ALERT_HUB_CONDITIONS + MR_ALERT_SYSTEM_CONDITIONS + MR_ALERT_SUBSCRIPTION_CONDITIONS);
    for (size_t i = 0; i < MR_COUNT(rows); i++) {
        const struct mr_alert_condition *condition = find(&rows[i]);
        struct mr_config_alerts config = config_of(false);

        if (condition->holds(rows[i].below, &config, what) || !what[0])
            fail_msg("%s holds already", rows[i].name);
        if (!condition->holds(rows[i].at, &config, what) || !strstr(what, rows[i].what))
            fail_msg("%s: %s", rows[i].name, what);
        assert_true(condition->cure[0] != 0);
        config = config_of(true);
        if (condition->holds(rows[i].at, &config, NULL) != rows[i].always)
            fail_msg("%s without a threshold", rows[i].name);
    }
}

/* What has never been there is not away, and what nobody waits for is not silent. */
static void nobody_is_missed_who_was_never_there(void **state)
{
    const struct row away = {OF_SYSTEM, "system-away"}, silent = {OF_SYSTEM, "system-silent"};
    const struct mr_config_alerts config = config_of(false);

    (void)state;
    assert_false(find(&away)->holds(
            &(const struct mr_alert_of_system){.known = false, .away_us = 1000000 * S}, &config, NULL));
    assert_false(find(&silent)->holds(SYSTEM(.silent_us = 10000 * HOUR), &config, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(each_at_its_threshold),
            cmocka_unit_test(nobody_is_missed_who_was_never_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
