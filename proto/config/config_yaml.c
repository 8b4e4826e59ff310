#include "proto/config/config_yaml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/list.h"

static void put_where(const char *name, yaml_mark_t mark, char *out, size_t out_size)
{
    (void)snprintf(out, out_size, "%s:%zu:%zu", name, mark.line + 1, mark.column + 1);
}

static int fail_at(const char *name, yaml_mark_t mark, const char *cure, const char *what, const char *detail,
        struct mr_error *reterr)
{
    char where[192];

    put_where(name, mark, where, sizeof where);
    return mr_error_set(reterr, MR_ECONFIG, where, cure, "%s%s", what, detail);
}

static int fail_parser(const char *name, const yaml_parser_t *parser, struct mr_error *reterr)
{
    return fail_at(name, parser->problem_mark,
            "mend the YAML: two spaces a level, quotes around special characters",
            "not YAML: ", parser->problem ? parser->problem : "unreadable", reterr);
}

/* What one event of the stream may not be; NULL when it is fine. */
static const char *refuse_event(const yaml_event_t *event, int *depth, int *documents)
{
    switch (event->type) {
    case YAML_ALIAS_EVENT:
        return "aliases (*name) are not supported";
    case YAML_DOCUMENT_START_EVENT:
        return ++*documents > 1 ? "a second document in one file" : NULL;
    case YAML_MAPPING_START_EVENT:
    case YAML_SEQUENCE_START_EVENT:
        return ++*depth > MR_CONFIG_DEPTH_MAX ? "nested too deeply" : NULL;
    case YAML_MAPPING_END_EVENT:
    case YAML_SEQUENCE_END_EVENT:
        --*depth;
        return NULL;
    case YAML_SCALAR_EVENT:
        if (strlen((const char *)event->data.scalar.value) != event->data.scalar.length)
            return "a NUL character in a text";
        return NULL;
    default:
        return NULL;
    }
}

