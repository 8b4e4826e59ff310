#include "tests/support/intake_env.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/sdk/file.h"
#include "event/course.pb-c.h"
#include "tests/support/tmpdir.h"
#include "tests/support/turns.h"

/* ---- the mapper ---- */

static int put_event(struct mr_row_sink *sink, uint32_t line, const char *text, int n)
{
    struct mr_attributes a = {.source = "urn:marshrut:24:test",
            .type = "nms.programme.listed.v1",
            .regioncode = "24",
            .basis = "education",
            .actor = "test",
            .actorrole = "system"};
    Nms__Event__V1__ProgrammeListed listed = NMS__EVENT__V1__PROGRAMME_LISTED__INIT;

    listed.programme_id = (char *)"p-1";
    listed.title = (char *)text;
    listed.hours = n;
    return sink->event(sink, line, &a, &listed.base);
}

static void put_problem(struct mr_row_sink *sink, uint32_t line, const char *value)
{
    sink->problem(sink, &(struct mr_row_problem){line, "Слово", value, "не то слово", "напишите то"});
}

static int map_row(struct mr_row_sink *sink, uint32_t line, const char *row)
{
    int r = 0;

    if (strcmp(row, "end") == 0)
        return put_event(sink, MR_ROW_NONE, row, 0);
    sink->row(sink, line, row);
    if (strncmp(row, "bad ", 4) == 0 || strncmp(row, "both ", 5) == 0)
        put_problem(sink, line, strchr(row, ' ') + 1);
    if (strncmp(row, "bad ", 4) != 0)
        r = put_event(sink, line, row, 1);
    if (r == 0 && strncmp(row, "two ", 4) == 0)
        r = put_event(sink, line, row, 2);
    return r;
}

static int map(void *ctx, const char *folder, const char *name, struct mr_slice content,
        struct mr_row_sink *sink, struct mr_error *reterr)
{
    struct intake_env *env = ctx;
    char *text = strndup((const char *)content.data, content.size), *rest = text, *row;
    uint32_t line = 1;
    int r = 0;

    (void)folder;
    (void)name;
    if (sink->txn && env->while_mapping)
        env->while_mapping(env);
    env->mapped += sink->txn != NULL;
    sink->table(sink, "", strsep(&rest, "\n"));
    while (r == 0 && (row = strsep(&rest, "\n")) != NULL && *row) {
        line++;
        if (strcmp(row, "broken") == 0)
            r = mr_error_set(reterr, MR_EINVAL, "строка", "исправьте", "таблица сломана");
        else if (strcmp(row, "ask") != 0)
            r = map_row(sink, line, row);
        else if (!sink->confirmed)
            r = mr_error_set(reterr, 1, "", "", "Список завершает 1 из 1 трудовых отношений");
    }
    free(text);
    return r;
}

/* ---- birth and death ---- */

static int on_outcome(void *ctx, struct mr_outbox_txn *txn, const struct mr_outcome *outcome)
{
    struct intake_env *env = ctx;

    return env->files ? mr_intake_files_outcome(env->files, txn, outcome) : MR_ECLOSED;
}

static void on_outcomes_committed(void *ctx)
{
    struct intake_env *env = ctx;

    if (env->files)
        mr_intake_files_committed(env->files);
}

void intake_env_start(struct intake_env *env)
{
    static const struct mr_field_column columns[] = {{"title", "Слово"}, {NULL, NULL}};

    assert_int_equal(mr_adapter_open(&env->adapter,
                             &(struct mr_adapter_options){.loop = &env->loop,
                                     .config = &env->config,
                                     .link = &env->link,
                                     .software = "test/1",
                                     .callbacks = {NULL, on_outcome, on_outcomes_committed, NULL},
                                     .ctx = env},
                             NULL),
            0);
    assert_int_equal(mr_intake_files_open(&env->files,
                             &(struct mr_intake_files_options){.adapter = env->adapter,
                                     .loop = &env->loop,
                                     .in = env->in,
                                     .done = env->done,
                                     .rejected = env->rejected,
                                     .sub_folders = env->sub_folders,
                                     .settle_ms = INTAKE_SETTLE_MS,
                                     .map = map,
                                     .ctx = env,
                                     .columns = columns},
                             NULL),
            0);
}

