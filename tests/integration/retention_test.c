/*
 * Retention on a real hub with a log that is weeks old: while events are published and delivered, the terms
 * of one class pass. Space comes back, balance and every checkpoint hold, and so they do when it is killed,
 * or the disk fails, at any point of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <dirent.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hub/keep/hold_rows.h"
#include "proto/base/bytes.h"
#include "proto/base/list.h"
#include "tests/support/bus_client.h"
#include "tests/support/hub_env.h"
#include "tests/support/run_program.h"
#include "tests/support/tmpdir.h"

enum { MANY = 2000, FEW = 320, DEFICITS = 80, BATCH = 40, EPOCH = 5, STRIPPED = 5 };

#define HOLD "07070707070707070707070707070707"

static const char terms[] = "operators: [{name: anna, roles: [pd-officer]}]\n"
                            "retention:\n"
                            "  classes: [{types: [nms.programme.], keep_days: 10}]\n";
static const char hub_keys[] = "  ballast_mb: 1\n  space_watermark_mb: 1\n  segment_events: 100\n";

/* ---- a log of 25 days ago, made here: only the clock is not the real one ---- */

static int64_t weeks_ago(void *ctx)
{
    (void)ctx;
    return mr_clock_wall_us(mr_clock_system()) - 25LL * 86400 * 1000000;
}

/*
 * A hold on everything; and one slot to empty, as behind an erasure, but the index keeps what that would have
 * taken out of it.
 */
static void put_rows(struct hub_env *env, bool strip)
{
    const struct mr_hold_row hold = {.kind = MR_HOLD_TYPE, .type = "nms.", .case_reference = "2-17/2026"};
    struct mr_buf value = MR_BUF_INIT;
    struct mr_log_batch *batch;
    uint8_t id[MR_HOLD_ROW_KEY_BYTES], number[8], mask[2] = {0, 1};

    memset(id, 7, sizeof id);
    mr_put_be64(number, STRIPPED);
    assert_int_equal(mr_hold_row_encode(&value, &hold), 0);
    assert_int_equal(mr_log_batch_begin(env->house.log, &batch), 0);
    assert_int_equal(mr_log_batch_put(batch, MR_LOG_HOLD, mr_slice(id, sizeof id), mr_buf_slice(&value)), 0);
    if (strip)
        assert_int_equal(mr_log_batch_put(batch, MR_LOG_STRIP, mr_slice(number, 8), mr_slice(mask, 2)), 0);
    assert_int_equal(mr_log_batch_commit(batch), 0);
    mr_buf_fini(&value);
}

static void fill(const struct spawn *spawn, unsigned count)
{
    struct mr_clock clock = *mr_clock_system();
    struct hub_env env = {0};
    struct mr_buf events[BATCH] = {0};
    struct mr_error error = {0};
    uint64_t sequence = 1;
    char id[32];

    clock.wall_us = weeks_ago;
    assert_int_equal(mr_config_load(&env.config, spawn->config, &error), 0);
    hub_env_open(&env);
    env.house.clock = &clock;
    while (sequence <= count) {
        bool deficits = sequence <= DEFICITS;

        for (size_t i = 0; i < BATCH; i++) {
            mr_buf_reset(&events[i]);
            (void)snprintf(id, sizeof id, "old-%llu", (unsigned long long)(sequence + i));
            if (deficits)
                hub_env_deficit(&events[i], id, "11223344595", NULL);
            else
                hub_env_programme(&events[i], id);
        }
        mr_intake_free(hub_env_publish(&env, deficits ? "copmkp" : "portal", events, BATCH, sequence));
        sequence += BATCH;
    }
    for (size_t i = 0; i < BATCH; i++)
        mr_buf_fini(&events[i]);
    put_rows(&env, count == MANY);
    hub_env_close(&env);
    mr_config_free(env.config);
}

/* ---- the tool ---- */

