#include "adapters/sdk/inbox.h"

#include <stdlib.h>
#include <string.h>

#include "adapters/sdk/file.h"
#include "proto/base/buf.h"
#include "proto/base/bytes.h"
#include "store/kv.h"

enum item_state { WAITING, DONE, NACKED };

struct item {
    struct mr_list member;
    uint64_t number;
    size_t bytes;
    enum item_state state;
};

struct mr_inbox {
    struct mr_kv *kv;
    struct mr_list subscriptions;
};

static int load(struct mr_inbox *inbox, struct mr_inbox_subscription *subscription)
{
    struct mr_kv_txn *kv;
    struct mr_slice value;
    int r = mr_kv_begin_read(inbox->kv, &kv);

    if (r < 0)
        return r;
    r = mr_kv_get(kv, 0, mr_slice_str(subscription->name), &value);
    if (r == 0 && value.size == 8)
        subscription->cursor = subscription->saved = mr_get_be64(value.data);
    mr_kv_abort(kv);
    return r == MR_ENOTFOUND ? 0 : r;
}

int mr_inbox_open(struct mr_inbox **ret, const char *state_dir, struct mr_error *reterr)
{
    static const char *const tables[] = {"cursors"};
    struct mr_kv_options options = {.tables = tables, .tables_count = 1, .exclusive = true};
    struct mr_inbox *inbox = calloc(1, sizeof *inbox);
    struct mr_buf dir = MR_BUF_INIT;
    int r;

    if (!inbox)
        return MR_ENOMEM;
    mr_list_init(&inbox->subscriptions);
    mr_buf_printf(&dir, "%s/inbox", state_dir);
    options.dir = mr_buf_str(&dir);
    r = options.dir ? mr_file_make_dirs(state_dir) : MR_ENOMEM;
    if (r == 0)
        r = mr_kv_open(&inbox->kv, &options, reterr);
    mr_buf_fini(&dir);
    if (r < 0) {
        mr_inbox_close(inbox);
        return r;
    }
    *ret = inbox;
    return 0;
}

static void free_items(struct mr_list *items)
{
    struct mr_list *member;

    while ((member = mr_list_pop_front(items)) != NULL)
        free(MR_CONTAINER(member, struct item, member));
}

void mr_inbox_close(struct mr_inbox *inbox)
{
    struct mr_list *member;

    if (!inbox)
        return;
    while ((member = mr_list_pop_front(&inbox->subscriptions)) != NULL) {
        struct mr_inbox_subscription *subscription =
                MR_CONTAINER(member, struct mr_inbox_subscription, member);

        free_items(&subscription->items);
        free_items(&subscription->apart);
        free_items(&subscription->earlier);
        free(subscription->name);
        free(subscription);
    }
    mr_kv_close(inbox->kv);
    free(inbox);
}

struct mr_list *mr_inbox_subscriptions(struct mr_inbox *inbox)
{
    return &inbox->subscriptions;
}

struct mr_inbox_subscription *mr_inbox_find(struct mr_inbox *inbox, const char *name)
{
    mr_list_foreach (it, &inbox->subscriptions) {
        struct mr_inbox_subscription *subscription = MR_CONTAINER(it, struct mr_inbox_subscription, member);

        if (strcmp(subscription->name, name) == 0)
            return subscription;
    }
    return NULL;
}

struct mr_inbox_subscription *mr_inbox_subscription(struct mr_inbox *inbox, const char *name)
{
    struct mr_inbox_subscription *subscription = mr_inbox_find(inbox, name);

    if (subscription)
        return subscription;
    subscription = calloc(1, sizeof *subscription);
    if (!subscription)
        return NULL;
    subscription->name = strdup(name);
    if (!subscription->name || load(inbox, subscription) < 0) {
        free(subscription->name);
        free(subscription);
        return NULL;
    }
    mr_list_init(&subscription->items);
    mr_list_init(&subscription->apart);
    mr_list_init(&subscription->earlier);
    mr_list_push_back(&inbox->subscriptions, &subscription->member);
    return subscription;
}

static struct item *find_item(struct mr_list *items, uint64_t number)
{
    mr_list_foreach (it, items) {
        struct item *item = MR_CONTAINER(it, struct item, member);

        if (item->number == number)
            return item;
    }
    return NULL;
}

static void drop(struct item *item)
{
    mr_list_remove(&item->member);
    free(item);
}

void mr_inbox_new_session(struct mr_inbox *inbox)
{
    mr_list_foreach (it, &inbox->subscriptions) {
        struct mr_inbox_subscription *subscription = MR_CONTAINER(it, struct mr_inbox_subscription, member);

        mr_list_foreach_safe (old, &subscription->earlier) {
            struct item *item = MR_CONTAINER(old, struct item, member);

            if (item->state != WAITING)
                drop(item); /* finished two sessions ago and not delivered since: the hub has the ack */
        }
        mr_list_splice_back(&subscription->earlier, &subscription->items);
        mr_list_splice_back(&subscription->earlier, &subscription->apart);
        mr_list_foreach_safe (nacked, &subscription->earlier) {
            struct item *item = MR_CONTAINER(nacked, struct item, member);

            if (item->state == NACKED)
                drop(item);
        }
        subscription->ack = subscription->ack_apart = 0;
        subscription->credit_events = 0;
        subscription->credit_bytes = 0;
    }
}

