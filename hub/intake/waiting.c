#include "hub/intake/waiting.h"

#include <stdlib.h>
#include <string.h>

#include "hub/record/opened.h"
#include "hub/intake/prepare.h"
#include "proto/base/list.h"

#define HASH_NONFATAL_OOM            1
#define uthash_nonfatal_oom(element) ((element)->lost = true)
/* Keys are keyed digests, or numbers of the log: nobody outside can aim at a bucket. */
#include <uthash.h>

enum { IDS = 1 << 16 };

/* One that waits, with its place under each of its keys. */
struct place {
    struct mr_list link; /* of a key, in the order of the places */
    struct entry *entry;
    struct key *key;
};

struct entry {
    uint64_t number, place;
    uint16_t system;
    bool holds;  /* its key: else it waits for another event of it */
    bool behind; /* it waits for nothing else */
    bool lost, fresh, ended;
    bool held, was_behind;  /* before this turn */
    struct mr_list link;    /* all */
    struct mr_list changed; /* of this turn */
    struct place *places;
    size_t places_count;
    UT_hash_handle hh;
};

struct key {
    uint8_t tag[MR_WAITING_TAG_BYTES];
    bool lost;
    struct mr_list places;
    UT_hash_handle hh;
};

struct mr_waiting {
    struct entry *entries;
    struct key *keys;
    struct mr_list order, changed;
    uint32_t *of_system; /* how many, by id */
};

/* ---- the set ---- */

/* What is wrong with these is that another event is not there (yet): it is of the same key, and must pass. */
static bool code_holds(const char *code)
{
    static const char *const others[] = {
            "person-unresolved", "person-conflict", "evidence-unknown", "annul-unknown"};

    for (size_t i = 0; i < MR_COUNT(others); i++)
        if (strcmp(code, others[i]) == 0)
            return false;
    return true;
}

static struct entry *find(const struct mr_waiting *waiting, uint64_t number)
{
    struct entry *entry;

    HASH_FIND(hh, waiting->entries, &number, sizeof number, entry);
    return entry && !entry->ended ? entry : NULL;
}

static struct key *key_of(struct mr_waiting *waiting, const uint8_t *tag)
{
    struct key *key;

    HASH_FIND(hh, waiting->keys, tag, MR_WAITING_TAG_BYTES, key);
    if (key || !(key = calloc(1, sizeof *key)))
        return key;
    memcpy(key->tag, tag, sizeof key->tag);
    mr_list_init(&key->places);
    HASH_ADD(hh, waiting->keys, tag, sizeof key->tag, key);
    if (!key->lost)
        return key;
    free(key);
    return NULL;
}

static void drop_place(struct mr_waiting *waiting, struct place *place)
{
    if (!place->key)
        return;
    mr_list_remove(&place->link);
    if (!mr_list_empty(&place->key->places))
        return;
    HASH_DEL(waiting->keys, place->key);
    free(place->key);
}

static void drop(struct mr_waiting *waiting, struct entry *entry)
{
    for (size_t i = 0; i < entry->places_count; i++)
        drop_place(waiting, &entry->places[i]);
    HASH_DEL(waiting->entries, entry);
    mr_list_remove(&entry->link);
    mr_list_remove(&entry->changed);
    free(entry->places);
    free(entry);
}

static void note_change(struct mr_waiting *waiting, struct entry *entry)
{
    if (!mr_list_empty(&entry->changed))
        return;
    entry->held = entry->holds;
    entry->was_behind = entry->behind;
    mr_list_push_back(&waiting->changed, &entry->changed);
}

static void set_code(struct entry *entry, const char *code)
{
    entry->holds = code_holds(code);
    entry->behind = strcmp(code, MR_CODE_BEHIND) == 0;
}

/* One that is sent again takes the place of what it mends; all others come last. */
static void put_in_order(struct key *key, struct place *place)
{
    struct mr_list *at = key->places.prev;

    while (at != &key->places && MR_CONTAINER(at, struct place, link)->entry->place > place->entry->place)
        at = at->prev;
    mr_list_push_back(at->next, &place->link);
}

static int put_places(struct mr_waiting *waiting, struct entry *entry, const struct mr_waiting_tags *tags)
{
    entry->places = calloc(tags->count + 1, sizeof *entry->places);
    if (!entry->places)
        return MR_ENOMEM;
    for (size_t i = 0; i < tags->count; i++) {
        struct place *place = &entry->places[entry->places_count];

        place->key = key_of(waiting, tags->tags[i]);
        if (!place->key)
            return MR_ENOMEM;
        place->entry = entry;
        mr_list_init(&place->link);
        put_in_order(place->key, place);
        entry->places_count++;
    }
    return 0;
}

