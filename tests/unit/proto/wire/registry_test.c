/* The registry is sorted and complete, schemas stay inside of protobuf-c's limits, and the default is sealed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "bus.pb-c.h"
#include "event/person.pb-c.h"
#include "leaf.pb-c.h"
#include "proto/wire/registry.h"

#define PERSON (&nms__event__v1__person__descriptor)

/* Fields that match a forbidden pattern and are public all the same, with the reason. */
static const struct {
    const char *field;
    const char *reason;
} exceptions[] = {
        {"scale_id", "a code of the configured list of scales, the same for everybody assessed with the "
                     "instrument"},
};

static void test_order_and_find(void **state)
{
    (void)state;
    assert_true(mr_registry_count() > 0);
    for (size_t i = 0; i < mr_registry_count(); i++) {
        const struct mr_event_type *type = mr_registry_at(i);
        char longer[128];

        if (i > 0)
            assert_true(strcmp(mr_registry_at(i - 1)->name, type->name) < 0);
        assert_true(strlen(type->name) > 16); /* HEAD_BYTES of registry.c */
        assert_ptr_equal(mr_registry_find(type->name, strlen(type->name)), type);
        assert_null(mr_registry_find(type->name, strlen(type->name) - 1));
        snprintf(longer, sizeof(longer), "%s1", type->name);
        assert_null(mr_registry_find(longer, strlen(longer)));
        assert_ptr_equal(mr_registry_find(longer, strlen(longer) - 1), type);
    }
    assert_null(mr_registry_at(mr_registry_count()));
    assert_null(mr_registry_find("", 0));
    assert_null(mr_registry_find(NULL, 0));
    assert_null(mr_registry_find("nms.course.finished.v1\0", 23));
    assert_true(mr_registry_version() >= 1);
}

static void test_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < mr_registry_count(); i++) {
        const struct mr_event_type *type = mr_registry_at(i);
        bool hub = strncmp(type->name, "hub.", 4) == 0;

        assert_true(hub || strncmp(type->name, "nms.", 4) == 0);
        assert_int_equal(hub, (type->flags & MR_TYPE_HUB) != 0);
        assert_string_equal(type->payload->package_name, "nms.event.v1");
        for (size_t j = 0; j < i; j++)
            assert_ptr_not_equal(mr_registry_at(j)->payload, type->payload);
    }
}

static void test_journey_is_complete(void **state)
{
    static const char *const names[] = {"nms.person.registered.v1", "nms.person.updated.v1",
            "nms.person.merged.v1", "nms.org.upserted.v1", "nms.org.closed.v1", "nms.employment.started.v1",
            "nms.employment.ended.v1", "nms.diagnostic.completed.v1", "nms.deficit.identified.v1",
            "nms.deficit.closed.v1", "nms.route.assigned.v1", "nms.route.revised.v1",
            "nms.route.step.completed.v1", "nms.route.closed.v1", "nms.programme.listed.v1",
            "nms.programme.removed.v1", "nms.course.enrolled.v1", "nms.course.finished.v1",
            "nms.course.failed.v1", "nms.course.withdrawn.v1", "nms.document.issued.v1",
            "nms.rediagnostic.completed.v1", "nms.contest.participated.v1", "nms.mentoring.started.v1",
            "nms.mentoring.ended.v1", "nms.passport.campaign.opened.v1", "nms.passport.section.filled.v1",
            "nms.passport.section.overridden.v1", "nms.passport.filled.v1", "nms.passport.approved.v1",
            "nms.passport.sent.v1", "nms.passport.agreed.v1", "nms.passport.returned.v1",
            "nms.passport.handedback.v1", "nms.event.annulled.v1", "hub.event.quarantined.v1",
            "hub.config.applied.v1", "hub.delivery.parked.v1"};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_non_null(mr_registry_find(names[i], strlen(names[i])));
}

/* Every event about a person has the person in field 1, named `person`. */
static void test_person_is_field_1(void **state)
{
    (void)state;
    for (size_t i = 0; i < mr_registry_count(); i++) {
        const ProtobufCMessageDescriptor *payload = mr_registry_at(i)->payload;
        const ProtobufCFieldDescriptor *first = protobuf_c_message_descriptor_get_field(payload, 1);

        assert_non_null(first);
        if (mr_registry_has_person(payload)) {
            assert_string_equal(first->name, "person");
            assert_ptr_equal(first->descriptor, PERSON);
        }
    }
    assert_true(mr_registry_has_person(mr_registry_find("nms.course.finished.v1", 22)->payload));
    assert_false(mr_registry_has_person(mr_registry_find("nms.org.upserted.v1", 19)->payload));
}

