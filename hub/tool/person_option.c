#include "hub/tool/person_option.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/list.h"

enum { SECRET_BYTES_MAX = 300, ID_DIGITS = 32 };

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

static const char *const identifiers[] = {"snils", "person", "local_id"};

/* A second one would win or lose in silence. */
static void note_identifier(json_t *arguments)
{
    for (size_t i = 0; i < MR_COUNT(identifiers); i++)
        if (json_object_get(arguments, identifiers[i]))
            (void)json_object_set_new(arguments, "several", json_true());
}

/* Two values behind it; what begins with "--" is the next option. */
static void take_local(json_t *arguments, int argc, char **argv, int *i)
{
    static const char *const names[] = {"system", "local_id"};

    for (size_t k = 0; k < MR_COUNT(names); k++) {
        bool given = *i + 1 < argc && strncmp(argv[*i + 1], "--", 2) != 0;

        tool_set_text(arguments, names[k], given ? argv[++*i] : "");
    }
}

bool tool_person_option(json_t *arguments, int argc, char **argv, int *i)
{
    if (strcmp(argv[*i], "--local") == 0) {
        note_identifier(arguments);
        take_local(arguments, argc, argv, i);
        return true;
    }
    if (*i + 1 >= argc || (strcmp(argv[*i], "--snils") != 0 && strcmp(argv[*i], "--person") != 0))
        return false;
    note_identifier(arguments);
    tool_set_text(arguments, argv[*i] + 2, argv[*i + 1]);
    ++*i;
    return true;
}

static bool is_empty(const json_t *arguments, const char *name)
{
    const char *text = json_string_value(json_object_get(arguments, name));

    return text && !*text;
}

const char *tool_person_wrong(const json_t *arguments)
{
    const char *id = json_string_value(json_object_get(arguments, "person"));

    if (json_object_get(arguments, "several"))
        return TOOL_PERSON_ONE;
    if (is_empty(arguments, "system") || is_empty(arguments, "local_id"))
        return "--local needs SYSTEM and ID";
    if (id && (strlen(id) != ID_DIGITS || strspn(id, "0123456789abcdefABCDEF") != ID_DIGITS))
        return "not a person id: 32 hex digits";
    return NULL;
}