int mr_waiting_add(struct mr_waiting *waiting, uint64_t number, uint64_t place, uint16_t system,
        const char *code, const struct mr_waiting_tags *tags)
{
    struct entry *entry = calloc(1, sizeof *entry);

    if (!entry)
        return MR_ENOMEM;
    entry->number = number;
    entry->place = place;
    entry->system = system;
    entry->fresh = true;
    mr_list_init(&entry->link);
    mr_list_init(&entry->changed);
    HASH_ADD(hh, waiting->entries, number, sizeof entry->number, entry);
    if (entry->lost) {
        free(entry);
        return MR_ENOMEM;
    }
    set_code(entry, code);
    mr_list_push_back(&waiting->order, &entry->link);
    if (put_places(waiting, entry, tags) < 0) {
        drop(waiting, entry);
        return MR_ENOMEM;
    }
    note_change(waiting, entry);
    waiting->of_system[system]++;
    return 0;
}

void mr_waiting_recode(struct mr_waiting *waiting, uint64_t number, const char *code)
{
    struct entry *entry = find(waiting, number);

    if (!entry)
        return;
    note_change(waiting, entry);
    set_code(entry, code);
}

void mr_waiting_end(struct mr_waiting *waiting, uint64_t number)
{
    struct entry *entry = find(waiting, number);

    if (!entry)
        return;
    note_change(waiting, entry);
    entry->ended = true;
    waiting->of_system[entry->system]--;
}

bool mr_waiting_has(const struct mr_waiting *waiting, uint64_t number)
{
    return find(waiting, number) != NULL;
}

uint64_t mr_waiting_place(const struct mr_waiting *waiting, uint64_t number)
{
    const struct entry *entry = find(waiting, number);

    return entry ? entry->place : number;
}

bool mr_waiting_of(const struct mr_waiting *waiting, uint16_t system)
{
    return waiting->of_system[system] > 0;
}

static bool holds_before(const struct entry *entry, uint64_t place)
{
    return entry->place < place && entry->holds && !entry->ended;
}

/* The last one of the key before the place: most ask for what comes behind all, and nearly all hold. */
static const struct entry *last_before(const struct key *key, uint64_t place)
{
    for (const struct mr_list *it = key->places.prev; it != &key->places; it = it->prev) {
        const struct entry *entry = MR_CONTAINER(it, struct place, link)->entry;

        if (holds_before(entry, place))
            return entry;
    }
    return NULL;
}

/* Is there one? Asked of each that waits, so from the front: thousands may wait behind one that holds. */
static bool any_before(const struct key *key, uint64_t place)
{
    mr_list_foreach (it, &key->places) {
        const struct entry *entry = MR_CONTAINER(it, struct place, link)->entry;

        if (entry->place >= place || holds_before(entry, place))
            return entry->place < place;
    }
    return false;
}

uint64_t mr_waiting_before(
        const struct mr_waiting *waiting, uint64_t place, const struct mr_waiting_tags *tags)
{
    const struct entry *found = NULL;

    for (size_t i = 0; i < tags->count; i++) {
        const struct entry *one;
        struct key *key;

        HASH_FIND(hh, waiting->keys, tags->tags[i], MR_WAITING_TAG_BYTES, key);
        one = key ? last_before(key, place) : NULL;
        if (one && (!found || one->place > found->place))
            found = one;
    }
    return found ? found->number : 0;
}

static bool is_free(const struct entry *entry)
{
    for (size_t i = 0; i < entry->places_count; i++)
        if (any_before(entry->places[i].key, entry->place))
            return false;
    return true;
}

size_t mr_waiting_freed(const struct mr_waiting *waiting, uint64_t *numbers, size_t max)
{
    size_t count = 0;

    mr_list_foreach (it, &waiting->order) {
        const struct entry *entry = MR_CONTAINER(it, struct entry, link);

        if (count == max)
            break;
        if (entry->behind && !entry->ended && is_free(entry))
            numbers[count++] = entry->number;
    }
    return count;
}

void mr_waiting_keep(struct mr_waiting *waiting)
{
    mr_list_foreach_safe (it, &waiting->changed) {
        struct entry *entry = MR_CONTAINER(it, struct entry, changed);

        mr_list_remove(it);
        entry->fresh = false;
        if (entry->ended)
            drop(waiting, entry);
    }
}

