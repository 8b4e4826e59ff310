/*
 * Answers of systems to notices (nms.erasure.acknowledged.v1), found in the log as they come, and terms that
 * pass: the notice's key is destroyed, its sealed part is to be stripped, and what came of it is an event.
 */
#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "event/erasure.pb-c.h"
#include "hub/erasure/eraser_internal.h"
#include "hub/record/opened.h"
#include "proto/base/logfmt.h"
#include "store/fault.h"

enum { EVENT_ID_MAX = 96, ANSWERS_MAX = 64 };

#define ROOT_TERM_US (24 * 3600 * (int64_t)1000000)
#define ANSWER_TYPE  "nms.erasure.acknowledged.v1"

struct answer {
    uint64_t number; /* of the log; 0: the term has passed */
    uint16_t system;
    uint64_t request;
    uint32_t state; /* enum mr_notice_state */
    uint32_t files;
    char code[MR_ERASURE_CODE_MAX + 1];
};

/* ---- taking one ---- */

struct taking {
    struct mr_erasing e;
    const struct answer *answer;
    Marshrut__Erasure__V1__NoticeRow *row;
};

static int strip_notice(struct mr_erasure_saying *saying, struct mr_log_batch *batch)
{
    const Marshrut__Erasure__V1__NoticeRow *row = saying->ctx;

    return mr_erasure_strip(batch, row->number, 1);
}

static bool is_awaited(const mr_erasure_request *request)
{
    for (size_t i = 0; i < request->n_notices; i++)
        if (request->notices[i]->state == MR_NOTICE_WAITING)
            return true;
    return false;
}

static int say_answered(struct taking *t)
{
    static const char *const outcomes[] = {
            [MR_NOTICE_DONE] = "done", [MR_NOTICE_REFUSED] = "refused", [MR_NOTICE_NONE] = "none"};
    Nms__Event__V1__HubErasureAnswered m = NMS__EVENT__V1__HUB_ERASURE_ANSWERED__INIT;
    struct mr_own_event event = {.bytes = MR_BUF_INIT};
    struct mr_erasure_saying saying = {.eraser = t->e.eraser,
            .request = t->e.request,
            .events = &event,
            .count = 1,
            .rows = strip_notice,
            .ctx = t->row};
    char id[EVENT_ID_MAX];
    int r;

    t->row->state = t->answer->state;
    t->row->answered_us = mr_clock_wall_us(t->e.eraser->house->clock);
    t->row->code = (char *)t->answer->code;
    t->row->files = t->answer->files;
    t->row->answer = t->answer->number;
    t->row->item.len = 0;
    t->e.request->keys_owed = !is_awaited(t->e.request);
    m.request = t->e.request->number;
    m.system = t->row->system;
    m.outcome = (char *)outcomes[t->answer->state];
    (void)snprintf(id, sizeof id, "erasure-%llu-answered-%s", (unsigned long long)m.request, m.system);
    r = mr_erasure_event(&event.bytes, t->e.eraser->house, "answered", id, &m.base);
    if (r == 0)
        r = mr_erasure_say(&saying, &t->e.error);
    mr_own_fini(&event, 1);
    return r;
}

/* Without a rotation: that comes once, a day after the last answer (pay_owed). */
static int close_notice(struct taking *t)
{
    struct mr_eraser *eraser = t->e.eraser;
    int r = mr_erasure_set_state(eraser, t->row->item.data, MR_PERSON_DESTROYED);

    if (r == 0)
        r = MR_FAULT("erase.answered");
    if (r == 0)
        r = say_answered(t);
    if (r == 0 && eraser->options.strip)
        eraser->options.strip(eraser->options.ctx);
    return r;
}

static int take(struct mr_eraser *eraser, const struct answer *answer)
{
    const char *system = mr_names_text(eraser->house->names, MR_NAME_SYSTEM, answer->system);
    struct taking t = {.e = {.eraser = eraser}, .answer = answer};
    int r = mr_log_reader_open(eraser->house->log, &t.e.reader);

    if (r < 0)
        return r;
    mr_arena_init(&t.e.arena, MR_ERASURE_ARENA_BYTES);
    r = mr_erasure_read(t.e.reader, answer->request, &t.e.arena, &t.e.request, NULL);
    for (size_t i = 0; r == 0 && system && i < t.e.request->n_notices; i++)
        if (strcmp(t.e.request->notices[i]->system, system) == 0 &&
                t.e.request->notices[i]->state == MR_NOTICE_WAITING)
            t.row = t.e.request->notices[i];
    if (r == 0 && t.row)
        r = close_notice(&t);
    mr_log_reader_close(t.e.reader);
    mr_arena_fini(&t.e.arena);
    return r == MR_ENOTFOUND ? 0 : r; /* an answer that nobody asked for */
}

/* ---- finding them ---- */

struct search {
    struct mr_eraser *eraser;
    uint64_t from; /* the first record that may be an answer; 0: nobody is asked */
    int64_t now_us;
    struct answer late[ANSWERS_MAX]; /* terms that have passed */
    size_t late_count;
};

static int look(void *ctx, const mr_erasure_request *request)
{
    struct search *s = ctx;

    for (size_t i = 0; i < request->n_notices; i++) {
        const Marshrut__Erasure__V1__NoticeRow *row = request->notices[i];

        if (row->state != MR_NOTICE_WAITING)
            continue;
        if (s->from == 0 || request->answers_from < s->from)
            s->from = request->answers_from;
        if (row->answer_by_us < s->now_us && s->late_count < ANSWERS_MAX)
            s->late[s->late_count++] = (struct answer){
                    .system = mr_names_id(s->eraser->house->names, MR_NAME_SYSTEM, row->system),
                    .request = request->number,
                    .state = MR_NOTICE_NONE};
    }
    return 0;
}

