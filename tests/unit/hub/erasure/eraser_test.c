/* A person is requested, approved and forgotten: keys, slots, index, views, notices, the act; and what
 * refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event/erasure.pb-c.h"
#include "hub/erasure/eraser.h"
#include "hub/indexer.h"
#include "hub/own.h"
#include "hub/seal.h"
#include "store/log_segment.h"
#include "tests/support/bytes_search.h"
#include "tests/support/hub_env.h"
#include "tests/support/spawn.h"
#include "tests/support/tmpdir.h"

#define SNILS_ANNA "11223344595"
#define SNILS_OLGA "08765430300"

struct fixture {
    struct hub_env *env;
    struct mr_indexer *indexer;
    struct mr_eraser *eraser;
    bool compactor_away;
};

/* ---- the compactor's work, as far as it matters here ---- */

static int collect_row(void *ctx, struct mr_slice key, struct mr_slice value)
{
    mr_buf_put_slice(ctx, key);
    mr_buf_put_slice(ctx, value);
    return 0;
}

static int strip_rows(struct mr_own *own, struct mr_log_batch *batch)
{
    const struct mr_buf *rows = own->ctx;
    int r = 0;

    for (size_t at = 0; r == 0 && at + 10 <= rows->size; at += 10)
        r = mr_log_batch_strip(batch, mr_get_be64(rows->data + at), mr_get_be16(rows->data + at + 8));
    return r;
}

static void on_strip(void *ctx)
{
    struct fixture *f = ctx;
    struct mr_log_reader *reader;
    struct mr_buf rows = MR_BUF_INIT;
    struct mr_own own = {.rows = strip_rows, .ctx = &rows};

    if (f->compactor_away)
        return;
    assert_int_equal(mr_log_reader_open(f->env->house.log, &reader), 0);
    assert_int_equal(
            mr_log_rows(reader, MR_LOG_STRIP, mr_slice(NULL, 0), mr_slice(NULL, 0), collect_row, &rows), 0);
    mr_log_reader_close(reader);
    assert_int_equal(mr_own_say(f->env->prepare, &own, NULL), 0);
    mr_buf_fini(&rows);
}

static void on_said(void *ctx)
{
    mr_indexer_wake(((struct fixture *)ctx)->indexer);
}

/* ---- the fixture ---- */

static void start(struct fixture *f)
{
    struct mr_eraser_options options = {
            .house = &f->env->house, .said = on_said, .strip = on_strip, .ctx = f};
    struct mr_error error = {0};

    assert_int_equal(mr_indexer_start(&f->indexer, &f->env->house), 0);
    options.prepare = f->env->prepare;
    options.indexer = f->indexer;
    if (mr_eraser_start(&f->eraser, &options, &error) != 0)
        fail_msg("%s", error.what);
}

static void stop(struct fixture *f)
{
    mr_eraser_stop(f->eraser);
    mr_eraser_free(f->eraser);
    mr_indexer_stop(f->indexer);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    void *env;

    assert_int_equal(hub_env_setup(&env), 0);
    f->env = env;
    start(f);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    void *env = f->env;

    stop(f);
    (void)hub_env_teardown(&env);
    free(f);
    return 0;
}

static uint64_t publish(struct fixture *f, const char *system, struct mr_buf *event)
{
    static uint64_t sequence = 1;
    struct mr_intake *intake = hub_env_publish(f->env, system, event, 1, sequence++);
    uint64_t number = intake->items[0].number;

    mr_intake_free(intake);
    mr_buf_wipe(event);
    mr_indexer_wake(f->indexer);
    return number;
}

static uint64_t deficit(struct fixture *f, const char *id, const char *snils, const char *local_id)
{
    struct mr_buf event = MR_BUF_INIT;

    hub_env_deficit(&event, id, snils, local_id);
    return publish(f, "copmkp", &event);
}

struct waiting {
    struct mr_log *log;
    uint64_t number;
    uint32_t state; /* wanted */
    size_t wanted;  /* unanswered */
    uint32_t found;
    size_t notices, unanswered;
    uint64_t events, quarantined, ended;
};

