#include "adapters/sdk/zip_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unzip.h>

#include "proto/base/buf.h"

enum { ENTRIES_MAX = 32, RATIO_MAX = 100, NAME_MAX_BYTES = 128, PIECE = 64 * 1024 };
#define BYTES_MAX       (64ull * 1024 * 1024)
#define RATIO_FREE_SIZE (1024ull * 1024)

struct entry {
    char name[NAME_MAX_BYTES + 1];
    struct mr_buf content;
};

struct mr_zip {
    struct entry *entries;
    uint32_t count;
    uint64_t total;
};

/* ---- minizip over memory ---- */

struct memory {
    struct mr_slice content;
    uint64_t at;
};

static voidpf memory_open(voidpf opaque, const void *name, int mode)
{
    (void)name;
    (void)mode;
    return opaque;
}

static uLong memory_read(voidpf opaque, voidpf stream, void *out, uLong size)
{
    struct memory *memory = stream;
    uint64_t left = memory->content.size - memory->at;

    (void)opaque;
    if (size > left)
        size = (uLong)left;
    memcpy(out, memory->content.data + memory->at, size);
    memory->at += size;
    return size;
}

static ZPOS64_T memory_tell(voidpf opaque, voidpf stream)
{
    (void)opaque;
    return ((struct memory *)stream)->at;
}

static long memory_seek(voidpf opaque, voidpf stream, ZPOS64_T offset, int origin)
{
    struct memory *memory = stream;
    uint64_t base = origin == ZLIB_FILEFUNC_SEEK_CUR   ? memory->at
                    : origin == ZLIB_FILEFUNC_SEEK_END ? memory->content.size
                                                       : 0;

    (void)opaque;
    if (offset > memory->content.size - base)
        return -1;
    memory->at = base + offset;
    return 0;
}

static int memory_close(voidpf opaque, voidpf stream)
{
    (void)opaque;
    (void)stream;
    return 0;
}

static int memory_error(voidpf opaque, voidpf stream)
{
    (void)opaque;
    (void)stream;
    return 0;
}

/* ---- reading ---- */

struct reading {
    unzFile file;
    struct mr_zip *zip;
    struct mr_zip_limits limits;
    struct mr_error *error;
};

static int refuse(const struct reading *reading, const char *where, const char *cure, const char *what)
{
    return mr_error_set(reading->error, MR_EINVAL, where, cure, "%s", what);
}

static bool name_safe(const char *name)
{
    if (name[0] == 0 || strstr(name, "..") || strlen(name) > NAME_MAX_BYTES)
        return false;
    for (const char *p = name; *p; p++)
        if (*p == '/' || *p == '\\' || *p == ':' || (unsigned char)*p < 0x20)
            return false;
    return true;
}

static int check_entry(const struct reading *reading, const unz_file_info64 *info, const char *name)
{
    bool any = reading->limits.any_name;

    if (!any && !name_safe(name))
        return refuse(reading, "zip", "положите файлы в архив без папок", "недопустимое имя файла в архиве");
    if (info->flag & 1)
        return refuse(reading, name, "создайте архив без пароля", "файл в архиве зашифрован");
    if (!any && mr_zip_entry(reading->zip, name).data)
        return refuse(reading, name, "оставьте в архиве один файл с таким именем",
                "имя файла в архиве повторяется");
    return 0;
}

/* Inflates until the end or the first cap. */
static int read_entry(struct reading *reading, struct entry *entry, uint64_t packed)
{
    uint64_t out = 0;

    for (;;) {
        uint8_t *room = mr_buf_reserve(&entry->content, PIECE);
        int n = room ? unzReadCurrentFile(reading->file, room, PIECE) : 0;

        if (!room)
            return MR_ENOMEM;
        if (n < 0)
            return refuse(reading, entry->name, "создайте архив заново", "архив повреждён");
        if (n == 0)
            return 0;
        entry->content.size += (size_t)n;
        out += (uint64_t)n;
        reading->zip->total += (uint64_t)n;
        if (reading->zip->total > reading->limits.bytes_max ||
                (out > RATIO_FREE_SIZE && out / reading->limits.ratio_max > packed))
            return refuse(reading, entry->name, "разделите выгрузку на части; такой архив не принимается",
                    "архив распаковывается в слишком большой объём (zip bomb)");
    }
}

