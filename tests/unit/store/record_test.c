#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>

#include "proto/base/bytes.h"
#include "proto/base/crc32c.h"
#include "proto/base/hex.h"
#include "store/record.h"

static const uint16_t subs[] = {1, 7, 300};

static struct mr_record full_record(void)
{
    struct mr_record record = {
            .number = 42,
            .recorded_us = 0x0001020304050607,
            .system = 0x1112,
            .flags = MR_RECORD_SEALED | MR_RECORD_STRIPPED,
            .config = 0x21222324,
            .subs = subs,
            .subs_count = 3,
            .leaf = mr_slice_str("leaf"),
            .slots = {mr_slice_str("s1"), {0}, mr_slice_str("slot3")},
            .slots_count = 3,
    };

    memset(record.ident, 0xaa, sizeof record.ident);
    memset(record.digest, 0xbb, sizeof record.digest);
    return record;
}

static void assert_same(const struct mr_record *a, const struct mr_record *b)
{
    assert_int_equal(a->number, b->number);
    assert_int_equal(a->recorded_us, b->recorded_us);
    assert_int_equal(a->system, b->system);
    assert_int_equal(a->flags, b->flags);
    assert_int_equal(a->config, b->config);
    assert_memory_equal(a->ident, b->ident, sizeof a->ident);
    assert_memory_equal(a->digest, b->digest, sizeof a->digest);
    assert_int_equal(a->subs_count, b->subs_count);
    for (size_t i = 0; i < a->subs_count; i++)
        assert_int_equal(a->subs[i], b->subs[i]);
    assert_true(mr_slice_equal(a->leaf, b->leaf));
    assert_int_equal(a->slots_count, b->slots_count);
    for (size_t i = 0; i < a->slots_count; i++)
        assert_true(mr_slice_equal(a->slots[i], b->slots[i]));
}

static void comes_back(void **state)
{
    struct mr_record record = full_record();
    struct mr_record least = {.number = 1};
    struct mr_record_view view;
    struct mr_buf buf = MR_BUF_INIT;

    (void)state;
    assert_int_equal(mr_record_encode(&buf, &record), 0);
    assert_int_equal(mr_record_decode(&view, 42, mr_buf_slice(&buf), NULL), 0);
    assert_same(&record, &view.record);
    mr_buf_reset(&buf);
    assert_int_equal(mr_record_encode(&buf, &least), 0);
    assert_int_equal(buf.size, 48);
    assert_int_equal(mr_record_decode(&view, 1, mr_buf_slice(&buf), NULL), 0);
    assert_same(&least, &view.record);
    mr_buf_fini(&buf);
}

/* The promise of docs/storage.md: these bytes do not change. */
static void has_the_promised_bytes(void **state)
{
    static const char *const want = "01"
                                    "03"
                                    "0011"
                                    "%s"
                                    "0001020304050607"
                                    "1112"
                                    "0003"
                                    "21222324"
                                    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                                    "bbbbbbbbbbbbbbbb"
                                    "0001"
                                    "0007"
                                    "012c"
                                    "00000002"
                                    "00000000"
                                    "00000005"
                                    "6c656166"
                                    "7331"
                                    "736c6f7433";
    struct mr_record record = full_record();
    struct mr_buf buf = MR_BUF_INIT;
    struct mr_buf text = MR_BUF_INIT;
    uint8_t number[8] = {0, 0, 0, 0, 0, 0, 0, 42};
    uint32_t crc;
    char crc_text[9], got[256];

    (void)state;
    assert_int_equal(mr_record_encode(&buf, &record), 0);
    crc = mr_crc32c_portable(0, number, 8);
    crc = mr_crc32c_portable(crc, buf.data, 4);
    crc = mr_crc32c_portable(crc, buf.data + 8, buf.size - 8);
    assert_int_equal(crc, mr_get_be32(buf.data + 4));
    mr_hex_encode(buf.data + 4, 4, crc_text);
    for (const char *at = want; *at; at++) {
        if (*at == '%')
            mr_buf_put_str(&text, crc_text);
        else if (*at != 's')
            mr_buf_put(&text, at, 1);
    }
    assert_true(buf.size * 2 < sizeof got);
    assert_string_equal(mr_hex_encode(buf.data, buf.size, got), mr_buf_str(&text));
    mr_buf_fini(&buf);
    mr_buf_fini(&text);
}

