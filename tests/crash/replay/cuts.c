#include "tests/crash/replay/cuts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adapters/sdk/file.h"
#include "tests/support/tmpdir.h"

enum { SHOWN_MAX = 12 };

char *cuts_folder(void)
{
    char *before = getenv("TMPDIR") ? strdup(getenv("TMPDIR")) : NULL, *dir;

    if (access("/dev/shm", W_OK) == 0)
        (void)setenv("TMPDIR", "/dev/shm", 1);
    dir = mr_tmpdir_new();
    if (before)
        (void)setenv("TMPDIR", before, 1);
    else
        (void)unsetenv("TMPDIR");
    free(before);
    return dir;
}

void cuts_copy_config(const struct scene *scene, const char *dir)
{
    struct mr_buf text = MR_BUF_INIT;
    FILE *file = fopen(mr_tmpdir_path(dir, "marshrut.yaml"), "we");

    assert_int_equal(mr_file_read(scene->history->hub.config, 1 << 20, &text), 0);
    assert_non_null(file);
    assert_int_equal(fwrite(text.data, 1, text.size, file), text.size);
    assert_int_equal(fclose(file), 0);
    mr_buf_fini(&text);
}

static void finish(struct cuts *cuts)
{
    struct cut cut = cuts->open[0];
    char problem[REOPENED_PROBLEM_MAX];

    cuts->open_count--;
    memmove(cuts->open, cuts->open + 1, cuts->open_count * sizeof cut);
    cuts->done++;
    if (reopened_end(&cut.run, problem)) {
        mr_tmpdir_free(cut.dir);
        return;
    }
    if (cuts->bad++ < SHOWN_MAX && !cuts->quiet)
        print_message("after %llu entries, choice %d, seed %llu (MR_SEED=%llu): %s; opened in %s\n",
                (unsigned long long)cut.at, (int)cut.choice, (unsigned long long)cut.seed,
                (unsigned long long)cuts->scene->seed, problem, cut.dir);
    if (cuts->bad == 1 && !cuts->quiet)
        free(cut.dir);
    else
        mr_tmpdir_free(cut.dir);
}

static void cut_here(struct cuts *cuts, const struct disk *disk, uint64_t at, uint64_t seed)
{
    struct cut *cut;

    if (cuts->open_count == CUTS_AT_ONCE)
        finish(cuts);
    cut = &cuts->open[cuts->open_count++];
    *cut = (struct cut){.at = at, .choice = seed % DISK_CHOICES, .seed = seed, .dir = cuts_folder()};
    disk_make(disk, cut->choice, seed, cut->dir);
    cuts_copy_config(cuts->scene, cut->dir);
    reopened_begin(&cut->run, &cuts->reopened, cut->dir, at);
}

void cuts_make(struct cuts *cuts, uint64_t from, uint64_t to, uint64_t count)
{
    const struct trace *trace = &cuts->scene->history->trace;
    struct disk *disk = disk_new(cuts->scene->history->hub.dir);
    uint64_t at = 0, random = cuts->scene->seed ^ count;
    const struct trace_entry *entry = trace_first(trace);

    reopened_init(&cuts->reopened, cuts->scene->history);
    cuts->reopened.finish = cuts->finish;
    cuts->reopened.finish_ctx = cuts->finish_ctx;
    assert_true(to <= trace_now(trace));
    for (uint64_t made = 0; made < count; made++) {
        uint64_t next = from + made * (to - from) / count + disk_random(&random) % ((to - from) / count + 1);

        for (; entry && at < next; entry = trace_next(trace, entry))
            disk_add(disk, at++, entry);
        cut_here(cuts, disk, at, disk_random(&random));
    }
    while (cuts->open_count > 0)
        finish(cuts);
    disk_free(disk);
}

void cuts_expect_good(const struct cuts *cuts)
{
    print_message("%llu cuts of %llu entries, %zu signed checkpoints, %llu bad\n",
            (unsigned long long)cuts->done, (unsigned long long)trace_now(&cuts->scene->history->trace),
            cuts->reopened.notes_count, (unsigned long long)cuts->bad);
    if (cuts->bad > 0)
        fail_msg("%llu of %llu moments", (unsigned long long)cuts->bad, (unsigned long long)cuts->done);
}
