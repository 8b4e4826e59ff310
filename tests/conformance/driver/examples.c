#include "tests/conformance/driver/examples.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/sdk/file.h"
#include "bus.pb-c.h"
#include "proto/wire/wire.h"
#include "tests/conformance/driver/events.h"
#include "tests/conformance/driver/match.h"
#include "tests/support/golden.h"

enum { DOCUMENT_BYTES_MAX = 1 << 20, ROW_BYTES = 16, NOTE_COLUMN = 30 };

/* ---- bytes with their meaning ---- */

static void put_row(struct mr_buf *out, unsigned depth, struct mr_slice bytes, const char *note)
{
    char line[160] = "";
    size_t size;

    memset(line, ' ', 2 * (size_t)depth);
    size = 2 * (size_t)depth;
    for (size_t i = 0; i < bytes.size; i++)
        size += (size_t)snprintf(line + size, sizeof line - size, "%02x ", bytes.data[i]);
    if (*note)
        while (size < NOTE_COLUMN)
            line[size++] = ' ';
    else
        size--;
    mr_buf_put(out, line, size);
    mr_buf_put_str(out, note);
    mr_buf_put_str(out, "\n");
}

static void put_rows(struct mr_buf *out, unsigned depth, struct mr_slice bytes)
{
    for (size_t at = 0; at < bytes.size; at += ROW_BYTES) {
        size_t size = bytes.size - at < ROW_BYTES ? bytes.size - at : ROW_BYTES;

        put_row(out, depth, mr_slice(bytes.data + at, size), "");
    }
}

static void describe(struct mr_buf *out, unsigned depth, const ProtobufCMessageDescriptor *descriptor,
        struct mr_slice message);

static void describe_field(struct mr_buf *out, unsigned depth, const ProtobufCFieldDescriptor *field,
        const struct mr_wire_field *wire)
{
    struct mr_slice head = mr_slice(wire->raw.data, wire->raw.size - wire->bytes.size);
    char note[96];

    if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
        (void)snprintf(note, sizeof note, "%s, %zu bytes", field->name, wire->bytes.size);
        put_row(out, depth, head, note);
        describe(out, depth + 1, field->descriptor, wire->bytes);
    } else if (field->type == PROTOBUF_C_TYPE_STRING) {
        (void)snprintf(note, sizeof note, "%s = \"%.*s\"", field->name, (int)wire->bytes.size,
                (const char *)wire->bytes.data);
        put_row(out, depth, head, note);
        put_rows(out, depth + 1, wire->bytes);
    } else if (field->type == PROTOBUF_C_TYPE_BYTES) {
        (void)snprintf(note, sizeof note, "%s, %zu bytes:", field->name, wire->bytes.size);
        put_row(out, depth, head, note);
        put_rows(out, depth + 1, wire->bytes);
    } else {
        if (field->type == PROTOBUF_C_TYPE_INT32)
            (void)snprintf(note, sizeof note, "%s = %" PRId64, field->name, (int64_t)wire->varint);
        else
            (void)snprintf(note, sizeof note, "%s = %" PRIu64, field->name, wire->varint);
        put_row(out, depth, wire->raw, note);
    }
}

static void describe(struct mr_buf *out, unsigned depth, const ProtobufCMessageDescriptor *descriptor,
        struct mr_slice message)
{
    struct mr_wire_field wire;

    while (mr_wire_next(&message, &wire) == 1) {
        const ProtobufCFieldDescriptor *field =
                protobuf_c_message_descriptor_get_field(descriptor, wire.number);

        assert_non_null(field);
        describe_field(out, depth, field, &wire);
    }
}

/* ---- one example ---- */

static json_t *ask(struct speaker *speaker, json_t *command)
{
    json_t *answer = speaker->call(speaker, command);

    json_decref(command);
    return answer;
}

static void expect_decoded(struct speaker *speaker, const char *name, const json_t *frame, const char *hex)
{
    json_t *answer = ask(speaker, json_pack("{s:s,s:s}", "do", "decode", "hex", hex));
    json_t *bound = json_object();
    char where[128];

    if (!match(frame, json_object_get(answer, "frame"), bound, where, sizeof where))
        fail_msg("example %s: decoded, it differs at \"%s\"", name, where);
    json_decref(bound);
    json_decref(answer);
}

/* false: the page does not show it. */
static bool run_one(struct speaker *speaker, const char *name, const json_t *given, const char *document)
{
    json_t *frame = events_expand(given, NULL);
    json_t *answer = ask(speaker, json_pack("{s:s,s:O}", "do", "encode", "frame", frame));
    const char *hex = json_string_value(json_object_get(answer, "hex"));
    struct mr_buf text = MR_BUF_INIT;
    char golden[96];
    uint8_t bytes[2048];
    size_t size = 0;
    bool shown;

    assert_int_equal(sodium_hex2bin(bytes, sizeof bytes, hex, strlen(hex), NULL, &size, NULL), 0);
    describe(&text, 0, &marshrut__bus__v1__frame__descriptor, mr_slice(bytes, size));
    (void)snprintf(golden, sizeof golden, "protocol/%s.txt", name);
    golden_expect(golden, mr_buf_str(&text), NULL);
    shown = strstr(document, mr_buf_str(&text)) != NULL;
    if (!shown)
        print_error("docs/protocol.md does not show tests/golden/%s\n", golden);
    expect_decoded(speaker, name, frame, hex);
    mr_buf_fini(&text);
    json_decref(answer);
    json_decref(frame);
    return shown;
}

void examples_run(struct speaker *speaker)
{
    struct mr_buf document = MR_BUF_INIT;
    json_error_t error;
    json_t *examples =
            json_load_file(MR_SOURCE_DIR "/tests/conformance/examples.json", JSON_REJECT_DUPLICATES, &error);
    const char *name;
    json_t *frame;
    bool all = true;

    if (!examples)
        fail_msg("examples.json:%d: %s", error.line, error.text);
    assert_int_equal(mr_file_read(MR_SOURCE_DIR "/docs/protocol.md", DOCUMENT_BYTES_MAX, &document), 0);
    json_object_foreach (examples, name, frame)
        all &= run_one(speaker, name, frame, mr_buf_str(&document));
    assert_true(all);
    assert_true(json_object_size(examples) > 0);
    json_decref(examples);
    mr_buf_fini(&document);
}
