#include "hub/tool/load_keys.h"

#include <limits.h>
#include <stdio.h>

#include "hub/tool/load.h"
#include "proto/loop/curvekey.h"

static int make_key(
        const struct load_keys *keys, const char *name, struct mr_curvekey *ret, struct mr_error *reterr)
{
    char secret[PATH_MAX];
    char public[PATH_MAX];

    (void)snprintf(secret, sizeof secret, "%s/%s.key", keys->dir, name);
    (void)snprintf(public, sizeof public, "%s/%s.pub", keys->dir, name);
    return mr_curvekey_create_files(secret, public, ret, reterr);
}

static int make_system(const struct load_keys *keys, const char *name, const char *publish,
        struct mr_buf *systems, struct mr_error *reterr)
{
    struct mr_curvekey key;
    int r = make_key(keys, name, &key, reterr);

    if (r < 0)
        return r;
    mr_buf_printf(systems,
            "  - {name: %s, kind: other, source: \"urn:marshrut:%s:%s\",\n"
            "     public_key: '%s', publish: [%s]}\n",
            name, keys->region, name, key.public_key, publish);
    mr_curvekey_wipe(&key);
    return 0;
}

static void put_subscription(const struct load_keys *keys, const char *name, struct mr_buf *subscriptions)
{
    mr_buf_printf(subscriptions,
            "  - {name: %s, system: %s, personal: full,\n"
            "     filters: [{prefix: {source: \"urn:marshrut:%s:bench-p\"}}]}\n",
            name, name, keys->region);
}

int load_keys_make(const struct load_keys *keys, struct mr_buf *systems, struct mr_buf *subscriptions,
        struct mr_error *reterr)
{
    char name[32];
    int r = 0;

    for (uint32_t i = 0; r == 0 && i < keys->producers; i++) {
        (void)snprintf(name, sizeof name, LOAD_PRODUCER_NAME, i + 1);
        r = make_system(keys, name, "nms.programme.listed.v1, nms.deficit.identified.v1", systems, reterr);
    }
    for (uint32_t i = 0; r == 0 && i < keys->consumers; i++) {
        (void)snprintf(name, sizeof name, LOAD_CONSUMER_NAME, i + 1);
        r = make_system(keys, name, "", systems, reterr);
        put_subscription(keys, name, subscriptions);
    }
    if (r == 0 && (mr_buf_failed(systems) || mr_buf_failed(subscriptions)))
        r = mr_error_set(reterr, MR_ENOMEM, keys->dir, "", "out of memory");
    return r;
}
