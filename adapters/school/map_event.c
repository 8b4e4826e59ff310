#include <string.h>

#include "adapters/school/map_internal.h"
#include "proto/base/hex.h"

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
    uint8_t row[MR_SCHOOL_ROW_KEY], digest[MR_SCHOOL_KEY_BYTES];
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
    mr_school_row_key(file, 'p', key, row);
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

int mr_school_send_ended(struct mr_school_file *file, uint32_t line, const char *id,
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

int mr_school_send_employment(struct mr_school_file *file, const struct mr_school_employment *employment)
{
    struct mr_school_known known = {.kind = employment->key_kind[0]};
    char id[MR_SCHOOL_KEY_TEXT], local_id[MR_SCHOOL_KEY_TEXT];
    bool ended = employment->ended_on[0] != 0;
    int r;

    if (file->row_bad)
        return 0;
    mr_school_key(file, employment->key_kind, employment->key, known.key);
    mr_school_key(file, employment->person_kind, employment->person_key, known.local);
    if (employment->person->snils[0])
        mr_school_key(file, "snils", employment->person->snils, known.person);
    r = mr_school_note_employment(file, &known, ended);
    (void)mr_hex_encode(known.key, sizeof known.key, id);
    employment->person->local_id = mr_hex_encode(known.local, sizeof known.local, local_id);
    if (r == 0)
        r = ended ? mr_school_send_ended(file, file->line, NULL, employment->person, id, employment->ended_on)
                  : send_started(file, employment, id);
    employment->person->local_id = (char *)"";
    return r;
}
