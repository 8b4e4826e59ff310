/*
 * Long questions to a real hub: what it tells of them reaches the tool, which waits as long as it is told
 * anything. The hub stands still after each time it has said how far it is, until the test lets it go on
 * (fault point question.told); the clock of the tool is the test's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/base/list.h"
#include "tests/support/bus_client.h"
#include "tests/support/clock_ahead.h"
#include "tests/support/terminal.h"

/* The tool waits for a minute. Records are told of by the 1024. */
enum { BATCH = 900, BATCHES = 4, EVENTS = BATCH * BATCHES, TELLINGS = 3, ALMOST_S = 25 };

struct scene {
    struct spawn spawn;
    struct clock_ahead clock; /* of the tool */
    unsigned ahead_s;
    char fault[64], gate[192], path[160];
    const char *environment[3];
    int open_gate; /* both ends of the pipe */
    struct terminal terminal;
};

static int setup(void **state)
{
    struct scene *scene = calloc(1, sizeof *scene);

    assert_non_null(scene);
    spawn_init(&scene->spawn, "passport: {period_from: \"2026-01-01\", period_to: \"2026-12-31\"}\n");
    clock_ahead_init(&scene->clock, &scene->spawn);
    (void)snprintf(scene->path, sizeof scene->path, "%s/gate", scene->spawn.dir);
    assert_int_equal(mkfifo(scene->path, 0600), 0);
    scene->open_gate = open(scene->path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
    assert_true(scene->open_gate >= 0);
    (void)snprintf(scene->fault, sizeof scene->fault, "MR_FAULT=question.told:1:wait");
    (void)snprintf(scene->gate, sizeof scene->gate, "MR_FAULT_GATE=%s", scene->path);
    scene->environment[0] = scene->fault;
    scene->environment[1] = scene->gate;
    scene->spawn.environment = scene->environment;
    spawn_start(&scene->spawn);
    assert_int_equal(putenv(scene->clock.variable), 0); /* the tool has it from here, not the hub */
    for (size_t i = 0; i < BATCHES; i++)
        bus_publish_programmes(&scene->spawn, 1 + i * BATCH, BATCH);
    *state = scene;
    return 0;
}

static int teardown(void **state)
{
    struct scene *scene = *state;

    terminal_close(&scene->terminal);
    (void)unsetenv("MR_CLOCK_AHEAD");
    spawn_fini(&scene->spawn);
    (void)close(scene->open_gate);
    free(scene);
    return 0;
}

/* So many times. */
static void let_go(struct scene *scene, size_t times)
{
    static const char bytes[1024];

    assert_true(times <= sizeof bytes);
    assert_int_equal(write(scene->open_gate, bytes, times), (ssize_t)times);
}

static void hold_again(struct scene *scene)
{
    char bytes[1024];

    while (read(scene->open_gate, bytes, sizeof bytes) > 0)
        ;
}

static void pass(struct scene *scene, unsigned seconds)
{
    scene->ahead_s += seconds;
    clock_ahead_set(&scene->spawn, scene->ahead_s);
}

static void ask(const struct scene *scene, struct terminal *terminal, const char *const words[])
{
    const char *argv[12] = {"marshrut", "-c", scene->spawn.config};

    for (size_t i = 0; words[i]; i++)
        argv[3 + i] = words[i];
    terminal_open(terminal, "xterm", 24, 120, argv);
}

/* What is drawn next: how far the method is, and of how much. */
static uint64_t told(struct terminal *terminal, const char *method, uint64_t *ret_total)
{
    const char *line;
    char text[64];
    uint64_t done;

    (void)snprintf(text, sizeof text, "%s: ", method);
    terminal_expect(terminal, text);
    terminal_expect(terminal, " %");
    line = strstr(mr_buf_str(&terminal->drawn), text);
    assert_non_null(line);
    assert_int_equal(sscanf(line + strlen(text), "%" SCNu64 " of %" SCNu64, &done, ret_total), 2);
    terminal_forget(terminal);
    return done;
}

/* The hub stands at its first telling, then at the others; each is shown, and in all it takes longer than the
 * tool would wait for one that says nothing. */
static void follow(struct scene *scene, const char *method)
{
    uint64_t before = 0, done, total;

    for (size_t i = 0; i < TELLINGS; i++) {
        done = told(&scene->terminal, method, &total);
        assert_true(done > before);
        assert_in_range(total, EVENTS, EVENTS + EVENTS / 2); /* and some events of the hub's own */
        assert_true(done <= total);
        before = done;
        pass(scene, ALMOST_S);
        let_go(scene, 1);
    }
}

static void a_search_tells(void **state)
{
    static const char *const words[] = {"log", "find", "--type", "nms.programme.", "--count", NULL};
    struct scene *scene = *state;
    char count[16];

    ask(scene, &scene->terminal, words);
    follow(scene, "log.find");
    assert_int_equal(terminal_wait(&scene->terminal), 0);
    (void)snprintf(count, sizeof count, "%d", EVENTS);
    assert_true(terminal_has(&scene->terminal, count));
    hold_again(scene);
    spawn_stop(&scene->spawn);
}

/* The one that is made, and one that waits until it is made. */
static void a_passport_tells_and_so_does_who_waits_for_it(void **state)
{
    static const char *const words[] = {"passport", "show", NULL};
    struct scene *scene = *state;
    struct terminal other;
    uint64_t total;

    ask(scene, &scene->terminal, words);
    follow(scene, "passport.show");
    terminal_expect(&scene->terminal, "passport.show: "); /* it goes on with the facts that it has read */
    ask(scene, &other, words);
    assert_true(told(&other, "passport.show", &total) > 0);
    let_go(scene, 1000);
    assert_int_equal(terminal_wait(&scene->terminal), 0);
    assert_int_equal(terminal_wait(&other), 0);
    assert_true(terminal_has(&other, "2026-12-31"));
    terminal_close(&other);
    hold_again(scene);
    spawn_stop(&scene->spawn);
}

static bool is_signed(void *ctx)
{
    const struct scene *scene = ctx;

    return bus_status_number(&scene->spawn, "signed") > EVENTS;
}

/* What the tool does by itself. */
static void a_check_of_the_log_is_shown(void **state)
{
    static const char *const words[] = {"log", "verify", NULL};
    char folder[192];
    const char *const more[] = {"log", "export", folder, NULL}, *const again[] = {
                                                                        "log", "verify", folder, NULL};
    struct scene *scene = *state;

    (void)snprintf(folder, sizeof folder, "%s/exported", scene->spawn.dir);
    bus_publish_programmes(&scene->spawn, 1 + EVENTS, 1);
    spawn_until("the checkpoint", is_signed, scene);
    ask(scene, &scene->terminal, words);
    terminal_expect(&scene->terminal, "log verify: 1024 of 36");
    assert_int_equal(terminal_wait(&scene->terminal), 0);
    terminal_close(&scene->terminal);
    ask(scene, &scene->terminal, more);
    terminal_expect(&scene->terminal, "log export: 1\r");
    assert_int_equal(terminal_wait(&scene->terminal), 0);
    terminal_close(&scene->terminal);
    ask(scene, &scene->terminal, again);
    terminal_expect(&scene->terminal, "log verify: 0 of 36");
    assert_int_equal(terminal_wait(&scene->terminal), 0);
    spawn_stop(&scene->spawn);
}

int main(void)
{
#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
    const struct CMUnitTest tests[] = {CASE(a_search_tells),
            CASE(a_passport_tells_and_so_does_who_waits_for_it), CASE(a_check_of_the_log_is_shown)};

#ifndef MR_FAULT_POINTS
    return 77; /* nothing can be held */
#endif
    return cmocka_run_group_tests(tests, NULL, NULL);
}
