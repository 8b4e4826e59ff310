#include "hub/intake/annul.h"

#include <string.h>

bool mr_source_within(const char *own, const char *source)
{
    size_t size = own ? strlen(own) : 0;

    if (size == 0 || !source || strncmp(source, own, size) != 0)
        return false;
    return source[size] == '\0' || source[size] == ':' || source[size] == '/';
}

static bool is_operator(const struct mr_config *config, const char *name)
{
    for (uint32_t i = 0; name && *name && i < config->operators_count; i++)
        if (strcmp(config->operators[i].name, name) == 0)
            return true;
    return false;
}

bool mr_annul_by_two(const struct mr_config *config, const char *actor, const char *second_actor)
{
    return is_operator(config, actor) && is_operator(config, second_actor) &&
           strcmp(actor, second_actor) != 0;
}
