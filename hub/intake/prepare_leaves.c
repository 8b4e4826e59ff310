#include "hub/intake/prepare_leaves.h"

#include <string.h>

#include "hub/intake/prepare_write.h"
#include "store/sha256_pair.h"

enum { TOGETHER = 32, HASH_BYTES = 32 };

static const uint8_t leaf_prefix = 0; /* RFC 6962: as mr_leaf_hash() */

struct leaves {
    struct mr_sha256_message messages[TOGETHER];
    uint8_t hashes[TOGETHER][HASH_BYTES];
    size_t spans[TOGETHER];
    size_t count;
};

static size_t spans_count(const struct mr_intake *intake)
{
    return intake->spans.size / sizeof(struct mr_intake_span);
}

static struct mr_intake_span *span_at(const struct mr_intake *intake, size_t i)
{
    return (struct mr_intake_span *)(void *)intake->spans.data + i; /* malloc's memory, of nothing else */
}

static void add(struct leaves *leaves, const struct mr_intake *intake, size_t i)
{
    const struct mr_intake_span *span = span_at(intake, i);
    struct mr_slice leaf = mr_record_leaf(mr_slice(intake->records.data + span->offset, span->size));
    size_t n = leaves->count++;

    leaves->spans[n] = i;
    leaves->messages[n] = (struct mr_sha256_message){
            .parts = {mr_slice(&leaf_prefix, 1), leaf}, .parts_count = 2, .ret = leaves->hashes[n]};
}

static void tell(struct leaves *leaves, struct mr_intake *intake, struct mr_dedup *dedup)
{
    mr_sha256_pair(leaves->messages, leaves->count);
    for (size_t n = 0; n < leaves->count; n++) {
        struct mr_intake_span *span = span_at(intake, leaves->spans[n]);

        span->hash_later = false;
        memcpy(span->leaf_hash, leaves->hashes[n], HASH_BYTES);
        memcpy(intake->items[span->item].leaf_hash, leaves->hashes[n], HASH_BYTES);
        mr_dedup_hashed(dedup, span->number, leaves->hashes[n]);
    }
    leaves->count = 0;
}

/* Numbers of an intake follow each other; those that it found known are before them, or among them. */
static void tell_repeats(struct mr_intake *intake)
{
    uint64_t first = span_at(intake, 0)->number;

    for (size_t i = 0; i < intake->count; i++) {
        struct mr_intake_item *item = &intake->items[i];

        if (item->verdict == MR_VERDICT_DUPLICATE && item->number >= first)
            memcpy(item->leaf_hash, span_at(intake, item->number - first)->leaf_hash, HASH_BYTES);
    }
}

void mr_prepare_leaves(struct mr_intake *intake, struct mr_dedup *dedup)
{
    struct leaves leaves;

    leaves.count = 0;
    for (size_t i = 0; i < spans_count(intake); i++) {
        if (span_at(intake, i)->hash_later)
            add(&leaves, intake, i);
        if (leaves.count == TOGETHER)
            tell(&leaves, intake, dedup);
    }
    tell(&leaves, intake, dedup);
    if (spans_count(intake) > 0)
        tell_repeats(intake);
}
