#include "hub/house.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "hub/edition/edition.h"
#include "hub/keep/leftover.h"
#include "hub/project/kept.h"
#include "proto/base/buf.h"
#include "proto/base/bytes.h"
#include "store/folder.h"

enum { PATH_BYTES_MAX = 4096, VERSION_KEY_BYTES = 4, CHECKED_RECORDS = 1000 };

static int path_of(const struct mr_config *config, const char *name, char out[static PATH_BYTES_MAX],
        struct mr_error *reterr)
{
    int n = snprintf(out, PATH_BYTES_MAX, "%s/%s", config->hub.store, name);

    if (n > 0 && n < PATH_BYTES_MAX)
        return 0;
    return mr_error_set(
            reterr, MR_ECONFIG, "hub.store", "use a shorter path", "the path of the store is too long");
}

static int open_log(struct mr_house *house, bool read_only, struct mr_error *reterr)
{
    char path[PATH_BYTES_MAX];
    struct mr_log_options options = {.dir = path, .read_only = read_only};
    int r = path_of(house->config, "log", path, reterr);

    return r < 0 ? r : mr_log_open(&house->log, &options, reterr);
}

/* Read-only and without the root key, the house stays useful: numbers, types, balance (decision 24). */
static int open_keyring(struct mr_house *house, bool read_only, struct mr_error *reterr)
{
    char path[PATH_BYTES_MAX];
    struct mr_keyring_options options = {.dir = path,
            .root_path = house->config->hub.root_key,
            .create = !read_only,
            .read_only = read_only};
    int r = path_of(house->config, "keys", path, reterr);

    if (r == 0 && !read_only)
        r = mr_folder_make(house->config->hub.root_key, reterr);
    if (r == 0)
        r = mr_keyring_open(&house->keyring, &options, reterr);
    if (read_only && (r == MR_EDENIED || r == MR_ENOTFOUND)) {
        house->keyring = NULL;
        return 0;
    }
    return r;
}

/* What is derived needs no backup. */
static int derived_error(int r, const char *what, struct mr_error *reterr)
{
    if (r == MR_ECORRUPT && reterr)
        (void)snprintf(
                reterr->cure, sizeof reterr->cure, "make it again from the log: marshrut rebuild %s", what);
    return r;
}

static int open_derived(struct mr_house *house, bool read_only, struct mr_error *reterr)
{
    char path[PATH_BYTES_MAX];
    int r = path_of(house->config, "index", path, reterr);

    if (r == 0)
        r = derived_error(mr_index_open(&house->index, path, read_only, reterr), "index", reterr);
    if (r == 0)
        r = path_of(house->config, "views", path, reterr);
    return r < 0 ? r : derived_error(mr_view_open(&house->view, path, read_only, reterr), "views", reterr);
}

/* ---- versions of the configuration ---- */

struct last_version {
    uint32_t version;
    struct mr_buf text;
};

static int on_version(void *ctx, struct mr_slice key, struct mr_slice value)
{
    struct last_version *last = ctx;

    if (key.size != VERSION_KEY_BYTES)
        return MR_ECORRUPT;
    last->version = mr_get_be32(key.data);
    mr_buf_reset(&last->text);
    mr_buf_put_slice(&last->text, value);
    return mr_buf_failed(&last->text) ? MR_ENOMEM : 0;
}

static int read_last_version(struct mr_log *log, struct last_version *last)
{
    struct mr_log_reader *reader;
    int r = mr_log_reader_open(log, &reader);

    if (r < 0)
        return r;
    r = mr_log_rows(reader, MR_LOG_CONFIG, (struct mr_slice){0}, (struct mr_slice){0}, on_version, last);
    mr_log_reader_close(reader);
    return r;
}

static int write_version(struct mr_log *log, uint32_t version, struct mr_slice text)
{
    struct mr_log_batch *batch;
    uint8_t key[VERSION_KEY_BYTES];
    int r = mr_log_batch_begin(log, &batch);

    if (r < 0)
        return r;
    mr_put_be32(key, version);
    r = mr_log_batch_put(batch, MR_LOG_CONFIG, mr_slice(key, sizeof key), text);
    if (r == 0)
        return mr_log_batch_commit(batch);
    mr_log_batch_abort(batch);
    return r;
}

static int open_config_version(struct mr_house *house, bool read_only, struct mr_error *reterr)
{
    struct last_version last = {0};
    int r = read_last_version(house->log, &last);
    bool same = last.version > 0 && mr_slice_equal(mr_buf_slice(&last.text), house->config->text);

    mr_buf_fini(&last.text);
    house->config_version = last.version;
    if (r == 0 && !read_only && !same) {
        house->config_version = last.version + 1;
        r = write_version(house->log, house->config_version, house->config->text);
    }
    return r < 0 ? mr_error_set(reterr, r, "log table CONFIG", "",
                           "the configuration's version cannot be kept: %s", mr_err_text(r))
                 : 0;
}

/* ---- log and keys belong together ---- */

