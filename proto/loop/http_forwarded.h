/*
 * Whom a request comes from behind proxies: what X-Forwarded-For or Forwarded (RFC 7239) say, as far as it
 * can be believed. Each proxy adds the address that it was asked from at the end, so the last one that is no
 * trusted proxy's is whom the outermost trusted proxy has seen; what stands before it anybody may have sent.
 * Pure functions, any thread.
 */
#ifndef MR_LOOP_HTTP_FORWARDED_H
#define MR_LOOP_HTTP_FORWARDED_H

#include "proto/base/ip.h"

struct mr_http_proxies {
    const struct mr_ip_net *nets;
    size_t count;   /* 0: nobody is believed */
    bool forwarded; /* the header that they write; else X-Forwarded-For */
};

bool mr_http_is_proxy(const struct mr_http_proxies *proxies, const struct mr_ip *ip);
/*
 * *ip: the peer's address; becomes that of whom it comes from. list: all values of the header in their order,
 * with a comma between them. What is no address (unknown, _hidden) ends it at the proxy that said so.
 */
void mr_http_look_behind(const struct mr_http_proxies *proxies, const char *list, struct mr_ip *ip);

#endif