static int take_current(struct reading *reading)
{
    struct mr_zip *zip = reading->zip;
    char name[NAME_MAX_BYTES + 2] = {0};
    unz_file_info64 info;
    struct entry *entry;
    int r;

    if (unzGetCurrentFileInfo64(reading->file, &info, name, sizeof name - 1, NULL, 0, NULL, 0) != UNZ_OK)
        return refuse(reading, "zip", "создайте архив заново", "архив повреждён");
    if (info.size_filename > NAME_MAX_BYTES)
        return refuse(reading, "zip", "сократите имена файлов", "недопустимое имя файла в архиве");
    r = check_entry(reading, &info, name);
    if (r < 0)
        return r;
    if (unzOpenCurrentFile(reading->file) != UNZ_OK)
        return refuse(reading, name, "создайте архив заново", "архив повреждён");
    entry = &zip->entries[zip->count++];
    memcpy(entry->name, name, strlen(name) + 1);
    r = read_entry(reading, entry, info.compressed_size);
    if (unzCloseCurrentFile(reading->file) == UNZ_CRCERROR && r == 0)
        r = refuse(reading, name, "создайте архив заново", "контрольная сумма в архиве не сходится");
    return r;
}

static int read_all(struct reading *reading)
{
    unz_global_info64 info;
    int more;

    if (unzGetGlobalInfo64(reading->file, &info) != UNZ_OK)
        return refuse(reading, "zip", "создайте архив заново", "архив повреждён");
    if (info.number_entry > reading->limits.entries_max)
        return refuse(
                reading, "zip", "оставьте в архиве только файлы OneRoster", "в архиве слишком много файлов");
    reading->zip->entries = calloc(reading->limits.entries_max, sizeof *reading->zip->entries);
    if (!reading->zip->entries)
        return MR_ENOMEM;
    for (more = unzGoToFirstFile(reading->file); more == UNZ_OK; more = unzGoToNextFile(reading->file)) {
        int r = reading->zip->count < reading->limits.entries_max
                        ? take_current(reading)
                        : refuse(reading, "zip", "оставьте в архиве только файлы OneRoster",
                                  "в архиве слишком много файлов");

        if (r < 0)
            return r;
    }
    return more == UNZ_END_OF_LIST_OF_FILE || info.number_entry == 0
                   ? 0
                   : refuse(reading, "zip", "создайте архив заново", "архив повреждён");
}

int mr_zip_read(struct mr_zip **ret, struct mr_slice content, const struct mr_zip_limits *limits,
        struct mr_error *reterr)
{
    struct memory memory = {content, 0};
    zlib_filefunc64_def functions = {
            memory_open, memory_read, NULL, memory_tell, memory_seek, memory_close, memory_error, &memory};
    struct reading reading = {.error = reterr, .zip = calloc(1, sizeof *reading.zip)};
    int r;

    if (limits)
        reading.limits = *limits;
    if (reading.limits.entries_max == 0)
        reading.limits.entries_max = ENTRIES_MAX;
    if (reading.limits.bytes_max == 0)
        reading.limits.bytes_max = BYTES_MAX;
    if (reading.limits.ratio_max == 0)
        reading.limits.ratio_max = RATIO_MAX;
    if (!reading.zip)
        return MR_ENOMEM;
    reading.file = unzOpen2_64("memory", &functions);
    r = reading.file ? read_all(&reading)
                     : refuse(&reading, "zip", "создайте архив заново", "это не zip-архив, или он повреждён");
    if (reading.file)
        (void)unzClose(reading.file);
    if (r < 0) {
        mr_zip_free(reading.zip);
        return r;
    }
    *ret = reading.zip;
    return 0;
}

void mr_zip_free(struct mr_zip *zip)
{
    if (!zip)
        return;
    for (uint32_t i = 0; i < zip->count; i++)
        mr_buf_wipe(&zip->entries[i].content);
    free(zip->entries);
    free(zip);
}

struct mr_slice mr_zip_entry(const struct mr_zip *zip, const char *name)
{
    for (uint32_t i = 0; i < zip->count; i++)
        if (strcasecmp(zip->entries[i].name, name) == 0)
            return mr_slice(zip->entries[i].content.data ? zip->entries[i].content.data : (const uint8_t *)"",
                    zip->entries[i].content.size);
    return mr_slice(NULL, 0);
}

size_t mr_zip_count(const struct mr_zip *zip)
{
    return zip->count;
}

struct mr_slice mr_zip_at(const struct mr_zip *zip, size_t index)
{
    const struct mr_buf *content = &zip->entries[index].content;

    return mr_slice(content->data ? content->data : (const uint8_t *)"", content->size);
}

bool mr_zip_looks_like(struct mr_slice content)
{
    return content.size >= 4 && memcmp(content.data, "PK\x03\x04", 4) == 0;
}
