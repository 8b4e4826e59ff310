#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "adapters/school/map_internal.h"
#include "proto/base/clock.h"
#include "proto/base/hex.h"
#include "proto/wire/digest.h"

/* Own rows: who is employed, by keyed digests only: "s.e" + ОГРН + key. */
enum { OGRN_BYTES = 13, ROW_PREFIX = 3 + OGRN_BYTES, ROW_KEY = ROW_PREFIX + MR_SCHOOL_KEY_BYTES };

static void row_key(const struct mr_school_file *file, const uint8_t *key, uint8_t out[static ROW_KEY])
{
    memcpy(out, "s.e", 3);
    memcpy(out + 3, file->ogrn, OGRN_BYTES);
    if (key)
        memcpy(out + ROW_PREFIX, key, MR_SCHOOL_KEY_BYTES);
}

void mr_school_key(struct mr_school_file *file, const char *kind, const char *value,
        uint8_t ret[static MR_SCHOOL_KEY_BYTES])
{
    struct mr_buf from = MR_BUF_INIT;

    mr_buf_put(&from, kind, strlen(kind) + 1);
    mr_buf_put(&from, file->ogrn, strlen(file->ogrn) + 1);
    mr_buf_put_str(&from, value);
    file->sink->digest(file->sink, mr_buf_slice(&from), ret);
    mr_buf_wipe(&from);
}

static int send_event(struct mr_school_file *file, uint32_t line, const char *type, const char *id,
        bool person, const ProtobufCMessage *payload)
{
    struct mr_attributes attributes = {
            .id = id,
            .source = file->map->source,
            .type = type,
            .regioncode = file->map->config->region,
            .orgid = file->ogrn,
            .basis = person ? "employment" : NULL,
            .actor = person ? file->actor : NULL,
            .actorrole = person ? "school" : NULL,
    };

    return file->sink->event(file->sink, line, &attributes, payload);
}

int mr_school_send_org(struct mr_school_file *file, const Nms__Event__V1__OrgUpserted *org)
{
    return file->row_bad ? 0 : send_event(file, file->line, "nms.org.upserted.v1", NULL, false, &org->base);
}

/* What was last sent of the person, so that a change is told as a correction. */
static int note_person(struct mr_school_file *file, const uint8_t key[static MR_SCHOOL_KEY_BYTES],
        const Nms__Event__V1__Person *person, bool *ret_changed)
{
    uint8_t row[ROW_KEY], digest[MR_SCHOOL_KEY_BYTES];
    struct mr_buf packed = MR_BUF_INIT;
    struct mr_slice before;
    uint8_t *room;
    int r;

    *ret_changed = false;
    if (!file->sink->txn)
        return 0;
    room = mr_buf_reserve(&packed, nms__event__v1__person__get_packed_size(person));
    if (!room)
        return MR_ENOMEM;
    packed.size = nms__event__v1__person__pack(person, room);
    file->sink->digest(file->sink, mr_buf_slice(&packed), digest);
    mr_buf_wipe(&packed);
    row_key(file, key, row);
    row[2] = 'p';
    r = mr_outbox_get(file->sink->txn, mr_slice(row, sizeof row), &before);
    if (r == 0)
        *ret_changed = !mr_slice_equal(before, mr_slice(digest, sizeof digest));
    else if (r != MR_ENOTFOUND)
        return r;
    return mr_outbox_put(file->sink->txn, mr_slice(row, sizeof row), mr_slice(digest, sizeof digest));
}

/* registered always: it is harmless when said again, and the first one may have been held up at the hub. */
int mr_school_send_person(
        struct mr_school_file *file, Nms__Event__V1__Person *person, const char *key_kind, const char *key)
{
    Nms__Event__V1__PersonRegistered registered = NMS__EVENT__V1__PERSON_REGISTERED__INIT;
    Nms__Event__V1__PersonUpdated updated = NMS__EVENT__V1__PERSON_UPDATED__INIT;
    uint8_t digest[MR_SCHOOL_KEY_BYTES];
    char local_id[MR_SCHOOL_KEY_TEXT];
    bool changed;
    int r;

