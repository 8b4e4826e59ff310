/* A receipt is made, read and verified; no byte of one can be changed unnoticed; and its proof stands alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "proto/base/list.h"
#include "store/receipt.h"

#define S(text) mr_slice_str(text)

enum { LEAF_BYTES = 400 };

struct made {
    struct mr_note_signer signer;
    struct mr_note_key other;
    struct mr_buf note, text, leaf;
    uint8_t bytes[LEAF_BYTES];
};

/* A log of three entries, and the receipt of the last one. */
static void make(struct made *made)
{
    const uint8_t seed[32] = {4, 5, 6};
    struct mr_proof proof = {.index = 2, .path = {.count = 1}};
    uint8_t leaves[3][MR_MERKLE_BYTES], root[MR_MERKLE_BYTES];

    *made = (struct made){0};
    for (size_t i = 0; i < sizeof made->bytes; i++)
        made->bytes[i] = (uint8_t)(i * 7);
    mr_merkle_leaf(S("a"), leaves[0]);
    mr_merkle_leaf(S("b"), leaves[1]);
    mr_merkle_leaf(mr_slice(made->bytes, sizeof made->bytes), leaves[2]);
    mr_merkle_node(leaves[0], leaves[1], proof.path.hashes[0]);
    mr_merkle_node(proof.path.hashes[0], leaves[2], root);
    assert_int_equal(mr_note_signer_init(&made->signer, "marshrut/24/hub", seed), 0);
    assert_int_equal(mr_note_key_init(&made->other, "marshrut/24/hub", seed), 0);
    assert_int_equal(mr_checkpoint_sign(&made->note, 3, root, &made->signer), 0);
    proof.note = mr_buf_slice(&made->note);
    assert_int_equal(mr_receipt_put(&made->text, &made->signer.public_key,
                             mr_slice(made->bytes, sizeof made->bytes), &proof),
            0);
}

static void unmake(struct made *made)
{
    mr_buf_fini(&made->note);
    mr_buf_fini(&made->text);
    mr_buf_fini(&made->leaf);
}

static void test_made_and_verified(void **state)
{
    static struct mr_receipt receipt;
    struct mr_checkpoint checkpoint;
    struct mr_error error;
    struct mr_proof proof;
    struct made made;

    (void)state;
    make(&made);
    assert_int_equal(mr_receipt_parse(&receipt, mr_buf_slice(&made.text), &made.leaf, NULL), 0);
    assert_int_equal(mr_receipt_number(&receipt), 3);
    assert_memory_equal(receipt.leaf.data, made.bytes, sizeof made.bytes);
    assert_int_equal(receipt.leaf.size, sizeof made.bytes);
    assert_memory_equal(&receipt.key, &made.signer.public_key, sizeof receipt.key);
    assert_int_equal(mr_receipt_verify(&receipt, &made.signer.public_key, &checkpoint, NULL), 0);
    assert_int_equal(checkpoint.size, 3);
    /* The part behind the blank line is a proof that others read. */
    assert_int_equal(mr_proof_parse(&proof, receipt.bytes, NULL), 0);
    assert_int_equal(mr_receipt_verify(&receipt, &made.other, &checkpoint, &error), MR_ENOTFOUND);
    assert_string_equal(error.where, "signature");
    receipt.leaf.size--;
    assert_int_equal(mr_receipt_verify(&receipt, &made.signer.public_key, &checkpoint, &error), MR_EDENIED);
    assert_string_equal(error.where, "inclusion");
    unmake(&made);
}

static int check(struct made *made, const struct mr_note_key *key)
{
    static struct mr_receipt receipt;
    struct mr_checkpoint checkpoint;
    int r = mr_receipt_parse(&receipt, mr_buf_slice(&made->text), &made->leaf, NULL);

    return r < 0 ? r : mr_receipt_verify(&receipt, key ? key : &receipt.key, &checkpoint, NULL);
}

