/* The lists of fields of a whole configuration, held against the schemas. */
#include <stdio.h>
#include <string.h>

#include "event/common.pb-c.h"
#include "event/person.pb-c.h"
#include "hub/deliver/minimise.h"
#include "proto/base/nearest.h"
#include "proto/wire/registry.h"

enum { DEPTH_MAX = 4 };

/* What is known of one name of a list. */
struct look {
    const struct mr_config_subscription *subscription;
    const struct mr_config_subscription *bare; /* the same without its lists */
    const char *name;
    const char *nearest; /* of the names that it may have */
    size_t distance;
    const char *holder; /* a field that holds it and is not in the list */
    bool known;
    bool allowed; /* by `personal` */
    bool reached; /* by the list, too */
};

static void look_at(struct look *look, const ProtobufCMessageDescriptor *message,
        const ProtobufCFieldDescriptor *field, const char *holder)
{
    bool allowed = mr_minimise_keeps(look->bare, message, field);
    size_t distance = mr_text_distance(look->name, field->name);

    if (allowed && distance < look->distance) {
        look->nearest = field->name;
        look->distance = distance;
    }
    if (distance != 0)
        return;
    look->known = true;
    look->allowed |= allowed;
    look->reached |= allowed && !holder;
    if (holder)
        look->holder = holder;
}

/* holder: the outermost field on the way here that the subscription does not get; NULL: it gets all of it. */
static void walk(
        struct look *look, const ProtobufCMessageDescriptor *message, const char *holder, unsigned depth)
{
    for (unsigned i = 0; i < message->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &message->fields[i];
        const char *withheld = holder;

        look_at(look, message, field, holder);
        if (field->type != PROTOBUF_C_TYPE_MESSAGE || depth == 0 ||
                field->descriptor == &nms__event__v1__person__descriptor ||
                field->descriptor == &nms__event__v1__event_ref__descriptor)
            continue;
        if (!withheld && !mr_minimise_keeps(look->subscription, message, field))
            withheld = field->name;
        walk(look, field->descriptor, withheld, depth - 1);
    }
}

static void walk_types(struct look *look)
{
    for (size_t i = 0; i < mr_registry_count(); i++) {
        const struct mr_event_type *type = mr_registry_at(i);

        if (!(type->flags & MR_TYPE_TO_ONE) && mr_registry_has_person(type->payload))
            walk(look, type->payload, NULL, DEPTH_MAX);
    }
}

static int fail(const struct mr_config *config, const char *file, const char *path, const struct look *look,
        struct mr_error *reterr)
{
    char where[192], cure[128];
    const char *what = "no such field";

    mr_config_where(config, file, path, where, sizeof where);
    (void)snprintf(cure, sizeof cure, "docs/events.md has the fields; the nearest is \"%s\"",
            look->nearest ? look->nearest : "");
    if (look->allowed) {
        what = "not reached: what holds it is not in the list";
        (void)snprintf(cure, sizeof cure, "add \"%s\" to the list", look->holder);
    } else if (look->known) {
        what = "withheld by `personal` anyway";
        (void)snprintf(cure, sizeof cure, "leave it out, or give the subscription more by `personal`");
    }
    return mr_error_set(reterr, MR_ECONFIG, where, cure, "%s: %s: \"%.40s\"", path, what, look->name);
}

static int check_name(const struct mr_config *config, const char *file, const char *path, struct look *look,
        bool of_person, struct mr_error *reterr)
{
    look->distance = SIZE_MAX;
    if (of_person)
        walk(look, &nms__event__v1__person__descriptor, NULL, 0);
    else
        walk_types(look);
    return look->reached ? 0 : fail(config, file, path, look, reterr);
}

static int check_list(const struct mr_config *config, const char *file, unsigned index, bool of_person,
        struct mr_error *reterr)
{
    const struct mr_config_subscription *s = &config->subscriptions[index];
    struct mr_config_subscription bare = *s;
    char *const *names = of_person ? s->person_fields : s->fields;
    uint32_t count = of_person ? s->person_fields_count : s->fields_count;

    bare.person_fields_count = bare.fields_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct look look = {.subscription = s, .bare = &bare, .name = names[i]};
        char path[64];
        int r;

        (void)snprintf(path, sizeof path, "subscriptions[%u].%s[%u]", index,
                of_person ? "person_fields" : "fields", (unsigned)i);
        r = check_name(config, file, path, &look, of_person, reterr);
        if (r < 0)
            return r;
    }
    return 0;
}

static int no_persons(
        const struct mr_config *config, const char *file, unsigned index, struct mr_error *reterr)
{
    char path[64], where[192];

    (void)snprintf(path, sizeof path, "subscriptions[%u].person_fields", index);
    mr_config_where(config, file, path, where, sizeof where);
    return mr_error_set(reterr, MR_ECONFIG, where, "write `personal: full` beside it, or leave it out",
            "%s: only `personal: full` shows fields of persons", path);
}

int mr_minimise_check(const struct mr_config *config, const char *file, struct mr_error *reterr)
{
    for (uint32_t i = 0; i < config->subscriptions_count; i++) {
        const struct mr_config_subscription *s = &config->subscriptions[i];
        int r = 0;

        if (s->person_fields_count > 0 && s->personal != MR_PERSONAL_FULL)
            r = no_persons(config, file, i, reterr);
        if (r == 0)
            r = check_list(config, file, i, true, reterr);
        if (r == 0)
            r = check_list(config, file, i, false, reterr);
        if (r < 0)
            return r;
    }
    return 0;
}