/* path holds the messages from the payload down: meeting one again is a recursion, fatal to protobuf-c. */
static void walk(const ProtobufCMessageDescriptor **path, size_t depth)
{
    const ProtobufCMessageDescriptor *message = path[depth];

    assert_true(depth < 7);
    for (size_t i = 0; i < depth; i++)
        assert_ptr_not_equal(path[i], message);
    for (unsigned i = 0; i < message->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &message->fields[i];

        if (message == PERSON || depth > 0)
            assert_false(mr_registry_field_public(message, field));
        if (field->type != PROTOBUF_C_TYPE_MESSAGE)
            continue;
        assert_false(mr_registry_field_public(message, field));
        path[depth + 1] = field->descriptor;
        walk(path, depth + 1);
    }
}

static void test_no_recursion_and_nested_sealed(void **state)
{
    const ProtobufCMessageDescriptor *path[8];

    (void)state;
    for (size_t i = 0; i < mr_registry_count(); i++) {
        path[0] = mr_registry_at(i)->payload;
        walk(path, 0);
    }
    for (unsigned i = 0; i < PERSON->n_fields; i++)
        assert_int_not_equal(PERSON->fields[i].type, PROTOBUF_C_TYPE_MESSAGE);
}

static bool ends(const char *text, const char *end)
{
    size_t len = strlen(text), end_len = strlen(end);

    return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

static bool forbidden(const char *field)
{
    static const char *const parts[] = {"snils", "name", "birth", "email", "phone", "comment", "note",
            "number", "org", "ogrn", "inn", "title", "text", "reason", "content", "recommendation", "series",
            "digest", "local", "person", "address", "url", "site", "date", "since", "until", "actor", "basis",
            "qual"};

    for (size_t i = 0; i < sizeof(exceptions) / sizeof(exceptions[0]); i++) {
        if (strcmp(exceptions[i].field, field) == 0)
            return false;
    }
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (strstr(field, parts[i]))
            return true;
    }
    return ends(field, "_id") || ends(field, "_ids") || ends(field, "_on") || strcmp(field, "id") == 0;
}

static void test_default_is_sealed(void **state)
{
    const ProtobufCMessageDescriptor *message;
    const char *name;
    size_t count = 0;

    (void)state;
    for (; mr_registry_mark_at(count, &message, &name); count++) {
        const ProtobufCFieldDescriptor *field =
                protobuf_c_message_descriptor_get_field_by_name(message, name);
        bool registered = false;

        if (!field || forbidden(name))
            fail_msg("public mark %s.%s names no field, or one that may single out a person", message->name,
                    name);
        assert_true(field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_INT32);
        assert_int_not_equal(field->label, PROTOBUF_C_LABEL_REPEATED);
        assert_true(mr_registry_field_public(message, field));
        assert_true(
                mr_registry_has_person(message)); /* without a person the leaf carries all: a mark misleads */
        for (size_t i = 0; i < mr_registry_count(); i++)
            registered |= mr_registry_at(i)->payload == message;
        assert_true(registered);
    }
    assert_true(count > 0);
    assert_false(mr_registry_mark_at(count, &message, &name));
}

/* What mr_unpack and the tables of offsets count on, of a message and those in it; it has no recursion. */
static void can_be_unpacked(const ProtobufCMessageDescriptor *message)
{
    enum { FIELDS_MAX = 64 };

    assert_in_range(message->n_fields, 0, FIELDS_MAX);
    for (unsigned i = 0; i < message->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &message->fields[i];

        if (field->label != PROTOBUF_C_LABEL_NONE && field->label != PROTOBUF_C_LABEL_REPEATED)
            fail_msg("%s.%s is optional or required", message->name, field->name);
        if (field->type == PROTOBUF_C_TYPE_MESSAGE)
            can_be_unpacked(field->descriptor);
    }
}

static void test_what_unpack_counts_on(void **state)
{
    (void)state;
    for (size_t i = 0; i < mr_registry_count(); i++)
        can_be_unpacked(mr_registry_at(i)->payload);
    can_be_unpacked(&marshrut__bus__v1__frame__descriptor);
    can_be_unpacked(&marshrut__log__v1__leaf__descriptor);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_order_and_find),
            cmocka_unit_test(test_names),
            cmocka_unit_test(test_journey_is_complete),
            cmocka_unit_test(test_person_is_field_1),
            cmocka_unit_test(test_no_recursion_and_nested_sealed),
            cmocka_unit_test(test_default_is_sealed),
            cmocka_unit_test(test_what_unpack_counts_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
