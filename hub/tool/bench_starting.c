/* Opening after a process was killed in the middle of appending, and the memory of one that has it open. */
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "hub/index/indexer.h"
#include "hub/sign/log_key.h"
#include "hub/intake/prepare.h"
#include "hub/tool/bench.h"
#include "hub/tool/bench_appender.h"

enum { KILLS = 5, MEMORY_INTAKES = 40, INTAKE = 500, LIVES_MS_MIN = 40, LIVES_MS_STEP = 37 };

/* ---- a child that is killed ---- */

/* In the child; never returns. Says through fd that something is durable, and appends until it is killed. */
static _Noreturn void append_for_ever(struct bench *bench, int fd)
{
    struct bench_house *home = &bench->home;
    struct bench_appender *appender = NULL;
    int r = bench_house_open(home, &bench->error);

    if (r == 0)
        r = bench_appender_open(&appender, home->house.log, home->persons, home->persons_count, BENCH_BATCH);
    if (r == 0)
        r = bench_appender_run(appender, BENCH_MIXED, BENCH_BATCH);
    if (r == 0 && write(fd, "d", 1) == 1)
        while (bench_appender_batch(appender, BENCH_MIXED, BENCH_BATCH) == 0)
            continue;
    _exit(1);
}

static pid_t start_child(struct bench *bench, void (*run)(struct bench *bench, int fd), int *ret_fd)
{
    pid_t parent = getpid(), pid;
    int fds[2];

    if (pipe2(fds, O_CLOEXEC) < 0)
        return -1;
    (void)fflush(NULL);
    pid = fork();
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)close(fds[0]);
        if (getppid() == parent)
            run(bench, fds[1]);
        _exit(1);
    }
    (void)close(fds[1]);
    *ret_fd = fds[0];
    if (pid < 0)
        (void)close(fds[0]);
    return pid;
}

static int kill_one(struct bench *bench, unsigned turn)
{
    const struct timespec life = {.tv_nsec = (LIVES_MS_MIN + turn * LIVES_MS_STEP) * 1000000L};
    char byte;
    ssize_t n;
    int fd;
    pid_t pid = start_child(bench, append_for_ever, &fd);

    if (pid < 0)
        return MR_ESYSTEM;
    n = read(fd, &byte, 1);
    (void)nanosleep(&life, NULL);
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
    (void)close(fd);
    return n == 1 ? 0 : mr_error_set(&bench->error, MR_ESYSTEM, "child", "", "it could not append");
}

/* As if the file had not been read for long. Nobody has it open here. */
static void forget_pages(const struct bench *bench)
{
    static const char *const names[] = {"log", "keys", "index", "views"};
    char path[PATH_MAX];

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        int fd;

        (void)snprintf(path, sizeof path, "%s/store/%s/data.mdb", bench->dir, names[i]);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            continue;
        (void)fdatasync(fd);
        (void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
        (void)close(fd);
    }
}

static int open_after_kills(struct bench *bench)
{
    double most = 0;
    int r = 0;

    bench_say("opening after kill -9, %d times", KILLS);
    for (unsigned i = 0; r == 0 && i < KILLS; i++) {
        struct mr_note_signer signer;
        double began;

        r = kill_one(bench, i);
        if (r < 0)
            break;
        forget_pages(bench);
        began = bench_seconds();
        r = bench_house_open(&bench->home, &bench->error);
        if (r == 0)
            r = mr_log_key_open(&signer, &bench->home.house, &bench->error);
        if (bench_seconds() - began > most)
            most = bench_seconds() - began;
        if (r == 0)
            mr_note_signer_wipe(&signer);
        bench_house_close(&bench->home);
    }
    if (r == 0)
        bench_result_add(
                &bench->results, (struct bench_row){"opening after kill -9, page cache dropped, most", "s",
                                         most, BENCH_AT_MOST, 1});
    return r;
}

/* ---- memory ---- */

/* Anonymous resident memory of this process, KiB; -1: not told. */
static long rss_anon_kib(void)
{
    FILE *file = fopen("/proc/self/status", "re");
    char line[256];
    long kib = -1;

    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, "RssAnon:", 8) == 0)
            kib = strtol(line + 8, NULL, 10);
    if (file)
        (void)fclose(file);
    return kib;
}

struct hub_parts {
    struct mr_matcher *matcher;
    struct mr_writer *writer;
    struct mr_prepare *prepare;
    struct mr_indexer *indexer;
};

static int start_parts(struct bench *bench, struct hub_parts *parts, bool indexing)
{
    struct mr_house *house = &bench->home.house;
    const struct mr_writer_options options = {.log = house->log, .batch_jobs_max = 256};
    int r = mr_matcher_create(&parts->matcher, house->config, house->names, &bench->error);

    if (r == 0)
        r = mr_writer_start(&parts->writer, &options);
    if (r == 0)
        r = mr_prepare_start(&parts->prepare, house, parts->matcher, parts->writer, &bench->error);
    return r < 0 || !indexing ? r : mr_indexer_start(&parts->indexer, house);
}

static void on_done(struct mr_intake *intake)
{
    int *fd = intake->owner;

    (void)!write(*fd, intake->status == 0 ? "d" : "f", 1);
}

