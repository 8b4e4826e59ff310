/* marshrut log verify: a store, an exported folder, or one proof. */
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "hub/sign/log_key.h"
#include "hub/tool/log_tiles.h"
#include "hub/tool/progress.h"
#include "hub/tool/render.h"
#include "proto/base/bytes.h"
#include "proto/base/tick.h"

struct verify {
    const char *dir, *proof, *leaf, *key_text;
    struct mr_note_key key;
    const char *key_from; /* "given", "store", "folder" */
    struct tile_check *check;
    struct mr_log_reader *reader;
    struct mr_buf file; /* bundle or tile last read */
    uint64_t checkpoints;
    struct tool_progress progress;
    uint64_t gone; /* records whose leaf is not there: their hash is taken from the tree */
};

/* Of a store the head of a record proves why its leaf is gone. In a folder nothing does. */
static const char EXPIRED[] = "expired", WITHHELD[] = "withheld";

static int report(
        struct tool *tool, const struct verify *v, const struct mr_checkpoint *last, uint64_t records)
{
    json_t *document = json_pack("{s:b, s:s, s:I, s:I, s:I, s:I, s:s}", "ok", 1, "origin", v->key.name,
            "records", (json_int_t)records, v->dir ? WITHHELD : EXPIRED, (json_int_t)v->gone, "signed",
            (json_int_t)last->size, "checkpoints", (json_int_t)v->checkpoints, "key_from", v->key_from);

    tool_render(tool, stdout, document);
    json_decref(document);
    if (v->dir && v->gone > 0 && !tool->json)
        tool_say(stdout,
                "withheld: entries that the folder does not have; it proves that they were in the log, not\n"
                "what they were nor why they are left out. The store knows: marshrut log verify\n");
    return 0;
}

static int take_key(struct verify *v, struct mr_error *reterr)
{
    v->key_from = "given";
    return mr_note_key_parse(&v->key, mr_slice_str(v->key_text), reterr);
}

/* ---- a store ---- */

static int load_row(void *ctx, unsigned level, uint64_t tile, unsigned width, uint8_t (*ret)[MR_MERKLE_BYTES],
        struct mr_error *reterr)
{
    struct verify *v = ctx;
    char where[24];
    int r = mr_log_tile(v->reader, level, tile * MR_TILE_WIDTH, width, ret);

    (void)snprintf(where, sizeof where, "log table row%u", level);
    return r < 0 ? mr_error_set(reterr, r, where, "restore the log from a backup",
                           "rows from %llu on are damaged or missing",
                           (unsigned long long)tile * MR_TILE_WIDTH)
                 : 0;
}

struct next_checkpoint {
    uint64_t size; /* 0: none */
    struct mr_buf note;
};

static int on_checkpoint(void *ctx, struct mr_slice key, struct mr_slice value)
{
    struct next_checkpoint *next = ctx;

    if (key.size != 8)
        return MR_ECORRUPT;
    next->size = mr_get_be64(key.data);
    mr_buf_reset(&next->note);
    mr_buf_put_slice(&next->note, value);
    return mr_buf_failed(&next->note) ? MR_ENOMEM : 1;
}

/* The first checkpoint behind `size`. */
static int find_checkpoint(struct mr_log_reader *reader, uint64_t size, struct next_checkpoint *ret)
{
    uint8_t key[8];
    int r;

    mr_put_be64(key, size + 1);
    ret->size = 0;
    r = mr_log_rows(
            reader, MR_LOG_CHECKPOINT, (struct mr_slice){0}, mr_slice(key, sizeof key), on_checkpoint, ret);
    return r < 0 ? r : 0;
}

static int check_checkpoint(struct verify *v, const struct next_checkpoint *next, struct mr_checkpoint *ret,
        struct mr_error *reterr)
{
    int r = mr_checkpoint_open(ret, mr_buf_slice(&next->note), &v->key, reterr);

    v->checkpoints++;
    return r < 0 ? r : tile_check_root(v->check, ret);
}

