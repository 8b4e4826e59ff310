/*
 * Searching the log by several conditions at once, exactly: the lists of the index are walked side by side
 * from the rarest on, what they agree on is looked at in the log itself, and what the index does not have yet
 * is read record by record. Ascending by number, or from the newest on. A search costs what the rarest
 * condition has, about 10 us a record that must be opened; without a condition it reads all in the bounds.
 *
 * Who asks for a person must have made sure that he may (query_find.c).
 */
#ifndef MR_HUB_AUDIT_SEARCH_H
#define MR_HUB_AUDIT_SEARCH_H

#include "hub/audit/record_state.h"
#include "hub/house.h"
#include "store/person_group.h"

struct mr_search {
    const char *type; /* NULL: any, as in all that follow; ends in '.': a prefix */
    const char *system;
    const char *source; /* as the leaf says it; ends in ':', '/' or '.': a prefix */
    enum mr_record_state state;
    const char *organisation; /* OGRN */
    const char *correlation;
    const char *id; /* of the source; the hub's own ids are numbers in disguise: mr_find */
    const struct mr_person_part *parts; /* the person, as mr_person_look gave it; borrowed */
    size_t parts_count;
    int64_t from_us, to_us; /* recorded; to is exclusive; 0: open */
    uint64_t first, last;   /* numbers; 0: open */
    bool newest;            /* from the last one down to the first */
    size_t looks_max;       /* records looked at in one call; 0: no bound */
};

/* One found record, borrowed for the call. Non-zero stops the search. */
typedef int (*mr_search_fn)(void *ctx, const struct mr_record *record);

/*
 * *ret_next: where to go on (as `first`; newest: as `last`), 0 when all is searched. 0, fn's value, or
 * negative: MR_EDENIED without the keys (ids are stored as keyed digests), MR_EINVAL for a system that there
 * never was.
 */
int mr_search_run(const struct mr_house *house, const struct mr_search *search, mr_search_fn fn, void *ctx,
        uint64_t *ret_next, struct mr_error *reterr);

#endif
