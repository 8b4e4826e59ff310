#include "adapters/sdk/map.h"

#include <string.h>

#include "proto/base/list.h"

enum { HEAD_LINES = 5 };

static const struct mr_mapper *const mappers[] = {&mr_school_mapper, &mr_copmkp_mapper, &mr_cnppm_mapper};

const struct mr_mapper *mr_mapper_at(size_t index)
{
    return index < MR_COUNT(mappers) ? mappers[index] : NULL;
}

const struct mr_mapper *mr_mapper_by_kind(const char *kind)
{
    for (size_t i = 0; i < MR_COUNT(mappers); i++)
        if (strcmp(mappers[i]->kind, kind) == 0)
            return mappers[i];
    return NULL;
}

static const struct mr_mapper *surest(const char *name, struct mr_slice content)
{
    const struct mr_mapper *best = NULL;
    int best_sure = 0;

    for (size_t i = 0; i < MR_COUNT(mappers); i++) {
        int sure = mappers[i]->guess(name, content);

        if (sure > best_sure) {
            best = mappers[i];
            best_sure = sure;
        }
    }
    return best;
}

/* A table that is broken further down is known by its first lines. */
const struct mr_mapper *mr_mapper_guess(const char *name, struct mr_slice content)
{
    const struct mr_mapper *best = surest(name, content);
    size_t end = 0;

    for (int i = 0; !best && i < HEAD_LINES; i++) {
        const uint8_t *line =
                end < content.size ? memchr(content.data + end, '\n', content.size - end) : NULL;

        if (!line)
            break;
        end = (size_t)(line - content.data) + 1;
        best = surest(name, mr_slice(content.data, end));
    }
    return best;
}
