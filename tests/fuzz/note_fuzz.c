/* A signed note, checkpoint, proof file or key from a stranger: refused with a reason, or read to the end. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "store/checkpoint.h"
#include "tests/fuzz/fuzz.h"

static void check_key(struct mr_slice bytes)
{
    char text[MR_NOTE_KEY_TEXT_MAX];
    struct mr_note_signer signer;
    struct mr_note_key key;
    struct mr_error error;
    int r = mr_note_key_parse(&key, bytes, &error);

    assert(r == 0 || (r == MR_EMALFORMED && error.code == r));
    if (r == 0)
        assert(mr_slice_equal(mr_slice_str(mr_note_key_format(&key, text)), bytes));
    if (mr_note_signer_parse(&signer, bytes, &error) == 0)
        assert(mr_slice_equal(mr_slice_str(mr_note_signer_format(&signer, text)), bytes));
    mr_note_signer_wipe(&signer);
}

static void check_note(struct mr_slice bytes)
{
    struct mr_note *note = malloc(sizeof *note);
    struct mr_note_key key;
    struct mr_checkpoint checkpoint;
    struct mr_error error;
    uint8_t zero[MR_NOTE_KEY_BYTES] = {0};
    int r = mr_note_parse(note, bytes, &error);

    assert(r == 0 || ((r == MR_EMALFORMED || r == MR_ETOOBIG) && error.code == r));
    if (r == 0) {
        const struct mr_note_signature *last = &note->signatures[note->signatures_count - 1];

        assert(note->text.data == bytes.data && note->text.data[note->text.size - 1] == '\n');
        assert(last->base64.data + last->base64.size + 1 == bytes.data + bytes.size);
        r = mr_note_key_init(&key, "example.com/foo", zero);
        assert(r == 0 && mr_note_verify(note, &key, &error) < 0);
    }
    (void)mr_checkpoint_parse(&checkpoint, bytes, &error);
    free(note);
}

static void check_proof(struct mr_slice bytes)
{
    struct mr_proof proof;
    struct mr_buf again = MR_BUF_INIT;
    struct mr_error error;

    if (mr_proof_parse(&proof, bytes, &error) == 0) {
        int r = mr_proof_put(&again, &proof);

        assert(r == 0 && mr_slice_equal(mr_buf_slice(&again), bytes));
    }
    mr_buf_fini(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mr_slice bytes = mr_slice(data, size);

    check_key(bytes);
    check_note(bytes);
    check_proof(bytes);
    return 0;
}
