/*
 * The hub's HTTP face, when hub.http_listen is configured: GET /metrics, /healthz, /readyz, cheap, on the
 * loop, without a token since nothing of an event is told; and the API (hub/http/api.h). Loop thread.
 */
#ifndef MR_HUB_WATCH_FACE_H
#define MR_HUB_WATCH_FACE_H

#include <uv.h>

#include "hub/http/api.h"
#include "proto/loop/http_server.h"

struct mr_hub;

struct mr_face {
    struct mr_http_server *server; /* NULL: off */
    struct mr_hub *hub;
    struct mr_api api;
    struct mr_buf certificate, key; /* of hub.http_tls */
    struct mr_ip_net *proxies;      /* of hub.http_proxy */
    int64_t signed_us;              /* monotonic: when everything was signed last */
    int64_t looked_us;
    bool greeted; /* whether anybody can log in was looked at */
};

/* hub: its parts are open. Without hub.http_listen: 0, and off. MR_EEXISTS, MR_EDENIED, MR_ECONFIG,
 * MR_ESYSTEM. */
int mr_face_open(struct mr_face *face, struct mr_hub *hub, struct mr_error *reterr);
void mr_face_look(struct mr_face *face); /* once a second */
/* First of all when the hub stops: nothing is asked of parts that are gone. The loop runs to its end after
 * it. */
void mr_face_close(struct mr_face *face);
void mr_face_fini(struct mr_face *face); /* when the loop has run to its end and nothing is asked any more */

int64_t mr_face_unsigned_us(
        const struct mr_face *face); /* for how long not everything has been signed; or 0 */
const char *mr_face_not_ready(const struct mr_hub *hub); /* why no event would be taken; NULL: one would be */

#endif
