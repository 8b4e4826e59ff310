/*
 * Flipped bits over a closed store: in every file that is kept (log/ with a closed segment, keys/, index/,
 * views/, the root key's slot, log.key, log.checkpoint) single bits and small bursts are flipped, one place
 * at a time, and the store is scrubbed in a child. Held:
 *
 *   - never a signal, whatever was flipped;
 *   - never silence: scrub names something, or LMDB reads all rows exactly as before;
 *   - an owner that opens it, indexes, answers and appends never dies of a signal either;
 *   - isolation: every record that is not named can be read, with the bytes that it had.
 *
 * MR_SEED: which flips; MR_FLIPS: how many in each file.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hub/audit/method.h"
#include "hub/index/indexer.h"
#include "hub/keep/scrub_house.h"
#include "proto/base/bytes.h"
#include "proto/base/crc32c.h"
#include "proto/base/list.h"
#include "store/kv_fatal.h"
#include "store/kv_pages.h"
#include "tests/support/full_store.h"
#include "tests/support/hub_env.h"
#include "tests/support/tmpdir.h"

enum { EVENTS = 240, CLOSED = 100, FLIPS = 120, SMALL_FILE_FLIPS = 40, RECORDS_MAX = 512 };
enum { EXIT_SAME = 10, EXIT_NAMED = 11, EXIT_SILENT = 12, EXIT_LOST = 13, EXIT_UNREADABLE = 14 };

struct file {
    const char *path, *environment; /* NULL: no environment */
};
static const struct file files[] = {
        {"store/log/data.mdb", "log"},
        {"store/log/segments/00000000000000000001-1/data.mdb", "log"},
        {"store/keys/data.mdb", "keys"},
        {"store/index/data.mdb", "index"},
        {"store/views/data.mdb", "views"},
        {"root/root.0", NULL},
        {"root/log.key", NULL},
        {"root/log.checkpoint", NULL},
};
static const char *const environments[] = {
        "log", "log/segments/00000000000000000001-1", "keys", "index", "views"};

struct records {
    uint32_t crc[RECORDS_MAX]; /* of the value under each number; 0: not read */
};

struct scene {
    struct hub_env *env;
    uint64_t head;
    uint32_t rows; /* over all rows that LMDB reads */
    struct records records;
};

/* ---- reading it ---- */

static int add_row(void *ctx, struct mr_slice key, struct mr_slice value)
{
    uint32_t *crc = ctx;

    *crc = mr_crc32c(mr_crc32c(*crc, key.data, key.size), value.data, value.size);
    return 0;
}

static void ignore(void *ctx, const struct mr_kv_damage *damage)
{
    (void)ctx;
    (void)damage;
}

/* The rows of an environment as LMDB gives them; false: it does not. */
static bool read_environment(const char *dir, uint32_t *crc)
{
    const char *names[MR_KV_TABLES_MAX];
    struct mr_kv_options options = {.dir = dir, .tables = names, .read_only = true};
    const struct mr_slice none = {0};
    struct mr_kv_pages *pages;
    struct mr_kv_txn *txn;
    struct mr_kv *kv;
    bool good;

    if (mr_kv_pages_open(&pages, dir, NULL, ignore, NULL, NULL) < 0)
        return false;
    options.tables_count = (uint32_t)mr_kv_pages_tables(pages);
    for (uint32_t i = 0; i < options.tables_count; i++)
        names[i] = mr_kv_pages_table(pages, i);
    good = mr_kv_open(&kv, &options, NULL) == 0;
    if (good) {
        good = mr_kv_begin_read(kv, &txn) == 0;
        for (uint32_t i = 0; good && i < options.tables_count; i++)
            good = mr_kv_rows(txn, i, none, none, add_row, crc) == 0;
        mr_kv_abort(txn);
        mr_kv_close(kv);
    }
    mr_kv_pages_close(pages);
    return good;
}