static int tool(const struct spawn *spawn, json_t **ret, const char *const words[])
{
    const char *argv[16] = {"marshrut", "-c", spawn->config, "--json", "--as", "anna"};
    struct run_program run = {0};
    size_t n = 6;

    while (*words)
        argv[n++] = *words++;
    run_program(&run, argv);
    if (ret)
        *ret = json_loads(run_program_out(&run), 0, NULL);
    if (run.status != 0)
        print_message("%s", run_program_err(&run));
    run_program_fini(&run);
    return run.status;
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static json_int_t number_of(const json_t *document, const char *key)
{
    assert_true(json_is_integer(json_object_get(document, key)));
    return json_integer_value(json_object_get(document, key));
}

static json_int_t expired(const struct spawn *spawn)
{
    json_t *verified = NULL;
    json_int_t count;

    assert_int_equal(tool(spawn, &verified, WORDS("log", "verify")), 0);
    assert_true(json_is_true(json_object_get(verified, "ok")));
    count = number_of(verified, "expired");
    json_decref(verified);
    return count;
}

static void assert_in_order(const struct spawn *spawn, unsigned count)
{
    assert_int_equal(tool(spawn, NULL, WORDS("balance")), 0);
    assert_int_equal(expired(spawn), count - DEFICITS); /* which have no term */
}

/* A bit of the first entry. */
static void flip_first(const char *path)
{
    FILE *file = fopen(path, "r+e");
    int byte;

    assert_non_null(file);
    assert_int_equal(fseek(file, 10, SEEK_SET), 0);
    byte = fgetc(file);
    assert_int_equal(fseek(file, 10, SEEK_SET), 0);
    assert_int_equal(fputc(byte ^ 1, file), byte ^ 1);
    assert_int_equal(fclose(file), 0);
}

/* What is live is in the folder, whatever it lies beside; what is not, is counted and not explained. */
static void assert_export(const struct spawn *spawn, unsigned count)
{
    char out[256], bundle[300];
    json_t *exported = NULL, *verified = NULL;
    struct stat st;

    (void)snprintf(out, sizeof out, "%s", mr_tmpdir_path(spawn->dir, "out"));
    (void)snprintf(bundle, sizeof bundle, "%s/tile/entries/000.expired", out);
    assert_int_equal(tool(spawn, &exported, WORDS("log", "export", out)), 0);
    assert_int_equal(number_of(exported, "withheld"), count - DEFICITS);
    assert_int_equal(stat(bundle, &st), 0); /* DEFICITS whole ones, and the length of each */
    assert_true(st.st_size > 256 * 2 + DEFICITS * 100);
    assert_int_equal(tool(spawn, &verified, WORDS("log", "verify", out)), 0);
    assert_int_equal(number_of(verified, "withheld"), count - DEFICITS);
    assert_null(json_object_get(verified, "expired"));
    json_decref(exported);
    json_decref(verified);
    flip_first(bundle);
    assert_int_equal(tool(spawn, NULL, WORDS("log", "verify", out)), 1); /* a live leaf that was changed */
    flip_first(bundle);
    assert_int_equal(truncate(bundle, st.st_size - 1), 0);
    assert_int_equal(tool(spawn, NULL, WORDS("log", "verify", out)), 1);
    assert_int_equal(truncate(bundle, 0), 0);
    assert_int_equal(tool(spawn, NULL, WORDS("log", "verify", out)), 1);
    assert_int_equal(unlink(bundle), 0);
    assert_int_equal(tool(spawn, NULL, WORDS("log", "verify", out)), 1);
    assert_int_equal(tool(spawn, NULL, WORDS("log", "verify", "nowhere")), 66);
}

/* Of those that were there from the beginning: what is published meanwhile is rolled too. */
static uint64_t size_of_segments(const struct spawn *spawn)
{
    uint64_t size = 0;
    char path[512];
    struct dirent *entry;
    DIR *dir = opendir(mr_tmpdir_path(spawn->dir, "store/log/segments"));

    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL) {
        struct stat st;

        (void)snprintf(path, sizeof path, "%s/store/log/segments/%s/data.mdb", spawn->dir, entry->d_name);
        if (entry->d_name[0] != '.' && strtoull(entry->d_name, NULL, 10) < MANY - 300 && stat(path, &st) == 0)
            size += (uint64_t)st.st_blocks * 512;
    }
    (void)closedir(dir);
    return size;
}

