#include "tests/support/deficits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "tests/support/hub_env.h"

enum { EPOCH = 3 };

void deficits_publish(struct deficits *deficits, const struct spawn *spawn, const char *persons)
{
    struct mr_buf events[DEFICITS_MAX] = {0};
    const Marshrut__Bus__V1__PublishAck *ack;
    uint64_t first = deficits->count + 1;
    size_t count = strlen(persons);
    struct bus_client client;
    char id[32];

    assert_true(deficits->count + count <= DEFICITS_MAX);
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(id, sizeof id, "d-%zu", deficits->count + i);
        hub_env_deficit(&events[i], id, persons[i] == 'A' ? DEFICITS_A : DEFICITS_B, NULL);
    }
    bus_connect_as(&client, spawn, SPAWN_COPMKP);
    (void)bus_hello(&client, EPOCH, 0);
    bus_publish(&client, first, events, count);
    ack = bus_expect(&client, MARSHRUT__BUS__V1__FRAME__BODY_PUBLISH_ACK)->publish_ack;
    assert_int_equal(ack->n_results, 0); /* all simply stored */
    for (size_t i = 0; i < count; i++) {
        deficits->numbers[deficits->count++] = ack->first_number + i;
        mr_buf_fini(&events[i]);
    }
    bus_close(&client);
}

void deficits_expect(
        const struct deficits *deficits, struct bus_client *receiver, const char *places, bool released)
{
    size_t at = 0, count = strlen(places);

    while (at < count) {
        const Marshrut__Bus__V1__Deliver *deliver =
                bus_expect(receiver, MARSHRUT__BUS__V1__FRAME__BODY_DELIVER)->deliver;

        assert_int_equal(deliver->released, released);
        for (size_t i = 0; i < deliver->n_items; i++) {
            assert_true(at < count);
            assert_int_equal(deliver->items[i]->number, deficits->numbers[places[at++] - '0']);
        }
    }
}
