/*
 * What is open to whom: which persons' values a login may look at, in which case, until when. In memory, with
 * the logins (session.h); the events of the log say that it was (hub/audit/act_access.c). No person is named:
 * it is by the record for whose persons it was opened. Loop thread.
 */
#ifndef MR_HUB_HTTP_GRANTS_H
#define MR_HUB_HTTP_GRANTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MR_GRANTS_MAX = 512, MR_GRANT_TEXT_BYTES = 65 };
/* In the place of a record: a case, in which what waits for correction may be looked at (desk.c). It opens no
 * record of the log. */
#define MR_GRANT_OF_THE_DESK UINT64_MAX

struct mr_grant {
    uint8_t login[32]; /* digest of the session's cookie */
    uint64_t number;   /* of the event hub.access.granted.v1, or of the first look at the desk */
    uint64_t record;
    int64_t until_us; /* monotonic; 0: free */
    char reason[MR_GRANT_TEXT_BYTES];
    char case_code[MR_GRANT_TEXT_BYTES];
};

struct mr_grants {
    struct mr_grant list[MR_GRANTS_MAX];
};

/* Takes the place of one that is over, else of the one that ends first. until_us is set to half an hour from
 * now. */
void mr_grants_add(struct mr_grants *grants, const struct mr_grant *grant, int64_t now_us);
/* One of this login that is open: by its number; else (0) for the record in the case. NULL: none. */
const struct mr_grant *mr_grants_find(const struct mr_grants *grants, const uint8_t login[static 32],
        uint64_t number, uint64_t record, const char *case_code, int64_t now_us);
/* The next open one of this login behind `after` (NULL: the first). NULL: no more. */
const struct mr_grant *mr_grants_next(const struct mr_grants *grants, const uint8_t login[static 32],
        const struct mr_grant *after, int64_t now_us);

#endif