/* Takes the finished front off; its numbers become ack, cursor and credit. */
static void advance_list(struct mr_inbox_subscription *subscription, struct mr_list *items, uint64_t *ack)
{
    uint64_t through = 0;

    while (!mr_list_empty(items)) {
        struct item *item = MR_CONTAINER(items->next, struct item, member);

        if (item->state == WAITING)
            break;
        if (item->state == DONE && item->number > through)
            through = item->number;
        subscription->credit_events++;
        subscription->credit_bytes += item->bytes;
        drop(item);
    }
    if (through > *ack)
        *ack = through;
    if (through > subscription->cursor)
        subscription->cursor = through;
}

static void advance(struct mr_inbox_subscription *subscription)
{
    advance_list(subscription, &subscription->items, &subscription->ack);
    advance_list(subscription, &subscription->apart, &subscription->ack_apart);
}

/* It is in the list already. Delivered twice in one session: after a nack it is a new try, else a repetition
 * that costs credit only. */
static int deliver_again(struct mr_inbox_subscription *subscription, struct item *item, size_t bytes)
{
    subscription->credit_events++;
    subscription->credit_bytes += bytes;
    if (item->state != NACKED)
        return MR_INBOX_KNOWN;
    item->state = WAITING;
    return MR_INBOX_HAND_OVER;
}

/* What the adapter has of it: of the session before, or of this one, when it comes by itself; else new. */
static struct item *item_of(struct mr_inbox_subscription *subscription, uint64_t number, bool apart)
{
    struct item *item = find_item(&subscription->earlier, number);
    const struct item *first = apart ? find_item(&subscription->items, number) : NULL;

    if (item) {
        mr_list_remove(&item->member);
        return item;
    }
    item = calloc(1, sizeof *item);
    if (!item)
        return NULL;
    mr_list_init(&item->member);
    item->number = number;
    item->state = first ? first->state : NACKED; /* which is to be handed over */
    return item;
}

int mr_inbox_deliver(struct mr_inbox_subscription *subscription, uint64_t number, size_t bytes, bool apart)
{
    struct mr_list *items = apart ? &subscription->apart : &subscription->items;
    struct item *item = find_item(items, number);
    bool known;

    if (item)
        return deliver_again(subscription, item, bytes);
    item = item_of(subscription, number, apart);
    if (!item)
        return MR_ENOMEM;
    known = item->state != NACKED;
    if (!known)
        item->state = WAITING;
    item->bytes = bytes;
    mr_list_push_back(items, &item->member);
    if (item->state == DONE)
        advance(subscription);
    return known ? MR_INBOX_KNOWN : MR_INBOX_HAND_OVER;
}

/* 1: it is not there, or does not wait. */
static int finish_in(struct mr_list *items, uint64_t number, enum item_state state)
{
    struct item *item = find_item(items, number);

    if (!item || item->state != WAITING)
        return 1;
    item->state = state;
    return 0;
}

int mr_inbox_finish(struct mr_inbox_subscription *subscription, uint64_t number, bool done)
{
    enum item_state state = done ? DONE : NACKED;
    int in_items = finish_in(&subscription->items, number, state);
    int in_apart = finish_in(&subscription->apart, number, state);
    struct item *item;

    if (in_items == 0 || in_apart == 0) {
        advance(subscription);
        return 0;
    }
    item = find_item(&subscription->earlier, number);
    if (!item || item->state != WAITING)
        return MR_ENOTFOUND;
    if (done)
        item->state = DONE; /* acknowledged when it is delivered again */
    else
        drop(item);
    return 0;
}

int mr_inbox_save(struct mr_inbox *inbox)
{
    struct mr_kv_txn *kv = NULL;
    int r = 0;

    mr_list_foreach (it, &inbox->subscriptions) {
        struct mr_inbox_subscription *subscription = MR_CONTAINER(it, struct mr_inbox_subscription, member);
        uint8_t value[8];

        if (subscription->cursor == subscription->saved)
            continue;
        if (!kv && (r = mr_kv_begin_write(inbox->kv, &kv)) < 0)
            return r;
        mr_put_be64(value, subscription->cursor);
        (void)mr_kv_put(kv, 0, mr_slice_str(subscription->name), mr_slice(value, sizeof value));
    }
    if (!kv)
        return 0;
    r = mr_kv_commit(kv); /* a failed put makes this fail */
    if (r < 0)
        return r;
    mr_list_foreach (it, &inbox->subscriptions) {
        struct mr_inbox_subscription *subscription = MR_CONTAINER(it, struct mr_inbox_subscription, member);

        subscription->saved = subscription->cursor;
    }
    return 0;
}
