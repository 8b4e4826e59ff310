#include "adapters/sdk/intake_file.h"

#include <limits.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adapters/sdk/file.h"
#include "adapters/sdk/intake_answer.h"
#include "adapters/sdk/intake_place.h"
#include "adapters/sdk/intake_sink.h"
#include "adapters/sdk/intake_state.h"
#include "adapters/sdk/sweep.h"
#include "adapters/sdk/watch_dir.h"
#include "proto/base/clock.h"
#include "proto/base/hex.h"
#include "proto/base/list.h"
#include "proto/base/logfmt.h"

enum { FILE_BYTES_MAX = 64 * 1024 * 1024, LARGE_BYTES = 1024 * 1024 };

struct mr_intake_file {
    struct mr_list member;
    uint8_t id[MR_INTAKE_ID_BYTES];
    char *folder, *name; /* as it lies in the folder */
    bool complete;       /* the last verdict has come */
};

struct mr_intake_files {
    struct mr_intake_files_options options;
    char *in, *done, *rejected;
    struct mr_watch_dir *watch;
    struct mr_sweep *sweep;
    struct mr_list active; /* files whose verdicts are to come */
    int64_t last_us;       /* of a reading: no two have the same */
    void (*on_closed)(void *ctx);
    void *closed_ctx;
};

/* ---- active files ---- */

static struct mr_intake_file *find_active(const struct mr_intake_files *files, const uint8_t id[static 16])
{
    mr_list_foreach (it, &files->active) {
        struct mr_intake_file *file = MR_CONTAINER(it, struct mr_intake_file, member);

        if (memcmp(file->id, id, MR_INTAKE_ID_BYTES) == 0)
            return file;
    }
    return NULL;
}

static void free_active(struct mr_intake_file *file)
{
    mr_list_remove(&file->member);
    free(file->folder);
    free(file->name);
    free(file);
}

static int add_active(
        struct mr_intake_files *files, const uint8_t id[static 16], const char *folder, const char *name)
{
    struct mr_intake_file *file = calloc(1, sizeof *file);

    if (!file)
        return MR_ENOMEM;
    memcpy(file->id, id, MR_INTAKE_ID_BYTES);
    mr_list_push_back(&files->active, &file->member);
    file->folder = strdup(folder);
    file->name = strdup(name);
    if (file->folder && file->name)
        return 0;
    free_active(file);
    return MR_ENOMEM;
}

/* ---- finishing ---- */

static int read_state(struct mr_intake_files *files, const uint8_t id[static 16], struct mr_intake_state *ret,
        struct mr_intake_row **ret_bad, size_t *ret_count)
{
    struct mr_outbox_txn *txn;
    int r = mr_outbox_begin(files->options.adapter, &txn);

    if (r < 0)
        return r;
    r = mr_intake_state_get(txn, id, ret);
    if (r == 0 && ret_bad)
        r = mr_intake_rows_bad(txn, id, ret_bad, ret_count);
    mr_outbox_abort(txn);
    return r;
}

static int set_phase(struct mr_intake_files *files, const uint8_t id[static 16],
        struct mr_intake_state *state, enum mr_intake_phase phase)
{
    struct mr_outbox_txn *txn;
    int r = mr_outbox_begin(files->options.adapter, &txn);

    if (r < 0)
        return r;
    state->phase = phase;
    r = mr_intake_state_put(txn, id, state);
    if (r == 0 && phase == MR_INTAKE_CLOSING)
        r = mr_intake_rows_clear(txn, id);
    if (r < 0) {
        mr_outbox_abort(txn);
        return r;
    }
    return mr_outbox_commit(txn);
}

static void identity(
        struct mr_intake_files *files, const char *folder, struct mr_slice content, uint8_t ret[static 16])
{
    struct mr_buf all = MR_BUF_INIT;

    mr_buf_put(&all, folder, strlen(folder) + 1);
    mr_buf_put_slice(&all, content);
    mr_outbox_digest(files->options.adapter, mr_buf_slice(&all), ret);
    mr_buf_wipe(&all);
}

/* After a large file much of the heap is free in pieces: the system gets them back. */
static void put_away(struct mr_buf *content)
{
    bool large = content->size > LARGE_BYTES;

    mr_buf_wipe(content);
    if (large)
        (void)malloc_trim(0);
}

