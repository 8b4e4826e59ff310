#include "proto/loop/command.h"

#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/err.h"
#include "proto/base/list.h"

struct mr_command {
    uv_process_t process;
    uv_pipe_t input;
    uv_timer_t deadline;
    uv_write_t write;
    int open_handles;
    bool ended;
    void (*done)(void *ctx, int64_t status); /* NULL: dropped */
    void *ctx;
    size_t size;
    char bytes[];
};

static void on_closed(uv_handle_t *handle)
{
    struct mr_command *command = handle->data;

    if (--command->open_handles == 0)
        free(command);
}

static void close_all(struct mr_command *command)
{
    uv_handle_t *handles[] = {(uv_handle_t *)&command->process, (uv_handle_t *)&command->input,
            (uv_handle_t *)&command->deadline};

    for (size_t i = 0; i < MR_COUNT(handles); i++)
        if (!uv_is_closing(handles[i]))
            uv_close(handles[i], on_closed);
}

static void kill_group(struct mr_command *command)
{
    if (!command->ended && command->process.pid > 0)
        (void)kill(-command->process.pid, SIGKILL);
}

static void on_exit_of(uv_process_t *process, int64_t status, int number)
{
    struct mr_command *command = process->data;
    void (*done)(void *ctx, int64_t status) = command->done;

    command->ended = true;
    command->done = NULL;
    close_all(command);
    if (done)
        done(command->ctx, number ? -number : status);
}

static void on_deadline(uv_timer_t *timer)
{
    kill_group(timer->data);
}

/* Whether it has read its input or not is its own affair: what counts is how it ends. */
static void on_written(uv_write_t *write, int status)
{
    struct mr_command *command = write->data;

    (void)status;
    if (!uv_is_closing((uv_handle_t *)&command->input))
        uv_close((uv_handle_t *)&command->input, on_closed);
}

static int spawn(struct mr_command *command, const struct mr_command_options *o)
{
    uv_stdio_container_t stdio[3] = {
            {.flags = UV_CREATE_PIPE | UV_READABLE_PIPE, .data.stream = (uv_stream_t *)&command->input},
            {.flags = UV_IGNORE}, {.flags = UV_IGNORE}};
    char *argv[MR_COMMAND_ARGUMENTS_MAX + 1] = {NULL};
    const uv_process_options_t options = {.exit_cb = on_exit_of,
            .file = o->argv[0],
            .args = argv,
            .flags = UV_PROCESS_DETACHED, /* its own group */
            .stdio_count = 3,
            .stdio = stdio};

    for (uint32_t i = 0; i < o->argv_count; i++)
        argv[i] = o->argv[i];
    return uv_spawn(o->loop, &command->process, &options);
}

int mr_command_run(struct mr_command **ret, const struct mr_command_options *o)
{
    struct mr_command *command;
    uv_buf_t buf;
    int r;

    if (o->argv_count == 0 || o->argv_count > MR_COMMAND_ARGUMENTS_MAX)
        return MR_EINVAL;
    command = calloc(1, sizeof *command + o->input.size);
    if (!command)
        return MR_ENOMEM;
    command->size = o->input.size;
    if (o->input.size)
        memcpy(command->bytes, o->input.data, o->input.size);
    (void)uv_pipe_init(o->loop, &command->input, 0);
    (void)uv_timer_init(o->loop, &command->deadline);
    command->process.data = command->input.data = command->deadline.data = command->write.data = command;
    command->open_handles = 3;
    r = spawn(command, o);
    if (r < 0) { /* uv's codes are errno's; the handle is there all the same */
        command->ended = true;
        close_all(command);
        return mr_err_from_errno(-r);
    }
    command->done = o->done;
    command->ctx = o->ctx;
    (void)uv_timer_start(&command->deadline, on_deadline, o->timeout_ms, 0);
    buf = uv_buf_init(command->bytes, (unsigned)command->size);
    if (uv_write(&command->write, (uv_stream_t *)&command->input, &buf, 1, on_written) != 0)
        uv_close((uv_handle_t *)&command->input, on_closed);
    *ret = command;
    return 0;
}

void mr_command_drop(struct mr_command *command)
{
    command->done = NULL;
    kill_group(command);
    command->ended = true;
    close_all(command);
}
