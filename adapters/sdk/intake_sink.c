#include "adapters/sdk/intake_sink.h"

#include <string.h>

#include "proto/base/bytes.h"
#include "proto/base/clock.h"
#include "proto/base/list.h"
#include "proto/wire/codec.h"
#include "proto/wire/digest.h"

enum { REF_MARK = 'F', LINE_BITS = 26, LINE_MASK = (1 << LINE_BITS) - 1, TABLES_MAX = 63 };

static struct mr_intake_sink *self_of(struct mr_row_sink *sink)
{
    return MR_CONTAINER(sink, struct mr_intake_sink, sink);
}

static uint32_t place_of(const struct mr_intake_sink *self, uint32_t line)
{
    return self->table << LINE_BITS | (line & LINE_MASK);
}

bool mr_intake_ref_parse(struct mr_slice ref, uint8_t ret_id[static 16], uint32_t *ret_place)
{
    if ((ref.size != MR_INTAKE_REF_BYTES && ref.size != MR_INTAKE_REF_MENDING_BYTES) ||
            ref.data[0] != REF_MARK)
        return false;
    memcpy(ret_id, ref.data + 1, 16);
    *ret_place = mr_get_be32(ref.data + 17);
    return true;
}

/* The same content gives the same ids for ever: RFC 9562 version 8, from the keyed digest of (file, place,
 * n). */
static void make_id(struct mr_intake_sink *self, uint32_t place, uint32_t n, uint8_t uuid[static 16],
        char out[static MR_UUID_TEXT_MAX])
{
    uint8_t from[24];

    memcpy(from, self->id, 16);
    mr_put_be32(from + 16, place);
    mr_put_be32(from + 20, n);
    mr_outbox_digest(self->adapter, mr_slice(from, sizeof from), uuid);
    uuid[6] = (uint8_t)((uuid[6] & 0x0f) | 0x80);
    uuid[8] = (uint8_t)((uuid[8] & 0x3f) | 0x80);
    (void)mr_uuid_format(uuid, out);
}

/* Is it said in this file already, by content? A row that stands twice is one fact. */
static bool said_before(
        struct mr_intake_sink *self, const struct mr_attributes *attributes, const ProtobufCMessage *payload)
{
    struct mr_attributes any = *attributes;
    uint8_t digest[MR_SEEN_BYTES];

    if (!any.id)
        any.id = "-";
    mr_buf_reset(&self->bytes);
    self->error = mr_event_encode(&self->bytes, &any, payload);
    if (self->error < 0)
        return false;
    mr_outbox_digest(self->adapter, mr_buf_slice(&self->bytes), digest);
    self->error = mr_seen_add(&self->seen, digest);
    if (self->error != 1)
        return false;
    self->error = 0;
    return true;
}

/* How the event is known; ref has room for all of it. */
struct reference {
    uint8_t bytes[MR_INTAKE_REF_MENDING_BYTES];
    size_t size;
    char mends[MR_UUID_TEXT_MAX];
};

static void make_reference(const struct mr_intake_sink *self, uint32_t place, struct reference *ret)
{
    ret->bytes[0] = REF_MARK;
    memcpy(ret->bytes + 1, self->id, 16);
    mr_put_be32(ret->bytes + 17, place);
    ret->size = MR_INTAKE_REF_BYTES;
}

/*
 * Which one of its type the event is in its row: the mended row says more or less beside it (a person who is
 * known by now is updated too). A type beyond the last place is counted with all events.
 */
static uint32_t place_in_row(struct mr_intake_sink *self, const char *name)
{
    const struct mr_event_type *type = mr_registry_find(name, strlen(name));

    for (size_t i = 0; i < MR_COUNT(self->types); i++) {
        if (!self->types[i].type)
            self->types[i].type = type;
        if (self->types[i].type == type)
            return ++self->types[i].count;
    }
    return UINT32_MAX - self->events;
}

/* A row of a list stands for what is so now: it mends what was said of the same person before, and waits. */
static void look_for_mended(struct mr_intake_sink *self, struct mr_attributes *with,
        const ProtobufCMessage *payload, const uint8_t uuid[static 16], struct reference *ref)
{
    uint8_t *key = ref->bytes + ref->size, mended[MR_MEND_ID_BYTES];
    int r;

    if (!mr_mend_key(self->adapter, with, payload, place_in_row(self, with->type), key))
        return;
    r = mr_mend_look(self->sink.txn, key, uuid, mended);
    if (r < 0)
        self->error = r;
    if (r == 1)
        with->mends = mr_uuid_format(mended, ref->mends);
    memcpy(key + MR_MEND_KEY_BYTES, uuid, MR_MEND_ID_BYTES);
    ref->size = sizeof ref->bytes;
}