static void on_closed(void *ctx)
{
    ((struct intake_env *)ctx)->closed = true;
}

static bool is_closed(void *ctx)
{
    return ((struct intake_env *)ctx)->closed;
}

void intake_env_stop(struct intake_env *env)
{
    struct mr_intake_files *files = env->files;

    env->files = NULL;
    env->closed = false;
    mr_intake_files_close(files, on_closed, env);
    turns_until(&env->loop, "files closed", is_closed, env);
    env->closed = false;
    mr_adapter_close(env->adapter, on_closed, env);
    turns_until(&env->loop, "adapter closed", is_closed, env);
    env->adapter = NULL;
}

void intake_env_hub(struct intake_env *env)
{
    fake_hub_open(&env->hub, &env->loop);
}

static void set_up(void **state, bool hub, bool sub_folders)
{
    struct intake_env *env = calloc(1, sizeof *env);

    assert_int_equal(uv_loop_init(&env->loop), 0);
    env->dir = mr_tmpdir_new();
    env->sub_folders = sub_folders;
    env->hub.dedup = true;
    fake_hub_open(&env->hub, &env->loop); /* it has a port from now on */
    if (!hub)
        fake_hub_close(&env->hub);
    assert_int_equal(mr_curvekey_generate(&env->key), 0);
    assert_int_equal(mr_file_write(env->dir, "secret", mr_slice_str(env->key.secret_key), 0600), 0);
    (void)snprintf(env->state, sizeof env->state, "%s/state", env->dir);
    (void)snprintf(env->secret, sizeof env->secret, "%s/secret", env->dir);
    (void)snprintf(env->in, sizeof env->in, "%s/in", env->dir);
    (void)snprintf(env->done, sizeof env->done, "%s/done", env->dir);
    (void)snprintf(env->rejected, sizeof env->rejected, "%s/rejected", env->dir);
    env->listen[0] = env->hub.endpoint;
    env->config = (struct mr_config){.region = (char *)"24",
            .hub = {.public_key = env->hub.key.public_key, .listen = env->listen, .listen_count = 1}};
    env->link = (struct mr_config_link){
            .system = (char *)"test", .secret_key_file = env->secret, .state = env->state};
    intake_env_start(env);
    *state = env;
}

int intake_env_setup(void **state)
{
    set_up(state, true, false);
    return 0;
}

int intake_env_setup_no_hub(void **state)
{
    set_up(state, false, false);
    return 0;
}

int intake_env_setup_folders(void **state)
{
    set_up(state, true, true);
    return 0;
}

int intake_env_teardown(void **state)
{
    struct intake_env *env = *state;

    intake_env_stop(env);
    if (env->hub.open)
        fake_hub_close(&env->hub);
    turns_end(&env->loop);
    fake_hub_fini(&env->hub);
    assert_int_equal(env->hub.gaps, 0);
    mr_tmpdir_free(env->dir);
    free(env);
    return 0;
}

/* ---- folders ---- */

static const char *folder_path(const char *dir, const char *folder)
{
    return *folder ? mr_tmpdir_path(dir, folder) : dir;
}

void intake_env_drop(struct intake_env *env, const char *folder, const char *name, const char *text)
{
    const char *dir = folder_path(env->in, folder);

    assert_int_equal(mr_file_make_dirs(dir), 0);
    assert_int_equal(mr_file_write(dir, name, mr_slice_str(text), 0600), 0);
}

static bool ends_with(const char *name, const char *end)
{
    size_t n = strlen(name), e = strlen(end);

    return name[0] != '.' && n >= e && strcmp(name + n - e, end) == 0;
}

/* Counts, and keeps the last name. */
static int look(const char *path, const char *begin, const char *end, char name[static 256])
{
    DIR *dir = opendir(path);
    struct dirent *entry;
    int count = 0;

    while (dir && (entry = readdir(dir)) != NULL) {
        if (!ends_with(entry->d_name, end) || strncmp(entry->d_name, begin, strlen(begin)) != 0 ||
                entry->d_type == DT_DIR)
            continue;
        (void)snprintf(name, 256, "%s", entry->d_name);
        count++;
    }
    if (dir)
        (void)closedir(dir);
    return count;
}

