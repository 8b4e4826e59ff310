/* Signed notes, checkpoints and proof files: the published vector, round trips, and what must be refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/list.h"
#include "store/checkpoint.h"

#define S(text) mr_slice_str(text)
#define DASH    "\xe2\x80\x94 "
#define VKEY    "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
#define TEXT    "This is an example message.\n"
#define BASE64  "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM="
#define LINE    DASH "example.com/foo " BASE64 "\n"

static int check(struct mr_slice bytes, const char *vkey)
{
    struct mr_note *note = malloc(sizeof *note);
    struct mr_note_key key;
    int r;

    assert_non_null(note);
    assert_int_equal(mr_note_key_parse(&key, S(vkey), NULL), 0);
    r = mr_note_parse(note, bytes, NULL);
    if (r == 0)
        r = mr_note_verify(note, &key, NULL);
    free(note);
    return r;
}

static void test_vector(void **state)
{
    struct mr_note_key key;
    char text[MR_NOTE_KEY_TEXT_MAX];

    (void)state;
    assert_int_equal(mr_note_key_parse(&key, S(VKEY), NULL), 0);
    assert_string_equal(key.name, "example.com/foo");
    assert_int_equal(key.id, 0x530d903a);
    assert_string_equal(mr_note_key_format(&key, text), VKEY);
    assert_int_equal(check(S(TEXT "\n" LINE), VKEY), 0);
    assert_int_equal(check(S(TEXT "\n" DASH "other abcdefgh\n" LINE), VKEY), 0); /* unknown: of no matter */
    assert_int_equal(check(S(TEXT "\n" LINE LINE), VKEY), 0);
}

static void test_refused(void **state)
{
    static const char *const malformed[] = {"", "\n", "x", TEXT, TEXT "\n", TEXT LINE, TEXT "\n" LINE "\n",
            TEXT "\n" DASH "example.com/foo\n", TEXT "\n" DASH " " BASE64 "\n",
            TEXT "\n- example.com/foo " BASE64 "\n", TEXT "\n" DASH "example.com/foo  " BASE64 "\n",
            TEXT "\n" DASH "example.com/foo " BASE64 "=\n", TEXT "\n" DASH "example.com/foo " BASE64 " \n",
            TEXT "\n" DASH "example.com/foo Uw2QOg==\n", TEXT "\n" DASH "example.com/foo Uw2QOkn8\r\n",
            TEXT "\n" DASH "a+b Uw2QOkn8\n", TEXT "\n" DASH "a\xc2\xa0z Uw2QOkn8\n", "tab\there\n\n" LINE,
            "\xc0\x80\n\n" LINE, "\xed\xa0\x80\n\n" LINE, "del\x7f\n\n" LINE, "\xf4\x90\x80\x80\n\n" LINE,
            "\xc2\x85\n\n" LINE, TEXT "\n" DASH "example.com/foo " BASE64};

    (void)state;
    for (size_t i = 0; i < MR_COUNT(malformed); i++) {
        if (check(S(malformed[i]), VKEY) != MR_EMALFORMED)
            print_error("case %zu\n", i);
        assert_int_equal(check(S(malformed[i]), VKEY), MR_EMALFORMED);
    }
    assert_int_equal(
            check(mr_slice(TEXT "\0\n\n" LINE, sizeof(TEXT "\0\n\n" LINE) - 1), VKEY), MR_EMALFORMED);
    assert_int_equal(check(S("This is an example Message.\n\n" LINE), VKEY), MR_EDENIED);
    assert_int_equal(check(S(TEXT "\n\n" LINE), VKEY), MR_EDENIED); /* the last blank line splits */
    assert_int_equal(check(S(TEXT "\n" LINE DASH "example.com/foo Uw2QOkn8\n"), VKEY), MR_EDENIED);
    assert_int_equal(check(S(TEXT "\n" DASH "other " BASE64 "\n"), VKEY), MR_ENOTFOUND);
}

static void test_limits(void **state)
{
    struct mr_buf note = MR_BUF_INIT;

    (void)state;
    mr_buf_put_str(&note, TEXT "\n");
    for (int i = 0; i < MR_NOTE_SIGNATURES_MAX; i++)
        mr_buf_put_str(&note, LINE);
    assert_int_equal(check(mr_buf_slice(&note), VKEY), 0);
    mr_buf_put_str(&note, LINE);
    assert_int_equal(check(mr_buf_slice(&note), VKEY), MR_ETOOBIG);
    mr_buf_reset(&note);
    while (note.size <= MR_NOTE_BYTES_MAX)
        mr_buf_put_str(&note, TEXT);
    mr_buf_put_str(&note, "\n" LINE);
    assert_int_equal(check(mr_buf_slice(&note), VKEY), MR_ETOOBIG);
    mr_buf_fini(&note);
}

