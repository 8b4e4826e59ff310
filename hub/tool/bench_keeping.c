/* What keeping costs on the large log: scrubbing all of it, and commits while a backup is made of it. */
#include <stdio.h>
#include <stdlib.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hub/keep/backup.h"
#include "hub/keep/scrub_house.h"
#include "hub/tool/bench.h"
#include "hub/tool/bench_appender.h"

enum { COMMIT = 100, SAMPLES_MAX = 1 << 20, ALONE_PART = 5 };

/* ---- scrubbing ---- */

static void on_finding(void *ctx, const struct mr_scrub_finding *finding)
{
    (void)finding;
    ++*(unsigned *)ctx;
}

static int scrub_all(struct bench *bench)
{
    struct mr_scrub_house house;
    unsigned findings = 0;
    double began = bench_seconds(), took;
    int r;

    bench_say("scrubbing");
    r = mr_scrub_house(bench->home.config, on_finding, &findings, NULL, &house, &bench->error);
    took = bench_seconds() - began;
    if (r == 0 && findings > 0)
        r = mr_error_set(&bench->error, MR_ECORRUPT, bench->dir, "", "the scrub found damage");
    if (r == 0)
        bench_result_add(&bench->results, (struct bench_row){"scrub of all that is stored", "events/s",
                                                  (double)house.counts.records / took, BENCH_SHOWN, 0});
    return r;
}

/* ---- commits ---- */

struct samples {
    double *seconds; /* SAMPLES_MAX */
    size_t count;
};

static int one_commit(struct bench_appender *appender, struct samples *samples)
{
    double began = bench_seconds();
    int r = bench_appender_batch(appender, BENCH_OPEN, COMMIT);

    if (r == 0)
        r = bench_appender_wait(appender);
    if (r == 0 && samples->count < SAMPLES_MAX)
        samples->seconds[samples->count++] = bench_seconds() - began;
    return r;
}

static void report(struct bench *bench, struct samples *samples, const char *median, const char *p99)
{
    double *s = samples->seconds;

    bench_result_add(&bench->results,
            (struct bench_row){median, "ms", 1e3 * bench_quantile(s, samples->count, 0.5), BENCH_SHOWN, 0});
    bench_result_add(&bench->results,
            (struct bench_row){p99, "ms", 1e3 * bench_quantile(s, samples->count, 0.99), BENCH_SHOWN, 0});
    samples->count = 0;
}

static int commits_alone(struct bench *bench, struct bench_appender *appender, struct samples *samples)
{
    double until = bench_seconds() + bench->lag_seconds / ALONE_PART;
    int r = 0;

    while (r == 0 && (samples->count == 0 || bench_seconds() < until))
        r = one_commit(appender, samples);
    if (r == 0)
        report(bench, samples, "commit of 100 open events, median", "commit of 100 open events, p99");
    return r;
}

/* ---- a backup beside, by a process of its own as `marshrut backup` is ---- */

struct child {
    pid_t pid;
    int start; /* a byte, or the end, of this pipe */
};

/* In the child: forked before anything of the store is open here. */
static _Noreturn void back_up(struct bench *bench, int start)
{
    struct mr_backup backup;
    unsigned findings = 0;
    char dir[PATH_MAX], byte;

    (void)snprintf(dir, sizeof dir, "%s/backup", bench->dir);
    _exit(read(start, &byte, 1) == 1 && mr_backup_make(bench->home.config, dir, &backup, on_finding,
                                                &findings, NULL, &bench->error) == 0
                    ? 0
                    : 1);
}

static int start_child(struct bench *bench, struct child *ret)
{
    pid_t parent = getpid();
    int fds[2];

    if (pipe(fds) < 0)
        return MR_ESYSTEM;
    (void)fflush(NULL);
    ret->pid = fork();
    if (ret->pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)close(fds[1]);
        if (getppid() == parent)
            back_up(bench, fds[0]);
        _exit(1);
    }
    (void)close(fds[0]);
    ret->start = fds[1];
    return ret->pid < 0 ? MR_ESYSTEM : 0;
}

/* How it ended: 0, MR_EAGAIN: not yet, or a failure. */
static int ended(struct child *child, int options)
{
    int status = 0;
    pid_t pid = waitpid(child->pid, &status, options);

    if (pid == 0)
        return MR_EAGAIN;
    child->pid = 0;
    return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : MR_ESYSTEM;
}

static int commits_beside(
        struct bench *bench, struct bench_appender *appender, struct samples *samples, struct child *child)
{
    double began = bench_seconds();
    int r = write(child->start, "s", 1) == 1 ? 0 : MR_ESYSTEM, end = MR_EAGAIN;

    while (r == 0 && end == MR_EAGAIN) {
        r = one_commit(appender, samples);
        end = ended(child, WNOHANG);
    }
    if (r == 0 && end < 0)
        r = mr_error_set(&bench->error, end, bench->dir, "", "the backup failed");
    if (r < 0)
        return r;
    bench_result_add(&bench->results,
            (struct bench_row){"backup, made and read back", "s", bench_seconds() - began, BENCH_SHOWN, 0});
    report(bench, samples, "the same while a backup is made, median", "the same while a backup is made, p99");
    return 0;
}

static int measure(struct bench *bench, struct samples *samples, struct child *child)
{
    struct bench_appender *appender = NULL;
    int r = bench_house_open(&bench->home, &bench->error);

    bench_say("commits alone, and while a backup is made");
    if (r == 0)
        r = bench_appender_open(&appender, bench->home.house.log, NULL, 0, COMMIT);
    if (r == 0)
        r = commits_alone(bench, appender, samples);
    if (r == 0)
        r = commits_beside(bench, appender, samples, child);
    bench_appender_close(appender);
    bench_house_close(&bench->home);
    return r;
}

static int back_up_beside(struct bench *bench)
{
    struct samples samples = {.seconds = calloc(SAMPLES_MAX, sizeof *samples.seconds)};
    struct child child = {0};
    int r = samples.seconds ? start_child(bench, &child) : MR_ENOMEM;

    if (r == 0)
        r = measure(bench, &samples, &child);
    if (child.start > 0)
        (void)close(child.start); /* it ends, if it has not begun */
    if (child.pid > 0)
        (void)ended(&child, 0);
    free(samples.seconds);
    return r;
}

int bench_keeping(struct bench *bench)
{
    int r = scrub_all(bench);

    return r < 0 ? r : back_up_beside(bench);
}
