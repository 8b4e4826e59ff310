#include "hub/intake/staffof.h"

#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b)
{
    const struct mr_employment *x = a;
    const struct mr_employment *y = b;
    int by_system = strcmp(x->system, y->system);

    return by_system ? by_system : strcmp(x->org, y->org);
}

void mr_staffof_put(struct mr_buf *out, struct mr_employment *employments, size_t count)
{
    const struct mr_employment *last = NULL;

    qsort(employments, count, sizeof *employments, compare);
    for (size_t i = 0; i < count; i++) {
        const struct mr_employment *one = &employments[i];

        if (!one->active || (last && compare(last, one) == 0))
            continue;
        if (last && strcmp(last->system, one->system) == 0)
            mr_buf_printf(out, ",%s", one->org);
        else
            mr_buf_printf(out, "%s%s=%s", last ? ";" : "", one->system, one->org);
        last = one;
    }
}

struct mr_slice mr_staffof_of(const char *text, const char *system)
{
    size_t size = strlen(system);

    while (text && *text) {
        size_t part = strcspn(text, ";");

        if (part > size && strncmp(text, system, size) == 0 && text[size] == '=')
            return mr_slice(text + size + 1, part - size - 1);
        text += part + (text[part] == ';');
    }
    return (struct mr_slice){0};
}
