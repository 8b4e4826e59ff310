#include "tests/crash/replay/matrix.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "tests/support/run_program.h"
#include "tests/support/tmpdir.h"

enum { STEPS = 6, EXIT_IO = 74 };

static void open_scene(struct matrix *matrix)
{
    const struct matrix_job *job = matrix->job;

    matrix->scene = scene_new(job ? job->config : "", job ? job->hub : NULL);
    if (job && job->init)
        job->init(matrix);
    matrix->disk = disk_new(matrix->scene->history->hub.dir);
    matrix->last = NULL;
    matrix->entries = 0;
}

static void close_scene(struct matrix *matrix)
{
    if (matrix->scene->history->hub.pid)
        spawn_kill(&matrix->scene->history->hub);
    disk_free(matrix->disk);
    scene_free(matrix->scene);
}

struct matrix *matrix_new(const struct matrix_job *job, void *ctx)
{
    struct matrix *matrix = calloc(1, sizeof *matrix);

    assert_non_null(matrix);
    matrix->job = job;
    matrix->ctx = ctx;
    open_scene(matrix);
    return matrix;
}

void matrix_free(struct matrix *matrix)
{
    close_scene(matrix);
    free(matrix);
}

static void follow_trace(struct matrix *matrix)
{
    const struct trace *trace = &matrix->scene->history->trace;
    const struct trace_entry *next;

    while ((next = matrix->last ? trace_next(trace, matrix->last) : trace_first(trace))) {
        disk_add(matrix->disk, matrix->entries++, next);
        matrix->last = next;
    }
}

static void begin_history(struct scene *scene)
{
    scene_begin(scene);
    for (int i = 0; i < STEPS; i++)
        history_step(scene->history, true);
    history_await_signed(scene->history);
    scene_stop(scene);
}

int matrix_job_setup(void **state, const struct matrix_job *job, void *ctx)
{
    struct matrix *matrix = matrix_new(job, ctx);

    begin_history(matrix->scene);
    *state = matrix;
    return 0;
}

/* Its trace has room for another cell, or it is another store from here on. */
static void make_room(struct matrix *matrix)
{
    if (trace_bytes(&matrix->scene->history->trace) < TRACE_BYTES / 2)
        return;
    close_scene(matrix);
    open_scene(matrix);
    begin_history(matrix->scene);
}

int matrix_group_setup(void **state)
{
    return matrix_job_setup(state, NULL, NULL);
}

int matrix_setup(void **state)
{
    struct scene *scene = ((struct matrix *)*state)->scene;

    if (scene->history->hub.pid)
        spawn_kill(&scene->history->hub);
    return 0;
}

int matrix_group_teardown(void **state)
{
    matrix_free(*state);
    return 0;
}

static bool is_balanced(const struct scene *scene)
{
    struct run_program run = {0};
    json_t *balance;
    bool ok;

    run_program(
            &run, (const char *[]){"marshrut", "-c", scene->history->hub.config, "balance", "--json", NULL});
    balance = json_loads(run_program_out(&run), 0, NULL);
    ok = run.status == 0 && json_is_true(json_object_get(balance, "ok"));
    if (!ok)
        print_error("%s%s\n", run_program_out(&run), run_program_err(&run));
    json_decref(balance);
    run_program_fini(&run);
    return ok;
}

/* The store of the stopped hub (a copy: looking writes), against all that was told. */
static void expect_whole(struct matrix *matrix, const char *cell)
{
    struct reopened *reopened = calloc(1, sizeof *reopened);
    char *dir = cuts_folder(), problem[REOPENED_PROBLEM_MAX];
    struct reopened_run run;

    assert_non_null(reopened);
    follow_trace(matrix);
    disk_make(matrix->disk, DISK_ALL, 1, dir);
    cuts_copy_config(matrix->scene, dir);
    reopened_init(reopened, matrix->scene->history);
    reopened_begin(&run, reopened, dir, UINT64_MAX - 1);
    if (!reopened_end(&run, problem))
        fail_msg("%s: afterwards: %s", cell, problem);
    free(reopened);
    mr_tmpdir_free(dir);
    if (!is_balanced(matrix->scene))
        fail_msg("%s: afterwards the balance does not add up", cell);
}

