#include "adapters/sdk/intake_mend.h"

#include <string.h>

#include "bus.pb-c.h"
#include "event/common.pb-c.h"
#include "proto/base/buf.h"

enum { ROW_KEY = 4 + 16 };

static struct mr_slice row_key(const char *prefix, const uint8_t of[static 16], uint8_t out[static ROW_KEY])
{
    memcpy(out, prefix, 4);
    memcpy(out + 4, of, 16);
    return mr_slice(out, ROW_KEY);
}

/* The first Person of the payload itself. */
static const Nms__Event__V1__Person *person_of(const ProtobufCMessage *payload)
{
    for (unsigned i = 0; i < payload->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &payload->descriptor->fields[i];
        const Nms__Event__V1__Person *person;

        if (field->type != PROTOBUF_C_TYPE_MESSAGE || field->label == PROTOBUF_C_LABEL_REPEATED ||
                field->descriptor != &nms__event__v1__person__descriptor)
            continue;
        memcpy(&person, (const char *)payload + field->offset, sizeof person);
        return person;
    }
    return NULL;
}

static void put(struct mr_buf *out, const char *text)
{
    mr_buf_put_str(out, text ? text : "");
    mr_buf_put_u8(out, 0);
}

bool mr_mend_key(struct mr_adapter *adapter, const struct mr_attributes *attributes,
        const ProtobufCMessage *payload, uint32_t n, uint8_t ret[static MR_MEND_KEY_BYTES])
{
    const Nms__Event__V1__Person *person = payload ? person_of(payload) : NULL;
    struct mr_buf all = MR_BUF_INIT;
    bool known;

    if (!person || (!*person->local_id && !*person->family_name))
        return false;
    put(&all, "mends");
    put(&all, attributes->type);
    put(&all, attributes->orgid);
    put(&all, *person->local_id ? person->local_id : "");
    if (!*person->local_id) {
        put(&all, person->family_name);
        put(&all, person->given_name);
        put(&all, person->patronymic);
        put(&all, person->birth_date);
    }
    mr_buf_put_be32(&all, n);
    known = !mr_buf_failed(&all);
    if (known)
        mr_outbox_digest(adapter, mr_buf_slice(&all), ret);
    mr_buf_wipe(&all);
    return known;
}

static int get(struct mr_outbox_txn *txn, struct mr_slice key, uint8_t ret[static MR_MEND_ID_BYTES])
{
    struct mr_slice value;
    int r = mr_outbox_get(txn, key, &value);

    if (r == 0 && value.size != MR_MEND_ID_BYTES)
        r = MR_ECORRUPT;
    if (r == 0)
        memcpy(ret, value.data, MR_MEND_ID_BYTES);
    return r;
}

int mr_mend_look(struct mr_outbox_txn *txn, const uint8_t key[static MR_MEND_KEY_BYTES],
        const uint8_t id[static MR_MEND_ID_BYTES], uint8_t ret[static MR_MEND_ID_BYTES])
{
    uint8_t held[ROW_KEY], said[ROW_KEY];
    int r = get(txn, row_key("mr.m", id, said), ret);

    if (r != MR_ENOTFOUND)
        return r < 0 ? r : 1;
    r = get(txn, row_key("mr.k", key, held), ret);
    if (r == MR_ENOTFOUND)
        return mr_outbox_put(txn, mr_slice(held, sizeof held), mr_slice(id, MR_MEND_ID_BYTES));
    if (r < 0 || memcmp(ret, id, MR_MEND_ID_BYTES) == 0)
        return r;
    r = mr_outbox_put(txn, mr_slice(said, sizeof said), mr_slice(ret, MR_MEND_ID_BYTES));
    return r < 0 ? r : 1;
}

int mr_mend_outcome(struct mr_outbox_txn *txn, const uint8_t key[static MR_MEND_KEY_BYTES],
        const uint8_t id[static MR_MEND_ID_BYTES], const struct mr_outcome *outcome)
{
    bool waits = outcome->verdict == MARSHRUT__BUS__V1__VERDICT__VERDICT_QUARANTINED;
    bool stored = outcome->verdict == MARSHRUT__BUS__V1__VERDICT__VERDICT_STORED;
    uint8_t held[ROW_KEY], last[MR_MEND_ID_BYTES];
    int r = get(txn, row_key("mr.k", key, held), last);

    if (r < 0 && r != MR_ENOTFOUND)
        return r;
    if (waits)
        return mr_outbox_put(txn, mr_slice(held, sizeof held), mr_slice(id, MR_MEND_ID_BYTES));
    if (r == 0 && (stored || memcmp(last, id, sizeof last) == 0) &&
            strcmp(outcome->code, "quarantined-waiting") != 0)
        return mr_outbox_del(txn, mr_slice(held, sizeof held));
    return 0;
}

static int collect(void *ctx, struct mr_slice key, struct mr_slice value)
{
    struct mr_buf *keys = ctx;

    (void)value;
    if (key.size != ROW_KEY)
        return MR_ECORRUPT;
    mr_buf_put_slice(keys, key);
    return mr_buf_failed(keys) ? MR_ENOMEM : 0;
}

int mr_mend_forget(struct mr_outbox_txn *txn)
{
    struct mr_buf keys = MR_BUF_INIT;
    int r = mr_outbox_each(txn, mr_slice_str("mr.k"), collect, &keys);

    for (size_t at = 0; r == 0 && at < keys.size; at += ROW_KEY)
        r = mr_outbox_del(txn, mr_slice(keys.data + at, ROW_KEY));
    mr_buf_fini(&keys);
    return r;
}