static bool read_all(const struct hub_env *env, uint32_t *crc)
{
    char name[64];

    for (size_t i = 0; i < MR_COUNT(environments); i++) {
        (void)snprintf(name, sizeof name, "store/%s", environments[i]);
        if (!read_environment(mr_tmpdir_path(env->dir, name), crc))
            return false;
    }
    return true;
}

/* The records that can be read without LMDB, damage or not. */
static void read_records(const struct hub_env *env, struct records *ret)
{
    *ret = (struct records){{0}};
    for (size_t i = 0; i < 2; i++) {
        struct mr_kv_pages_cursor *cursor;
        struct mr_kv_pages *pages;
        struct mr_slice key, value;
        char name[64];

        (void)snprintf(name, sizeof name, "store/%s", environments[i]);
        if (mr_kv_pages_open(&pages, mr_tmpdir_path(env->dir, name), NULL, ignore, NULL, NULL) < 0)
            continue;
        if (mr_kv_pages_cursor_open(&cursor, pages, "records") == 0) {
            while (mr_kv_pages_cursor_next(cursor, &key, &value) == 0) {
                uint64_t number = key.size == 8 ? mr_get_be64(key.data) : 0;

                if (number < RECORDS_MAX)
                    ret->crc[number] = mr_crc32c(0, value.data, value.size) | 1;
            }
            mr_kv_pages_cursor_close(cursor);
        }
        mr_kv_pages_close(pages);
    }
}

/* ---- one flip, in a child ---- */

struct named {
    unsigned count;
    char last[256];
    bool whole; /* of the log as a whole, or of a table without saying which records */
    bool numbers[RECORDS_MAX];
};

static void on_finding(void *ctx, const struct mr_scrub_finding *finding)
{
    struct named *named = ctx;
    uint64_t last = finding->last ? finding->last : RECORDS_MAX - 1;

    named->count++;
    (void)snprintf(named->last, sizeof named->last, "%s/%s: %s (%u to %u)", finding->environment,
            finding->table, finding->what, (unsigned)finding->first, (unsigned)finding->last);
    if (strncmp(finding->environment, "log", 3) != 0)
        return;
    named->whole = named->whole || (finding->table[0] == 0 && !finding->first);
    for (uint64_t n = finding->first; finding->first && n <= last && n < RECORDS_MAX; n++)
        named->numbers[n] = true;
}

static void on_tick(void *ctx, const char *what, uint64_t done, uint64_t total)
{
    (void)what;
    (void)total;
    *(uint64_t *)ctx = done;
}

static int look(const struct scene *scene)
{
    static struct named named;
    static struct records now;
    struct mr_scrub_house result;
    uint64_t told = 0;
    const struct mr_tick tick = {on_tick, &told};
    uint32_t rows = 0;

    if (mr_scrub_house(scene->env->config, on_finding, &named, &tick, &result, NULL) < 0)
        return EXIT_UNREADABLE;
    if (told != result.counts.rows)
        return EXIT_SILENT;
    if (named.count == 0)
        return read_all(scene->env, &rows) && rows == scene->rows ? EXIT_SAME : EXIT_SILENT;
    read_records(scene->env, &now);
    for (uint64_t n = 1; n <= scene->head && !named.whole; n++)
        if (!named.numbers[n] && now.crc[n] != scene->records.crc[n]) {
            (void)fprintf(stderr, "record %u is lost; named last: %s\n", (unsigned)n, named.last);
            return EXIT_LOST;
        }
    return EXIT_NAMED;
}

/* cmocka's own would go on with the next test, in the child. */
static void default_signals(void)
{
    static const int numbers[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};

    for (size_t i = 0; i < MR_COUNT(numbers); i++)
        (void)signal(numbers[i], SIG_DFL);
}

static int look_in_child(const struct scene *scene)
{
    pid_t pid;
    int status;

    (void)fflush(NULL);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)alarm(60);
        default_signals();
        _exit(look(scene));
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (!WIFEXITED(status))
        fail_msg("a child died of signal %d", WTERMSIG(status));
    return WEXITSTATUS(status);
}

static uint32_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