static void finish(const struct matrix *matrix)
{
    if (matrix->job)
        matrix->job->finish(matrix->ctx);
}

static void expect_logged(const struct scene *scene, const char *cell, const char *text)
{
    if (!spawn_logged(&scene->history->hub, text))
        fail_msg("%s: the hub did not say %s", cell, text);
}

struct awaited {
    const struct scene *scene;
    const char *text;
};

static bool is_logged(void *ctx)
{
    const struct awaited *awaited = ctx;

    history_serve(awaited->scene->history);
    return spawn_logged(&awaited->scene->history->hub, awaited->text);
}

/* What the loop says of the writer may come after what the writer has done. */
static void await_logged(const struct scene *scene, const char *text)
{
    struct awaited awaited = {scene, text};

    spawn_until(text, is_logged, &awaited);
}

static void expect_end(struct scene *scene, const char *cell, enum outcome outcome)
{
    int status = scene_until_gone(scene);

    if (outcome == KILLED ? !(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
                          : !(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_IO))
        spawn_print_log(&scene->history->hub);
    if (outcome == KILLED && !(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL))
        fail_msg("%s: it ended with status %d, not killed", cell, status);
    if (outcome == EXITS && !(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_IO))
        fail_msg("%s: it ended with status %d, not with exit code %d", cell, status, EXIT_IO);
    if (outcome == EXITS)
        expect_logged(scene, cell, "event=hub.fatal");
}

/* Steps until the fault was met, and until what follows from it has come. */
static void expect_goes_on(struct matrix *matrix, enum outcome outcome, const char *met)
{
    struct scene *scene = matrix->scene;

    finish(matrix);
    for (int i = 0; i < STEPS || (!spawn_logged(&scene->history->hub, met) && i < 20 * STEPS); i++) {
        history_step(scene->history, true);
        if (i % STEPS == STEPS - 1)
            history_await_signed(scene->history);
    }
    history_await_signed(scene->history);
    history_await_indexed(scene->history);
    if (outcome == WAITS) {
        await_logged(scene, "event=hub.read_only");
        await_logged(scene, "event=hub.writable");
    }
    spawn_end(&scene->history->hub);
    history_disconnect(scene->history);
}

bool matrix_is_asked(const char *name)
{
    const char *asked = getenv("MR_CELL");

    if (asked && !strstr(name, asked))
        return false;
    print_message("%s\n", name);
    return true;
}

void matrix_cell(struct matrix *matrix, const char *fault, const char *met, enum outcome outcome)
{
    const char *name = fault;
    struct scene *scene;

    if (!matrix_is_asked(name))
        return;
    make_room(matrix);
    scene = matrix->scene;
    scene_preload(scene, fault);
    scene_arm(scene, false); /* until it is ready */
    scene_begin(scene);
    if (matrix->job)
        matrix->job->prepare(matrix->ctx);
    scene_arm(scene, true);
    if (matrix->job)
        matrix->job->go(matrix->ctx);
    if (outcome == KILLED || outcome == EXITS)
        expect_end(scene, name, outcome);
    else
        expect_goes_on(matrix, outcome, met);
    expect_logged(scene, name, met);
    spawn_forget(&scene->history->hub);
    scene_preload(scene, NULL);
    scene_begin(scene);
    history_step(scene->history, true);
    finish(matrix);
    scene_stop(scene);
    expect_whole(matrix, name);
}

/* ---- the first start ---- */

/* Nothing was told yet: it ends, and the next start makes what is missing. */
void matrix_first_start(const char *fault)
{
    char name[256];
    struct matrix *matrix;
    struct scene *scene;

    (void)snprintf(name, sizeof name, "first start, %s", fault);
    if (!matrix_is_asked(name))
        return;
    matrix = matrix_new(NULL, NULL);
    scene = matrix->scene;
    scene_preload(scene, fault);
    spawn_start_ends(&scene->history->hub);
    expect_logged(scene, name, "fault=");
    spawn_forget(&scene->history->hub);
    scene_preload(scene, NULL);
    scene_begin(scene);
    history_step(scene->history, true);
    scene_stop(scene);
    expect_whole(matrix, name);
    matrix_free(matrix);
}
