#include "hub/audit/zip_write.h"

#include <string.h>
#include <time.h>

#include <minizip/zip.h>

enum {
    FLAG_UTF8 = 1 << 11, /* of the name: APPNOTE 4.4.4 */
    MADE_BY_UNIX = 3 << 8 | 20,
    MODE_OF_FILE = 0100644,
};

/* ---- minizip over memory ---- */

static voidpf open_memory(voidpf opaque, const char *name, int mode)
{
    (void)name;
    (void)mode;
    return opaque;
}

/* What is written is never read back. */
static uLong read_memory(voidpf opaque, voidpf stream, void *ret, uLong size)
{
    (void)opaque;
    (void)stream;
    (void)ret;
    (void)size;
    return 0;
}

static uLong write_memory(voidpf opaque, voidpf stream, const void *data, uLong size)
{
    struct mr_zip *zip = opaque;
    size_t inside = zip->buf.size - zip->at < size ? zip->buf.size - zip->at : size;

    (void)stream;
    if (inside > 0)
        memcpy(zip->buf.data + zip->at, data, inside);
    mr_buf_put(&zip->buf, (const uint8_t *)data + inside, size - inside);
    if (mr_buf_failed(&zip->buf))
        return 0;
    zip->at += size;
    return size;
}

static long tell_memory(voidpf opaque, voidpf stream)
{
    (void)stream;
    return (long)((struct mr_zip *)opaque)->at;
}

static long seek_memory(voidpf opaque, voidpf stream, uLong offset, int origin)
{
    struct mr_zip *zip = opaque;
    size_t base = origin == ZLIB_FILEFUNC_SEEK_SET   ? 0
                  : origin == ZLIB_FILEFUNC_SEEK_CUR ? zip->at
                                                     : zip->buf.size;

    (void)stream;
    if (offset > zip->buf.size - base)
        return -1;
    zip->at = base + offset;
    return 0;
}

static int close_memory(voidpf opaque, voidpf stream)
{
    (void)opaque;
    (void)stream;
    return 0;
}

static int error_of_memory(voidpf opaque, voidpf stream)
{
    (void)stream;
    return mr_buf_failed(&((struct mr_zip *)opaque)->buf);
}

/* ---- files ---- */

int mr_zip_begin(struct mr_zip *zip, int64_t time_us)
{
    zlib_filefunc_def functions = {.zopen_file = open_memory,
            .zread_file = read_memory,
            .zwrite_file = write_memory,
            .ztell_file = tell_memory,
            .zseek_file = seek_memory,
            .zclose_file = close_memory,
            .zerror_file = error_of_memory,
            .opaque = zip};

    *zip = (struct mr_zip){.time_us = time_us};
    zip->file = zipOpen2("memory", APPEND_STATUS_CREATE, NULL, &functions);
    return zip->file ? 0 : MR_ENOMEM;
}

int mr_zip_put(struct mr_zip *zip, const char *name, struct mr_slice content)
{
    zip_fileinfo info = {.external_fa = (uLong)MODE_OF_FILE << 16};
    time_t time = (time_t)(zip->time_us / 1000000);
    struct tm tm;

    if (gmtime_r(&time, &tm))
        info.tmz_date = (tm_zip){.tm_sec = (uInt)tm.tm_sec,
                .tm_min = (uInt)tm.tm_min,
                .tm_hour = (uInt)tm.tm_hour,
                .tm_mday = (uInt)tm.tm_mday,
                .tm_mon = (uInt)tm.tm_mon,
                .tm_year = (uInt)tm.tm_year + 1900};
    if (zipOpenNewFileInZip4(zip->file, name, &info, NULL, 0, NULL, 0, NULL, Z_DEFLATED,
                Z_DEFAULT_COMPRESSION, 0, -MAX_WBITS, DEF_MEM_LEVEL, Z_DEFAULT_STRATEGY, NULL, 0,
                MADE_BY_UNIX, FLAG_UTF8) != ZIP_OK ||
            zipWriteInFileInZip(zip->file, content.data, (unsigned)content.size) != ZIP_OK ||
            zipCloseFileInZip(zip->file) != ZIP_OK)
        return MR_ENOMEM;
    return 0;
}

int mr_zip_end(struct mr_zip *zip)
{
    int r = zipClose(zip->file, NULL);

    zip->file = NULL;
    return r == ZIP_OK && !mr_buf_failed(&zip->buf) ? 0 : MR_ENOMEM;
}

void mr_zip_fini(struct mr_zip *zip)
{
    if (zip->file)
        (void)zipClose(zip->file, NULL);
    mr_buf_fini(&zip->buf);
}
