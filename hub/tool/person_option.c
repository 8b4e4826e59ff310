#include "hub/tool/person_option.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SECRET_BYTES_MAX = 300 };

static char *read_line(void)
{
    char *line = calloc(1, SECRET_BYTES_MAX);

    if (line && !fgets(line, SECRET_BYTES_MAX, stdin))
        line[0] = '\0';
    if (line)
        line[strcspn(line, "\r\n")] = '\0';
    return line;
}

void tool_set_text(json_t *arguments, const char *name, const char *text)
{
    char *line = strcmp(text, "-") == 0 ? read_line() : NULL;

    (void)json_object_set_new(arguments, name, json_string(line ? line : text));
    if (line)
        explicit_bzero(line, strlen(line));
    free(line);
}

bool tool_person_option(json_t *arguments, int argc, char **argv, int *i)
{
    if (strcmp(argv[*i], "--local") == 0 && *i + 2 < argc) {
        tool_set_text(arguments, "system", argv[++*i]);
        tool_set_text(arguments, "local_id", argv[++*i]);
        return true;
    }
    if (*i + 1 >= argc || (strcmp(argv[*i], "--snils") != 0 && strcmp(argv[*i], "--person") != 0))
        return false;
    tool_set_text(arguments, argv[*i] + 2, argv[*i + 1]);
    ++*i;
    return true;
}
