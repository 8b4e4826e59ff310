#include "tests/support/golden.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/sdk/file.h"
#include "proto/base/list.h"

enum { GOLDEN_BYTES_MAX = 1 << 20 };

static const struct {
    const char *pattern;
    const char *with;
} varying[] = {
        {"20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(\\.[0-9]+)?Z", "TIME"},
        {"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "UUID"},
        {"[0-9a-f]{64}", "SHA256"},
        {"[0-9a-f]{32}", "HEX16"},
        {"[A-Za-z0-9+/]{43}=", "BASE64-32"},
        {"127\\.0\\.0\\.1:[0-9]+", "127.0.0.1:PORT"},
};

static void replace_all(struct mr_buf *text, const char *pattern, const char *with)
{
    struct mr_buf out = MR_BUF_INIT;
    const char *at = mr_buf_str(text);
    regmatch_t match;
    regex_t regex;

    assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED), 0);
    while (regexec(&regex, at, 1, &match, 0) == 0 && match.rm_eo > match.rm_so) {
        mr_buf_put(&out, at, (size_t)match.rm_so);
        mr_buf_put_str(&out, with);
        at += match.rm_eo;
    }
    mr_buf_put_str(&out, at);
    regfree(&regex);
    mr_buf_fini(text);
    *text = out;
    assert_non_null(mr_buf_str(text));
}

/* dir has no character that means something to a regex but dots and dashes. */
static void normalise(struct mr_buf *out, const char *text, const char *dir)
{
    mr_buf_put_str(out, text);
    if (dir)
        replace_all(out, dir, "DIR");
    for (size_t i = 0; i < MR_COUNT(varying); i++)
        replace_all(out, varying[i].pattern, varying[i].with);
}

static void write_golden(const char *path, struct mr_slice text)
{
    char dir[512];
    char *slash;

    (void)snprintf(dir, sizeof dir, "%s", path);
    slash = strrchr(dir, '/');
    *slash = 0;
    assert_int_equal(mr_file_make_dirs(dir), 0);
    assert_int_equal(mr_file_write(dir, slash + 1, text, 0644), 0);
}

static void fail_at_difference(const char *name, const char *have, const char *want)
{
    int line = 1;
    size_t begin = 0;

    for (size_t i = 0; have[i] == want[i]; i++)
        if (have[i] == '\n') {
            line++;
            begin = i + 1;
        }
    print_error("%s\n", have);
    fail_msg("tests/golden/%s, line %d:\n  expected: %.*s\n  came:     %.*s\nMR_UPDATE_GOLDEN=1 writes it "
             "anew",
            name, line, (int)strcspn(want + begin, "\n"), want + begin, (int)strcspn(have + begin, "\n"),
            have + begin);
}

void golden_expect(const char *name, const char *text, const char *dir)
{
    const char *update = getenv("MR_UPDATE_GOLDEN");
    struct mr_buf have = MR_BUF_INIT, want = MR_BUF_INIT;
    char path[512];

    (void)snprintf(path, sizeof path, "%s/tests/golden/%s", MR_SOURCE_DIR, name);
    normalise(&have, text, dir);
    if (update && strcmp(update, "1") == 0)
        write_golden(path, mr_buf_slice(&have));
    if (mr_file_read(path, GOLDEN_BYTES_MAX, &want) < 0)
        fail_msg("no tests/golden/%s; MR_UPDATE_GOLDEN=1 writes it", name);
    assert_true(mr_buf_str(&want) && mr_buf_str(&have));
    if (strcmp(mr_buf_str(&have), mr_buf_str(&want)) != 0)
        fail_at_difference(name, mr_buf_str(&have), mr_buf_str(&want));
    mr_buf_fini(&have);
    mr_buf_fini(&want);
}
