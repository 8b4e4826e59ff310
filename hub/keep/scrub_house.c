#include "hub/keep/scrub_house.h"

#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "hub/sign/log_key.h"
#include "proto/base/list.h"
#include "store/index.h"
#include "store/root_key.h"
#include "store/view.h"

struct pass {
    const struct mr_config *config;
    mr_scrub_fn fn;
    void *ctx;
    const struct mr_tick *tick;
    struct mr_scrub_house *result;
    struct mr_keyring *keyring;
    struct mr_log *log; /* NULL: damaged */
};

static int path_of(
        const struct mr_config *config, const char *name, char out[static PATH_MAX], struct mr_error *reterr)
{
    if (snprintf(out, PATH_MAX, "%s/%s", config->hub.store, name) < PATH_MAX)
        return 0;
    return mr_error_set(
            reterr, MR_ECONFIG, "hub.store", "use a shorter path", "the path of the store is too long");
}

static void tell(struct pass *p, const char *environment, const char *table, const struct mr_error *error)
{
    const struct mr_scrub_finding finding = {.environment = environment,
            .table = table,
            .what = error->what[0] ? error->what : mr_err_text(error->code),
            .cure = error->cure};

    p->result->counts.findings++;
    p->fn(p->ctx, &finding);
}

/* ---- environments ---- */

/* Nobody has it open: its file is read as it lies. Else a snapshot of it. */
static int scrub_closed_or_live(
        struct mr_scrub_options *options, struct mr_scrub_counts *counts, struct mr_error *reterr)
{
    struct mr_kv_options live = {.dir = options->dir, .read_only = true};
    struct mr_kv *kv = NULL;
    int held;
    int r = mr_kv_hold(options->dir, &held, reterr);

    if (r == MR_EEXISTS && (r = mr_kv_open(&kv, &live, reterr)) < 0)
        return r;
    if (r < 0)
        return r;
    options->kv = kv;
    r = mr_scrub(options, counts, reterr);
    mr_kv_close(kv);
    mr_kv_let_go(held);
    return r;
}

/* *ret_clean: nothing was found, so that LMDB may be let at it. */
static int environment(struct pass *p, const char *name, bool *ret_clean, struct mr_error *reterr)
{
    char dir[PATH_MAX];
    struct mr_scrub_options options = {.environment = name,
            .dir = dir,
            .keyring = p->keyring,
            .fn = p->fn,
            .ctx = p->ctx,
            .tick = p->tick};
    struct mr_error error = {0};
    uint64_t before = p->result->counts.findings;
    int r = path_of(p->config, name, dir, reterr);

    if (r < 0)
        return r;
    r = scrub_closed_or_live(&options, &p->result->counts, &error);
    if (r == MR_ECORRUPT && p->result->counts.findings == before)
        tell(p, name, "", &error);
    *ret_clean = r == 0 && p->result->counts.findings == before;
    if (r < 0 && r != MR_ECORRUPT && reterr)
        *reterr = error;
    return r == MR_ECORRUPT ? 0 : r;
}

/* ---- keys ---- */

static void root_key(struct pass *p, bool *ret_readable)
{
    struct mr_error error = {0};
    struct mr_root root;
    char name[16];
    int r = mr_root_read(p->config->hub.root_key, &root, &error);

    *ret_readable = r == 0;
    if (r == MR_EDENIED || r == MR_ENOTFOUND)
        return; /* kept from this user, or elsewhere */
    if (r < 0)
        tell(p, "root_key", "", &error);
    for (unsigned i = 0; r == 0 && i < MR_ROOT_SLOTS; i++) {
        if (root.slots[i].state != MR_ROOT_DAMAGED)
            continue;
        (void)snprintf(name, sizeof name, "root.%u", i);
        (void)mr_error_set(&error, MR_ECORRUPT, name, "bring it back from its escrow place",
                "the slot is neither free nor a key");
        tell(p, "root_key", name, &error);
    }
    mr_root_wipe(&root);
}

