/*
 * The prepare thread: admit -> dedup -> resolve -> match -> seal, and the order of the log. It is the only
 * one that gives numbers and the only writer of `keys` (decisions 5 and 17): it commits new persons, then
 * hands the intake to the writer, whose done() answers it. Numbers are given here because every append comes
 * through here; a failed commit ends the process, so there are no gaps.
 */
#ifndef MR_HUB_INTAKE_PREPARE_H
#define MR_HUB_INTAKE_PREPARE_H

#include <stdbool.h>
#include <stdint.h>

#include "hub/house.h"
#include "hub/route/matcher.h"
#include "proto/base/buf.h"
#include "proto/base/bytes.h"
#include "proto/base/list.h"
#include "store/writer.h"

enum mr_verdict { MR_VERDICT_STORED = 1, MR_VERDICT_DUPLICATE, MR_VERDICT_QUARANTINED, MR_VERDICT_REFUSED };

struct mr_verdict_text {
    char code[40];    /* "snils-checkdigit" */
    char field[64];   /* path in the event */
    char reason[120]; /* plain English, no value */
    char cure[160];
};

/*
 * What the desk does with one event that waits for correction (hub/desk/desk.h). The intake has the event
 * again (of CORRECT with other content), said for its sender, and the hub's word on it in `with`; of the
 * others the hub's word alone.
 */
enum mr_desk_act { MR_DESK_RELEASE = 1, MR_DESK_DISCARD, MR_DESK_CORRECT, MR_DESK_PROPOSE };
struct mr_desk_order {
    enum mr_desk_act act;
    uint64_t number; /* of the record that waits */
    char by[64];     /* operator, or "hub" */
    /* Appends the hub's word; prepare thread, may come again. */
    int (*say)(struct mr_desk_order *order, uint64_t released_as, struct mr_buf *out);
    /* When it waits still: sets `refused`, or not. Prepare thread, may come again; negative: the batch
     * failed. May be NULL. */
    int (*begin)(struct mr_desk_order *order, struct mr_keyring *keyring, struct mr_keyring_txn *txn);
    void *ctx;
    bool over;   /* prepare's: it waits no longer, and nothing was done */
    int refused; /* begin's: why nothing was done; 0: nothing speaks against it */
};
/* Is the event itself said again? */
static inline bool mr_desk_order_says_event(const struct mr_desk_order *order)
{
    return order->act == MR_DESK_RELEASE || order->act == MR_DESK_CORRECT;
}

struct mr_intake_item {
    struct mr_slice event; /* in the intake's bytes */
    /* Made beforehand, for many at once: mr_intake_digest(). What is not, prepare makes. */
    bool digested;   /* digest is of event */
    bool identified; /* ident is of what stands in event as source and id, when that can be decoded */
    uint8_t digest[MR_RECORD_DIGEST_BYTES];
    enum mr_verdict verdict; /* set by prepare */
    uint64_t number;         /* of the log; 0 when refused */
    uint8_t leaf_hash[32];
    uint8_t ident[MR_RECORD_IDENT_BYTES]; /* keyed digest of (source, id); zero when they could not be read
                                           */
    struct mr_verdict_text *text;         /* NULL when there is nothing to say; owned by the intake */
    /*
     * A type for one system only (MR_TYPE_TO_ONE), said by the hub: the subscription that gets it. It is
     * sealed under an item key of its own, a keyring entry without identifiers, whose id prepare puts into
     * item_key.
     */
    uint16_t to_one;
    uint8_t item_key[MR_PERSON_ID_BYTES];
};