/* With the log's key, and with the one in the file: each bit of each byte. */
static void test_every_byte(void **state)
{
    struct made made;

    (void)state;
    make(&made);
    assert_int_equal(check(&made, NULL), 0);
    for (size_t i = 0; i < made.text.size; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            made.text.data[i] ^= (uint8_t)(1 << bit);
            assert_true(check(&made, &made.signer.public_key) < 0);
            assert_true(check(&made, NULL) < 0);
            made.text.data[i] ^= (uint8_t)(1 << bit);
        }
    }
    for (size_t size = made.text.size; size-- > 0;) { /* and cut anywhere */
        struct mr_buf whole = made.text;

        made.text.size = size;
        assert_true(check(&made, NULL) < 0);
        made.text = whole;
    }
    unmake(&made);
}

static void test_forms(void **state)
{
#define KEY "key example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k\n"
    static const char *const bad[] = {"", "marshrut.receipt@v1", "marshrut.receipt@v1\n",
            "marshrut.receipt@v2\n" KEY "leaf AAAA\n\nc2sp.org/tlog-proof@v1\nindex 0\n\n",
            "marshrut.receipt@v1 \n" KEY "leaf AAAA\n\nc2sp.org/tlog-proof@v1\nindex 0\n\n",
            "marshrut.receipt@v1\nkey x\nleaf AAAA\n\nc2sp.org/tlog-proof@v1\nindex 0\n\n",
            "marshrut.receipt@v1\n" KEY "\nc2sp.org/tlog-proof@v1\nindex 0\n\n",
            "marshrut.receipt@v1\n" KEY "leaf \n\nc2sp.org/tlog-proof@v1\nindex 0\n\n",
            "marshrut.receipt@v1\n" KEY "leaf AAA\n\nc2sp.org/tlog-proof@v1\nindex 0\n\n",
            "marshrut.receipt@v1\n" KEY "leaf A=A=\n\nc2sp.org/tlog-proof@v1\nindex 0\n\n",
            "marshrut.receipt@v1\n" KEY "leaf AAAA\nx\nc2sp.org/tlog-proof@v1\nindex 0\n\n",
            "marshrut.receipt@v1\n" KEY "leaf AAAA\n\nc2sp.org/tlog-proof@v2\nindex 0\n\n"};
    static struct mr_receipt receipt;
    struct mr_buf leaf = MR_BUF_INIT;

    (void)state;
    for (size_t i = 0; i < MR_COUNT(bad); i++)
        assert_int_equal(mr_receipt_parse(&receipt, S(bad[i]), &leaf, NULL), MR_EMALFORMED);
    assert_int_equal(
            mr_receipt_parse(&receipt,
                    S("marshrut.receipt@v1\n" KEY "leaf AAAA\n\nc2sp.org/tlog-proof@v1\nindex 0\n\nnote"),
                    &leaf, NULL),
            0);
    mr_buf_fini(&leaf);
}

static void test_leaf_too_long(void **state)
{
    struct mr_buf leaf = MR_BUF_INIT, text = MR_BUF_INIT;
    const struct mr_proof proof = {.index = 0};
    static struct mr_receipt receipt;
    struct made made;

    (void)state;
    make(&made);
    (void)memset(mr_buf_reserve(&leaf, MR_RECEIPT_LEAF_BYTES_MAX + 1), 'x', MR_RECEIPT_LEAF_BYTES_MAX + 1);
    leaf.size = MR_RECEIPT_LEAF_BYTES_MAX + 1;
    assert_int_equal(mr_receipt_put(&text, &made.signer.public_key, mr_buf_slice(&leaf), &proof), MR_ETOOBIG);
    leaf.size--;
    assert_int_equal(mr_receipt_put(&text, &made.signer.public_key, mr_buf_slice(&leaf), &proof), 0);
    assert_int_equal(mr_receipt_parse(&receipt, mr_buf_slice(&text), &made.leaf, NULL), 0);
    assert_int_equal(receipt.leaf.size, MR_RECEIPT_LEAF_BYTES_MAX);
    mr_buf_fini(&leaf);
    mr_buf_fini(&text);
    unmake(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_made_and_verified),
            cmocka_unit_test(test_every_byte),
            cmocka_unit_test(test_forms),
            cmocka_unit_test(test_leaf_too_long),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
