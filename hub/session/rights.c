#include "hub/session/rights.h"

#include <stdio.h>
#include <string.h>

#include "proto/wire/registry.h"

static bool names_a_type(const char *entry)
{
    size_t size = strlen(entry);

    if (entry[size - 1] != '.')
        return mr_registry_find(entry, size) != NULL;
    for (size_t i = 0; i < mr_registry_count(); i++)
        if (strncmp(mr_registry_at(i)->name, entry, size) == 0)
            return true;
    return false;
}

void mr_rights_terms(const struct mr_config *config, const char *file,
        void (*warn)(void *ctx, const struct mr_error *warning), void *ctx)
{
    const struct mr_config_retention *retention = &config->retention;

    for (uint32_t i = 0; i < retention->classes_count; i++)
        for (uint32_t j = 0; j < retention->classes[i].types_count; j++) {
            char path[64], where[192];
            struct mr_error warning = {0};

            if (names_a_type(retention->classes[i].types[j]))
                continue;
            (void)snprintf(path, sizeof path, "retention.classes[%u].types[%u]", (unsigned)i, (unsigned)j);
            mr_config_where(config, file, path, where, sizeof where);
            (void)mr_error_set(&warning, MR_ENOTFOUND, where,
                    "marshrut types lists them; one that ends in '.' is a beginning",
                    "%s: no event type is, or begins with, \"%.80s\"", path, retention->classes[i].types[j]);
            warn(ctx, &warning);
        }
}

int mr_rights_check(const struct mr_config *config, const char *file, struct mr_error *reterr)
{
    for (uint32_t i = 0; i < config->systems_count; i++) {
        const struct mr_config_system *system = &config->systems[i];

        for (uint32_t j = 0; j < system->publish_count; j++) {
            char path[64], where[192];

            if (names_a_type(system->publish[j]))
                continue;
            (void)snprintf(path, sizeof path, "systems[%u].publish[%u]", (unsigned)i, (unsigned)j);
            mr_config_where(config, file, path, where, sizeof where);
            return mr_error_set(reterr, MR_ECONFIG, where,
                    "a type's whole name with its version, or a beginning that ends in '.', such as "
                    "nms.course.",
                    "%s: no event type is, or begins with, \"%.80s\"", path, system->publish[j]);
        }
    }
    return 0;
}
