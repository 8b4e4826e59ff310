/* Who is employed, as remembered from list to list, and what a full list says of those whom it does not have.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/school/map_internal.h"
#include "proto/base/bytes.h"
#include "proto/base/clock.h"
#include "proto/base/hex.h"
#include "proto/wire/digest.h"

/* local, person, kind, line; rows of before end after local. */
enum { VALUE = 2 * MR_SCHOOL_KEY_BYTES + 1 + 4, LISTED_MAX = 50 };

static const uint8_t nobody[MR_SCHOOL_KEY_BYTES];

void mr_school_row_key(const struct mr_school_file *file, char letter, const uint8_t *key,
        uint8_t out[static MR_SCHOOL_ROW_KEY])
{
    memcpy(out, "s.", 2);
    out[2] = (uint8_t)letter;
    memcpy(out + 3, file->ogrn, MR_SCHOOL_OGRN_BYTES);
    if (key)
        memcpy(out + MR_SCHOOL_ROW_PREFIX, key, MR_SCHOOL_KEY_BYTES);
}

static bool has_person(const struct mr_school_known *known)
{
    return memcmp(known->person, nobody, sizeof nobody) != 0;
}

static bool decode(struct mr_slice key, struct mr_slice value, struct mr_school_known *ret)
{
    if (key.size != MR_SCHOOL_ROW_KEY || (value.size != VALUE && value.size != MR_SCHOOL_KEY_BYTES))
        return false;
    *ret = (struct mr_school_known){0};
    memcpy(ret->key, key.data + MR_SCHOOL_ROW_PREFIX, sizeof ret->key);
    memcpy(ret->local, value.data, sizeof ret->local);
    if (value.size == MR_SCHOOL_KEY_BYTES)
        return true;
    memcpy(ret->person, value.data + MR_SCHOOL_KEY_BYTES, sizeof ret->person);
    ret->kind = (char)value.data[2 * MR_SCHOOL_KEY_BYTES];
    ret->line = mr_get_be32(value.data + 2 * MR_SCHOOL_KEY_BYTES + 1);
    return true;
}

static int put(const struct mr_school_file *file, const struct mr_school_known *known)
{
    uint8_t row[MR_SCHOOL_ROW_KEY], value[VALUE];

    mr_school_row_key(file, 'e', known->key, row);
    memcpy(value, known->local, MR_SCHOOL_KEY_BYTES);
    memcpy(value + MR_SCHOOL_KEY_BYTES, known->person, MR_SCHOOL_KEY_BYTES);
    value[2 * MR_SCHOOL_KEY_BYTES] = (uint8_t)known->kind;
    mr_put_be32(value + 2 * MR_SCHOOL_KEY_BYTES + 1, known->line);
    return mr_outbox_put(file->sink->txn, mr_slice(row, sizeof row), mr_slice(value, sizeof value));
}

static int forget(const struct mr_school_file *file, const struct mr_school_known *known)
{
    uint8_t row[MR_SCHOOL_ROW_KEY];
    struct mr_slice first;
    int r;

    mr_school_row_key(file, 'e', known->key, row);
    r = mr_outbox_del(file->sink->txn, mr_slice(row, sizeof row));
    if ((r < 0 && r != MR_ENOTFOUND) || !has_person(known))
        return r == MR_ENOTFOUND ? 0 : r;
    mr_school_row_key(file, 'n', known->person, row);
    r = mr_outbox_get(file->sink->txn, mr_slice(row, sizeof row), &first);
    if (r == 0 && mr_slice_equal(first, mr_slice(known->key, sizeof known->key)))
        r = mr_outbox_del(file->sink->txn, mr_slice(row, sizeof row));
    return r == MR_ENOTFOUND ? 0 : r;
}

