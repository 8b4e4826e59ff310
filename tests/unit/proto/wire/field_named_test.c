/* A field by its name is the one that protobuf-c finds, in every message of the registry. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "proto/wire/field_named.h"
#include "proto/wire/registry.h"

static void check_message(const ProtobufCMessageDescriptor *descriptor)
{
    for (unsigned i = 0; i < descriptor->n_fields; i++) {
        const char *name = descriptor->fields[i].name;
        char longer[128];
        size_t size = strlen(name);

        assert_true(size + 2 < sizeof longer);
        memcpy(longer, name, size);
        memcpy(longer + size, "_z", 3);
        assert_ptr_equal(mr_field_named(descriptor, name, size), &descriptor->fields[i]);
        assert_ptr_equal(mr_field_named(descriptor, longer, size), &descriptor->fields[i]);
        assert_null(mr_field_named(descriptor, longer, size + 2));
        longer[size - 1] = '\0'; /* without its last letter: perhaps another field's name */
        assert_ptr_equal(mr_field_named(descriptor, longer, size - 1),
                protobuf_c_message_descriptor_get_field_by_name(descriptor, longer));
    }
}

static void test_as_protobuf_c(void **state)
{
    (void)state;
    assert_true(mr_registry_count() > 0);
    for (size_t i = 0; i < mr_registry_count(); i++) {
        const ProtobufCMessageDescriptor *payload = mr_registry_at(i)->payload;

        check_message(payload);
        for (unsigned k = 0; k < payload->n_fields; k++)
            if (payload->fields[k].type == PROTOBUF_C_TYPE_MESSAGE)
                check_message(payload->fields[k].descriptor);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_as_protobuf_c)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