/* What has expired has the tree's own hash: that the tree is the one that was signed, the checkpoints say. */
static int check_record(struct verify *v, const struct mr_record *record)
{
    uint8_t leaf[MR_MERKLE_BYTES];
    int r;

    if (!(record->flags & MR_RECORD_EXPIRED))
        return tile_check_entry(v->check, record->leaf);
    v->gone++;
    r = mr_log_leaf_hash(v->reader, record->number, leaf);
    return r < 0 ? r : tile_check_hash(v->check, leaf);
}

static int check_records(struct verify *v, uint64_t head, struct mr_checkpoint *last, struct mr_error *reterr)
{
    struct mr_record_view *view = malloc(sizeof *view);
    struct next_checkpoint next = {0};
    int r = view ? find_checkpoint(v->reader, 0, &next) : MR_ENOMEM;

    for (uint64_t n = 1; r == 0 && n <= head; n++) {
        r = mr_log_read_next(v->reader, view, reterr);
        if (n % MR_TICK_EVERY == 0)
            tool_progress_tick(&v->progress, "log verify", n, head);
        if (r == 0)
            r = check_record(v, &view->record);
        if (r < 0 || n != next.size)
            continue;
        r = check_checkpoint(v, &next, last, reterr);
        if (r == 0)
            r = find_checkpoint(v->reader, n, &next);
    }
    if (r == 0 && next.size > head)
        r = mr_error_set(reterr, MR_ECORRUPT, "log", "restore a newer backup",
                "the log has %llu records, but a checkpoint of %llu", (unsigned long long)head,
                (unsigned long long)next.size);
    mr_buf_fini(&next.note);
    free(view);
    return r;
}

static int verify_store(struct tool *tool, struct mr_log *log, struct mr_log_reader *reader, void *ctx,
        struct mr_error *reterr)
{
    struct verify *v = ctx;
    struct mr_checkpoint last = {0};
    uint64_t head = mr_log_reader_head(reader);
    int r = 0;

    if (!v->key_text) {
        v->key_from = "store";
        r = mr_log_key_public(&v->key, log, reterr);
    }
    v->reader = reader;
    v->check->size = head;
    v->check->load = load_row;
    if (r == 0)
        r = check_records(v, head, &last, reterr);
    tool_progress_end(&v->progress);
    return r < 0 ? r : report(tool, v, &last, head);
}

/* ---- a folder ---- */

static int missing(struct mr_error *reterr, const char *path)
{
    return mr_error_set(
            reterr, MR_ECORRUPT, path, "take the file again from a good copy", "the file is missing");
}

static int read_tile(struct verify *v, const char *path, struct mr_error *reterr)
{
    int r;

    mr_buf_reset(&v->file);
    r = tile_read(v->dir, path, &v->file, reterr);
    return r == MR_ENOTFOUND ? missing(reterr, path) : r;
}

static int load_tile(void *ctx, unsigned level, uint64_t tile, unsigned width,
        uint8_t (*ret)[MR_MERKLE_BYTES], struct mr_error *reterr)
{
    struct verify *v = ctx;
    char path[MR_TILE_PATH_MAX];
    int r = read_tile(v, mr_tile_path((int)level, tile, width, path), reterr);

    if (r < 0)
        return r;
    if (v->file.size != (size_t)width * MR_MERKLE_BYTES)
        return mr_error_set(reterr, MR_ECORRUPT, path, "take the file again from a good copy",
                "it has %zu bytes instead of %u", v->file.size, width * MR_MERKLE_BYTES);
    memcpy(ret, v->file.data, v->file.size);
    return 0;
}