static int check_slots(const struct mr_house *house, const struct mr_record *record)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < record->slots_count; i++) {
        uint8_t key_id[MR_KEY_ID_BYTES];

        if (record->slots[i].size == 0)
            continue; /* stripped */
        r = mr_slot_key_id(record->slots[i], key_id);
        if (r == 0)
            r = mr_keyring_knows(house->keyring, key_id);
    }
    return r;
}

/* The last records are the newest keys: an older `keys` beside a newer `log` does not know them (decision 5).
 */
static int check_last_keys(const struct mr_house *house, struct mr_log_reader *reader)
{
    struct mr_record_view *view = malloc(sizeof *view);
    uint64_t head = mr_log_reader_head(reader);
    uint64_t from = head > CHECKED_RECORDS ? head - CHECKED_RECORDS : 0;
    int r = view ? 0 : MR_ENOMEM;

    for (uint64_t n = head; r == 0 && n > from; n--) {
        r = mr_log_read(reader, n, view, NULL);
        if (r == 0)
            r = check_slots(house, &view->record);
        else if (r == MR_ECORRUPT)
            r = 0; /* its own loss */
    }
    free(view);
    return r;
}

static int check_together(const struct mr_house *house, struct mr_error *reterr)
{
    struct mr_log_reader *reader;
    int r = mr_log_reader_open(house->log, &reader);

    if (r < 0)
        return r;
    r = check_last_keys(house, reader);
    mr_log_reader_close(reader);
    if (r != MR_ENOTFOUND)
        return r;
    return mr_error_set(reterr, MR_ECORRUPT, house->config->hub.store,
            "restore keys/ and the root key from a backup that is not older than log/",
            "the log has records whose keys are not in the keyring");
}

/* ---- */

/* Nobody fails without words. */
static int said(int r, const char *part, struct mr_error *reterr)
{
    if (r < 0 && reterr && !reterr->what[0])
        mr_error_set(reterr, r, part, "marshrut scrub says what is damaged", "the store cannot be opened: %s",
                mr_err_text(r));
    return r;
}

static int open_parts(struct mr_house *house, bool read_only, struct mr_error *reterr)
{
    int r = mr_leftover_check(house->config, reterr);

    if (r == 0 && !read_only)
        r = mr_folder_make(house->config->hub.store, reterr);
    if (r == 0)
        r = said(open_log(house, read_only, reterr), "log", reterr);
    if (r == 0 && !read_only)
        mr_leftover_clear(house->config);
    if (r == 0)
        r = said(open_keyring(house, read_only, reterr), "keys", reterr);
    if (r == 0 && !read_only)
        r = said(check_together(house, reterr), "log and keys", reterr);
    if (r == 0)
        r = said(open_derived(house, read_only, reterr), "index or views", reterr);
    if (r == 0)
        r = said(mr_names_open(&house->names, house->log, house->config, read_only, reterr), "names", reterr);
    return r < 0 ? r : said(open_config_version(house, read_only, reterr), "config", reterr);
}

int mr_house_open(
        struct mr_house *ret, const struct mr_config *config, bool read_only, struct mr_error *reterr)
{
    int r;

    *ret = (struct mr_house){.config = config, .clock = mr_clock_system()};
    if (sodium_init() < 0)
        return mr_error_set(reterr, MR_ESYSTEM, "", "", "libsodium does not start");
    r = open_parts(ret, read_only, reterr);
    if (r == 0 && !read_only)
        r = mr_passport_kept_new(&ret->kept);
    if (r < 0)
        mr_house_close(ret);
    return r;
}

void mr_house_close(struct mr_house *house)
{
    if (!house)
        return;
    mr_passport_kept_free(house->kept);
    mr_names_free(house->names);
    if (house->view)
        mr_view_close(house->view);
    if (house->index)
        mr_index_close(house->index);
    if (house->keyring)
        mr_keyring_close(house->keyring);
    if (house->log)
        mr_log_close(house->log);
    mr_edition_drop(house->edition);
    *house = (struct mr_house){0};
}

const char *mr_house_source(const struct mr_house *house, uint16_t system)
{
    const char *name = mr_names_text(house->names, MR_NAME_SYSTEM, system);
    const struct mr_config_system *configured = name ? mr_config_system(house->config, name) : NULL;

    if (system == MR_SYSTEM_HUB)
        return house->config->hub.source;
    return configured ? configured->source : NULL;
}

struct mr_escrow mr_house_escrow(const struct mr_house *house)
{
    const struct mr_config_escrow *escrow = house->config->hub.escrow;

    return (struct mr_escrow){.root = escrow ? escrow->root : NULL, .keys = escrow ? escrow->keys : NULL};
}

void mr_house_fatal(const struct mr_house *house, int error, const char *where)
{
    if (house->fatal)
        house->fatal(error, where);
}

void mr_house_maintain(struct mr_house *house)
{
    (void)mr_log_maintain(house->log);
    (void)mr_keyring_maintain(house->keyring);
    (void)mr_index_maintain(house->index);
    (void)mr_view_maintain(house->view);
    mr_passport_kept_maintain(house->kept, house->clock);
}
