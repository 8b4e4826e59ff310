#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/base/bytes.h"
#include "proto/base/hex.h"
#include "proto/base/list.h"
#include "store/sha256.h"
#include "store/vault.h"
#include "store/vault_internal.h"
#include "tests/support/tmpdir.h"

#define S(text) mr_slice_str(text)

/* The vectors of docs/storage-keys.md. */
static const struct mr_slot_field vector_fields[] = {
        {.field = 1, .value = {(const uint8_t *)"[[[[[[[[[[[[[[[[", 16}},
        {.field = 2, .value = {(const uint8_t *)"11223344595", 11}},
        {.field = 2, .before = 1, .value = {(const uint8_t *)"11223344594", 11}},
        {.field = 3, .derived = true, .value = {(const uint8_t *)"4509 123456", 11}},
        {.field = 300, .value = {NULL, 0}},
};

struct vector {
    uint8_t salt[32];
    uint8_t leaf[32];
    uint8_t nonce[24];
    struct mr_slot_key key;
};

static struct vector vector(void)
{
    struct vector v;

    memset(v.salt, 0xe5, sizeof v.salt);
    memset(v.leaf, 0x1e, sizeof v.leaf);
    memset(v.nonce, 0x24, sizeof v.nonce);
    memset(v.key.id, 0x1d, sizeof v.key.id);
    memset(v.key.dek, 0xd4, sizeof v.key.dek);
    return v;
}

static void seal_vector(const struct vector *v, struct mr_buf *out)
{
    assert_int_equal(mr_slot_seal_with_nonce(out, &v->key, v->leaf, 0, v->salt, vector_fields,
                             MR_COUNT(vector_fields), v->nonce),
            0);
}

static void assert_hex(const uint8_t *data, size_t size, const char *expected)
{
    char text[2 * 512 + 1];

    assert_true(size <= 512);
    assert_string_equal(mr_hex_encode(data, size, text), expected);
}

static void test_vectors(void **state)
{
    static const char *const commitments[] = {
            "8fa876aecf5f4e0d8f87013c647d31d5d8d35e3ef536b205f7721063adf0ede8",
            "96ccbb2c1233d72795ba30fc19c4381387ed7f79ef9af108a77880fdd08b4b7a",
            "90775d538181fdd2578fcb65843a36d2186df11eb788a9e00f22f72e82212200",
            "09373181d32f1ffa43e9dd24be662c69c1687ff46a22120bf1e406eefb65f2f5",
            "e335c58687cb01b0a7800e11625d1a1d2a9151e154015e02477445edb3792dca",
    };
    struct vector v = vector();
    struct mr_buf sealed = MR_BUF_INIT;
    uint8_t all[MR_COUNT(vector_fields)][32];
    uint8_t salt[32], c[32];

    (void)state;
    mr_slot_commit(v.salt, vector_fields, MR_COUNT(vector_fields), c);
    assert_hex(c, 32, "99371e79e0910dad5602e86619eab2f29111f52b47afd28640774444de98c1d0");
    mr_slot_disclose(v.salt, vector_fields, MR_COUNT(vector_fields), 1, salt, all[0]);
    assert_hex(salt, 32, "1e126a674d2e6e49277964ae5fda78e1f5f6e0f2b40eaec08cf6fda126ff5520");
    for (size_t i = 0; i < MR_COUNT(all); i++)
        assert_hex(all[i], 32, commitments[i]);
    seal_vector(&v, &sealed);
    assert_hex(sealed.data, sealed.size,
            "01011d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d2424242424242424242424242424242424242424242424245dc1bedff80d"
            "acb124366e72245a8a215cadbc5b72577e31d9c03a870dff6965c9a94157dcae7c1902e7e7314970b9ce39726a376945"
            "b1b9c975e522afd20d61095e74ed0265c7c1af4625f998661aa145612606826b72d11506dcdc03931f95796363b007ed"
            "8a0861c053f5f8b4f2afffd9");
    mr_buf_fini(&sealed);
}

