/*
 * The house rules that a program can check: which folder may include which (ARCHITECTURE.md has the same
 * table), which library belongs to whom, file length, banned calls, marks of unfinished work. Reads the
 * sources as text.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/base/list.h"

enum { LINES_MAX = 500, PATH_BYTES = 512 };

/* Longest prefix wins. "generated": headers made from the schemas, included as "event/..." and the like. */
static const struct layer {
    const char *prefix;
    const char *may[12];
} layers[] = {
        {"proto/base/", {"proto/base/"}},
        {"proto/wire/", {"proto/base/", "proto/wire/", "generated"}},
        {"proto/loop/", {"proto/base/", "proto/loop/"}},
        {"proto/config/", {"proto/base/", "proto/config/"}},
        {"proto/alert/", {"proto/base/", "proto/loop/", "proto/config/", "proto/alert/"}},
        {"store/", {"proto/base/", "store/"}},
        {"hub/", {"proto/base/", "proto/wire/", "proto/loop/", "proto/config/", "proto/alert/", "store/",
                         "hub/", "generated"}},
        {"hub/cesql/", {"proto/base/", "proto/wire/wire.h", "hub/cesql/"}},
        {"hub/audit/", {"proto/base/", "proto/wire/", "proto/loop/", "proto/config/", "proto/alert/",
                               "store/", "hub/", "generated", "embedded/"}},
        {"hub/http/", {"proto/base/", "proto/wire/", "proto/loop/", "proto/config/", "proto/alert/", "store/",
                              "hub/", "generated", "embedded/"}},
        {"hub/tool/", {"proto/base/", "proto/wire/", "proto/loop/", "proto/config/", "proto/alert/", "store/",
                              "hub/", "adapters/sdk/", "generated"}},
        {"adapters/sdk/", {"proto/base/", "proto/wire/", "proto/loop/", "proto/config/", "proto/alert/",
                                  "store/kv.h", "adapters/sdk/", "generated"}},
        {"adapters/", {"proto/base/", "proto/wire/", "proto/loop/", "proto/config/", "proto/alert/",
                              "adapters/", "generated"}},
        {"tests/", {""}},
};

/* System headers with one home. */
static const struct {
    const char *header;
    const char *homes[5];
} libraries[] = {
        {"lmdb.h", {"store/kv", "tests/"}},
        {"zmq.h", {"proto/loop/", "hub/", "adapters/sdk/", "tests/"}},
        {"uv.h", {"proto/loop/", "hub/", "adapters/", "tests/"}},
        {"microhttpd.h", {"proto/loop/"}},
        {"curl/curl.h", {"proto/loop/", "tests/"}},
        {"cyaml/cyaml.h", {"proto/config/"}},
        {"ncurses.h", {"hub/tool/top_screen"}},
        {"minizip/zip.h", {"hub/audit/zip_write", "tests/"}},
        {"xlsxwriter.h", {"hub/project/", "hub/audit/"}},
};

static const char *const banned[] = {
        "strcpy(", "strcat(", "sprintf(", "gets(", "atoi(", "atol(", "alloca(", "strtok("};
static const char *const banned_in_programs[] = {"system(", "popen("};
static const char *const banned_in_tests[] = {"sleep(", "usleep(", "nanosleep(", "uv_sleep("};
static const char *const marks[] = {"TO"
                                    "DO",
        "FIX"
        "ME",
        "XX"
        "X",
        "HA"
        "CK"};

struct walk {
    int files;
    int problems;
};