/* Pages and CRC first; then, by LMDB, each row with the key above it. */
static int keys(struct pass *p, struct mr_error *reterr)
{
    char dir[PATH_MAX];
    struct mr_keyring_options open = {.dir = dir, .root_path = p->config->hub.root_key, .read_only = true};
    struct mr_scrub_options options = {
            .environment = "keys", .dir = dir, .fn = p->fn, .ctx = p->ctx, .tick = p->tick};
    struct mr_scrub_counts again = {0};
    struct mr_error error = {0};
    bool clean, readable;
    int r = environment(p, "keys", &clean, reterr);

    if (r == 0)
        r = path_of(p->config, "keys", dir, reterr);
    if (r < 0)
        return r;
    root_key(p, &readable);
    if (!clean || !readable)
        return 0;
    r = mr_keyring_open(&p->keyring, &open, &error);
    if (r < 0) {
        p->keyring = NULL;
        if (r != MR_EDENIED && r != MR_ENOTFOUND)
            tell(p, "keys", "", &error);
        return 0;
    }
    options.keyring = p->keyring;
    options.kv = mr_keyring_kv(p->keyring);
    r = mr_scrub(&options, &again, reterr);
    p->result->keys_opened = r == 0;
    p->result->counts.findings += again.findings;
    return r;
}

/* ---- log, and what is derived from it ---- */

static int log_and_files(struct pass *p, struct mr_error *reterr)
{
    char dir[PATH_MAX];
    struct mr_log_options options = {.dir = dir, .read_only = true};
    struct mr_error error = {0};
    bool clean;
    int r = environment(p, "log", &clean, reterr);

    if (r == 0)
        r = path_of(p->config, "log", dir, reterr);
    if (r < 0 || !clean)
        return r;
    r = mr_log_open(&p->log, &options, &error);
    if (r < 0) {
        p->log = NULL;
        tell(p, "log", "", &error);
        return 0;
    }
    r = mr_log_key_check(p->config, p->log, &error);
    if (r < 0 && r != MR_EDENIED)
        tell(p, "root_key", error.where, &error);
    return 0;
}

static uint64_t index_through(const char *dir, int *ret_r, struct mr_error *reterr)
{
    struct mr_index *index;
    uint64_t through = 0;

    *ret_r = mr_index_open(&index, dir, true, reterr);
    if (*ret_r == 0) {
        through = mr_index_through(index);
        mr_index_close(index);
    }
    return through;
}

static uint64_t view_through(const char *dir, int *ret_r, struct mr_error *reterr)
{
    struct mr_view *view;
    uint64_t through = 0;

    *ret_r = mr_view_open(&view, dir, true, reterr);
    if (*ret_r == 0) {
        through = mr_view_through(view);
        mr_view_close(view);
    }
    return through;
}

/* What knows more than the log was built from another one. */
static int derived(struct pass *p, const char *name,
        uint64_t (*through_of)(const char *dir, int *ret_r, struct mr_error *reterr), struct mr_error *reterr)
{
    char dir[PATH_MAX];
    struct mr_error error = {0};
    uint64_t through;
    bool clean;
    int opened = 0;
    int r = environment(p, name, &clean, reterr);

    if (r == MR_ENOTFOUND) /* made again at the next start */
        return 0;
    if (r == 0)
        r = path_of(p->config, name, dir, reterr);
    if (r < 0 || !clean)
        return r;
    through = through_of(dir, &opened, &error);
    if (opened == 0 && p->log && through > mr_log_head(p->log))
        opened = mr_error_set(&error, MR_ECORRUPT, name, "stop the hub, marshrut rebuild",
                "it was built from a longer log");
    if (opened == MR_ECORRUPT || opened == MR_EUNSUPPORTED)
        tell(p, name, "", &error);
    return 0;
}

int mr_scrub_house(const struct mr_config *config, mr_scrub_fn fn, void *ctx, const struct mr_tick *tick,
        struct mr_scrub_house *ret, struct mr_error *reterr)
{
    struct pass p = {.config = config, .fn = fn, .ctx = ctx, .tick = tick, .result = ret};
    int r;

    *ret = (struct mr_scrub_house){0};
    if (sodium_init() < 0)
        return MR_ESYSTEM;
    r = keys(&p, reterr);
    if (r == 0)
        r = log_and_files(&p, reterr);
    if (r == 0)
        r = derived(&p, "index", index_through, reterr);
    if (r == 0)
        r = derived(&p, "views", view_through, reterr);
    mr_log_close(p.log);
    mr_keyring_close(p.keyring);
    return r;
}
