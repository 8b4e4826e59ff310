#include "proto/base/ip.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/err.h"

enum { BITS_IN_BYTE = 8, MAPPED_BYTES = 12, IP_BITS = 128, ONE_BITS = 64 };

static const uint8_t mapped[MAPPED_BYTES] = {[10] = 0xff, [11] = 0xff};

static bool is_mapped(const struct mr_ip *ip)
{
    return memcmp(ip->bytes, mapped, sizeof mapped) == 0;
}

int mr_ip_parse(struct mr_ip *ret, struct mr_slice text)
{
    char copy[INET6_ADDRSTRLEN];

    if (text.size == 0 || text.size >= sizeof copy || memchr(text.data, 0, text.size))
        return MR_EINVAL;
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    memcpy(ret->bytes, mapped, sizeof mapped);
    if (inet_pton(AF_INET, copy, ret->bytes + MAPPED_BYTES) == 1)
        return 0;
    return inet_pton(AF_INET6, copy, ret->bytes) == 1 ? 0 : MR_EINVAL;
}

int mr_ip_net_parse(struct mr_ip_net *ret, const char *text)
{
    const char *slash = strchr(text, '/');
    size_t size = slash ? (size_t)(slash - text) : strlen(text);
    unsigned long bits = IP_BITS;
    unsigned before;
    char *end;

    if (mr_ip_parse(&ret->ip, mr_slice(text, size)) < 0)
        return MR_EINVAL;
    before = memchr(text, ':', size) ? 0 : MAPPED_BYTES * BITS_IN_BYTE;
    if (slash) {
        bits = before + strtoul(slash + 1, &end, 10);
        if (slash[1] < '0' || slash[1] > '9' || *end || bits > IP_BITS)
            return MR_EINVAL;
    }
    ret->bits = (unsigned)bits;
    return 0;
}

bool mr_ip_net_has(const struct mr_ip_net *net, const struct mr_ip *ip)
{
    size_t whole = net->bits / BITS_IN_BYTE;
    unsigned rest = net->bits % BITS_IN_BYTE;

    if (memcmp(net->ip.bytes, ip->bytes, whole) != 0)
        return false;
    return rest == 0 || (net->ip.bytes[whole] ^ ip->bytes[whole]) >> (BITS_IN_BYTE - rest) == 0;
}

void mr_ip_one(struct mr_ip *ip)
{
    if (!is_mapped(ip))
        memset(ip->bytes + ONE_BITS / BITS_IN_BYTE, 0, MR_IP_BYTES - ONE_BITS / BITS_IN_BYTE);
}

const char *mr_ip_one_text(const struct mr_ip *ip, char ret[static MR_IP_TEXT_BYTES])
{
    struct mr_ip one = *ip;
    char text[INET6_ADDRSTRLEN] = "";

    mr_ip_one(&one);
    if (is_mapped(&one))
        (void)inet_ntop(AF_INET, one.bytes + MAPPED_BYTES, text, sizeof text);
    else
        (void)inet_ntop(AF_INET6, one.bytes, text, sizeof text);
    (void)snprintf(ret, MR_IP_TEXT_BYTES, is_mapped(&one) ? "%s" : "%s/64", text);
    return ret;
}
