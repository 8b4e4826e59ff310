/*
 * The school adapter against a real hub: files of good, wrong and doubtful rows, the same file twice, a full
 * list, a hub that is killed and comes back. What the receipts say is what the log holds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "adapters/school/school.h"
#include "adapters/sdk/adapter.h"
#include "adapters/sdk/file.h"
#include "proto/wire/ident.h"
#include "tests/support/bus_client.h"
#include "tests/support/hub_env.h"
#include "tests/support/spawn.h"
#include "tests/support/tmpdir.h"
#include "tests/support/turns.h"

#define HEADER "Табельный номер;СНИЛС;Фамилия;Имя;Отчество;Должность;Группа (ПР/УК);Дата приёма\r\n"

struct env {
    struct spawn spawn;
    uv_loop_t loop;
    struct mr_config *config;
    struct mr_school *school;
    char ogrn[14];
    bool closed;
};

static void on_closed(void *ctx)
{
    ((struct env *)ctx)->closed = true;
}

static void school_start(struct env *env)
{
    struct mr_error error = {0};

    assert_int_equal(uv_loop_init(&env->loop), 0);
    if (mr_config_load(&env->config, env->spawn.config, &error) != 0 ||
            mr_school_open(&env->school, &env->loop, env->config, "marshrut-school/test", &error) != 0)
        fail_msg("%s: %s", error.where, error.what);
}

static void school_stop(struct env *env)
{
    mr_school_close(env->school, on_closed, env);
    turns_end(&env->loop);
    assert_true(env->closed);
    env->closed = false;
    mr_config_free(env->config);
}

static int setup(void **state)
{
    struct env *env = calloc(1, sizeof *env);

    (void)snprintf(env->ogrn, sizeof env->ogrn, "102240123456%d", mr_ident_ogrn_check("102240123456"));
    spawn_init(&env->spawn, "  - {name: school-staff, system: school, personal: full, scope: staff, filters: "
                            "[{prefix: {type: nms.deficit.}}]}\n"
                            "adapters:\n  school:\n    system: school\n    secret_key_file: school.key\n    "
                            "state: state\n    in: in\n"
                            "    out: out\n    done: done\n    rejected: rejected\n    settle_ms: 50\n");
    assert_int_equal(mr_file_write(env->spawn.dir, "school.key",
                             mr_slice_str(env->spawn.keys[SPAWN_SCHOOL].secret_key), 0600),
            0);
    spawn_start(&env->spawn);
    school_start(env);
    *state = env;
    return 0;
}

static int setup_hub_only(void **state)
{
    int r = setup(state);

    school_stop(*state);
    ((struct env *)*state)->school = NULL;
    return r;
}

static int teardown(void **state)
{
    struct env *env = *state;

    if (env->school)
        school_stop(env);
    if (env->spawn.pid)
        spawn_stop(&env->spawn);
    spawn_fini(&env->spawn);
    free(env);
    return 0;
}

static const char *dir_of(const struct env *env, const char *what)
{
    static char dir[512];

    (void)snprintf(dir, sizeof dir, "%s/%s/%s", env->spawn.dir, what, env->ogrn);
    return dir;
}

static void drop(const struct env *env, const char *name, const char *text)
{
    assert_int_equal(mr_file_make_dirs(dir_of(env, "in")), 0);
    assert_int_equal(mr_file_write(dir_of(env, "in"), name, mr_slice_str(text), 0600), 0);
}

static int count_files(const char *dir, const char *end)
{
    DIR *handle = opendir(dir);
    struct dirent *entry;
    int count = 0;

    while (handle && (entry = readdir(handle)) != NULL) {
        size_t n = strlen(entry->d_name), e = strlen(end);

        count += entry->d_name[0] != '.' && n >= e && strcmp(entry->d_name + n - e, end) == 0;
    }
    if (handle)
        (void)closedir(handle);
    return count;
}

/* The one file with this ending; the test fails when there is another number of them. */
static char *read_one(const char *dir, const char *end)
{
    DIR *handle = opendir(dir);
    struct dirent *entry;
    struct mr_buf text = MR_BUF_INIT;
    char path[1024];

    assert_non_null(handle);
    while ((entry = readdir(handle)) != NULL)
        if (strlen(entry->d_name) > strlen(end) &&
                strcmp(entry->d_name + strlen(entry->d_name) - strlen(end), end) == 0) {
            (void)snprintf(path, sizeof path, "%s/%s", dir, entry->d_name);
            assert_int_equal(text.size, 0);
            assert_int_equal(mr_file_read(path, 1 << 20, &text), 0);
        }
    (void)closedir(handle);
    assert_true(text.size > 0);
    assert_non_null(mr_buf_str(&text));
    return (char *)text.data;
}

