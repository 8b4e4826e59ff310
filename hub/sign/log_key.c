#include "hub/sign/log_key.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/base/buf.h"

enum { FILE_BYTES_MAX = MR_NOTE_BYTES_MAX };

static const char KEY_FILE[] = "log.key", SIGNED_FILE[] = "log.checkpoint", VKEY[] = "vkey";

/* ---- the name ---- */

int mr_log_origin(
        const struct mr_config *config, char out[static MR_NOTE_NAME_BYTES_MAX + 1], struct mr_error *reterr)
{
    const char *source = config->hub.source;
    const char *colon = strchr(source, ':');
    const char *from = colon ? colon + 1 : source;
    size_t size = 0;

    from += strspn(from, "/");
    for (; from[size] && size < MR_NOTE_NAME_BYTES_MAX; size++)
        out[size] = from[size] == ':' ? '/' : from[size] == '+' ? '-' : from[size];
    while (size > 0 && out[size - 1] == '/')
        size--;
    out[size] = 0;
    if (mr_note_name_valid(out))
        return 0;
    return mr_error_set(
            reterr, MR_ECONFIG, "hub.source", "such as urn:marshrut:24:hub", "it gives the log no name");
}

/* ---- files ---- */

static int path_of(
        const struct mr_config *config, const char *name, char ret[static PATH_MAX], struct mr_error *reterr)
{
    int n = snprintf(ret, PATH_MAX, "%s/%s", config->hub.root_key, name);

    if (n > 0 && n < PATH_MAX)
        return 0;
    return mr_error_set(reterr, MR_ECONFIG, "hub.root_key", "use a shorter path", "the path is too long");
}

static int file_error(struct mr_error *reterr, const char *path, const char *what)
{
    int saved = errno;

    return mr_error_set(reterr, mr_err_from_errno(saved), path, "check the folder, its owner and its device",
            "%s: %s", what, strerror(saved));
}

/* MR_ENOTFOUND without a message: the caller knows what that means. */
static int read_file(
        const struct mr_config *config, const char *name, struct mr_buf *ret, struct mr_error *reterr)
{
    char path[PATH_MAX];
    struct stat st;
    ssize_t n = 0;
    int r = path_of(config, name, path, reterr);
    int fd = r < 0 ? -1 : open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

    if (r < 0)
        return r;
    if (fd < 0)
        return errno == ENOENT ? MR_ENOTFOUND : file_error(reterr, path, "cannot be opened");
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > FILE_BYTES_MAX)
        r = mr_error_set(reterr, MR_ECORRUPT, path, "restore it from a backup", "not a file of ours");
    else if (st.st_mode & (S_IRWXG | S_IRWXO))
        r = mr_error_set(reterr, MR_EDENIED, path, "chmod 0600", "others may read or write it");
    while (r == 0) {
        uint8_t *at = mr_buf_reserve(ret, 4096);

        if (!at)
            r = MR_ENOMEM;
        else if ((n = read(fd, at, 4096)) <= 0)
            break;
        else
            ret->size += (size_t)n;
    }
    if (r == 0 && n < 0)
        r = file_error(reterr, path, "cannot be read");
    close(fd);
    return r;
}

static int write_all(int fd, struct mr_slice bytes)
{
    while (bytes.size > 0) {
        ssize_t n = write(fd, bytes.data, bytes.size);

        if (n < 0 && errno != EINTR)
            return -1;
        if (n > 0)
            bytes = mr_slice(bytes.data + n, bytes.size - (size_t)n);
    }
    return fsync(fd);
}

static int sync_folder(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int r = fd < 0 ? -1 : fsync(fd);

    if (fd >= 0)
        close(fd);
    return r;
}

/* Written beside it, synced, renamed: there is always a whole file. */
static int write_file(
        const struct mr_config *config, const char *name, struct mr_slice bytes, struct mr_error *reterr)
{
    char path[PATH_MAX], beside[PATH_MAX];
    int fd, r = path_of(config, name, path, reterr);

    if (r < 0)
        return r;
    if (snprintf(beside, sizeof beside, "%s.new", path) >= PATH_MAX)
        return mr_error_set(reterr, MR_ECONFIG, "hub.root_key", "use a shorter path", "the path is too long");
    fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return file_error(reterr, beside, "cannot be made");
    if (write_all(fd, bytes) < 0)
        r = file_error(reterr, beside, "cannot be written");
    close(fd);
    if (r == 0 && (rename(beside, path) < 0 || sync_folder(config->hub.root_key) < 0))
        r = file_error(reterr, path, "cannot be replaced");
    return r;
}

int mr_log_signed_write(const struct mr_config *config, struct mr_slice note, struct mr_error *reterr)
{
    return write_file(config, SIGNED_FILE, note, reterr);
}

/* ---- the key ---- */

