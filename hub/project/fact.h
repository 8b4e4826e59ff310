/*
 * A fact: what the passport keeps of one event (decision 29). Facts are only ever added; everything that the
 * passport says is a fold over those with a number up to some point, so an old passport is the same fold
 * ended earlier.
 *
 * Strings are NUL-terminated, never NULL, and live in the set's arena, which is wiped with it: facts about
 * persons are plaintext. Dates are decimal YYYYMMDD, 0 = none.
 */
#ifndef MR_HUB_PROJECT_FACT_H
#define MR_HUB_PROJECT_FACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/arena.h"
#include "proto/base/buf.h"
#include "proto/base/slice.h"

enum { MR_FACT_ID_BYTES = 16 };

/* Values are in rows of the view: never renumber, and clear the view when the meaning of one changes. */
enum mr_fact_kind {
    MR_FACT_NONE = 0,
    MR_FACT_PERSON = 1,     /* from: birth date */
    MR_FACT_MERGED = 2,     /* person: survivor, other: the previous one */
    MR_FACT_EMPLOYMENT = 3, /* id, org, code: PR or UK, detail: qualification category (until), text: main or
                               part-time, from: first day, on: start of service */
    MR_FACT_EMPLOYMENT_ENDED = 4, /* id, org, on */
    MR_FACT_ORG = 5,              /* org, code: kind, detail: ОКТМО, text: name */
    MR_FACT_ORG_CLOSED = 6,       /* org, on */
    MR_FACT_PROGRAMME = 7, /* programme, code: PK or PP, detail: registry, org, hours, on: listed, until,
                              more: title */
    MR_FACT_PROGRAMME_REMOVED = 8, /* programme, detail: registry, on */
    MR_FACT_ENROLLED = 9,          /* programme, code, hours, from: first day, on: enrolled, id: route */
    MR_FACT_FINISHED = 10,         /* programme, code, hours, from, on: last day, document, id: route */
    MR_FACT_DOCUMENT =
            11,                   /* programme, code, hours, from, on: last day, until: issued, document,
                                     text: registration number, detail: original or duplicate, ref: course.finished */
    MR_FACT_DIAGNOSTIC = 12,      /* id, on, code: level */
    MR_FACT_DEFICIT = 13,         /* id, on, code: area, detail: severity, ref: evidence */
    MR_FACT_DEFICIT_CLOSED = 14,  /* id, on, code: eliminated or withdrawn */
    MR_FACT_ROUTE = 15,           /* id, on: assigned, ref: diagnostic */
    MR_FACT_REDIAGNOSTIC = 16,    /* id, on, ref: baseline, ref2: course */
    MR_FACT_CONTEST = 17,         /* id, on, code: level, detail: result, org */
    MR_FACT_MENTORING = 18,       /* id, on: first day; person: the mentor */
    MR_FACT_MENTEE = 19,          /* the same of the one who is mentored */
    MR_FACT_MENTORING_ENDED = 20, /* id, on; part 1: of the one who was mentored */
    MR_FACT_INTERNSHIP = 21,      /* id, on: last day, hours */
    MR_FACT_ACTIVITY = 22,        /* id, on, code: kind */
    MR_FACT_ANNULMENT =
            23, /* ref: the annulled event, code: "own" by its source or system, "two" by two operators */
    MR_FACT_CELL = 24,     /* entered: id: cell, text: value, code: unit, more: basis, document: who,
                              detail: ОКТМО, hours: section */
    MR_FACT_OVERRIDE = 25, /* the same for a computed cell; more: reason */
    MR_FACT_CAMPAIGN = 26, /* id, text: title, from, until: period, on: deadline */
    MR_FACT_WITHHELD = 27, /* the event could not be opened: code: "blocked" or "destroyed", person: id of the
                              key */
    MR_FACT_COPIED = 28, /* marked as copied to the cabinet: id: cell, text: value, code: unit, document: who,
                            on, hours: section */
    MR_FACT_LAST = MR_FACT_COPIED,
};

struct mr_fact {
    uint64_t number; /* of the log */
    uint8_t part;    /* an event may give several */
    enum mr_fact_kind kind;
    uint16_t system; /* who said it */
    uint8_t ident[MR_FACT_ID_BYTES];
    bool has_person, has_other, has_ref, has_ref2;
    uint8_t person[MR_FACT_ID_BYTES];
    uint8_t other[MR_FACT_ID_BYTES];
    uint8_t ref[MR_FACT_ID_BYTES];
    uint8_t ref2[MR_FACT_ID_BYTES];
    const char *org, *id, *programme, *document, *code, *detail, *text, *more;
    uint32_t from, on, until;
    int32_t hours;
};

/* Persons whose facts cannot be seen now, by the id of their key. */
struct mr_fact_hidden {
    uint8_t key_id[MR_FACT_ID_BYTES];
    uint64_t number; /* of the first record that is hidden */
    bool destroyed;  /* else blocked */
};

struct mr_fact_set {
    struct mr_arena arena;
    struct mr_fact *items; /* ascending (number, part) */
    size_t count, capacity;
    struct mr_fact_hidden *hidden; /* distinct */
    size_t hidden_count, hidden_capacity;
    uint64_t erased;     /* persons of whom nothing is left that could be hidden */
    uint64_t through;    /* as of this number */
    int64_t recorded_us; /* of that record; 0: an empty log */
    bool damaged;        /* a record could not be read: it may come back */
};

void mr_fact_set_init(struct mr_fact_set *set);
void mr_fact_set_fini(struct mr_fact_set *set);  /* wipes */
void mr_fact_set_reset(struct mr_fact_set *set); /* wipes, keeps memory */
/* Appends a copy, strings included (NULL becomes ""). 0 or MR_ENOMEM. */
int mr_fact_set_add(struct mr_fact_set *set, const struct mr_fact *fact);
/* Notes a person once, with the first record, which comes first. 0 or MR_ENOMEM. */
int mr_fact_set_hide(struct mr_fact_set *set, uint64_t number, const uint8_t key_id[static MR_FACT_ID_BYTES],
        bool destroyed);
/* As of `through`. */
size_t mr_fact_set_hidden(const struct mr_fact_set *set, bool destroyed);

/* The message of proto/schema/fact.proto, without number and part: they are the row's key. */
int mr_fact_encode(struct mr_buf *out, const struct mr_fact *fact);
/* Strings in the arena. MR_ECORRUPT, MR_ENOMEM. */
int mr_fact_decode(struct mr_fact *ret, struct mr_slice bytes, struct mr_arena *arena);

/* "2026-03-01" to 20260301; 0 when it is empty or no date. */
uint32_t mr_fact_date(const char *text);
/* Days since 1970-01-01 of a date. */
int64_t mr_fact_day(uint32_t date);

#endif
