#include "tests/crash/replay/job_erasure.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <ftw.h>
#include <string.h>

#include "adapters/sdk/file.h"
#include "event/erasure.pb-c.h"
#include "hub/house.h"
#include "tests/support/hub_env.h"
#include "tests/support/tmpdir.h"

void job_erasure_init(struct job_erasure *job, struct scene *scene)
{
    *job = (struct job_erasure){.scene = scene};
    trace_mkdir(&scene->history->trace, mr_tmpdir_path(scene->history->hub.dir, "escrow-root"));
    trace_mkdir(&scene->history->trace, mr_tmpdir_path(scene->history->hub.dir, "escrow-keys"));
}

/* ---- what is left of a person ---- */

/* nftw has no argument for its callback. */
static struct {
    struct mr_slice needle;
    char *where;
} walk;

static int look(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    struct mr_buf bytes = MR_BUF_INIT;
    const char *name = path + ftw->base;
    bool found = false;

    (void)st;
    if (type != FTW_F || strcmp(name, "data.mdb") != 0)
        return 0;
    if (mr_file_read(path, 1 << 30, &bytes) == 0)
        found = bytes.size > 0 && memmem(bytes.data, bytes.size, walk.needle.data, walk.needle.size);
    mr_buf_fini(&bytes);
    if (found)
        (void)snprintf(walk.where, 512, "%s", path);
    return found;
}

bool job_erasure_is_clean(const char *store, struct mr_slice key_id, char ret_where[static 512])
{
    static const char *const folders[] = {"log", "index", "views"};
    int r = 0;

    walk.needle = key_id;
    walk.where = ret_where;
    ret_where[0] = 0;
    for (size_t i = 0; r == 0 && i < MR_COUNT(folders); i++)
        r = nftw(mr_tmpdir_path(store, folders[i]), look, 16, FTW_PHYS);
    return r == 0;
}

/* ---- a person ---- */

/* As any reader of the log may see it: a slot says in plain whose key seals it. */
static void read_key_id(struct job_erasure *job)
{
    struct mr_config *config = NULL;
    struct mr_log_reader *reader;
    struct mr_record_view view;
    struct mr_house house;

    assert_int_equal(mr_config_load(&config, job->scene->history->hub.config, NULL), 0);
    assert_int_equal(mr_house_open(&house, config, true, NULL), 0);
    assert_int_equal(mr_log_reader_open(house.log, &reader), 0);
    assert_int_equal(mr_log_read(reader, job->event->number, &view, NULL), 0);
    assert_int_equal(view.record.slots_count, 1);
    assert_int_equal(mr_slot_key_id(view.record.slots[0], job->key_id), 0);
    mr_log_reader_close(reader);
    mr_house_close(&house);
    mr_config_free(config);
}

void job_erasure_prepare(struct job_erasure *job)
{
    struct history *history = job->scene->history;
    size_t index = history_send_person(history, job->persons++, job->snils);
    char where[512];

    job->event = &history->producers[HISTORY_COPMKP].events[index];
    job->event->gone = MR_EDESTROYED;
    job->request = 0;
    job->answered = false;
    history_await_indexed(history);
    read_key_id(job);
    assert_false(job_erasure_is_clean(mr_tmpdir_path(history->hub.dir, "store"),
            mr_slice(job->key_id, sizeof job->key_id), where)); /* so that looking for it means something */
}

/* ---- its erasure ---- */

static int request(struct job_erasure *job)
{
    return scene_tool(job->scene, job->snils, NULL,
            WORDS("erase", "request", "--snils", "-", "--basis", "consent-withdrawn", "--case",
                    "file 7 of 2026", "--as", "officer"));
}

static int approve(struct job_erasure *job)
{
    char number[24];

    (void)snprintf(number, sizeof number, "%lld", (long long)job->request);
    return scene_tool(job->scene, NULL, NULL, WORDS("erase", "approve", number, "--as", "head"));
}

/* Asks for the newest request; *ret_is: it is that of this person and in that state (NULL: any). How the tool
 * ended. */
static int ask_state(struct job_erasure *job, const char *state, bool *ret_is)
{
    json_t *list = NULL, *requests, *last;
    int status = scene_tool(job->scene, NULL, &list, WORDS("erase", "list"));

    *ret_is = false;
    requests = json_object_get(list, "requests");
    if (status == 0 && json_array_size(requests) == job->persons) {
        last = json_array_get(requests, job->persons - 1);
        job->request = json_integer_value(json_object_get(last, "request"));
        *ret_is = !state || strcmp(json_string_value(json_object_get(last, "state")), state) == 0;
    }
    json_decref(list);
    return status;
}

