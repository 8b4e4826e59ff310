/*
 * Backup under load, and back: everything that was acknowledged before it began is in it; killed it is no
 * backup; put back it is the same log, unless more was signed meanwhile, which is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hub/keep/backup_last.h"
#include "proto/wire/ident.h"
#include "tests/support/damage.h"
#include "tests/support/bus_client.h"
#include "tests/support/hub_env.h"
#include "tests/support/run_program.h"
#include "tests/support/spawn.h"
#include "tests/support/tmpdir.h"

enum { BATCH = 100, EPOCH = 3, BEFORE = 20, PAGE_3 = 3 * 4096 + 100 };

struct scene {
    struct spawn hub;
    struct bus_client client;
    uint64_t acknowledged;
};

static int begin(void **state, const char *hub)
{
    struct scene *scene = calloc(1, sizeof *scene);

    if (hub)
        spawn_init_hub(&scene->hub, "", hub);
    else
        spawn_init(&scene->hub, "");
    spawn_start(&scene->hub);
    bus_connect_as(&scene->client, &scene->hub, SPAWN_COPMKP);
    (void)bus_hello(&scene->client, EPOCH, 0);
    *state = scene;
    return 0;
}

static int setup(void **state)
{
    return begin(state, NULL);
}

/* The log is moved into closed segments as soon as it can be. */
static int setup_segments(void **state)
{
    return begin(state, "  ballast_mb: 1\n  space_watermark_mb: 1\n  segment_events: 100\n");
}

static int teardown(void **state)
{
    struct scene *scene = *state;

    bus_close(&scene->client);
    spawn_fini(&scene->hub);
    free(scene);
    return 0;
}

static void make_event(unsigned n, struct mr_buf *ret)
{
    char id[32], snils[12];

    (void)snprintf(id, sizeof id, "e-%u", n);
    (void)snprintf(snils, sizeof snils, "%09u", 400000000 + n / 3);
    (void)snprintf(snils + 9, 3, "%02d", mr_ident_snils_check(snils));
    hub_env_deficit(ret, id, snils, NULL);
}

/* A batch about new persons, until it is acknowledged. */
static void publish(struct scene *scene)
{
    struct mr_buf events[BATCH] = {0};
    bus_frame *frame;

    for (size_t i = 0; i < BATCH; i++)
        make_event((unsigned)(scene->acknowledged + i), &events[i]);
    bus_publish(&scene->client, scene->acknowledged + 1, events, BATCH);
    frame = bus_receive(&scene->client, SPAWN_DEADLINE_MS);
    assert_non_null(frame);
    assert_int_equal(frame->body_case, MARSHRUT__BUS__V1__FRAME__BODY_PUBLISH_ACK);
    scene->acknowledged += BATCH;
    assert_int_equal(frame->publish_ack->through, scene->acknowledged);
    for (size_t i = 0; i < BATCH; i++)
        mr_buf_fini(&events[i]);
}

static const char *path(const struct scene *scene, const char *name)
{
    return mr_tmpdir_path(scene->hub.dir, name);
}

/* Exit status of the tool; what it printed, as JSON, in *ret (may be NULL). */
static int tool(const struct scene *scene, json_t **ret, const char *a, const char *b, const char *c)
{
    const char *argv[] = {"marshrut", "-c", scene->hub.config, "--json", a, b, c, NULL};
    struct run_program run = {0};

    run_program(&run, argv);
    if (ret)
        *ret = json_loads(run_program_out(&run), 0, NULL);
    if (run.status != 0)
        print_message("%s", run_program_err(&run));
    run_program_fini(&run);
    return run.status;
}

static pid_t start_backup(const struct scene *scene, const char *dir)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

        (void)dup2(fd, STDOUT_FILENO);
        (void)execl(MR_BIN_DIR "/marshrut", "marshrut", "-c", scene->hub.config, "backup", dir, (char *)NULL);
        _exit(127);
    }
    return pid;
}

static long long number(const json_t *document, const char *key)
{
    return json_integer_value(json_object_get(document, key));
}

static void expect_balance(const struct scene *scene)
{
    assert_int_equal(tool(scene, NULL, "balance", NULL, NULL), 0);
}

