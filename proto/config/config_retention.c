/* Terms of the classes of events. */
#include <stdio.h>
#include <string.h>

#include "proto/config/config_check.h"

enum { DAYS_MAX = 36500 };

static bool names(const struct mr_config_retention_class *class_, const char *type)
{
    for (uint32_t i = 0; i < class_->types_count; i++) {
        const char *name = class_->types[i];
        size_t size = strlen(name);

        if (size > 0 && name[size - 1] == '.' ? strncmp(type, name, size) == 0 : strcmp(type, name) == 0)
            return true;
    }
    return false;
}

uint32_t mr_config_keep_days(const struct mr_config *config, const char *type, uint32_t *ret_class)
{
    const struct mr_config_retention *retention = &config->retention;
    uint32_t i = 0;

    while (i < retention->classes_count && !names(&retention->classes[i], type))
        i++;
    *ret_class = i;
    return i < retention->classes_count ? retention->classes[i].keep_days : retention->default_days;
}

static int fail(struct mr_config_yaml *yaml, const char *path, const char *what, const char *cure,
        struct mr_error *reterr)
{
    char where[192];

    mr_config_yaml_where(yaml, path, where, sizeof where);
    return mr_error_set(reterr, MR_ECONFIG, where, cure, "%s: %s", path, what);
}

static bool is_type(const char *text)
{
    size_t size = strlen(text);

    return size >= 1 && size <= 128 && text[0] != '.' &&
           strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789._-") == size;
}

static int check_class(const struct mr_config_retention_class *class_, uint32_t index,
        struct mr_config_yaml *yaml, struct mr_error *reterr)
{
    char path[64];

    (void)snprintf(path, sizeof path, "retention.classes[%u].types", (unsigned)index);
    if (class_->types_count == 0)
        return fail(yaml, path, "no types", "name at least one, such as \"nms.programme.\"", reterr);
    for (uint32_t i = 0; i < class_->types_count; i++) {
        (void)snprintf(path, sizeof path, "retention.classes[%u].types[%u]", (unsigned)index, (unsigned)i);
        if (!is_type(class_->types[i]))
            return fail(yaml, path, "not an event type",
                    "a type name, or the beginning of one that ends in '.'", reterr);
    }
    (void)snprintf(path, sizeof path, "retention.classes[%u].keep_days", (unsigned)index);
    return class_->keep_days <= DAYS_MAX
                   ? 0
                   : fail(yaml, path, "out of range", "days, at most 36500; 0: without term", reterr);
}

int mr_config_check_retention(
        const struct mr_config *config, struct mr_config_yaml *yaml, struct mr_error *reterr)
{
    const struct mr_config_retention *retention = &config->retention;
    int r = 0;

    if (retention->default_days > DAYS_MAX)
        return fail(yaml, "retention.default_days", "out of range", "days, at most 36500; 0: without term",
                reterr);
    for (uint32_t i = 0; r == 0 && i < retention->classes_count; i++)
        r = check_class(&retention->classes[i], i, yaml, reterr);
    return r;
}
