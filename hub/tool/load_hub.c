#include "hub/tool/load_hub.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hub/tool/ask.h"
#include "hub/tool/bench_folder.h"
#include "hub/tool/bench_result.h"
#include "hub/tool/bin_dir.h"
#include "hub/tool/load_keys.h"
#include "proto/base/buf.h"
#include "proto/loop/curvekey.h"

enum { START_S = 60, STOP_S = 60, TURN_MS = 10, LAST_LINES_MAX = 200 };

/* ---- its folder ---- */

static int make_folder(struct load_hub *hub, const char *above, struct mr_error *reterr)
{
    int r = bench_folder_make(hub->dir, sizeof hub->dir, above, reterr);

    if (r < 0)
        return r;
    (void)snprintf(hub->keys, sizeof hub->keys, "%s/keys", hub->dir);
    if (mkdir(hub->keys, 0700) == 0)
        return 0;
    return mr_error_set(reterr, mr_err_from_errno(errno), hub->keys, "", "cannot make the folder");
}

/* A port that is free now; the hub says so if somebody else was quicker. */
static int free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int port = 0;

    if (fd >= 0 && bind(fd, (struct sockaddr *)&address, size) == 0 &&
            getsockname(fd, (struct sockaddr *)&address, &size) == 0)
        port = ntohs(address.sin_port);
    if (fd >= 0)
        (void)close(fd);
    return port;
}

static void put_configuration(struct mr_buf *out, const struct load_hub *hub,
        const struct load_options *options, const struct mr_curvekey *key)
{
    mr_buf_printf(out,
            "version: 1\nregion: \"24\"\nhub:\n  source: urn:marshrut:24:hub\n  listen: [\"%s\"]\n"
            "  admin: run/hub.sock\n  store: store\n  root_key: root\n  secret_key_file: keys/hub.key\n"
            "  public_key: '%s'\n  publish_window: %u\n  index_lag_max: %u\n  ballast_mb: 1\n"
            "  space_watermark_mb: 1\n  ping_interval_ms: 60000\n", /* who waits for the others answers none
                                                                     */
            hub->endpoint, key->public_key, options->window, options->index_lag);
    mr_buf_put_str(out, "codelists:\n  - {name: area, values: [{code: ict, title: ICT}]}\n");
}

/* Keys of all, and the configuration of the hub with them. */
static int put_together(
        struct load_hub *hub, const struct load_options *options, struct mr_buf *out, struct mr_error *reterr)
{
    const struct load_keys keys = {hub->keys, "24", options->producers, options->consumers};
    struct mr_buf systems = MR_BUF_INIT, subscriptions = MR_BUF_INIT;
    char secret[PATH_MAX + 16], public[PATH_MAX + 16];
    struct mr_curvekey key;
    int r;

    (void)snprintf(secret, sizeof secret, "%s/hub.key", hub->keys);
    (void)snprintf(public, sizeof public, "%s/hub.pub", hub->keys);
    r = mr_curvekey_create_files(secret, public, &key, reterr);
    if (r < 0)
        return r;
    put_configuration(out, hub, options, &key);
    mr_curvekey_wipe(&key);
    r = load_keys_make(&keys, &systems, &subscriptions, reterr);
    mr_buf_put_str(out, "systems:\n");
    mr_buf_put_slice(out, mr_buf_slice(&systems));
    mr_buf_put_str(out, options->consumers > 0 ? "subscriptions:\n" : "subscriptions: []\n");
    mr_buf_put_slice(out, mr_buf_slice(&subscriptions));
    mr_buf_fini(&systems);
    mr_buf_fini(&subscriptions);
    return r == 0 && mr_buf_failed(out) ? MR_ENOMEM : r;
}

static int write_configuration(
        struct load_hub *hub, const struct load_options *options, struct mr_error *reterr)
{
    struct mr_buf text = MR_BUF_INIT;
    char path[PATH_MAX];
    FILE *file = NULL;
    int r = put_together(hub, options, &text, reterr);