/* The file as it lies there, only when it still is the one that was read. */
static int read_same(struct mr_intake_files *files, const char *folder, const char *name,
        const uint8_t id[static 16], struct mr_buf *out)
{
    char path[PATH_MAX];
    uint8_t now[MR_INTAKE_ID_BYTES];
    int r;

    mr_intake_path(files->in, folder, name, path);
    r = mr_file_read(path, FILE_BYTES_MAX, out);
    if (r < 0)
        return r;
    identity(files, folder, mr_buf_slice(out), now);
    return memcmp(now, id, sizeof now) == 0 ? 0 : MR_ENOTFOUND;
}

/*
 * Outputs, then CLOSING, then the file goes, then DONE: a kill between any two repeats the steps after it,
 * and the outputs have names and texts that do not change.
 */
static int finish(
        struct mr_intake_files *files, const uint8_t id[static 16], const char *folder, const char *name)
{
    struct mr_intake_state state;
    struct mr_intake_row *bad = NULL;
    struct mr_buf content = MR_BUF_INIT;
    size_t bad_count = 0;
    bool there = false;
    int r = read_state(files, id, &state, &bad, &bad_count);

    if (r == 0 && state.phase == MR_INTAKE_READING && state.pending == 0) {
        there = read_same(files, folder, name, id, &content) == 0;
        r = mr_intake_answer_finished(&files->options, folder, name, &state, bad, bad_count,
                there ? mr_buf_slice(&content) : mr_slice(NULL, 0));
        if (r == 0)
            r = set_phase(files, id, &state, MR_INTAKE_CLOSING);
        if (r == 0 && there)
            mr_intake_remove(files->in, folder, name);
        if (r == 0)
            r = set_phase(files, id, &state, MR_INTAKE_DONE);
    }
    free(bad);
    put_away(&content);
    mr_intake_log(r < 0 ? MR_LEVEL_ERROR : MR_LEVEL_INFO, r < 0 ? "file.not-finished" : "file.finished",
            folder, id, r);
    return r;
}

/* ---- starting ---- */

/* Time of a reading, in milliseconds of its own: outputs of the same name never meet. */
static int64_t reading_time(struct mr_intake_files *files)
{
    int64_t now_us = mr_clock_wall_us(mr_clock_system());

    files->last_us = now_us < files->last_us + 1000 ? files->last_us + 1000 : now_us;
    return files->last_us;
}

static int map_into_outbox(struct mr_intake_files *files, const uint8_t id[static 16], const char *folder,
        const char *name, struct mr_slice content, int64_t started_us, struct mr_error *reterr,
        struct mr_buf *questions)
{
    bool confirmed = mr_intake_confirmed(files->in, folder, name);
    char safe[MR_INTAKE_NAME_MAX];
    struct mr_intake_sink sink;
    struct mr_outbox_txn *txn;
    int r = mr_outbox_begin(files->options.adapter, &txn);

    if (r < 0)
        return r;
    mr_intake_sink_init(&sink, files->options.adapter, txn, id, started_us, confirmed);
    sink.state.read_us = reading_time(files);
    r = files->options.map(
            files->options.ctx, folder, mr_intake_safe_name(name, safe), content, &sink.sink, reterr);
    if (r == 0)
        r = mr_intake_sink_end(&sink);
    mr_buf_put_slice(questions, mr_buf_slice(&sink.questions));
    mr_intake_sink_fini(&sink);
    if (r != 0) {
        mr_outbox_abort(txn);
        return r;
    }
    return mr_outbox_commit(txn);
}

static bool clean(const struct mr_intake_state *state)
{
    return state->refused == 0 && state->quarantined == 0 && state->implied_bad == 0;
}

/* What to do with a file of which something is known. 1: read it (again). */
static int known(struct mr_intake_files *files, const uint8_t id[static 16], const char *folder,
        const char *name, struct mr_intake_state *state)
{
    struct mr_intake_file *active = find_active(files, id);

    if (active && (strcmp(active->name, name) != 0 || strcmp(active->folder, folder) != 0))
        return mr_intake_answer_repeated(&files->options, folder, name, state,
                reading_time(files)); /* a copy of one that is on its way */
    if (state->phase == MR_INTAKE_CLOSING) {
        mr_intake_remove(files->in, folder, name);
        return set_phase(files, id, state, MR_INTAKE_DONE);
    }
    if (state->phase == MR_INTAKE_DONE)
        return clean(state)
                       ? mr_intake_answer_repeated(&files->options, folder, name, state, reading_time(files))
                       : 1;
    if (active)
        return 0;
    return state->pending == 0 ? finish(files, id, folder, name) : add_active(files, id, folder, name);
}