/* The bundle, else the one in which entries are empty: `hashes` of its tile then stand for those. */
static int read_bundle(struct verify *v, uint64_t tile, unsigned width, struct mr_buf *ret,
        char path[static MR_TILE_PATH_MAX + sizeof MR_TILE_EXPIRED], uint8_t (*hashes)[MR_MERKLE_BYTES],
        bool *ret_thinned, struct mr_error *reterr)
{
    int r = tile_read(v->dir, mr_tile_path(MR_TILE_ENTRIES, tile, width, path), ret, reterr);

    *ret_thinned = r == MR_ENOTFOUND;
    if (!*ret_thinned)
        return r;
    (void)snprintf(path + strlen(path), sizeof MR_TILE_EXPIRED, MR_TILE_EXPIRED);
    r = tile_read(v->dir, path, ret, reterr);
    if (r == MR_ENOTFOUND)
        return missing(reterr, mr_tile_path(MR_TILE_ENTRIES, tile, width, path));
    return r < 0 ? r : load_tile(v, 0, tile, width, hashes, reterr);
}

static int check_bundle(struct verify *v, uint64_t tile, unsigned width, struct mr_error *reterr)
{
    static const char cure[] = "take the file again from a good copy";
    uint8_t hashes[MR_TILE_WIDTH][MR_MERKLE_BYTES];
    struct mr_buf bundle = MR_BUF_INIT;
    char path[MR_TILE_PATH_MAX + sizeof MR_TILE_EXPIRED];
    size_t at = 0;
    bool thinned;
    int r = read_bundle(v, tile, width, &bundle, path, hashes, &thinned, reterr);

    for (unsigned i = 0; r == 0 && i < width; i++) {
        size_t size = bundle.size >= at + 2 ? mr_get_be16(bundle.data + at) : SIZE_MAX;

        if (size == SIZE_MAX || size > bundle.size - at - 2) {
            r = mr_error_set(reterr, MR_ECORRUPT, path, cure, "it is cut within entry %u", i);
        } else if (thinned && size == 0) {
            v->gone++;
            r = tile_check_hash(v->check, hashes[i]);
        } else {
            r = tile_check_entry(v->check, mr_slice(bundle.data + at + 2, size));
        }
        at += 2 + size;
    }
    if (r == 0 && at != bundle.size)
        r = mr_error_set(reterr, MR_ECORRUPT, path, cure, "it has bytes behind its last entry");
    mr_buf_fini(&bundle);
    return r;
}

static int folder_key(struct verify *v, struct mr_error *reterr)
{
    int r;

    if (v->key_text)
        return 0;
    v->key_from = "folder";
    r = read_tile(v, "vkey", reterr);
    if (r == 0 && v->file.size > 0 && v->file.data[v->file.size - 1] == '\n')
        v->file.size--;
    return r < 0 ? r : mr_note_key_parse(&v->key, mr_buf_slice(&v->file), reterr);
}

static int folder_is_there(const struct verify *v, struct mr_error *reterr)
{
    struct stat st;

    if (stat(v->dir, &st) == 0 && S_ISDIR(st.st_mode))
        return 0;
    return mr_error_set(reterr, MR_ENOTFOUND, v->dir, "give the folder that `marshrut log export` wrote to",
            "there is no such folder");
}

static int verify_folder(struct tool *tool, struct verify *v, struct mr_error *reterr)
{
    struct mr_checkpoint checkpoint;
    unsigned width;
    int r = folder_is_there(v, reterr);

    if (r == 0)
        r = folder_key(v, reterr);
    if (r == 0)
        r = read_tile(v, "checkpoint", reterr);
    if (r == 0)
        r = mr_checkpoint_open(&checkpoint, mr_buf_slice(&v->file), &v->key, reterr);
    if (r < 0)
        return r;
    v->check->size = checkpoint.size;
    v->check->load = load_tile;
    for (uint64_t tile = 0; r == 0 && (width = mr_tile_width(MR_TILE_ENTRIES, tile, checkpoint.size)) > 0;
            tile++) {
        tool_progress_tick(&v->progress, "log verify", tile * MR_TILE_WIDTH, checkpoint.size);
        r = check_bundle(v, tile, width, reterr);
    }
    tool_progress_end(&v->progress);
    if (r == 0)
        r = tile_check_root(v->check, &checkpoint);
    v->checkpoints = 1;
    return r < 0 ? r : report(tool, v, &checkpoint, checkpoint.size);
}

