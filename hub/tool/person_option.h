/* Options that name a person: --snils N, --person ID, --local SYSTEM ID. "-" reads a value from standard
 * input. */
#ifndef MR_HUB_TOOL_PERSON_OPTION_H
#define MR_HUB_TOOL_PERSON_OPTION_H

#include <jansson.h>
#include <stdbool.h>

/* Takes the option at argv[*i] with its values into the arguments; false: it is another one. */
bool tool_person_option(json_t *arguments, int argc, char **argv, int *i);
/* When all options are taken: what is wrong with them, or NULL. Names no value. */
const char *tool_person_wrong(const json_t *arguments);
#define TOOL_PERSON_ONE "give one of --snils, --local and --person"
/* text, or a line of standard input when it is "-": so that it stands in no history and no list of processes.
 */
void tool_set_text(json_t *arguments, const char *name, const char *text);

#endif
