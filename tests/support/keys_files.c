#include "tests/support/keys_files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static uint8_t *read_whole(const char *path, size_t *ret_size)
{
    FILE *file = fopen(path, "rb");
    struct stat st;
    uint8_t *bytes;

    assert_non_null(file);
    assert_int_equal(fstat(fileno(file), &st), 0);
    bytes = malloc((size_t)st.st_size + 1);
    assert_non_null(bytes);
    *ret_size = fread(bytes, 1, (size_t)st.st_size, file);
    assert_int_equal(fclose(file), 0);
    return bytes;
}

void keys_files_copy(const char *from, const char *to)
{
    char path[4096];
    size_t size;
    uint8_t *bytes;
    FILE *file;

    (void)snprintf(path, sizeof path, "%s/data.mdb", from);
    bytes = read_whole(path, &size);
    assert_int_equal(mkdir(to, 0700), 0);
    (void)snprintf(path, sizeof path, "%s/data.mdb", to);
    file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
    free(bytes);
}

static size_t count_in(const char *path, const void *bytes, size_t size)
{
    size_t file_size, count = 0;
    uint8_t *file = read_whole(path, &file_size);
    const uint8_t *at = file;

    while ((at = memmem(at, (size_t)(file + file_size - at), bytes, size))) {
        count++;
        at++;
    }
    free(file);
    return count;
}

size_t keys_files_count(const char *dir, const void *bytes, size_t size)
{
    DIR *folder = opendir(dir);
    const struct dirent *entry;
    size_t count = 0;

    assert_non_null(folder);
    while ((entry = readdir(folder))) {
        char path[4096];
        struct stat st;

        (void)snprintf(path, sizeof path, "%s/%s", dir, entry->d_name);
        if (stat(path, &st) == 0 && S_ISREG(st.st_mode))
            count += count_in(path, bytes, size);
    }
    (void)closedir(folder);
    return count;
}