static int take(struct mr_intake_files *files, const char *folder, const char *name, struct mr_slice content,
        struct mr_error *reterr, struct mr_buf *questions)
{
    uint8_t id[MR_INTAKE_ID_BYTES];
    struct mr_intake_state state = {0};
    int r;

    identity(files, folder, content, id);
    r = read_state(files, id, &state, NULL, NULL);
    if (r == 0) {
        r = known(files, id, folder, name, &state);
        if (r <= 0)
            return r;
    } else if (r == MR_ENOTFOUND) {
        state.started_us = mr_clock_wall_us(mr_clock_system());
    } else {
        return r;
    }
    r = map_into_outbox(files, id, folder, name, content, state.started_us, reterr, questions);
    if (r != 0)
        return r;
    mr_intake_log(MR_LEVEL_INFO, "file.read", folder, id, 0);
    r = read_state(files, id, &state, NULL, NULL);
    if (r < 0)
        return r;
    return state.pending == 0 ? finish(files, id, folder, name) : add_active(files, id, folder, name);
}

static int take_file(struct mr_intake_files *files, const char *folder, const char *name)
{
    char path[PATH_MAX];
    struct mr_buf content = MR_BUF_INIT, questions = MR_BUF_INIT;
    struct mr_error error = {0};
    const char *reason;
    uint8_t id[MR_INTAKE_ID_BYTES];
    int r;

    mr_intake_path(files->in, folder, name, path);
    r = mr_file_read(path, FILE_BYTES_MAX, &content);
    identity(files, folder, mr_buf_slice(&content), id);
    reason = mr_intake_unfit(&r, mr_buf_slice(&content), &error);
    if (r == 0)
        r = take(files, folder, name, mr_buf_slice(&content), &error, &questions);
    put_away(&content);
    if (r == 1) {
        r = mr_intake_ask(files->in, folder, name, &error, &questions);
        mr_intake_log(MR_LEVEL_WARNING, "file.waits-for-confirmation", folder, id, r);
    }
    mr_buf_fini(&questions);
    if (r == MR_EINVAL && error.what[0])
        r = mr_intake_answer_refused(&files->options, folder, name, &error,
                &(struct mr_intake_refusal){reading_time(files), reason, id});
    return r == MR_ENOTFOUND ? 0 : r;
}

/* Questions and confirmations of ours are no files to read; a confirmation brings the waiting file back. */
static bool serves_another(struct mr_intake_files *files, const char *folder, const char *name)
{
    if (mr_intake_is_question(name)) {
        mr_intake_forget_question(files->in, folder, name);
        return true;
    }
    if (!mr_intake_is_confirmation(files->in, folder, name))
        return false;
    mr_watch_dir_again(files->watch, folder, mr_intake_shown_name(name));
    return true;
}

/* It is read, but whoever looks for it by its name should know that outputs call it otherwise. */
static void say_odd_name(struct mr_intake_files *files, const char *folder, const char *name)
{
    uint8_t digest[MR_INTAKE_ID_BYTES];

    if (mr_file_name_ok(name))
        return;
    mr_intake_name_digest(&files->options, folder, name, digest);
    mr_intake_log(MR_LEVEL_WARNING, "file.odd-name", folder, digest, 0);
}

static void on_file(void *ctx, const char *folder, const char *name)
{
    struct mr_intake_files *files = ctx;
    char own_folder[NAME_MAX + 1], own_name[NAME_MAX + 1]; /* the watch's may go while we work */
    int r;

    (void)snprintf(own_folder, sizeof own_folder, "%s", folder);
    (void)snprintf(own_name, sizeof own_name, "%s", name);
    if (serves_another(files, own_folder, own_name))
        return;
    say_odd_name(files, own_folder, own_name);
    r = take_file(files, own_folder, own_name);
    if (r < 0) {
        mr_intake_log(MR_LEVEL_ERROR, "file.failed", own_folder, NULL, r);
        mr_watch_dir_again(files->watch, own_folder, own_name);
    }
}

