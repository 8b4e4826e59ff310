/*
 * log.evidence: what a search finds as a zip that can be checked without the hub: the records as they are
 * shown, leaf and proof of each, the checkpoint that all proofs lead to, the key, and how to check them.
 * Records behind the newest checkpoint are not in it: nothing proves them yet.
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "embedded/evidence.h" /* made by the build */
#include "hub/audit/args.h"
#include "hub/audit/queries.h"
#include "hub/audit/record_json.h"
#include "hub/audit/search_args.h"
#include "hub/audit/zip_write.h"
#include "hub/sign/log_key.h"
#include "proto/base/hex.h"
#include "proto/base/list.h"
#include "store/checkpoint.h"

enum { LIMIT_MAX = 1000, BYTES_MAX = 11 * 1024 * 1024, NAME_BYTES = 64, LOOKS_MAX = 200000 };

struct evidence {
    const struct mr_method_call *call;
    struct mr_search search;
    uint64_t limit, found, next;
    uint64_t first, last; /* numbers that are in it */
    uint64_t size;        /* of the checkpoint */
    struct mr_buf note, lines, proof;
    struct mr_log_reader *reader;
    struct mr_zip zip;
};

/* ---- one record ---- */

static int put_named(
        struct evidence *e, const char *folder, uint64_t number, const char *suffix, struct mr_slice content)
{
    char name[NAME_BYTES];

    (void)snprintf(name, sizeof name, "%s/%llu.%s", folder, (unsigned long long)number, suffix);
    return mr_zip_put(&e->zip, name, content);
}

/* Of an expired one the hash alone. */
static int put_leaf(struct evidence *e, const struct mr_record *record)
{
    uint8_t hash[MR_MERKLE_BYTES];
    char text[2 * MR_MERKLE_BYTES + 1];
    int r;

    if (!(record->flags & MR_RECORD_EXPIRED))
        return put_named(e, "leaves", record->number, "leaf", record->leaf);
    r = mr_log_leaf_hash(e->reader, record->number, hash);
    if (r < 0)
        return r;
    return put_named(
            e, "leaves", record->number, "hash", mr_slice_str(mr_hex_encode(hash, sizeof hash, text)));
}

static int put_proof(struct evidence *e, uint64_t number)
{
    struct mr_proof proof = {.index = number - 1, .note = mr_buf_slice(&e->note)};
    int r = mr_log_inclusion(e->reader, number, e->size, &proof.path);

    mr_buf_reset(&e->proof);
    if (r == 0)
        r = mr_proof_put(&e->proof, &proof);
    return r < 0 ? r : put_named(e, "proofs", number, "tlog-proof", mr_buf_slice(&e->proof));
}

static int put_line(struct evidence *e, const struct mr_record *record)
{
    json_t *json = mr_record_json(e->call->house, record);
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;

    json_decref(json);
    if (!text)
        return MR_ENOMEM;
    mr_buf_put_str(&e->lines, text);
    mr_buf_put_str(&e->lines, "\n");
    free(text);
    return 0;
}

/* 1: that was enough. */
static int on_record(void *ctx, const struct mr_record *record)
{
    struct evidence *e = ctx;
    int r = put_leaf(e, record);

    if (r == 0)
        r = put_proof(e, record->number);
    if (r == 0)
        r = put_line(e, record);
    if (r < 0)
        return r;
    if (e->found++ == 0)
        e->first = record->number;
    e->last = record->number;
    return e->found == e->limit || e->zip.buf.size + e->lines.size > BYTES_MAX;
}

/* ---- the rest of the zip ---- */

/* With the first record for an example: "@NUMBER@" in the text. */
static int put_text(struct evidence *e, const char *name, const char *text, size_t size)
{
    static const char mark[] = "@NUMBER@";
    struct mr_buf filled = MR_BUF_INIT;
    const char *end = text + size, *at;
    int r;

    while ((at = memmem(text, (size_t)(end - text), mark, sizeof mark - 1)) != NULL) {
        mr_buf_put(&filled, text, (size_t)(at - text));
        mr_buf_printf(&filled, "%llu", (unsigned long long)e->first);
        text = at + sizeof mark - 1;
    }
    mr_buf_put(&filled, text, (size_t)(end - text));
    r = mr_buf_failed(&filled) ? MR_ENOMEM : mr_zip_put(&e->zip, name, mr_buf_slice(&filled));
    mr_buf_fini(&filled);
    return r;
}