static int look(void *ctx, const mr_erasure_request *request)
{
    struct waiting *w = ctx;

    if (request->number != w->number)
        return 0;
    w->found = request->state;
    w->notices = request->n_notices;
    w->unanswered = 0;
    for (size_t i = 0; i < request->n_notices; i++)
        w->unanswered += request->notices[i]->state == MR_NOTICE_WAITING;
    w->events = request->events;
    w->quarantined = request->quarantined;
    w->ended = request->event_ended;
    return 0;
}

/* Until the request is in the state; it works on a thread of its own. */
static bool is_in_state(void *ctx)
{
    struct waiting *w = ctx;

    return mr_erasure_all(w->log, look, w) == 0 && w->found == w->state;
}

static struct waiting await(struct fixture *f, uint64_t number, uint32_t state)
{
    struct waiting w = {.log = f->env->house.log, .number = number, .state = state};

    spawn_until(mr_erasure_state_name(state), is_in_state, &w);
    return w;
}

static int request(struct fixture *f, const char *snils, uint64_t *ret, struct mr_error *reterr)
{
    const struct mr_erasure_wish wish = {.snils = snils,
            .basis = "consent-withdrawn",
            .case_text = "file 7 of 2026",
            .operator_name = "pd-1"};

    return mr_eraser_request(f->eraser, &wish, ret, reterr);
}

static int open_record(struct fixture *f, uint64_t number, enum mr_purpose purpose)
{
    struct mr_log_reader *reader;
    struct mr_record_view *view = calloc(1, sizeof *view);
    struct mr_unsealed unsealed = {0};
    int r;

    assert_int_equal(mr_log_reader_open(f->env->house.log, &reader), 0);
    r = mr_log_read(reader, number, view, NULL);
    if (r == 0)
        r = mr_unseal(&unsealed, &f->env->house, &view->record, purpose, NULL);
    mr_unsealed_fini(&unsealed);
    mr_log_reader_close(reader);
    free(view);
    return r;
}

/* ---- tests ---- */

static void nothing_of(struct fixture *f, const char *text)
{
    (void)bytes_search_folder(mr_tmpdir_path(f->env->dir, "store/log"), text);
    (void)bytes_search_folder(mr_tmpdir_path(f->env->dir, "store/keys"), text);
    (void)bytes_search_folder(mr_tmpdir_path(f->env->dir, "store/index"), text);
    (void)bytes_search_folder(mr_tmpdir_path(f->env->dir, "store/views"), text);
}

static void test_two_operators(void **state)
{
    struct fixture *f = *state;
    struct mr_error error = {0};
    uint64_t anna = deficit(f, "d-1", SNILS_ANNA, NULL), olga = deficit(f, "d-2", SNILS_OLGA, NULL), number,
             again;
    struct waiting w;

    assert_int_equal(request(f, "112-233-445 95", &number, &error), 0);
    assert_int_equal(number, 1);
    assert_int_equal(open_record(f, anna, MR_PURPOSE_DELIVER), MR_EBLOCKED); /* at once */
    assert_int_equal(open_record(f, olga, MR_PURPOSE_DELIVER), 0);
    assert_int_equal(request(f, SNILS_ANNA, &again, &error), MR_EEXISTS);
    assert_int_equal(mr_eraser_approve(f->eraser, number, "pd-1", &error), MR_EDENIED);
    assert_int_equal(mr_eraser_approve(f->eraser, number, "pd-2", &error), 0);
    assert_int_equal(mr_eraser_approve(f->eraser, number, "pd-2", &error), MR_EINVAL);
    w = await(f, number, MR_ERASURE_COMPLETED);
    assert_int_equal(w.events, 1);
    assert_int_equal(open_record(f, anna, MR_PURPOSE_DELIVER), MR_EDESTROYED);
    assert_int_equal(open_record(f, anna, MR_PURPOSE_ERASE), MR_EDESTROYED);
    assert_int_equal(open_record(f, olga, MR_PURPOSE_DELIVER), 0);
    assert_int_equal(request(f, SNILS_ANNA, &again, &error), MR_ENOTFOUND);
}