static void on_odd(void *ctx, const char *folder, const char *name, enum mr_watch_odd odd)
{
    struct mr_intake_files *files = ctx;
    int r = mr_intake_answer_odd(&files->options, folder, name, odd);

    if (r < 0)
        mr_intake_log(MR_LEVEL_ERROR, "file.failed", folder, NULL, r);
}

/* ---- the adapter's callbacks ---- */

int mr_intake_files_outcome(
        struct mr_intake_files *files, struct mr_outbox_txn *txn, const struct mr_outcome *outcome)
{
    uint8_t id[MR_INTAKE_ID_BYTES];
    uint32_t place;
    bool complete;
    struct mr_intake_file *file;
    int r;

    if (!files)
        return MR_ECLOSED;
    if (!mr_intake_ref_parse(outcome->ref, id, &place))
        return 0;
    r = mr_intake_state_outcome(txn, id, place, outcome, &complete);
    if (r == 0 && complete && (file = find_active(files, id)) != NULL)
        file->complete = true;
    return r;
}

void mr_intake_files_committed(struct mr_intake_files *files)
{
    if (!files)
        return;
    mr_list_foreach_safe (it, &files->active) {
        struct mr_intake_file *file = MR_CONTAINER(it, struct mr_intake_file, member);

        if (!file->complete)
            continue;
        if (finish(files, file->id, file->folder, file->name) < 0 && files->watch)
            mr_watch_dir_again(files->watch, file->folder, file->name);
        free_active(file);
    }
}

/* ---- birth and death ---- */

static void destroy(struct mr_intake_files *files)
{
    while (!mr_list_empty(&files->active))
        free_active(MR_CONTAINER(files->active.next, struct mr_intake_file, member));
    free(files->in);
    free(files->done);
    free(files->rejected);
    free(files);
}

static void destroy_after(void *ctx)
{
    destroy(ctx);
}

static int open_sweep(struct mr_intake_files *files)
{
    struct mr_sweep_options options = {
            .loop = files->options.loop,
            .dirs = {files->done, files->rejected, files->options.out},
            .keep_days = files->options.keep_days,
    };

    return mr_sweep_open(&files->sweep, &options);
}

int mr_intake_files_open(
        struct mr_intake_files **ret, const struct mr_intake_files_options *options, struct mr_error *reterr)
{
    struct mr_intake_files *files = calloc(1, sizeof *files);
    struct mr_watch_dir_options watch = {
            .loop = options->loop,
            .dir = options->in,
            .sub_folders = options->sub_folders,
            .settle_ms = options->settle_ms,
            .on_file = on_file,
            .on_odd = on_odd,
            .ctx = files,
    };
    int r = MR_ENOMEM;

    if (!files)
        return MR_ENOMEM;
    mr_list_init(&files->active);
    files->options = *options;
    files->in = strdup(options->in);
    files->done = strdup(options->done);
    files->rejected = strdup(options->rejected);
    files->options.in = files->in;
    files->options.done = files->done;
    files->options.rejected = files->rejected;
    if (files->in && files->done && files->rejected) {
        r = mr_file_make_dirs(files->done);
        if (r == 0)
            r = mr_file_make_dirs(files->rejected);
        if (r < 0)
            (void)mr_error_set(
                    reterr, r, files->done, "create it or correct its rights", "folder of receipts");
    }
    if (r == 0)
        r = mr_watch_dir_open(&files->watch, &watch, reterr);
    if (r == 0 && (r = open_sweep(files)) < 0)
        mr_watch_dir_close(files->watch, destroy_after, files);
    else if (r < 0)
        destroy(files);
    else
        *ret = files;
    return r;
}

static void on_sweep_closed(void *ctx)
{
    struct mr_intake_files *files = ctx;
    void (*on_closed)(void *closed_ctx) = files->on_closed;
    void *closed_ctx = files->closed_ctx;

    destroy(files);
    if (on_closed)
        on_closed(closed_ctx);
}

static void on_watch_closed(void *ctx)
{
    struct mr_intake_files *files = ctx;

    mr_sweep_close(files->sweep, on_sweep_closed, files);
}

void mr_intake_files_close(struct mr_intake_files *files, void (*on_closed)(void *ctx), void *ctx)
{
    struct mr_watch_dir *watch;

    if (!files) {
        on_closed(ctx);
        return;
    }
    watch = files->watch;
    files->on_closed = on_closed;
    files->closed_ctx = ctx;
    files->watch = NULL;
    mr_watch_dir_close(watch, on_watch_closed, files);
}
