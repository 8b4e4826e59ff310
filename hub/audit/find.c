#include "hub/audit/find.h"

#include <stdlib.h>
#include <string.h>

#include "hub/audit/territory.h"
#include "hub/index/index_keys.h"
#include "hub/record/opened.h"
#include "hub/deliver/wanted.h"
#include "proto/base/bytes.h"
#include "proto/wire/digest.h"

static void add(struct mr_found *found, uint64_t number)
{
    for (size_t i = 0; i < found->count; i++)
        if (found->numbers[i] == number)
            return;
    if (found->count < MR_FIND_MAX)
        found->numbers[found->count++] = number;
    else
        found->more = true;
}

static int by_key(
        const struct mr_house *house, enum mr_index_kind kind, const uint8_t *key, struct mr_found *found)
{
    uint64_t numbers[256], after = 0;
    int r;

    do {
        r = mr_index_find(house->index, kind, key, after, numbers, 256);
        for (int i = 0; i < r; i++)
            add(found, numbers[i]);
        if (r > 0)
            after = numbers[r - 1];
    } while (r == 256 && !found->more);
    return r < 0 ? r : 0;
}

/* What the id is under each source that is configured: by these an event is found that cannot be opened any
 * more. */
struct idents {
    uint8_t (*keys)[MR_INDEX_KEY_BYTES];
    size_t count;
};

static int make_idents(const struct mr_house *house, const char *id, struct idents *ret)
{
    const struct mr_config *config = house->config;

    ret->count = config->systems_count + (size_t)1;
    ret->keys = calloc(ret->count, sizeof *ret->keys);
    if (!ret->keys)
        return MR_ENOMEM;
    for (size_t i = 0; i < ret->count; i++)
        mr_index_key_ident(house->keyring,
                i < config->systems_count ? config->systems[i].source : config->hub.source, id, ret->keys[i]);
    return 0;
}

static bool has_ident(const struct mr_record *record, const struct idents *idents)
{
    for (size_t i = 0; i < idents->count; i++)
        if (memcmp(record->ident, idents->keys[i], sizeof idents->keys[i]) == 0)
            return true;
    return false;
}

static int by_index(
        const struct mr_house *house, const char *id, const struct idents *idents, struct mr_found *found)
{
    static const struct {
        enum mr_index_kind kind;
        void (*derive)(
                const struct mr_keyring *keyring, const char *text, uint8_t ret[static MR_INDEX_KEY_BYTES]);
    } kinds[] = {{MR_INDEX_EVENT_ID, mr_index_key_event_id}, {MR_INDEX_CORRELATION, mr_index_key_correlation},
            {MR_INDEX_DOCUMENT, mr_index_key_document}};
    uint8_t key[MR_INDEX_KEY_BYTES];
    int r = 0;

    for (size_t i = 0; r == 0 && i < idents->count; i++)
        r = by_key(house, MR_INDEX_IDENT, idents->keys[i], found);
    for (size_t i = 0; r == 0 && i < sizeof kinds / sizeof kinds[0]; i++) {
        kinds[i].derive(house->keyring, id, key);
        r = by_key(house, kinds[i].kind, key, found);
    }
    return r;
}

/* The hub's own id says when it was made, and the log is in the order of time. */
static int by_hub_id(const struct mr_house *house, const char *id, struct mr_found *found)
{
    uint8_t wanted[MR_UUID_BYTES];
    struct mr_record_view *view;
    struct mr_log_reader *reader;
    int64_t from_us, to_us;
    int r;

    if (mr_uuid_parse(id, strlen(id), wanted) < 0)
        return 0;
    from_us = ((int64_t)mr_get_be32(wanted) << 16 | mr_get_be16(wanted + 4)) * 1000;
    to_us = from_us + 1000;
    view = malloc(sizeof *view);
    r = view ? mr_log_reader_open(house->log, &reader) : MR_ENOMEM;
    if (r == 0) {
        uint64_t head = mr_log_reader_head(reader);

        for (uint64_t n = mr_wanted_from_time(reader, view, from_us); r == 0 && n <= head; n++) {
            char text[MR_UUID_TEXT_MAX];

            r = mr_log_read(reader, n, view, NULL);
            if (r == 0 && view->record.recorded_us >= to_us)
                break;
            if (r == 0 && mr_record_hub_id(&view->record, text, sizeof text) == 0 && strcmp(text, id) == 0)
                add(found, n);
            r = r == MR_ECORRUPT ? 0 : r;
        }
        mr_log_reader_close(reader);
    }
    free(view);
    return r;
}