static void test_reject_unblocks(void **state)
{
    struct fixture *f = *state;
    struct mr_error error = {0};
    uint64_t anna = deficit(f, "d-1", SNILS_ANNA, NULL), number, other;
    struct mr_buf text = MR_BUF_INIT;

    assert_int_equal(request(f, SNILS_ANNA, &number, &error), 0);
    assert_int_equal(mr_erasure_case(&f->env->house, number, &text, NULL), 0);
    assert_string_equal(mr_buf_str(&text), "file 7 of 2026");
    mr_buf_wipe(&text);
    assert_int_equal(mr_eraser_reject(f->eraser, number, "pd-1", "Not A Code", &error), MR_EINVAL);
    assert_int_equal(mr_eraser_reject(f->eraser, number, "pd-1", "legal-duty", &error), 0);
    assert_int_equal(open_record(f, anna, MR_PURPOSE_DELIVER), 0);
    assert_int_equal(mr_eraser_approve(f->eraser, number, "pd-2", &error), MR_EINVAL);
    assert_int_equal(request(f, SNILS_ANNA, &other, &error), 0);
    assert_int_equal(other, 2);
}

static void test_hold_refuses(void **state)
{
    struct fixture *f = *state;
    struct mr_error error = {0};
    uint64_t anna = deficit(f, "d-1", SNILS_ANNA, NULL), number, head;
    const struct mr_erasure_wish wish = {
            .snils = SNILS_ANNA, .case_text = "court 3-17", .operator_name = "pd-1"};
    char hold[MR_ERASURE_HOLD_HEX_MAX];

    assert_int_equal(mr_eraser_hold(f->eraser, &wish, hold, &error), 0);
    head = mr_log_head(f->env->house.log);
    assert_int_equal(request(f, SNILS_ANNA, &number, &error), MR_EDENIED);
    assert_int_equal(mr_log_head(f->env->house.log), head + 1); /* the refusal is an event */
    assert_int_equal(open_record(f, anna, MR_PURPOSE_DELIVER), 0);
    nothing_of(f, "court 3-17");
    assert_int_equal(mr_eraser_release(f->eraser, &wish, hold, &error), 0);
    assert_int_equal(mr_eraser_release(f->eraser, &wish, hold, &error), MR_ENOTFOUND);
    assert_int_equal(request(f, SNILS_ANNA, &number, &error), 0);
}

/* Between request and approval a hold may still come; then the approval is refused, and behind it none comes.
 */
static void test_hold_between(void **state)
{
    struct fixture *f = *state;
    struct mr_error error = {0};
    const struct mr_erasure_wish wish = {
            .snils = SNILS_ANNA, .case_text = "court 3-17", .operator_name = "pd-1"};
    char hold[MR_ERASURE_HOLD_HEX_MAX];
    uint64_t number;

    f->compactor_away = true; /* it stays under way */
    (void)deficit(f, "d-1", SNILS_ANNA, NULL);
    assert_int_equal(request(f, SNILS_ANNA, &number, &error), 0);
    assert_int_equal(mr_eraser_hold(f->eraser, &wish, hold, &error), 0);
    assert_int_equal(mr_eraser_approve(f->eraser, number, "pd-2", &error), MR_EDENIED);
    assert_int_equal(mr_eraser_release(f->eraser, &wish, hold, &error), 0);
    assert_int_equal(mr_eraser_approve(f->eraser, number, "pd-2", &error), 0);
    assert_int_not_equal(mr_eraser_hold(f->eraser, &wish, hold, &error), 0);
}