static void test_open_gives_back_what_was_stored(void **state)
{
    struct vector v = vector();
    struct mr_buf sealed = MR_BUF_INIT;
    struct mr_slot slot;
    uint8_t id[MR_KEY_ID_BYTES];

    (void)state;
    assert_int_equal(mr_slot_seal(&sealed, &v.key, v.leaf, 3, v.salt, vector_fields, 5, NULL), 0);
    assert_int_equal(mr_slot_key_id(mr_buf_slice(&sealed), id), 0);
    assert_memory_equal(id, v.key.id, sizeof id);
    assert_int_equal(mr_slot_open(&slot, mr_buf_slice(&sealed), &v.key, v.leaf, 3), 0);
    assert_int_equal(slot.count, 4); /* one is derived */
    assert_memory_equal(slot.salt, v.salt, 32);
    assert_true(mr_slice_equal(mr_slot_find(&slot, 2)->value, S("11223344595")));
    assert_int_equal(slot.fields[2].before, 1);
    assert_true(mr_slice_equal(slot.fields[2].value, S("11223344594")));
    assert_int_equal(mr_slot_find(&slot, 300)->value.size, 0);
    assert_null(mr_slot_find(&slot, 3));
    mr_slot_fini(&slot);
    mr_slot_fini(NULL);
    mr_buf_fini(&sealed);
}

static void test_two_seals_differ(void **state)
{
    struct vector v = vector();
    struct mr_buf a = MR_BUF_INIT, b = MR_BUF_INIT;

    (void)state;
    assert_int_equal(mr_slot_seal(&a, &v.key, v.leaf, 0, v.salt, vector_fields, 5, NULL), 0);
    assert_int_equal(mr_slot_seal(&b, &v.key, v.leaf, 0, v.salt, vector_fields, 5, NULL), 0);
    assert_false(mr_slice_equal(mr_buf_slice(&a), mr_buf_slice(&b)));
    mr_buf_fini(&a);
    mr_buf_fini(&b);
}

static void assert_refused(
        struct mr_slice sealed, const struct mr_slot_key *key, const uint8_t *leaf, uint8_t slot)
{
    struct mr_slot opened;

    assert_int_equal(mr_slot_open(&opened, sealed, key, leaf, slot), MR_ECORRUPT);
    assert_null(opened.plain.data);
    assert_int_equal(opened.count, 0);
}

static void test_refuses_what_is_not_its_own(void **state)
{
    struct vector v = vector();
    struct vector other = vector();
    struct mr_buf sealed = MR_BUF_INIT;

    (void)state;
    seal_vector(&v, &sealed);
    other.key.dek[31] ^= 1;
    assert_refused(mr_buf_slice(&sealed), &other.key, v.leaf, 0);
    other = vector();
    other.key.id[0] ^= 1;
    assert_refused(mr_buf_slice(&sealed), &other.key, v.leaf, 0);
    other.leaf[31] ^= 1;
    assert_refused(mr_buf_slice(&sealed), &v.key, other.leaf, 0);
    assert_refused(mr_buf_slice(&sealed), &v.key, v.leaf, 1);
    mr_buf_fini(&sealed);
}

static void test_every_flipped_bit_and_every_cut_is_refused(void **state)
{
    struct vector v = vector();
    struct mr_buf sealed = MR_BUF_INIT;

    (void)state;
    seal_vector(&v, &sealed);
    for (size_t bit = 0; bit < sealed.size * 8; bit++) {
        sealed.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_refused(mr_buf_slice(&sealed), &v.key, v.leaf, 0);
        sealed.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t size = 0; size < sealed.size; size++) {
        uint8_t *exact = malloc(size ? size : 1); /* so that a sanitizer sees a step too far */

        memcpy(exact, sealed.data, size);
        assert_refused(mr_slice(exact, size), &v.key, v.leaf, 0);
        free(exact);
    }
    mr_buf_put_u8(&sealed, 0);
    assert_refused(mr_buf_slice(&sealed), &v.key, v.leaf, 0);
    mr_buf_fini(&sealed);
}

/* A slot whose plaintext is authentic and malformed: what a key's holder could make. */
static void seal_raw(const struct vector *v, struct mr_slice entries, struct mr_buf *out)
{
    uint8_t aad[13 + 32 + 1 + 16];
    uint8_t plain[1024];

    memcpy(aad, "hub-vault-v1", 13);
    memcpy(aad + 13, v->leaf, 32);
    aad[45] = 0;
    memcpy(aad + 46, v->key.id, 16);
    memcpy(plain, v->salt, 32);
    memcpy(plain + 32, entries.data, entries.size);
    mr_buf_put_u8(out, 1);
    mr_buf_put_u8(out, 1);
    mr_buf_put(out, v->key.id, 16);
    mr_buf_put(out, v->nonce, 24);
    assert_non_null(mr_buf_reserve(out, 32 + entries.size + 16));
    (void)crypto_aead_xchacha20poly1305_ietf_encrypt(out->data + out->size, NULL, plain, 32 + entries.size,
            aad, sizeof aad, NULL, v->nonce, v->key.dek);
    out->size += 32 + entries.size + 16;
}

