/*
 * Bad networks: the hub in one network namespace, systems in another, a veth link between them. The link
 * loses a tenth of its packets; it is cut until the hub and the systems have given each other up, again and
 * again, while others go on. Nothing is lost, nothing has effect twice, the order of each producer holds, and
 * the balance. Days are a matter of timers here: pings every 200 ms, and silence is found after four of them.
 * Skipped, with a word, where no namespaces may be made.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

#include "proto/base/clock.h"
#include "proto/base/list.h"
#include "tests/support/crowd.h"

#define INSIDE   "MR_TEST_NAMESPACE"
#define LOSS     "-m statistic --mode random --probability 0.1 -j DROP 2>/dev/null"
#define ENDPOINT "tcp://10.77.0.1:7400"

enum {
    SKIPPED = 77,
    MEMBERS = 6, /* the first half is on the hub's side of the link */
    NEAR = MEMBERS / 2,
    EVENTS = 100,
    ROUNDS = 5,
    ROUNDS_MAX = 100, /* until a packet was lost that had to be sent again */
    CUTS = 3,
    SILENCE_US = 2000 * 1000,
    DEADLINE_MS = 120 * 1000,
};

struct env {
    struct crowd crowd;
    void *far_zmq; /* its I/O thread lives behind the link */
    pid_t holder;  /* of the far namespace */
    int here, far; /* namespaces */
};

/* ---- namespaces ---- */