/* Through prepare and writer, and waits. Everything an event needs in the hub but its sockets. */
static int publish(
        struct bench *bench, struct hub_parts *parts, struct bench_event *event, uint64_t first, int fds[2])
{
    struct mr_intake *intake = mr_intake_new(INTAKE);
    char byte = 0;
    bool good;

    if (!intake)
        return MR_ENOMEM;
    for (size_t i = 0; i < INTAKE; i++) {
        bench_event_number(event, first + i, 0);
        mr_buf_put_slice(&intake->bytes, mr_buf_slice(&event->bytes));
    }
    for (size_t i = 0; i < INTAKE && !mr_buf_failed(&intake->bytes); i++)
        intake->items[i].event = mr_slice(intake->bytes.data + i * event->bytes.size, event->bytes.size);
    intake->sender = mr_config_system(bench->home.config, "portal");
    intake->system = mr_names_id(bench->home.house.names, MR_NAME_SYSTEM, "portal");
    intake->epoch = 1;
    intake->first_sequence = first;
    intake->done = on_done;
    intake->owner = &fds[1];
    mr_prepare_submit(parts->prepare, intake);
    good = read(fds[0], &byte, 1) == 1 && byte == 'd' && intake->items[0].verdict == MR_VERDICT_STORED;
    mr_intake_free(intake);
    if (parts->indexer)
        mr_indexer_wake(parts->indexer);
    return good ? 0 : MR_EINVAL;
}

/* In the child. The most that it had while it worked, KiB. */
static int work(struct bench *bench, bool indexing, uint64_t first, long *ret_most)
{
    struct hub_parts parts = {NULL};
    struct bench_event event;
    int fds[2];
    int r = bench_house_open(&bench->home, &bench->error);

    if (r == 0)
        r = start_parts(bench, &parts, indexing);
    if (r == 0)
        r = bench_event_init_store(&event, false);
    if (r == 0 && pipe2(fds, O_CLOEXEC) < 0)
        r = MR_ESYSTEM;
    for (uint64_t i = 0; r == 0 && i < MEMORY_INTAKES; i++) {
        long now;

        r = publish(bench, &parts, &event, first + i * INTAKE, fds);
        now = rss_anon_kib();
        *ret_most = now > *ret_most ? now : *ret_most;
    }
    return r;
}

static _Noreturn void tell_memory(struct bench *bench, int fd, bool indexing, uint64_t first)
{
    long most = 0;
    int r = work(bench, indexing, first, &most);

    if (r == 0)
        (void)!write(fd, &most, sizeof most);
    _exit(r == 0 ? 0 : 1);
}

/* The children; numbers of their events that no other event has. */
static void work_caught_up(struct bench *bench, int fd)
{
    tell_memory(bench, fd, true, bench->events * 8 + 1);
}

static void work_behind(struct bench *bench, int fd)
{
    tell_memory(bench, fd, false, bench->events * 8 + 1 + MEMORY_INTAKES * INTAKE);
}

/* Indexes what there is, and appends what is to stay outside of the indexes. */
static int prepare_memory(struct bench *bench, uint64_t behind)
{
    struct bench_house *home = &bench->home;
    struct bench_appender *appender = NULL;
    int r = bench_house_open(home, &bench->error);

    if (r == 0)
        r = mr_indexer_run_once(&home->house, &bench->error);
    if (r == 0 && behind > 0)
        r = bench_appender_open(&appender, home->house.log, home->persons, home->persons_count, BENCH_BATCH);
    if (r == 0 && behind > 0)
        r = bench_appender_run(appender, BENCH_MIXED, behind);
    bench_appender_close(appender);
    bench_house_close(home);
    (void)malloc_trim(0); /* what a child inherits would count as its own */
    return r;
}

static int memory(
        struct bench *bench, void (*run)(struct bench *bench, int fd), uint64_t behind, const char *name)
{
    long kib = 0;
    ssize_t n;
    pid_t pid;
    int fd;
    int r = prepare_memory(bench, behind);

    if (r < 0)
        return r;
    pid = start_child(bench, run, &fd);
    if (pid < 0)
        return MR_ESYSTEM;
    n = read(fd, &kib, sizeof kib);
    (void)waitpid(pid, NULL, 0);
    (void)close(fd);
    if (n != (ssize_t)sizeof kib)
        return mr_error_set(&bench->error, MR_ESYSTEM, "child", "", "the house could not be used in it");
    bench_result_add(&bench->results, (struct bench_row){name, "MiB", (double)kib / 1024, BENCH_AT_MOST, 96});
    return 0;
}

int bench_starting(struct bench *bench)
{
    int r = open_after_kills(bench);

    if (r == 0)
        r = memory(bench, work_caught_up, 0, "anonymous memory of a hub at work");
    if (r == 0) /* with what is published then, just as far behind as it may be */
        r = memory(bench, work_behind,
                bench->home.config->hub.index_lag_max - (uint64_t)MEMORY_INTAKES * INTAKE,
                "  with indexes as far behind as they may be");
    return bench_fail(bench, r, "starting");
}
