#include "hub/deliver/tail.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "hub/intake/prepare.h"

enum { IDS = UINT16_MAX + 1 };

int mr_tail_init(struct mr_tail *tail, const struct mr_clock *clock, uint64_t through)
{
    *tail = (struct mr_tail){.clock = clock,
            .through = through,
            .joined = calloc(IDS, sizeof *tail->joined),
            .listened = true};
    mr_fresh_init(&tail->fresh);
    return tail->joined ? 0 : MR_ENOMEM;
}

void mr_tail_fini(struct mr_tail *tail)
{
    mr_tail_forget(tail);
    free(tail->joined);
    tail->joined = NULL;
    tail->listened = false;
}

void mr_tail_join(struct mr_tail *tail, struct mr_wanted *wanted)
{
    assert(!wanted->joined && !tail->joined[wanted->sub] && wanted->scanned == tail->through);
    tail->joined[wanted->sub] = wanted;
    tail->joined_count++;
    wanted->joined = true;
}

void mr_tail_leave(struct mr_tail *tail, struct mr_wanted *wanted)
{
    if (!wanted->joined)
        return;
    wanted->joined = false;
    tail->joined[wanted->sub] = NULL;
    tail->joined_count--;
}

/* false: no room, and it was empty in this look. */
static bool give(struct mr_tail *tail, struct mr_wanted *wanted, uint64_t number)
{
    if (wanted->at == wanted->count) {
        wanted->at = wanted->count = 0;
        wanted->empty_at_look = tail->looks;
    }
    if (wanted->count == MR_WANTED_AHEAD && wanted->at > 0) {
        wanted->count -= wanted->at;
        memmove(wanted->ahead, wanted->ahead + wanted->at, wanted->count * sizeof *wanted->ahead);
        wanted->at = 0;
    }
    if (wanted->count < MR_WANTED_AHEAD) {
        wanted->ahead[wanted->count++] = wanted->scanned = number;
        return true;
    }
    if (wanted->empty_at_look == tail->looks)
        return false;
    wanted->scanned = number - 1;
    mr_tail_leave(tail, wanted);
    return true;
}

/* The number for each that wants it; false: somebody has to take some off first. */
static bool give_all(struct mr_tail *tail, const struct mr_record *record)
{
    for (size_t i = 0; i < record->subs_count; i++) {
        struct mr_wanted *wanted = tail->joined[record->subs[i]];

        if (!wanted || wanted->scanned >= record->number)
            continue; /* he was given it before the last look had to stop at another */
        if (!give(tail, wanted, record->number))
            return false;
    }
    return true;
}

int mr_tail_read(struct mr_tail *tail, struct mr_log_reader *reader, uint64_t number,
        struct mr_record_view *view, bool *stays)
{
    *stays = mr_fresh_find(&tail->fresh, number, view);
    return *stays ? 0 : mr_log_read(reader, number, view, NULL);
}

void mr_tail_settle(struct mr_tail *tail, struct mr_intake *intake)
{
    if (tail->listened)
        mr_fresh_keep(&tail->fresh, intake, mr_clock_monotonic_us(tail->clock));
    mr_intake_free(intake);
}

unsigned mr_tail_rest(struct mr_tail *tail, bool listened, uint64_t next)
{
    tail->listened = listened;
    mr_fresh_forget(&tail->fresh, next);
    return mr_fresh_age(&tail->fresh, mr_clock_monotonic_us(tail->clock));
}

void mr_tail_forget(struct mr_tail *tail)
{
    if (tail->joined)
        mr_fresh_clear(&tail->fresh);
}

bool mr_tail_look(
        struct mr_tail *tail, struct mr_log_reader *reader, struct mr_record_view *view, size_t budget)
{
    uint64_t head = mr_log_reader_head(reader);
    bool stays;

    tail->looks++;
    for (; tail->through < head && tail->joined_count > 0 && budget > 0; budget--) {
        /* A damaged head cannot say whom it was for: the scrubber reports it, delivery goes on. */
        if (mr_tail_read(tail, reader, tail->through + 1, view, &stays) == 0 &&
                !give_all(tail, &view->record))
            return true;
        tail->through++;
    }
    if (tail->joined_count == 0)
        tail->through = head;
    return tail->through < head;
}