static unsigned number_of_run(const char *name, unsigned otherwise)
{
    const char *text = getenv(name);

    return text ? (unsigned)strtoul(text, NULL, 10) : otherwise;
}

/* A bit, or a burst within four bytes; now and then in the first pages, which everything hangs on. */
static size_t flip(uint8_t *bytes, size_t size, uint64_t *seed, size_t *ret_at)
{
    size_t burst = next_random(seed) % 4 == 0 ? 4 : 1;
    size_t at = next_random(seed) % 5 == 0 ? next_random(seed) % (size < 8192 ? size : 8192) % 200
                                           : next_random(seed) % size;

    if (next_random(seed) % 10 == 0 && size > 8192)
        at += 4096;
    if (at + burst > size)
        at = size - burst;
    for (size_t i = 0; i < burst; i++)
        bytes[at + i] ^= burst == 1 ? (uint8_t)(1 << next_random(seed) % 8) : (uint8_t)next_random(seed);
    *ret_at = at;
    return burst;
}

static void flip_file(const struct scene *scene, const struct file *file, unsigned flips, uint64_t *seed)
{
    const char *path = mr_tmpdir_path(scene->env->dir, file->path);
    unsigned named = 0;
    struct stat st;
    uint8_t *good, *bad;
    int fd = open(path, O_RDWR | O_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &st), 0);
    good = malloc((size_t)st.st_size);
    bad = malloc((size_t)st.st_size);
    assert_int_equal(pread(fd, good, (size_t)st.st_size, 0), st.st_size);
    for (unsigned i = 0; i < flips; i++) {
        size_t at, size;
        int what;

        memcpy(bad, good, (size_t)st.st_size);
        size = flip(bad, (size_t)st.st_size, seed, &at);
        assert_int_equal(pwrite(fd, bad + at, size, (off_t)at), size);
        what = look_in_child(scene);
        if (what != EXIT_SAME && what != EXIT_NAMED)
            fail_msg("%s, %zu bytes at %zu: %s", file->path, size, at,
                    what == EXIT_SILENT ? "not named, but other rows are read"
                    : what == EXIT_LOST ? "a record that is not named cannot be read"
                                        : "scrub could not look");
        named += what == EXIT_NAMED;
        assert_int_equal(pwrite(fd, good + at, size, (off_t)at), size);
    }
    print_message("%s: %u of %u flips named\n", file->path, named, flips);
    assert_true(file->environment ? named > flips / 10 : named == flips);
    free(good);
    free(bad);
    (void)close(fd);
}

static void fill_store(struct scene *scene)
{
    struct hub_env *env = scene->env;

    scene->head = full_store(env, EVENTS, CLOSED);
    assert_true(scene->head >= EVENTS && scene->head < RECORDS_MAX);
    assert_true(read_all(env, &scene->rows));
    read_records(env, &scene->records);
    for (uint64_t n = 1; n <= scene->head; n++)
        assert_int_not_equal(scene->records.crc[n], 0);
    assert_int_equal(look_in_child(scene), EXIT_SAME);
}

static void test_flips_are_named(void **state)
{
    struct scene scene = {.env = *state};
    uint64_t seed = number_of_run("MR_SEED", 1);
    unsigned flips = number_of_run("MR_FLIPS", FLIPS);

    fill_store(&scene);
    for (size_t i = 0; i < MR_COUNT(files); i++)
        flip_file(&scene, &files[i], files[i].environment ? flips : SMALL_FILE_FLIPS, &seed);
    assert_int_equal(look_in_child(&scene), EXIT_SAME);
}

/* ---- an owner on it ---- */

struct copy {
    uint8_t *bytes[MR_COUNT(files)];
    size_t sizes[MR_COUNT(files)];
};

