/* Addresses of IPv4 and IPv6 and the nets they are in: "10.0.0.0/8". libc only. Pure functions, any thread.
 */
#ifndef MR_BASE_IP_H
#define MR_BASE_IP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/slice.h"

enum { MR_IP_BYTES = 16, MR_IP_TEXT_BYTES = 64 };

struct mr_ip {
    uint8_t bytes[MR_IP_BYTES]; /* of IPv4 as IPv6 has it: ::ffff:a.b.c.d */
};

struct mr_ip_net {
    struct mr_ip ip;
    unsigned bits; /* of MR_IP_BYTES: 96 more than is written of IPv4 */
};

/* "192.0.2.1", "2001:db8::1". 0 or MR_EINVAL. */
int mr_ip_parse(struct mr_ip *ret, struct mr_slice text);
/* The same with "/24" behind it; without it the one address. */
int mr_ip_net_parse(struct mr_ip_net *ret, const char *text);
bool mr_ip_net_has(const struct mr_ip_net *net, const struct mr_ip *ip);

/*
 * Who is counted as one: an address of IPv4, a net of 64 bits of IPv6 (each who has one of these has them
 * all). mr_ip_one() clears what does not tell them apart.
 */
void mr_ip_one(struct mr_ip *ip);
const char *mr_ip_one_text(const struct mr_ip *ip, char ret[static MR_IP_TEXT_BYTES]);

#endif
