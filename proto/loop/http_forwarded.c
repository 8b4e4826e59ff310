#include "proto/loop/http_forwarded.h"

#include <string.h>
#include <strings.h>

#include "proto/base/err.h"

static struct mr_slice trimmed(const char *from, const char *to)
{
    while (from < to && strchr(" \t\"", *from))
        from++;
    while (to > from && strchr(" \t\"", to[-1]))
        to--;
    return mr_slice(from, (size_t)(to - from));
}

/* "192.0.2.1", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]:80". */
static int read_node(struct mr_slice node, struct mr_ip *ret)
{
    const char *text = (const char *)node.data;
    const char *close = node.size > 0 && *text == '[' ? memchr(text, ']', node.size) : NULL;
    const char *colon = node.size > 0 ? memchr(text, ':', node.size) : NULL;

    if (close)
        return mr_ip_parse(ret, mr_slice(text + 1, (size_t)(close - text) - 1));
    if (colon && !memchr(colon + 1, ':', node.size - (size_t)(colon + 1 - text)))
        return mr_ip_parse(ret, mr_slice(text, (size_t)(colon - text)));
    return mr_ip_parse(ret, node);
}

/* for=... of "for=192.0.2.1;proto=https;by=_x". */
static struct mr_slice for_of(const char *from, const char *to)
{
    while (from < to) {
        const char *end = memchr(from, ';', (size_t)(to - from));
        struct mr_slice pair = trimmed(from, end ? end : to);

        if (pair.size > 4 && strncasecmp((const char *)pair.data, "for=", 4) == 0)
            return trimmed((const char *)pair.data + 4, (const char *)pair.data + pair.size);
        from = end ? end + 1 : to;
    }
    return mr_slice(NULL, 0);
}

bool mr_http_is_proxy(const struct mr_http_proxies *proxies, const struct mr_ip *ip)
{
    for (size_t i = 0; i < proxies->count; i++)
        if (mr_ip_net_has(&proxies->nets[i], ip))
            return true;
    return false;
}

void mr_http_look_behind(const struct mr_http_proxies *proxies, const char *list, struct mr_ip *ip)
{
    const char *end = list + strlen(list);
    bool more = true;

    while (more && mr_http_is_proxy(proxies, ip)) {
        const char *from = end;
        struct mr_ip said;

        while (from > list && from[-1] != ',')
            from--;
        if (read_node(proxies->forwarded ? for_of(from, end) : trimmed(from, end), &said) < 0)
            return;
        *ip = said;
        more = from > list;
        end = more ? from - 1 : list;
    }
}
