/* Vectors: RFC 3720 appendix B.4, and "123456789" of the CRC catalogue. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>

#include <cmocka.h>

#include "proto/base/crc32c.h"
#include "proto/base/list.h"

static const uint8_t scsi_read[48] = {
        0x01,
        0xc0,
        [16] = 0x14,
        [22] = 0x04,
        [27] = 0x14,
        [31] = 0x18,
        [32] = 0x28,
        [40] = 0x02,
};

static void check(const void *data, size_t size, uint32_t expected)
{
    assert_int_equal(mr_crc32c(0, data, size), expected);
    assert_int_equal(mr_crc32c_portable(0, data, size), expected);
}

static void rfc3720_vectors_hold(void **state)
{
    uint8_t block[32];

    (void)state;
    memset(block, 0, sizeof block);
    check(block, sizeof block, 0x8a9136aa);
    memset(block, 0xff, sizeof block);
    check(block, sizeof block, 0x62a8ab43);
    for (size_t i = 0; i < sizeof block; i++)
        block[i] = (uint8_t)i;
    check(block, sizeof block, 0x46dd794e);
    for (size_t i = 0; i < sizeof block; i++)
        block[i] = (uint8_t)(31 - i);
    check(block, sizeof block, 0x113fdb5c);
    check(scsi_read, sizeof scsi_read, 0xd9963a56);
    check("123456789", 9, 0xe3069283);
    check("", 0, 0);
}

static void both_agree_at_every_size_and_alignment(void **state)
{
    uint8_t data[900]; /* some rounds of its lanes, and what is left */

    (void)state;
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * i * 37 + i / 7 + 11);
    for (size_t start = 0; start < 9; start++)
        for (size_t size = 0; size + start <= sizeof data; size++)
            assert_int_equal(mr_crc32c(7, data + start, size), mr_crc32c_portable(7, data + start, size));
}

static void parts_chain_by_seed(void **state)
{
    const char *text = "a record in two parts";
    size_t size = strlen(text);

    (void)state;
    for (size_t cut = 0; cut <= size; cut++)
        assert_int_equal(
                mr_crc32c(mr_crc32c(0, text, cut), text + cut, size - cut), mr_crc32c(0, text, size));
}

static void every_flipped_bit_shows(void **state)
{
    uint8_t copy[sizeof scsi_read];

    (void)state;
    for (size_t bit = 0; bit < 8 * sizeof copy; bit++) {
        memcpy(copy, scsi_read, sizeof copy);
        copy[bit / 8] ^= (uint8_t)(1U << (bit % 8));
        assert_int_not_equal(mr_crc32c(0, copy, sizeof copy), 0xd9963a56);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(rfc3720_vectors_hold),
            cmocka_unit_test(both_agree_at_every_size_and_alignment),
            cmocka_unit_test(parts_chain_by_seed),
            cmocka_unit_test(every_flipped_bit_shows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
