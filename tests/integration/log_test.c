/*
 * The log of a real hub, signed, proved, exported and verified: by the tool, and by this file's own reading
 * of the published formats with OpenSSL. One changed byte is found and named; an older log is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/bus_client.h"
#include "tests/support/hub_env.h"
#include "tests/support/spawn.h"
#include "tests/support/tmpdir.h"

enum { FILE_MAX = 1 << 20, HASH = 32, ENTRIES_MAX = 1000 };

struct env {
    struct spawn spawn;
    unsigned published;
    uint64_t epoch;
    char out[FILE_MAX]; /* of the tool run last: both of its streams */
};

static int setup(void **state)
{
    struct env *env = calloc(1, sizeof *env);

    assert_non_null(env);
    spawn_init(&env->spawn, "");
    spawn_start(&env->spawn);
    *state = env;
    return 0;
}

static int teardown(void **state)
{
    struct env *env = *state;

    spawn_fini(&env->spawn);
    free(env);
    return 0;
}

static const char *path_of(struct env *env, const char *name)
{
    return mr_tmpdir_path(env->spawn.dir, name);
}

static size_t read_file(const char *path, void *ret, size_t room)
{
    FILE *file = fopen(path, "rbe");
    size_t size;

    if (!file)
        print_error("%s\n", path);
    assert_non_null(file);
    size = fread(ret, 1, room, file);
    assert_true(size < room);
    (void)fclose(file);
    return size;
}

static void write_file(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wbe");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

/* marshrut -c CONFIG log ARGUMENTS..., up to NULL. Returns its exit code; its output is in env->out. */
static int tool(struct env *env, ...)
{
    const char *argv[16] = {"marshrut", "-c", env->spawn.config, "log"};
    const char *path = path_of(env, "tool.out");
    va_list args;
    size_t n = 4;
    pid_t pid;
    int status;

    va_start(args, env);
    while ((argv[n] = va_arg(args, const char *)) != NULL)
        n++;
    va_end(args);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

        (void)dup2(fd, STDOUT_FILENO);
        (void)dup2(fd, STDERR_FILENO);
        (void)execv(MR_BIN_DIR "/marshrut", (char **)argv);
        _exit(127);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    env->out[read_file(path, env->out, sizeof env->out)] = 0;
    return WEXITSTATUS(status);
}

static void assert_said(const struct env *env, const char *text)
{
    if (!strstr(env->out, text))
        print_error("expected '%s' in: %s\n", text, env->out);
    assert_non_null(strstr(env->out, text));
}

static void publish(struct env *env, unsigned count)
{
    struct bus_client client;
    struct mr_buf event = MR_BUF_INIT;
    char id[32];

    bus_connect_as(&client, &env->spawn, SPAWN_PORTAL);
    (void)bus_hello(&client, ++env->epoch, 0);
    for (unsigned i = 0; i < count; i++) {
        (void)snprintf(id, sizeof id, "p-%u", env->published++);
        mr_buf_reset(&event);
        hub_env_programme(&event, id);
        bus_publish(&client, i + 1, &event, 1);
    }
    for (unsigned through = 0; through < count;)
        through = (unsigned)bus_expect(&client, MARSHRUT__BUS__V1__FRAME__BODY_PUBLISH_ACK)
                          ->publish_ack->through;
    bus_close(&client);
    mr_buf_fini(&event);
}

static bool is_signed(void *ctx)
{
    struct env *env = ctx;
    char size[32];

    (void)snprintf(size, sizeof size, "\n%u\n", env->published);
    return tool(env, "checkpoint", NULL) == 0 && strstr(env->out, size);
}

/* ---- the formats, read independently ---- */

struct reading {
    uint8_t leaves[ENTRIES_MAX][HASH];
    unsigned count;
};

static void sha256(const void *a, size_t a_size, const void *b, size_t b_size, const void *c, size_t c_size,
        uint8_t ret[HASH])
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    assert_true(EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) && EVP_DigestUpdate(ctx, a, a_size) &&
                EVP_DigestUpdate(ctx, b, b_size) && EVP_DigestUpdate(ctx, c, c_size) &&
                EVP_DigestFinal_ex(ctx, ret, NULL));
    EVP_MD_CTX_free(ctx);
}

