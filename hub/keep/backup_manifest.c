/* backup.json: what a backup has, and what it must look like. */
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub/keep/backup_files.h"

enum { FORMAT = 1, FILES_MAX = 100000, HEX_BYTES = 65 };

static const char NAME[] = "backup.json";

static json_t *hex(const uint8_t bytes[static 32])
{
    char text[HEX_BYTES];

    return json_string(sodium_bin2hex(text, sizeof text, bytes, 32));
}

static json_t *files_json(const struct mr_backup *backup)
{
    json_t *files = json_array();

    for (size_t i = 0; i < backup->files_count; i++) {
        const struct mr_backup_file *file = &backup->files[i];

        (void)json_array_append_new(files, json_pack("{s:s, s:I, s:o}", "path", file->path, "bytes",
                                                   (json_int_t)file->bytes, "sha256", hex(file->sha256)));
    }
    return files;
}

int backup_manifest_write(const struct mr_backup *backup, const char *dir, struct mr_error *reterr)
{
    json_t *document = json_pack("{s:i, s:s, s:s, s:s, s:I, s:o, s:I, s:o, s:[s, s, s, s]}", "format", FORMAT,
            "version", MR_VERSION, "made", backup->made, "key", backup->key, "head", (json_int_t)backup->head,
            "root", hex(backup->root), "signed", (json_int_t)backup->signed_size, "files", files_json(backup),
            "not_included", "root.0, root.1", "log.key", "index/", "views/");
    char *text = document ? json_dumps(document, JSON_INDENT(1)) : NULL;
    char path[BACKUP_PATH_MAX];
    int r = text ? backup_path(dir, NAME, path, reterr) : MR_ENOMEM;

    if (r == 0)
        r = backup_write(path, mr_slice_str(text), reterr);
    free(text);
    json_decref(document);
    return r;
}

static bool take_hex(const char *text, uint8_t ret[static 32])
{
    size_t size = 0;

    return strlen(text) == 64 && sodium_hex2bin(ret, 32, text, 64, NULL, &size, NULL) == 0 && size == 32;
}

/* Below the folder, whatever the manifest says. */
static bool is_inside(const char *path)
{
    return path[0] != '/' && path[0] != '\0' && !strstr(path, "..") && strlen(path) < MR_BACKUP_PATH_MAX;
}

static bool take_files(struct mr_backup *ret, const json_t *files)
{
    size_t count = json_array_size(files);

    ret->files = count > 0 && count <= FILES_MAX ? calloc(count, sizeof *ret->files) : NULL;
    if (!ret->files)
        return false;
    for (size_t i = 0; i < count; i++) {
        struct mr_backup_file *file = &ret->files[i];
        const char *path, *digest;
        json_int_t bytes;

        if (json_unpack(json_array_get(files, i), "{s:s, s:I, s:s}", "path", &path, "bytes", &bytes, "sha256",
                    &digest) != 0 ||
                bytes < 0 || !is_inside(path) || !take_hex(digest, file->sha256))
            return false;
        (void)snprintf(file->path, sizeof file->path, "%s", path);
        file->bytes = (uint64_t)bytes;
        ret->files_count++;
    }
    return true;
}

static bool take(struct mr_backup *ret, json_t *document)
{
    const char *made, *key, *root;
    json_int_t head, signed_size;
    json_t *files;
    int format;

    if (json_unpack(document, "{s:i, s:s, s:s, s:I, s:s, s:I, s:o}", "format", &format, "made", &made, "key",
                &key, "head", &head, "root", &root, "signed", &signed_size, "files", &files) != 0)
        return false;
    if (format != FORMAT || head < 0 || signed_size < 0 || !take_hex(root, ret->root))
        return false;
    (void)snprintf(ret->made, sizeof ret->made, "%s", made);
    (void)snprintf(ret->key, sizeof ret->key, "%s", key);
    ret->head = (uint64_t)head;
    ret->signed_size = (uint64_t)signed_size;
    return take_files(ret, files);
}

int backup_manifest_read(struct mr_backup *ret, const char *dir, struct mr_error *reterr)
{
    struct mr_buf text = MR_BUF_INIT;
    char path[BACKUP_PATH_MAX];
    json_t *document = NULL;
    int r = backup_path(dir, NAME, path, reterr);

    *ret = (struct mr_backup){0};
    if (r == 0)
        r = backup_read(path, &text, NULL);
    if (r == MR_ENOTFOUND)
        r = mr_error_set(reterr, r, path, "give the folder that marshrut backup wrote to its end",
                "no manifest here: this is no backup, or one that was not finished");
    else if (r < 0)
        mr_error_set(reterr, r, path, "check the path", "cannot be read: %s", mr_err_text(r));
    if (r == 0) {
        document = json_loadb((const char *)text.data, text.size, JSON_REJECT_DUPLICATES, NULL);
        if (!document || !take(ret, document))
            r = mr_error_set(reterr, MR_ECORRUPT, path, "take another backup", "the manifest is damaged");
    }
    json_decref(document);
    mr_buf_fini(&text);
    if (r < 0)
        mr_backup_fini(ret);
    return r;
}