static void load_all(const struct hub_env *env, struct copy *ret)
{
    for (size_t i = 0; i < MR_COUNT(files); i++) {
        int fd = open(mr_tmpdir_path(env->dir, files[i].path), O_RDONLY | O_CLOEXEC);
        struct stat st;

        assert_true(fd >= 0);
        assert_int_equal(fstat(fd, &st), 0);
        ret->sizes[i] = (size_t)st.st_size;
        ret->bytes[i] = malloc(ret->sizes[i]);
        assert_int_equal(pread(fd, ret->bytes[i], ret->sizes[i], 0), st.st_size);
        (void)close(fd);
    }
}

static void put_all(const struct hub_env *env, const struct copy *copy)
{
    for (size_t i = 0; i < MR_COUNT(files); i++) {
        int fd = open(mr_tmpdir_path(env->dir, files[i].path), O_WRONLY | O_TRUNC | O_CLOEXEC);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, copy->bytes[i], copy->sizes[i]), copy->sizes[i]);
        (void)close(fd);
    }
}

static int drop(void *ctx, json_t *document)
{
    (void)ctx;
    json_decref(document);
    return 0;
}

/* What a hub does with it: opens, indexes, answers, appends, closes. Every failure has words. */
static void own(const struct hub_env *env)
{
    static const char *const methods[] = {"balance", "log.count"};
    struct mr_error error = {0};
    struct mr_house house;
    struct mr_log_batch *batch;
    int r = mr_house_open(&house, env->config, false, &error);

    if (r < 0)
        _exit(error.what[0] ? 0 : EXIT_SILENT);
    (void)mr_indexer_run_once(&house, NULL);
    for (size_t i = 0; i < MR_COUNT(methods); i++) {
        json_t *arguments = json_pack("{s:s}", "by", "type");
        struct mr_method_call call = {&house, arguments, "", false};

        (void)mr_method_find(methods[i])->read(&call, drop, NULL, NULL);
        json_decref(arguments);
    }
    if (mr_log_batch_begin(house.log, &batch) == 0) {
        struct mr_record record = {.number = mr_log_batch_head(batch) + 1,
                .recorded_us = mr_log_batch_recorded_us(batch),
                .leaf = mr_slice_str("a leaf")};

        (void)mr_log_batch_append(batch, &record);
        (void)mr_log_batch_commit(batch);
    }
    mr_house_close(&house);
    _exit(0);
}

static void own_in_child(const struct hub_env *env, const char *file, size_t at)
{
    int status;
    pid_t pid;

    (void)fflush(NULL);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)alarm(60);
        default_signals();
        mr_kv_fatal_install();
        (void)dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO);
        own(env);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (!WIFEXITED(status))
        fail_msg("%s at %zu: an owner died of signal %d", file, at, WTERMSIG(status));
    if (WEXITSTATUS(status) != 0 && WEXITSTATUS(status) != 76)
        fail_msg("%s at %zu: an owner ended with %d", file, at, WEXITSTATUS(status));
}

static void test_an_owner_never_dies_of_it(void **state)
{
    struct scene scene = {.env = *state};
    struct hub_env *env = scene.env;
    uint64_t seed = number_of_run("MR_SEED", 1) + 77;
    unsigned flips = number_of_run("MR_FLIPS", FLIPS) / 2;
    static struct copy good;

    fill_store(&scene);
    load_all(env, &good);
    for (size_t i = 0; i < MR_COUNT(files); i++) {
        for (unsigned n = 0; n < flips; n++) {
            struct copy bad = good;
            size_t at;

            bad.bytes[i] = malloc(good.sizes[i]);
            memcpy(bad.bytes[i], good.bytes[i], good.sizes[i]);
            (void)flip(bad.bytes[i], bad.sizes[i], &seed, &at);
            put_all(env, &bad);
            own_in_child(env, files[i].path, at);
            free(bad.bytes[i]);
        }
    }
    put_all(env, &good);
    assert_int_equal(look_in_child(&scene), EXIT_SAME);
    for (size_t i = 0; i < MR_COUNT(files); i++)
        free(good.bytes[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(test_flips_are_named, hub_env_setup, hub_env_teardown),
            cmocka_unit_test_setup_teardown(test_an_owner_never_dies_of_it, hub_env_setup, hub_env_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