static void test_authentic_but_malformed(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
        int ret;
    } cases[] = {
            {"", 0, 0}, {"\0\1\0\0\0\0\0", 7, 0}, {"\0\1\0\0\0\0\1x", 8, 0},
            {"\0\1\0\0\0\0", 6, MR_ECORRUPT},   /* a cut head */
            {"\0\1\0\0\0\0\1", 7, MR_ECORRUPT}, /* longer than what is left */
            {"\0\1\0\xff\xff\xff\xff", 7, MR_ECORRUPT},
            {"\0\1\2\0\0\0\0", 7, MR_ECORRUPT},                /* before is 0 or 1 */
            {"\0\1\0\0\0\0\0\0\1\0\0\0\0\0", 14, MR_ECORRUPT}, /* twice */
            {"\0\2\0\0\0\0\0\0\1\0\0\0\0\0", 14, MR_ECORRUPT}, /* out of order */
            {"\0\1\1\0\0\0\0\0\1\0\0\0\0\0", 14, MR_ECORRUPT},
            {"\0\1\0\0\0\0\0\0", 8, MR_ECORRUPT}, /* a byte too many */
    };
    struct vector v = vector();

    (void)state;
    for (size_t i = 0; i < MR_COUNT(cases); i++) {
        struct mr_buf sealed = MR_BUF_INIT;
        struct mr_slot slot;

        seal_raw(&v, mr_slice(cases[i].bytes, cases[i].size), &sealed);
        assert_int_equal(mr_slot_open(&slot, mr_buf_slice(&sealed), &v.key, v.leaf, 0), cases[i].ret);
        mr_slot_fini(&slot);
        mr_buf_fini(&sealed);
    }
}

static void test_too_many_fields(void **state)
{
    struct mr_slot_field fields[MR_SLOT_FIELDS_MAX + 1];
    struct vector v = vector();
    struct mr_buf sealed = MR_BUF_INIT;
    uint8_t entries[(MR_SLOT_FIELDS_MAX + 1) * 7] = {0};
    struct mr_slot slot;

    (void)state;
    for (uint16_t i = 0; i < MR_COUNT(fields); i++) {
        fields[i] = (struct mr_slot_field){.field = i};
        mr_put_be16(entries + i * 7, i);
    }
    assert_int_equal(
            mr_slot_seal(&sealed, &v.key, v.leaf, 0, v.salt, fields, MR_COUNT(fields), NULL), MR_EINVAL);
    assert_int_equal(mr_slot_seal(&sealed, &v.key, v.leaf, 0, v.salt, fields, 0, NULL), MR_EINVAL);
    assert_int_equal(sealed.size, 0);
    assert_int_equal(mr_slot_seal(&sealed, &v.key, v.leaf, 0, v.salt, fields, MR_SLOT_FIELDS_MAX, NULL), 0);
    assert_int_equal(mr_slot_open(&slot, mr_buf_slice(&sealed), &v.key, v.leaf, 0), 0);
    assert_int_equal(slot.count, MR_SLOT_FIELDS_MAX);
    mr_slot_fini(&slot);
    mr_buf_reset(&sealed);
    seal_raw(&v, mr_slice(entries, sizeof entries), &sealed);
    assert_refused(mr_buf_slice(&sealed), &v.key, v.leaf, 0);
    mr_buf_fini(&sealed);
}

static void test_fields_must_be_in_order(void **state)
{
    static const struct mr_slot_field cases[][2] = {
            {{.field = 2}, {.field = 1}},
            {{.field = 1}, {.field = 1}},
            {{.field = 1, .before = 1}, {.field = 1}},
            {{.field = 1}, {.field = 2, .before = 2}},
    };
    struct vector v = vector();
    struct mr_buf sealed = MR_BUF_INIT;

    (void)state;
    for (size_t i = 0; i < MR_COUNT(cases); i++)
        assert_int_equal(mr_slot_seal(&sealed, &v.key, v.leaf, 0, v.salt, cases[i], 2, NULL), MR_EINVAL);
    assert_int_equal(sealed.size, 0);
}