/* ---- while events come and go ---- */

struct traffic {
    struct bus_client portal, cnppm;
    uint64_t sequence, delivered;
};

static void publish_some(struct traffic *t)
{
    struct mr_buf events[BATCH] = {0};
    bus_frame *frame;
    char id[32];

    for (size_t i = 0; i < BATCH; i++) {
        (void)snprintf(id, sizeof id, "new-%llu", (unsigned long long)(t->sequence + i));
        hub_env_programme(&events[i], id);
    }
    bus_publish(&t->portal, t->sequence, events, BATCH);
    frame = bus_expect(&t->portal, MARSHRUT__BUS__V1__FRAME__BODY_PUBLISH_ACK);
    assert_int_equal(frame->publish_ack->through, t->sequence + BATCH - 1);
    t->sequence += BATCH;
    for (size_t i = 0; i < BATCH; i++)
        mr_buf_fini(&events[i]);
}

static void receive_some(struct traffic *t)
{
    while (t->delivered + 1 < t->sequence) {
        bus_frame *frame = bus_expect(&t->cnppm, MARSHRUT__BUS__V1__FRAME__BODY_DELIVER);
        size_t count = frame->deliver->n_items;

        bus_ack(&t->cnppm, "cnppm-programmes", frame->deliver->items[count - 1]->number);
        bus_credit(&t->cnppm, "cnppm-programmes", (uint32_t)count);
        t->delivered += count;
    }
}

static pid_t run_beside(const struct spawn *spawn)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0)
        _exit(tool(spawn, NULL, WORDS("retention", "run")));
    return pid;
}

static bool is_rolled(void *ctx)
{
    json_t *segments = NULL;
    bool rolled;

    assert_int_equal(tool(ctx, &segments, WORDS("log", "segments")), 0);
    rolled = number_of(segments, "growing") <= 200; /* two segments */
    json_decref(segments);
    return rolled;
}

/* Its daily run comes by itself; a hold keeps all of it until now. */
static void start_and_release(struct spawn *spawn)
{
    spawn_start(spawn);
    spawn_until("the log is rolled", is_rolled, spawn);
    assert_int_equal(tool(spawn, NULL, WORDS("hold", "release", HOLD, "--case", "2-17/2026")), 0);
}

static void terms_pass_under_load(void **state)
{
    struct spawn *spawn = *state;
    struct traffic t = {.sequence = 1};
    uint64_t before, after;
    int status = 0, rounds = 0;
    json_t *plan = NULL;
    pid_t pid;

    fill(spawn, MANY);
    start_and_release(spawn);
    bus_connect_as(&t.portal, spawn, SPAWN_PORTAL);
    (void)bus_hello(&t.portal, EPOCH, 0);
    bus_connect_as(&t.cnppm, spawn, SPAWN_CNPPM);
    (void)bus_hello(&t.cnppm, 0, 0);
    bus_subscribe(&t.cnppm, "cnppm-programmes", 1000, 0);
    publish_some(&t);
    receive_some(&t);
    before = size_of_segments(spawn);
    assert_int_equal(tool(spawn, &plan, WORDS("retention", "plan")), 0);
    assert_int_equal(number_of(json_array_get(json_object_get(plan, "classes"), 0), "due"), MANY - DEFICITS);
    json_decref(plan);
    pid = run_beside(spawn);
    do {
        publish_some(&t);
        receive_some(&t);
        rounds++;
    } while (waitpid(pid, &status, WNOHANG) == 0);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    publish_some(&t);
    receive_some(&t);
    after = size_of_segments(spawn);
    print_message("%d rounds of %d events meanwhile; segments: %llu KiB, then %llu KiB\n", rounds, BATCH,
            (unsigned long long)before / 1024, (unsigned long long)after / 1024);
    assert_true(after < before);
    assert_in_order(spawn, MANY);
    bus_close(&t.portal);
    bus_close(&t.cnppm);
    spawn_stop(spawn);
    assert_in_order(spawn, MANY); /* the store alone */
    assert_export(spawn, MANY);
}

