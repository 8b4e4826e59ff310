/* marshrut bench store: measures the store in a folder of its own. */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <ftw.h>

#include "hub/sign/log_key.h"
#include "hub/tool/bench.h"
#include "hub/tool/bench_appender.h"
#include "hub/tool/bench_folder.h"

enum {
    EVENTS_DEFAULT = 10000000,
    EVENTS_QUICK = 200000,
    EVENTS_MIN = 1000,
    ROUNDS = 20,
    ROUNDS_QUICK = 7,
    ROUND_EVENTS = 20000,
    LAG_SECONDS = 15,
    LAG_SECONDS_QUICK = 3,
    DISK_A_EVENT = 2000, /* log, indexes, facts, and what is measured beside them */
    DISK_BESIDE = 512 << 20,
    EVENTS_A_PERSON = 100,
    SEGMENT_EVENTS = 1000000, /* the default of hub.segment_events; a tenth of a smaller log */
    WALK_FDS = 8,
};

void bench_say(const char *format, ...)
{
    va_list args;

    if (!isatty(STDERR_FILENO) && !getenv("MR_BENCH_SAY"))
        return;
    va_start(args, format);
    (void)fprintf(stderr, "bench: ");
    (void)vfprintf(stderr, format, args);
    (void)fprintf(stderr, "\n");
    va_end(args);
}

int bench_fail(struct bench *bench, int r, const char *where)
{
    if (r < 0 && bench->error.code == 0)
        (void)mr_error_set(&bench->error, r, where, "", "it could not be measured: %s", mr_err_text(r));
    return r;
}

/* ---- folders ---- */

static _Thread_local uint64_t walked_bytes; /* nftw has no context */

static int add_file(const char *path, const struct stat *st, int type, struct FTW *walk)
{
    (void)path;
    (void)walk;
    if (type == FTW_F)
        walked_bytes += (uint64_t)st->st_blocks * 512;
    return 0;
}

uint64_t bench_disk_bytes(const char *dir)
{
    walked_bytes = 0;
    (void)nftw(dir, add_file, WALK_FDS, FTW_PHYS);
    return walked_bytes;
}

/* Room for all of it before anything is made. */
static int check_space(const struct bench *bench, const char *above, struct mr_error *reterr)
{
    uint64_t need = bench->events * DISK_A_EVENT + DISK_BESIDE;
    struct statvfs vfs;

    if (statvfs(above, &vfs) < 0)
        return mr_error_set(reterr, mr_err_from_errno(errno), above, "give an existing folder: --dir",
                "cannot look at the folder: %s", strerror(errno));
    bench_say("%llu events, up to %.1f GB below %s, some minutes for each 10 million",
            (unsigned long long)bench->events, (double)need / 1e9, above);
    if ((uint64_t)vfs.f_bavail * vfs.f_frsize >= need)
        return 0;
    return mr_error_set(reterr, MR_ENOSPACE, above, "give another folder (--dir) or fewer --events",
            "%.1f GB are needed, %.1f are free", (double)need / 1e9,
            (double)vfs.f_bavail * (double)vfs.f_frsize / 1e9);
}

/* ---- the run ---- */

static int open_home(struct bench *bench)
{
    size_t persons = bench->events / BENCH_SEALED_EVERY / EVENTS_A_PERSON;
    struct mr_note_signer signer;
    uint64_t segment = bench->events / 10 < SEGMENT_EVENTS ? bench->events / 10 : SEGMENT_EVENTS;
    int r = bench_house_init(&bench->home, bench->dir, (uint32_t)segment, &bench->error);

    if (r == 0)
        r = bench_house_open(&bench->home, &bench->error);
    if (r == 0)
        r = bench_house_people(&bench->home, persons > 0 ? persons : 1, &bench->error);
    if (r == 0)
        r = mr_log_key_open(&signer, &bench->home.house, &bench->error);
    if (r == 0)
        mr_note_signer_wipe(&signer);
    return r;
}

static int run_phases(struct bench *bench)
{
    int r = open_home(bench);

    if (r == 0)
        r = bench_appending(bench);
    if (r == 0)
        r = bench_large(bench);
    if (r == 0)
        r = bench_rolling(bench);
    if (r == 0)
        r = bench_reading(bench);
    bench_house_close(&bench->home);
    if (r == 0)
        r = bench_keeping(bench);
    if (r == 0)
        r = bench_starting(bench);
    bench_house_fini(&bench->home);
    return r;
}

static int run_bench(struct tool *tool, struct bench *bench, const char *above)
{
    int r = check_space(bench, above, &bench->error);

    if (r == 0)
        r = bench_folder_make(bench->dir, sizeof bench->dir, above, &bench->error);
    if (r == 0)
        r = run_phases(bench);
    bench_folder_remove(bench->dir);
    if (r < 0)
        return tool_fail(tool, &bench->error);
    bench_result_print(&bench->results, tool, bench->events);
    return 0;
}

int tool_bench_store(struct tool *tool, int argc, char **argv)
{
    static const struct option options[] = {{"dir", required_argument, NULL, 'd'},
            {"events", required_argument, NULL, 'n'}, {"quick", no_argument, NULL, 'q'}, {NULL, 0, NULL, 0}};
    static struct bench bench; /* large */
    const char *above = ".";
    long long events = 0;
    bool quick = false;
    char *end = NULL;
    int option;

    optind = 1;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'd')
            above = optarg;
        else if (option == 'n')
            events = strtoll(optarg, &end, 10);
        else if (option == 'q')
            quick = true;
        else
            return tool_usage(&tool_bench, "unknown option");
    }
    if (optind != argc)
        return tool_usage(&tool_bench, "bench store takes options only");
    if ((end && *end) || (events != 0 && events < EVENTS_MIN))
        return tool_usage(&tool_bench, "--events takes a number from %d on", EVENTS_MIN);
    if (events == 0)
        events = quick ? EVENTS_QUICK : EVENTS_DEFAULT;
    bench = (struct bench){.events = (uint64_t)events,
            .rounds = quick ? ROUNDS_QUICK : ROUNDS,
            .round_events = events < 10 * ROUND_EVENTS ? (uint64_t)events / 10 : ROUND_EVENTS,
            .lag_seconds = quick ? LAG_SECONDS_QUICK : LAG_SECONDS};
    return run_bench(tool, &bench, above);
}