void mr_waiting_rollback(struct mr_waiting *waiting)
{
    mr_list_foreach_safe (it, &waiting->changed) {
        struct entry *entry = MR_CONTAINER(it, struct entry, changed);

        mr_list_remove(it);
        if (entry->ended)
            waiting->of_system[entry->system]++;
        entry->ended = false;
        entry->holds = entry->held;
        entry->behind = entry->was_behind;
        if (!entry->fresh)
            continue;
        waiting->of_system[entry->system]--;
        drop(waiting, entry);
    }
}

/* ---- what waits at the start ---- */

struct loading {
    struct mr_waiting *waiting;
    struct mr_house *house;
    struct mr_log_reader *reader;
    struct mr_keyring_txn *txn;
    struct mr_opened opened;
    struct mr_record_view view;
    struct mr_waiting_tags tags;
    struct mr_buf rows; /* struct row */
};

struct row {
    uint64_t number, place;
    uint16_t system;
    char code[sizeof((struct mr_verdict_text){0}.code)];
};

static int on_row(void *ctx, struct mr_slice key, struct mr_slice value)
{
    struct loading *loading = ctx;
    struct mr_quarantine_row row;
    struct row waits;
    int r = key.size == MR_QUARANTINE_KEY_BYTES ? mr_quarantine_row_decode(&row, value) : MR_ECORRUPT;

    if (r < 0 || row.state != MR_QUARANTINE_WAITING)
        return r;
    waits = (struct row){.number = mr_get_be64(key.data), .system = row.system};
    waits.place = row.place ? row.place : waits.number;
    memcpy(waits.code, row.text.code, sizeof waits.code);
    mr_buf_put(&loading->rows, &waits, sizeof waits);
    return mr_buf_failed(&loading->rows) ? MR_ENOMEM : 0;
}

/* Its body may be damaged, or destroyed: then nobody's key is held back. */
static int read_tags(struct loading *l, const struct row *row)
{
    const char *system = mr_names_text(l->house->names, MR_NAME_SYSTEM, row->system);
    int r = mr_log_read(l->reader, row->number, &l->view, NULL);

    l->tags.count = 0;
    if (r == 0)
        r = mr_opened_read(&l->opened, l->house, &l->view.record, MR_PURPOSE_CORRECT, NULL);
    if (r == 0 && system)
        return mr_waiting_tags(l->house->keyring, l->txn, system, &l->opened.event, &l->tags);
    return r == MR_ENOMEM ? r : 0;
}

static int load(struct loading *l)
{
    int r = mr_log_rows(l->reader, MR_LOG_QUARANTINE, mr_slice(NULL, 0), mr_slice(NULL, 0), on_row, l);

    for (size_t i = 0; r == 0 && i < l->rows.size / sizeof(struct row); i++) {
        struct row row;

        memcpy(&row, l->rows.data + i * sizeof row, sizeof row);
        r = read_tags(l, &row);
        if (r == 0)
            r = mr_waiting_add(l->waiting, row.number, row.place, row.system, row.code, &l->tags);
    }
    mr_waiting_keep(l->waiting);
    return r;
}

static int load_all(struct mr_waiting *waiting, struct mr_house *house)
{
    struct loading *l = calloc(1, sizeof *l);
    int r = l ? mr_log_reader_open(house->log, &l->reader) : MR_ENOMEM;

    if (r < 0) {
        free(l);
        return r;
    }
    l->waiting = waiting;
    l->house = house;
    mr_opened_init(&l->opened);
    r = mr_keyring_begin(house->keyring, &l->txn);
    if (r == 0) {
        r = load(l);
        mr_keyring_abort(l->txn);
    }
    mr_opened_fini(&l->opened);
    mr_buf_fini(&l->rows);
    mr_log_reader_close(l->reader);
    free(l);
    return r;
}

int mr_waiting_open(struct mr_waiting **ret, struct mr_house *house, struct mr_error *reterr)
{
    struct mr_waiting *waiting = calloc(1, sizeof *waiting);
    int r = MR_ENOMEM;

    if (waiting) {
        mr_list_init(&waiting->order);
        mr_list_init(&waiting->changed);
        waiting->of_system = calloc(IDS, sizeof *waiting->of_system);
        r = waiting->of_system ? load_all(waiting, house) : MR_ENOMEM;
    }
    if (r < 0) {
        mr_waiting_close(waiting);
        return mr_error_set(
                reterr, r, "quarantine", "", "what waits for correction cannot be read: %s", mr_err_text(r));
    }
    *ret = waiting;
    return 0;
}

void mr_waiting_close(struct mr_waiting *waiting)
{
    if (!waiting)
        return;
    mr_list_foreach_safe (it, &waiting->order)
        drop(waiting, MR_CONTAINER(it, struct entry, link));
    free(waiting->of_system);
    free(waiting);
}