static int shell(const char *command)
{
    int status = system(command); /* NOLINT: a fixed text */

    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void must(const char *command)
{
    int status = shell(command);

    if (status != 0)
        fail_msg("%s: status %d", command, status);
}

static void enter(int namespace)
{
    assert_int_equal(setns(namespace, CLONE_NEWNET), 0);
}

static int behind_the_link(const struct env *env, const char *command)
{
    int status;

    enter(env->far);
    status = shell(command);
    enter(env->here);
    return status;
}

static int namespace_of(pid_t pid)
{
    char path[64];
    int fd;

    (void)snprintf(path, sizeof path, "/proc/%d/ns/net", (int)pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

/* A process that does nothing but keep the other namespace. */
static void make_far(struct env *env)
{
    int ready[2];
    char byte;

    assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
    env->holder = fork();
    assert_true(env->holder >= 0);
    if (env->holder == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (unshare(CLONE_NEWNET) == 0 && write(ready[1], "", 1) == 1)
            (void)pause();
        _exit(1);
    }
    (void)close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    (void)close(ready[0]);
    env->here = namespace_of(getpid());
    env->far = namespace_of(env->holder);
}

static void make_link(const struct env *env)
{
    char command[128];

    must("ip link set lo up");
    must("ip link add hubside type veth peer name farside");
    (void)snprintf(command, sizeof command, "ip link set farside netns %d", (int)env->holder);
    must(command);
    must("ip addr add 10.77.0.1/24 dev hubside && ip link set hubside up");
    assert_int_equal(
            behind_the_link(env, "ip addr add 10.77.0.2/24 dev farside && ip link set farside up"), 0);
}

/* A tenth of the packets in both directions, by what this kernel has. false: it has neither. */
static bool lose_packets(const struct env *env)
{
    if (shell("tc qdisc add dev hubside root netem loss 10% 2>/dev/null") == 0 &&
            behind_the_link(env, "tc qdisc add dev farside root netem loss 10% 2>/dev/null") == 0)
        return true;
    return shell("iptables -A INPUT -i hubside " LOSS) == 0 &&
           behind_the_link(env, "iptables -A INPUT -i farside " LOSS) == 0;
}

/* Segments that TCP had to send again, on both sides. */
static unsigned long sent_again(const struct env *env)
{
    const int sides[] = {env->far, env->here};
    unsigned long sum = 0;

    for (size_t i = 0; i < MR_COUNT(sides); i++) {
        unsigned long value = 0;
        char line[512];
        FILE *file;

        enter(sides[i]); /* the last one is where we were */
        file = fopen("/proc/thread-self/net/snmp", "re");
        assert_non_null(file);
        while (fgets(line, sizeof line, file))
            (void)sscanf(line, "Tcp: %*d %*d %*d %*d %*d %*d %*d %*d %*d %*d %*d %lu", &value);
        (void)fclose(file);
        sum += value;
    }
    return sum;
}

/* ---- the scene ---- */

static int setup(void **state)
{
    struct env *env = calloc(1, sizeof *env);

    assert_non_null(env);
    make_far(env);
    make_link(env);
    crowd_init(&env->crowd, MEMBERS, ENDPOINT, "  ping_interval_ms: 500\n");
    env->crowd.silence_us = SILENCE_US;
    spawn_start(&env->crowd.spawn);
    env->far_zmq = zmq_ctx_new();
    assert_non_null(env->far_zmq);
    for (size_t i = 0; i < MEMBERS; i++) {
        bool far = i >= NEAR;

        enter(far ? env->far : env->here); /* where the context's I/O thread begins, it stays */
        env->crowd.members[i].zmq = far ? env->far_zmq : NULL;
        crowd_connect(&env->crowd, i);
    }
    enter(env->here);
    *state = env;
    return 0;
}

static int teardown(void **state)
{
    struct env *env = *state;

    for (size_t i = 0; i < MEMBERS; i++)
        crowd_leave(&env->crowd, i);
    (void)zmq_ctx_term(env->far_zmq);
    crowd_fini(&env->crowd);
    (void)kill(env->holder, SIGKILL);
    (void)waitpid(env->holder, NULL, 0);
    (void)shell("ip link del hubside 2>/dev/null");
    (void)close(env->here);
    (void)close(env->far);
    free(env);
    return 0;
}

static void publish_all(struct env *env, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        crowd_publish(&env->crowd, i, EVENTS);
}

static void turn_until(struct env *env, const char *what, bool (*fn)(struct env *env))
{
    int64_t until = mr_clock_monotonic_us(mr_clock_system()) + DEADLINE_MS * (int64_t)1000;

    while (!fn(env)) {
        if (mr_clock_monotonic_us(mr_clock_system()) > until)
            fail_msg("did not happen in time: %s", what);
        crowd_turn(&env->crowd, 20);
        crowd_mend(&env->crowd);
    }
}

static bool all_done(struct env *env)
{
    return crowd_all_acked(&env->crowd) && crowd_all_received(&env->crowd);
}

/* What the near ones have sent has its verdict, and the hub has let the others go. */
static bool far_is_given_up(struct env *env)
{
    for (size_t i = 0; i < NEAR; i++)
        if (env->crowd.members[i].acked < env->crowd.members[i].made)
            return false;
    return crowd_is_away(&env->crowd, NEAR, MEMBERS);
}

static void test_a_link_that_loses_packets(void **state)
{
    struct env *env = *state;
    unsigned long before = sent_again(env);

    if (!lose_packets(env)) {
        print_message("no loss: this kernel has no netem, or iptables (Debian: iptables) has no statistic\n");
        skip();
    }
    for (int i = 0; i < ROUNDS || (sent_again(env) == before && i < ROUNDS_MAX); i++) {
        publish_all(env, 0, MEMBERS);
        turn_until(env, "all have received what all have sent", all_done);
    }
    assert_true(sent_again(env) > before); /* it did lose some */
    crowd_expect_balance(&env->crowd);
    spawn_stop(&env->crowd.spawn);
}

static void test_a_link_that_is_cut(void **state)
{
    struct env *env = *state;

    publish_all(env, 0, MEMBERS);
    turn_until(env, "all have received what all have sent", all_done);
    for (int i = 0; i < CUTS; i++) {
        publish_all(env, 0, MEMBERS); /* the cut comes while they are on their way */
        crowd_turn(&env->crowd, 0);
        assert_int_equal(behind_the_link(env, "ip link set farside down"), 0);
        publish_all(env, 0, MEMBERS); /* far: into the outbox */
        turn_until(env, "the systems behind the link are given up", far_is_given_up);
        assert_int_equal(behind_the_link(env, "ip link set farside up"), 0);
        turn_until(env, "all have received what all have sent", all_done);
    }
    assert_true(spawn_logged(&env->crowd.spawn, "why=silent"));
    crowd_expect_balance(&env->crowd);
    spawn_stop(&env->crowd.spawn);
}

/* Runs this program anew where it may make namespaces. Does not return when that can be had. */
static void go_inside(char **argv)
{
    bool root = geteuid() == 0;
    char *words[] = {(char *)"unshare", (char *)(root ? "-n" : "-Urn"), argv[0], NULL};

    if (shell(root ? "unshare -n true 2>/dev/null" : "unshare -Urn true 2>/dev/null") != 0 ||
            shell(root ? "unshare -n ip link add near type veth peer name far 2>/dev/null"
                       : "unshare -Urn ip link add near type veth peer name far 2>/dev/null") != 0)
        return;
    (void)setenv(INSIDE, "1", 1);
    (void)execvp(words[0], words);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(test_a_link_that_loses_packets, setup, teardown),
            cmocka_unit_test_setup_teardown(test_a_link_that_is_cut, setup, teardown)};

    (void)argc;
    if (!getenv(INSIDE)) {
        go_inside(argv);
        (void)printf("skipped: network namespaces and veth links need root or user namespaces, unshare "
                     "(util-linux) and ip (iproute2)\n");
        return SKIPPED;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