/* The person's first employment that is remembered: "s.n" + ОГРН + person. */
static int first_of(const struct mr_school_file *file, struct mr_school_known *known)
{
    uint8_t row[MR_SCHOOL_ROW_KEY];
    struct mr_slice first;
    int r;

    mr_school_row_key(file, 'n', known->person, row);
    r = mr_outbox_get(file->sink->txn, mr_slice(row, sizeof row), &first);
    if (r == MR_ENOTFOUND)
        return mr_outbox_put(
                file->sink->txn, mr_slice(row, sizeof row), mr_slice(known->key, sizeof known->key));
    if (r < 0 || first.size != sizeof known->key || known->kind != 's')
        return r;
    memcpy(known->key, first.data, sizeof known->key);
    mr_school_row_key(file, 'e', known->key, row);
    if (mr_outbox_get(file->sink->txn, mr_slice(row, sizeof row), &first) == 0 && first.size == VALUE)
        known->kind = (char)first.data[2 * MR_SCHOOL_KEY_BYTES];
    return 0;
}

int mr_school_note_employment(struct mr_school_file *file, struct mr_school_known *known, bool ended)
{
    int r = 0;

    known->line = file->line;
    file->kinds[(unsigned char)known->kind] = true;
    if (has_person(known))
        mr_buf_put(&file->persons, known->person, sizeof known->person);
    else
        file->without_snils = true;
    if (file->sink->txn && has_person(known))
        r = first_of(file, known);
    mr_buf_put(&file->seen, known->key, sizeof known->key);
    if (r < 0 || !file->sink->txn)
        return r;
    return ended ? forget(file, known) : put(file, known);
}

/* ---- full lists ---- */

static int compare_keys(const void *a, const void *b)
{
    return memcmp(a, b, MR_SCHOOL_KEY_BYTES);
}

static void sort(struct mr_buf *keys)
{
    if (keys->size > 0)
        qsort(keys->data, keys->size / MR_SCHOOL_KEY_BYTES, MR_SCHOOL_KEY_BYTES, compare_keys);
}

static bool holds(const struct mr_buf *keys, const uint8_t *key)
{
    return keys->size > 0 && bsearch(key, keys->data, keys->size / MR_SCHOOL_KEY_BYTES, MR_SCHOOL_KEY_BYTES,
                                     compare_keys) != NULL;
}

struct absent {
    const struct mr_school_file *file;
    struct mr_buf known; /* of struct mr_school_known: absent for certain */
    size_t all, unsure;
};

/* Is every row of the list of a kind that would have shown this one, were it there? */
static bool comparable(const struct mr_school_file *file, const struct mr_school_known *known)
{
    bool numbered = known->kind && known->kind != 's';

    for (int kind = 0; kind < 256; kind++) {
        if (!file->kinds[kind])
            continue;
        if (numbered && kind == known->kind)
            continue; /* by its own key */
        if (has_person(known) && (kind == 's' || !file->without_snils))
            continue; /* by the person */
        if (!known->kind && kind != 's' && !file->without_snils)
            continue; /* whichever it was made from */
        return false;
    }
    return true;
}

static int look(void *ctx, struct mr_slice key, struct mr_slice value)
{
    struct absent *absent = ctx;
    struct mr_school_known known;

    if (!decode(key, value, &known))
        return 0;
    absent->all++;
    if (holds(&absent->file->seen, known.key) || holds(&absent->file->persons, known.key) ||
            (has_person(&known) && holds(&absent->file->persons, known.person)))
        return 0;
    if (comparable(absent->file, &known))
        mr_buf_put(&absent->known, &known, sizeof known);
    else
        absent->unsure++;
    return 0;
}