static void every_flipped_bit_is_seen(void **state)
{
    struct mr_record record = full_record();
    struct mr_record_view view;
    struct mr_buf buf = MR_BUF_INIT;
    struct mr_error err = {0};

    (void)state;
    assert_int_equal(mr_record_encode(&buf, &record), 0);
    for (size_t bit = 0; bit < buf.size * 8; bit++) {
        buf.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(mr_record_decode(&view, 42, mr_buf_slice(&buf), &err), MR_ECORRUPT);
        assert_string_equal(err.where, "record 42");
        buf.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_int_equal(mr_record_decode(&view, 43, mr_buf_slice(&buf), NULL), MR_ECORRUPT);
    for (size_t size = 0; size < buf.size; size++) {
        void *exact = malloc(size + 1); /* so that a sanitizer sees one byte too far */

        memcpy(exact, buf.data, size);
        assert_int_equal(mr_record_decode(&view, 42, mr_slice(exact, size), NULL), MR_ECORRUPT);
        free(exact);
    }
    mr_buf_fini(&buf);
}

static void recrc(struct mr_buf *buf, uint64_t number)
{
    uint8_t key[8];
    uint32_t crc;

    mr_put_be64(key, number);
    crc = mr_crc32c(mr_crc32c(0, key, 8), buf->data, 4);
    mr_put_be32(buf->data + 4, mr_crc32c(crc, buf->data + 8, buf->size - 8));
}

/* Bounds hold also when the CRC is right: whoever can write the file can make a CRC. */
static void lies_with_a_good_crc(void **state)
{
    static const struct {
        const char *name;
        size_t at;
        uint8_t byte;
        int want;
    } cases[] = {
            {"later layout", 0, 2, MR_EUNSUPPORTED},
            {"slots beyond the most", 1, 10, MR_ECORRUPT},
            {"more slots than there are", 1, 9, MR_ECORRUPT},
            {"subs beyond the most", 18, 0xff, MR_ECORRUPT},
            {"subs not ascending", 49, 8, MR_ECORRUPT},
            {"slot too long", 54, 0xff, MR_ECORRUPT},
            {"slot larger than what is left", 65, 5 + 4 + 1, MR_ECORRUPT},
            {"slot that takes the leaf", 65, 5 + 4, 0},
            {"empty slot that nobody emptied", 3, 1, MR_ECORRUPT},
            {"expired, with slots", 3, 8, MR_ECORRUPT},
    };
    struct mr_record record = full_record();
    struct mr_record_view view;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct mr_buf buf = MR_BUF_INIT;
        int r;

        assert_int_equal(mr_record_encode(&buf, &record), 0);
        buf.data[cases[i].at] = cases[i].byte;
        recrc(&buf, 42);
        r = mr_record_decode(&view, 42, mr_buf_slice(&buf), NULL);
        if (r != cases[i].want)
            print_error("%s: %d\n", cases[i].name, r);
        assert_int_equal(r, cases[i].want);
        mr_buf_fini(&buf);
    }
}

static void has_limits(void **state)
{
    static uint16_t many[MR_RECORD_SUBS_MAX + 1];
    struct mr_record record = {.number = 1, .subs = many, .subs_count = MR_RECORD_SUBS_MAX};
    struct mr_record_view view;
    struct mr_buf buf = MR_BUF_INIT;

    (void)state;
    for (size_t i = 0; i < sizeof many / sizeof many[0]; i++)
        many[i] = (uint16_t)(i * 3);
    assert_int_equal(mr_record_encode(&buf, &record), 0);
    assert_int_equal(mr_record_decode(&view, 1, mr_buf_slice(&buf), NULL), 0);
    for (unsigned i = 0; i < MR_RECORD_SUBS_MAX * 3; i++)
        assert_int_equal(mr_record_wants(&view.record, (uint16_t)i), i % 3 == 0);
    record.subs_count++;
    assert_int_equal(mr_record_encode(&buf, &record), MR_EINVAL);
    record.subs_count = 0;
    assert_false(mr_record_wants(&record, 0));
    record.slots_count = MR_RECORD_SLOTS_MAX + 1;
    assert_int_equal(mr_record_encode(&buf, &record), MR_EINVAL);
    record.slots_count = 0;
    record.leaf = mr_slice("", (size_t)MR_RECORD_PART_BYTES_MAX + 1);
    assert_int_equal(mr_record_encode(&buf, &record), MR_EINVAL);
    mr_buf_fini(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(comes_back),
            cmocka_unit_test(has_the_promised_bytes),
            cmocka_unit_test(every_flipped_bit_is_seen),
            cmocka_unit_test(lies_with_a_good_crc),
            cmocka_unit_test(has_limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
