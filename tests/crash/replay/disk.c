#include "tests/crash/replay/disk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/base/buf.h"

enum { FILES_MAX = 4096, NAMES_MAX = 4096, CHANGES_MAX = 1 << 16, SECTOR = 512, PAGE = 4096 };

/* A change of a file's bytes that is not durable. */
struct change {
    uint64_t number; /* of its entry */
    enum trace_op op;
    uint64_t offset;
    const uint8_t *data;
    size_t length;
    bool lost; /* a sync failed on it */
};

struct file {
    uint64_t inode;
    bool is_folder;
    struct mr_buf durable;
    struct change *changes;
    size_t changes_count, changes_room;
};

struct name {
    struct file *folder;
    char text[TRACE_NAME_MAX];
    struct file *file;
};

struct names {
    struct name at[NAMES_MAX];
    size_t count;
};

/* A change of names that is not durable. */
struct renaming {
    uint64_t number;
    enum trace_op op;
    struct file *file, *folder, *folder2;
    char name[TRACE_NAME_MAX], name2[TRACE_NAME_MAX];
};

struct disk {
    struct file *root;
    struct file *files[FILES_MAX]; /* the newest of an inode number is the last */
    size_t files_count;
    struct names durable;
    struct renaming renamings[NAMES_MAX];
    size_t renamings_count;
};

uint64_t disk_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

/* ---- files ---- */

static struct file *file_new(struct disk *disk, uint64_t inode, bool is_folder)
{
    struct file *file = calloc(1, sizeof *file);

    assert_non_null(file);
    assert_true(disk->files_count < FILES_MAX);
    file->inode = inode;
    file->is_folder = is_folder;
    disk->files[disk->files_count++] = file;
    return file;
}

/* The file of an entry, or its folder. */
static struct file *file_of(const struct disk *disk, const struct trace_entry *entry, uint64_t inode)
{
    for (size_t i = disk->files_count; i-- > 0;)
        if (disk->files[i]->inode == inode)
            return disk->files[i];
    fail_msg("the trace speaks of a file that was there before it: inode %llu, op %u, name %s %s",
            (unsigned long long)inode, entry->op, entry->name, entry->name2);
    return NULL;
}

struct disk *disk_new(const char *folder)
{
    struct disk *disk = calloc(1, sizeof *disk);
    struct stat st;

    assert_non_null(disk);
    assert_int_equal(stat(folder, &st), 0);
    disk->root = file_new(disk, st.st_ino, true);
    return disk;
}

void disk_free(struct disk *disk)
{
    for (size_t i = 0; disk && i < disk->files_count; i++) {
        mr_buf_fini(&disk->files[i]->durable);
        free(disk->files[i]->changes);
        free(disk->files[i]);
    }
    free(disk);
}

/* ---- bytes ---- */

static void resize(struct mr_buf *bytes, size_t size)
{
    if (size > bytes->size) {
        uint8_t *more = mr_buf_reserve(bytes, size - bytes->size);

        assert_non_null(more);
        memset(more, 0, size - bytes->size);
    }
    bytes->size = size;
}

static void apply(struct mr_buf *bytes, const struct change *change)
{
    size_t end = change->offset + change->length;

    if (change->op == TRACE_WRITE && change->length == 0)
        return;
    if (change->op == TRACE_TRUNCATE || (change->op == TRACE_EXTEND && change->offset > bytes->size)) {
        resize(bytes, change->offset);
    } else if (change->op == TRACE_WRITE) {
        if (end > bytes->size)
            resize(bytes, end);
        memcpy(bytes->data + change->offset, change->data, change->length);
    }
}

static void push(struct file *file, const struct change *change)
{
    if (file->changes_count == file->changes_room) {
        file->changes_room = file->changes_room ? 2 * file->changes_room : 16;
        assert_true(file->changes_room <= CHANGES_MAX);
        file->changes = realloc(file->changes, file->changes_room * sizeof *file->changes);
        assert_non_null(file->changes);
    }
    file->changes[file->changes_count++] = *change;
}

/* Page by page: the kernel writes them back one for one. */
static void push_write(struct file *file, uint64_t number, const struct trace_entry *entry)
{
    for (size_t at = 0; at < entry->length;) {
        size_t n = PAGE - (entry->offset + at) % PAGE;

        n = n < entry->length - at ? n : entry->length - at;
        push(file, &(struct change){.number = number,
                           .op = TRACE_WRITE,
                           .offset = entry->offset + at,
                           .data = entry->data + at,
                           .length = n});
        at += n;
    }
}