static void node(const uint8_t *left, const uint8_t *right, uint8_t ret[HASH])
{
    sha256("\001", 1, left, HASH, right, HASH, ret);
}

static void tree_root(const uint8_t (*leaf)[HASH], unsigned n, uint8_t ret[HASH])
{
    uint8_t left[HASH], right[HASH];
    unsigned k = 1;

    if (n == 1) {
        memcpy(ret, leaf[0], HASH);
        return;
    }
    while (2 * k < n)
        k *= 2;
    tree_root(leaf, k, left);
    tree_root(leaf + k, n - k, right);
    node(left, right, ret);
}

static void read_bundle(struct env *env, const char *name, struct reading *reading)
{
    static uint8_t bytes[FILE_MAX];
    size_t size = read_file(path_of(env, name), bytes, sizeof bytes);

    for (size_t at = 0; at < size;) {
        size_t length = (size_t)bytes[at] << 8 | bytes[at + 1];

        assert_true(at + 2 + length <= size && reading->count < ENTRIES_MAX);
        sha256("\0", 1, bytes + at + 2, length, "", 0, reading->leaves[reading->count++]);
        at += 2 + length;
    }
}

static size_t base64(const char *text, size_t size, uint8_t *ret)
{
    int n = EVP_DecodeBlock(ret, (const uint8_t *)text, (int)size);

    assert_true(n > 0);
    return (size_t)n - (text[size - 1] == '=') - (text[size - 2] == '=');
}

/* Root line and Ed25519 signature of a note, with the key as the tool tells it. */
static void check_note(struct env *env, char *note, const uint8_t root[HASH])
{
    char *blank = strstr(note, "\n\n"), *line = strchr(strchr(note, '\n') + 1, '\n') + 1;
    uint8_t bytes[128], key[64];
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY *public_key;
    char *plus;

    assert_int_equal(base64(line, (size_t)(blank - line), bytes), HASH);
    assert_memory_equal(bytes, root, HASH);
    assert_int_equal(tool(env, "key", NULL), 0);
    plus = strrchr(env->out, '\n');
    *plus = 0;
    plus = strchr(strchr(env->out, '+') + 1, '+') + 1;
    assert_int_equal(base64(plus, strlen(plus), key), 33);
    assert_int_equal(key[0], 1);
    public_key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key + 1, 32);
    line = strrchr(blank, ' ') + 1;
    assert_int_equal(base64(line, strlen(line) - 1, bytes), 4 + 64);
    assert_int_equal(EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, public_key), 1);
    assert_int_equal(
            EVP_DigestVerify(ctx, bytes + 4, 64, (const uint8_t *)note, (size_t)(blank - note) + 1), 1);
    EVP_PKEY_free(public_key);
    EVP_MD_CTX_free(ctx);
}

/* The root to which a proof's hashes lead: the definition of RFC 6962 2.1.1, read backwards. */
static void climb(unsigned index, unsigned n, const uint8_t (*path)[HASH], unsigned count,
        const uint8_t leaf[HASH], uint8_t ret[HASH])
{
    unsigned k = 1;

    if (n == 1) {
        assert_int_equal(count, 0);
        memcpy(ret, leaf, HASH);
        return;
    }
    assert_true(count > 0);
    while (2 * k < n)
        k *= 2;
    if (index < k) {
        climb(index, k, path, count - 1, leaf, ret);
        node(ret, path[count - 1], ret);
    } else {
        climb(index - k, n - k, path, count - 1, leaf, ret);
        node(path[count - 1], ret, ret);
    }
}

