#include "tests/conformance/driver/speaker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/base/list.h"

#define NODE_DIR MR_SOURCE_DIR "/tests/conformance/node"
enum { ANSWER_SECONDS_MAX = 90 };

struct node {
    struct speaker base;
    pid_t pid;
    FILE *in, *out;
};

static json_t *call(struct speaker *speaker, const json_t *command)
{
    struct node *node = MR_CONTAINER(speaker, struct node, base);
    struct pollfd ready = {.fd = fileno(node->out), .events = POLLIN};
    char *line = NULL;
    size_t room = 0;
    json_error_t error;
    json_t *answer;

    assert_int_equal(json_dumpf(command, node->in, JSON_COMPACT), 0);
    assert_true(fputc('\n', node->in) == '\n' && fflush(node->in) == 0);
    /* One answer a command: nothing of an earlier one is left in the buffer. */
    if (poll(&ready, 1, ANSWER_SECONDS_MAX * 1000) != 1 || getline(&line, &room, node->out) <= 0)
        fail_msg("the Node.js client did not answer");
    answer = json_loads(line, 0, &error);
    if (!answer)
        fail_msg("the Node.js client's answer: %s", error.text);
    if (json_object_get(answer, "error"))
        fail_msg("the Node.js client: %s", json_string_value(json_object_get(answer, "error")));
    free(line);
    return answer;
}

static void close_node(struct speaker *speaker)
{
    struct node *node = MR_CONTAINER(speaker, struct node, base);
    int status = 0;

    assert_int_equal(shutdown(fileno(node->in), SHUT_WR), 0); /* it ends at the end of its input */
    (void)fclose(node->in);
    assert_int_equal(waitpid(node->pid, &status, 0), node->pid);
    (void)fclose(node->out);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    free(node);
}

static _Noreturn void exec_node(int fd)
{
    static const char *const preloads[] = {"LD_PRELOAD", "NODE_OPTIONS"};

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (size_t i = 0; i < MR_COUNT(preloads); i++)
        (void)unsetenv(preloads[i]);
    if (dup2(fd, STDIN_FILENO) >= 0 && dup2(fd, STDOUT_FILENO) >= 0)
        (void)execlp("node", "node", NODE_DIR "/speaker.js", (char *)NULL);
    _exit(127);
}

struct speaker *speaker_node_open(void)
{
    struct node *node;
    int fds[2];

    if (access(NODE_DIR "/node_modules/zeromq", R_OK) != 0)
        return NULL;
    node = calloc(1, sizeof *node);
    assert_non_null(node);
    node->base = (struct speaker){"node", call, close_node};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    node->pid = fork();
    assert_true(node->pid >= 0);
    if (node->pid == 0)
        exec_node(fds[1]);
    (void)close(fds[1]);
    node->in = fdopen(fds[0], "w");
    node->out = fdopen(dup(fds[0]), "r");
    assert_true(node->in && node->out);
    return &node->base;
}
