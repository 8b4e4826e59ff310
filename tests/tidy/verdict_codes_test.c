/*
 * Every code of a verdict (a text in hub/intake/ of small letters with hyphens between) stands in the table
 * of docs/protocol.md, and the table names none that there is not. Reads the sources as text.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "proto/base/buf.h"

enum { PATH_BYTES = 512, CODE_BYTES = 64, FILE_BYTES_MAX = 1 << 20, CODES_LEAST = 30 };

static void add_file(const char *path, struct mr_buf *out)
{
    char full[PATH_BYTES];
    uint8_t *room;
    FILE *file;

    (void)snprintf(full, sizeof full, "%s/%s", MR_SOURCE_DIR, path);
    file = fopen(full, "re");
    assert_non_null(file);
    room = mr_buf_reserve(out, FILE_BYTES_MAX);
    assert_non_null(room);
    out->size += fread(room, 1, FILE_BYTES_MAX, file);
    assert_true(feof(file));
    (void)fclose(file);
}

/* All of hub/intake/, one after another. */
static void read_sources(struct mr_buf *out)
{
    DIR *dir = opendir(MR_SOURCE_DIR "/hub/intake");
    const struct dirent *entry;
    char path[PATH_BYTES];

    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL) {
        size_t size = strlen(entry->d_name);

        if (size < 3 || entry->d_name[size - 2] != '.') /* neither .c nor .h */
            continue;
        (void)snprintf(path, sizeof path, "hub/intake/%s", entry->d_name);
        add_file(path, out);
    }
    (void)closedir(dir);
}

/* From the anchor to the end of the table. */
static void read_table(struct mr_buf *out)
{
    struct mr_buf page = MR_BUF_INIT;
    const char *from, *to;

    add_file("docs/protocol.md", &page);
    from = strstr(mr_buf_str(&page), "<a id=\"codes\">");
    assert_non_null(from);
    from = strstr(from, "\n|");
    assert_non_null(from);
    to = strstr(from, "\n\n");
    assert_non_null(to);
    mr_buf_put(out, from, (size_t)(to - from));
    mr_buf_fini(&page);
}

static bool has(struct mr_buf *text, char quote, const char *code, size_t size)
{
    char quoted[CODE_BYTES];

    (void)snprintf(quoted, sizeof quoted, "%c%.*s%c", quote, (int)size, code, quote);
    return strstr(mr_buf_str(text), quoted) != NULL;
}

/* small-letters-with-hyphens, up to the closing quote. 0: it is another text. */
static size_t code_size(const char *text, char quote)
{
    size_t size = strspn(text, "abcdefghijklmnopqrstuvwxyz-");

    return text[size] == quote && size > 0 && size < CODE_BYTES - 3 && text[0] != '-' && text[size - 1] != '-'
                   ? size
                   : 0;
}

static void every_code_is_in_the_table(void **state)
{
    struct mr_buf sources = MR_BUF_INIT, table = MR_BUF_INIT;
    int found = 0, problems = 0;

    (void)state;
    read_sources(&sources);
    read_table(&table);
    for (const char *at = mr_buf_str(&sources); (at = strchr(at, '"')) != NULL; at++) {
        size_t size = code_size(at + 1, '"');

        if (size == 0 || !memchr(at + 1, '-', size))
            continue;
        found++;
        if (has(&table, '`', at + 1, size))
            continue;
        print_error("docs/protocol.md does not have the code %.*s\n", (int)size, at + 1);
        problems++;
    }
    assert_true(found >= CODES_LEAST);
    assert_int_equal(problems, 0);
    mr_buf_fini(&sources);
    mr_buf_fini(&table);
}

static void the_table_has_no_other(void **state)
{
    struct mr_buf sources = MR_BUF_INIT, table = MR_BUF_INIT;
    int found = 0, problems = 0;

    (void)state;
    read_sources(&sources);
    read_table(&table);
    for (const char *at = mr_buf_str(&table); (at = strchr(at, '`')) != NULL; at++) {
        size_t size = code_size(at + 1, '`');

        if (size == 0)
            continue;
        if (strncmp(at + 1, "field", size) != 0 && strncmp(at + 1, "time", size) != 0) { /* of an event */
            found++;
            if (!has(&sources, '"', at + 1, size)) {
                print_error("no verdict has the code %.*s\n", (int)size, at + 1);
                problems++;
            }
        }
        at += size + 1;
    }
    assert_true(found >= CODES_LEAST);
    assert_int_equal(problems, 0);
    mr_buf_fini(&sources);
    mr_buf_fini(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(every_code_is_in_the_table), cmocka_unit_test(the_table_has_no_other)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
