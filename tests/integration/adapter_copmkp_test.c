/*
 * The adapter of ЦОПМКП in this process, against a real hub: a table of results goes in, a repeat closes only
 * the deficit that there was, a finished course becomes a file of the work list.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "adapters/cnppm/app.h"
#include "adapters/copmkp/app.h"
#include "adapters/sdk/file.h"
#include "tests/support/counterpart/counterpart.h"
#include "tests/support/spawn.h"

struct env {
    uv_loop_t loop;
    uv_timer_t deadline;
    struct spawn hub;
    struct mr_config *config;
    struct counterpart *outside;
    void *copmkp;
    void *cnppm;
};

static int count_files(const char *dir, const char *prefix)
{
    uv_fs_t request;
    uv_dirent_t entry;
    int n = 0;

    (void)uv_fs_scandir(NULL, &request, dir, 0, NULL);
    while (uv_fs_scandir_next(&request, &entry) != UV_EOF)
        n += strncmp(entry.name, prefix, strlen(prefix)) == 0;
    uv_fs_req_cleanup(&request);
    return n;
}

static void on_deadline(uv_timer_t *timer)
{
    struct env *env = timer->data;

    fail_msg("not in time: %zu received, %d in done", counterpart_received(env->outside),
            count_files(env->config->adapters.copmkp->done, ""));
}

static int setup(void **state)
{
    struct env *env = calloc(1, sizeof *env);
    struct mr_error error = {0};
    char extra[1536];

    assert_int_equal(uv_loop_init(&env->loop), 0);
    assert_int_equal(
            counterpart_open(&env->outside,
                    &(struct counterpart_options){.loop = &env->loop, .listen = "127.0.0.1:0"}, NULL),
            0);
    (void)snprintf(extra, sizeof extra,
            "  - {name: copmkp-all, system: copmkp, personal: full, filters: [{prefix: {type: "
            "nms.course.}}]}\n"
            "codelists:\n  - {name: area, values: [{code: ict, title: ИКТ}, {code: legal, title: Право}]}\n"
            "adapters:\n"
            "  copmkp: {system: copmkp, secret_key_file: copmkp.key, state: state-copmkp, in: c/in, out: "
            "c/out,\n"
            "    done: c/done, rejected: c/rejected, settle_ms: 50}\n"
            "  cnppm: {system: cnppm, secret_key_file: cnppm.key, state: state-cnppm, in: n/in, done: "
            "n/done,\n"
            "    rejected: n/rejected, settle_ms: 50, listen: '127.0.0.1:0',\n"
            "    webhook: 'http://127.0.0.1:%u/diagnostics'}\n",
            counterpart_port(env->outside));
    spawn_init(&env->hub, extra);
    assert_int_equal(mr_file_write(env->hub.dir, "copmkp.key",
                             mr_slice_str(env->hub.keys[SPAWN_COPMKP].secret_key), 0600),
            0);
    assert_int_equal(mr_file_write(env->hub.dir, "cnppm.key",
                             mr_slice_str(env->hub.keys[SPAWN_CNPPM].secret_key), 0600),
            0);
    spawn_start(&env->hub);
    if (mr_config_load(&env->config, env->hub.config, &error) != 0 ||
            mr_copmkp_open(&env->copmkp, &env->loop, env->config, "test/1", &error) != 0 ||
            mr_cnppm_open(&env->cnppm, &env->loop, env->config, "test/1", &error) != 0)
        fail_msg("%s: %s", error.where, error.what);
    (void)uv_timer_init(&env->loop, &env->deadline);
    env->deadline.data = env;
    (void)uv_timer_start(&env->deadline, on_deadline, SPAWN_DEADLINE_MS, 0);
    *state = env;
    return 0;
}

static int teardown(void **state)
{
    struct env *env = *state;

    uv_close((uv_handle_t *)&env->deadline, NULL);
    mr_copmkp_close(env->copmkp, NULL, NULL);
    mr_cnppm_close(env->cnppm, NULL, NULL);
    counterpart_close(env->outside, NULL, NULL);
    (void)uv_run(&env->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&env->loop), 0);
    spawn_fini(&env->hub);
    mr_config_free(env->config);
    free(env);
    return 0;
}

static void drop(struct env *env, const char *dir, const char *name, const char *text)
{
    (void)env;
    assert_int_equal(mr_file_write(dir, name, mr_slice_str(text), 0600), 0);
}

static void run_until_received(struct env *env, size_t count)
{
    while (counterpart_received(env->outside) < count)
        (void)uv_run(&env->loop, UV_RUN_ONCE);
    assert_int_equal(counterpart_received(env->outside), count);
}

#define HEAD "Номер результата;СНИЛС;Дата;Шкала;Область;Балл;Дефицит;Тип;Исходная диагностика\r\n"

/* Subscribed are only the deficits: the counterpart counts them. */
static void test_repeat_closes_what_there_was(void **state)
{
    struct env *env = *state;
    const char *in = env->config->adapters.copmkp->in;
    const json_t *events;

    drop(env, in, "first.csv",
            HEAD "D-1;112-233-445 95;15.03.2026;100;ict;41;да;первичная;\r\n"
                 "D-1;112-233-445 95;15.03.2026;100;legal;80;нет;первичная;\r\n");
    run_until_received(env, 1);
    while (count_files(env->config->adapters.copmkp->done, "") < 1)
        (void)uv_run(&env->loop, UV_RUN_ONCE);
    drop(env, in, "repeat.csv",
            HEAD "R-1;112-233-445 95;20.10.2026;100;ict;81;нет;повторная;D-1\r\n"
                 "R-1;112-233-445 95;20.10.2026;100;legal;80;нет;повторная;D-1\r\n");
    run_until_received(env, 2);
    events = counterpart_events(env->outside);
    assert_non_null(json_object_get(events, "deficit-D-1:ict"));
    assert_non_null(json_object_get(events, "deficit-closed-R-1:ict"));
    while (count_files(env->config->adapters.copmkp->done, "") < 2)
        (void)uv_run(&env->loop, UV_RUN_ONCE);
}

