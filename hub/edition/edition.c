#include "hub/edition/edition.h"

#include <stdlib.h>
#include <string.h>

#include "hub/deliver/deliver_rows.h"
#include "hub/deliver/minimise.h"
#include "hub/session/rights.h"
#include "proto/base/bytes.h"

enum { VERSION_KEY_BYTES = 4 };

int mr_edition_new(struct mr_edition **ret, uint32_t version, const struct mr_config *config,
        struct mr_config *own, const struct mr_names *names, struct mr_error *reterr)
{
    struct mr_edition *edition = calloc(1, sizeof *edition);
    int r = edition ? mr_matcher_create(&edition->matcher, config, names, reterr) : MR_ENOMEM;

    if (r < 0) {
        free(edition);
        mr_config_free(own);
        return r;
    }
    atomic_init(&edition->holders, 1);
    edition->version = version;
    edition->config = config;
    edition->own = own;
    *ret = edition;
    return 0;
}

struct mr_edition *mr_edition_hold(struct mr_edition *edition)
{
    if (edition)
        (void)atomic_fetch_add_explicit(&edition->holders, 1, memory_order_relaxed);
    return edition;
}

void mr_edition_drop(struct mr_edition *edition)
{
    if (!edition || atomic_fetch_sub_explicit(&edition->holders, 1, memory_order_acq_rel) != 1)
        return;
    mr_matcher_free(edition->matcher);
    mr_config_free(edition->own);
    free(edition);
}

int mr_edition_put(const struct mr_edition *edition, const struct mr_names *names, uint64_t number,
        struct mr_log_batch *batch)
{
    uint8_t key[VERSION_KEY_BYTES];
    bool any = false;
    int r;

    mr_put_be32(key, edition->version);
    r = mr_log_batch_put(batch, MR_LOG_CONFIG, mr_slice(key, sizeof key), edition->config->text);
    if (r == 0)
        r = mr_names_put(names, edition->config, batch);
    return r < 0 ? r : mr_deliver_rows_missing(batch, edition->config, names, number, &any);
}

int mr_edition_read(struct mr_config **ret, const struct mr_config *running, struct mr_slice text,
        const char *name, struct mr_error *reterr)
{
    struct mr_config *config = NULL;
    int r = mr_config_parse(&config, text, name, running->dir, reterr);

    if (r == 0 && running->file && !(config->file = strdup(running->file)))
        r = MR_ENOMEM;
    if (r == 0)
        r = mr_rights_check(config, name, reterr);
    if (r == 0)
        r = mr_filters_check(config, name, NULL, NULL, reterr);
    if (r == 0)
        r = mr_minimise_check(config, name, reterr);
    if (r == 0)
        r = mr_matcher_check(config, name, reterr);
    if (r < 0)
        mr_config_free(config);
    else
        *ret = config;
    return r;
}

/* ---- who reads which ---- */

int mr_editions_open(struct mr_editions *editions, struct mr_house *house, struct mr_error *reterr)
{
    struct mr_edition *first;
    int r = mr_edition_new(&first, house->config_version, house->config, NULL, house->names, reterr);

    if (r < 0)
        return r;
    (void)pthread_mutex_init(&editions->lock, NULL);
    editions->newest = first;
    house->editions = editions;
    house->edition = mr_edition_hold(first);
    return 0;
}

void mr_editions_close(struct mr_editions *editions)
{
    if (!editions->newest)
        return;
    mr_edition_drop(editions->newest);
    editions->newest = NULL;
    (void)pthread_mutex_destroy(&editions->lock);
}

void mr_editions_set(struct mr_editions *editions, struct mr_edition *newest)
{
    struct mr_edition *old;

    (void)pthread_mutex_lock(&editions->lock);
    old = editions->newest;
    editions->newest = mr_edition_hold(newest);
    (void)pthread_mutex_unlock(&editions->lock);
    mr_edition_drop(old);
}

void mr_house_share(struct mr_house *ret, const struct mr_house *house)
{
    *ret = *house;
    (void)mr_edition_hold(ret->edition);
}

void mr_house_leave(struct mr_house *house)
{
    mr_edition_drop(house->edition);
    *house = (struct mr_house){0};
}

void mr_house_adopt(struct mr_house *house, struct mr_edition *edition)
{
    struct mr_edition *old = house->edition;

    house->edition = mr_edition_hold(edition);
    house->config = edition->config;
    house->config_version = edition->version;
    mr_edition_drop(old);
}

void mr_house_renew(struct mr_house *house)
{
    struct mr_edition *newest;

    if (!house->editions)
        return;
    (void)pthread_mutex_lock(&house->editions->lock);
    newest = mr_edition_hold(house->editions->newest);
    (void)pthread_mutex_unlock(&house->editions->lock);
    if (newest != house->edition)
        mr_house_adopt(house, newest);
    mr_edition_drop(newest);
}