static bool starts(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool is_word(char c)
{
    return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Does the line call exactly this function (not one whose name only ends so)? */
static bool calls(const char *line, const char *call)
{
    for (const char *p = strstr(line, call); p; p = strstr(p + 1, call))
        if (p == line || !is_word(p[-1]))
            return true;
    return false;
}

/* The word alone: XXXXXX of mkstemp() and XXX-XXX of a number's form are none. */
static bool has_word(const char *line, const char *word)
{
    size_t n = strlen(word);

    for (const char *p = strstr(line, word); p; p = strstr(p + 1, word))
        if ((p == line || (!is_word(p[-1]) && p[-1] != '-')) && !is_word(p[n]) && p[n] != '-')
            return true;
    return false;
}

static void problem(struct walk *walk, const char *path, int line, const char *what, const char *which)
{
    print_error("%s:%d: %s %s\n", path, line, what, which);
    walk->problems++;
}

static const struct layer *layer_of(const char *path)
{
    const struct layer *best = NULL;

    for (size_t i = 0; i < MR_COUNT(layers); i++)
        if (starts(path, layers[i].prefix) && (!best || strlen(layers[i].prefix) > strlen(best->prefix)))
            best = &layers[i];
    return best;
}

static bool is_generated(const char *header)
{
    return strstr(header, ".pb-c.h") != NULL;
}

static void check_own_include(struct walk *walk, const char *path, int line, const char *header)
{
    const struct layer *layer = layer_of(path);

    for (size_t i = 0; layer && i < MR_COUNT(layer->may) && layer->may[i]; i++)
        if (strcmp(layer->may[i], "generated") == 0 ? is_generated(header) : starts(header, layer->may[i]))
            return;
    problem(walk, path, line, "may not include", header);
}

/* An adapter may use the SDK and its own folder, not another adapter's. */
static void check_neighbour(struct walk *walk, const char *path, int line, const char *header)
{
    const char *end = strchr(path + strlen("adapters/"), '/');

    if (starts(header, "adapters/") && !starts(header, "adapters/sdk/") &&
            (!end || strncmp(header, path, (size_t)(end - path) + 1) != 0))
        problem(walk, path, line, "may not include another adapter:", header);
}

static void check_library(struct walk *walk, const char *path, int line, const char *header)
{
    for (size_t i = 0; i < MR_COUNT(libraries); i++) {
        bool home = false;

        if (strcmp(header, libraries[i].header) != 0)
            continue;
        for (size_t j = 0; j < MR_COUNT(libraries[i].homes) && libraries[i].homes[j]; j++)
            home = home || starts(path, libraries[i].homes[j]);
        if (!home)
            problem(walk, path, line, "is no home of", header);
    }
}

static void check_include(struct walk *walk, const char *path, int line, const char *text)
{
    char header[PATH_BYTES];

    if (sscanf(text, "#include \"%500[^\"]\"", header) == 1) {
        check_own_include(walk, path, line, header);
        if (starts(path, "adapters/") && !starts(path, "adapters/sdk/"))
            check_neighbour(walk, path, line, header);
    } else if (sscanf(text, "#include <%500[^>]>", header) == 1) {
        check_library(walk, path, line, header);
    }
}

static void check_line(struct walk *walk, const char *path, int line, const char *text)
{
    bool test = starts(path, "tests/");

    if (starts(text, "#include")) {
        check_include(walk, path, line, text);
        return;
    }
    if (starts(path, "tests/tidy/"))
        return;
    for (size_t i = 0; i < MR_COUNT(banned); i++)
        if (calls(text, banned[i]))
            problem(walk, path, line, "calls the banned", banned[i]);
    for (size_t i = 0; !test && i < MR_COUNT(banned_in_programs); i++)
        if (calls(text, banned_in_programs[i]))
            problem(walk, path, line, "calls the banned", banned_in_programs[i]);
    for (size_t i = 0; test && i < MR_COUNT(banned_in_tests); i++)
        if (calls(text, banned_in_tests[i]))
            problem(walk, path, line, "a test waits for a condition, never for time:", banned_in_tests[i]);
    for (size_t i = 0; i < MR_COUNT(marks); i++)
        if (has_word(text, marks[i]))
            problem(walk, path, line, "unfinished work is an issue, not a mark:", marks[i]);
}

static void check_file(struct walk *walk, const char *path)
{
    char full[PATH_BYTES * 2];
    char *text = NULL;
    size_t capacity = 0;
    int line = 0;
    FILE *file;

    (void)snprintf(full, sizeof full, "%s/%s", MR_SOURCE_DIR, path);
    file = fopen(full, "re");
    assert_non_null(file);
    while (getline(&text, &capacity, file) >= 0)
        check_line(walk, path, ++line, text);
    if (line > LINES_MAX)
        problem(walk, path, line, "longer than 500 lines", "");
    free(text);
    (void)fclose(file);
    walk->files++;
}

static bool is_source(const char *name)
{
    size_t n = strlen(name);

    return n > 2 && name[n - 2] == '.' && (name[n - 1] == 'c' || name[n - 1] == 'h');
}

static void walk_folder(struct walk *walk, const char *folder)
{
    char full[PATH_BYTES * 2];
    struct dirent *entry;
    DIR *dir;

    (void)snprintf(full, sizeof full, "%s/%s", MR_SOURCE_DIR, folder);
    dir = opendir(full);
    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL) {
        char path[PATH_BYTES];

        if (entry->d_name[0] == '.' || strcmp(entry->d_name, "node_modules") == 0)
            continue;
        if (snprintf(path, sizeof path, "%s%s", folder, entry->d_name) >= (int)sizeof path - 1)
            continue;
        if (entry->d_type == DT_DIR) {
            (void)strncat(path, "/", sizeof path - strlen(path) - 1);
            walk_folder(walk, path);
        } else if (is_source(entry->d_name)) {
            check_file(walk, path);
        }
    }
    (void)closedir(dir);
}

static void test_tree_follows_the_rules(void **state)
{
    static const char *const folders[] = {"proto/", "store/", "hub/", "adapters/", "tests/"};
    struct walk walk = {0};

    (void)state;
    for (size_t i = 0; i < MR_COUNT(folders); i++)
        walk_folder(&walk, folders[i]);
    assert_true(walk.files > 50);
    assert_int_equal(walk.problems, 0);
}

static void test_the_checks_find_what_they_should(void **state)
{
    static const struct {
        const char *path;
        const char *text;
        int want;
    } cases[] = {
            {"hub/x.c", "#include <lmdb.h>", 1},
            {"hub/x.c", "#include \"adapters/sdk/adapter.h\"", 1},
            {"hub/tool/x.c", "#include \"adapters/sdk/map.h\"", 0},
            {"adapters/school/x.c", "#include \"hub/house.h\"", 1},
            {"adapters/school/x.c", "#include \"adapters/portal/x.h\"", 1},
            {"adapters/school/x.c", "#include \"adapters/school/x.h\"", 0},
            {"adapters/sdk/x.c", "#include \"store/log.h\"", 1},
            {"adapters/sdk/x.c", "#include \"store/kv.h\"", 0},
            {"store/x.c", "#include \"event/person.pb-c.h\"", 1},
            {"proto/base/x.c", "#include \"proto/wire/codec.h\"", 1},
            {"hub/x.c", "    strcpy(a, b);", 1},
            {"hub/x.c", "    mr_strcpy(a, b);", 0},
            {"tests/x.c", "    usleep(5);", 1},
            {"hub/x.c",
                    "/* TO"
                    "DO later */",
                    1},
    };

    (void)state;
    for (size_t i = 0; i < MR_COUNT(cases); i++) {
        struct walk walk = {0};

        check_line(&walk, cases[i].path, 1, cases[i].text);
        if ((walk.problems > 0) != (cases[i].want > 0))
            fail_msg("case %zu: %s in %s", i, cases[i].text, cases[i].path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_the_checks_find_what_they_should),
            cmocka_unit_test(test_tree_follows_the_rules),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