#ifdef MR_FAULT_POINTS

static bool is_indexed(void *ctx)
{
    json_t *status = NULL;
    bool indexed;

    assert_int_equal(tool(ctx, &status, WORDS("status")), 0);
    indexed = number_of(json_object_get(status, "index"), "lag_events") == 0 &&
              number_of(json_object_get(status, "index"), "views_lag_events") == 0;
    json_decref(status);
    return indexed;
}

/* What is derived is all there, and as a rebuild would make it. */
static bool is_same(void *ctx)
{
    return tool(ctx, NULL, WORDS("rebuild", "--check")) == 0;
}

/* What becomes of the hub, and of the tool's question. */
enum outcome { DIES, EXITS, FAILS_ONCE, WAITS };

static void fails_at(struct spawn *spawn, const char *point, const char *how, enum outcome outcome)
{
    char fault[96];
    const char *const environment[] = {fault, NULL};
    int asked;

    (void)snprintf(fault, sizeof fault, "MR_FAULT=%s:1:%s", point, how);
    spawn->environment = environment;
    spawn_start(spawn);
    asked = tool(spawn, NULL, WORDS("retention", "run"));
    if (outcome == DIES || outcome == EXITS) {
        int status = spawn_wait(spawn);

        assert_int_not_equal(asked, 0);
        if (outcome == DIES)
            assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        else
            assert_true(WIFEXITED(status) && WEXITSTATUS(status) != 0);
    } else {
        assert_int_equal(asked == 0, outcome == WAITS);
        spawn_stop(spawn);
    }
    spawn_forget(spawn);
    spawn->environment = NULL;
    spawn_start(spawn);
    assert_int_equal(tool(spawn, NULL, WORDS("retention", "run")), 0);
    spawn_until("index and views are right", is_same, spawn);
    assert_in_order(spawn, FEW);
    spawn_stop(spawn);
}

static void nothing_is_lost_at_any_point(void **state)
{
    static const struct {
        const char *point, *how;
        enum outcome outcome;
    } cases[] = {
            {"segment.write.before", "kill", DIES},
            {"segment.rename.before", "kill", DIES},
            {"segment.rename.after", "kill", DIES},
            {"segment.row.before", "kill", DIES},
            {"segment.trim.before", "kill", DIES},
            {"segment.remove.before", "kill", DIES},
            {"owed.settle", "kill", DIES},
            {"owed.settle", "eio", EXITS},
            {"owed.settle", "enospc", FAILS_ONCE},
            {"segment.write.before", "enospc", FAILS_ONCE},
            {"segment.rename.before", "eio", FAILS_ONCE},
            {"segment.remove.before", "eio", FAILS_ONCE},
            {"segment.row.before", "eio", EXITS},
            {"segment.trim.before", "eio", EXITS},
            {"segment.row.before", "enospc", WAITS},
            {"segment.trim.before", "enospc", WAITS},
    };

    (void)state;
    for (size_t i = 0; i < MR_COUNT(cases); i++) {
        struct spawn spawn;

        print_message("%s: %s\n", cases[i].point, cases[i].how);
        spawn_init_hub(&spawn, terms, hub_keys);
        fill(&spawn, FEW);
        start_and_release(&spawn);
        spawn_until("all is indexed", is_indexed, &spawn);
        spawn_stop(&spawn);
        fails_at(&spawn, cases[i].point, cases[i].how, cases[i].outcome);
        spawn_fini(&spawn);
    }
}

#endif

static int setup(void **state)
{
    struct spawn *spawn = calloc(1, sizeof *spawn);

    spawn_init_hub(spawn, terms, hub_keys);
    *state = spawn;
    return 0;
}

static int teardown(void **state)
{
    spawn_fini(*state);
    free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(terms_pass_under_load, setup, teardown),
#ifdef MR_FAULT_POINTS
            cmocka_unit_test(nothing_is_lost_at_any_point),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
