#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <semaphore.h>

#include "hub/watch/pulse.h"
#include "tests/support/tmpdir.h"

/* A commit that does not end until the gate opens. */
struct stuck {
    struct mr_writer_job job;
    sem_t entered, gate, done;
};

static int stuck_fill(struct mr_writer_job *job, struct mr_log_batch *batch)
{
    struct stuck *stuck = MR_CONTAINER(job, struct stuck, job);
    struct mr_record record = {.number = mr_log_batch_head(batch) + 1, .recorded_us = 1};

    sem_post(&stuck->entered);
    sem_wait(&stuck->gate);
    return mr_log_batch_append(batch, &record);
}

static void stuck_done(struct mr_writer_job *job, int status)
{
    struct stuck *stuck = MR_CONTAINER(job, struct stuck, job);

    assert_int_equal(status, 0);
    sem_post(&stuck->done);
}

static bool look(struct mr_pulse *pulse, struct mr_writer *writer)
{
    struct mr_writer_stats stats;

    mr_writer_stats(writer, &stats);
    mr_pulse_look(pulse, &stats);
    return mr_pulse_beats(pulse);
}

/* A real writer in a commit that hangs; an idle one, and one that goes on, beat. */
static void a_hanging_commit_stops_it(void **state)
{
    struct stuck stuck = {.job = {.fill = stuck_fill, .done = stuck_done}};
    struct mr_log_options log = {.dir = mr_tmpdir_new()};
    struct mr_writer_options options = {.batch_jobs_max = 1};
    struct mr_writer *writer;
    struct mr_pulse pulse = {0};

    (void)state;
    sem_init(&stuck.entered, 0, 0);
    sem_init(&stuck.gate, 0, 0);
    sem_init(&stuck.done, 0, 0);
    assert_int_equal(mr_log_open(&options.log, &log, NULL), 0);
    assert_int_equal(mr_writer_start(&writer, &options), 0);
    for (int i = 0; i < 2 * MR_PULSE_LOOKS_MAX; i++)
        assert_true(look(&pulse, writer));

    mr_writer_submit(writer, &stuck.job);
    sem_wait(&stuck.entered);
    for (int i = 1; i < MR_PULSE_LOOKS_MAX; i++)
        assert_true(look(&pulse, writer));
    for (int i = 0; i < 3; i++)
        assert_false(look(&pulse, writer));

    sem_post(&stuck.gate);
    sem_wait(&stuck.done);
    assert_true(look(&pulse, writer));
    mr_writer_stop(writer);
    mr_log_close(options.log);
    mr_tmpdir_free((char *)log.dir);
}

/* Jobs wait for ever for room, and the writer tries again and again: that is no stall. */
static void a_full_disk_does_not(void **state)
{
    struct mr_writer_stats stats = {.waiting = 5, .read_only = true};
    struct mr_pulse pulse = {0};

    (void)state;
    for (int i = 0; i < 3 * MR_PULSE_LOOKS_MAX; i++) {
        stats.attempts++;
        mr_pulse_look(&pulse, &stats);
        assert_true(mr_pulse_beats(&pulse));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(a_hanging_commit_stops_it),
            cmocka_unit_test(a_full_disk_does_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
