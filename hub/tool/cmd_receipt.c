/* marshrut receipt NUMBER, and marshrut receipt verify FILE: the latter needs nothing but the file. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub/audit/args.h"
#include "hub/record/opened.h"
#include "hub/tool/log_tiles.h"
#include "hub/tool/receipt_file.h"
#include "hub/tool/render.h"
#include "leaf.pb-c.h"
#include "proto/base/hex.h"
#include "proto/wire/codec.h"
#include "proto/wire/unpack.h"
#include "store/receipt.h"

enum { LEAF_ARENA_BYTES = 1 << 20, LEAF_FIELDS_MAX = 256, LEAF_DEPTH_MAX = 2 };

/* ---- receipt NUMBER ---- */

static int print_receipt(
        struct tool *tool, uint64_t number, struct mr_buf *text, const char *out, struct mr_error *reterr)
{
    json_t *document;

    if (out)
        return tile_write(out[0] == '/' ? "" : ".", out, mr_buf_slice(text), reterr);
    if (!tool->json) {
        (void)fwrite(text->data, 1, text->size, stdout);
        return 0;
    }
    document = json_pack("{s:I, s:s}", "number", (json_int_t)number, "receipt", mr_buf_str(text));
    tool_render(tool, stdout, document);
    json_decref(document);
    return 0;
}

static int receipt_get(struct tool *tool, int argc, char **argv)
{
    static const struct option options[] = {
            {"wait", no_argument, NULL, 'w'}, {"out", required_argument, NULL, 'o'}, {NULL, 0, NULL, 0}};
    struct mr_error error = {0};
    struct mr_buf text = MR_BUF_INIT;
    const char *out = NULL;
    int option, wait_ms = 0, r;
    long long number;
    char *end;

    while ((option = getopt_long(argc, argv, "wo:", options, NULL)) != -1) {
        if (option == 'w')
            wait_ms = TOOL_RECEIPT_WAIT_MS;
        else if (option == 'o')
            out = optarg;
        else
            return tool_usage(&tool_receipt, "unknown option");
    }
    if (optind + 1 != argc)
        return tool_usage(&tool_receipt, "give one log number, or verify and a file");
    number = strtoll(argv[optind], &end, 10);
    if (*end || number < 1)
        return tool_usage(&tool_receipt, "a log number from 1 on, not '%s'", argv[optind]);
    if (!tool_config(tool))
        return mr_err_exit(MR_ECONFIG);
    r = tool_receipt_get(tool, (uint64_t)number, wait_ms, &text, &error);
    if (r == 0)
        r = print_receipt(tool, (uint64_t)number, &text, out, &error);
    mr_buf_fini(&text);
    return tool_log_finish(tool, r, &error);
}

/* ---- receipt verify FILE ---- */

struct verify {
    const char *file, *key_text;
    struct mr_note_key key;
    struct mr_receipt receipt;
    struct mr_checkpoint checkpoint;
};

/* What the leaf says openly. A leaf that another hub made may say less. */
static void add_leaf(json_t *document, struct mr_slice leaf)
{
    static const struct mr_unpack_limits limits = {
            .fields_max = LEAF_FIELDS_MAX, .depth_max = LEAF_DEPTH_MAX};
    const struct mr_record record = {.leaf = leaf};
    ProtobufCMessage *unpacked = NULL;
    const Marshrut__Log__V1__Leaf *message;
    struct mr_buf type = MR_BUF_INIT;
    struct mr_arena arena;

    mr_arena_init(&arena, LEAF_ARENA_BYTES);
    (void)mr_unpack(&marshrut__log__v1__leaf__descriptor, leaf, &limits, NULL, &arena, &unpacked, NULL);
    message = (const Marshrut__Log__V1__Leaf *)unpacked;
    if (message && mr_record_type(&record, &type) == 0) {
        (void)json_object_set_new(document, "recorded", mr_time_json((int64_t)message->recorded_us));
        (void)json_object_set_new(document, "system", json_string(message->system));
        (void)json_object_set_new(document, "type", json_string(mr_buf_str(&type)));
    }
    mr_buf_fini(&type);
    mr_arena_fini(&arena);
}

