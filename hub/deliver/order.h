/*
 * Order by key (decision 13): what of an event's key a subscription may remember. The key is its persons,
 * else its organisation, else there is none. A tag of a person is a digest under the person's own key, so
 * that it leads nowhere once that is destroyed; that of an organisation is keyed with the hub's secret. Both
 * are of one subscription: tags of two receivers have nothing in common. Two keys may meet in one tag, once
 * in 2^64; then one waits for the other. Any thread.
 */
#ifndef MR_HUB_DELIVER_ORDER_H
#define MR_HUB_DELIVER_ORDER_H

#include "hub/house.h"
#include "store/record.h"

struct mr_order {
    uint64_t tags[MR_RECORD_SLOTS_MAX]; /* never 0 */
    size_t count;
};

/*
 * Nothing is decrypted for it. MR_EDESTROYED, MR_EBLOCKED, MR_EEXPIRED: as delivery of it would say;
 * MR_ECORRUPT, MR_ENOMEM. After a failure there are no tags.
 */
int mr_order_of(struct mr_order *ret, const struct mr_house *house, const char *subscription,
        const struct mr_record *record);

/* Have they a key in common? */
bool mr_order_meets(const struct mr_order *a, const struct mr_order *b);

#endif
