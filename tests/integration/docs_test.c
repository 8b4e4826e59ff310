/* Documentation that programs make is what the programs make now. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { BYTES_MAX = 1024 * 1024 };

static char *read_stream(FILE *file)
{
    char *text = calloc(1, BYTES_MAX);

    assert_non_null(text);
    assert_non_null(file);
    text[fread(text, 1, BYTES_MAX - 1, file)] = 0;
    return text;
}

static void event_types_are_documented(void **state)
{
    FILE *page = fopen(MR_SOURCE_DIR "/docs/events.md", "re");
    FILE *tool = popen(MR_BIN_DIR "/marshrut types --markdown", "r");
    char *want = read_stream(tool);
    char *have = read_stream(page);

    (void)state;
    (void)fclose(page);
    assert_int_equal(pclose(tool), 0);
    if (strcmp(have, want) != 0)
        fail_msg("docs/events.md is behind: marshrut types --markdown > docs/events.md");
    free(want);
    free(have);
}

static void programs_say_their_version(void **state)
{
    static const char *const programs[] = {"marshrut", "marshrutd", "marshrut-school", "mr-demo"};

    (void)state;
    for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++) {
        char command[512];
        FILE *program;
        char *text;

        (void)snprintf(command, sizeof command, "%s/%s --version", MR_BIN_DIR, programs[i]);
        program = popen(command, "r");
        text = read_stream(program);
        assert_int_equal(pclose(program), 0);
        assert_non_null(strstr(text, MR_VERSION));
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(event_types_are_documented), cmocka_unit_test(programs_say_their_version)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