static void test_keys(void **state)
{
    static const char *const bad[] = {"", "+", "a", "a+530d903a", "a+530d903a+",
            "example.com/foo+530D903A+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
            "example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
            "example.com/fop+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
            "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2",
            "example.com/foo+530d903a+BOkyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
            "example.com foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", VKEY "\n",
            "+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"};
    static const char *const bad_names[] = {"", "a b", "a+b", "a\n", "a\xe2\x80\xa8", "\xff", "a\x01"};
    const uint8_t seed[32] = {7};
    struct mr_note_signer signer, again;
    struct mr_note_key key;
    char text[MR_NOTE_KEY_TEXT_MAX], other[MR_NOTE_KEY_TEXT_MAX];

    (void)state;
    for (size_t i = 0; i < MR_COUNT(bad); i++)
        assert_int_equal(mr_note_key_parse(&key, S(bad[i]), NULL), MR_EMALFORMED);
    for (size_t i = 0; i < MR_COUNT(bad_names); i++)
        assert_int_equal(mr_note_signer_init(&signer, bad_names[i], seed), MR_EINVAL);
    assert_int_equal(mr_note_signer_init(&signer, "marshrut/24/хаб", seed), 0);
    assert_int_equal(mr_note_signer_parse(&again, S(mr_note_signer_format(&signer, text)), NULL), 0);
    assert_memory_equal(&signer, &again, sizeof signer);
    assert_int_equal(mr_note_key_parse(&key, S(mr_note_key_format(&signer.public_key, other)), NULL), 0);
    assert_memory_equal(&key, &signer.public_key, sizeof key);
    assert_int_equal(mr_note_signer_parse(&again, S(other), NULL), MR_EMALFORMED);
    text[14] ^= 1;
    assert_int_equal(mr_note_signer_parse(&again, S(text), NULL), MR_EMALFORMED);
}

/* ---- checkpoints and proofs ---- */

struct made {
    struct mr_note_signer signer;
    struct mr_buf note;
    struct mr_buf proof;
    uint8_t leaves[3][MR_MERKLE_BYTES];
    uint8_t root[MR_MERKLE_BYTES];
};

/* A log of three entries, its checkpoint, and the proof of the last entry: the first two's node. */
static void make(struct made *made)
{
    const uint8_t seed[32] = {1, 2, 3};
    struct mr_proof proof = {.index = 2, .path = {.count = 1}};

    *made = (struct made){0};
    for (uint8_t i = 0; i < 3; i++)
        mr_merkle_leaf(mr_slice(&i, 1), made->leaves[i]);
    mr_merkle_node(made->leaves[0], made->leaves[1], proof.path.hashes[0]);
    mr_merkle_node(proof.path.hashes[0], made->leaves[2], made->root);
    assert_int_equal(mr_note_signer_init(&made->signer, "marshrut/24/hub", seed), 0);
    assert_int_equal(mr_checkpoint_sign(&made->note, 3, made->root, &made->signer), 0);
    proof.note = mr_buf_slice(&made->note);
    assert_int_equal(mr_proof_put(&made->proof, &proof), 0);
}

static void unmake(struct made *made)
{
    mr_buf_fini(&made->note);
    mr_buf_fini(&made->proof);
}

static void test_checkpoint(void **state)
{
    static const char *const bad[] = {"", "a\n1\n", "\n1\n6K5jE1aWd2E3aWd2E3aWd2E3aWd2E3aWd2E3aWd2E3Y=\n",
            "a\n01\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
            "a\n-1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
            "a\n99999999999999999999\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
            "a\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU\n", "a\n1\n47DEQpj8HBSa\n",
            "a\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="};
    struct mr_checkpoint checkpoint;
    struct mr_note_key other;
    struct made made;

    (void)state;
    make(&made);
    assert_int_equal(
            mr_checkpoint_open(&checkpoint, mr_buf_slice(&made.note), &made.signer.public_key, NULL), 0);
    assert_string_equal(checkpoint.origin, "marshrut/24/hub");
    assert_int_equal(checkpoint.size, 3);
    assert_memory_equal(checkpoint.root, made.root, MR_MERKLE_BYTES);
    for (size_t i = 0; i < MR_COUNT(bad); i++)
        assert_int_equal(mr_checkpoint_parse(&checkpoint, S(bad[i]), NULL), MR_EMALFORMED);
    assert_int_equal(mr_checkpoint_parse(&checkpoint,
                             S("a\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\nextension\n"), NULL),
            0);
    assert_int_equal(mr_note_key_init(&other, "marshrut/25/hub", made.signer.public_key.key), 0);
    assert_int_equal(mr_checkpoint_open(&checkpoint, mr_buf_slice(&made.note), &other, NULL), MR_ENOTFOUND);
    unmake(&made);
}