/* The id says which ending it is, so that the same ending is not told twice under two ids. */
static int end_one(struct mr_school_file *file, const struct mr_school_known *known, const char *day)
{
    Nms__Event__V1__Person person = NMS__EVENT__V1__PERSON__INIT;
    char id[MR_SCHOOL_KEY_TEXT], local_id[MR_SCHOOL_KEY_TEXT], from[MR_SCHOOL_KEY_TEXT + 16],
            event_id[MR_UUID_TEXT_MAX];
    uint8_t uuid[16];
    int r = forget(file, known);

    (void)mr_hex_encode(known->key, sizeof known->key, id);
    (void)snprintf(from, sizeof from, "%s %s", id, day);
    mr_school_key(file, "ended", from, uuid);
    uuid[6] = (uint8_t)((uuid[6] & 0x0f) | 0x80);
    uuid[8] = (uint8_t)((uuid[8] & 0x3f) | 0x80);
    person.local_id = mr_hex_encode(known->local, sizeof known->local, local_id);
    return r < 0 ? r
                 : mr_school_send_ended(file, MR_ROW_NONE, mr_uuid_format(uuid, event_id), &person, id, day);
}

static int end_all(struct mr_school_file *file, const struct mr_buf *absent)
{
    const struct mr_school_known *known = (const void *)absent->data;
    char now[MR_TIME_TEXT_MAX], day[11];
    int r = 0;

    (void)mr_time_format(mr_clock_wall_us(mr_clock_system()), now);
    (void)snprintf(day, sizeof day, "%.10s", now);
    for (size_t i = 0; r == 0 && i < absent->size / sizeof *known; i++)
        r = end_one(file, &known[i], day);
    return r;
}

/* Who will go, by the line of the list that had them last: names are not kept here. */
static int ask(const struct mr_school_file *file, const struct absent *absent)
{
    const struct mr_school_known *known = (const void *)absent->known.data;
    size_t count = absent->known.size / sizeof *known;
    char text[160];

    for (size_t i = 0; file->sink->ask && i < count && i < LISTED_MAX; i++) {
        if (known[i].line > 0)
            (void)snprintf(text, sizeof text, "работник из строки %u последнего списка, в котором он был",
                    known[i].line);
        else
            (void)snprintf(text, sizeof text, "работник из списка, строка которого не известна");
        file->sink->ask(file->sink, text);
    }
    if (file->sink->ask && count > LISTED_MAX) {
        (void)snprintf(text, sizeof text, "и ещё %zu", count - LISTED_MAX);
        file->sink->ask(file->sink, text);
    }
    return mr_error_set(file->error, 1, "", "",
            "В полном списке нет %zu из %zu работников: это больше допустимых %u %%. Им будет отправлено "
            "увольнение",
            count, absent->all, file->map->full_list_end_percent_max);
}

static int decide(struct mr_school_file *file, struct absent *absent)
{
    size_t count = absent->known.size / sizeof(struct mr_school_known);

    if (absent->unsure > 0)
        return mr_error_set(file->error, MR_EINVAL, "",
                "заполните «Табельный номер» и «СНИЛС» у всех или уберите слова «полный список»",
                "полный список нельзя сверить с %zu из %zu работников, известных по прежним спискам: "
                "нет общих табельных номеров и СНИЛС",
                absent->unsure, absent->all);
    if (!file->sink->confirmed && count * 100 > absent->all * file->map->full_list_end_percent_max)
        return ask(file, absent);
    return end_all(file, &absent->known);
}

int mr_school_end_absent(struct mr_school_file *file)
{
    struct absent absent = {.file = file};
    uint8_t prefix[MR_SCHOOL_ROW_KEY];
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
    if (mr_buf_failed(&file->seen) || mr_buf_failed(&file->persons))
        return MR_ENOMEM;
    sort(&file->seen);
    sort(&file->persons);
    mr_school_row_key(file, 'e', NULL, prefix);
    r = mr_outbox_each(file->sink->txn, mr_slice(prefix, MR_SCHOOL_ROW_PREFIX), look, &absent);
    if (r == 0 && mr_buf_failed(&absent.known))
        r = MR_ENOMEM;
    if (r == 0)
        r = decide(file, &absent);
    mr_buf_fini(&absent.known);
    return r;
}
