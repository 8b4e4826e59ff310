/* proto/loop/http_forwarded.h: who is believed about whom. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "proto/loop/http_forwarded.h"

static struct mr_ip_net nets[2];

static int setup(void **state)
{
    (void)state;
    assert_int_equal(mr_ip_net_parse(&nets[0], "127.0.0.1"), 0);
    assert_int_equal(mr_ip_net_parse(&nets[1], "10.0.0.0/8"), 0);
    return 0;
}

static void assert_seen(bool forwarded, const char *peer, const char *list, const char *want)
{
    const struct mr_http_proxies proxies = {nets, 2, forwarded};
    char text[MR_IP_TEXT_BYTES];
    struct mr_ip ip;

    assert_int_equal(mr_ip_parse(&ip, mr_slice_str(peer)), 0);
    mr_http_look_behind(&proxies, list, &ip);
    if (strcmp(mr_ip_one_text(&ip, text), want) != 0)
        fail_msg("%s, %s: %s, not %s", peer, list, text, want);
}

static void the_last_that_is_no_proxy_of_ours(void **state)
{
    (void)state;
    assert_seen(false, "127.0.0.1", "203.0.113.7", "203.0.113.7");
    assert_seen(
            false, "127.0.0.1", "192.0.2.1, 203.0.113.7", "203.0.113.7"); /* the first one it says itself */
    assert_seen(false, "127.0.0.1", "192.0.2.1,203.0.113.7 , 10.1.1.1", "203.0.113.7");
    assert_seen(false, "127.0.0.1", "10.0.0.2, 10.0.0.1", "10.0.0.2"); /* all of them are ours */
    assert_seen(false, "127.0.0.1", "203.0.113.7:4711", "203.0.113.7");
    assert_seen(false, "127.0.0.1", "2001:db8:1:2::9", "2001:db8:1:2::/64");
    assert_seen(false, "127.0.0.1", "[2001:db8:1:2::9]:4711", "2001:db8:1:2::/64");
}

static void nobody_else_is_believed(void **state)
{
    const struct mr_http_proxies nobody = {NULL, 0, false};
    char text[MR_IP_TEXT_BYTES];
    struct mr_ip ip;

    (void)state;
    assert_seen(false, "203.0.113.7", "192.0.2.1", "203.0.113.7");
    assert_int_equal(mr_ip_parse(&ip, mr_slice_str("127.0.0.1")), 0);
    mr_http_look_behind(&nobody, "192.0.2.1", &ip);
    assert_string_equal(mr_ip_one_text(&ip, text), "127.0.0.1");
}

/* What a proxy of ours cannot have seen: then it is the proxy's own. */
static void what_is_no_address_ends_it(void **state)
{
    (void)state;
    assert_seen(false, "127.0.0.1", "", "127.0.0.1");
    assert_seen(false, "127.0.0.1", "unknown", "127.0.0.1");
    assert_seen(false, "127.0.0.1", "192.0.2.1, unknown, 10.1.1.1", "10.1.1.1");
    assert_seen(false, "127.0.0.1", "192.0.2.1,,", "127.0.0.1");
    assert_seen(false, "127.0.0.1", "192.0.2.1, 999.1.1.1", "127.0.0.1");
    assert_seen(false, "127.0.0.1", ",", "127.0.0.1");
}

static void the_other_header(void **state)
{
    (void)state;
    assert_seen(true, "127.0.0.1", "for=192.0.2.1, for=203.0.113.7;proto=https;by=10.0.0.1", "203.0.113.7");
    assert_seen(true, "127.0.0.1", "proto=https; For=\"[2001:db8:1:2::9]:4711\"", "2001:db8:1:2::/64");
    assert_seen(true, "127.0.0.1", "for=203.0.113.7, for=10.0.0.2", "203.0.113.7");
    assert_seen(true, "127.0.0.1", "for=_hidden", "127.0.0.1");
    assert_seen(true, "127.0.0.1", "203.0.113.7", "127.0.0.1"); /* not of this header */
    assert_seen(true, "127.0.0.1", "by=203.0.113.7", "127.0.0.1");
    assert_seen(false, "127.0.0.1", "for=203.0.113.7", "127.0.0.1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(the_last_that_is_no_proxy_of_ours),
            cmocka_unit_test(nobody_else_is_believed),
            cmocka_unit_test(what_is_no_address_ends_it),
            cmocka_unit_test(the_other_header),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