static long long head_of_hub(const struct scene *scene)
{
    json_t *status = NULL;
    long long head;

    assert_int_equal(tool(scene, &status, "status", NULL, NULL), 0);
    head = number(status, "head");
    json_decref(status);
    return head;
}

static void move_store_away(const struct scene *scene)
{
    assert_int_equal(rename(path(scene, "store"), path(scene, "store-before")), 0);
}

static void put_back_checkpoint(const struct scene *scene)
{
    char text[4096];
    FILE *file = fopen(path(scene, "backup/log.checkpoint"), "re");
    size_t size = fread(text, 1, sizeof text, file);

    (void)fclose(file);
    file = fopen(path(scene, "root/log.checkpoint"), "we");
    assert_int_equal(fwrite(text, 1, size, file), size);
    (void)fclose(file);
}

/* The newest backup is older than what was signed since: refused, until the loss is said. */
static void restore_older(struct scene *scene, long long records)
{
    json_t *restored = NULL;

    spawn_stop(&scene->hub);
    move_store_away(scene);
    assert_int_equal(tool(scene, &restored, "restore", path(scene, "backup"), NULL), 0);
    assert_true(json_is_true(json_object_get(restored, "older_than_signed")));
    assert_false(json_is_true(json_object_get(restored, "root_key_missing")));
    assert_int_equal(tool(scene, NULL, "restore", path(scene, "backup"), NULL), 73); /* a store is there */
    assert_int_equal(spawn_start_fails(&scene->hub), 76);
    assert_true(spawn_logged(&scene->hub, "but a checkpoint of"));
    assert_true(spawn_logged(&scene->hub, "restore a backup of log/ that is not older"));
    put_back_checkpoint(scene);
    assert_int_equal(unlink(scene->hub.log), 0); /* the refusal is an error line on purpose */
    spawn_start(&scene->hub);
    assert_int_equal(head_of_hub(scene), records);
    json_decref(restored);
}

static void test_under_load_and_back(void **state)
{
    struct scene *scene = *state;
    json_t *made = NULL, *scrubbed = NULL;
    uint64_t before;
    int status;
    pid_t pid;

    for (int i = 0; i < BEFORE; i++)
        publish(scene);
    before = scene->acknowledged;
    pid = start_backup(scene, path(scene, "backup"));
    do
        publish(scene);
    while (waitpid(pid, &status, WNOHANG) == 0);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_int_equal(mr_backup_last_generation(path(scene, "store")), 1);
    publish(scene);
    assert_int_equal(tool(scene, &made, "backup", "verify", path(scene, "backup")), 0);
    assert_in_range(number(made, "records"), before, scene->acknowledged - BATCH);
    assert_int_equal(tool(scene, NULL, "restore", path(scene, "backup"), NULL), 73); /* a hub runs on it */
    restore_older(scene, number(made, "records"));
    expect_balance(scene);
    assert_int_equal(tool(scene, &scrubbed, "scrub", NULL, NULL), 0);
    assert_int_equal(number(scrubbed, "records"), number(made, "records"));
    assert_true(json_is_true(json_object_get(scrubbed, "keys_opened")));
    json_decref(scrubbed);
    json_decref(made);
}

static bool has_log(void *ctx)
{
    return access(path(ctx, "killed/log"), F_OK) == 0;
}

static void test_killed_it_is_none(void **state)
{
    struct scene *scene = *state;
    int status;
    pid_t pid;

    publish(scene);
    pid = start_backup(scene, path(scene, "killed"));
    spawn_until("the backup has begun", has_log, scene);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    publish(scene);
    if (WIFSIGNALED(status)) /* it may have been faster */
        assert_int_equal(tool(scene, NULL, "backup", "verify", path(scene, "killed")), 66);
    assert_int_equal(tool(scene, NULL, "backup", path(scene, "killed"), NULL), 73); /* not empty */
    assert_int_equal(tool(scene, NULL, "backup", path(scene, "whole"), NULL), 0);
    assert_int_equal(tool(scene, NULL, "backup", "verify", path(scene, "whole")), 0);
    expect_balance(scene);
}

static bool is_signed(void *ctx)
{
    return access(path(ctx, "root/log.checkpoint"), F_OK) == 0;
}

