#include "hub/desk/proposal.h"

#include <sodium.h>
#include <string.h>

#include "hub/record/payload.h"
#include "proto/base/bytes.h"

static const char prefix[] = "desk/proposal/";

enum { PREFIX_BYTES = sizeof prefix - 1, KEY_BYTES = PREFIX_BYTES + 8 };

static struct mr_slice row_key(uint64_t number, uint8_t out[static KEY_BYTES])
{
    memcpy(out, prefix, PREFIX_BYTES);
    mr_put_be64(out + PREFIX_BYTES, number);
    return mr_slice(out, KEY_BYTES);
}

static int unpack(struct mr_slice value, mr_proposal **ret)
{
    *ret = marshrut__desk__v1__proposal__unpack(NULL, value.size, value.data);
    if (*ret && (*ret)->item.len == MR_PERSON_ID_BYTES)
        return 0;
    mr_proposal_free(*ret);
    *ret = NULL;
    return MR_ECORRUPT;
}

int mr_proposal_read(struct mr_log_reader *reader, uint64_t number, mr_proposal **ret)
{
    uint8_t key[KEY_BYTES];
    struct mr_slice value;
    int r = mr_log_row(reader, MR_LOG_DOCUMENT, row_key(number, key), &value);

    *ret = NULL;
    return r < 0 ? r : unpack(value, ret);
}

void mr_proposal_free(mr_proposal *proposal)
{
    if (proposal)
        marshrut__desk__v1__proposal__free_unpacked(proposal, NULL);
}

struct each {
    mr_proposal_fn fn;
    void *ctx;
};

static int on_row(void *ctx, struct mr_slice key, struct mr_slice value)
{
    const struct each *each = ctx;
    mr_proposal *proposal;
    int r = unpack(value, &proposal);

    (void)key;
    if (r == 0)
        r = each->fn(each->ctx, proposal);
    mr_proposal_free(proposal);
    return r;
}

int mr_proposal_each(struct mr_log_reader *reader, mr_proposal_fn fn, void *ctx)
{
    struct each each = {fn, ctx};

    return mr_log_rows(reader, MR_LOG_DOCUMENT, mr_slice_str(prefix), mr_slice_str(prefix), on_row, &each);
}

int mr_proposal_put(struct mr_log_batch *batch, const mr_proposal *proposal)
{
    struct mr_buf value = MR_BUF_INIT;
    uint8_t key[KEY_BYTES];
    int r = mr_payload_pack(&value, &proposal->base);

    if (r == 0)
        r = mr_log_batch_put(batch, MR_LOG_DOCUMENT, row_key(proposal->number, key), mr_buf_slice(&value));
    mr_buf_fini(&value);
    return r;
}

/* The row, if it is of this item still. MR_ENOTFOUND. */
static int of_item(struct mr_log_batch *batch, uint64_t number, struct mr_slice item, mr_proposal **ret)
{
    uint8_t key[KEY_BYTES];
    struct mr_slice value;
    int r = mr_log_batch_get(batch, MR_LOG_DOCUMENT, row_key(number, key), &value);

    *ret = NULL;
    if (r == 0)
        r = unpack(value, ret);
    if (r == 0 && !mr_slice_equal(mr_slice((*ret)->item.data, (*ret)->item.len), item))
        r = MR_ENOTFOUND;
    return r;
}

int mr_proposal_end(struct mr_log_batch *batch, uint64_t number, struct mr_slice item)
{
    mr_proposal *proposal;
    int r = of_item(batch, number, item, &proposal);

    if (r == 0) {
        const ProtobufCBinaryData sealed = proposal->sealed;

        proposal->state = MR_PROPOSAL_OVER;
        proposal->sealed.len = 0;
        r = mr_proposal_put(batch, proposal);
        proposal->sealed = sealed;
    }
    mr_proposal_free(proposal);
    return r == MR_ENOTFOUND ? 0 : r;
}

int mr_proposal_drop(struct mr_log_batch *batch, uint64_t number, struct mr_slice item)
{
    uint8_t key[KEY_BYTES];
    mr_proposal *proposal;
    int r = of_item(batch, number, item, &proposal);

    if (r == 0)
        r = mr_log_batch_del(batch, MR_LOG_DOCUMENT, row_key(number, key));
    mr_proposal_free(proposal);
    return r == MR_ENOTFOUND ? 0 : r;
}

int mr_proposal_seal(
        const struct mr_slot_key *key, uint64_t number, struct mr_slice event, struct mr_buf *out)
{
    uint8_t aad[KEY_BYTES];

    return mr_keyring_seal(key, row_key(number, aad), event, out);
}

int mr_proposal_open(struct mr_keyring *keyring, const mr_proposal *proposal, struct mr_buf *out)
{
    uint8_t aad[KEY_BYTES];
    struct mr_slot_key key;
    int r;

    if (proposal->state != MR_PROPOSAL_WAITING)
        return MR_EDESTROYED;
    if (!keyring)
        return MR_EDENIED;
    r = mr_keyring_person_key(keyring, proposal->item.data, &key);
    if (r == 0)
        r = mr_keyring_unseal(&key, row_key(proposal->number, aad),
                mr_slice(proposal->sealed.data, proposal->sealed.len), out);
    sodium_memzero(&key, sizeof key);
    return r;
}