struct receipts {
    const struct env *env;
    int want;
};

static bool has_receipts(void *ctx)
{
    const struct receipts *receipts = ctx;

    return count_files(dir_of(receipts->env, "done"), ".receipt.txt") == receipts->want &&
           count_files(dir_of(receipts->env, "in"), ".csv") == 0;
}

static void await_receipts(struct env *env, int want)
{
    turns_until(&env->loop, "receipt", has_receipts, &(struct receipts){env, want});
}

/* Stored and quarantined entries that the hub took from the school. */
static bool none_waiting(void *ctx)
{
    struct env *env = ctx;
    struct mr_adapter_status status;

    mr_adapter_status(mr_school_adapter(env->school), &status);
    return status.outbox_waiting == 0;
}

static bool link_up(void *ctx)
{
    struct env *env = ctx;
    struct mr_adapter_status status;

    mr_adapter_status(mr_school_adapter(env->school), &status);
    return status.up;
}

/* What the hub says of its own log: neither fewer nor more. */
static void assert_log_holds(struct env *env, long long events)
{
    struct bus_client client;
    char want[64];
    const char *status;

    bus_connect(&client, env->spawn.admin, NULL, NULL);
    status = bus_query(&client, "hub.status", "{}");
    (void)snprintf(want, sizeof want, "\"head\":%lld", events);
    if (!strstr(status, want))
        fail_msg("expected %s in %s", want, status);
    bus_close(&client);
}

static void test_rows_good_and_bad(void **state)
{
    struct env *env = *state;
    char *text;

    drop(env, "staff.csv",
            HEADER "1;112-233-445 95;Иванова;Анна;;учитель;ПР;01.09.2020\r\n"
                   "2;123-456-789 00;Петров;Пётр;;учитель;ПР;01.09.2020\r\n"
                   "3;123-456-789 64;Сидоров;Сидор;;директор;УК;32.13.2020\r\n"
                   "4;001-019-989 00;Кузнецова;Ольга;;учитель;ПР;02.09.2020\r\n");
    await_receipts(env, 1);
    text = read_one(dir_of(env, "done"), ".receipt.txt");
    assert_non_null(
            strstr(text, "Прочитано строк: 4 = принято 2 + повторно 0 + на исправлении 1 + отказано 1"));
    assert_null(strstr(text, "Иванова"));
    free(text);
    text = read_one(dir_of(env, "rejected"), ".report.txt");
    assert_non_null(strstr(text, "Строка 3, столбец «СНИЛС», значение «123-456-789 00»: контрольная сумма"));
    assert_non_null(strstr(text, "Строка 4, столбец «Дата приёма», значение «32.13.2020»: это не дата"));
    free(text);
    text = read_one(dir_of(env, "rejected"), ".rejected.csv");
    assert_non_null(strstr(text, HEADER));
    assert_non_null(strstr(text, "Петров"));
    assert_non_null(strstr(text, "Сидоров"));
    assert_null(strstr(text, "Кузнецова"));
    free(text);
    turns_until(&env->loop, "drained", none_waiting, env);
}

struct notes {
    const struct env *env;
    int beside, within;
};

static bool has_notes(void *ctx)
{
    const struct notes *notes = ctx;
    char top[512];

    (void)snprintf(top, sizeof top, "%s/rejected", notes->env->spawn.dir);
    return count_files(top, "НЕ-ПРОЧИТАН.txt") == notes->beside &&
           count_files(dir_of(notes->env, "rejected"), "НЕ-ПРОЧИТАН.txt") == notes->within;
}