static int read_answer(const struct mr_eraser *eraser, const struct mr_record *record,
        struct mr_opened *opened, struct answer *ret)
{
    const Nms__Event__V1__ErasureAcknowledged *m;
    int r = mr_opened_read(opened, eraser->house, record, MR_PURPOSE_SHOW, NULL);

    if (r < 0)
        return r;
    m = (const Nms__Event__V1__ErasureAcknowledged *)opened->event.payload;
    *ret = (struct answer){.number = record->number,
            .system = record->system,
            .request = m->request,
            .state = strcmp(m->outcome, "done") == 0 ? MR_NOTICE_DONE : MR_NOTICE_REFUSED,
            .files = m->files};
    if (mr_erasure_code_ok(m->code)) /* whatever else a system sends is no code */
        (void)snprintf(ret->code, sizeof ret->code, "%s", m->code);
    return 0;
}

/* The records behind the last one that was looked at. */
static int read_new(struct mr_eraser *eraser, uint64_t from)
{
    struct mr_log_reader *reader;
    struct mr_record_view view;
    struct mr_opened opened;
    struct mr_buf type = MR_BUF_INIT;
    int r = mr_log_reader_open(eraser->house->log, &reader);
    uint64_t head, first = eraser->looked_through + 1 > from ? eraser->looked_through + 1 : from;

    if (r < 0)
        return r;
    mr_opened_init(&opened);
    head = mr_log_reader_head(reader);
    for (uint64_t n = first; r == 0 && n <= head; n++) {
        struct answer answer;

        r = n == first ? mr_log_read(reader, n, &view, NULL) : mr_log_read_next(reader, &view, NULL);
        if (r == MR_ECORRUPT)
            r = 0;
        else if (r == 0 && !(view.record.flags & (MR_RECORD_SEALED | MR_RECORD_HUB)) &&
                 mr_record_type(&view.record, &type) == 0 && strcmp(mr_buf_str(&type), ANSWER_TYPE) == 0 &&
                 read_answer(eraser, &view.record, &opened, &answer) == 0)
            r = take(eraser, &answer);
        if (r == 0)
            eraser->looked_through = n;
    }
    mr_opened_fini(&opened);
    mr_buf_fini(&type);
    mr_log_reader_close(reader);
    return r;
}

/* ---- the keys of the notices ---- */

struct owing {
    uint64_t numbers[ANSWERS_MAX]; /* more of them: the next time */
    size_t count;
    int64_t now_us;
    bool due; /* one has waited long enough */
};

static int look_owing(void *ctx, const mr_erasure_request *request)
{
    struct owing *owing = ctx;
    int64_t last = 0;

    if (!request->keys_owed || owing->count == ANSWERS_MAX)
        return 0;
    owing->numbers[owing->count++] = request->number;
    for (size_t i = 0; i < request->n_notices; i++)
        last = request->notices[i]->answered_us > last ? request->notices[i]->answered_us : last;
    owing->due |= last + ROOT_TERM_US <= owing->now_us;
    return 0;
}

static int save_paid(struct mr_eraser *eraser, uint64_t number)
{
    struct mr_erasing e = {.eraser = eraser};
    int r = mr_log_reader_open(eraser->house->log, &e.reader);

    if (r < 0)
        return r;
    mr_arena_init(&e.arena, MR_ERASURE_ARENA_BYTES);
    r = mr_erasure_read(e.reader, number, &e.arena, &e.request, NULL);
    if (r == 0) {
        struct mr_erasure_saying saying = {.eraser = eraser, .request = e.request};

        e.request->keys_owed = false;
        r = mr_erasure_say(&saying, &e.error);
    }
    mr_log_reader_close(e.reader);
    mr_arena_fini(&e.arena);
    return r;
}

/*
 * One new root for all requests whose last notice is answered, when the first of them has waited for a day:
 * each makes every backup of keys/ dead. None when an erasure was faster.
 */
static int pay_owed(struct mr_eraser *eraser)
{
    struct owing owing = {.now_us = mr_clock_wall_us(eraser->house->clock)};
    struct mr_erasure_status status = {0};
    struct mr_erasure_result result;
    struct mr_error error = {0};
    uint8_t batch[MR_ERASURE_ID_BYTES];
    int r = mr_erasure_all(eraser->house->log, look_owing, &owing);

    if (r < 0 || owing.count == 0)
        return r;
    r = mr_keyring_erasure_status(eraser->house->keyring, &status, &error);
    if (r == 0 && status.owed && !owing.due)
        return 0;
    randombytes_buf(batch, sizeof batch); /* done twice it would find nothing owed */
    if (r == 0 && status.owed)
        r = mr_erasure_erase_keys(eraser, mr_slice(NULL, 0), batch, &result, &error);
    if (r == 0)
        r = mr_erasure_finish_keys(eraser, &error);
    for (size_t i = 0; r == 0 && i < owing.count; i++)
        r = save_paid(eraser, owing.numbers[i]);
    if (r < 0)
        mr_warn("erasure.failed", "state", "answers", "error", mr_err_name(r), "what",
                error.what[0] ? error.what : NULL, "cure", error.cure[0] ? error.cure : NULL);
    return r;
}

int mr_erasure_answers(struct mr_eraser *eraser)
{
    struct search s = {.eraser = eraser, .now_us = mr_clock_wall_us(eraser->house->clock)};
    int r = mr_erasure_all(eraser->house->log, look, &s);

    if (r == 0 && s.from > 0)
        r = read_new(eraser, s.from);
    for (size_t i = 0; r == 0 && i < s.late_count; i++)
        r = take(eraser, &s.late[i]);
    return r < 0 ? r : pay_owed(eraser);
}
