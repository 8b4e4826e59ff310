#include "hub/keep/retention.h"

#include <stdlib.h>
#include <string.h>

#include "hub/deliver/deliver_rows.h"
#include "hub/keep/hold_rows.h"
#include "hub/record/opened.h"
#include "hub/intake/prepare.h"
#include "hub/project/keymap.h"
#include "proto/wire/digest.h"
#include "store/hold.h"
#include "store/sha256.h"

enum { IDS = UINT16_MAX + 1, RENEW_EVERY = 20000 };

static const int64_t DAY_US = 86400LL * 1000000;

/* A subscription that is configured: what it has not settled yet waits. */
struct receiver {
    bool waits; /* configured; without a cursor it waits for everything */
    uint64_t first, cursor;
};

struct mr_retention {
    const struct mr_house *house;
    int64_t now_us;
    uint32_t shortest_days;       /* 0: no class has a term */
    struct receiver *receivers;   /* by id */
    struct mr_keymap parked;      /* keys of the parked rows */
    struct mr_keymap quarantined; /* numbers that wait for correction */
    struct mr_hold_row *holds;
    size_t holds_count;
    uint8_t holds_digest[MR_SHA256_BYTES];
    struct mr_buf type;
};

/* ---- what the judge knows ---- */

static void find_shortest(struct mr_retention *retention)
{
    const struct mr_config_retention *config = &retention->house->config->retention;
    uint32_t shortest = config->default_days;

    for (uint32_t i = 0; i < config->classes_count; i++) {
        uint32_t days = config->classes[i].keep_days;

        if (days > 0 && (shortest == 0 || days < shortest))
            shortest = days;
    }
    retention->shortest_days = shortest;
}

static int on_cursor(void *ctx, struct mr_slice key, struct mr_slice value)
{
    struct mr_retention *retention = ctx;
    struct mr_cursor_row row;
    struct receiver *receiver;
    int r = key.size == MR_CURSOR_KEY_BYTES ? mr_cursor_row_decode(&row, value) : MR_ECORRUPT;

    if (r < 0)
        return r;
    receiver = &retention->receivers[mr_get_be16(key.data)];
    receiver->first = row.first;
    receiver->cursor = row.cursor;
    return 0;
}

static int on_parked(void *ctx, struct mr_slice key, struct mr_slice value)
{
    struct mr_retention *retention = ctx;
    uint32_t index;
    int r = key.size == MR_DELIVERY_KEY_BYTES ? mr_keymap_add(&retention->parked, key, &index) : MR_ECORRUPT;

    (void)value;
    return r < 0 ? r : 0;
}

static int on_quarantined(void *ctx, struct mr_slice key, struct mr_slice value)
{
    struct mr_retention *retention = ctx;
    struct mr_quarantine_row row;
    uint32_t index;
    int r = mr_quarantine_row_decode(&row, value);

    if (r == 0 && row.state == MR_QUARANTINE_WAITING)
        r = mr_keymap_add(&retention->quarantined, key, &index);
    return r < 0 ? r : 0;
}

static int on_hold(void *ctx, struct mr_slice key, struct mr_slice value)
{
    struct mr_retention *retention = ctx;
    struct mr_hold_row *more =
            realloc(retention->holds, (retention->holds_count + 1) * sizeof *retention->holds);

    (void)key;
    if (!more)
        return MR_ENOMEM;
    retention->holds = more;
    return mr_hold_row_decode(&more[retention->holds_count++], value);
}

static int on_hold_digest(void *ctx, struct mr_slice key, struct mr_slice value)
{
    mr_sha256_put(ctx, key);
    mr_sha256_put(ctx, value);
    return 0;
}

