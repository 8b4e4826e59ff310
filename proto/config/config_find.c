/* Questions to a loaded configuration. */
#include <stdlib.h>
#include <string.h>

#include "proto/base/buf.h"
#include "proto/config/config.h"

const struct mr_config_system *mr_config_system(const struct mr_config *config, const char *name)
{
    for (uint32_t i = 0; i < config->systems_count; i++)
        if (strcmp(config->systems[i].name, name) == 0)
            return &config->systems[i];
    return NULL;
}

const struct mr_config_system *mr_config_system_of_key(const struct mr_config *config, const char *public_key)
{
    for (uint32_t i = 0; i < config->systems_count; i++)
        if (strcmp(config->systems[i].public_key, public_key) == 0)
            return &config->systems[i];
    return NULL;
}

const struct mr_config_subscription *mr_config_subscription(const struct mr_config *config, const char *name)
{
    for (uint32_t i = 0; i < config->subscriptions_count; i++)
        if (strcmp(config->subscriptions[i].name, name) == 0)
            return &config->subscriptions[i];
    return NULL;
}

bool mr_config_may_publish(const struct mr_config_system *system, const char *type)
{
    for (uint32_t i = 0; i < system->publish_count; i++) {
        const char *entry = system->publish[i];
        size_t size = strlen(entry);

        if (entry[size - 1] == '.' ? strncmp(type, entry, size) == 0 : strcmp(type, entry) == 0)
            return true;
    }
    return false;
}

bool mr_config_speaks_for(
        const struct mr_config *config, const struct mr_config_system *system, const char *region)
{
    if (system->regions_count == 0)
        return strcmp(config->region, region) == 0;
    for (uint32_t i = 0; i < system->regions_count; i++)
        if (strcmp(system->regions[i], region) == 0)
            return true;
    return false;
}

static const struct mr_config_codelist *list_of(const struct mr_config *config, const char *name)
{
    for (uint32_t i = 0; i < config->codelists_count; i++)
        if (strcmp(config->codelists[i].name, name) == 0)
            return &config->codelists[i];
    return NULL;
}

static const struct mr_config_code *code_of(const struct mr_config_codelist *list, const char *code)
{
    for (uint32_t i = 0; list && i < list->values_count; i++)
        if (strcmp(list->values[i].code, code) == 0)
            return &list->values[i];
    return NULL;
}

bool mr_config_code_known(const struct mr_config *config, const char *list_name, const char *value)
{
    const struct mr_config_codelist *list = list_of(config, list_name);

    return !list || code_of(list, value);
}

const char *mr_config_code_title(const struct mr_config *config, const char *list_name, const char *code)
{
    const struct mr_config_code *found = code_of(list_of(config, list_name), code);

    return found && found->title[0] ? found->title : code;
}

/* One small letter for a small Cyrillic, a capital one and the Latin one that looks the same. */
static uint32_t fold_letter(uint32_t letter)
{
    static const char latin[] = "abcehkmoptxy";
    static const uint16_t cyrillic[] = {
            0x430, 0x432, 0x441, 0x435, 0x43d, 0x43a, 0x43c, 0x43e, 0x440, 0x442, 0x445, 0x443};
    const char *same;

    if (letter >= 'A' && letter <= 'Z')
        letter += 'a' - 'A';
    if (letter >= 0x410 && letter <= 0x42f)
        letter += 0x20;
    if (letter == 0x401 || letter == 0x451)
        letter = 0x435;
    same = letter > 0 && letter < 0x80 ? strchr(latin, (int)letter) : NULL;
    return same ? cyrillic[same - latin] : letter;
}

/* Next letter of UTF-8 text (two-byte forms are all that needs folding; others pass byte by byte); 0 at the
 * end. */
static uint32_t next_letter(const char **text)
{
    const unsigned char *p = (const unsigned char *)*text;

    if (p[0] == 0)
        return 0;
    if ((p[0] & 0xe0) == 0xc0 && (p[1] & 0xc0) == 0x80) {
        *text += 2;
        return (uint32_t)(p[0] & 0x1f) << 6 | (p[1] & 0x3f);
    }
    *text += 1;
    return p[0] < 0x80 ? p[0] : 0x10000u + p[0];
}

static bool is_space(uint32_t letter)
{
    return letter == ' ' || letter == '\t' || letter == 0xa0;
}

/* Folded, runs of spaces as one, none at the ends. */
static uint32_t next_folded(const char **text)
{
    uint32_t letter = next_letter(text);

    if (!is_space(letter))
        return fold_letter(letter);
    for (;;) {
        const char *ahead = *text;

        if (!is_space(next_letter(&ahead)))
            break;
        *text = ahead;
    }
    return **text ? ' ' : 0;
}

static const char *skip_spaces(const char *text)
{
    for (;;) {
        const char *ahead = text;

        if (!is_space(next_letter(&ahead)))
            return text;
        text = ahead;
    }
}

static bool same_folded(const char *a, const char *b)
{
    uint32_t x, y;

    a = skip_spaces(a);
    b = skip_spaces(b);
    do {
        x = next_folded(&a);
        y = next_folded(&b);
    } while (x == y && x != 0);
    return x == y;
}

const char *mr_config_code_find(const struct mr_config *config, const char *list_name, const char *text)
{
    const struct mr_config_codelist *list = list_of(config, list_name);

    for (uint32_t i = 0; list && i < list->values_count; i++)
        if (same_folded(list->values[i].code, text) || same_folded(list->values[i].title, text))
            return list->values[i].code;
    return NULL;
}

const struct mr_config_operator *mr_config_operator_find(const struct mr_config *config, const char *name)
{
    for (uint32_t i = 0; i < config->operators_count; i++)
        if (strcmp(config->operators[i].name, name) == 0)
            return &config->operators[i];
    return NULL;
}

bool mr_config_operator_has(const struct mr_config *config, const char *name, const char *role)
{
    const struct mr_config_operator *op = mr_config_operator_find(config, name);

    for (uint32_t j = 0; op && j < op->roles_count; j++)
        if (strcmp(op->roles[j], role) == 0)
            return true;
    return false;
}
