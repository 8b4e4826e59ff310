#include "proto/config/config_diff.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/list.h"
#include "proto/config/config_schema.h"
#include "proto/config/config_yaml.h"

/* What a running hub takes over; all else is made once, at the start. */
static const char *const live[] = {"systems", "subscriptions", "codelists", "operators", "retention",
        "alerts", "erasure", "passport", "adapters", "tests", "hub.publish_window", "hub.index_lag_max",
        "hub.segment_events", "hub.correction_days"};

struct diff {
    struct mr_config_yaml from, to;
    char path[160];
    mr_config_change_fn fn;
    void *ctx;
};

const char *mr_config_change_word(enum mr_config_change_kind kind)
{
    static const char *const words[] = {"added", "removed", "changed"};

    return words[kind];
}

static bool needs_restart(const char *path)
{
    for (size_t i = 0; i < MR_COUNT(live); i++) {
        size_t size = strlen(live[i]);

        if (strncmp(path, live[i], size) == 0 && (path[size] == 0 || path[size] == '.' || path[size] == '['))
            return false;
    }
    return true;
}

static const char *text_of(const yaml_node_t *node)
{
    return node && node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : NULL;
}

static int tell(const struct diff *diff, enum mr_config_change_kind kind, const yaml_node_t *from,
        const yaml_node_t *to)
{
    struct mr_config_change change = {.kind = kind, .restart = needs_restart(diff->path)};
    const char *before = text_of(from), *after = text_of(to);

    (void)snprintf(change.path, sizeof change.path, "%s", diff->path);
    if (kind == MR_CONFIG_CHANGED && before && after) {
        (void)snprintf(change.from, sizeof change.from, "%s", before);
        (void)snprintf(change.to, sizeof change.to, "%s", after);
    }
    return diff->fn(diff->ctx, &change);
}

static yaml_node_t *value_of(struct mr_config_yaml *yaml, const yaml_node_t *mapping, const char *key)
{
    if (mapping->type != YAML_MAPPING_NODE)
        return NULL;
    for (yaml_node_pair_t *p = mapping->data.mapping.pairs.start; p < mapping->data.mapping.pairs.top; p++) {
        const char *name = text_of(yaml_document_get_node(&yaml->document, p->key));

        if (name && strcmp(name, key) == 0)
            return yaml_document_get_node(&yaml->document, p->value);
    }
    return NULL;
}

static size_t items_of(const yaml_node_t *list)
{
    return (size_t)(list->data.sequence.items.top - list->data.sequence.items.start);
}

static yaml_node_t *item_at(struct mr_config_yaml *yaml, const yaml_node_t *list, size_t i)
{
    return yaml_document_get_node(&yaml->document, list->data.sequence.items.start[i]);
}

/* What an entry of a list is known by; NULL: by its place. */
static const char *name_of(struct mr_config_yaml *yaml, const yaml_node_t *node)
{
    const char *name = text_of(value_of(yaml, node, "name"));

    return name ? name : text_of(value_of(yaml, node, "code"));
}

/* Behind the place where one was found last: lists mostly keep their order. */
static yaml_node_t *item_named(
        struct mr_config_yaml *yaml, const yaml_node_t *list, const char *name, size_t *place)
{
    size_t count = items_of(list);

    for (size_t i = 0; i < count; i++) {
        size_t at = (*place + i) % count;
        yaml_node_t *item = item_at(yaml, list, at);
        const char *other = name_of(yaml, item);

        if (other && strcmp(other, name) == 0) {
            *place = at + 1;
            return item;
        }
    }
    return NULL;
}

static int compare(struct diff *diff, const yaml_node_t *from, const yaml_node_t *to);

/* One of both may be missing. The path is longer meanwhile. */
static int compare_part(struct diff *diff, const char *name, const yaml_node_t *from, const yaml_node_t *to)
{
    size_t size = strlen(diff->path);
    int r;

    (void)snprintf(diff->path + size, sizeof diff->path - size, "%s%s", size ? "." : "", name);
    r = !from ? tell(diff, MR_CONFIG_ADDED, NULL, to)
        : !to ? tell(diff, MR_CONFIG_REMOVED, from, NULL)
              : compare(diff, from, to);
    diff->path[size] = 0;
    return r;
}

static int compare_mappings(struct diff *diff, const yaml_node_t *from, const yaml_node_t *to)
{
    int r = 0;

    for (yaml_node_pair_t *p = from->data.mapping.pairs.start; r == 0 && p < from->data.mapping.pairs.top;
            p++) {
        const char *key = text_of(yaml_document_get_node(&diff->from.document, p->key));

        r = compare_part(diff, key, yaml_document_get_node(&diff->from.document, p->value),
                value_of(&diff->to, to, key));
    }
    for (yaml_node_pair_t *p = to->data.mapping.pairs.start; r == 0 && p < to->data.mapping.pairs.top; p++) {
        const char *key = text_of(yaml_document_get_node(&diff->to.document, p->key));

        if (!value_of(&diff->from, from, key))
            r = compare_part(diff, key, NULL, yaml_document_get_node(&diff->to.document, p->value));
    }
    return r;
}

