/*
 * What an operator has replayed to one receiver, beside what is new: by turns, a frame of old ones after some
 * frames of new ones or when there are none. A turn is a pass like that of released ones, so that every
 * acknowledgement has one meaning; it moves no cursor and leaves no rows. A restart of the hub ends it.
 */
#include <stdlib.h>

#include "hub/deliver/deliver_internal.h"
#include "proto/base/logfmt.h"

enum { TURNS_OF_NEW = 8, SCAN_BUDGET = 4096 };

void mr_feed_replay_start(struct mr_feed *feed, uint64_t from, uint64_t to)
{
    if (feed->release && feed->release->replay)
        mr_feed_release_drop(feed);
    feed->replay_at = from;
    feed->replay_to = to;
    mr_info("deliver.replay", "subscription", feed->subscription->name, "from", MR_N(from), "to", MR_N(to));
    mr_deliver_wake(feed->deliver);
}

static void ended(struct mr_feed *feed)
{
    mr_info("deliver.replayed", "subscription", feed->subscription->name, "through", MR_N(feed->replay_to));
    feed->replay_at = feed->replay_to = 0;
}

/* What is parked was never taken: it comes when it is released. */
static bool is_parked(struct mr_feed *feed, uint64_t number)
{
    uint8_t key[MR_DELIVERY_KEY_BYTES];
    struct mr_slice value;

    return mr_log_row(feed->deliver->reader, MR_LOG_PARKED, mr_delivery_key(feed->id, number, key), &value) ==
           0;
}

/* The next numbers; *ret_scanned: everything up to here was looked at. */
static void choose(struct mr_feed *feed, struct mr_release *release, uint64_t *ret_scanned)
{
    struct mr_deliver *deliver = feed->deliver;
    size_t budget = SCAN_BUDGET;
    struct mr_wanted wanted;

    mr_wanted_start(&wanted, feed->id, feed->replay_at - 1);
    *ret_scanned = feed->replay_to;
    while (release->count < MR_FEED_ITEMS_MAX) {
        uint64_t number = mr_wanted_peek(&wanted, deliver->house, deliver->reader, deliver->view, &budget);

        if (number == 0 && budget == 0)
            *ret_scanned = wanted.scanned;
        if (number == 0 || number > feed->replay_to)
            return;
        mr_wanted_take(&wanted);
        if (!is_parked(feed, number))
            release->items[release->count++] = (struct mr_release_item){.number = number};
    }
    *ret_scanned = release->items[release->count - 1].number;
}

int mr_feed_replay_begin(struct mr_feed *feed)
{
    struct mr_release *release = calloc(1, sizeof *release);
    uint64_t scanned;

    if (!release || !(release->items = calloc(MR_FEED_ITEMS_MAX, sizeof *release->items))) {
        free(release);
        return MR_ENOMEM;
    }
    feed->replay_due = false;
    feed->turns = 0;
    release->replay = true;
    choose(feed, release, &scanned);
    if (release->count > 0) {
        feed->release = release;
        return 0;
    }
    free(release->items);
    free(release);
    feed->replay_at = scanned + 1;
    if (scanned >= feed->replay_to)
        ended(feed);
    return 0;
}

void mr_feed_replay_passed(struct mr_feed *feed)
{
    const struct mr_release *release = feed->release;

    for (size_t i = 0; i < release->count && release->items[i].state == MR_ITEM_OVER; i++)
        feed->replay_at = release->items[i].number + 1;
    if (feed->replay_to > 0 && feed->replay_at > feed->replay_to)
        ended(feed);
}

bool mr_feed_replay_turn(struct mr_feed *feed, bool more)
{
    if (feed->replay_to == 0 || feed->replay || !feed->session)
        return more;
    if (more && ++feed->turns < TURNS_OF_NEW)
        return true;
    feed->replay_due = true;
    return true;
}
