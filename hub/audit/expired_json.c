#include "hub/audit/expired_json.h"

#include <stdlib.h>

#include "event/hub.pb-c.h"
#include "hub/audit/args.h"
#include "hub/index/index_keys.h"
#include "hub/record/opened.h"

enum { RUNS_AT_ONCE = 64 };
#define DAY_US   (24 * 3600 * (int64_t)1000000)
#define RUN_TYPE "hub.retention.completed.v1"

struct expiry {
    const struct mr_house *house;
    struct mr_log_reader *reader;
    struct mr_record_view view;
    struct mr_opened opened;
    uint32_t class_;
    int64_t due_us;
    bool ruled; /* the class has a term now */
    json_t *json;
};

/* Did events of the class expire in this run? */
static bool is_of_class(const struct expiry *e)
{
    const Nms__Event__V1__HubRetentionCompleted *m =
            (const Nms__Event__V1__HubRetentionCompleted *)e->opened.event.payload;

    for (size_t i = 0; m && i < m->n_classes; i++)
        if (m->classes[i]->expired > 0 && (!e->ruled || m->classes[i]->index == e->class_))
            return true;
    return false;
}

/* 1: this is the run. */
static int look_at_run(struct expiry *e, uint64_t number)
{
    int r = mr_log_read(e->reader, number, &e->view, NULL);

    if (r < 0 || e->view.record.recorded_us < e->due_us ||
            mr_opened_read(&e->opened, e->house, &e->view.record, MR_PURPOSE_SHOW, NULL) < 0 ||
            !is_of_class(e))
        return 0;
    (void)json_object_set_new(e->json, "run", json_integer((json_int_t)number));
    (void)json_object_set_new(e->json, "at", mr_time_json(e->view.record.recorded_us));
    return 1;
}

static void add_run(struct expiry *e, uint64_t after)
{
    uint8_t key[MR_INDEX_KEY_BYTES];
    uint64_t numbers[RUNS_AT_ONCE];
    int n = RUNS_AT_ONCE, found = 0;

    mr_index_key_type(RUN_TYPE, key);
    while (!found && n == RUNS_AT_ONCE) {
        n = mr_index_find(e->house->index, MR_INDEX_TYPE, key, after, numbers, RUNS_AT_ONCE);
        for (int i = 0; !found && i < n; i++)
            found = look_at_run(e, numbers[i]);
        if (n > 0)
            after = numbers[n - 1];
    }
}

static void add_rule(struct expiry *e, const struct mr_record *record, const char *type)
{
    const struct mr_config_retention *config = &e->house->config->retention;
    uint32_t days = mr_config_keep_days(e->house->config, type, &e->class_);
    json_t *types;

    e->ruled = days > 0;
    e->due_us = record->recorded_us + days * DAY_US;
    if (!e->ruled)
        return; /* it had a term in an earlier configuration */
    types = json_array();
    for (uint32_t i = 0; e->class_ < config->classes_count && i < config->classes[e->class_].types_count; i++)
        (void)json_array_append_new(types, json_string(config->classes[e->class_].types[i]));
    (void)json_object_set_new(e->json, "types", types); /* none: the default */
    (void)json_object_set_new(e->json, "keep_days", json_integer(days));
    (void)json_object_set_new(e->json, "due", mr_time_json(e->due_us));
}

static json_t *expiry_json(struct expiry *e, const struct mr_record *record)
{
    struct mr_buf type = MR_BUF_INIT;

    e->json = json_object();
    if (mr_record_type(record, &type) == 0)
        add_rule(e, record, mr_buf_str(&type));
    mr_buf_fini(&type);
    if (e->house->index && mr_log_reader_open(e->house->log, &e->reader) == 0)
        add_run(e, record->number);
    mr_log_reader_close(e->reader);
    return e->json;
}

void mr_expired_add(const struct mr_house *house, const struct mr_record *record, json_t *json)
{
    struct expiry *e;

    if (!(record->flags & MR_RECORD_EXPIRED) || !(e = calloc(1, sizeof *e)))
        return;
    e->house = house;
    mr_opened_init(&e->opened);
    (void)json_object_set_new(json, "expiry", expiry_json(e, record));
    mr_opened_fini(&e->opened);
    free(e);
}
