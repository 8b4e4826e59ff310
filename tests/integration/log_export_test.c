/*
 * marshrut log export at the sizes where tiles begin and end, on a log that is made here: which files there
 * are, that a second export writes only what is new, and that the folder verifies each time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "proto/base/bytes.h"
#include "proto/base/list.h"
#include "store/checkpoint.h"
#include "store/log.h"
#include "tests/support/run_program.h"
#include "tests/support/spawn.h"
#include "tests/support/tmpdir.h"

enum { BATCH = 5000, LEAF_MAX = 48 };

struct env {
    struct spawn spawn; /* never started: the configuration */
    struct mr_log *log;
    struct mr_note_signer signer;
    char out[256];
};

static const uint8_t seed[32] = {9};

static int setup(void **state)
{
    struct env *env = calloc(1, sizeof *env);
    const char *path;
    struct mr_log_options options;

    assert_non_null(env);
    spawn_init(&env->spawn, "");
    (void)mkdir(mr_tmpdir_path(env->spawn.dir, "store"), 0700);
    path = mr_tmpdir_path(env->spawn.dir, "store/log");
    (void)mkdir(path, 0700);
    options = (struct mr_log_options){.dir = path};
    assert_int_equal(mr_log_open(&env->log, &options, NULL), 0);
    assert_int_equal(mr_note_signer_init(&env->signer, "marshrut/24/hub", seed), 0);
    (void)snprintf(env->out, sizeof env->out, "%s", mr_tmpdir_path(env->spawn.dir, "out"));
    *state = env;
    return 0;
}

static int teardown(void **state)
{
    struct env *env = *state;

    mr_log_close(env->log);
    spawn_fini(&env->spawn);
    free(env);
    return 0;
}

static void append(struct env *env, uint64_t through)
{
    struct mr_log_batch *batch;
    char leaf[LEAF_MAX];

    while (mr_log_head(env->log) < through) {
        assert_int_equal(mr_log_batch_begin(env->log, &batch), 0);
        for (unsigned i = 0; i < BATCH && mr_log_batch_head(batch) < through; i++) {
            struct mr_record record = {.number = mr_log_batch_head(batch) + 1, .recorded_us = 1};

            (void)snprintf(leaf, sizeof leaf, "entry %llu", (unsigned long long)record.number);
            record.leaf = mr_slice_str(leaf);
            assert_int_equal(mr_log_batch_append(batch, &record), 0);
        }
        assert_int_equal(mr_log_batch_commit(batch), 0);
    }
}

/* The checkpoint of all, and the key that verifies it, as the hub leaves them. */
static void sign(struct env *env)
{
    uint64_t size = mr_log_head(env->log);
    uint8_t key[8], root[MR_MERKLE_BYTES];
    char vkey[MR_NOTE_KEY_TEXT_MAX];
    struct mr_buf note = MR_BUF_INIT;
    struct mr_log_reader *reader;
    struct mr_log_batch *batch;

    assert_int_equal(mr_log_reader_open(env->log, &reader), 0);
    assert_int_equal(mr_log_tree_root(reader, size, root), 0);
    mr_log_reader_close(reader);
    assert_int_equal(mr_checkpoint_sign(&note, size, root, &env->signer), 0);
    mr_put_be64(key, size);
    assert_int_equal(mr_log_batch_begin(env->log, &batch), 0);
    assert_int_equal(
            mr_log_batch_put(batch, MR_LOG_CHECKPOINT, mr_slice(key, sizeof key), mr_buf_slice(&note)), 0);
    assert_int_equal(mr_log_batch_put(batch, MR_LOG_META, mr_slice_str("vkey"),
                             mr_slice_str(mr_note_key_format(&env->signer.public_key, vkey))),
            0);
    assert_int_equal(mr_log_batch_commit(batch), 0);
    mr_buf_fini(&note);
}

/* Number of files that it says it has written. */
static long long export(struct env *env)
{
    const char *argv[] = {"marshrut", "-c", env->spawn.config, "log", "export", env->out, "--json", NULL};
    struct run_program run = {0};
    const char *at;
    long long files;

    run_program(&run, argv);
    if (run.status != 0)
        print_error("%s\n", run_program_err(&run));
    assert_int_equal(run.status, 0);
    at = strstr(run_program_out(&run), "\"files\":");
    assert_non_null(at);
    files = strtoll(at + strlen("\"files\":"), NULL, 10);
    run_program_fini(&run);
    return files;
}

static void verify(struct env *env)
{
    char key[MR_NOTE_KEY_TEXT_MAX];
    const char *argv[] = {"marshrut", "log", "verify", env->out, "--key",
            mr_note_key_format(&env->signer.public_key, key), NULL};
    struct run_program run = {0};

    run_program(&run, argv);
    if (run.status != 0)
        print_error("%s\n", run_program_err(&run));
    assert_int_equal(run.status, 0);
    run_program_fini(&run);
}

static void assert_file(struct env *env, const char *name, off_t size)
{
    char path[512];
    struct stat st;

    (void)snprintf(path, sizeof path, "%s/%s", env->out, name);
    if (stat(path, &st) < 0)
        fail_msg("%s is missing", name);
    if (size >= 0)
        assert_int_equal(st.st_size, size);
}

static ino_t inode_of(struct env *env, const char *name)
{
    char path[512];
    struct stat st;

    (void)snprintf(path, sizeof path, "%s/%s", env->out, name);
    assert_int_equal(stat(path, &st), 0);
    return st.st_ino;
}

static void test_sizes(void **state)
{
    static const struct {
        uint64_t size;
        long long files; /* that are new: bundles and tiles */
        const char *there[7];
    } steps[] = {
            {255, 2, {"tile/entries/000.p/255", "tile/0/000.p/255"}},
            {256, 3, {"tile/entries/000", "tile/0/000", "tile/1/000.p/1"}},
            {257, 2, {"tile/entries/001.p/1", "tile/0/001.p/1"}},
            {65536, 255 + 255 + 2, {"tile/entries/255", "tile/0/255", "tile/1/000", "tile/2/000.p/1"}},
            {70000, 18 + 18 + 1,
                    {"tile/entries/272", "tile/entries/273.p/112", "tile/0/272", "tile/0/273.p/112",
                            "tile/1/001.p/17"}},
            {70000, 0, {"tile/2/000.p/1"}},
    };
    struct env *env = *state;
    ino_t first = 0;

    for (size_t i = 0; i < MR_COUNT(steps); i++) {
        append(env, steps[i].size);
        sign(env);
        assert_int_equal(export(env), steps[i].files);
        for (size_t j = 0; j < MR_COUNT(steps[i].there) && steps[i].there[j]; j++)
            assert_file(env, steps[i].there[j], -1);
        verify(env);
        if (steps[i].size == 256)
            first = inode_of(env, "tile/0/000");
    }
    assert_int_equal(inode_of(env, "tile/0/000"), first); /* a full tile is never written again */
    assert_file(env, "tile/0/000", 256 * MR_MERKLE_BYTES);
    assert_file(env, "tile/0/273.p/112", 112 * MR_MERKLE_BYTES);
    assert_file(env, "tile/1/001.p/17", 17 * MR_MERKLE_BYTES);
    assert_file(env, "tile/2/000.p/1", MR_MERKLE_BYTES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(test_sizes, setup, teardown)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
