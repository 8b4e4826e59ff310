/*
 * Every event that a program logs stands in the table of docs/operations.md, and the table names none that
 * there is not. Reads the sources as text.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/base/buf.h"
#include "proto/base/list.h"

enum { PATH_BYTES = 512, NAME_BYTES = 64, NAMES_MAX = 512 };

/* Calls that log, and which argument is the event. */
static const struct {
    const char *call;
    int argument;
} calls[] = {{"mr_debug(", 0}, {"mr_info(", 0}, {"mr_warn(", 0}, {"mr_err(", 0}, {"mr_logfmt_write(", 1},
        {"mr_intake_log(", 1}};

/* Where the event is a variable: its values, which stand in that file. */
static const struct {
    const char *file;
    const char *names[6];
} variables[] = {
        {"hub/main.c", {"config.invalid", "hub.start_failed"}},
        {"adapters/sdk/web.c", {"post.refused", "post.quarantined"}},
        {"adapters/sdk/intake_answer.c", {NULL}}, /* mr_intake_log() itself */
};

struct names {
    char list[NAMES_MAX][NAME_BYTES];
    size_t count;
    int problems;
};

static bool has(const struct names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->list[i], name) == 0)
            return true;
    return false;
}

static void add(struct names *names, const char *name, size_t size)
{
    char text[NAME_BYTES];

    assert_true(size > 0 && size < NAME_BYTES);
    (void)snprintf(text, sizeof text, "%.*s", (int)size, name);
    if (has(names, text))
        return;
    assert_true(names->count < NAMES_MAX);
    memcpy(names->list[names->count++], text, sizeof text);
}

static void read_text(const char *path, struct mr_buf *ret)
{
    char full[PATH_BYTES];
    FILE *file;
    size_t n;

    (void)snprintf(full, sizeof full, "%s/%s", MR_SOURCE_DIR, path);
    file = fopen(full, "re");
    assert_non_null(file);
    mr_buf_reset(ret);
    do {
        uint8_t *room = mr_buf_reserve(ret, 65536);

        assert_non_null(room);
        n = fread(room, 1, 65536, file);
        ret->size += n;
    } while (n > 0);
    (void)fclose(file);
    assert_non_null(mr_buf_str(ret));
}

/* The end of the argument that begins here: a comma or bracket of the call itself. */
static const char *argument_end(const char *at)
{
    int depth = 0;

    for (; *at; at++) {
        if (*at == '"')
            at += strcspn(at + 1, "\"") + 1;
        else if (*at == '(')
            depth++;
        else if (depth == 0 && (*at == ',' || *at == ')'))
            return at;
        else if (*at == ')')
            depth--;
    }
    return at;
}

/* Texts within an argument that have a dot: "ok ? "a.b" : "a.c"". How many. */
static int take_names(struct names *names, const char *at, const char *end)
{
    int found = 0;

    while (at < end && (at = memchr(at, '"', (size_t)(end - at))) != NULL) {
        size_t size = strcspn(at + 1, "\"");

        if (memchr(at + 1, '.', size)) {
            add(names, at + 1, size);
            found++;
        }
        at += size + 2;
    }
    return found;
}

static bool is_variable(struct names *names, const char *path, const char *text)
{
    for (size_t i = 0; i < MR_COUNT(variables); i++) {
        if (strcmp(variables[i].file, path) != 0)
            continue;
        for (size_t j = 0; j < MR_COUNT(variables[i].names) && variables[i].names[j]; j++) {
            assert_non_null(strstr(text, variables[i].names[j]));
            add(names, variables[i].names[j], strlen(variables[i].names[j]));
        }
        return true;
    }
    return false;
}

/* Declarations and definitions have types where calls have values. */
static bool is_declaration(const char *argument)
{
    return strncmp(argument, "const ", 6) == 0 || strncmp(argument, "enum ", 5) == 0 || argument[0] == '.';
}