static void check_proof(struct env *env, unsigned number, unsigned size)
{
    static char text[FILE_MAX];
    uint8_t path[64][HASH + 3], hashes[64][HASH], leaf[HASH], root[HASH], entry[4096];
    size_t entry_size = read_file(path_of(env, "leaf"), entry, sizeof entry);
    unsigned index, count = 0;
    char *line, *end;

    text[read_file(path_of(env, "proof"), text, sizeof text)] = 0;
    assert_int_equal(sscanf(text, "c2sp.org/tlog-proof@v1\nindex %u\n", &index), 1);
    assert_int_equal(index, number - 1);
    line = strchr(strchr(text, '\n') + 1, '\n') + 1;
    for (; *line != '\n'; line = end + 1, count++) {
        end = strchr(line, '\n');
        assert_int_equal(base64(line, (size_t)(end - line), path[count]), HASH);
        memcpy(hashes[count], path[count], HASH);
    }
    sha256("\0", 1, entry, entry_size, "", 0, leaf);
    climb(index, size, hashes, count, leaf, root);
    check_note(env, line + 1, root);
}

/* ---- tests ---- */

static void check_folder(struct env *env, struct reading *reading)
{
    static char note[FILE_MAX];
    uint8_t root[HASH];

    tree_root(reading->leaves, reading->count, root);
    note[read_file(path_of(env, "out/checkpoint"), note, sizeof note)] = 0;
    assert_non_null(strstr(note, "marshrut/24/hub\n"));
    check_note(env, note, root);
}

static void test_signed_proved_exported(void **state)
{
    struct env *env = *state;
    static struct reading first, second;
    const char *out = path_of(env, "out");
    char dir[256];

    (void)snprintf(dir, sizeof dir, "%s", out);
    assert_int_equal(tool(env, "checkpoint", NULL), 66);
    assert_int_equal(tool(env, "prove", "1", NULL), 66);
    publish(env, 300);
    spawn_until("a checkpoint of all", is_signed, env);
    assert_int_equal(
            tool(env, "prove", "7", "--out", path_of(env, "proof"), "--leaf", path_of(env, "leaf"), NULL), 0);
    check_proof(env, 7, 300);
    assert_int_equal(
            tool(env, "verify", "--proof", path_of(env, "proof"), "--leaf", path_of(env, "leaf"), NULL), 0);
    assert_int_equal(tool(env, "prove", "301", NULL), 66);
    assert_int_equal(tool(env, "verify", NULL), 0);
    assert_int_equal(tool(env, "export", dir, NULL), 0);
    read_bundle(env, "out/tile/entries/000", &first);
    read_bundle(env, "out/tile/entries/001.p/44", &first);
    assert_int_equal(first.count, 300);
    check_folder(env, &first);
    assert_int_equal(tool(env, "verify", dir, NULL), 0);
    publish(env, 250);
    spawn_until("a checkpoint of all", is_signed, env);
    assert_int_equal(tool(env, "export", dir, "--json", NULL), 0);
    assert_said(env, "\"before\":300");
    assert_said(env, "\"files\":5"); /* two bundles, two leaf tiles, one tile above */
    read_bundle(env, "out/tile/entries/000", &second);
    read_bundle(env, "out/tile/entries/001", &second);
    read_bundle(env, "out/tile/entries/002.p/38", &second);
    check_folder(env, &second);
    assert_int_equal(tool(env, "verify", dir, NULL), 0);
    spawn_stop(&env->spawn);
    assert_int_equal(tool(env, "verify", NULL), 0); /* without a hub */
    assert_said(env, "550");
}

/* One byte of a file, and back. */
static void tamper(struct env *env, const char *name, size_t at, const char *expected)
{
    static uint8_t bytes[FILE_MAX];
    char dir[256], path[256];
    size_t size;

    (void)snprintf(dir, sizeof dir, "%s", path_of(env, "out"));
    (void)snprintf(path, sizeof path, "%s", path_of(env, name));
    size = read_file(path, bytes, sizeof bytes);
    bytes[at] ^= 1;
    write_file(path, bytes, size);
    assert_int_equal(tool(env, "verify", dir, NULL), 1);
    assert_said(env, expected);
    bytes[at] ^= 1;
    write_file(path, bytes, size);
    assert_int_equal(tool(env, "verify", dir, NULL), 0);
}

