#include "adapters/sdk/codes.h"

#include <stdio.h>
#include <string.h>

static const struct mr_config_codelist *list_of(const struct mr_config *config, const char *name)
{
    for (uint32_t i = 0; i < config->codelists_count; i++)
        if (strcmp(config->codelists[i].name, name) == 0)
            return &config->codelists[i];
    return NULL;
}

char *mr_codes_cure(const struct mr_config *config, const char *list_name, char *out, size_t out_size)
{
    const struct mr_config_codelist *list = list_of(config, list_name);
    size_t n;

    if (!list || list->values_count == 0) {
        (void)snprintf(out, out_size, "возьмите значение из справочника региона");
        return out;
    }
    (void)snprintf(out, out_size, "допустимо");
    for (uint32_t i = 0; i < list->values_count; i++) {
        const struct mr_config_code *code = &list->values[i];
        const char *title = code->title && *code->title ? code->title : code->code;

        n = strlen(out);
        if (n + strlen(title) + 16 > out_size) {
            (void)snprintf(out + n, out_size - n, " и др.");
            break;
        }
        (void)snprintf(out + n, out_size - n, "%s%s", i == 0 ? ": " : ", ", title);
    }
    return out;
}