/* ---- one proof ---- */

static int read_named(const char *path, struct mr_buf *ret, struct mr_error *reterr)
{
    int r = tile_read(path[0] == '/' ? "" : ".", path, ret, reterr);

    return r == MR_ENOTFOUND
                   ? mr_error_set(reterr, r, path, "give the files that log prove wrote", "no such file")
                   : r;
}

static int store_key(struct tool *tool, struct mr_log *log, struct mr_log_reader *reader, void *ctx,
        struct mr_error *reterr)
{
    struct verify *v = ctx;

    (void)tool;
    (void)reader;
    v->key_from = "store";
    return mr_log_key_public(&v->key, log, reterr);
}

static int verify_proof(struct tool *tool, struct verify *v, struct mr_error *reterr)
{
    struct mr_buf text = MR_BUF_INIT, entry = MR_BUF_INIT;
    struct mr_checkpoint checkpoint;
    uint8_t leaf[MR_MERKLE_BYTES];
    struct mr_proof proof;
    int r = v->key_text ? 0 : tool_log_with(tool, reterr, store_key, v);

    if (r == 0)
        r = read_named(v->proof, &text, reterr);
    if (r == 0)
        r = read_named(v->leaf, &entry, reterr);
    if (r == 0)
        r = mr_proof_parse(&proof, mr_buf_slice(&text), reterr);
    if (r == 0) {
        mr_merkle_leaf(mr_buf_slice(&entry), leaf);
        r = mr_proof_verify(&proof, leaf, &v->key, &checkpoint, reterr);
    }
    if (r == 0) {
        json_t *document = json_pack("{s:b, s:s, s:I, s:I, s:s}", "ok", 1, "origin", v->key.name, "number",
                (json_int_t)proof.index + 1, "size", (json_int_t)checkpoint.size, "key_from", v->key_from);

        tool_render(tool, stdout, document);
        json_decref(document);
    }
    mr_buf_fini(&text);
    mr_buf_fini(&entry);
    return r;
}

/* ---- */

static bool take_options(struct verify *v, int argc, char **argv)
{
    static const struct option options[] = {{"key", required_argument, NULL, 'k'},
            {"proof", required_argument, NULL, 'p'}, {"leaf", required_argument, NULL, 'l'},
            {NULL, 0, NULL, 0}};
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'k')
            v->key_text = optarg;
        else if (option == 'p')
            v->proof = optarg;
        else if (option == 'l')
            v->leaf = optarg;
        else
            return false;
    }
    v->dir = optind < argc ? argv[optind] : NULL;
    return argc - optind <= 1 && !v->proof == !v->leaf && !(v->proof && v->dir);
}

/* What did not hold is exit code 1; what could not be checked has its own code. */
static int finish(struct tool *tool, int r, const struct mr_error *error)
{
    int code = tool_log_finish(tool, r, error);
    bool did_not_hold = r == MR_ECORRUPT || r == MR_EDENIED || r == MR_EMALFORMED;

    return did_not_hold ? TOOL_EXIT_CHECK : code;
}

int tool_log_verify(struct tool *tool, int argc, char **argv)
{
    struct mr_error error = {0};
    struct verify v = {0};
    int r = 0;

    if (!take_options(&v, argc, argv))
        return tool_usage(
                &tool_log, "verify [DIR] [--key VKEY], or verify --proof FILE --leaf FILE [--key VKEY]");
    v.check = calloc(1, sizeof *v.check);
    if (!v.check)
        return mr_err_exit(MR_ENOMEM);
    v.check->ctx = &v;
    v.check->error = &error;
    if (v.key_text)
        r = take_key(&v, &error);
    if (r == 0 && v.proof)
        r = verify_proof(tool, &v, &error);
    else if (r == 0 && v.dir)
        r = verify_folder(tool, &v, &error);
    else if (r == 0)
        r = tool_log_with(tool, &error, verify_store, &v);
    mr_buf_fini(&v.file);
    free(v.check);
    return finish(tool, r, &error);
}