static int scan(struct mr_slice text, const char *name, struct mr_error *reterr)
{
    yaml_parser_t parser;
    yaml_event_t event;
    int depth = 0;
    int documents = 0;
    bool end = false;
    int r = 0;

    if (!yaml_parser_initialize(&parser))
        return mr_error_set(reterr, MR_ENOMEM, name, "", "out of memory");
    yaml_parser_set_input_string(&parser, text.data, text.size);
    while (r == 0 && !end) {
        const char *refused;

        if (!yaml_parser_parse(&parser, &event)) {
            r = fail_parser(name, &parser, reterr);
            break;
        }
        refused = refuse_event(&event, &depth, &documents);
        if (refused)
            r = fail_at(name, event.start_mark, "write it out in one document", refused, "", reterr);
        end = event.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    return r;
}

int mr_config_yaml_init(
        struct mr_config_yaml *yaml, struct mr_slice text, const char *name, struct mr_error *reterr)
{
    yaml_parser_t parser;
    int r = scan(text, name, reterr); /* before the tree is built: an alias could make it a loop */

    if (r < 0)
        return r;
    if (!yaml_parser_initialize(&parser))
        return mr_error_set(reterr, MR_ENOMEM, name, "", "out of memory");
    yaml_parser_set_input_string(&parser, text.data, text.size);
    yaml->name = name;
    if (!yaml_parser_load(&parser, &yaml->document))
        r = fail_parser(name, &parser, reterr);
    yaml_parser_delete(&parser);
    if (r == 0 && !yaml_document_get_root_node(&yaml->document)) {
        yaml_document_delete(&yaml->document);
        r = mr_error_set(reterr, MR_ECONFIG, name, "see docs/configuration.md for a full example",
                "the file is empty");
    }
    return r;
}

void mr_config_yaml_fini(struct mr_config_yaml *yaml)
{
    yaml_document_delete(&yaml->document);
}

static const char *text_of(const yaml_node_t *node)
{
    return node && node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : "";
}

/* "known here: a, b, c" */
static void known_names(const cyaml_schema_field_t *fields, char *out, size_t out_size)
{
    size_t used = (size_t)snprintf(out, out_size, "known here: ");

    for (const cyaml_schema_field_t *f = fields; f->key && used < out_size; f++)
        used += (size_t)snprintf(out + used, out_size - used, "%s%s", f == fields ? "" : ", ", f->key);
}

static int check_enum(struct mr_config_yaml *yaml, const yaml_node_t *node,
        const cyaml_schema_value_t *schema, struct mr_error *reterr)
{
    char cure[256];
    size_t used = (size_t)snprintf(cure, sizeof cure, "one of: ");

    for (uint32_t i = 0; i < schema->enumeration.count; i++) {
        const char *name = schema->enumeration.strings[i].str;

        if (strcmp(text_of(node), name) == 0)
            return 0;
        if (used < sizeof cure)
            used += (size_t)snprintf(cure + used, sizeof cure - used, "%s%s", i ? ", " : "", name);
    }
    return fail_at(yaml->name, node->start_mark, cure, "no such value here: ", text_of(node), reterr);
}

static const cyaml_schema_field_t *field_of(const cyaml_schema_field_t *fields, const char *key)
{
    for (const cyaml_schema_field_t *f = fields; f->key; f++)
        if (strcmp(f->key, key) == 0)
            return f;
    return NULL;
}

static int check_node(struct mr_config_yaml *yaml, yaml_node_t *node, const cyaml_schema_value_t *schema,
        struct mr_error *reterr);

static int check_missing(struct mr_config_yaml *yaml, const yaml_node_t *node,
        const cyaml_schema_field_t *fields, struct mr_error *reterr)
{
    for (const cyaml_schema_field_t *f = fields; f->key; f++) {
        bool found = (f->value.flags & CYAML_FLAG_OPTIONAL) != 0;

        for (yaml_node_pair_t *p = node->data.mapping.pairs.start; !found && p < node->data.mapping.pairs.top;
                p++)
            found = strcmp(text_of(yaml_document_get_node(&yaml->document, p->key)), f->key) == 0;
        if (!found)
            return fail_at(yaml->name, node->start_mark, "add it; docs/configuration.md says what it means",
                    "a required key is missing: ", f->key, reterr);
    }
    return 0;
}

static int check_mapping(struct mr_config_yaml *yaml, yaml_node_t *node, const cyaml_schema_field_t *fields,
        struct mr_error *reterr)
{
    yaml_node_pair_t *start = node->data.mapping.pairs.start;

    for (yaml_node_pair_t *p = start; p < node->data.mapping.pairs.top; p++) {
        const yaml_node_t *key = yaml_document_get_node(&yaml->document, p->key);
        const cyaml_schema_field_t *field = field_of(fields, text_of(key));
        char cure[256];
        int r;

        known_names(fields, cure, sizeof cure);
        if (!field)
            return fail_at(yaml->name, key->start_mark, cure, "unknown key: ", text_of(key), reterr);
        for (yaml_node_pair_t *q = start; q < p; q++)
            if (strcmp(text_of(yaml_document_get_node(&yaml->document, q->key)), field->key) == 0)
                return fail_at(yaml->name, key->start_mark, "keep one of them",
                        "this key is there twice: ", field->key, reterr);
        r = check_node(yaml, yaml_document_get_node(&yaml->document, p->value), &field->value, reterr);
        if (r < 0)
            return r;
    }
    return check_missing(yaml, node, fields, reterr);
}

/* Depth is limited by scan(). */
static int check_node(struct mr_config_yaml *yaml, yaml_node_t *node, const cyaml_schema_value_t *schema,
        struct mr_error *reterr)
{
    if (schema->type == CYAML_MAPPING) {
        if (node->type != YAML_MAPPING_NODE)
            return fail_at(yaml->name, node->start_mark, "write `key: value` lines below it",
                    "keys with values are expected here", "", reterr);
        return check_mapping(yaml, node, schema->mapping.fields, reterr);
    }
    if (schema->type == CYAML_SEQUENCE) {
        if (node->type != YAML_SEQUENCE_NODE)
            return fail_at(yaml->name, node->start_mark, "write one `- entry` a line below it",
                    "a list is expected here", "", reterr);
        for (yaml_node_item_t *i = node->data.sequence.items.start; i < node->data.sequence.items.top; i++) {
            int r = check_node(
                    yaml, yaml_document_get_node(&yaml->document, *i), schema->sequence.entry, reterr);

            if (r < 0)
                return r;
        }
        return 0;
    }
    if (node->type != YAML_SCALAR_NODE)
        return fail_at(yaml->name, node->start_mark, "write one value", "a single value is expected here", "",
                reterr);
    return schema->type == CYAML_ENUM ? check_enum(yaml, node, schema, reterr) : 0;
}

int mr_config_yaml_keys(
        struct mr_config_yaml *yaml, const cyaml_schema_value_t *schema, struct mr_error *reterr)
{
    return check_node(yaml, yaml_document_get_root_node(&yaml->document), schema, reterr);
}

static yaml_node_t *child(struct mr_config_yaml *yaml, yaml_node_t *node, const char *name, size_t name_size)
{
    if (node->type != YAML_MAPPING_NODE)
        return NULL;
    for (yaml_node_pair_t *p = node->data.mapping.pairs.start; p < node->data.mapping.pairs.top; p++) {
        const char *key = text_of(yaml_document_get_node(&yaml->document, p->key));

        if (strlen(key) == name_size && memcmp(key, name, name_size) == 0)
            return yaml_document_get_node(&yaml->document, p->value);
    }
    return NULL;
}

void mr_config_yaml_where(struct mr_config_yaml *yaml, const char *path, char *out, size_t out_size)
{
    yaml_node_t *node = yaml_document_get_root_node(&yaml->document);

    while (*path) {
        yaml_node_t *next = NULL;
        size_t size;

        if (*path == '[') {
            char *end;
            unsigned long index = strtoul(path + 1, &end, 10);

            if (node->type == YAML_SEQUENCE_NODE &&
                    index < (unsigned long)(node->data.sequence.items.top - node->data.sequence.items.start))
                next = yaml_document_get_node(&yaml->document, node->data.sequence.items.start[index]);
            path = *end == ']' ? end + 1 : end;
        } else {
            path += *path == '.';
            size = strcspn(path, ".[");
            next = child(yaml, node, path, size);
            path += size;
        }
        if (!next)
            break;
        node = next;
    }
    put_where(yaml->name, node->start_mark, out, out_size);
}
