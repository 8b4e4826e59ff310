#include "hub/deliver/wanted.h"

#include <assert.h>

#include "hub/deliver/tail.h"
#include "proto/base/bytes.h"

void mr_wanted_start(struct mr_wanted *wanted, uint16_t sub, uint64_t after)
{
    *wanted = (struct mr_wanted){.sub = sub, .scanned = after};
}

void mr_wanted_restart(struct mr_wanted *wanted, uint64_t after)
{
    struct mr_tail *tail = wanted->tail;

    mr_tail_leave(tail, wanted);
    mr_wanted_start(wanted, wanted->sub, after);
    wanted->tail = tail;
}

static void look_in_index(struct mr_wanted *wanted, const struct mr_house *house, uint64_t through)
{
    uint8_t key[MR_INDEX_KEY_BYTES] = {0};
    int found;

    mr_put_be16(key, wanted->sub);
    found = mr_index_find(
            house->index, MR_INDEX_SUBSCRIPTION, key, wanted->scanned, wanted->ahead, MR_WANTED_AHEAD);
    if (found < 0)
        return; /* derived data: the log itself has the answer */
    wanted->count = (size_t)found;
    wanted->scanned = found == MR_WANTED_AHEAD ? wanted->ahead[found - 1] : through;
    if (found > 0 && wanted->ahead[found - 1] > wanted->scanned)
        wanted->scanned = wanted->ahead[found - 1]; /* the index grew meanwhile */
}

static int read_record(
        struct mr_wanted *wanted, struct mr_log_reader *reader, uint64_t number, struct mr_record_view *view)
{
    bool stays;

    return wanted->tail ? mr_tail_read(wanted->tail, reader, number, view, &stays)
                        : mr_log_read(reader, number, view, NULL);
}

static void look_in_log(struct mr_wanted *wanted, struct mr_log_reader *reader, uint64_t through,
        struct mr_record_view *view, size_t *budget)
{
    while (wanted->scanned<through && * budget> 0 && wanted->count < MR_WANTED_AHEAD) {
        uint64_t number = ++wanted->scanned;
        int r = read_record(wanted, reader, number, view);

        (*budget)--;
        /* A damaged head cannot say whom it was for: the scrubber reports it, delivery goes on. */
        if (r == 0 && mr_record_wants(&view->record, wanted->sub))
            wanted->ahead[wanted->count++] = number;
    }
}

/* The next ones into `ahead`, up to the tail, or to the head where there is none. */
static void look(struct mr_wanted *wanted, const struct mr_house *house, struct mr_log_reader *reader,
        struct mr_record_view *view, size_t *budget)
{
    uint64_t end = wanted->tail ? wanted->tail->through : mr_log_reader_head(reader);
    uint64_t through = mr_index_through(house->index);

    wanted->at = wanted->count = 0;
    if (through > end)
        through = end; /* of a commit that this snapshot does not see yet, or the tail's to say */
    if (wanted->scanned < through)
        look_in_index(wanted, house, through);
    if (wanted->count == 0)
        look_in_log(wanted, reader, end, view, budget);
    if (wanted->count == 0 && wanted->tail && wanted->scanned == end)
        mr_tail_join(wanted->tail, wanted);
}

uint64_t mr_wanted_peek(struct mr_wanted *wanted, const struct mr_house *house, struct mr_log_reader *reader,
        struct mr_record_view *view, size_t *budget)
{
    if (wanted->at == wanted->count && !wanted->joined)
        look(wanted, house, reader, view, budget);
    if (wanted->at < wanted->count && wanted->ahead[wanted->at] <= mr_log_reader_head(reader))
        return wanted->ahead[wanted->at];
    return 0;
}

void mr_wanted_take(struct mr_wanted *wanted)
{
    assert(wanted->at < wanted->count);
    wanted->at++;
}

uint64_t mr_wanted_next(const struct mr_wanted *wanted)
{
    if (wanted->at < wanted->count)
        return wanted->ahead[wanted->at];
    return (wanted->joined ? wanted->tail->through : wanted->scanned) + 1;
}

/* The first record from `number` on, and below `end`, that can be read; its time in the view. */
static uint64_t readable(
        struct mr_log_reader *reader, struct mr_record_view *view, uint64_t number, uint64_t end)
{
    while (number < end && mr_log_read(reader, number, view, NULL) < 0)
        number++;
    return number;
}

uint64_t mr_wanted_from_time(struct mr_log_reader *reader, struct mr_record_view *view, int64_t time_us)
{
    uint64_t low = 1;
    uint64_t high = mr_log_reader_head(reader) + 1;

    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        uint64_t at = readable(reader, view, middle, high);

        if (at < high && view->record.recorded_us < time_us)
            low = at + 1;
        else
            high = middle;
    }
    return low;
}