static void test_wrong_wishes(void **state)
{
    struct fixture *f = *state;
    struct mr_error error = {0};
    struct mr_erasure_wish wish = {
            .snils = "11223344594", .basis = "x", .case_text = "y", .operator_name = "pd-1"};
    uint64_t number;

    (void)deficit(f, "d-1", SNILS_ANNA, NULL);
    assert_int_equal(mr_eraser_request(f->eraser, &wish, &number, &error), MR_EINVAL); /* check digits */
    wish.snils = SNILS_OLGA;
    assert_int_equal(mr_eraser_request(f->eraser, &wish, &number, &error), MR_ENOTFOUND);
    wish.snils = SNILS_ANNA;
    wish.basis = "По заявлению";
    assert_int_equal(mr_eraser_request(f->eraser, &wish, &number, &error), MR_EINVAL);
    wish.basis = "consent-withdrawn";
    wish.case_text = "";
    assert_int_equal(mr_eraser_request(f->eraser, &wish, &number, &error), MR_EINVAL);
    assert_int_equal(mr_log_head(f->env->house.log), 1);
}

/* ---- nothing derived leads there, and it is what a rebuild makes ---- */

static void digest_of(struct mr_index *index, uint8_t ret[static 32])
{
    assert_int_equal(mr_index_digest(index, ret, NULL, NULL), 0);
}

static bool is_indexed(void *ctx)
{
    const struct mr_house *house = ctx;
    uint64_t head = mr_log_head(house->log);

    return mr_index_through(house->index) >= head && mr_view_through(house->view) >= head;
}

static void await_indexed(struct fixture *f)
{
    mr_indexer_wake(f->indexer);
    spawn_until("indexed", is_indexed, &f->env->house);
}

static void test_derived_is_as_rebuilt(void **state)
{
    struct fixture *f = *state;
    uint64_t number;
    uint8_t before[32], after[32];
    struct mr_error error = {0};

    for (int i = 0; i < 8; i++) {
        char id[16];

        (void)snprintf(id, sizeof id, "d-%d", i);
        (void)deficit(f, id, i % 2 ? SNILS_ANNA : SNILS_OLGA, i < 2 ? id : NULL);
    }
    (void)deficit(f, "d-wrong", "11223344594", NULL); /* waits: the check digits; not known to be hers */
    await_indexed(f);
    assert_int_equal(request(f, SNILS_ANNA, &number, &error), 0);
    assert_int_equal(mr_eraser_approve(f->eraser, number, "pd-2", &error), 0);
    assert_int_equal(await(f, number, MR_ERASURE_COMPLETED).events, 4);
    await_indexed(f);
    digest_of(f->env->house.index, before);
    stop(f);
    assert_int_equal(mr_index_clear(f->env->house.index), 0);
    assert_int_equal(mr_indexer_run_once(&f->env->house, NULL), 0);
    digest_of(f->env->house.index, after);
    assert_memory_equal(before, after, sizeof after);
    start(f);
}

/* ---- notices and answers ---- */

static void answer(struct fixture *f, const char *system, uint64_t request_number, const char *outcome)
{
    Nms__Event__V1__ErasureAcknowledged m = NMS__EVENT__V1__ERASURE_ACKNOWLEDGED__INIT;
    char source[64], id[64];
    struct mr_attributes a;
    struct mr_buf event = MR_BUF_INIT;

    (void)snprintf(source, sizeof source, "urn:marshrut:24:%s", system);
    (void)snprintf(id, sizeof id, "answer-%llu-%s", (unsigned long long)request_number, system);
    a = hub_env_attributes(source, id, "nms.erasure.acknowledged.v1");
    m.request = request_number;
    m.outcome = (char *)outcome;
    hub_env_encode(&event, &a, &m.base);
    (void)publish(f, system, &event);
    mr_eraser_news(f->eraser);
}

static bool is_answered(void *ctx)
{
    struct waiting *w = ctx;

    return mr_erasure_all(w->log, look, w) == 0 && w->found != 0 && w->unanswered == w->wanted;
}

static void await_answers(struct fixture *f, uint64_t number, size_t unanswered)
{
    struct waiting w = {.log = f->env->house.log, .number = number, .wanted = unanswered};

    spawn_until("answered", is_answered, &w);
}

