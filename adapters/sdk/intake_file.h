/*
 * Files that people drop into a watched folder: found, waited for until they stand still, read row by row,
 * published, and answered: a receipt in done/ (never the file itself), bad rows in rejected/ with a report in
 * Russian (read = accepted + repeated + quarantined + refused; line, column, value, cure) that the sender can
 * mend and drop again. The same content read twice, or cut off by kill -9 in the middle, adds nothing twice:
 * progress and outbox rows are one transaction, and ids of events are made from the content.
 */
#ifndef MR_SDK_INTAKE_FILE_H
#define MR_SDK_INTAKE_FILE_H

#include "adapters/sdk/adapter.h"
#include "proto/base/buf.h"

struct mr_intake_files;
struct mr_intake_file; /* one file being read */

/* A bad row, found by the adapter before the hub saw it. Texts are Russian, for the sender. */
struct mr_row_problem {
    uint32_t line;
    const char *column;
    const char *value; /* as typed; goes to the rejected file's report only */
    const char *problem;
    const char *cure;
};

/* Given by the reader to the adapter's mapper. */
struct mr_row_sink {
    /* An event of the current row. The id attribute is filled in by the sink when NULL (UUID from content and
     * row). */
    int (*event)(struct mr_row_sink *sink, uint32_t line, const struct mr_attributes *attributes,
            const ProtobufCMessage *payload);
    void (*problem)(struct mr_row_sink *sink, const struct mr_row_problem *problem);
    /* Something was normalised (Latin look-alikes, encoding, date form): said in the receipt. */
    void (*note)(struct mr_row_sink *sink, uint32_t line, const char *text);
    /* The table that the next rows belong to: its name ("" for a plain file, else the member of the zip) and
     * header. */
    void (*table)(struct mr_row_sink *sink, const char *name, const char *raw_header);
    /* A row was read (for "read ="); before its events and problems. */
    void (*row)(struct mr_row_sink *sink, uint32_t line, const char *raw_line);
    /* Keyed digest for keys of the adapter's own rows: never a plain hash of an identifier. */
    void (*digest)(struct mr_row_sink *sink, struct mr_slice data, uint8_t ret[static 16]);
    /*
     * The transaction that all events of this file go into, for the adapter's own rows. NULL when nothing may
     * be written and nothing is known of earlier files: in `marshrut map check`, and when a report is being
     * made.
     */
    struct mr_outbox_txn *txn;
    bool confirmed; /* a person has confirmed what the mapper had asked about */
    /*
     * Of the current row: what the hub, not the adapter, will find wrong. Told to people when the row comes
     * back to them anyway, so that they mend all of it in one round; it never keeps a row back. May be NULL,
     * as ask.
     */
    void (*doubt)(struct mr_row_sink *sink, const struct mr_row_problem *problem);
    /* A line for the note that asks for confirmation: no names, no identifiers. */
    void (*ask)(struct mr_row_sink *sink, const char *text);
    /* The next `rows` rows make one thing, whose event is of the first: they can be sent again only together.
     * NULL: of no interest. */
    void (*group)(struct mr_row_sink *sink, size_t rows);
};
/* Lines that stand for no row of the file (endings that a full list implies): not counted in "read =". */
enum { MR_ROW_NONE = 0 };

/*
 * Reads a whole file's bytes and tells the sink. Called also by `marshrut map check`, with a sink that only
 * prints. folder: name of the sub-folder the file lies in ("" when none), for school the OGRN. Deterministic
 * by (folder, name, content) but for what it reads from txn: it is called again to make the report. 0;
 * MR_EINVAL: the file as a whole is refused (reterr in Russian); 1: wait for a person's confirmation (reterr
 * says).
 */
typedef int (*mr_map_fn)(void *ctx, const char *folder, const char *name, struct mr_slice content,
        struct mr_row_sink *sink, struct mr_error *reterr);

/*
 * Which column a field of a payload came from, for reports on what the hub said: {"person.snils", "СНИЛС"}.
 * Indexes are left out of the field; the column may have other names behind "|".
 */
struct mr_field_column {
    const char *field;
    const char *column;
};

struct mr_intake_files_options {
    struct mr_adapter *adapter;
    uv_loop_t *loop;
    const char *in, *done, *rejected;
    const char *out;  /* where the adapter writes for others, emptied with done and rejected; NULL: nowhere */
    bool sub_folders; /* in/<folder>/file */
    uint32_t settle_ms;
    uint32_t keep_days; /* 0: done, rejected and out are never emptied */
    mr_map_fn map;
    void *ctx;
    const char *timezone;                  /* IANA name, for what people read; NULL: UTC */
    const struct mr_field_column *columns; /* ends with a NULL field; NULL: fields are named as they are */
};
int mr_intake_files_open(
        struct mr_intake_files **ret, const struct mr_intake_files_options *options, struct mr_error *reterr);
/* files NULL: on_closed is called at once. */
void mr_intake_files_close(struct mr_intake_files *files, void (*on_closed)(void *ctx), void *ctx);

/*
 * To be called from the adapter's callbacks of the same names. files NULL (not open yet, or closed already):
 * MR_ECLOSED, so that the outcome is not noted and the hub says it again.
 */
int mr_intake_files_outcome(
        struct mr_intake_files *files, struct mr_outbox_txn *txn, const struct mr_outcome *outcome);
void mr_intake_files_committed(struct mr_intake_files *files);

#endif
