/* What an acknowledgement says: a client must be able to tell every event's number from it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "hub/session/publish.h"
#include "proto/base/list.h"

enum { ITEMS_MAX = 8 };

typedef Marshrut__Bus__V1__PublishResult result_t;

/* As docs/protocol.md tells a client to do it. */
static void numbers_of(const Marshrut__Bus__V1__PublishAck *ack, uint64_t *ret)
{
    uint64_t next = ack->first_number;
    size_t r = 0;

    for (uint64_t s = ack->first_sequence; s <= ack->through; s++) {
        if (r < ack->n_results && ack->results[r]->sequence == s) {
            *ret++ = ack->results[r]->number;
            if (ack->results[r]->verdict == MARSHRUT__BUS__V1__VERDICT__VERDICT_STORED)
                next = ack->results[r]->number + 1;
            r++;
        } else {
            *ret++ = next++;
        }
    }
    assert_int_equal(r, ack->n_results);
}

static const struct {
    const char *name;
    size_t count;
    struct {
        enum mr_verdict verdict;
        uint64_t number;
    } items[ITEMS_MAX];
    size_t results;
} cases[] = {
        {"all stored", 3, {{MR_VERDICT_STORED, 5}, {MR_VERDICT_STORED, 6}, {MR_VERDICT_STORED, 7}}, 0},
        {"all refused", 2, {{MR_VERDICT_REFUSED, 0}, {MR_VERDICT_REFUSED, 0}}, 2},
        {"refused between", 3, {{MR_VERDICT_STORED, 5}, {MR_VERDICT_REFUSED, 0}, {MR_VERDICT_STORED, 6}}, 1},
        {"duplicate between", 3, {{MR_VERDICT_STORED, 5}, {MR_VERDICT_DUPLICATE, 2}, {MR_VERDICT_STORED, 6}},
                1},
        {"quarantined between", 4,
                {{MR_VERDICT_STORED, 5}, {MR_VERDICT_QUARANTINED, 6}, {MR_VERDICT_STORED, 7},
                        {MR_VERDICT_STORED, 8}},
                2},
        {"quarantined first", 2, {{MR_VERDICT_QUARANTINED, 5}, {MR_VERDICT_STORED, 6}}, 1},
        {"mixed", 8,
                {{MR_VERDICT_REFUSED, 0}, {MR_VERDICT_STORED, 9}, {MR_VERDICT_QUARANTINED, 10},
                        {MR_VERDICT_QUARANTINED, 11}, {MR_VERDICT_STORED, 12}, {MR_VERDICT_DUPLICATE, 3},
                        {MR_VERDICT_STORED, 13}, {MR_VERDICT_STORED, 14}},
                5},
};

static void test_numbers(void **state)
{
    struct mr_verdict_text text = {.code = "code", .reason = "reason"};

    (void)state;
    for (size_t i = 0; i < MR_COUNT(cases); i++) {
        struct mr_intake_item items[ITEMS_MAX] = {0};
        struct mr_intake intake = {.first_sequence = 100, .items = items, .count = cases[i].count};
        Marshrut__Bus__V1__PublishAck ack;
        result_t results[ITEMS_MAX], *pointers[ITEMS_MAX];
        uint64_t numbers[ITEMS_MAX];

        for (size_t j = 0; j < cases[i].count; j++) {
            items[j].verdict = cases[i].items[j].verdict;
            items[j].number = cases[i].items[j].number;
            items[j].text = items[j].verdict == MR_VERDICT_STORED ? NULL : &text;
        }
        assert_int_equal(mr_publish_ack(&ack, results, pointers, &intake), 0);
        assert_int_equal(ack.through, 99 + cases[i].count);
        if (ack.n_results != cases[i].results)
            fail_msg("%s: %zu results", cases[i].name, ack.n_results);
        numbers_of(&ack, numbers);
        for (size_t j = 0; j < cases[i].count; j++)
            if (numbers[j] != cases[i].items[j].number)
                fail_msg("%s: event %zu has number %llu", cases[i].name, j, (unsigned long long)numbers[j]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_numbers)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