static void test_bad_rows_come_back(void **state)
{
    struct env *env = *state;
    const struct mr_config_copmkp *own = env->config->adapters.copmkp;

    drop(env, own->in, "mixed.csv",
            HEAD "D-1;112-233-445 95;15.03.2026;100;ict;41;да;первичная;\r\n"
                 "D-2;112-233-445 95;вчера;100;ict;41;да;первичная;\r\n");
    run_until_received(env, 1);
    while (count_files(own->rejected, "") == 0)
        (void)uv_run(&env->loop, UV_RUN_ONCE);
}

/* The file in a folder whose name ends so. */
static void read_last(const char *dir, const char *end, struct mr_buf *out)
{
    uv_fs_t request;
    uv_dirent_t entry;
    char path[1024];

    mr_buf_reset(out);
    (void)uv_fs_scandir(NULL, &request, dir, 0, NULL);
    while (uv_fs_scandir_next(&request, &entry) != UV_EOF) {
        size_t n = strlen(entry.name), e = strlen(end);

        if (n < e || strcmp(entry.name + n - e, end) != 0)
            continue;
        (void)snprintf(path, sizeof path, "%s/%s", dir, entry.name);
        assert_int_equal(mr_file_read(path, 1 << 20, out), 0);
    }
    uv_fs_req_cleanup(&request);
    assert_non_null(mr_buf_str(out));
}

static void run_until_done(struct env *env, int count)
{
    while (count_files(env->config->adapters.copmkp->done, "") < count)
        (void)uv_run(&env->loop, UV_RUN_ONCE);
}

/* The hub's word about the second area of a result: the row and value it means, and all rows to mend. */
static void test_hub_holds_a_result_back(void **state)
{
    static const char list[] = HEAD "D-7;112-233-445 95;15.03.2026;100;legal;41;;первичная;\r\n"
                                    "D-8;123-456-789 00;15.03.2026;100;legal;41;;первичная;\r\n"
                                    "D-7;112-233-445 95;15.03.2026;100;Неведомая;80;;первичная;\r\n";
    struct env *env = *state;
    const struct mr_config_copmkp *own = env->config->adapters.copmkp;
    struct mr_buf text = MR_BUF_INIT;

    drop(env, own->in, "a.csv", list);
    run_until_done(env, 1);
    read_last(own->rejected, ".report.txt", &text);
    if (!strstr(mr_buf_str(&text), "Строка 4, столбец «Область», значение «Неведомая»: значения нет") ||
            !strstr(mr_buf_str(&text), "Строка 3, столбец «СНИЛС», значение «123-456-789 00»: контрольная"))
        fail_msg("%s", mr_buf_str(&text));
    read_last(own->rejected, ".rejected.csv", &text);
    assert_non_null(strstr(mr_buf_str(&text), "D-7;112-233-445 95;15.03.2026;100;legal"));
    assert_non_null(strstr(mr_buf_str(&text), "Неведомая"));
    drop(env, own->in, "b.csv", list);
    run_until_done(env, 2);
    read_last(own->rejected, ".report.txt", &text);
    if (!strstr(mr_buf_str(&text), ": ещё на исправлении: "))
        fail_msg("%s", mr_buf_str(&text));
    mr_buf_fini(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(test_repeat_closes_what_there_was, setup, teardown),
            cmocka_unit_test_setup_teardown(test_hub_holds_a_result_back, setup, teardown),
            cmocka_unit_test_setup_teardown(test_bad_rows_come_back, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
