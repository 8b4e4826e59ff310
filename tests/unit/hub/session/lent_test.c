#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "hub/session/lent.h"
#include "proto/base/list.h"

enum { LARGE = 5000 };

static const size_t sizes[] = {0, 1, 16, 33, 34, 400, LARGE}; /* a small one lies in the zmq_msg_t itself */

static void fill(zmq_msg_t *message, size_t size)
{
    assert_int_equal(zmq_msg_init_size(message, size), 0);
    memset(zmq_msg_data(message), 0x5a, size);
}

static void test_bytes_stay(void **state)
{
    (void)state;
    for (size_t i = 0; i < MR_COUNT(sizes); i++) {
        zmq_msg_t message;
        struct mr_lent *lent;
        struct mr_slice bytes;

        fill(&message, sizes[i]);
        lent = mr_lent_take(&message);
        assert_non_null(lent);
        assert_int_equal(zmq_msg_size(&message), 0);
        (void)zmq_msg_close(&message);
        bytes = mr_lent_bytes(lent);
        assert_int_equal(bytes.size, sizes[i]);
        for (size_t j = 0; j < bytes.size; j++)
            assert_int_equal(bytes.data[j], 0x5a);
        mr_lent_let_go(lent);
    }
    mr_lent_let_go(NULL);
}

/* A copy shares the memory of a large message, so it shows what is left in it. */
static void test_nothing_is_left(void **state)
{
    zmq_msg_t message, copy;
    const uint8_t *bytes;

    (void)state;
    fill(&message, LARGE);
    assert_int_equal(zmq_msg_init(&copy), 0);
    assert_int_equal(zmq_msg_copy(&copy, &message), 0);
    bytes = zmq_msg_data(&copy);
    assert_ptr_equal(bytes, zmq_msg_data(&message));
    mr_lent_let_go(mr_lent_take(&message));
    for (size_t i = 0; i < LARGE; i++)
        assert_int_equal(bytes[i], 0);
    (void)zmq_msg_close(&copy);
    (void)zmq_msg_close(&message);
}

/* Two events and something else: in a message of which they are most, and in one of which they are little. */
static void test_the_smaller_part_is_copied(void **state)
{
    enum { FIRST = 100, SECOND = 300, EVENTS = FIRST + SECOND };
    static const size_t others[] = {0, EVENTS, EVENTS + 2, LARGE};

    (void)state;
    for (size_t i = 0; i < MR_COUNT(others); i++) {
        struct mr_intake *intake = mr_intake_new(3);
        size_t whole = EVENTS + others[i];
        bool copied = others[i] > EVENTS;
        zmq_msg_t message;
        uint8_t *bytes;

        assert_non_null(intake);
        fill(&message, whole);
        bytes = zmq_msg_data(&message);
        memset(bytes + whole - SECOND, 0xa5, SECOND);
        assert_int_equal(mr_lent_events(intake, &message,
                                 (const ProtobufCBinaryData[]){
                                         {FIRST, bytes}, {0, NULL}, {SECOND, bytes + whole - SECOND}}),
                0);
        assert_int_equal(zmq_msg_size(&message), copied ? whole : 0);
        (void)zmq_msg_close(&message);
        assert_int_equal(intake->lent == NULL, copied);
        assert_int_equal(intake->bytes.size, copied ? EVENTS : 0);
        assert_int_equal(intake->items[0].event.size, FIRST);
        assert_int_equal(intake->items[0].event.data[FIRST - 1], 0x5a);
        assert_int_equal(intake->items[1].event.size, 0);
        assert_int_equal(intake->items[2].event.size, SECOND);
        assert_int_equal(intake->items[2].event.data[0], 0xa5);
        assert_int_equal(intake->items[2].event.data[SECOND - 1], 0xa5);
        mr_intake_free(intake);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_bytes_stay),
            cmocka_unit_test(test_nothing_is_left),
            cmocka_unit_test(test_the_smaller_part_is_copied),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