static void report(struct tool *tool, const struct verify *v)
{
    char hex[2 * MR_MERKLE_BYTES + 1], key[MR_NOTE_KEY_TEXT_MAX];
    uint8_t hash[MR_MERKLE_BYTES];
    json_t *document = json_pack("{s:b, s:I}", "ok", 1, "number", (json_int_t)mr_receipt_number(&v->receipt));

    mr_merkle_leaf(v->receipt.leaf, hash);
    add_leaf(document, v->receipt.leaf);
    (void)json_object_set_new(document, "leaf_hash", json_string(mr_hex_encode(hash, sizeof hash, hex)));
    (void)json_object_set_new(document, "size", json_integer((json_int_t)v->checkpoint.size));
    (void)json_object_set_new(document, "key", json_string(mr_note_key_format(&v->key, key)));
    (void)json_object_set_new(document, "key_from", json_string(v->key_text ? "given" : "receipt"));
    tool_render(tool, stdout, document);
    json_decref(document);
    if (!v->key_text)
        (void)fprintf(stderr,
                "marshrut receipt: the key is trusted as it is written in the file: compare it with the "
                "log's own, which you have\n"
                "  from a source that you trust (marshrut log key), or give it: --key VKEY\n");
}

static int verify_file(struct tool *tool, struct verify *v, struct mr_error *reterr)
{
    struct mr_buf bytes = MR_BUF_INIT, leaf = MR_BUF_INIT;
    int r = tile_read(v->file[0] == '/' ? "" : ".", v->file, &bytes, reterr);

    if (r == MR_ENOTFOUND)
        (void)mr_error_set(reterr, r, v->file, "give the file of a receipt", "no such file");
    if (r == 0)
        r = mr_receipt_parse(&v->receipt, mr_buf_slice(&bytes), &leaf, reterr);
    if (r == 0 && !v->key_text)
        v->key = v->receipt.key;
    if (r == 0) {
        r = mr_receipt_verify(&v->receipt, &v->key, &v->checkpoint, reterr);
        if (r == MR_ENOTFOUND) /* signed by another key: the file is there, the check failed */
            r = MR_EDENIED;
    }
    if (r == 0)
        report(tool, v);
    mr_buf_fini(&bytes);
    mr_buf_fini(&leaf);
    return r;
}

static int receipt_verify(struct tool *tool, int argc, char **argv)
{
    static const struct option options[] = {{"key", required_argument, NULL, 'k'}, {NULL, 0, NULL, 0}};
    struct mr_error error = {0};
    struct verify *v;
    const char *key_text = NULL;
    int option, code, r;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option != 'k')
            return tool_usage(&tool_receipt, "verify knows --key");
        key_text = optarg;
    }
    if (optind + 1 != argc)
        return tool_usage(&tool_receipt, "verify takes one file");
    v = calloc(1, sizeof *v);
    if (!v)
        return mr_err_exit(MR_ENOMEM);
    v->file = argv[optind];
    v->key_text = key_text;
    if (key_text && mr_note_key_parse(&v->key, mr_slice_str(key_text), &error) < 0) {
        free(v);
        return tool_fail(tool, &error);
    }
    r = verify_file(tool, v, &error);
    code = tool_log_finish(tool, r, &error);
    free(v);
    /* What did not hold is exit code 1; what could not be checked has its own code. */
    return r == MR_EDENIED || r == MR_EMALFORMED ? TOOL_EXIT_CHECK : code;
}

static int receipt_run(struct tool *tool, int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "verify") == 0)
        return receipt_verify(tool, argc - 1, argv + 1);
    return receipt_get(tool, argc, argv);
}

const struct tool_command tool_receipt = {
        .name = "receipt",
        .usage = "NUMBER [--wait] [--out FILE] | verify FILE [--key VKEY]",
        .summary = "a receipt that the log has an event, and its check offline",
        .help = "NUMBER         the receipt of this record: leaf, inclusion proof, signed checkpoint, as "
                "text\n"
                "               --wait: up to 10 s for a checkpoint that covers it. --out FILE: into it,\n"
                "               and nothing is printed\n"
                "verify FILE    signature, inclusion and leaf of a receipt. Needs no hub, no store and no\n"
                "               configuration. Without --key VKEY the key is the one in the file, and it "
                "says\n"
                "               so: compare it with the log's own (marshrut log key). Exit code 1: a check "
                "did\n"
                "               not hold, and which\n",
        .run = receipt_run,
};
