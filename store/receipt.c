#include "store/receipt.h"

#include <string.h>

static const char MAGIC[] = "marshrut.receipt@v1\n";

int mr_receipt_put(
        struct mr_buf *out, const struct mr_note_key *key, struct mr_slice leaf, const struct mr_proof *proof)
{
    char text[MR_NOTE_KEY_TEXT_MAX];

    if (leaf.size > MR_RECEIPT_LEAF_BYTES_MAX)
        return MR_ETOOBIG;
    mr_buf_printf(out, "%skey %s\nleaf ", MAGIC, mr_note_key_format(key, text));
    mr_base64_put(out, leaf.data, leaf.size);
    mr_buf_put_str(out, "\n\n");
    return mr_proof_put(out, proof);
}

/* The rest of a line that begins with these words; the line and its newline are taken off *rest. */
static bool take_line(struct mr_slice *rest, const char *words, struct mr_slice *ret)
{
    size_t size = strlen(words);
    const uint8_t *newline = rest->size ? memchr(rest->data, '\n', rest->size) : NULL;
    size_t line = newline ? (size_t)(newline - rest->data) : 0;

    if (!newline || line < size || memcmp(rest->data, words, size) != 0)
        return false;
    *ret = mr_slice(rest->data + size, line - size);
    *rest = mr_slice(newline + 1, rest->size - line - 1);
    return true;
}

/* NULL, or what is wrong. */
static const char *get_leaf(struct mr_slice text, struct mr_buf *leaf)
{
    size_t pad = text.size >= 4
                         ? (size_t)(text.data[text.size - 1] == '=') + (text.data[text.size - 2] == '=')
                         : 0;
    size_t size = text.size / 4 * 3 - pad;
    uint8_t *at;

    if (text.size < 4 || text.size % 4 != 0)
        return "its leaf is no base64";
    if (size > MR_RECEIPT_LEAF_BYTES_MAX)
        return "its leaf is too long";
    mr_buf_reset(leaf);
    at = mr_buf_reserve(leaf, size);
    if (!at)
        return "out of memory";
    if (mr_base64_get(text, at, size) < 0)
        return "its leaf is no base64";
    leaf->size = size;
    return NULL;
}

int mr_receipt_parse(
        struct mr_receipt *ret, struct mr_slice bytes, struct mr_buf *leaf, struct mr_error *reterr)
{
    struct mr_slice rest = bytes, line;
    const char *wrong = NULL;

    memset(ret, 0, sizeof *ret);
    if (bytes.size > MR_RECEIPT_BYTES_MAX)
        wrong = "it is too long";
    else if (!take_line(&rest, "marshrut.receipt@v1", &line) || line.size != 0)
        wrong = "its first line is not marshrut.receipt@v1";
    else if (!take_line(&rest, "key ", &line) || mr_note_key_parse(&ret->key, line, NULL) < 0)
        wrong = "it has no key of a log";
    else if (!take_line(&rest, "leaf ", &line))
        wrong = "it has no leaf";
    else
        wrong = get_leaf(line, leaf);
    if (!wrong && (!take_line(&rest, "", &line) || line.size != 0))
        wrong = "there is no blank line before its proof";
    if (wrong)
        return mr_error_set(reterr, leaf->failed ? MR_ENOMEM : MR_EMALFORMED, "receipt",
                "ask the hub for it again", "%s", wrong);
    ret->leaf = mr_buf_slice(leaf);
    ret->bytes = rest;
    return mr_proof_parse(&ret->proof, rest, reterr);
}

int mr_receipt_verify(const struct mr_receipt *receipt, const struct mr_note_key *key,
        struct mr_checkpoint *ret, struct mr_error *reterr)
{
    struct mr_error error = {0};
    uint8_t hash[MR_MERKLE_BYTES];
    int r = mr_checkpoint_open(ret, receipt->proof.note, key, &error);

    if (r < 0)
        return mr_error_set(reterr, r, "signature", "do not trust it, or give the key of its log", "%s: %s",
                error.where, error.what);
    mr_merkle_leaf(receipt->leaf, hash);
    if (!mr_merkle_verify_inclusion(receipt->proof.index, ret->size, hash, &receipt->proof.path, ret->root))
        return mr_error_set(reterr, MR_EDENIED, "inclusion",
                "do not trust it: its leaf, its number or its path was changed",
                "the path does not lead from this leaf to the signed root");
    return 0;
}