/* Of a hub that is to live. */
static bool is_state(struct job_erasure *job, const char *state)
{
    bool is;

    assert_int_equal(ask_state(job, state, &is), 0);
    return is;
}

static bool is_completed(void *ctx)
{
    history_serve(((struct job_erasure *)ctx)->scene->history);
    return is_state(ctx, "completed");
}

void job_erasure_ask(struct job_erasure *job)
{
    job->event->leaves_at = trace_now(&job->scene->history->trace);
    assert_int_equal(request(job), 0);
}

/* The hub may be made to end at any of these steps, and answer none of those after it. */
void job_erasure_go(struct job_erasure *job)
{
    bool requested;

    job->event->leaves_at = trace_now(&job->scene->history->trace);
    if (request(job) == 0 && ask_state(job, "requested", &requested) == 0 && requested)
        (void)approve(job);
}

void job_erasure_finish(struct job_erasure *job)
{
    const char *dir = job->scene->history->hub.dir;
    char where[512];

    if (!is_state(job, NULL)) {
        assert_int_equal(request(job), 0);
        assert_true(is_state(job, "requested"));
    }
    if (is_state(job, "requested"))
        assert_int_equal(approve(job), 0);
    spawn_until("the person is erased", is_completed, job);
    job->event->gone_at = trace_now(&job->scene->history->trace);
    if (!job_erasure_is_clean(mr_tmpdir_path(dir, "store"), mr_slice(job->key_id, sizeof job->key_id), where))
        fail_msg("the key id of an erased person is in %s", where);
}

void job_erasure_answer(struct job_erasure *job)
{
    Nms__Event__V1__ErasureAcknowledged m = NMS__EVENT__V1__ERASURE_ACKNOWLEDGED__INIT;
    struct mr_buf event = MR_BUF_INIT;
    struct mr_attributes a;
    char id[32];

    (void)snprintf(id, sizeof id, "answer-%lld", (long long)job->request);
    a = hub_env_attributes("urn:marshrut:24:copmkp", id, "nms.erasure.acknowledged.v1");
    m.request = (uint64_t)job->request;
    m.outcome = (char *)"done";
    hub_env_encode(&event, &a, &m.base);
    job->answered = true;
    (void)history_send_unsettled(job->scene->history, HISTORY_COPMKP, &event);
}

static bool is_answered(void *ctx)
{
    const struct job_erasure *job = ctx;
    json_t *shown = NULL, *notice;
    char number[24];
    bool answered = false;
    size_t i;

    history_serve(job->scene->history);
    (void)snprintf(number, sizeof number, "%lld", (long long)job->request);
    assert_int_equal(scene_tool(job->scene, NULL, &shown, WORDS("erase", "show", number)), 0);
    json_array_foreach (json_object_get(shown, "notices"), i, notice)
        if (strcmp(json_string_value(json_object_get(notice, "system")), "copmkp") == 0)
            answered = strcmp(json_string_value(json_object_get(notice, "state")), "done") == 0;
    json_decref(shown);
    return answered;
}

void job_erasure_await_answered(struct job_erasure *job)
{
    spawn_until("the answer is noted", is_answered, job);
}

/* ---- as the job of a matrix ---- */

static void init(struct matrix *matrix)
{
    job_erasure_init(matrix->ctx, matrix->scene);
}

static void prepare(void *ctx)
{
    job_erasure_prepare(ctx);
}

static void go(void *ctx)
{
    job_erasure_go(ctx);
}

static void finish(void *ctx)
{
    job_erasure_finish(ctx);
}

const struct matrix_job job_erasure = {JOB_ERASURE_CONFIG, JOB_ERASURE_HUB, init, prepare, go, finish};

static void prepare_answer(void *ctx)
{
    job_erasure_prepare(ctx);
    job_erasure_go(ctx);
    job_erasure_finish(ctx);
}

static void answer(void *ctx)
{
    job_erasure_answer(ctx);
}

static void await_answered(void *ctx)
{
    job_erasure_await_answered(ctx);
}

const struct matrix_job job_erasure_answered = {
        JOB_ERASURE_CONFIG, JOB_ERASURE_HUB, init, prepare_answer, answer, await_answered};