/* What was lost there does not come back: newer bytes are on the disk. */
static void forget_lost(struct file *file, size_t kept, const struct change *durable)
{
    for (size_t i = 0; i < kept; i++) {
        struct change *old = &file->changes[i];

        if (old->op == TRACE_WRITE && durable->op == TRACE_WRITE && old->offset >= durable->offset &&
                old->offset + old->length <= durable->offset + durable->length)
            old->length = 0;
    }
}

static bool covered(const struct change *change, const struct trace_entry *sync)
{
    if (sync->op != TRACE_SYNC_PART)
        return !change->lost && change->number < sync->offset;
    return change->op == TRACE_WRITE && change->offset < sync->offset + sync->length &&
           sync->offset < change->offset + change->length;
}

static void sync_bytes(struct file *file, const struct trace_entry *sync)
{
    size_t kept = 0;

    for (size_t i = 0; i < file->changes_count; i++)
        if (sync->op == TRACE_SYNC_LOST) {
            file->changes[kept] = file->changes[i];
            file->changes[kept++].lost |= covered(&file->changes[i], sync);
        } else if (covered(&file->changes[i], sync)) {
            forget_lost(file, kept, &file->changes[i]);
            apply(&file->durable, &file->changes[i]);
        } else
            file->changes[kept++] = file->changes[i];
    file->changes_count = kept;
}

/* ---- names ---- */

static void name_drop(struct names *names, const struct file *folder, const char *text)
{
    for (size_t i = 0; i < names->count; i++)
        if (names->at[i].folder == folder && strcmp(names->at[i].text, text) == 0)
            names->at[i--] = names->at[--names->count];
}

static void name_put(struct names *names, struct file *folder, const char *text, struct file *file)
{
    struct name *name;

    name_drop(names, folder, text);
    assert_true(names->count < NAMES_MAX);
    name = &names->at[names->count++];
    *name = (struct name){.folder = folder, .file = file};
    (void)snprintf(name->text, sizeof name->text, "%s", text);
}

static void rename_apply(struct names *names, const struct renaming *renaming)
{
    if (renaming->op == TRACE_CREATE || renaming->op == TRACE_MKDIR || renaming->op == TRACE_LINK) {
        name_put(names, renaming->folder, renaming->name, renaming->file);
    } else {
        name_drop(names, renaming->folder, renaming->name);
        if (renaming->op == TRACE_RENAME)
            name_put(names, renaming->folder2, renaming->name2, renaming->file);
    }
}

static void add_renaming(struct disk *disk, uint64_t number, const struct trace_entry *entry)
{
    struct renaming *renaming = &disk->renamings[disk->renamings_count++];

    assert_true(disk->renamings_count < NAMES_MAX);
    *renaming = (struct renaming){
            .number = number, .op = entry->op, .folder = file_of(disk, entry, entry->folder)};
    if (entry->op == TRACE_CREATE || entry->op == TRACE_MKDIR)
        renaming->file = file_new(disk, entry->file, entry->op == TRACE_MKDIR);
    if (entry->op == TRACE_RENAME || entry->op == TRACE_LINK)
        renaming->file = file_of(disk, entry, entry->file);
    if (entry->op == TRACE_RENAME) {
        renaming->folder2 = file_of(disk, entry, entry->folder2);
    }
    memcpy(renaming->name, entry->name, sizeof renaming->name);
    memcpy(renaming->name2, entry->name2, sizeof renaming->name2);
}

static void sync_names(struct disk *disk, const struct file *folder, uint64_t before)
{
    size_t kept = 0;

    for (size_t i = 0; i < disk->renamings_count; i++) {
        const struct renaming *renaming = &disk->renamings[i];
        const struct file *where = renaming->op == TRACE_RENAME ? renaming->folder2 : renaming->folder;

        if (where == folder && renaming->number < before)
            rename_apply(&disk->durable, renaming);
        else
            disk->renamings[kept++] = *renaming;
    }
    disk->renamings_count = kept;
}

/* ---- the trace ---- */

void disk_add(struct disk *disk, uint64_t number, const struct trace_entry *entry)
{
    struct file *file;

    switch ((enum trace_op)entry->op) {
    case TRACE_START:
        break;
    case TRACE_CREATE:
    case TRACE_MKDIR:
    case TRACE_RENAME:
    case TRACE_LINK:
    case TRACE_UNLINK:
        add_renaming(disk, number, entry);
        break;
    case TRACE_WRITE:
        push_write(file_of(disk, entry, entry->file), number, entry);
        break;
    case TRACE_TRUNCATE:
    case TRACE_EXTEND:
        push(file_of(disk, entry, entry->file),
                &(struct change){.number = number, .op = entry->op, .offset = entry->offset});
        break;
    case TRACE_SYNC:
    case TRACE_SYNC_LOST:
    case TRACE_SYNC_PART:
        file = file_of(disk, entry, entry->file);
        if (file->is_folder && entry->op == TRACE_SYNC_LOST)
            break; /* names are in the journal: it ends, or writes them later */
        if (file->is_folder)
            sync_names(disk, file, entry->offset);
        else
            sync_bytes(file, entry);
        break;
    }
}