static int put_key(struct evidence *e, struct mr_error *reterr)
{
    char text[MR_NOTE_KEY_TEXT_MAX + 1];
    struct mr_note_key key;
    int r = mr_log_key_public(&key, e->call->house->log, reterr);

    if (r < 0)
        return r;
    (void)mr_note_key_format(&key, text);
    (void)strncat(text, "\n", sizeof text - strlen(text) - 1);
    return mr_zip_put(&e->zip, "key", mr_slice_str(text));
}

static int put_rest(struct evidence *e, struct mr_error *reterr)
{
    int r = mr_buf_failed(&e->lines) ? MR_ENOMEM
                                     : mr_zip_put(&e->zip, "events.ndjson", mr_buf_slice(&e->lines));

    if (r == 0)
        r = mr_zip_put(&e->zip, "checkpoint", mr_buf_slice(&e->note));
    if (r == 0)
        r = put_key(e, reterr);
    for (size_t i = 0; r == 0 && i < MR_COUNT(mr_evidence); i++)
        r = put_text(e, mr_evidence[i].path, (const char *)mr_evidence[i].bytes, mr_evidence[i].size);
    return r < 0 ? r : mr_zip_end(&e->zip);
}

/* ---- the method ---- */

static int begin(struct evidence *e, struct mr_error *reterr)
{
    struct mr_slice note;
    int r = mr_log_reader_open(e->call->house->log, &e->reader);

    if (r == 0)
        r = mr_log_checkpoint(e->reader, &e->size, &note);
    if (r == MR_ENOTFOUND)
        return mr_error_set(reterr, r, "checkpoint", "the hub signs within a second of the first event",
                "the log has no checkpoint yet: nothing can be proved");
    if (r < 0)
        return r;
    mr_buf_put_slice(&e->note, note);
    if (e->search.last == 0 || e->search.last > e->size)
        e->search.last = e->size;
    return mr_buf_failed(&e->note) ? MR_ENOMEM
                                   : mr_zip_begin(&e->zip, mr_clock_wall_us(e->call->house->clock));
}

static bool stopped(const struct evidence *e)
{
    return e->call->stop && *e->call->stop;
}

/* On until there is something, or all is searched: a file without a record would show nothing. */
static int search(struct evidence *e, struct mr_error *reterr)
{
    int r;

    do {
        if (stopped(e))
            return MR_ECLOSED;
        r = mr_search_run(e->call->house, &e->search, on_record, e, &e->next, reterr);
        e->search.first = e->next;
    } while (r == 0 && e->found == 0 && e->next != 0);
    if (r < 0)
        return r;
    if (e->found == 0)
        return mr_error_set(reterr, MR_ENOTFOUND, "",
                "search with other conditions, or wait for the next checkpoint",
                "nothing that a checkpoint covers was found");
    return 0;
}

static json_t *answer(const struct evidence *e)
{
    size_t size = sodium_base64_encoded_len(e->zip.buf.size, sodium_base64_VARIANT_ORIGINAL);
    char *text = malloc(size);
    json_t *json;

    if (!text)
        return NULL;
    sodium_bin2base64(text, size, e->zip.buf.data, e->zip.buf.size, sodium_base64_VARIANT_ORIGINAL);
    json = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:s}", "found", (json_int_t)e->found, "first",
            (json_int_t)e->first, "last", (json_int_t)e->last, "next", (json_int_t)e->next, "checkpoint",
            (json_int_t)e->size, "bytes", (json_int_t)e->zip.buf.size, "base64", text);
    free(text);
    return json;
}

static int run(struct evidence *e, mr_emit_fn emit, void *ctx, struct mr_error *reterr)
{
    json_t *json;
    int r = begin(e, reterr);

    if (r == 0)
        r = search(e, reterr);
    if (r == 0)
        r = put_rest(e, reterr);
    if (r < 0)
        return r;
    json = answer(e);
    return json ? emit(ctx, json) : MR_ENOMEM;
}

int mr_query_log_evidence(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr)
{
    struct evidence e = {.call = call};
    int r = mr_search_args(call, &e.search, reterr);

    if (r == 0)
        r = mr_arg_number(call, "limit", 1, LIMIT_MAX, LIMIT_MAX, &e.limit, reterr);
    e.search.looks_max = LOOKS_MAX;
    if (r == 0)
        r = run(&e, emit, ctx, reterr);
    mr_zip_fini(&e.zip);
    mr_log_reader_close(e.reader);
    mr_buf_fini(&e.note);
    mr_buf_fini(&e.lines);
    mr_buf_fini(&e.proof);
    return r;
}