static int on_event(struct mr_row_sink *sink, uint32_t line, const struct mr_attributes *attributes,
        const ProtobufCMessage *payload)
{
    struct mr_intake_sink *self = self_of(sink);
    struct mr_attributes with = *attributes;
    bool implied = line == MR_ROW_NONE;
    uint32_t place = implied ? 0 : place_of(self, line);
    uint32_t *count = implied ? &self->implied : &self->events;
    struct reference ref;
    uint8_t uuid[16];
    char id[MR_UUID_TEXT_MAX];

    if (self->error < 0)
        return self->error;
    make_id(self, place, (*count)++, uuid, id);
    if (!with.time)
        with.time = self->time;
    if (!implied && said_before(self, &with, payload))
        return 0;
    make_reference(self, place, &ref);
    if (self->error == 0 && !with.id && !implied)
        look_for_mended(self, &with, payload, uuid, &ref);
    if (!with.id)
        with.id = id;
    mr_buf_reset(&self->bytes);
    if (self->error == 0)
        self->error = mr_event_encode(&self->bytes, &with, payload);
    if (self->error == 0)
        self->error =
                mr_outbox_add(sink->txn, mr_buf_slice(&self->bytes), mr_slice(ref.bytes, ref.size), NULL);
    self->sent += !implied;
    return self->error;
}

static void keep_row(struct mr_intake_sink *self, const struct mr_intake_row *row)
{
    int r = self->error < 0 ? self->error : mr_intake_row_put(self->sink.txn, self->id, row);

    self->state.pending++;
    if (r < 0 && self->error == 0)
        self->error = r;
}

/* The row before is complete: counted now, or when its verdicts come. */
static void end_row(struct mr_intake_sink *self)
{
    struct mr_intake_row row = {.place = place_of(self, self->line), .pending = self->sent};

    if (self->line == 0)
        return;
    if (self->problem)
        row.verdict = MR_ROW_REFUSED;
    if (self->sent > 0)
        keep_row(self, &row);
    else
        mr_intake_state_count(&self->state, self->problem      ? MR_ROW_REFUSED
                                            : self->events > 0 ? MR_ROW_REPEATED
                                                               : MR_ROW_ACCEPTED);
    self->line = 0;
}

static void on_row(struct mr_row_sink *sink, uint32_t line, const char *raw_line)
{
    struct mr_intake_sink *self = self_of(sink);

    (void)raw_line;
    end_row(self);
    self->line = line;
    self->events = 0;
    memset(self->types, 0, sizeof self->types);
    self->sent = 0;
    self->problem = false;
    self->state.read++;
}

static void on_problem(struct mr_row_sink *sink, const struct mr_row_problem *problem)
{
    (void)problem;
    self_of(sink)->problem = true;
}

static void on_note(struct mr_row_sink *sink, uint32_t line, const char *text)
{
    (void)sink;
    (void)line;
    (void)text;
}

static void on_table(struct mr_row_sink *sink, const char *name, const char *raw_header)
{
    struct mr_intake_sink *self = self_of(sink);

    (void)name;
    (void)raw_header;
    end_row(self);
    if (self->table < TABLES_MAX)
        self->table++;
}

static void on_digest(struct mr_row_sink *sink, struct mr_slice data, uint8_t ret[static 16])
{
    mr_outbox_digest(self_of(sink)->adapter, data, ret);
}

static void on_ask(struct mr_row_sink *sink, const char *text)
{
    mr_buf_printf(&self_of(sink)->questions, "  %s\r\n", text);
}

void mr_intake_sink_init(struct mr_intake_sink *sink, struct mr_adapter *adapter, struct mr_outbox_txn *txn,
        const uint8_t id[static 16], int64_t started_us, bool confirmed)
{
    *sink = (struct mr_intake_sink){
            .sink = {on_event, on_problem, on_note, on_table, on_row, on_digest, txn, confirmed,
                    .ask = on_ask},
            .adapter = adapter,
            .id = id,
            .state = {.phase = MR_INTAKE_READING, .started_us = started_us},
    };
    (void)mr_time_format(started_us, sink->time);
}

void mr_intake_sink_fini(struct mr_intake_sink *sink)
{
    mr_buf_wipe(&sink->bytes);
    mr_buf_fini(&sink->questions);
    mr_seen_fini(&sink->seen);
}

int mr_intake_sink_end(struct mr_intake_sink *sink)
{
    end_row(sink);
    if (sink->implied > 0) {
        sink->state.implied = sink->implied;
        keep_row(sink, &(struct mr_intake_row){.place = 0, .pending = sink->implied});
    }
    return sink->error < 0 ? sink->error : mr_intake_state_put(sink->sink.txn, sink->id, &sink->state);
}