static void test_damaged_it_is_refused(void **state)
{
    struct scene *scene = *state;

    publish(scene);
    spawn_until("signed", is_signed, scene);
    assert_int_equal(tool(scene, NULL, "backup", path(scene, "backup"), NULL), 0);
    damage_at(path(scene, "backup/keys/data.mdb"), PAGE_3);
    assert_int_equal(tool(scene, NULL, "backup", "verify", path(scene, "backup")), 1);
    spawn_stop(&scene->hub);
    move_store_away(scene);
    assert_int_equal(tool(scene, NULL, "restore", path(scene, "backup"), NULL), 76);
    assert_int_not_equal(access(path(scene, "store/log"), F_OK), 0); /* nothing was put */
    damage_at(path(scene, "backup/keys/data.mdb"), PAGE_3);
    assert_int_equal(tool(scene, NULL, "restore", path(scene, "backup"), NULL), 0);
    put_back_checkpoint(scene);
    spawn_start(&scene->hub);
    expect_balance(scene);
}

static void test_damaged_records_come_back(void **state)
{
    struct scene *scene = *state;
    json_t *answer = NULL;

    publish(scene);
    assert_int_equal(tool(scene, NULL, "backup", path(scene, "backup"), NULL), 0);
    publish(scene);
    assert_int_equal(tool(scene, NULL, "scrub", "--repair-from", path(scene, "backup")), 73); /* a hub runs */
    spawn_stop(&scene->hub);
    damage_text(path(scene, "store/log/data.mdb"), "nms.deficit.identified.v1");
    assert_int_equal(tool(scene, &answer, "scrub", NULL, NULL), 1);
    assert_int_equal(json_array_size(json_object_get(answer, "findings")), 1);
    assert_true(number(json_array_get(json_object_get(answer, "findings"), 0), "first") > 0);
    json_decref(answer);
    assert_int_equal(tool(scene, &answer, "scrub", "--repair-from", path(scene, "backup")), 0);
    assert_int_equal(number(answer, "damaged"), 1);
    assert_int_equal(number(answer, "mended"), 1);
    json_decref(answer);
    assert_int_equal(tool(scene, NULL, "scrub", NULL, NULL), 0);
    assert_int_equal(tool(scene, NULL, "log", "verify", NULL), 0);
    spawn_start(&scene->hub);
    expect_balance(scene);
}

/* ---- closed segments ---- */

enum { SEGMENTS_BATCHES = 12 };

static bool has_segments(void *ctx)
{
    return access(path(ctx, "store/log/segments/00000000000000000301-1/data.mdb"), F_OK) == 0;
}

/* While the compactor rolls what comes: each of the backups is whole, and what is put back has every event.
 */
static void test_segments_under_load_and_back(void **state)
{
    struct scene *scene = *state;
    json_t *made = NULL, *scrubbed = NULL;
    uint64_t before;
    int status;
    pid_t pid;

    for (int i = 0; i < SEGMENTS_BATCHES; i++)
        publish(scene);
    spawn_until("segments", has_segments, scene);
    before = scene->acknowledged;
    pid = start_backup(scene, path(scene, "backup"));
    do
        publish(scene);
    while (waitpid(pid, &status, WNOHANG) == 0);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_int_equal(access(path(scene, "backup/log/segments/00000000000000000101-1/data.mdb"), F_OK), 0);
    assert_int_equal(tool(scene, &made, "backup", "verify", path(scene, "backup")), 0);
    assert_in_range(number(made, "records"), before, scene->acknowledged);
    publish(scene);
    restore_older(scene, number(made, "records"));
    expect_balance(scene);
    assert_int_equal(tool(scene, &scrubbed, "scrub", NULL, NULL), 0);
    assert_int_equal(number(scrubbed, "records"), number(made, "records"));
    assert_int_equal(tool(scene, NULL, "log", "verify", NULL), 0);
    json_decref(scrubbed);
    json_decref(made);
}