/* copmkp has sent, cnppm gets all, portal pseudonyms; the school is nobody's employer. */
static void test_notices(void **state)
{
    struct fixture *f = *state;
    struct mr_error error = {0};
    uint64_t number;

    (void)deficit(f, "d-1", SNILS_ANNA, "p-17");
    assert_int_equal(request(f, SNILS_ANNA, &number, &error), 0);
    assert_int_equal(mr_eraser_approve(f->eraser, number, "pd-2", &error), 0);
    assert_int_equal(await(f, number, MR_ERASURE_COMPLETED).notices, 3);
    await_answers(f, number, 3);
    answer(f, "copmkp", number, "done");
    await_answers(f, number, 2);
    answer(f, "cnppm", number, "refused");
    answer(f, "portal", number, "done");
    await_answers(f, number, 0);
}

static void test_act_names_and_nothing_else_does(void **state)
{
    struct fixture *f = *state;
    struct mr_error error = {0};
    uint64_t number;

    (void)deficit(f, "d-1", SNILS_ANNA, "p-17-anna");
    assert_int_equal(request(f, SNILS_ANNA, &number, &error), 0);
    nothing_of(f, SNILS_ANNA);
    assert_int_equal(mr_eraser_approve(f->eraser, number, "pd-2", &error), 0);
    (void)await(f, number, MR_ERASURE_COMPLETED);
    nothing_of(f, SNILS_ANNA);
    nothing_of(f, "p-17-anna");
    assert_true(bytes_folder_has(mr_tmpdir_path(f->env->dir, "store/acts"), SNILS_ANNA));
}

/* What waits for correction names nobody; it is found by what is in it. */
static void test_waiting_is_discarded(void **state)
{
    struct fixture *f = *state;
    struct mr_error error = {0};
    uint64_t number, waits, others;

    (void)deficit(f, "d-1", SNILS_ANNA, "p-17");
    (void)deficit(f, "d-2", SNILS_OLGA, NULL);
    waits = deficit(f, "d-3", SNILS_OLGA, "p-17"); /* her id, another's number */
    others = deficit(f, "d-4", NULL, "p-18");
    assert_int_equal(open_record(f, waits, MR_PURPOSE_CORRECT), 0);
    assert_int_equal(request(f, SNILS_ANNA, &number, &error), 0);
    assert_int_equal(mr_eraser_approve(f->eraser, number, "pd-2", &error), 0);
    assert_int_equal(await(f, number, MR_ERASURE_COMPLETED).quarantined, 1);
    assert_int_equal(open_record(f, waits, MR_PURPOSE_CORRECT), MR_EDESTROYED);
    assert_int_equal(open_record(f, others, MR_PURPOSE_CORRECT), 0);
}

static void test_waits_for_the_compactor(void **state)
{
    struct fixture *f = *state;
    struct mr_error error = {0};
    uint64_t number;

    f->compactor_away = true;
    (void)deficit(f, "d-1", SNILS_ANNA, NULL);
    assert_int_equal(request(f, SNILS_ANNA, &number, &error), 0);
    assert_int_equal(mr_eraser_approve(f->eraser, number, "pd-2", &error), 0);
    (void)await(f, number, MR_ERASURE_CONFIRMED);
    stop(f);
    start(f); /* it goes on where it stood */
    (void)await(f, number, MR_ERASURE_CONFIRMED);
    f->compactor_away = false;
    mr_eraser_wake(f->eraser);
    (void)await(f, number, MR_ERASURE_COMPLETED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(test_two_operators, setup, teardown),
            cmocka_unit_test_setup_teardown(test_reject_unblocks, setup, teardown),
            cmocka_unit_test_setup_teardown(test_hold_refuses, setup, teardown),
            cmocka_unit_test_setup_teardown(test_hold_between, setup, teardown),
            cmocka_unit_test_setup_teardown(test_wrong_wishes, setup, teardown),
            cmocka_unit_test_setup_teardown(test_derived_is_as_rebuilt, setup, teardown),
            cmocka_unit_test_setup_teardown(test_notices, setup, teardown),
            cmocka_unit_test_setup_teardown(test_act_names_and_nothing_else_does, setup, teardown),
            cmocka_unit_test_setup_teardown(test_waiting_is_discarded, setup, teardown),
            cmocka_unit_test_setup_teardown(test_waits_for_the_compactor, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