int intake_env_count(const struct intake_env *env, const char *dir, const char *folder, const char *end)
{
    char name[256];

    return look(folder_path(mr_tmpdir_path(env->dir, dir), folder), "", end, name);
}

static const char *read_file(const char *dir, const char *begin, const char *end)
{
    static char texts[4][16384];
    static unsigned turn;
    struct mr_buf content = MR_BUF_INIT;
    char name[256] = "";
    char *text = texts[turn++ % 4];

    if (look(dir, begin, end, name) != 1)
        fail_msg("not one file %s*%s in %s", begin, end, dir);
    assert_int_equal(mr_file_read(mr_tmpdir_path(dir, name), sizeof texts[0] - 1, &content), 0);
    (void)snprintf(text, sizeof texts[0], "%.*s", (int)content.size, (const char *)content.data);
    mr_buf_fini(&content);
    return text;
}

const char *intake_env_read(
        const struct intake_env *env, const char *dir, const char *folder, const char *end)
{
    return read_file(folder_path(mr_tmpdir_path(env->dir, dir), folder), "", end);
}

const char *intake_env_receipt(const struct intake_env *env, const char *folder, const char *name)
{
    return read_file(folder_path(env->done, folder), name, ".receipt.txt");
}

void intake_env_expect(const struct intake_env *env, const char *folder, const char *name, unsigned accepted,
        unsigned repeated, unsigned quarantined, unsigned refused)
{
    const char *text = intake_env_receipt(env, folder, name);
    char want[256];

    (void)snprintf(want, sizeof want,
            "Прочитано строк: %u = принято %u + повторно %u + на исправлении %u + отказано %u\r\n",
            accepted + repeated + quarantined + refused, accepted, repeated, quarantined, refused);
    if (!strstr(text, want))
        fail_msg("expected \"%s\" in \"%s\"", want, text);
}

/* ---- waiting ---- */

struct waiting {
    struct intake_env *env;
    const char *folder;
    int receipts;
    uint64_t events;
};

static uint64_t outbox_waiting(struct intake_env *env)
{
    struct mr_adapter_status status;

    mr_adapter_status(env->adapter, &status);
    return status.outbox_waiting;
}

static bool has_receipts(void *ctx)
{
    struct waiting *waiting = ctx;

    return intake_env_count(waiting->env, "done", waiting->folder, ".receipt.txt") == waiting->receipts &&
           outbox_waiting(waiting->env) == 0;
}

void intake_env_await(struct intake_env *env, const char *folder, int receipts)
{
    turns_until(&env->loop, "receipts", has_receipts,
            &(struct waiting){.env = env, .folder = folder, .receipts = receipts});
}

static bool has_waiting(void *ctx)
{
    struct waiting *waiting = ctx;

    return outbox_waiting(waiting->env) == waiting->events;
}

void intake_env_await_waiting(struct intake_env *env, uint64_t events)
{
    turns_until(
            &env->loop, "events in the outbox", has_waiting, &(struct waiting){.env = env, .events = events});
}

void intake_env_state(
        struct intake_env *env, const char *folder, const char *text, bool put, struct mr_intake_state *state)
{
    struct mr_buf all = MR_BUF_INIT;
    struct mr_outbox_txn *txn;
    uint8_t id[MR_INTAKE_ID_BYTES];

    mr_buf_put(&all, folder, strlen(folder) + 1);
    mr_buf_put_str(&all, text);
    mr_outbox_digest(env->adapter, mr_buf_slice(&all), id);
    mr_buf_fini(&all);
    assert_int_equal(mr_outbox_begin(env->adapter, &txn), 0);
    assert_int_equal(put ? mr_intake_state_put(txn, id, state) : mr_intake_state_get(txn, id, state), 0);
    if (put)
        assert_int_equal(mr_outbox_commit(txn), 0);
    else
        mr_outbox_abort(txn);
}
