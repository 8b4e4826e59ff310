#include "adapters/portal/ce.h"

#include <string.h>

/* The system's own URI, or one below it. */
static bool source_ok(const struct mr_config_system *system, const char *source)
{
    size_t size = strlen(system->source);

    return strncmp(source, system->source, size) == 0 &&
           (source[size] == '\0' || source[size] == ':' || source[size] == '/');
}

/* The hub would refuse it too, but later, when the sender no longer listens. */
static void check_rights(const struct mr_config_system *system, const json_t *event, struct mr_post *post)
{
    const char *type = json_string_value(json_object_get(event, "type"));
    const char *source = json_string_value(json_object_get(event, "source"));

    if (source && !source_ok(system, source))
        mr_post_problem(post, "invalid", "source", "not a source of this system",
                mr_arena_printf(mr_post_arena(post), "use %s, or one below it", system->source));
    else if (type && !mr_config_may_publish(system, type))
        mr_post_problem(post, "invalid", "type", "this system may not publish it",
                "ask the administrator of the hub to allow the type");
}

void mr_ce_item(const struct mr_config_system *system, json_t *event, struct mr_post *post)
{
    mr_post_begin(post);
    if (!json_is_object(event))
        mr_post_problem(post, "invalid", NULL, "not a JSON object", "send CloudEvents as objects");
    else
        check_rights(system, event, post);
    if (!mr_post_has_problem(post))
        mr_post_cloudevent(post, event);
    mr_post_end(post);
}
