/* Files of closed segments: names, the ones that are open, and the removal of what nothing leads to. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/fault.h"
#include "store/kv_pages.h"
#include "store/log_internal.h"

enum { IDLE_MAX = 4 }; /* segments kept open that nobody reads */

static const char RESTORE[] = "restore the folder from a backup";

const char *const mr_log_file_tables[LOG_FILE_TABLES] = {
        [LOG_FILE_RECORDS] = "records", [LOG_FILE_META] = "meta"};

/* ---- names ---- */

int mr_log_file_path(const struct mr_log *log, const char *name, char ret[static LOG_PATH_MAX])
{
    int n = snprintf(
            ret, LOG_PATH_MAX, "%s/segments%s%s", mr_kv_dir(log->kv), name ? "/" : "", name ? name : "");

    return n > 0 && n < LOG_PATH_MAX ? 0 : MR_ETOOBIG;
}

char *mr_log_file_name(uint64_t first, uint32_t generation, char ret[static LOG_FILE_NAME_MAX])
{
    (void)snprintf(ret, LOG_FILE_NAME_MAX, "%020" PRIu64 "-%" PRIu32, first, generation);
    return ret;
}

/* ---- the open ones ---- */

int mr_log_file_identity(const struct mr_log *log, const struct mr_log_segment *segment,
        uint8_t ret[static LOG_FILE_IDENTITY_BYTES])
{
    enum { AT_LAST = 8, AT_GENERATION = 16, AT_ID = 20, ID_BYTES = 16 };
    struct mr_slice id;
    struct mr_kv_txn *txn;
    int r = mr_kv_begin_read(log->kv, &txn);

    if (r < 0)
        return r;
    mr_put_be64(ret, segment->first);
    mr_put_be64(ret + AT_LAST, segment->last);
    mr_put_be32(ret + AT_GENERATION, segment->generation);
    r = mr_kv_get(txn, MR_LOG_META, mr_slice_str("id"), &id);
    if (r == 0 && id.size != ID_BYTES)
        r = MR_ECORRUPT;
    if (r == 0)
        memcpy(ret + AT_ID, id.data, ID_BYTES);
    mr_kv_abort(txn);
    return r;
}

/* Is the file what its name says, of this log? */
static int check_identity(
        struct mr_log *log, struct mr_kv *kv, const struct mr_log_segment *segment, struct mr_error *reterr)
{
    uint8_t want[LOG_FILE_IDENTITY_BYTES];
    struct mr_slice have;
    struct mr_kv_txn *txn;
    int r = mr_log_file_identity(log, segment, want);

    if (r == 0)
        r = mr_kv_begin_read(kv, &txn);
    if (r < 0)
        return r;
    r = mr_kv_get(txn, LOG_FILE_META, mr_slice_str(LOG_FILE_IDENTITY), &have);
    if (r == MR_ENOTFOUND || (r == 0 && !mr_slice_equal(have, mr_slice(want, sizeof want))))
        r = mr_error_set(
                reterr, MR_ECORRUPT, mr_kv_dir(kv), RESTORE, "it is another segment, or of another log");
    mr_kv_abort(txn);
    return r;
}

static int missing(const char *path, struct mr_error *reterr, int code)
{
    return mr_error_set(reterr, code, path, RESTORE, "a segment of the log is missing");
}

static int open_file(struct mr_log *log, const struct mr_log_segment *segment, struct log_file **ret,
        struct mr_error *reterr)
{
    char path[LOG_PATH_MAX], name[LOG_FILE_NAME_MAX];
    const struct mr_kv_options options = {.dir = path,
            .tables = mr_log_file_tables,
            .tables_count = LOG_FILE_TABLES,
            .checked = 1 << LOG_FILE_META,
            .read_only = true,
            .unlocked = true};
    struct log_file *file = calloc(1, sizeof *file);
    int r = file ? mr_log_file_path(log, mr_log_file_name(segment->first, segment->generation, name), path)
                 : MR_ENOMEM;

    if (r == 0)
        r = mr_kv_open(&file->kv, &options, reterr);
    if (r == 0)
        r = mr_kv_layout(file->kv, LOG_FILE_META, LOG_LAYOUT, reterr);
    if (r == 0)
        r = check_identity(log, file->kv, segment, reterr);
    if (r < 0) {
        if (file)
            mr_kv_close(file->kv);
        free(file);
        return r == MR_ENOTFOUND ? missing(path, reterr, r) : r;
    }
    file->first = segment->first;
    file->generation = segment->generation;
    mr_list_init(&file->link);
    *ret = file;
    return 0;
}

static void close_file(struct log_file *file)
{
    mr_list_remove(&file->link);
    mr_kv_close(file->kv);
    free(file);
}

/* Under the lock. */
static struct log_file *find_file(struct mr_log *log, const struct mr_log_segment *segment)
{
    mr_list_foreach (it, &log->files) {
        struct log_file *file = MR_CONTAINER(it, struct log_file, link);

        if (file->first == segment->first && file->generation == segment->generation)
            return file;
    }
    return NULL;
}

/* Under the lock: of those that nobody reads the ones used longest ago go, until `max` are left. */
static void close_idle(struct mr_log *log, unsigned max)
{
    unsigned idle = 0;

    mr_list_foreach (it, &log->files)
        idle += MR_CONTAINER(it, struct log_file, link)->readers == 0;
    mr_list_foreach_safe (it, &log->files) {
        struct log_file *file = MR_CONTAINER(it, struct log_file, link);

        if (idle <= max)
            return;
        if (file->readers == 0) {
            close_file(file);
            idle--;
        }
    }
}

int mr_log_file_pin(struct mr_log *log, const struct mr_log_segment *segment, struct log_file **ret,
        struct mr_error *reterr)
{
    struct log_file *file;
    int r = 0;