static int make_key(struct mr_note_signer *ret, const struct mr_config *config, const char *origin,
        struct mr_error *reterr)
{
    uint8_t seed[MR_NOTE_KEY_BYTES];
    char text[MR_NOTE_KEY_TEXT_MAX];
    struct mr_buf line = MR_BUF_INIT;
    int r;

    randombytes_buf(seed, sizeof seed);
    r = mr_note_signer_init(ret, origin, seed);
    mr_buf_printf(&line, "%s\n", mr_note_signer_format(ret, text));
    if (r == 0)
        r = mr_buf_failed(&line) ? MR_ENOMEM : write_file(config, KEY_FILE, mr_buf_slice(&line), reterr);
    sodium_memzero(seed, sizeof seed);
    sodium_memzero(text, sizeof text);
    mr_buf_wipe(&line);
    return r;
}

static int parse_key(
        struct mr_note_signer *ret, struct mr_slice line, const char *origin, struct mr_error *reterr)
{
    int r;

    if (line.size > 0 && line.data[line.size - 1] == '\n')
        line.size--;
    r = mr_note_signer_parse(ret, line, reterr);
    if (r < 0)
        mr_error_within(reterr, KEY_FILE);
    else if (strcmp(ret->public_key.name, origin) != 0)
        r = mr_error_set(reterr, MR_ECONFIG, "hub.source",
                "set hub.source as it was: the log's name is in every proof that was given",
                "the log's key is of %.100s, hub.source says %.100s", ret->public_key.name, origin);
    return r;
}

/* A new key only for a log that was never signed. */
static int open_key(
        struct mr_note_signer *ret, const struct mr_config *config, bool was_signed, struct mr_error *reterr)
{
    char origin[MR_NOTE_NAME_BYTES_MAX + 1];
    struct mr_buf line = MR_BUF_INIT;
    int r = mr_log_origin(config, origin, reterr);

    if (r < 0)
        return r;
    r = read_file(config, KEY_FILE, &line, reterr);
    if (r == 0)
        r = parse_key(ret, mr_buf_slice(&line), origin, reterr);
    else if (r == MR_ENOTFOUND && !was_signed)
        r = make_key(ret, config, origin, reterr);
    else if (r == MR_ENOTFOUND)
        r = mr_error_set(reterr, r, config->hub.root_key, "restore log.key from a backup",
                "the log was signed, but its key log.key is missing");
    mr_buf_wipe(&line);
    return r;
}

/* ---- the log against what was signed ---- */

static int check_tree(
        struct mr_log_reader *reader, const struct mr_checkpoint *checkpoint, struct mr_error *reterr)
{
    uint64_t head = mr_log_reader_head(reader);
    uint8_t root[MR_MERKLE_BYTES];
    int r;

    if (checkpoint->size > head)
        return mr_error_set(reterr, MR_ECORRUPT, "log/",
                "restore a backup of log/ that is not older than log.checkpoint; a shorter log would "
                "contradict proofs already given",
                "the log has %llu records, but a checkpoint of %llu was signed", (unsigned long long)head,
                (unsigned long long)checkpoint->size);
    r = mr_log_tree_root(reader, checkpoint->size, root);
    if (r == 0 && memcmp(root, checkpoint->root, sizeof root) != 0)
        r = mr_error_set(reterr, MR_ECORRUPT, "log/", "restore the log/ that belongs to log.checkpoint",
                "its first %llu records are not those that were signed",
                (unsigned long long)checkpoint->size);
    return r;
}

/* The newest checkpoint that the log tells (may be empty) and the one signed last (NULL: no such file). */
static int check_signed(struct mr_log_reader *reader, const struct mr_note_key *key, struct mr_slice told,
        const struct mr_slice *last, struct mr_error *reterr)
{
    struct mr_checkpoint checkpoint;
    int r = 0;

    if (told.size > 0)
        r = mr_checkpoint_open(&checkpoint, told, key, reterr);
    if (r < 0)
        return mr_error_set(reterr, MR_ECORRUPT, "log table cp", "restore the log.key that belongs to log/",
                "the log's checkpoint is not signed by this key");
    if (last) {
        r = mr_checkpoint_open(&checkpoint, *last, key, reterr);
        if (r < 0)
            return mr_error_set(reterr, MR_ECORRUPT, "log.checkpoint",
                    "restore it beside log.key; if it is lost and log/ is the newest one: marshrut log "
                    "checkpoint > it",
                    "it is damaged, or not signed by log.key");
        return check_tree(reader, &checkpoint, reterr);
    }
    if (told.size == 0)
        return 0;
    return mr_error_set(reterr, MR_ENOTFOUND, "log.checkpoint",
            "restore it beside log.key; if it is lost and log/ is the newest one: marshrut log checkpoint > "
            "it",
            "the log was signed, but the checkpoint signed last is missing");
}