    if (file->row_bad)
        return 0;
    mr_school_key(file, key_kind, key, digest);
    person->local_id = mr_hex_encode(digest, sizeof digest, local_id);
    registered.person = person;
    registered.org_ogrn = (char *)file->ogrn;
    updated.person = person;
    updated.org_ogrn = (char *)file->ogrn;
    r = note_person(file, digest, person, &changed);
    if (r == 0)
        r = send_event(file, file->line, "nms.person.registered.v1", NULL, true, &registered.base);
    if (r == 0 && changed)
        r = send_event(file, file->line, "nms.person.updated.v1", NULL, true, &updated.base);
    person->local_id = (char *)"";
    return r;
}

static int send_ended(struct mr_school_file *file, uint32_t line, const char *id,
        Nms__Event__V1__Person *person, const char *employment_id, const char *ended_on)
{
    Nms__Event__V1__EmploymentEnded ended = NMS__EVENT__V1__EMPLOYMENT_ENDED__INIT;

    ended.person = person;
    ended.employment_id = (char *)employment_id;
    ended.org_ogrn = (char *)file->ogrn;
    ended.ended_on = (char *)ended_on;
    return send_event(file, line, "nms.employment.ended.v1", id, true, &ended.base);
}

static int send_started(
        struct mr_school_file *file, const struct mr_school_employment *employment, const char *employment_id)
{
    Nms__Event__V1__EmploymentStarted started = NMS__EVENT__V1__EMPLOYMENT_STARTED__INIT;

    started.person = employment->person;
    started.employment_id = (char *)employment_id;
    started.org_ogrn = (char *)file->ogrn;
    started.post = (char *)employment->post;
    started.staff_group = (char *)employment->staff_group;
    started.qual_category = (char *)employment->qual_category;
    started.part_time = (char *)employment->part_time;
    started.started_on = (char *)employment->started_on;
    started.service_since = (char *)employment->service_since;
    return send_event(file, file->line, "nms.employment.started.v1", NULL, true, &started.base);
}

/* Kept with the key of its person, so that an ending can say whose it is. person NULL: no longer employed. */
static int note_employment(
        struct mr_school_file *file, const uint8_t key[static MR_SCHOOL_KEY_BYTES], const uint8_t *person)
{
    uint8_t row[ROW_KEY];
    int r;

    if (!file->sink->txn)
        return 0;
    row_key(file, key, row);
    if (person)
        return mr_outbox_put(
                file->sink->txn, mr_slice(row, sizeof row), mr_slice(person, MR_SCHOOL_KEY_BYTES));
    r = mr_outbox_del(file->sink->txn, mr_slice(row, sizeof row));
    return r == MR_ENOTFOUND ? 0 : r;
}

int mr_school_send_employment(struct mr_school_file *file, const struct mr_school_employment *employment)
{
    uint8_t digest[MR_SCHOOL_KEY_BYTES], person[MR_SCHOOL_KEY_BYTES];
    char id[MR_SCHOOL_KEY_TEXT], local_id[MR_SCHOOL_KEY_TEXT];
    bool ended = employment->ended_on[0] != 0;
    int r;

    if (file->row_bad)
        return 0;
    mr_school_key(file, employment->key_kind, employment->key, digest);
    mr_school_key(file, employment->person_kind, employment->person_key, person);
    (void)mr_hex_encode(digest, sizeof digest, id);
    employment->person->local_id = mr_hex_encode(person, sizeof person, local_id);
    mr_buf_put(&file->seen, digest, sizeof digest);
    r = note_employment(file, digest, ended ? NULL : person);
    if (r == 0)
        r = ended ? send_ended(file, file->line, NULL, employment->person, id, employment->ended_on)
                  : send_started(file, employment, id);
    employment->person->local_id = (char *)"";
    return r;
}

/* ---- full lists ---- */

static int compare_keys(const void *a, const void *b)
{
    return memcmp(a, b, MR_SCHOOL_KEY_BYTES);
}

struct absent {
    const struct mr_buf *seen;
    struct mr_buf keys; /* each with the key of its person */
    size_t known;
};