/* One received batch, from the gateway (or the hub itself) through prepare and writer back to its owner. */
struct mr_intake {
    struct mr_list link;
    struct mr_writer_job job;
    const struct mr_config_system *sender; /* NULL: the hub itself */
    struct mr_edition
            *edition; /* that has `sender`; held, let go with the intake; NULL: it lives as long as all */
    uint16_t system;  /* id of the sender */
    uint64_t epoch;   /* producer epoch; 0 for the hub itself and the tool */
    uint64_t first_sequence; /* of items[0]; 0 for the hub itself */
    uint64_t receipts_for;   /* session that wants receipts; 0: nobody does */
    bool dry; /* only to see what would become of it: verdicts and records are made, and all is taken back */
    bool by_tool;                /* said by the tool for `sender`: outside of any producer's sequence */
    struct mr_desk_order *order; /* of the desk; NULL: none. Then an item that is not stored leaves nothing */
    struct mr_intake *with;      /* of the hub, in the same commit; goes with this one. May be NULL */
    struct mr_buf bytes;         /* owns the events */
    void *lent;                  /* or this does, and is let go with the intake; NULL: it does not */
    void (*let_go)(void *lent);
    struct mr_intake_item *items;
    size_t count;
    int status; /* 0 durable; negative: not stored, and nobody is told but the tool */
    /*
     * A new edition of the configuration begins with this intake: its first event is the first one under it.
     * Held, let go with the intake.
     */
    struct mr_edition *begins;
    /*
     * In the place of events (count 0): runs on the prepare thread between two batches, so that it may begin
     * transactions of the keyring; then done() with its result, and nothing goes to the writer.
     */
    int (*task)(struct mr_intake *intake, struct mr_keyring *keyring);
    /* More rows for the same commit, or NULL. Writer thread; may be called again after a failed commit. */
    int (*rows)(struct mr_intake *intake, struct mr_log_batch *batch);
    /*
     * Exactly once, after the commit, on the writer thread: post it to your own mailbox. With a negative
     * status it may be the prepare thread or, after stop, the submitter's own. MR_EDENIED: its sender, or the
     * key that it came with, is not configured any more.
     */
    void (*done)(struct mr_intake *intake);
    /* Loop thread: what is said when it comes out of the hub's mailbox; NULL: its producer, its tool or its
     * method is told. */
    void (*answer)(struct mr_intake *intake);
    void *owner;                  /* the submitter's */
    struct mr_buf records;        /* prepare's: encoded records */
    struct mr_buf spans;          /* prepare's: struct mr_intake_span, one a record */
    uint64_t running;             /* prepare's: key of the intake row */
    bool idle;                    /* prepare's: nothing of it goes into the log */
    bool mended;                  /* prepare's: something waits no longer because of it */
    int64_t came_us;              /* when it was submitted: its frame or its question had just come */
    const struct mr_clock *clock; /* the house's, for the writer */
    int64_t at_us;                /* prepare's: when it was prepared */
};
/* Items are zeroed: the submitter sets events, sender, system, epoch, first_sequence, done (and rows, owner).
 */
struct mr_intake *mr_intake_new(size_t count);
void mr_intake_free(struct mr_intake *intake); /* wipes */
/* The digests of its events. Before it is submitted; any thread. */
void mr_intake_digest(struct mr_intake *intake, const struct mr_keyring *keyring);

struct mr_prepare;
int mr_prepare_start(struct mr_prepare **ret, struct mr_house *house, const struct mr_matcher *matcher,
        struct mr_writer *writer, struct mr_error *reterr);
/* fn runs on the prepare thread: true when `keys` has no space left and everything waits, false when it goes
 * on. Before the first submit. */
void mr_prepare_on_space(struct mr_prepare *prepare, void (*fn)(void *ctx, bool read_only), void *ctx);
struct mr_index_notes;
/* What it knows of new records is noted there for the indexer; stop prepare before them. Before the first
 * submit. */
void mr_prepare_note_to(struct mr_prepare *prepare, struct mr_index_notes *notes);
void mr_prepare_submit(
        struct mr_prepare *prepare, struct mr_intake *intake); /* any thread; takes it until done() */
/* Inside of a task: these wait no longer, an erasure has discarded them. */
void mr_prepare_erased(struct mr_prepare *prepare, const uint64_t *numbers, size_t count);
/* Inside of a task: numbers of events that waited behind others and need not any more; how many. */
size_t mr_prepare_freed(struct mr_prepare *prepare, uint64_t *numbers, size_t max);
void mr_prepare_stop(struct mr_prepare *prepare); /* finishes what was submitted; NULL is fine */

/* ---- rows that an intake writes; the readers' side (gateway, balance, where) decodes with the same
 * functions ---- */

/* MR_LOG_VERDICT: u16 system, u64 epoch, u64 sequence */
struct mr_verdict_row {
    enum mr_verdict verdict;
    uint64_t number;
    int64_t at_us;
    uint8_t ident[MR_RECORD_IDENT_BYTES]; /* zero when it could not be read */
    struct mr_verdict_text text;
};
int mr_verdict_row_encode(struct mr_buf *out, const struct mr_verdict_row *row);
int mr_verdict_row_decode(struct mr_verdict_row *ret, struct mr_slice value);

