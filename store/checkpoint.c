#include "store/checkpoint.h"

#include <assert.h>
#include <string.h>

#include "proto/base/bytes.h"

static const char MAGIC[] = "c2sp.org/tlog-proof@v1";

/* ---- lines ---- */

/* Takes the next line, without its newline, off *rest. */
static bool take_line(struct mr_slice *rest, struct mr_slice *ret)
{
    const uint8_t *newline = rest->size ? memchr(rest->data, '\n', rest->size) : NULL;

    if (!newline)
        return false;
    *ret = mr_slice(rest->data, (size_t)(newline - rest->data));
    *rest = mr_slice(newline + 1, rest->size - ret->size - 1);
    return true;
}

/* Decimal without leading zeros, below 2^63. */
static bool get_decimal(struct mr_slice text, uint64_t *ret)
{
    uint64_t value = 0;

    if (text.size == 0 || text.size > 19 || (text.size > 1 && text.data[0] == '0'))
        return false;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        value = value * 10 + (uint64_t)(text.data[i] - '0');
    }
    *ret = value;
    return value <= INT64_MAX;
}

static bool has_prefix(struct mr_slice *line, const char *prefix)
{
    size_t size = strlen(prefix);

    if (line->size < size || memcmp(line->data, prefix, size) != 0)
        return false;
    *line = mr_slice(line->data + size, line->size - size);
    return true;
}

/* ---- checkpoints ---- */

int mr_checkpoint_put(struct mr_buf *out, const struct mr_checkpoint *checkpoint)
{
    assert(mr_note_name_valid(checkpoint->origin));
    mr_buf_printf(out, "%s\n%llu\n", checkpoint->origin, (unsigned long long)checkpoint->size);
    mr_base64_put(out, checkpoint->root, MR_MERKLE_BYTES);
    mr_buf_put_str(out, "\n");
    return mr_buf_failed(out) ? MR_ENOMEM : 0;
}

int mr_checkpoint_sign(struct mr_buf *out, uint64_t size, const uint8_t root[static MR_MERKLE_BYTES],
        const struct mr_note_signer *signer)
{
    struct mr_checkpoint checkpoint = {.size = size};
    struct mr_buf text = MR_BUF_INIT;
    int r;

    memcpy(checkpoint.origin, signer->public_key.name, sizeof checkpoint.origin);
    memcpy(checkpoint.root, root, MR_MERKLE_BYTES);
    r = mr_checkpoint_put(&text, &checkpoint);
    if (r == 0)
        r = mr_note_sign(out, mr_buf_slice(&text), signer);
    mr_buf_fini(&text);
    return r;
}

int mr_checkpoint_parse(struct mr_checkpoint *ret, struct mr_slice text, struct mr_error *reterr)
{
    struct mr_slice rest = text, origin, size, root;
    const char *wrong = NULL;

    *ret = (struct mr_checkpoint){0};
    if (!take_line(&rest, &origin) || !take_line(&rest, &size) || !take_line(&rest, &root))
        wrong = "it has fewer than three lines";
    else if (origin.size == 0 || origin.size > MR_NOTE_NAME_BYTES_MAX)
        wrong = "its origin is empty or too long";
    else if (!get_decimal(size, &ret->size))
        wrong = "its size is no number";
    else if (mr_base64_get(root, ret->root, MR_MERKLE_BYTES) < 0)
        wrong = "its root is no base64 of 32 bytes";
    if (wrong)
        return mr_error_set(reterr, MR_EMALFORMED, "checkpoint", "take it again from the log", "%s", wrong);
    memcpy(ret->origin, origin.data, origin.size);
    return 0;
}

int mr_checkpoint_open(struct mr_checkpoint *ret, struct mr_slice bytes, const struct mr_note_key *key,
        struct mr_error *reterr)
{
    struct mr_note note;
    int r = mr_note_parse(&note, bytes, reterr);

