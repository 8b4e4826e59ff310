/*
 * A file's row that the hub has put aside, on its whole way: into rejected/, mended there, dropped again; the
 * record that waited is closed by it, with the number of the one that stands for it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/school/school.h"
#include "adapters/sdk/file.h"
#include "proto/wire/ident.h"
#include "tests/support/bus_client.h"
#include "tests/support/spawn.h"
#include "tests/support/turns.h"

#define HEADER "Табельный номер;СНИЛС;Фамилия;Имя;Отчество;Должность;Группа (ПР/УК);Дата приёма\r\n"
#define WRONG  "123-456-789 00"
#define RIGHT  "123-456-789 64"
#define ENDING ".rejected.csv"
#define SCHOOL                                                                                               \
    "adapters:\n  school:\n    system: school\n    secret_key_file: school.key\n    state: state\n"          \
    "    in: in\n    out: out\n    done: done\n    rejected: rejected\n    settle_ms: 50\n"

struct env {
    struct spawn spawn;
    uv_loop_t loop;
    struct mr_config *config;
    struct mr_school *school;
    char ogrn[14];
    int receipts; /* wanted */
    bool closed;
};

static void on_closed(void *ctx)
{
    ((struct env *)ctx)->closed = true;
}

static int setup(void **state)
{
    struct env *env = calloc(1, sizeof *env);
    struct mr_error error = {0};

    (void)snprintf(env->ogrn, sizeof env->ogrn, "102240123456%d", mr_ident_ogrn_check("102240123456"));
    spawn_init(&env->spawn, SCHOOL);
    assert_int_equal(mr_file_write(env->spawn.dir, "school.key",
                             mr_slice_str(env->spawn.keys[SPAWN_SCHOOL].secret_key), 0600),
            0);
    spawn_start(&env->spawn);
    assert_int_equal(uv_loop_init(&env->loop), 0);
    if (mr_config_load(&env->config, env->spawn.config, &error) != 0 ||
            mr_school_open(&env->school, &env->loop, env->config, "marshrut-school/test", &error) != 0)
        fail_msg("%s: %s", error.where, error.what);
    *state = env;
    return 0;
}

static int teardown(void **state)
{
    struct env *env = *state;

    mr_school_close(env->school, on_closed, env);
    turns_end(&env->loop);
    assert_true(env->closed);
    mr_config_free(env->config);
    spawn_stop(&env->spawn);
    spawn_fini(&env->spawn);
    free(env);
    return 0;
}

/* ---- files ---- */

static const char *dir_of(const struct env *env, const char *what, char out[static 512])
{
    (void)snprintf(out, 512, "%s/%s/%s", env->spawn.dir, what, env->ogrn);
    return out;
}

static void drop(const struct env *env, const char *name, const char *text)
{
    char dir[512];

    assert_int_equal(mr_file_make_dirs(dir_of(env, "in", dir)), 0);
    assert_int_equal(mr_file_write(dir, name, mr_slice_str(text), 0600), 0);
}

/* How many files end so; the name of one of them. */
static int look(const struct env *env, const char *what, const char *end, char ret[static 256])
{
    char dir[512];
    DIR *handle = opendir(dir_of(env, what, dir));
    struct dirent *entry;
    int count = 0;

    while (handle && (entry = readdir(handle)) != NULL) {
        size_t n = strlen(entry->d_name), e = strlen(end);

        if (entry->d_name[0] == '.' || n < e || strcmp(entry->d_name + n - e, end) != 0)
            continue;
        count++;
        (void)snprintf(ret, 256, "%s", entry->d_name);
    }
    if (handle)
        (void)closedir(handle);
    return count;
}

static bool has_receipts(void *ctx)
{
    struct env *env = ctx;
    char name[256];

    return look(env, "done", ".receipt.txt", name) == env->receipts && look(env, "in", ".csv", name) == 0;
}

static void await_receipts(struct env *env, int want)
{
    env->receipts = want;
    turns_until(&env->loop, "receipt", has_receipts, env);
}

/* As somebody mends it: the table program's file, with one value changed, under the name that it has. */
static void mend_and_drop(struct env *env)
{
    char dir[512], path[1024], name[256];
    struct mr_buf text = MR_BUF_INIT;
    char *at;

    assert_int_equal(look(env, "rejected", ENDING, name), 1);
    (void)snprintf(path, sizeof path, "%s/%s", dir_of(env, "rejected", dir), name);
    assert_int_equal(mr_file_read(path, 1 << 20, &text), 0);
    assert_non_null(mr_buf_str(&text));
    at = strstr((char *)text.data, WRONG);
    assert_non_null(at);
    assert_null(strstr((char *)text.data, "Иванова")); /* what was taken is not there again */
    memcpy(at, RIGHT, strlen(RIGHT));
    drop(env, name, (char *)text.data);
    mr_buf_fini(&text);
}

/* ---- what the hub says ---- */

static json_t *rows(struct env *env, const char *state)
{
    char arguments[64];
    json_t *answer, *list;

    (void)snprintf(arguments, sizeof arguments, "{\"state\":\"%s\"}", state);
    answer = bus_ask(&env->spawn, "", "quarantine.list", arguments);
    list = json_incref(json_object_get(answer, "events"));
    json_decref(answer);
    assert_true(json_is_array(list));
    return list;
}

static void a_mended_file_closes_the_old_row(void **state)
{
    struct env *env = *state;
    json_t *list, *row, *balance;
    json_int_t last;
    size_t waited, i;

    drop(env, "staff.csv",
            HEADER "1;112-233-445 95;Иванова;Анна;;учитель;ПР;01.09.2020\r\n"
                   "2;" WRONG ";Петров;Пётр;;учитель;ПР;01.09.2020\r\n");
    await_receipts(env, 1);
    list = rows(env, "waiting");
    waited = json_array_size(list); /* a row is more than one event */
    assert_true(waited > 0);
    json_array_foreach (list, i, row)
        assert_string_equal(json_string_value(json_object_get(row, "field")), "person.snils");
    last = json_integer_value(json_object_get(json_array_get(list, waited - 1), "number"));
    json_decref(list);

    mend_and_drop(env);
    await_receipts(env, 2);
    list = rows(env, "waiting");
    assert_int_equal(json_array_size(list), 0);
    json_decref(list);
    list = rows(env, "replaced");
    assert_int_equal(json_array_size(list), waited);
    json_array_foreach (list, i, row)
        assert_true(json_integer_value(json_object_get(row, "replaced_by")) > last);
    json_decref(list);
    balance = bus_ask(&env->spawn, "", "balance", "{}");
    assert_true(json_is_true(json_object_get(balance, "ok")));
    json_decref(balance);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(a_mended_file_closes_the_old_row, setup, teardown)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
