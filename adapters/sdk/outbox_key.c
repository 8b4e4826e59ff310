#include "adapters/sdk/outbox_key.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "adapters/sdk/file.h"
#include "proto/base/err.h"

#define KEY_PREFIX "outbox.key."

void mr_outbox_keys_init(struct mr_outbox_keys *keys, const char *dir)
{
    memset(keys, 0, sizeof *keys);
    keys->dir = dir;
}

void mr_outbox_keys_fini(struct mr_outbox_keys *keys)
{
    sodium_memzero(keys->cached, sizeof keys->cached);
}

uint32_t mr_outbox_day(int64_t wall_us)
{
    time_t seconds = (time_t)(wall_us / 1000000);
    struct tm tm;

    if (!gmtime_r(&seconds, &tm))
        return 19700101;
    return (uint32_t)((tm.tm_year + 1900) * 10000 + (tm.tm_mon + 1) * 100 + tm.tm_mday);
}

static int read_key(const char *dir, const char *name, uint8_t ret[static MR_OUTBOX_KEY_BYTES])
{
    char path[PATH_MAX];
    struct mr_buf content = MR_BUF_INIT;
    int r;

    if (snprintf(path, sizeof path, "%s/%s", dir, name) >= (int)sizeof path)
        return MR_EINVAL;
    r = mr_file_read(path, 4096, &content);
    if (r == 0 && content.size != MR_OUTBOX_KEY_BYTES)
        r = MR_ECORRUPT;
    if (r == 0)
        memcpy(ret, content.data, MR_OUTBOX_KEY_BYTES);
    mr_buf_wipe(&content);
    return r;
}

/* Reads the file, or makes it with random bytes. */
static int read_or_create(
        const char *dir, const char *name, bool create, uint8_t ret[static MR_OUTBOX_KEY_BYTES])
{
    int r = read_key(dir, name, ret);

    if (r != MR_ENOTFOUND || !create)
        return r;
    randombytes_buf(ret, MR_OUTBOX_KEY_BYTES);
    return mr_file_write(dir, name, mr_slice(ret, MR_OUTBOX_KEY_BYTES), 0600);
}

static void key_name(uint32_t day, char out[static 32])
{
    (void)snprintf(out, 32, KEY_PREFIX "%08u", day);
}

int mr_outbox_keys_get(struct mr_outbox_keys *keys, uint32_t day, bool create, const uint8_t **ret)
{
    char name[32];
    uint8_t key[MR_OUTBOX_KEY_BYTES];
    unsigned slot;
    int r;

    for (unsigned i = 0; i < MR_OUTBOX_KEYS_CACHED; i++)
        if (keys->cached[i].day == day) {
            *ret = keys->cached[i].key;
            return 0;
        }
    key_name(day, name);
    r = read_or_create(keys->dir, name, create, key);
    if (r == 0) {
        slot = keys->next++ % MR_OUTBOX_KEYS_CACHED;
        keys->cached[slot].day = day;
        memcpy(keys->cached[slot].key, key, sizeof key);
        *ret = keys->cached[slot].key;
    }
    sodium_memzero(key, sizeof key);
    return r;
}

int mr_outbox_keys_destroy(struct mr_outbox_keys *keys, uint32_t day)
{
    char name[32], path[PATH_MAX];

    for (unsigned i = 0; i < MR_OUTBOX_KEYS_CACHED; i++)
        if (keys->cached[i].day == day)
            sodium_memzero(&keys->cached[i], sizeof keys->cached[i]);
    key_name(day, name);
    if (snprintf(path, sizeof path, "%s/%s", keys->dir, name) >= (int)sizeof path)
        return MR_EINVAL;
    return mr_file_destroy(path);
}

int mr_outbox_keys_each(const struct mr_outbox_keys *keys, int (*fn)(void *ctx, uint32_t day), void *ctx)
{
    DIR *dir = opendir(keys->dir);
    struct dirent *entry;
    int r = 0;

    if (!dir)
        return mr_err_from_errno(errno);
    while (r == 0 && (entry = readdir(dir)) != NULL) {
        char *end;
        unsigned long day;

        if (strncmp(entry->d_name, KEY_PREFIX, strlen(KEY_PREFIX)) != 0)
            continue;
        day = strtoul(entry->d_name + strlen(KEY_PREFIX), &end, 10);
        if (*end == 0 && day >= 19700101 && day <= 99991231)
            r = fn(ctx, (uint32_t)day);
    }
    (void)closedir(dir);
    return r;
}

int mr_outbox_secret(const char *dir, uint8_t ret[static MR_OUTBOX_KEY_BYTES])
{
    return read_or_create(dir, "outbox.secret", true, ret);
}