static int read_rows(struct mr_retention *retention, struct mr_log_reader *reader)
{
    static const struct {
        enum mr_log_table table;
        mr_log_row_fn fn;
    } tables[] = {{MR_LOG_CURSOR, on_cursor}, {MR_LOG_PARKED, on_parked}, {MR_LOG_QUARANTINE, on_quarantined},
            {MR_LOG_HOLD, on_hold}};
    struct mr_sha256_state state;
    int r = 0;

    for (size_t i = 0; r == 0 && i < sizeof tables / sizeof tables[0]; i++)
        r = mr_log_rows(
                reader, tables[i].table, mr_slice(NULL, 0), mr_slice(NULL, 0), tables[i].fn, retention);
    mr_sha256_init(&state);
    if (r == 0)
        r = mr_log_rows(reader, MR_LOG_HOLD, mr_slice(NULL, 0), mr_slice(NULL, 0), on_hold_digest, &state);
    mr_sha256_final(&state, retention->holds_digest);
    return r;
}

static void mark_configured(struct mr_retention *retention)
{
    const struct mr_config *config = retention->house->config;

    for (uint32_t i = 0; i < config->subscriptions_count; i++) {
        uint16_t id =
                mr_names_id(retention->house->names, MR_NAME_SUBSCRIPTION, config->subscriptions[i].name);

        if (id > 0)
            retention->receivers[id].waits = true;
    }
}

int mr_retention_open(struct mr_retention **ret, const struct mr_house *house, struct mr_error *reterr)
{
    struct mr_retention *retention = calloc(1, sizeof *retention);
    struct mr_log_reader *reader = NULL;
    int r = MR_ENOMEM;

    if (!retention)
        return MR_ENOMEM;
    retention->house = house;
    retention->now_us = mr_clock_wall_us(house->clock);
    mr_keymap_init(&retention->parked);
    mr_keymap_init(&retention->quarantined);
    retention->receivers = calloc(IDS, sizeof *retention->receivers);
    if (retention->receivers) {
        find_shortest(retention);
        mark_configured(retention);
        r = mr_log_reader_open(house->log, &reader);
    }
    if (r == 0) {
        r = read_rows(retention, reader);
        mr_log_reader_close(reader);
    }
    if (r < 0) {
        mr_retention_close(retention);
        return mr_error_set(
                reterr, r, "log", "", "what retention must heed cannot be read: %s", mr_err_text(r));
    }
    *ret = retention;
    return 0;
}

void mr_retention_close(struct mr_retention *retention)
{
    if (!retention)
        return;
    mr_keymap_fini(&retention->parked);
    mr_keymap_fini(&retention->quarantined);
    mr_buf_fini(&retention->type);
    free(retention->receivers);
    free(retention->holds);
    free(retention);
}

uint32_t mr_retention_classes(const struct mr_retention *retention)
{
    return retention->house->config->retention.classes_count + 1;
}

bool mr_retention_has_terms(const struct mr_retention *retention)
{
    return retention->shortest_days > 0;
}

int64_t mr_retention_youngest_us(const struct mr_retention *retention)
{
    return retention->shortest_days > 0 ? retention->now_us - retention->shortest_days * DAY_US : INT64_MIN;
}

/* ---- one record ---- */

static bool is_waiting(const struct mr_retention *retention, const struct mr_record *record)
{
    uint8_t key[MR_DELIVERY_KEY_BYTES];
    uint32_t index;

    if (record->flags & MR_RECORD_QUARANTINED &&
            mr_keymap_find(&retention->quarantined, mr_number_key(record->number, key), &index) == 0)
        return true;
    for (size_t i = 0; i < record->subs_count; i++) {
        const struct receiver *receiver = &retention->receivers[record->subs[i]];

        if (!receiver->waits || record->number < receiver->first)
            continue;
        if (record->number > receiver->cursor ||
                mr_keymap_find(&retention->parked, mr_delivery_key(record->subs[i], record->number, key),
                        &index) == 0)
            return true;
    }
    return false;
}