/* A new generation of the segment has the record again; nothing else has changed. */
static void test_damage_in_a_segment_comes_back(void **state)
{
    struct scene *scene = *state;
    json_t *answer = NULL;

    for (int i = 0; i < SEGMENTS_BATCHES; i++)
        publish(scene);
    spawn_until("segments", has_segments, scene);
    assert_int_equal(tool(scene, NULL, "backup", path(scene, "backup"), NULL), 0);
    spawn_stop(&scene->hub);
    damage_text(
            path(scene, "store/log/segments/00000000000000000101-1/data.mdb"), "nms.deficit.identified.v1");
    assert_int_equal(tool(scene, NULL, "scrub", NULL, NULL), 1);
    assert_int_equal(tool(scene, &answer, "scrub", "--repair-from", path(scene, "backup")), 0);
    assert_int_equal(number(answer, "damaged"), 1);
    assert_int_equal(number(answer, "mended"), 1);
    json_decref(answer);
    assert_int_equal(access(path(scene, "store/log/segments/00000000000000000101-2/data.mdb"), F_OK), 0);
    assert_int_not_equal(access(path(scene, "store/log/segments/00000000000000000101-1"), F_OK), 0);
    assert_int_equal(tool(scene, NULL, "scrub", NULL, NULL), 0);
    assert_int_equal(tool(scene, NULL, "log", "verify", NULL), 0);
    spawn_start(&scene->hub);
    expect_balance(scene);
}

/* Sent again it is answered with the number that it has. */
static void expect_repeat(struct scene *scene, unsigned n, long long has)
{
    struct mr_buf event = MR_BUF_INIT;
    bus_frame *frame;

    make_event(n, &event);
    bus_close(&scene->client);
    bus_connect_as(&scene->client, &scene->hub, SPAWN_COPMKP);
    (void)bus_hello(&scene->client, EPOCH, 0);
    bus_publish(&scene->client, scene->acknowledged + 1, &event, 1);
    frame = bus_expect(&scene->client, MARSHRUT__BUS__V1__FRAME__BODY_PUBLISH_ACK);
    assert_int_equal(frame->publish_ack->n_results, 1);
    assert_int_equal(frame->publish_ack->results[0]->verdict, MARSHRUT__BUS__V1__VERDICT__VERDICT_DUPLICATE);
    assert_int_equal(frame->publish_ack->results[0]->number, has);
    mr_buf_fini(&event);
}

/* Damaged when it was its turn to be indexed: back in the log, it is found, and a repeat of it is one. */
static void test_index_gets_what_came_back(void **state)
{
    struct scene *scene = *state;
    json_t *answer = NULL;
    long long lost;
    char id[32];

    publish(scene);
    assert_int_equal(tool(scene, NULL, "backup", path(scene, "backup"), NULL), 0);
    spawn_stop(&scene->hub);
    damage_text(path(scene, "store/log/data.mdb"), "nms.deficit.identified.v1");
    assert_int_equal(tool(scene, &answer, "scrub", NULL, NULL), 1);
    lost = number(json_array_get(json_object_get(answer, "findings"), 0), "first");
    json_decref(answer);
    (void)snprintf(id, sizeof id, "e-%lld", lost - 1);
    assert_int_equal(tool(scene, NULL, "rebuild", "all", NULL), 0); /* without it */
    assert_int_not_equal(tool(scene, NULL, "where", id, NULL), 0);
    assert_int_equal(tool(scene, NULL, "scrub", "--repair-from", path(scene, "backup")), 0);
    assert_int_equal(tool(scene, NULL, "rebuild", "--check", NULL), 0);
    assert_int_equal(tool(scene, &answer, "where", id, NULL), 0);
    assert_int_equal(number(json_array_get(json_object_get(answer, "matches"), 0), "number"), lost);
    json_decref(answer);
    spawn_start(&scene->hub);
    expect_repeat(scene, (unsigned)(lost - 1), lost);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(test_under_load_and_back, setup, teardown),
            cmocka_unit_test_setup_teardown(test_killed_it_is_none, setup, teardown),
            cmocka_unit_test_setup_teardown(test_damaged_it_is_refused, setup, teardown),
            cmocka_unit_test_setup_teardown(test_damaged_records_come_back, setup, teardown),
            cmocka_unit_test_setup_teardown(test_segments_under_load_and_back, setup_segments, teardown),
            cmocka_unit_test_setup_teardown(test_damage_in_a_segment_comes_back, setup_segments, teardown),
            cmocka_unit_test_setup_teardown(test_index_gets_what_came_back, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