size_t disk_pending(const struct disk *disk)
{
    size_t pending = disk->renamings_count;

    for (size_t i = 0; i < disk->files_count; i++)
        pending += disk->files[i]->changes_count;
    return pending;
}

/* ---- after power loss ---- */

struct cut {
    enum disk_choice choice;
    uint64_t random;
    uint64_t through; /* DISK_ORDERED: entries before it */
    size_t torn;      /* size of what is whole; 0: nothing is torn */
};

static struct cut cut_of(const struct disk *disk, enum disk_choice choice, uint64_t seed)
{
    struct cut cut = {.choice = choice, .random = seed};
    uint64_t first = UINT64_MAX, last = 0;

    for (size_t i = 0; i < disk->files_count; i++)
        for (size_t c = 0; c < disk->files[i]->changes_count; c++) {
            uint64_t number = disk->files[i]->changes[c].number;

            first = number < first ? number : first;
            last = number > last ? number : last;
        }
    cut.through = first > last ? 0 : first + disk_random(&cut.random) % (last - first + 2);
    cut.torn = (size_t[]){0, SECTOR, PAGE}[disk_random(&cut.random) % 3];
    return cut;
}

static bool chosen(struct cut *cut, uint64_t number)
{
    static const unsigned of_eight[DISK_CHOICES] = {
            [DISK_ALL] = 8, [DISK_SOME] = 4, [DISK_FEW] = 1, [DISK_MOST] = 7};

    if (cut->choice == DISK_ORDERED)
        return number < cut->through;
    return disk_random(&cut->random) % 8 < of_eight[cut->choice];
}

/* Some of its sectors, aligned in the file as on the disk. */
static void apply_torn(struct mr_buf *bytes, const struct change *change, struct cut *cut)
{
    size_t at = 0;

    while (at < change->length) {
        size_t n = cut->torn - (change->offset + at) % cut->torn;
        struct change part = *change;

        n = n < change->length - at ? n : change->length - at;
        part.offset += at;
        part.data += at;
        part.length = n;
        if (disk_random(&cut->random) % 2)
            apply(bytes, &part);
        at += n;
    }
}

static void write_bytes(const char *path, const struct mr_buf *bytes)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes->data, bytes->size), (ssize_t)bytes->size);
    (void)close(fd);
}

static void make_file(const struct file *file, struct cut *cut, const char *path)
{
    struct mr_buf bytes = MR_BUF_INIT;

    mr_buf_put_slice(&bytes, mr_buf_slice(&file->durable));
    for (size_t i = 0; i < file->changes_count; i++) {
        const struct change *change = &file->changes[i];

        if (!chosen(cut, change->number))
            continue;
        if (change->op == TRACE_WRITE && cut->torn && cut->choice != DISK_ALL &&
                disk_random(&cut->random) % 2)
            apply_torn(&bytes, change, cut);
        else
            apply(&bytes, change);
    }
    write_bytes(path, &bytes);
    mr_buf_fini(&bytes);
}

static void make_folder(
        const struct names *names, const struct file *folder, struct cut *cut, const char *path, int depth)
{
    assert_true(depth < 16);
    for (size_t i = 0; i < names->count; i++) {
        const struct name *name = &names->at[i];
        char below[PATH_MAX];

        if (name->folder != folder)
            continue;
        (void)snprintf(below, sizeof below, "%s/%s", path, name->text);
        if (name->file->is_folder) {
            assert_int_equal(mkdir(below, 0700), 0);
            make_folder(names, name->file, cut, below, depth + 1);
        } else {
            make_file(name->file, cut, below);
        }
    }
}

void disk_make(const struct disk *disk, enum disk_choice choice, uint64_t seed, const char *dir)
{
    struct cut cut = cut_of(disk, choice, seed);
    struct names *names = malloc(sizeof *names);

    assert_non_null(names);
    *names = disk->durable;
    for (size_t i = 0; i < disk->renamings_count; i++)
        if (chosen(&cut, disk->renamings[i].number))
            rename_apply(names, &disk->renamings[i]);
    make_folder(names, disk->root, &cut, dir, 0);
    free(names);
}