static bool has_text(const ProtobufCMessage *payload, const char *name, const char *id)
{
    const ProtobufCFieldDescriptor *field =
            payload ? protobuf_c_message_descriptor_get_field_by_name(payload->descriptor, name) : NULL;
    const char *text;

    if (!field || field->type != PROTOBUF_C_TYPE_STRING || field->label == PROTOBUF_C_LABEL_REPEATED)
        return false;
    memcpy(&text, (const char *)payload + field->offset, sizeof text);
    return text && strcmp(text, id) == 0;
}

static bool same(const char *text, const char *id)
{
    return text && strcmp(text, id) == 0;
}

static bool matches(const struct mr_house *house, const struct mr_record *record, struct mr_opened *opened,
        const char *id)
{
    enum mr_purpose purpose = record->flags & MR_RECORD_QUARANTINED ? MR_PURPOSE_SHOW : MR_PURPOSE_INDEX;
    const struct mr_event *event = &opened->event;

    if (mr_opened_read(opened, house, record, purpose, NULL) < 0)
        return false;
    return same(event->a.id, id) || same(event->a.correlationid, id) ||
           has_text(event->payload, "number", id) || has_text(event->payload, "registration_number", id) ||
           has_text(event->payload, "document_number", id);
}

/* What the index has not read yet. */
static int in_tail(const struct mr_house *house, const char *id, const struct idents *idents,
        struct mr_found *found, struct mr_error *reterr)
{
    uint64_t through = mr_index_through(house->index);
    struct mr_log_reader *reader;
    struct mr_record_view view;
    struct mr_opened opened;
    int r = mr_log_reader_open(house->log, &reader);

    if (r < 0)
        return r;
    mr_opened_init(&opened);
    for (uint64_t n = through + 1, head = mr_log_reader_head(reader); r == 0 && n <= head; n++) {
        if (n % MR_TICK_EVERY == 0)
            mr_tick(house->tick, "records", n, head);
        r = mr_log_read(reader, n, &view, reterr);
        if (r == 0 && (has_ident(&view.record, idents) || matches(house, &view.record, &opened, id)))
            add(found, n);
        if (r == MR_ECORRUPT)
            r = 0;
    }
    mr_opened_fini(&opened);
    mr_log_reader_close(reader);
    return r;
}

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

/* What is not theirs was not found. */
static int keep_theirs(const struct mr_house *house, struct mr_found *found)
{
    size_t kept = 0;
    int r = 0;

    for (size_t i = 0; r >= 0 && i < found->count; i++) {
        r = mr_territory_has_number(house->territory, house, found->numbers[i]);
        if (r == 1)
            found->numbers[kept++] = found->numbers[i];
    }
    found->count = kept;
    return r < 0 ? r : 0;
}

int mr_find(const struct mr_house *house, const char *id, struct mr_found *ret, struct mr_error *reterr)
{
    struct idents idents = {0};
    int r;

    *ret = (struct mr_found){.count = 0};
    if (!house->keyring)
        return mr_error_set(reterr, MR_EDENIED, "", "start the hub, or run this as the user of the hub",
                "ids are stored as keyed digests and the key is not open here");
    r = make_idents(house, id, &idents);
    /* The tail first: what is indexed meanwhile is then found twice, never missed. */
    if (r == 0)
        r = in_tail(house, id, &idents, ret, reterr);
    if (r == 0)
        r = by_index(house, id, &idents, ret);
    free(idents.keys);
    if (r == 0)
        r = by_hub_id(house, id, ret);
    if (r == 0 && house->territory)
        r = keep_theirs(house, ret);
    if (r == 0 && ret->count)
        qsort(ret->numbers, ret->count, sizeof *ret->numbers, by_number);
    return r;
}
