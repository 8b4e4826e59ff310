#include "hub/query_turn.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

static struct mr_turn *turn_of(const struct mr_list *link)
{
    return MR_CONTAINER((struct mr_list *)(uintptr_t)link, struct mr_turn, link);
}

/* who NULL: of all. */
static int count(const struct mr_list *list, const char *who, bool takes_long)
{
    int found = 0;

    mr_list_foreach (it, (struct mr_list *)(uintptr_t)list) {
        const struct mr_turn *turn = turn_of(it);

        found += turn->takes_long == takes_long && (!who || strcmp(turn->who, who) == 0);
    }
    return found;
}

void mr_turns_init(struct mr_turns *turns)
{
    mr_list_init(&turns->running);
    mr_list_init(&turns->waiting);
}

bool mr_turns_may(const struct mr_turns *turns, const char *who, bool takes_long)
{
    int asked = count(&turns->running, who, takes_long) + count(&turns->waiting, who, takes_long);

    return asked < (takes_long ? MR_TURN_LONG_OF_ONE_MAX : MR_TURN_SHORT_OF_ONE_MAX);
}

void mr_turns_wait(struct mr_turns *turns, struct mr_turn *turn, const char *who, bool takes_long)
{
    (void)snprintf(turn->who, sizeof turn->who, "%s", who);
    turn->takes_long = takes_long;
    mr_list_init(&turn->link);
    mr_list_push_back(&turns->waiting, &turn->link);
}

static bool may_run(const struct mr_turns *turns, const struct mr_turn *turn)
{
    int of_one = count(&turns->running, turn->who, turn->takes_long);

    return turn->takes_long ? of_one == 0 && count(&turns->running, NULL, true) < MR_TURN_LONG_RUNNING_MAX
                            : of_one < MR_TURN_SHORT_RUNNING_OF_ONE_MAX;
}

struct mr_turn *mr_turns_next(struct mr_turns *turns)
{
    mr_list_foreach (it, &turns->waiting) {
        struct mr_turn *turn = turn_of(it);

        if (!may_run(turns, turn))
            continue;
        mr_list_remove(&turn->link);
        mr_list_push_back(&turns->running, &turn->link);
        return turn;
    }
    return NULL;
}

void mr_turns_leave(struct mr_turns *turns, struct mr_turn *turn)
{
    struct mr_list behind;

    mr_list_remove(&turn->link);
    mr_list_init(&behind);
    mr_list_foreach_safe (it, &turns->waiting)
        if (turn_of(it)->takes_long == turn->takes_long && strcmp(turn_of(it)->who, turn->who) == 0) {
            mr_list_remove(it);
            mr_list_push_back(&behind, it);
        }
    mr_list_splice_back(&turns->waiting, &behind);
}