    if (r == 0)
        r = mr_note_verify(&note, key, reterr);
    if (r == 0)
        r = mr_checkpoint_parse(ret, note.text, reterr);
    if (r == 0 && strcmp(ret->origin, key->name) != 0)
        r = mr_error_set(reterr, MR_EDENIED, "checkpoint", "give the key of this log",
                "it is of the log %.100s, the key is of %.100s", ret->origin, key->name);
    return r;
}

/* ---- proofs ---- */

int mr_proof_put(struct mr_buf *out, const struct mr_proof *proof)
{
    mr_buf_printf(out, "%s\n", MAGIC);
    if (proof->extra.size > 0) {
        mr_buf_put_str(out, "extra ");
        mr_buf_put_slice(out, proof->extra);
        mr_buf_put_str(out, "\n");
    }
    mr_buf_printf(out, "index %llu\n", (unsigned long long)proof->index);
    for (size_t i = 0; i < proof->path.count; i++) {
        mr_base64_put(out, proof->path.hashes[i], MR_MERKLE_BYTES);
        mr_buf_put_str(out, "\n");
    }
    mr_buf_put_str(out, "\n");
    mr_buf_put_slice(out, proof->note);
    return mr_buf_failed(out) ? MR_ENOMEM : 0;
}

/* Hashes up to the blank line. NULL, or what is wrong. */
static const char *get_path(struct mr_merkle_path *ret, struct mr_slice *rest)
{
    struct mr_slice line;

    ret->count = 0;
    while (take_line(rest, &line)) {
        if (line.size == 0)
            return NULL;
        if (ret->count == MR_MERKLE_HEIGHTS)
            return "it has more than 64 hashes";
        if (mr_base64_get(line, ret->hashes[ret->count++], MR_MERKLE_BYTES) < 0)
            return "one of its hashes is no base64 of 32 bytes";
    }
    return "it has no checkpoint behind a blank line";
}

static const char *get_proof(struct mr_proof *ret, struct mr_slice rest)
{
    uint8_t extra[MR_PROOF_EXTRA_BYTES_MAX];
    struct mr_slice line;
    const char *wrong;

    if (!take_line(&rest, &line) || !mr_slice_equal(line, mr_slice_str(MAGIC)))
        return "its first line is not c2sp.org/tlog-proof@v1";
    if (!take_line(&rest, &line))
        return "it is cut";
    if (has_prefix(&line, "extra ")) {
        size_t pad = line.size >= 4
                             ? (size_t)(line.data[line.size - 1] == '=') + (line.data[line.size - 2] == '=')
                             : 0;

        if (line.size < 4 || line.size / 4 * 3 - pad > sizeof extra ||
                mr_base64_get(line, extra, line.size / 4 * 3 - pad) < 0)
            return "its extra line is no base64, or too long";
        ret->extra = line;
        if (!take_line(&rest, &line))
            return "it is cut";
    }
    if (!has_prefix(&line, "index ") || !get_decimal(line, &ret->index))
        return "it has no index";
    wrong = get_path(&ret->path, &rest);
    ret->note = rest;
    return wrong;
}

int mr_proof_parse(struct mr_proof *ret, struct mr_slice bytes, struct mr_error *reterr)
{
    const char *wrong;

    *ret = (struct mr_proof){0};
    wrong = bytes.size > MR_PROOF_BYTES_MAX ? "it is too long" : get_proof(ret, bytes);
    if (!wrong)
        return 0;
    return mr_error_set(reterr, MR_EMALFORMED, "proof", "take it again from the log", "%s", wrong);
}

int mr_proof_verify(const struct mr_proof *proof, const uint8_t leaf[static MR_MERKLE_BYTES],
        const struct mr_note_key *key, struct mr_checkpoint *ret, struct mr_error *reterr)
{
    struct mr_checkpoint checkpoint;
    int r = mr_checkpoint_open(&checkpoint, proof->note, key, reterr);

    if (r < 0)
        return r;
    if (!mr_merkle_verify_inclusion(proof->index, checkpoint.size, leaf, &proof->path, checkpoint.root))
        return mr_error_set(reterr, MR_EDENIED, "proof", "do not trust it: entry, index or path was changed",
                "the path does not lead from this entry to the signed root");
    if (ret)
        *ret = checkpoint;
    return 0;
}
