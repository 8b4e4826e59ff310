/* marshrut log key, log checkpoint, log prove N: what others need to check the log, as published formats. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub/sign/log_key.h"
#include "hub/tool/log_tiles.h"
#include "hub/tool/render.h"

/* ---- key and checkpoint ---- */

static void print_document(struct tool *tool, json_t *document)
{
    tool_render(tool, stdout, document);
    json_decref(document);
}

static int do_key(struct tool *tool, struct mr_log *log, struct mr_log_reader *reader, void *ctx,
        struct mr_error *reterr)
{
    char text[MR_NOTE_KEY_TEXT_MAX];
    struct mr_note_key key;
    int r = mr_log_key_public(&key, log, reterr);

    (void)reader;
    (void)ctx;
    if (r < 0)
        return r;
    (void)mr_note_key_format(&key, text);
    if (tool->json)
        print_document(tool, json_pack("{s:s, s:s}", "origin", key.name, "key", text));
    else
        (void)printf("%s\n", text);
    return 0;
}

static int do_checkpoint(struct tool *tool, struct mr_log *log, struct mr_log_reader *reader, void *ctx,
        struct mr_error *reterr)
{
    struct mr_checkpoint checkpoint;
    struct mr_note_key key;
    struct mr_slice note;
    int r = tool_log_newest(log, reader, &key, &checkpoint, &note, reterr);

    (void)ctx;
    if (r < 0)
        return r;
    if (tool->json)
        print_document(tool, json_pack("{s:s, s:I, s:I, s:s%}", "origin", checkpoint.origin, "size",
                                     (json_int_t)checkpoint.size, "head",
                                     (json_int_t)mr_log_reader_head(reader), "note", note.data, note.size));
    else
        (void)fwrite(note.data, 1, note.size, stdout);
    return 0;
}

int tool_log_key(struct tool *tool, int argc, char **argv)
{
    struct mr_error error = {0};

    (void)argv;
    if (argc != 1)
        return tool_usage(&tool_log, "key takes nothing");
    return tool_log_finish(tool, tool_log_with(tool, &error, do_key, NULL), &error);
}

int tool_log_checkpoint(struct tool *tool, int argc, char **argv)
{
    struct mr_error error = {0};

    (void)argv;
    if (argc != 1)
        return tool_usage(&tool_log, "checkpoint takes nothing");
    return tool_log_finish(tool, tool_log_with(tool, &error, do_checkpoint, NULL), &error);
}

/* ---- prove ---- */

struct prove {
    uint64_t number;
    const char *out;
    const char *leaf_out;
};

static int covered(uint64_t number, uint64_t head, uint64_t size, struct mr_error *reterr)
{
    if (number > head)
        return mr_error_set(reterr, MR_ENOTFOUND, "log", "give the number of a record that is there",
                "there is no record %llu, the last is %llu", (unsigned long long)number,
                (unsigned long long)head);
    if (number > size)
        return mr_error_set(reterr, MR_EAGAIN, "checkpoint", "try again in a second, with the hub running",
                "record %llu is newer than the last checkpoint, of %llu", (unsigned long long)number,
                (unsigned long long)size);
    return 0;
}

static int put_leaf(struct mr_log_reader *reader, const struct prove *prove, struct mr_error *reterr)
{
    struct mr_record_view *view = malloc(sizeof *view);
    int r = view ? mr_log_read(reader, prove->number, view, reterr) : MR_ENOMEM;

    if (r == 0 && view->record.flags & MR_RECORD_EXPIRED)
        r = mr_error_set(reterr, MR_EEXPIRED, "log", "prove it without --leaf",
                "record %llu has expired: its leaf is gone", (unsigned long long)prove->number);
    if (r == 0)
        r = tile_write(prove->leaf_out[0] == '/' ? "" : ".", prove->leaf_out, view->record.leaf, reterr);
    free(view);
    return r;
}

static int do_prove(struct tool *tool, struct mr_log *log, struct mr_log_reader *reader, void *ctx,
        struct mr_error *reterr)
{
    const struct prove *prove = ctx;
    struct mr_checkpoint checkpoint;
    struct mr_note_key key;
    struct mr_proof proof = {.index = prove->number - 1};
    struct mr_buf text = MR_BUF_INIT;
    int r = tool_log_newest(log, reader, &key, &checkpoint, &proof.note, reterr);

    if (r == 0)
        r = covered(prove->number, mr_log_reader_head(reader), checkpoint.size, reterr);
    if (r == 0)
        r = mr_log_inclusion(reader, prove->number, checkpoint.size, &proof.path);
    if (r == 0)
        r = mr_proof_put(&text, &proof);
    if (r == 0 && prove->leaf_out)
        r = put_leaf(reader, prove, reterr);
    if (r == 0 && prove->out)
        r = tile_write(prove->out[0] == '/' ? "" : ".", prove->out, mr_buf_slice(&text), reterr);
    if (r == 0 && tool->json)
        print_document(tool, json_pack("{s:I, s:I, s:s}", "number", (json_int_t)prove->number, "size",
                                     (json_int_t)checkpoint.size, "proof", mr_buf_str(&text)));
    else if (r == 0 && !prove->out)
        (void)fwrite(text.data, 1, text.size, stdout);
    mr_buf_fini(&text);
    return r;
}

int tool_log_prove(struct tool *tool, int argc, char **argv)
{
    static const struct option options[] = {{"out", required_argument, NULL, 'o'},
            {"leaf", required_argument, NULL, 'l'}, {NULL, 0, NULL, 0}};
    struct mr_error error = {0};
    struct prove prove = {0};
    long long number;
    char *end;
    int option;

    while ((option = getopt_long(argc, argv, "o:", options, NULL)) != -1) {
        if (option == 'o')
            prove.out = optarg;
        else if (option == 'l')
            prove.leaf_out = optarg;
        else
            return tool_usage(&tool_log, "prove knows --out and --leaf");
    }
    if (optind + 1 != argc)
        return tool_usage(&tool_log, "prove takes one log number");
    number = strtoll(argv[optind], &end, 10);
    if (*end || number < 1)
        return tool_usage(&tool_log, "prove takes a log number from 1 on, not '%s'", argv[optind]);
    prove.number = (uint64_t)number;
    return tool_log_finish(tool, tool_log_with(tool, &error, do_prove, &prove), &error);
}
