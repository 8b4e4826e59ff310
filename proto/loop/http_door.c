/*
 * Who is let in, and who gives way: nobody's connections keep the others out. One address has a share of the
 * places; and when nearly all are taken, the connection that has waited the longest without a whole request
 * is cut for the next one.
 */
#include <netinet/in.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "proto/loop/http_internal.h"

enum { SPARE_PART = 8, V4_AT = 12 };

static bool ip_of(const struct sockaddr *address, struct mr_ip *ret)
{
    *ret = (struct mr_ip){{[10] = 0xff, [11] = 0xff}};
    if (address->sa_family == AF_INET)
        memcpy(ret->bytes + V4_AT, &((const struct sockaddr_in *)(const void *)address)->sin_addr, 4);
    else if (address->sa_family == AF_INET6)
        memcpy(ret->bytes, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, MR_IP_BYTES);
    return address->sa_family == AF_INET || address->sa_family == AF_INET6;
}

static size_t count_of(const struct mr_http_server *server, struct mr_ip ip)
{
    size_t found = 0;

    mr_ip_one(&ip);
    mr_list_foreach (it, (struct mr_list *)(uintptr_t)&server->connections)
        found += memcmp(&MR_CONTAINER(it, struct connection, all)->ip, &ip, sizeof ip) == 0;
    return found;
}

/* For MHD. A proxy brings many: whom it brings it must bound itself. */
enum MHD_Result mr_http_may_enter(void *cls, const struct sockaddr *address, socklen_t size)
{
    const struct mr_http_server *server = cls;
    struct mr_ip ip;

    (void)size;
    if (server->options.connections_per_address_max == 0 || !ip_of(address, &ip) ||
            mr_http_is_proxy(&server->options.proxies, &ip))
        return MHD_YES;
    return count_of(server, ip) < server->options.connections_per_address_max ? MHD_YES : MHD_NO;
}

void mr_http_entered(
        struct mr_http_server *server, struct connection *connection, const struct sockaddr *address)
{
    uint32_t places = server->options.connections_max;

    if (address && ip_of(address, &connection->ip))
        mr_ip_one(&connection->ip);
    mr_list_init(&connection->all);
    mr_list_push_back(&server->connections, &connection->all);
    if (++server->connections_count > places - places / SPARE_PART && !mr_list_empty(&server->deadlines)) {
        struct connection *first = MR_CONTAINER(server->deadlines.next, struct connection, member);

        mr_list_remove(&first->member);
        (void)shutdown(first->fd, SHUT_RDWR); /* MHD sees the end of the stream, as at a deadline */
    }
}

void mr_http_left(struct mr_http_server *server, struct connection *connection)
{
    mr_list_remove(&connection->all);
    server->connections_count--;
}

/* ---- whom a request comes from ---- */

struct values {
    const char *name;
    struct mr_buf list;
};

static enum MHD_Result on_value(void *cls, enum MHD_ValueKind kind, const char *name, const char *value)
{
    struct values *values = cls;

    (void)kind;
    if (value && strcasecmp(name, values->name) == 0)
        mr_buf_printf(&values->list, "%s%s", values->list.size > 0 ? "," : "", value);
    return MHD_YES;
}

void mr_http_peer(const struct mr_http_request *request, char ret[static MR_HTTP_PEER_MAX])
{
    struct MHD_Connection *mhd = request->exchange->mhd;
    const struct mr_http_proxies *proxies = &request->exchange->server->options.proxies;
    struct values values = {.name = proxies->forwarded ? "Forwarded" : "X-Forwarded-For"};
    struct mr_ip ip;

    ret[0] = '\0';
    if (!ip_of(MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr, &ip))
        return;
    if (mr_http_is_proxy(proxies, &ip)) {
        (void)MHD_get_connection_values(mhd, MHD_HEADER_KIND, on_value, &values);
        if (values.list.size > 0 && !mr_buf_failed(&values.list))
            mr_http_look_behind(proxies, mr_buf_str(&values.list), &ip);
        mr_buf_fini(&values.list);
    }
    (void)mr_ip_one_text(&ip, ret);
}