/* Nothing that somebody puts there is swallowed without a word, and nothing but files is opened. */
static void test_odd_things(void **state)
{
    static const char list[] = HEADER "1;112-233-445 95;Иванова;Анна;;учитель;ПР;01.09.2020\r\n";
    struct env *env = *state;
    char in[512], path[1024], *text;
    struct stat st;

    (void)snprintf(in, sizeof in, "%s/in", env->spawn.dir);
    assert_int_equal(mr_file_make_dirs(dir_of(env, "in")), 0);
    (void)snprintf(path, sizeof path, "%s/Петрова.csv", in);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    assert_int_equal(mr_file_write(in, "stray\x01Петрова.csv", mr_slice_str(list), 0600), 0);
    (void)snprintf(path, sizeof path, "%s/pipe", dir_of(env, "in"));
    assert_int_equal(mkfifo(path, 0600), 0);
    (void)snprintf(path, sizeof path, "%s/link", dir_of(env, "in"));
    assert_int_equal(symlink("/etc/passwd", path), 0);
    (void)snprintf(path, sizeof path, "%s/folder", dir_of(env, "in"));
    assert_int_equal(mkdir(path, 0700), 0);
    turns_until(&env->loop, "notes", has_notes, &(struct notes){env, 2, 3});
    drop(env, "a\x02\xff\n.csv", list);
    await_receipts(env, 1);
    text = read_one(dir_of(env, "done"), ".receipt.txt");
    assert_non_null(strstr(text, "-a___.csv\r\n"));
    free(text);
    assert_true(has_notes(&(struct notes){env, 2, 3}));
    (void)snprintf(path, sizeof path, "%s/link", dir_of(env, "in"));
    assert_int_equal(lstat(path, &st), 0);
    assert_int_equal(mr_file_exists(in, "stray\x01Петрова.csv"), true);
    school_stop(env);
    school_start(env);
    drop(env, "b.csv", HEADER "2;001-019-989 00;Кузнецова;Ольга;;учитель;ПР;02.09.2020\r\n");
    await_receipts(env, 2);
    assert_true(has_notes(&(struct notes){env, 2, 3})); /* and not said again */
    turns_until(&env->loop, "drained", none_waiting, env);
}

static bool has_deficit(void *ctx)
{
    return count_files(dir_of(ctx, "out"), "-deficit.csv") == 1;
}

/* A row of another's result says whose it is, to the school of that person only. */
static void test_out_names_the_person(void **state)
{
    struct env *env = *state;
    struct bus_client client;
    struct mr_buf event = MR_BUF_INIT;
    struct stat st;
    char *text, path[1024];

    drop(env, "staff.csv", HEADER "1;112-233-445 95;Иванова;Анна;;учитель;ПР;01.09.2020\r\n");
    await_receipts(env, 1);
    hub_env_deficit(&event, "e-1", "11223344595", "t-1");
    bus_connect_as(&client, &env->spawn, SPAWN_COPMKP);
    (void)bus_hello(&client, 11, 0);
    bus_publish(&client, 1, &event, 1);
    turns_until(&env->loop, "deficit", has_deficit, env);
    bus_close(&client);
    mr_buf_fini(&event);
    text = read_one(dir_of(env, "out"), "-deficit.csv");
    assert_non_null(strstr(text, "Номер в журнале;СНИЛС;Фамилия;"));
    assert_non_null(strstr(text, ";11223344595;"));
    free(text);
    (void)snprintf(path, sizeof path, "%s/%012d-deficit.csv", dir_of(env, "out"), 3);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    turns_until(&env->loop, "drained", none_waiting, env);
}

static bool is_asked(void *ctx)
{
    return count_files(dir_of(ctx, "in"), "ПОДТВЕРЖДЕНИЯ.txt") == 1;
}

static void test_full_list_asks(void **state)
{
    struct env *env = *state;

    drop(env, "staff.csv",
            HEADER "1;112-233-445 95;Иванова;Анна;;учитель;ПР;01.09.2020\r\n"
                   "4;001-019-989 00;Кузнецова;Ольга;;учитель;ПР;02.09.2020\r\n");
    await_receipts(env, 1);
    drop(env, "all.csv",
            "Полный список;\r\n" HEADER "1;112-233-445 95;Иванова;Анна;;учитель;ПР;01.09.2020\r\n");
    turns_until(&env->loop, "question", is_asked, env);
    assert_int_equal(count_files(dir_of(env, "done"), ".receipt.txt"), 1);
    drop(env, "ПОДТВЕРДИТЬ-all.csv", "");
    await_receipts(env, 2);
    assert_int_equal(count_files(dir_of(env, "in"), ""), 0);
    turns_until(&env->loop, "drained", none_waiting, env);
}

static bool some_waiting(void *ctx)
{
    return !none_waiting(ctx);
}

/* Or all of it before this adapter began: the kill came late. */
static bool some_acknowledged(void *ctx)
{
    struct env *env = ctx;
    struct mr_adapter_status status;

    mr_adapter_status(mr_school_adapter(env->school), &status);
    return status.published > 0 || status.outbox_waiting == 0;
}