/* MR_LOG_INTAKE: u64 running number */
struct mr_intake_row {
    uint16_t system;
    uint64_t epoch;
    uint64_t first_sequence;
    uint32_t received;
    uint32_t stored;
    uint32_t duplicate;
    uint32_t quarantined;
    uint32_t refused;
    int64_t at_us;        /* it was prepared: the least recorded_us of its records */
    int64_t came_us;      /* 0 in rows of version 1, as all that follows */
    int64_t committed_us; /* the writer put it into its commit; what is acknowledged is durable after that */
    uint64_t through;     /* head of the log after it; with the two below: numbers through - records + 1 .. */
    uint32_t records;
};
int mr_intake_row_encode(struct mr_buf *out, const struct mr_intake_row *row);
int mr_intake_row_decode(struct mr_intake_row *ret, struct mr_slice value);
/* The intake that gave a record its number, from its snapshot. MR_ENOTFOUND: its row is of version 1. */
int mr_intake_row_of(struct mr_log_reader *reader, uint64_t number, struct mr_intake_row *ret);

/* MR_LOG_PRODUCER: u16 system */
struct mr_producer_row {
    uint64_t epoch;
    uint64_t stored_sequence; /* every sequence up to here has a durable verdict */
    uint64_t seen_sequence;   /* the producer has noted verdicts up to here */
};
int mr_producer_row_encode(struct mr_buf *out, const struct mr_producer_row *row);
int mr_producer_row_decode(struct mr_producer_row *ret, struct mr_slice value);

/* MR_LOG_QUARANTINE: u64 number of the quarantined record */
enum mr_quarantine_state {
    MR_QUARANTINE_WAITING = 1,
    MR_QUARANTINE_RELEASED, /* a newer record has it as it was, or as two people have corrected it */
    MR_QUARANTINE_DISCARDED,
    MR_QUARANTINE_REPLACED /* its sender has sent it again with other bytes */
};
const char *mr_quarantine_state_name(enum mr_quarantine_state state);
struct mr_quarantine_row {
    enum mr_quarantine_state state;
    uint16_t system;
    int64_t at_us;
    uint8_t item[MR_PERSON_ID_BYTES]; /* in the keyring, whose key seals the body: destroyed with it (decision
                                         21) */
    struct mr_verdict_text text;
    uint64_t replaced_by; /* number of the newer record; 0: none */
    uint64_t place;       /* in the order of its key (hub/intake/waiting.h); 0: its own number */
    uint64_t behind;      /* number of the record that it waits behind; 0: none */
    int64_t ended_us;     /* since when it waits no longer; 0 also when nobody noted it */
    char ended_by[64];    /* operator, "hub"; empty: its sender, or an erasure */
    uint64_t ended_event; /* number of the hub's event that says so; 0: none */
};
/*
 * Whether its body is not needed any more: at once when it is discarded, else so many days after it ended.
 * The desk destroys its key then, and what the index has from inside of it goes.
 */
enum { MR_QUARANTINE_KEEP_DAYS = 30 };
bool mr_quarantine_row_over(const struct mr_quarantine_row *row, int64_t now_us);
/* MR_ENOTFOUND, MR_ECORRUPT. */
int mr_quarantine_row_read(struct mr_quarantine_row *ret, struct mr_log_reader *reader, uint64_t number);
int mr_quarantine_row_encode(struct mr_buf *out, const struct mr_quarantine_row *row);
int mr_quarantine_row_decode(struct mr_quarantine_row *ret, struct mr_slice value);

/* ---- keys of these rows ---- */

enum {
    MR_VERDICT_KEY_BYTES = 18,
    MR_INTAKE_KEY_BYTES = 8,
    MR_PRODUCER_KEY_BYTES = 2,
    MR_QUARANTINE_KEY_BYTES = 8
};

static inline struct mr_slice mr_verdict_key(
        uint16_t system, uint64_t epoch, uint64_t sequence, uint8_t out[static MR_VERDICT_KEY_BYTES])
{
    mr_put_be16(out, system);
    mr_put_be64(out + 2, epoch);
    mr_put_be64(out + 10, sequence);
    return mr_slice(out, MR_VERDICT_KEY_BYTES);
}

static inline struct mr_slice mr_producer_key(uint16_t system, uint8_t out[static MR_PRODUCER_KEY_BYTES])
{
    mr_put_be16(out, system);
    return mr_slice(out, MR_PRODUCER_KEY_BYTES);
}

/* Intake (running number) and quarantine (log number). */
static inline struct mr_slice mr_number_key(uint64_t number, uint8_t out[static MR_INTAKE_KEY_BYTES])
{
    mr_put_be64(out, number);
    return mr_slice(out, MR_INTAKE_KEY_BYTES);
}

#endif
