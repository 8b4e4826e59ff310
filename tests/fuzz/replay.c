/* Runs a fuzz target over files and the files of folders, where there is no libFuzzer. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"

enum { FILE_BYTES_MAX = 4 * 1024 * 1024 };

static int run_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data = malloc(FILE_BYTES_MAX);
    uint8_t *exact = NULL;
    size_t size = 0;

    if (file && data) {
        size = fread(data, 1, FILE_BYTES_MAX, file);
        exact = malloc(size ? size : 1); /* so that a sanitizer sees a read beyond the end */
    }
    if (exact) {
        memcpy(exact, data, size);
        (void)LLVMFuzzerTestOneInput(exact, size);
    } else {
        perror(path);
    }
    if (file)
        (void)fclose(file);
    free(data);
    free(exact);
    return exact ? 1 : -1;
}

static int run_folder(DIR *folder, const char *path)
{
    struct dirent *entry;
    char full[4096];
    int count = 0;

    while ((entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        (void)snprintf(full, sizeof full, "%s/%s", path, entry->d_name);
        if (run_file(full) < 0)
            return -1;
        count++;
    }
    return count;
}

int main(int argc, char **argv)
{
    int total = 0;

    for (int i = 1; i < argc; i++) {
        DIR *folder = opendir(argv[i]);
        int count = folder ? run_folder(folder, argv[i]) : run_file(argv[i]);

        if (folder)
            (void)closedir(folder);
        if (count < 0)
            return EXIT_FAILURE;
        total += count;
    }
    printf("%d inputs\n", total);
    return total > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