    (void)snprintf(path, sizeof path, "%s/marshrut.yaml", hub->dir);
    if (r == 0 && (!(file = fopen(path, "we")) || fwrite(text.data, text.size, 1, file) != 1))
        r = mr_error_set(reterr, MR_EIO, path, "", "cannot write the configuration");
    if (file && fclose(file) != 0 && r == 0)
        r = mr_error_set(reterr, MR_EIO, path, "", "cannot write the configuration");
    mr_buf_fini(&text);
    return r < 0 ? r : mr_config_load(&hub->config, path, reterr);
}

/* ---- its process ---- */

static void exec_hub(const struct load_hub *hub, const char *bin)
{
    char path[PATH_MAX + 16], config[PATH_MAX], log[PATH_MAX];
    int fd;

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* nothing is left running when this process is killed */
    (void)snprintf(path, sizeof path, "%s/marshrutd", bin);
    (void)snprintf(config, sizeof config, "%s/marshrut.yaml", hub->dir);
    (void)snprintf(log, sizeof log, "%s/hub.log", hub->dir);
    fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd >= 0)
        (void)dup2(fd, STDERR_FILENO);
    (void)execl(path, "marshrutd", "-c", config, (char *)NULL);
    _exit(127);
}

/* The end of what it has written: why it did not start. */
static int say_ended(const struct load_hub *hub, struct mr_error *reterr)
{
    char path[PATH_MAX], text[LAST_LINES_MAX + 1] = "";
    FILE *file;
    char *line;

    (void)snprintf(path, sizeof path, "%s/hub.log", hub->dir);
    file = fopen(path, "re");
    if (file) {
        if (fseek(file, -LAST_LINES_MAX, SEEK_END) != 0)
            rewind(file);
        text[fread(text, 1, LAST_LINES_MAX, file)] = 0;
        (void)fclose(file);
    }
    line = strstr(text, "event=hub.");
    return mr_error_set(reterr, MR_ECLOSED, "marshrutd",
            "is it in the folder of this program, and its release the same?",
            "the private hub did not start: %s", line ? line : text);
}

static bool has_ended(struct load_hub *hub)
{
    siginfo_t info = {0};

    (void)waitid(P_PID, (id_t)hub->child, &info, WEXITED | WNOHANG | WNOWAIT);
    return info.si_pid != 0;
}

static int start(struct load_hub *hub, struct mr_error *reterr)
{
    double until = bench_seconds() + START_S;
    char bin[PATH_MAX];
    json_t *status;

    if (tool_bin_dir(bin) < 0)
        return mr_error_set(reterr, MR_ESYSTEM, "/proc/self/exe", "", "where is this program?");
    hub->child = fork();
    if (hub->child == 0)
        exec_hub(hub, bin);
    if (hub->child < 0) {
        hub->child = 0;
        return mr_error_set(reterr, MR_ESYSTEM, "fork", "", "cannot start a process: %s", strerror(errno));
    }
    hub->pid = hub->child;
    while (bench_seconds() < until && !tool_interrupted()) {
        if (has_ended(hub))
            return say_ended(hub, reterr);
        if (tool_hub_runs(&hub->tool) && (status = load_hub_status(hub, NULL))) {
            json_decref(status);
            return 0;
        }
        (void)poll(NULL, 0, TURN_MS);
    }
    return mr_error_set(
            reterr, MR_ETIMEOUT, "marshrutd", "", "the private hub was not ready in %d s", START_S);
}

static void stop(struct load_hub *hub)
{
    double until = bench_seconds() + STOP_S;

    (void)kill(hub->child, SIGTERM);
    while (bench_seconds() < until && !has_ended(hub))
        (void)poll(NULL, 0, TURN_MS);
    if (!has_ended(hub))
        (void)kill(hub->child, SIGKILL);
    (void)waitpid(hub->child, NULL, 0);
    hub->child = hub->pid = 0;
}

/* ---- a running one ---- */

/* Who listens on the admin socket. */
static pid_t listener(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct ucred peer = {0};
    socklen_t size = sizeof peer;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return 0;
    if (strlen(path) < sizeof address.sun_path) {
        memcpy(address.sun_path, path, strlen(path) + 1);
        if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
                getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
            peer.pid = 0;
    }
    (void)close(fd);
    return peer.pid;
}

