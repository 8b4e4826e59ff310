#include "hub/watch/survey.h"

#include <stdlib.h>
#include <string.h>

#include "hub/deliver/deliver.h"
#include "hub/deliver/deliver_rows.h"
#include "hub/intake/prepare.h"
#include "proto/base/bytes.h"
#include "proto/base/list.h"

enum { HEADS_MAX = 4096, LOOK_SHARE = 20 };

/* One look: on the pool nobody else touches it. */
struct look {
    uv_work_t work;
    struct mr_survey *survey;
    struct mr_survey_figures figures;
    uint64_t *cursors; /* one a subscription */
    struct mr_log_reader *reader;
    struct mr_record_view view;
    int64_t took_us;
    int status;
};

static bool is_stopping(const struct look *look)
{
    return atomic_load(&look->survey->stopping);
}

/* ---- on the pool ---- */

static int add_quarantined(void *ctx, struct mr_slice key, struct mr_slice value)
{
    struct look *look = ctx;
    struct mr_quarantine_row row;

    (void)key;
    if (is_stopping(look))
        return 1;
    if (mr_quarantine_row_decode(&row, value) < 0 || row.state != MR_QUARANTINE_WAITING)
        return 0;
    for (uint32_t i = 0; i < look->figures.systems_count; i++)
        if (look->figures.systems[i].id == row.system) {
            look->figures.systems[i].quarantine_waiting++;
            break;
        }
    return 0;
}

static int count_parked(void *ctx, struct mr_slice key, struct mr_slice value)
{
    (void)key;
    (void)value;
    ++*(uint64_t *)ctx;
    return 0;
}

/* Its newest event, as far as the index is built. */
static void look_at_system(struct look *look, uint32_t i)
{
    uint8_t key[MR_INDEX_KEY_BYTES] = {0};
    uint64_t number;

    mr_put_be16(key, look->figures.systems[i].id);
    if (mr_index_find_last(look->survey->house->index, MR_INDEX_SYSTEM, key, UINT64_MAX, &number, 1) == 1 &&
            mr_log_read(look->reader, number, &look->view, NULL) == 0)
        look->figures.systems[i].last_us = look->view.record.recorded_us;
}

static bool is_parked(struct look *look, uint16_t sub, uint64_t number)
{
    uint8_t key[MR_DELIVERY_KEY_BYTES];
    struct mr_slice value;

    return mr_log_row(look->reader, MR_LOG_PARKED, mr_delivery_key(sub, number, key), &value) == 0;
}

/* The first wanted number behind the cursor that is not parked. */
static void look_at_feed(struct look *look, uint32_t i)
{
    struct mr_survey_subscription *ret = &look->figures.subscriptions[i];
    struct mr_wanted wanted;
    size_t budget = HEADS_MAX;
    uint8_t prefix[2];
    uint64_t number;

    mr_put_be16(prefix, ret->id);
    (void)mr_log_rows(look->reader, MR_LOG_PARKED, mr_slice(prefix, sizeof prefix), mr_slice(NULL, 0),
            count_parked, &ret->parked);
    mr_wanted_start(&wanted, ret->id, look->cursors[i]);
    while ((number = mr_wanted_peek(&wanted, look->survey->house, look->reader, &look->view, &budget)) != 0 &&
            is_parked(look, ret->id, number) && !is_stopping(look))
        mr_wanted_take(&wanted);
    if (number == 0 || mr_log_read(look->reader, number, &look->view, NULL) < 0)
        return;
    ret->oldest = number;
    ret->oldest_us = look->view.record.recorded_us;
}

static void on_work(uv_work_t *work)
{
    struct look *look = MR_CONTAINER(work, struct look, work);
    const struct mr_clock *clock = look->survey->house->clock;
    int64_t began_us = mr_clock_monotonic_us(clock);

    look->status = mr_log_reader_open(look->survey->house->log, &look->reader);
    if (look->status < 0)
        return;
    look->status = mr_log_rows(
            look->reader, MR_LOG_QUARANTINE, mr_slice(NULL, 0), mr_slice(NULL, 0), add_quarantined, look);
    for (uint32_t i = 0; i < look->figures.systems_count && !is_stopping(look); i++)
        look_at_system(look, i);
    for (uint32_t i = 0; i < look->figures.subscriptions_count && !is_stopping(look); i++)
        look_at_feed(look, i);
    mr_log_reader_close(look->reader);
    look->took_us = mr_clock_monotonic_us(clock) - began_us;
}

/* ---- on the loop ---- */

static void free_figures(struct mr_survey_figures *figures)
{
    free(figures->systems);
    free(figures->subscriptions);
    *figures = (struct mr_survey_figures){0};
}