/* Flips a bit wherever the text stands in the closed store. */
static void tamper_store(struct env *env, const char *text)
{
    const char *path = path_of(env, "store/log/data.mdb");
    struct stat st;
    char *bytes, *at;
    int flips = 0;

    assert_int_equal(stat(path, &st), 0);
    bytes = malloc((size_t)st.st_size + 1);
    assert_non_null(bytes);
    at = bytes;
    (void)read_file(path, bytes, (size_t)st.st_size + 1);
    while ((at = memmem(at, (size_t)(bytes + st.st_size - at), text, strlen(text)))) {
        *at ^= 1;
        flips++;
    }
    assert_true(flips > 0);
    write_file(path, bytes, (size_t)st.st_size);
    free(bytes);
}

static void test_changed_byte_is_named(void **state)
{
    struct env *env = *state;

    publish(env, 260);
    spawn_until("a checkpoint of all", is_signed, env);
    assert_int_equal(tool(env, "export", path_of(env, "out"), NULL), 0);
    assert_int_equal(
            tool(env, "prove", "5", "--out", path_of(env, "proof"), "--leaf", path_of(env, "leaf"), NULL), 0);
    tamper(env, "out/tile/entries/000", 40, "record 1 is not the one that was hashed into the tree");
    tamper(env, "out/tile/entries/001.p/4", 40, "record 257 is not the one");
    tamper(env, "out/tile/0/000", 33, "record 2 is not the one");
    tamper(env, "out/tile/1/000.p/1", 3, "tile/1/000.p/1: entry 0 of this tile does not follow");
    tamper(env, "out/checkpoint", 16, "the signature of the note does not verify");
    write_file(path_of(env, "leaf"), "x", 1);
    assert_int_equal(
            tool(env, "verify", "--proof", path_of(env, "proof"), "--leaf", path_of(env, "leaf"), NULL), 1);
    assert_said(env, "the path does not lead from this entry to the signed root");
}

static void test_changed_store_is_named(void **state)
{
    struct env *env = *state;

    publish(env, 20);
    spawn_until("a checkpoint of all", is_signed, env);
    spawn_stop(&env->spawn);
    tamper_store(env, "p-11");
    assert_int_equal(tool(env, "verify", NULL), 1);
    assert_said(env, "record 12: CRC does not match");
}

/* A log taken back to before what was signed is refused, and so is one that lost its memory of it. */
static void test_older_log_is_refused(void **state)
{
    struct env *env = *state;
    static uint8_t backup[16 * FILE_MAX];
    size_t size;

    publish(env, 10);
    spawn_until("a checkpoint of all", is_signed, env);
    spawn_stop(&env->spawn);
    size = read_file(path_of(env, "store/log/data.mdb"), backup, sizeof backup);
    spawn_start(&env->spawn);
    publish(env, 5);
    spawn_until("a checkpoint of all", is_signed, env);
    assert_int_equal(tool(env, "checkpoint", NULL), 0);
    spawn_kill(&env->spawn);
    assert_int_equal(unlink(path_of(env, "root/log.checkpoint")), 0);
    assert_int_equal(spawn_start_fails(&env->spawn), 66);
    assert_true(spawn_logged(&env->spawn, "the checkpoint signed last is missing"));
    write_file(path_of(env, "root/log.checkpoint"), env->out, strlen(env->out)); /* the cure */
    assert_int_equal(chmod(path_of(env, "root/log.checkpoint"), 0600), 0);
    spawn_start(&env->spawn);
    spawn_kill(&env->spawn);
    write_file(path_of(env, "store/log/data.mdb"), backup, size);
    assert_int_equal(spawn_start_fails(&env->spawn), 76);
    assert_true(spawn_logged(&env->spawn, "the log has 10 records, but a checkpoint of 15 was signed"));
    assert_int_equal(unlink(path_of(env, "root/log.key")), 0);
    assert_int_equal(spawn_start_fails(&env->spawn), 66);
    assert_true(spawn_logged(&env->spawn, "its key log.key is missing"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(test_signed_proved_exported, setup, teardown),
            cmocka_unit_test_setup_teardown(test_changed_byte_is_named, setup, teardown),
            cmocka_unit_test_setup_teardown(test_changed_store_is_named, setup, teardown),
            cmocka_unit_test_setup_teardown(test_older_log_is_refused, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