/* The public half stands in the log, for tools that may not read the secret one. */
static int tell_key(struct mr_log *log, const struct mr_note_key *key)
{
    char text[MR_NOTE_KEY_TEXT_MAX];
    struct mr_slice old = {0};
    struct mr_log_batch *batch;
    int r = mr_log_batch_begin(log, &batch);

    if (r < 0)
        return r;
    (void)mr_note_key_format(key, text);
    r = mr_log_batch_get(batch, MR_LOG_META, mr_slice_str(VKEY), &old);
    if (r == 0 && mr_slice_equal(old, mr_slice_str(text))) {
        mr_log_batch_abort(batch);
        return 0;
    }
    (void)mr_log_batch_put(batch, MR_LOG_META, mr_slice_str(VKEY), mr_slice_str(text)); /* sticky */
    return mr_log_batch_commit(batch);
}

static int open_checked(struct mr_note_signer *ret, struct mr_house *house, struct mr_log_reader *reader,
        struct mr_error *reterr)
{
    struct mr_buf last = MR_BUF_INIT;
    struct mr_slice told = {0}, note;
    uint64_t size;
    int found, r = mr_log_checkpoint(reader, &size, &told);

    if (r < 0 && r != MR_ENOTFOUND)
        return mr_error_set(reterr, r, "log table cp", "", "cannot be read");
    found = read_file(house->config, SIGNED_FILE, &last, reterr);
    r = found == MR_ENOTFOUND ? 0 : found;
    note = mr_buf_slice(&last);
    if (r == 0)
        r = open_key(ret, house->config, told.size > 0 || found == 0, reterr);
    if (r == 0)
        r = check_signed(reader, &ret->public_key, told, found == 0 ? &note : NULL, reterr);
    mr_buf_fini(&last);
    return r;
}

int mr_log_key_open(struct mr_note_signer *ret, struct mr_house *house, struct mr_error *reterr)
{
    struct mr_log_reader *reader;
    int r = mr_log_reader_open(house->log, &reader);

    if (r < 0)
        return mr_error_set(reterr, r, "log", "", "cannot read: %s", mr_err_text(r));
    r = open_checked(ret, house, reader, reterr);
    mr_log_reader_close(reader);
    if (r == 0 && (r = tell_key(house->log, &ret->public_key)) < 0)
        mr_error_set(reterr, r, "log table META", "", "cannot tell the log's key: %s", mr_err_text(r));
    if (r < 0)
        mr_note_signer_wipe(ret);
    return r;
}

static int check_files(const struct mr_config *config, struct mr_log_reader *reader,
        const struct mr_note_key *told_key, struct mr_error *reterr)
{
    struct mr_buf last = MR_BUF_INIT;
    struct mr_note_signer signer = {0};
    struct mr_slice told = {0}, note;
    uint64_t size;
    int found, r = mr_log_checkpoint(reader, &size, &told);

    if (r < 0 && r != MR_ENOTFOUND)
        return mr_error_set(reterr, r, "log table cp", "", "cannot be read");
    r = open_key(&signer, config, true, reterr);
    if (r == 0 && memcmp(signer.public_key.key, told_key->key, sizeof told_key->key) != 0)
        r = mr_error_set(reterr, MR_ECORRUPT, KEY_FILE, "restore the log.key that belongs to log/",
                "the log tells another key");
    found = r == 0 ? read_file(config, SIGNED_FILE, &last, reterr) : 0;
    if (r == 0 && found < 0 && found != MR_ENOTFOUND)
        r = found;
    note = mr_buf_slice(&last);
    if (r == 0)
        r = check_signed(reader, told_key, told, found == 0 ? &note : NULL, reterr);
    mr_note_signer_wipe(&signer);
    mr_buf_fini(&last);
    return r;
}

int mr_log_key_check(const struct mr_config *config, struct mr_log *log, struct mr_error *reterr)
{
    struct mr_log_reader *reader;
    struct mr_note_key key = {0};
    int r = mr_log_key_public(&key, log, NULL);

    if (r == MR_ENOTFOUND) /* no hub ran on it yet */
        return 0;
    if (r == 0)
        r = mr_log_reader_open(log, &reader);
    if (r < 0)
        return mr_error_set(reterr, r, "log table meta", "", "cannot be read: %s", mr_err_text(r));
    r = check_files(config, reader, &key, reterr);
    mr_log_reader_close(reader);
    return r;
}

int mr_log_key_public(struct mr_note_key *ret, struct mr_log *log, struct mr_error *reterr)
{
    struct mr_log_reader *reader;
    struct mr_slice text;
    int r = mr_log_reader_open(log, &reader);

    if (r < 0)
        return mr_error_set(reterr, r, "log", "", "cannot read: %s", mr_err_text(r));
    r = mr_log_row(reader, MR_LOG_META, mr_slice_str(VKEY), &text);
    if (r == 0)
        r = mr_note_key_parse(ret, text, reterr);
    else
        mr_error_set(reterr, r, "log", "start the hub once: it makes the key", "the log has no key yet");
    mr_log_reader_close(reader);
    return r;
}