static void free_look(struct look *look)
{
    free_figures(&look->figures);
    free(look->cursors);
    free(look);
}

static void on_timer(uv_timer_t *timer);

static void on_after_work(uv_work_t *work, int status)
{
    struct look *look = MR_CONTAINER(work, struct look, work);
    struct mr_survey *survey = look->survey;
    uint64_t pause_ms = MR_SURVEY_PAUSE_MS;

    survey->look = NULL;
    if (status == 0 && look->status == 0 && !is_stopping(look)) {
        look->figures.looks = survey->figures.looks + 1;
        free_figures(&survey->figures);
        survey->figures = look->figures;
        look->figures = (struct mr_survey_figures){0};
    }
    if ((uint64_t)look->took_us / 1000 * LOOK_SHARE > pause_ms)
        pause_ms = (uint64_t)look->took_us / 1000 * LOOK_SHARE;
    free_look(look);
    if (!atomic_load(&survey->stopping))
        (void)uv_timer_start(&survey->timer, on_timer, pause_ms, 0);
}

static struct look *new_look(struct mr_survey *survey)
{
    const struct mr_config *config = survey->house->config;
    const struct mr_deliver *deliver = survey->deliver;
    struct look *look = calloc(1, sizeof *look);

    if (!look)
        return NULL;
    look->survey = survey;
    look->figures.systems_count = config->systems_count;
    look->figures.subscriptions_count = deliver->feeds_count;
    look->figures.systems = calloc(config->systems_count + 1, sizeof *look->figures.systems);
    look->figures.subscriptions = calloc(deliver->feeds_count + 1, sizeof *look->figures.subscriptions);
    look->cursors = calloc(deliver->feeds_count + 1, sizeof *look->cursors);
    if (look->figures.systems && look->figures.subscriptions && look->cursors)
        return look;
    free_look(look);
    return NULL;
}

static void begin(struct mr_survey *survey)
{
    const struct mr_config *config = survey->house->config;
    struct look *look = new_look(survey);

    for (uint32_t i = 0; look && i < config->systems_count; i++)
        look->figures.systems[i].id =
                mr_names_id(survey->house->names, MR_NAME_SYSTEM, config->systems[i].name);
    for (uint32_t i = 0; look && i < survey->deliver->feeds_count; i++) {
        look->figures.subscriptions[i].id = survey->deliver->feeds[i]->id;
        look->cursors[i] = survey->deliver->feeds[i]->cursor;
    }
    survey->look = look;
    if (look && uv_queue_work(survey->loop, &look->work, on_work, on_after_work) == 0)
        return;
    if (look)
        free_look(look);
    survey->look = NULL;
    (void)uv_timer_start(&survey->timer, on_timer, MR_SURVEY_PAUSE_MS, 0);
}

static void on_timer(uv_timer_t *timer)
{
    begin(MR_CONTAINER(timer, struct mr_survey, timer));
}

int mr_survey_open(struct mr_survey *survey, uv_loop_t *loop, const struct mr_house *house,
        const struct mr_deliver *deliver, struct mr_error *reterr)
{
    *survey = (struct mr_survey){.house = house, .deliver = deliver, .loop = loop};
    if (uv_timer_init(loop, &survey->timer) != 0)
        return mr_error_set(reterr, MR_ESYSTEM, "survey", "", "cannot make a timer");
    survey->open = true;
    (void)uv_timer_start(&survey->timer, on_timer, 0, 0);
    return 0;
}

void mr_survey_close(struct mr_survey *survey)
{
    if (!survey->open)
        return;
    survey->open = false;
    atomic_store(&survey->stopping, true);
    while (survey->look)
        (void)uv_run(survey->loop, UV_RUN_ONCE);
    free_figures(&survey->figures);
    uv_close((uv_handle_t *)&survey->timer, NULL);
}

const struct mr_survey_system *mr_survey_of_system(const struct mr_survey *survey, uint16_t id, uint32_t hint)
{
    const struct mr_survey_figures *f = &survey->figures;

    if (hint < f->systems_count && f->systems[hint].id == id)
        return &f->systems[hint];
    for (uint32_t i = 0; i < f->systems_count; i++)
        if (f->systems[i].id == id)
            return &f->systems[i];
    return NULL;
}

const struct mr_survey_subscription *mr_survey_of_subscription(
        const struct mr_survey *survey, uint16_t id, uint32_t hint)
{
    const struct mr_survey_figures *f = &survey->figures;

    if (hint < f->subscriptions_count && f->subscriptions[hint].id == id)
        return &f->subscriptions[hint];
    for (uint32_t i = 0; i < f->subscriptions_count; i++)
        if (f->subscriptions[i].id == id)
            return &f->subscriptions[i];
    return NULL;
}
