#include "hub/house.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/bytes.h"

enum { NAME_BYTES_MAX = 64, ID_BYTES = 2, KINDS = 3 };

#define HUB_NAME "hub"

struct name {
    char text[NAME_BYTES_MAX];
    uint16_t id;
};

/* Names of one kind. Some thousands of subscriptions are usual, so both ways are short. */
struct name_set {
    struct name **by_text; /* in order of text (that is the order of the rows) */
    struct name **by_id;   /* NULL: no name has this id */
    size_t count;
    size_t capacity; /* of by_text */
    uint16_t id_max;
};

struct mr_names {
    pthread_rwlock_t lock;       /* of the sets; a name that is there stays where it is */
    struct name_set sets[KINDS]; /* by enum mr_name_kind; 0 is not used */
};

/* Where the text stands, or would stand; *found says which. */
static size_t place_of(const struct name_set *set, const char *text, bool *found)
{
    size_t low = 0, high = set->count;

    *found = false;
    while (low < high && !*found) {
        size_t middle = low + (high - low) / 2;
        int r = strcmp(set->by_text[middle]->text, text);

        *found = r == 0;
        if (r < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return *found ? high : low;
}

static int grow(struct name_set *set, uint16_t id)
{
    if (set->count == set->capacity) {
        size_t capacity = set->capacity ? set->capacity * 2 : 64;
        struct name **grown = realloc(set->by_text, capacity * sizeof(struct name *));

        if (!grown)
            return MR_ENOMEM;
        set->by_text = grown;
        set->capacity = capacity;
    }
    if (!set->by_id && !(set->by_id = calloc(UINT16_MAX + 1u, sizeof(struct name *))))
        return MR_ENOMEM;
    return set->by_id[id] ? MR_ECORRUPT : 0;
}

static int set_add(struct name_set *set, const char *text, size_t size, uint16_t id)
{
    struct name *name;
    bool found;
    size_t place;
    int r = grow(set, id);

    if (r < 0)
        return r;
    name = calloc(1, sizeof *name);
    if (!name)
        return MR_ENOMEM;
    name->id = id;
    memcpy(name->text, text, size);
    place = place_of(set, name->text, &found);
    memmove(&set->by_text[place + 1], &set->by_text[place], (set->count - place) * sizeof(struct name *));
    set->by_text[place] = name;
    set->by_id[id] = name;
    set->count++;
    if (id > set->id_max)
        set->id_max = id;
    return 0;
}

static const struct name *set_find(const struct name_set *set, const char *text)
{
    bool found;
    size_t place = place_of(set, text, &found);

    return found ? set->by_text[place] : NULL;
}

static void set_clear(struct name_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        free(set->by_text[i]);
    free(set->by_text);
    free(set->by_id);
}

static int load_row(void *ctx, struct mr_slice key, struct mr_slice value)
{
    struct mr_names *names = ctx;

    if (key.size < 2 || key.size > NAME_BYTES_MAX || value.size != ID_BYTES || key.data[0] >= KINDS)
        return MR_ECORRUPT;
    return set_add(
            &names->sets[key.data[0]], (const char *)key.data + 1, key.size - 1, mr_get_be16(value.data));
}

static int load(struct mr_names *names, struct mr_log *log)
{
    struct mr_log_reader *reader;
    int r = mr_log_reader_open(log, &reader);

    if (r < 0)
        return r;
    r = mr_log_rows(reader, MR_LOG_NAME, (struct mr_slice){0}, (struct mr_slice){0}, load_row, names);
    mr_log_reader_close(reader);
    return r;
}

/* ---- new names ---- */

static int add_name(struct mr_names *names, enum mr_name_kind kind, const char *text, int *added)
{
    struct name_set *set = &names->sets[kind];
    size_t size = strlen(text);

    if (set_find(set, text))
        return 0;
    if (size == 0 || size >= NAME_BYTES_MAX || set->id_max == UINT16_MAX)
        return MR_ECONFIG;
    (*added)++;
    return set_add(set, text, size, (uint16_t)(set->id_max + 1));
}

int mr_names_add(struct mr_names *names, const struct mr_config *config, struct mr_error *reterr)
{
    int added = 0, r;

    (void)pthread_rwlock_wrlock(&names->lock);
    r = add_name(names, MR_NAME_SYSTEM, HUB_NAME, &added);
    for (uint32_t i = 0; r == 0 && i < config->systems_count; i++)
        r = add_name(names, MR_NAME_SYSTEM, config->systems[i].name, &added);
    for (uint32_t i = 0; r == 0 && i < config->subscriptions_count; i++)
        r = add_name(names, MR_NAME_SUBSCRIPTION, config->subscriptions[i].name, &added);
    (void)pthread_rwlock_unlock(&names->lock);
    if (r == MR_ECONFIG)
        return mr_error_set(reterr, r, config->name, "use names again that were there once",
                "the log has had %d names of systems or subscriptions, and has no number for more",
                UINT16_MAX);
    return r < 0 ? r : added;
}

static int put_name(
        const struct mr_names *names, struct mr_log_batch *batch, enum mr_name_kind kind, const char *text)
{
    uint8_t key[1 + NAME_BYTES_MAX];
    uint8_t value[ID_BYTES];
    size_t size = strlen(text);
    struct mr_slice old;
    int r;

    key[0] = (uint8_t)kind;
    memcpy(key + 1, text, size);
    r = mr_log_batch_get(batch, MR_LOG_NAME, mr_slice(key, size + 1), &old);
    if (r != MR_ENOTFOUND)
        return r;
    mr_put_be16(value, mr_names_id(names, kind, text));
    return mr_log_batch_put(batch, MR_LOG_NAME, mr_slice(key, size + 1), mr_slice(value, sizeof value));
}

int mr_names_put(const struct mr_names *names, const struct mr_config *config, struct mr_log_batch *batch)
{
    int r = put_name(names, batch, MR_NAME_SYSTEM, HUB_NAME);

    for (uint32_t i = 0; r == 0 && i < config->systems_count; i++)
        r = put_name(names, batch, MR_NAME_SYSTEM, config->systems[i].name);
    for (uint32_t i = 0; r == 0 && i < config->subscriptions_count; i++)
        r = put_name(names, batch, MR_NAME_SUBSCRIPTION, config->subscriptions[i].name);
    return r;
}

/* A start without news writes nothing. */
static int add_configured(struct mr_names *names, struct mr_log *log, const struct mr_config *config)
{
    struct mr_log_batch *batch;
    int r = mr_names_add(names, config, NULL);

    if (r <= 0 || (r = mr_log_batch_begin(log, &batch)) < 0)
        return r;
    r = mr_names_put(names, config, batch);
    if (r == 0)
        return mr_log_batch_commit(batch);
    mr_log_batch_abort(batch);
    return r;
}

int mr_names_open(struct mr_names **ret, struct mr_log *log, const struct mr_config *config, bool read_only,
        struct mr_error *reterr)
{
    struct mr_names *names = calloc(1, sizeof *names);
    int r;

    if (!names)
        return MR_ENOMEM;
    (void)pthread_rwlock_init(&names->lock, NULL);
    r = load(names, log);

    if (r == 0 && !read_only)
        r = add_configured(names, log, config);
    if (r == 0 && !read_only && mr_names_id(names, MR_NAME_SYSTEM, HUB_NAME) != MR_SYSTEM_HUB)
        r = MR_ECORRUPT;
    if (r < 0) {
        mr_names_free(names);
        return mr_error_set(reterr, r, "log table NAME", "restore the log from a backup if it is damaged",
                "the names of systems and subscriptions cannot be kept: %s", mr_err_text(r));
    }
    *ret = names;
    return 0;
}

void mr_names_free(struct mr_names *names)
{
    if (!names)
        return;
    for (size_t i = 0; i < KINDS; i++)
        set_clear(&names->sets[i]);
    (void)pthread_rwlock_destroy(&names->lock);
    free(names);
}

/* Readers come from every thread, seldom from two at once, and never for long. */
static const struct name *look(
        const struct mr_names *names, const struct name_set *set, const char *text, uint16_t id)
{
    pthread_rwlock_t *lock = (pthread_rwlock_t *)&names->lock;
    const struct name *found;

    (void)pthread_rwlock_rdlock(lock);
    found = text ? set_find(set, text) : set->by_id ? set->by_id[id] : NULL;
    (void)pthread_rwlock_unlock(lock);
    return found;
}

uint16_t mr_names_id(const struct mr_names *names, enum mr_name_kind kind, const char *name)
{
    const struct name *found = look(names, &names->sets[kind], name, 0);

    return found ? found->id : 0;
}

const char *mr_names_text(const struct mr_names *names, enum mr_name_kind kind, uint16_t id)
{
    const struct name *found = look(names, &names->sets[kind], NULL, id);

    return found ? found->text : NULL;
}