/* Each of these must move the commitment. */
static void test_commitment_binds(void **state)
{
    struct mr_slot_field fields[5];
    uint8_t salt[32], c[32], d[32];
    struct vector v = vector();

    (void)state;
    mr_slot_commit(v.salt, vector_fields, 5, c);
    for (int change = 0; change < 6; change++) {
        memcpy(fields, vector_fields, sizeof fields);
        memcpy(salt, v.salt, sizeof salt);
        if (change == 0)
            salt[31] ^= 1;
        else if (change == 1)
            fields[4].value = S("x");
        else if (change == 2)
            fields[4].field = 301;
        else if (change == 3)
            fields[4].before = 1;
        else if (change == 4)
            fields[1].value = S("1122334459");
        mr_slot_commit(salt, fields, change == 5 ? 4 : 5, d);
        assert_memory_not_equal(c, d, 32);
    }
    memcpy(fields, vector_fields, sizeof fields);
    fields[3].derived = false; /* stored or not: the same commitment */
    mr_slot_commit(v.salt, fields, 5, d);
    assert_memory_equal(c, d, 32);
}

/* ---- what an auditor does, with nothing of ours ---- */

static void write_file(const char *path, const struct mr_buf *data)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, data->data, data->size), data->size);
    close(fd);
}

static void openssl_sha256(const char *path, char ret[static 65])
{
    char command[512];
    FILE *out;

    (void)snprintf(command, sizeof command, "openssl dgst -sha256 -r '%s'", path);
    out = popen(command, "r"); /* NOLINT(cert-env33-c): a test's own path */
    assert_non_null(out);
    assert_non_null(fgets(ret, 65, out));
    (void)pclose(out);
}

static void test_openssl_checks_a_disclosure(void **state)
{
    struct vector v = vector();
    struct mr_buf one = MR_BUF_INIT, whole = MR_BUF_INIT;
    uint8_t salt[32], all[5 * 32], c[32];
    char hex[65];
    char *dir;

    (void)state;
    if (system("command -v openssl >/dev/null") != 0) /* NOLINT(cert-env33-c) */
        skip();
    dir = mr_tmpdir_new();
    mr_slot_commit(v.salt, vector_fields, 5, c);
    mr_slot_disclose(v.salt, vector_fields, 5, 1, salt, all);
    mr_buf_put(&one, "mr-field-v1", 12);
    mr_buf_put(&one, salt, 32);
    mr_buf_put_be16(&one, 2);
    mr_buf_put_u8(&one, 0);
    mr_buf_put_str(&one, "11223344595");
    write_file(mr_tmpdir_path(dir, "field"), &one);
    openssl_sha256(mr_tmpdir_path(dir, "field"), hex);
    assert_hex(all + 32, 32, hex);
    mr_buf_put(&whole, "mr-slot-v1", 11);
    for (size_t i = 0; i < 5; i++) {
        mr_buf_put_be16(&whole, vector_fields[i].field);
        mr_buf_put_u8(&whole, vector_fields[i].before);
        mr_buf_put(&whole, all + i * 32, 32);
    }
    write_file(mr_tmpdir_path(dir, "slot"), &whole);
    openssl_sha256(mr_tmpdir_path(dir, "slot"), hex);
    assert_hex(c, 32, hex);
    mr_buf_fini(&one);
    mr_buf_fini(&whole);
    mr_tmpdir_free(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_vectors),
            cmocka_unit_test(test_open_gives_back_what_was_stored),
            cmocka_unit_test(test_two_seals_differ),
            cmocka_unit_test(test_refuses_what_is_not_its_own),
            cmocka_unit_test(test_every_flipped_bit_and_every_cut_is_refused),
            cmocka_unit_test(test_authentic_but_malformed),
            cmocka_unit_test(test_too_many_fields),
            cmocka_unit_test(test_fields_must_be_in_order),
            cmocka_unit_test(test_commitment_binds),
            cmocka_unit_test(test_openssl_checks_a_disclosure),
    };

    if (sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
