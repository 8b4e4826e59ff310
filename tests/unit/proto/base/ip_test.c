/* proto/base/ip.h */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "proto/base/ip.h"

static struct mr_ip ip(const char *text)
{
    struct mr_ip ret;

    assert_int_equal(mr_ip_parse(&ret, mr_slice_str(text)), 0);
    return ret;
}

static void test_nets(void **state)
{
    static const struct {
        const char *net, *in, *out;
    } cases[] = {
            {"192.0.2.1", "192.0.2.1", "192.0.2.2"},
            {"10.0.0.0/8", "10.255.0.1", "11.0.0.1"},
            {"10.0.0.0/9", "10.127.0.1", "10.128.0.1"},
            {"0.0.0.0/0", "203.0.113.7", "2001:db8::1"},
            {"127.0.0.1/32", "127.0.0.1", "127.0.0.2"},
            {"2001:db8::/32", "2001:db8:ffff::1", "2001:db9::1"},
            {"2001:db8::1", "2001:db8::1", "2001:db8::2"},
            {"::ffff:10.0.0.0/104", "10.1.2.3", "12.1.2.3"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct mr_ip in = ip(cases[i].in), out = ip(cases[i].out);
        struct mr_ip_net net;

        assert_int_equal(mr_ip_net_parse(&net, cases[i].net), 0);
        if (!mr_ip_net_has(&net, &in) || mr_ip_net_has(&net, &out))
            fail_msg("%s", cases[i].net);
    }
}

static void test_what_is_no_net(void **state)
{
    static const char *const texts[] = {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/x", "10.0.0.0/8x",
            "10.0.0.0/-1", "10.0.0", "::/129", "localhost", "[::1]", "10.0.0.1:80", " 10.0.0.1"};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct mr_ip_net net;

        if (mr_ip_net_parse(&net, texts[i]) == 0)
            fail_msg("'%s'", texts[i]);
    }
}

static void test_who_is_one(void **state)
{
    static const char *const cases[][2] = {
            {"192.0.2.1", "192.0.2.1"}, {"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"}, {"::1", "::/64"}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct mr_ip one = ip(cases[i][0]);
        char text[MR_IP_TEXT_BYTES];

        assert_string_equal(mr_ip_one_text(&one, text), cases[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_nets),
            cmocka_unit_test(test_what_is_no_net),
            cmocka_unit_test(test_who_is_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