static int compare_named(struct diff *diff, const yaml_node_t *from, const yaml_node_t *to)
{
    size_t place = 0;
    int r = 0;

    for (size_t i = 0; r == 0 && i < items_of(from); i++) {
        yaml_node_t *item = item_at(&diff->from, from, i);
        const char *name = name_of(&diff->from, item);

        if (name && name[0] != MR_CONFIG_BUILTIN_MARK)
            r = compare_part(diff, name, item, item_named(&diff->to, to, name, &place));
    }
    place = 0;
    for (size_t i = 0; r == 0 && i < items_of(to); i++) {
        yaml_node_t *item = item_at(&diff->to, to, i);
        const char *name = name_of(&diff->to, item);

        if (name && name[0] != MR_CONFIG_BUILTIN_MARK && !item_named(&diff->from, from, name, &place))
            r = compare_part(diff, name, NULL, item);
    }
    return r;
}

static int compare_lists(struct diff *diff, const yaml_node_t *from, const yaml_node_t *to)
{
    size_t count = items_of(from);
    int r = 0;

    if ((count > 0 && name_of(&diff->from, item_at(&diff->from, from, 0))) ||
            (items_of(to) > 0 && name_of(&diff->to, item_at(&diff->to, to, 0))))
        return compare_named(diff, from, to);
    if (count != items_of(to))
        return tell(diff, MR_CONFIG_CHANGED, from, to);
    for (size_t i = 0; r == 0 && i < count; i++) {
        size_t size = strlen(diff->path);

        (void)snprintf(diff->path + size, sizeof diff->path - size, "[%zu]", i);
        r = compare(diff, item_at(&diff->from, from, i), item_at(&diff->to, to, i));
        diff->path[size] = 0;
    }
    return r;
}

static int compare(struct diff *diff, const yaml_node_t *from, const yaml_node_t *to)
{
    if (from->type != to->type)
        return tell(diff, MR_CONFIG_CHANGED, from, to);
    if (from->type == YAML_MAPPING_NODE)
        return compare_mappings(diff, from, to);
    if (from->type == YAML_SEQUENCE_NODE)
        return compare_lists(diff, from, to);
    return strcmp(text_of(from), text_of(to)) == 0 ? 0 : tell(diff, MR_CONFIG_CHANGED, from, to);
}

/* The configuration as a tree; *text is what the tree was made from. */
static int tree_of(const struct mr_config *config, struct mr_config_yaml *ret)
{
    char *text = NULL;
    size_t size = 0;
    int r = mr_config_print(config, &text, &size);

    if (r == 0)
        r = mr_config_yaml_init(ret, mr_slice(text, size), config->name, NULL);
    free(text);
    return r;
}

int mr_config_diff(
        const struct mr_config *from, const struct mr_config *to, mr_config_change_fn fn, void *ctx)
{
    struct diff diff = {.fn = fn, .ctx = ctx};
    int r = tree_of(from, &diff.from);

    if (r < 0)
        return r;
    r = tree_of(to, &diff.to);
    if (r == 0) {
        r = compare(&diff, yaml_document_get_root_node(&diff.from.document),
                yaml_document_get_root_node(&diff.to.document));
        mr_config_yaml_fini(&diff.to);
    }
    mr_config_yaml_fini(&diff.from);
    return r;
}

struct restart {
    char path[160];
    unsigned count;
};

static int note_restart(void *ctx, const struct mr_config_change *change)
{
    struct restart *restart = ctx;

    if (change->restart && restart->count++ == 0)
        (void)snprintf(restart->path, sizeof restart->path, "%s", change->path);
    return 0;
}

int mr_config_live(const struct mr_config *from, const struct mr_config *to, struct mr_error *reterr)
{
    struct restart restart = {.count = 0};
    int r = mr_config_diff(from, to, note_restart, &restart);
    char where[192], more[48] = "";

    if (r < 0)
        return mr_error_set(reterr, r, to->name, "", "out of memory");
    if (restart.count == 0)
        return 0;
    if (restart.count > 1)
        (void)snprintf(more, sizeof more, ", and %u more keys", restart.count - 1);
    mr_config_where(to, to->name, restart.path, where, sizeof where);
    return mr_error_set(reterr, MR_ECONFIG, where,
            "put it into the hub's file and restart the hub; or leave it as it is, and apply the rest",
            "%.100s%s cannot change while the hub runs", restart.path, more);
}