/* The hub dies with the file half told; adapter and hub come back, each in its turn. */
static void test_hub_and_adapter_die(void **state)
{
    struct env *env = *state;
    struct mr_buf list = MR_BUF_INIT;
    char nine[10], *text;

    mr_buf_put_str(&list, HEADER);
    for (int i = 0; i < 1500; i++) {
        (void)snprintf(nine, sizeof nine, "%09d", 200000000 + i);
        mr_buf_printf(&list, "%d;%s%02d;Иванова;Анна;;учитель;ПР;01.09.2020\r\n", i, nine,
                mr_ident_snils_check(nine));
    }
    turns_until(&env->loop, "up", link_up, env);
    spawn_kill(&env->spawn);
    drop(env, "staff.csv", mr_buf_str(&list));
    mr_buf_fini(&list);
    turns_until(&env->loop, "read while the hub is down", some_waiting, env);
    for (int i = 0; i < 4; i++) {
        spawn_start(&env->spawn);
        turns_until(&env->loop, "up", i % 2 ? some_acknowledged : link_up, env);
        spawn_kill(&env->spawn);
        school_stop(env);
        school_start(env);
    }
    spawn_start(&env->spawn);
    await_receipts(env, 1);
    turns_until(&env->loop, "drained", none_waiting, env);
    text = read_one(dir_of(env, "done"), ".receipt.txt");
    assert_non_null(strstr(
            text, "Прочитано строк: 1500 = принято 1500 + повторно 0 + на исправлении 0 + отказано 0"));
    free(text);
    assert_log_holds(env, 3000); /* registered and employed, each once */
}

/* ---- the program itself, killed ---- */

/* Enough rows for the kills to fall into the middle; under ThreadSanitizer each takes some thirty times as
 * long. */
#ifdef __SANITIZE_THREAD__
#define ROWS_TEXT "400"
#else
#define ROWS_TEXT "4000"
#endif
enum { KILLED_ROWS = sizeof ROWS_TEXT == 4 ? 400 : 4000 };

struct wait_turns {
    struct receipts receipts;
    int left; /* turns to wait; the receipts end it before */
};

static bool turned(void *ctx)
{
    struct wait_turns *wait = ctx;

    return wait->left-- <= 0 || has_receipts(&wait->receipts);
}

static pid_t program_start(const struct env *env)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        int fd = open(env->spawn.log, O_WRONLY | O_APPEND | O_CLOEXEC);

        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)dup2(fd, STDERR_FILENO);
        (void)execl(MR_BIN_DIR "/marshrut-school", "marshrut-school", "-c", env->spawn.config, (char *)NULL);
        _exit(127);
    }
    return pid;
}

static void program_kill(pid_t pid)
{
    int status;

    (void)kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status)); /* it had not ended by itself */
}

/* kill -9 after 0, 2, 4 ... turns, a third of the times of the hub too: each event is in the log once. */
static void test_killed_again_and_again(void **state)
{
    struct env *env = *state;
    struct wait_turns wait = {.receipts = {env, 1}};
    char nine[10], *text;
    struct mr_buf list = MR_BUF_INIT;

    mr_buf_put_str(&list, HEADER);
    for (int i = 0; i < KILLED_ROWS; i++) {
        (void)snprintf(nine, sizeof nine, "%09d", 300000000 + i);
        mr_buf_printf(&list, "%d;%s%02d;Иванова;Анна;;учитель;ПР;01.09.2020\r\n", i, nine,
                mr_ident_snils_check(nine));
    }
    drop(env, "staff.csv", mr_buf_str(&list));
    mr_buf_fini(&list);
    for (int i = 0; i < 20 && !has_receipts(&wait.receipts); i++) {
        pid_t pid = program_start(env);

        wait.left = 10 + 2 * i;
        spawn_until("turns", turned, &wait);
        program_kill(pid);
        if (i % 3 == 2) {
            spawn_kill(&env->spawn);
            spawn_start(&env->spawn);
        }
    }
    if (!has_receipts(&wait.receipts)) {
        pid_t pid = program_start(env);

        spawn_until("receipt", has_receipts, &wait.receipts);
        program_kill(pid);
    }
    text = read_one(dir_of(env, "done"), ".receipt.txt");
    assert_non_null(strstr(
            text, "Прочитано строк: " ROWS_TEXT " = принято " ROWS_TEXT " + повторно 0 + на исправлении 0"));
    free(text);
    assert_log_holds(env, 2 * KILLED_ROWS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(test_rows_good_and_bad, setup, teardown),
            cmocka_unit_test_setup_teardown(test_odd_things, setup, teardown),
            cmocka_unit_test_setup_teardown(test_out_names_the_person, setup, teardown),
            cmocka_unit_test_setup_teardown(test_full_list_asks, setup, teardown),
            cmocka_unit_test_setup_teardown(test_hub_and_adapter_die, setup, teardown),
            cmocka_unit_test_setup_teardown(test_killed_again_and_again, setup_hub_only, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