static int look(void *ctx, struct mr_slice key, struct mr_slice value)
{
    struct absent *absent = ctx;
    size_t count = absent->seen->size / MR_SCHOOL_KEY_BYTES;

    if (key.size != ROW_KEY || value.size != MR_SCHOOL_KEY_BYTES)
        return 0;
    absent->known++;
    if (count == 0 ||
            !bsearch(key.data + ROW_PREFIX, absent->seen->data, count, MR_SCHOOL_KEY_BYTES, compare_keys)) {
        mr_buf_put(&absent->keys, key.data + ROW_PREFIX, MR_SCHOOL_KEY_BYTES);
        mr_buf_put(&absent->keys, value.data, MR_SCHOOL_KEY_BYTES);
    }
    return 0;
}

/* The id says which ending it is, so that the same ending is not told twice under two ids. */
static int end_one(
        struct mr_school_file *file, const uint8_t key[static 2 * MR_SCHOOL_KEY_BYTES], const char *day)
{
    Nms__Event__V1__Person person = NMS__EVENT__V1__PERSON__INIT;
    char id[MR_SCHOOL_KEY_TEXT], local_id[MR_SCHOOL_KEY_TEXT], from[MR_SCHOOL_KEY_TEXT + 16],
            event_id[MR_UUID_TEXT_MAX];
    uint8_t uuid[16];
    int r = note_employment(file, key, NULL);

    (void)mr_hex_encode(key, MR_SCHOOL_KEY_BYTES, id);
    (void)snprintf(from, sizeof from, "%s %s", id, day);
    mr_school_key(file, "ended", from, uuid);
    uuid[6] = (uint8_t)((uuid[6] & 0x0f) | 0x80);
    uuid[8] = (uint8_t)((uuid[8] & 0x3f) | 0x80);
    person.local_id = mr_hex_encode(key + MR_SCHOOL_KEY_BYTES, MR_SCHOOL_KEY_BYTES, local_id);
    return r < 0 ? r : send_ended(file, MR_ROW_NONE, mr_uuid_format(uuid, event_id), &person, id, day);
}

static int end_all(struct mr_school_file *file, const struct mr_buf *keys)
{
    char now[MR_TIME_TEXT_MAX], day[11];
    int r = 0;

    (void)mr_time_format(mr_clock_wall_us(mr_clock_system()), now);
    (void)snprintf(day, sizeof day, "%.10s", now);
    for (size_t at = 0; r == 0 && at < keys->size; at += (size_t)2 * MR_SCHOOL_KEY_BYTES)
        r = end_one(file, keys->data + at, day);
    return r;
}

int mr_school_end_absent(struct mr_school_file *file)
{
    struct absent absent = {.seen = &file->seen};
    uint8_t prefix[ROW_KEY];
    size_t count;
    int r;

    if (!file->sink->txn)
        return 0;
    if (file->problems > 0) {
        file->sink->note(file->sink, MR_ROW_NONE,
                "Список полный, но в нём есть строки с ошибками: об увольнениях ничего не отправлено. "
                "Исправьте и "
                "положите полный список ещё раз");
        return 0;
    }
    if (file->seen.size > 0)
        qsort(file->seen.data, file->seen.size / MR_SCHOOL_KEY_BYTES, MR_SCHOOL_KEY_BYTES, compare_keys);
    row_key(file, NULL, prefix);
    r = mr_buf_failed(&file->seen)
                ? MR_ENOMEM
                : mr_outbox_each(file->sink->txn, mr_slice(prefix, ROW_PREFIX), look, &absent);
    if (r == 0 && mr_buf_failed(&absent.keys))
        r = MR_ENOMEM;
    count = absent.keys.size / (2 * MR_SCHOOL_KEY_BYTES);
    if (r == 0 && !file->sink->confirmed && count * 100 > absent.known * file->map->full_list_end_percent_max)
        r = mr_error_set(file->error, 1, "", "",
                "В полном списке нет %zu из %zu работников: это больше допустимых %u %%", count, absent.known,
                file->map->full_list_end_percent_max);
    if (r == 0)
        r = end_all(file, &absent.keys);
    mr_buf_fini(&absent.keys);
    return r;
}