/* A text of another log, signed by this key: a note, but not a checkpoint of this log. */
static void test_foreign_origin(void **state)
{
    struct mr_buf note = MR_BUF_INIT;
    struct mr_checkpoint checkpoint;
    struct made made;

    (void)state;
    make(&made);
    assert_int_equal(
            mr_note_sign(&note, S("b\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"), &made.signer), 0);
    assert_int_equal(
            mr_checkpoint_open(&checkpoint, mr_buf_slice(&note), &made.signer.public_key, NULL), MR_EDENIED);
    assert_int_equal(mr_note_sign(&note, S("no newline"), &made.signer), MR_EINVAL);
    mr_buf_fini(&note);
    unmake(&made);
}

static void test_proof(void **state)
{
    struct mr_checkpoint checkpoint;
    struct mr_proof proof;
    struct made made;

    (void)state;
    make(&made);
    assert_int_equal(mr_proof_parse(&proof, mr_buf_slice(&made.proof), NULL), 0);
    assert_int_equal(proof.index, 2);
    assert_int_equal(mr_proof_verify(&proof, made.leaves[2], &made.signer.public_key, &checkpoint, NULL), 0);
    assert_int_equal(checkpoint.size, 3);
    assert_int_equal(
            mr_proof_verify(&proof, made.leaves[1], &made.signer.public_key, NULL, NULL), MR_EDENIED);
    proof.index = 1;
    assert_int_equal(
            mr_proof_verify(&proof, made.leaves[2], &made.signer.public_key, NULL, NULL), MR_EDENIED);
    unmake(&made);
}

/* No byte of a proof file can be changed unnoticed. */
static void test_every_byte_of_a_proof(void **state)
{
    struct mr_proof proof;
    struct made made;

    (void)state;
    make(&made);
    for (size_t i = 0; i < made.proof.size; i++) {
        int r;

        made.proof.data[i] ^= 1;
        r = mr_proof_parse(&proof, mr_buf_slice(&made.proof), NULL);
        if (r == 0)
            r = mr_proof_verify(&proof, made.leaves[2], &made.signer.public_key, NULL, NULL);
        assert_true(r < 0);
        made.proof.data[i] ^= 1;
    }
    unmake(&made);
}

/* No byte but those of the alphabet, wherever it stands (libsodium's decoder lets some others pass). */
static void test_base64_is_strict(void **state)
{
    uint8_t bytes[3];

    (void)state;
    assert_int_equal(mr_base64_get(S("+/+/"), bytes, 3), 0);
    for (unsigned c = 0; c < 256; c++) {
        uint8_t text[4] = {'A', (uint8_t)c, 'A', 'A'};
        bool good = c < 0x80 && c > 0 && strchr("+/", (int)c) != NULL;

        good = good || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        assert_int_equal(mr_base64_get(mr_slice(text, 4), bytes, 3), good ? 0 : MR_EMALFORMED);
    }
}

static void test_proof_forms(void **state)
{
    static const char *const bad[] = {"", "c2sp.org/tlog-proof@v1", "c2sp.org/tlog-proof@v1\n",
            "c2sp.org/tlog-proof@v2\nindex 0\n\n", "c2sp.org/tlog-proof@v1\nindex \n\n",
            "c2sp.org/tlog-proof@v1\nindex 00\n\n", "c2sp.org/tlog-proof@v1\nindex 0\nAAAA\n\n",
            "c2sp.org/tlog-proof@v1\nindex 0\n", "c2sp.org/tlog-proof@v1\nextra \nindex 0\n\n",
            "c2sp.org/tlog-proof@v1\nextra A\nindex 0\n\n", "c2sp.org/tlog-proof@v1\nextra AAAA\n"};
    struct mr_proof proof;

    (void)state;
    for (size_t i = 0; i < MR_COUNT(bad); i++)
        assert_int_equal(mr_proof_parse(&proof, S(bad[i]), NULL), MR_EMALFORMED);
    assert_int_equal(
            mr_proof_parse(&proof, S("c2sp.org/tlog-proof@v1\nextra AAE=\nindex 10\n\nnote"), NULL), 0);
    assert_true(mr_slice_equal(proof.extra, S("AAE=")) && mr_slice_equal(proof.note, S("note")));
    assert_int_equal(proof.path.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_vector),
            cmocka_unit_test(test_refused),
            cmocka_unit_test(test_limits),
            cmocka_unit_test(test_keys),
            cmocka_unit_test(test_checkpoint),
            cmocka_unit_test(test_foreign_origin),
            cmocka_unit_test(test_proof),
            cmocka_unit_test(test_every_byte_of_a_proof),
            cmocka_unit_test(test_base64_is_strict),
            cmocka_unit_test(test_proof_forms),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