static void check_calls(struct names *names, const char *path, const char *text)
{
    for (size_t i = 0; i < MR_COUNT(calls); i++)
        for (const char *at = text; (at = strstr(at, calls[i].call)) != NULL;) {
            const char *argument = at += strlen(calls[i].call);

            if (is_declaration(argument))
                continue;
            for (int skipped = 0; skipped < calls[i].argument; skipped++)
                argument = argument_end(argument) + 1;
            if (take_names(names, argument, argument_end(argument)) == 0 && !is_variable(names, path, text)) {
                print_error("%s: the event of a call of %s is neither a text nor in variables[] here\n", path,
                        calls[i].call);
                names->problems++;
            }
        }
}

/* A line that is written where nothing may be called. */
static void check_raw(struct names *names, const char *text)
{
    static const char mark[] = "\"level=error event=";

    for (const char *at = text; (at = strstr(at, mark)) != NULL;) {
        at += sizeof mark - 1;
        add(names, at, strcspn(at, " \""));
    }
}

static void walk(struct names *names, const char *folder, struct mr_buf *text)
{
    char full[PATH_BYTES];
    struct dirent *entry;
    DIR *dir;

    (void)snprintf(full, sizeof full, "%s/%s", MR_SOURCE_DIR, folder);
    dir = opendir(full);
    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL) {
        char path[PATH_BYTES];
        size_t size = strlen(entry->d_name);

        if (entry->d_name[0] == '.')
            continue;
        (void)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (entry->d_type == DT_DIR) {
            walk(names, path, text);
        } else if (size > 2 && strcmp(entry->d_name + size - 2, ".c") == 0 &&
                   strcmp(path, "proto/base/logfmt.c") != 0) {
            read_text(path, text);
            check_calls(names, path, mr_buf_str(text));
            check_raw(names, mr_buf_str(text));
        }
    }
    (void)closedir(dir);
}

static void find_in_sources(struct names *names)
{
    static const char *const roots[] = {"proto", "store", "hub", "adapters"};
    struct mr_buf text = MR_BUF_INIT;

    for (size_t i = 0; i < MR_COUNT(roots); i++)
        walk(names, roots[i], &text);
    mr_buf_fini(&text);
}

/* The names in the first column of the table below "## Log lines". "`a.b why=x`" is a.b. */
static void find_in_document(struct names *names)
{
    struct mr_buf text = MR_BUF_INIT;
    const char *row, *end;

    read_text("docs/operations.md", &text);
    row = strstr(mr_buf_str(&text), "\n## Log lines\n");
    assert_non_null(row);
    end = strstr(row + 1, "\n## ");
    assert_non_null(end);
    while ((row = strstr(row, "\n| `")) != NULL && row < end) {
        const char *cell = row + 4, *cell_end = strstr(cell, " | ");

        assert_non_null(cell_end);
        while (cell && cell < cell_end) {
            size_t size = strcspn(cell, "` ");

            add(names, cell, size);
            cell = strchr(strchr(cell, '`') + 1, '`');
            cell += cell != NULL;
        }
        row = cell_end;
    }
    mr_buf_fini(&text);
}

static int missing(const struct names *names, const struct names *in, const char *where)
{
    int n = 0;

    for (size_t i = 0; i < names->count; i++)
        if (!has(in, names->list[i])) {
            print_error("%s is not in %s\n", names->list[i], where);
            n++;
        }
    return n;
}

static void every_event_has_its_row(void **state)
{
    static struct names sources, document;

    (void)state;
    find_in_sources(&sources);
    find_in_document(&document);
    assert_true(sources.count > 80);
    assert_int_equal(sources.problems, 0);
    assert_int_equal(missing(&sources, &document, "the table of log lines of docs/operations.md") +
                             missing(&document, &sources, "the sources"),
            0);
}

/* The check finds what it should. */
static void it_finds_names(void **state)
{
    static struct names names;

    (void)state;
    check_calls(&names, "x.c",
            "mr_warn(\"a.b\", \"x.y\", z); mr_logfmt_write(f(1, 2), ok ? \"c.d\" : \"e.f\", q);");
    assert_int_equal(names.count, 3);
    assert_true(has(&names, "a.b") && has(&names, "c.d") && has(&names, "e.f"));
    assert_int_equal(names.problems, 0);
    check_calls(&names, "x.c", "mr_err(event, \"x.y\", z);");
    assert_int_equal(names.problems, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(it_finds_names),
            cmocka_unit_test(every_event_has_its_row),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