/* 1, 0, or negative. */
static int is_held(const struct mr_retention *retention, const struct mr_record *record, const char *type)
{
    bool held = false;

    for (size_t i = 0; i < retention->holds_count; i++)
        if (mr_hold_row_holds(&retention->holds[i], record->number, type))
            return 1;
    for (size_t i = 0; !held && retention->house->keyring && i < record->slots_count; i++) {
        uint8_t key_id[MR_KEY_ID_BYTES];
        int r = 0;

        if (mr_slot_key_id(record->slots[i], key_id) == 0) /* else stripped: nobody's any more */
            r = mr_keyring_held(retention->house->keyring, key_id, &held);
        if (r < 0)
            return r;
    }
    return held;
}

static int verdict_of(struct mr_retention *retention, const struct mr_record *record, uint32_t *ret_class)
{
    uint32_t days;
    int r = mr_record_type(record, &retention->type);

    if (r < 0)
        return r;
    days = mr_config_keep_days(retention->house->config, mr_buf_str(&retention->type), ret_class);
    if (days == 0 || record->flags & MR_RECORD_EXPIRED ||
            record->recorded_us > retention->now_us - days * DAY_US)
        return MR_RETENTION_KEEP;
    r = is_held(retention, record, mr_buf_str(&retention->type));
    if (r != 0)
        return r < 0 ? r : MR_RETENTION_HELD;
    return is_waiting(retention, record) ? MR_RETENTION_WAITING : MR_RETENTION_DUE;
}

static uint64_t bytes_of(const struct mr_record *record)
{
    uint64_t bytes = record->leaf.size;

    for (size_t i = 0; i < record->slots_count; i++)
        bytes += record->slots[i].size;
    return bytes;
}

int mr_retention_judge(struct mr_retention *retention, const struct mr_record *record, uint32_t *ret_class,
        struct mr_retention_count *counts)
{
    int verdict = verdict_of(retention, record, ret_class);

    if (verdict > 0 && counts) {
        struct mr_retention_count *count = &counts[*ret_class];

        count->due += verdict == MR_RETENTION_DUE;
        count->held += verdict == MR_RETENTION_HELD;
        count->waiting += verdict == MR_RETENTION_WAITING;
        count->bytes += verdict == MR_RETENTION_DUE ? bytes_of(record) : 0;
    }
    return verdict;
}

/* ---- a range ---- */

int mr_retention_scan(struct mr_retention *retention, struct mr_log_reader *reader, uint64_t from,
        uint64_t to, struct mr_retention_count *counts, uint64_t *last_due, bool (*stop)(void *ctx),
        void *ctx)
{
    struct mr_record_view view;
    uint32_t class_;
    int r = 0;

    for (uint64_t n = from; r == 0 && n <= to; n++) {
        if ((n - from) % RENEW_EVERY == RENEW_EVERY - 1) {
            r = stop && stop(ctx) ? MR_ECLOSED : mr_log_reader_renew(reader);
            if (r < 0)
                return r;
        }
        r = mr_log_read(reader, n, &view, NULL);
        if (r == MR_ECORRUPT || r == MR_EUNSUPPORTED) {
            r = 0; /* isolated: nobody can say what it was */
            continue;
        }
        if (r < 0 || view.record.recorded_us > mr_retention_youngest_us(retention))
            return r;
        r = mr_retention_judge(retention, &view.record, &class_, counts);
        if (r == MR_RETENTION_DUE)
            *last_due = n;
        if (r > 0)
            r = 0;
    }
    return r;
}

int mr_retention_holds_same(const struct mr_retention *retention, struct mr_log_batch *batch)
{
    uint8_t digest[MR_SHA256_BYTES];
    struct mr_sha256_state state;
    int r;

    mr_sha256_init(&state);
    r = mr_log_batch_rows(batch, MR_LOG_HOLD, mr_slice(NULL, 0), mr_slice(NULL, 0), on_hold_digest, &state);
    mr_sha256_final(&state, digest);
    return r < 0 ? r : memcmp(digest, retention->holds_digest, sizeof digest) == 0;
}