    pthread_mutex_lock(&log->files_lock);
    file = find_file(log, segment);
    if (!file)
        r = open_file(log, segment, &file, reterr);
    if (r == 0) {
        file->readers++;
        mr_list_remove(&file->link);
        mr_list_push_back(&log->files, &file->link);
        close_idle(log, IDLE_MAX);
        *ret = file;
    }
    pthread_mutex_unlock(&log->files_lock);
    return r;
}

void mr_log_file_unpin(struct mr_log *log, struct log_file *file)
{
    pthread_mutex_lock(&log->files_lock);
    assert(file->readers > 0);
    file->readers--;
    if (file->replaced && file->readers == 0)
        close_file(file);
    close_idle(log, IDLE_MAX);
    pthread_mutex_unlock(&log->files_lock);
}

void mr_log_files_close(struct mr_log *log)
{
    close_idle(log, 0);
    assert(mr_list_empty(&log->files));
}

/* ---- removal ---- */

int mr_log_file_sync(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int r = fd < 0 || fsync(fd) < 0 ? mr_err_from_errno(errno) : 0;

    if (fd >= 0)
        close(fd);
    return r;
}

int mr_log_file_remove_folder(const char *path)
{
    char file[LOG_PATH_MAX];
    struct dirent *entry;
    DIR *dir = opendir(path);

    if (!dir)
        return errno == ENOENT ? 0 : mr_err_from_errno(errno);
    while ((entry = readdir(dir)) != NULL) {
        int n = snprintf(file, sizeof file, "%s/%s", path, entry->d_name);

        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 && n > 0 &&
                n < (int)sizeof file)
            (void)unlink(file); /* what stays makes rmdir fail */
    }
    (void)closedir(dir);
    return rmdir(path) == 0 || errno == ENOENT ? 0 : mr_err_from_errno(errno);
}

/* Its folder goes at once; who has it open keeps it until the last one lets go. */
int mr_log_segment_remove(struct mr_log *log, uint64_t first, uint32_t generation)
{
    const struct mr_log_segment segment = {.first = first, .generation = generation};
    char path[LOG_PATH_MAX], name[LOG_FILE_NAME_MAX];
    struct log_file *file;
    int r = MR_FAULT("segment.remove.before");

    if (r == 0)
        r = mr_log_file_path(log, mr_log_file_name(first, generation, name), path);
    if (r < 0)
        return r;
    pthread_mutex_lock(&log->files_lock);
    file = find_file(log, &segment);
    if (file && file->readers == 0)
        close_file(file);
    else if (file)
        file->replaced = true;
    r = mr_log_file_remove_folder(path);
    pthread_mutex_unlock(&log->files_lock);
    return r;
}

/* Has the name the form of a segment's, and is there no row of it? */
static bool is_left_over(struct mr_kv_txn *txn, const char *name)
{
    char again[LOG_FILE_NAME_MAX];
    struct mr_log_segment segment;
    uint32_t generation;
    uint64_t first;

    if (strncmp(name, LOG_FILE_WORKING, strlen(LOG_FILE_WORKING)) == 0)
        return true;
    if (sscanf(name, "%20" SCNu64 "-%9" SCNu32, &first, &generation) != 2 ||
            strcmp(mr_log_file_name(first, generation, again), name) != 0)
        return false; /* not ours */
    return mr_log_segment_row(txn, first, &segment) == MR_ENOTFOUND || segment.first != first ||
           segment.generation != generation;
}

int mr_log_files_sweep(struct mr_log *log, struct mr_kv_txn *txn)
{
    char folder[LOG_PATH_MAX], path[LOG_PATH_MAX];
    struct dirent *entry;
    DIR *dir;
    int r = mr_log_file_path(log, NULL, folder);

    if (r < 0)
        return r;
    dir = opendir(folder);
    if (!dir)
        return errno == ENOENT ? 0 : mr_err_from_errno(errno);
    while (r == 0 && (entry = readdir(dir)) != NULL)
        if (is_left_over(txn, entry->d_name) && mr_log_file_path(log, entry->d_name, path) == 0)
            r = mr_log_file_remove_folder(path);
    (void)closedir(dir);
    return r;
}

/* ---- check at open ---- */

int mr_log_file_stat(const char *folder, struct stat *ret)
{
    int fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int r = fd < 0 ? -1 : fstatat(fd, "data.mdb", ret, 0);
    int saved = errno;

    if (fd >= 0)
        close(fd);
    errno = saved;
    return r;
}

struct checking {
    struct mr_log *log;
    struct mr_error *reterr;
};

static int check_file(void *ctx, const struct mr_log_segment *segment)
{
    const struct checking *checking = ctx;
    char path[LOG_PATH_MAX], name[LOG_FILE_NAME_MAX];
    struct stat st;
    int r = mr_log_file_path(
            checking->log, mr_log_file_name(segment->first, segment->generation, name), path);

    if (r < 0)
        return r;
    if (mr_log_file_stat(path, &st) < 0)
        return missing(path, checking->reterr, errno == ENOENT ? MR_ECORRUPT : mr_err_from_errno(errno));
    if ((uint64_t)st.st_size == segment->bytes)
        return mr_kv_pages_check(path, checking->reterr);
    return mr_error_set(checking->reterr, MR_ECORRUPT, path, RESTORE,
            "the segment has %llu bytes, its row says %llu", (unsigned long long)st.st_size,
            (unsigned long long)segment->bytes);
}

int mr_log_files_check(struct mr_log *log, struct mr_kv_txn *txn, struct mr_error *reterr)
{
    struct checking checking = {log, reterr};

    return mr_log_segments_walk(txn, check_file, &checking);
}