/* The first endpoint that it listens on, as one on this machine connects to it. */
static void endpoint_of(struct load_hub *hub, const struct mr_config *config)
{
    static const char *const any[] = {"tcp://0.0.0.0:", "tcp://*:"};

    (void)snprintf(hub->endpoint, sizeof hub->endpoint, "%s", config->hub.listen[0]);
    for (size_t i = 0; i < sizeof any / sizeof any[0]; i++)
        if (strncmp(config->hub.listen[0], any[i], strlen(any[i])) == 0)
            (void)snprintf(hub->endpoint, sizeof hub->endpoint, "tcp://127.0.0.1:%s",
                    config->hub.listen[0] + strlen(any[i]));
}

static int find_running(
        struct load_hub *hub, struct tool *tool, const struct load_options *options, struct mr_error *reterr)
{
    json_t *status;

    hub->tool = *tool;
    (void)snprintf(hub->keys, sizeof hub->keys, "%s", options->keys);
    if (options->hub)
        (void)snprintf(hub->endpoint, sizeof hub->endpoint, "%s", options->hub);
    else
        endpoint_of(hub, tool->config);
    hub->pid = listener(tool->config->hub.admin);
    status = load_hub_status(hub, reterr);
    json_decref(status);
    return status ? 0 : reterr->code;
}

/* ---- both ---- */

int load_hub_open(
        struct load_hub *hub, struct tool *tool, const struct load_options *options, struct mr_error *reterr)
{
    int r;

    *hub = (struct load_hub){0};
    if (!options->spawn)
        return find_running(hub, tool, options, reterr);
    r = make_folder(hub, options->dir, reterr);
    (void)snprintf(hub->endpoint, sizeof hub->endpoint, "tcp://127.0.0.1:%d", free_port());
    if (r == 0)
        r = write_configuration(hub, options, reterr);
    if (r == 0) {
        hub->tool = (struct tool){.config = hub->config, .operator_name = ""};
        r = start(hub, reterr);
    }
    if (r < 0)
        load_hub_close(hub);
    return r;
}

void load_hub_close(struct load_hub *hub)
{
    if (hub->child)
        stop(hub);
    bench_folder_remove(hub->dir);
    mr_config_free(hub->config);
    *hub = (struct load_hub){0};
}

static int keep(void *ctx, json_t *document)
{
    json_t **kept = ctx;

    json_decref(*kept);
    *kept = json_incref(document);
    return 0;
}

json_t *load_hub_status(struct load_hub *hub, struct mr_error *reterr)
{
    json_t *status = NULL;
    struct mr_error error = {0};
    int r = tool_ask(&hub->tool, "hub.status", json_object(), keep, &status, &error);

    if (r == 0 && status)
        return status;
    json_decref(status);
    if (error.code == 0)
        (void)mr_error_set(&error, r < 0 ? r : MR_ENOTFOUND, "hub.status", "", "the hub gave no answer");
    if (reterr)
        *reterr = error;
    return NULL;
}

static uint64_t kib_of(const char *text, const char *name)
{
    const char *at = strstr(text, name);

    return at ? strtoull(at + strlen(name), NULL, 10) * 1024 : 0;
}

static size_t read_proc(pid_t pid, const char *name, char *out, size_t size)
{
    char path[64];
    FILE *file;
    size_t n = 0;

    (void)snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    file = fopen(path, "re");
    if (file) {
        n = fread(out, 1, size - 1, file);
        (void)fclose(file);
    }
    out[n] = 0;
    return n;
}

void load_process_usage(pid_t pid, struct load_usage *ret)
{
    char text[4096];
    const char *after;
    unsigned long user = 0, system = 0;

    *ret = (struct load_usage){0};
    if (pid == 0)
        return;
    (void)read_proc(pid, "stat", text, sizeof text);
    after = strrchr(text, ')'); /* the name may hold anything */
    if (after &&
            sscanf(after + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) == 2)
        ret->cpu_s = (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
    (void)read_proc(pid, "status", text, sizeof text);
    ret->rss_bytes = kib_of(text, "VmRSS:");
    ret->rss_anon_bytes = kib_of(text, "RssAnon:");
}
