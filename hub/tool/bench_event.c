#include "hub/tool/bench_event.h"

#include <stdio.h>
#include <string.h>

#include "event/assessment.pb-c.h"
#include "event/course.pb-c.h"
#include "proto/base/list.h"

enum {
    ARENA_BYTES = 1 << 20,
    DIGITS = 10,
    TEXT_MAX = 16,
    TITLE_MAX = 450,
    ORGS = 997,
    OF_ONE_CORRELATION = 10
};

enum kind { EVENT, CORRELATION, ORG, SNILS, PERSON, KINDS = BENCH_KINDS };

/* What stands in the places at first: found again by it. */
static const char *const marks[KINDS] = {
        [EVENT] = "7000000001",
        [CORRELATION] = "7000000002",
        [ORG] = "7000000000003",
        [SNILS] = "70000000004",
        [PERSON] = "7000000005",
};

/* ---- numbers into text ---- */

static void put_digits(char *at, size_t digits, uint64_t value)
{
    for (; digits >= 2; digits -= 2, value /= 100) {
        unsigned two = (unsigned)(value % 100);

        at[digits - 1] = (char)('0' + two % 10);
        at[digits - 2] = (char)('0' + two / 10);
    }
    if (digits == 1)
        at[0] = (char)('0' + value % 10);
}

/* Made up, with the check digit that makes it valid. */
static void put_ogrn(char *at, uint64_t org)
{
    uint64_t base = UINT64_C(102240000000) + org * 7;

    put_digits(at, 12, base);
    at[12] = (char)('0' + base % 11 % 10);
}

static void put_snils(char *at, uint64_t person)
{
    unsigned sum = 0;

    put_digits(at, 9, 100000000 + person);
    for (unsigned i = 0; i < 9; i++)
        sum += (unsigned)(at[i] - '0') * (9 - i);
    put_digits(at + 9, 2, sum % 101 % 100);
}

static void put_text(char *at, enum kind kind, uint64_t value)
{
    if (kind == ORG)
        put_ogrn(at, value);
    else if (kind == SNILS)
        put_snils(at, value);
    else
        put_digits(at, DIGITS, value);
}

/* What has not changed stands there already. */
void bench_event_number(struct bench_event *event, uint64_t number, uint64_t person)
{
    const uint64_t values[KINDS] = {[EVENT] = number,
            [CORRELATION] = number / OF_ONE_CORRELATION,
            [ORG] = number % ORGS,
            [SNILS] = person,
            [PERSON] = person};
    char texts[KINDS][TEXT_MAX];
    bool changed[KINDS];

    for (int kind = 0; kind < KINDS; kind++) {
        changed[kind] = !event->numbered || event->values[kind] != values[kind];
        event->values[kind] = values[kind];
        if (changed[kind] && event->kinds & 1U << kind)
            put_text(texts[kind], (enum kind)kind, values[kind]);
    }
    for (size_t i = 0; i < event->places_count; i++) {
        int kind = event->places[i].kind;

        if (changed[kind])
            memcpy(event->places[i].at, texts[kind], event->places[i].size);
    }
    event->numbered = true;
}

/* ---- making one ---- */

static void find_places(struct bench_event *event, void *bytes, size_t size)
{
    for (int kind = 0; kind < KINDS; kind++) {
        size_t length = strlen(marks[kind]);
        char *at = bytes, *end = at + size;

        while (event->places_count < BENCH_PLACES_MAX &&
                (at = memmem(at, (size_t)(end - at), marks[kind], length)) != NULL) {
            event->places[event->places_count++] = (struct bench_place){at, length, kind};
            event->kinds |= 1U << kind;
            at += length;
        }
    }
}

static void find_in_text(struct bench_event *event, const char *text)
{
    if (text)
        find_places(event, (void *)(uintptr_t)text, strlen(text));
}

/* In the bytes, and in what was decoded of them. */
static void find_all(struct bench_event *event)
{
    const struct mr_attributes *a = &event->event.a;

    find_places(event, event->bytes.data, event->bytes.size);
    find_in_text(event, a->id);
    find_in_text(event, a->correlationid);
    find_in_text(event, a->orgid);
    for (size_t i = 0; i < event->event.persons_count; i++) {
        find_in_text(event, event->event.persons[i].person->snils);
        find_in_text(event, event->event.persons[i].person->local_id);
    }
}

static struct mr_attributes attributes(const struct bench_event_form *form)
{
    return (struct mr_attributes){.id = "e-7000000001",
            .source = form->source,
            .type = form->with_person ? "nms.deficit.identified.v1" : "nms.programme.listed.v1",
            .time = "2026-11-01T10:00:00Z",
            .regioncode = form->region,
            .basis = "education",
            .actor = "op-1",
            .actorrole = "methodist"};
}

static int encode_open(struct mr_buf *out, const struct bench_event_form *form, char *filler)
{
    struct mr_attributes a = attributes(form);
    Nms__Event__V1__ProgrammeListed programme = NMS__EVENT__V1__PROGRAMME_LISTED__INIT;
    char url[BENCH_FILLER_MAX + 1];

    a.correlationid = "c-7000000002";
    a.orgid = "7000000000003";
    programme.programme_id = (char *)"p-7000000001";
    programme.title = filler;
    if (strlen(filler) > TITLE_MAX) {
        (void)snprintf(url, sizeof url, "%s", filler + TITLE_MAX);
        filler[TITLE_MAX] = 0;
        programme.url = url;
    }
    programme.kind = (char *)"PK";
    programme.hours = 36;
    programme.provider_ogrn = (char *)"1022402127461";
    programme.registry = (char *)"own";
    programme.listed_on = (char *)"2026-01-15";
    return mr_event_encode(out, &a, &programme.base);
}

static int encode_sealed(struct mr_buf *out, const struct bench_event_form *form, char *filler)
{
    struct mr_attributes a = attributes(form);
    Nms__Event__V1__Person person = NMS__EVENT__V1__PERSON__INIT;
    Nms__Event__V1__DeficitIdentified deficit = NMS__EVENT__V1__DEFICIT_IDENTIFIED__INIT;

    person.snils = (char *)"70000000004";
    person.family_name = (char *)"Orlova";
    person.given_name = (char *)"Anna";
    person.patronymic = (char *)"Lvovna";
    person.birth_date = (char *)"1980-02-29";
    person.sex = (char *)"F";
    person.citizenship = (char *)"643";
    person.local_id = (char *)"7000000005";
    deficit.person = &person;
    deficit.deficit_id = (char *)"d-1";
    deficit.area = (char *)"ict";
    deficit.identified_on = (char *)"2026-10-30";
    deficit.recommendation = filler;
    return mr_event_encode(out, &a, &deficit.base);
}

static int encode(struct mr_buf *out, const struct bench_event_form *form, char *filler, size_t filler_bytes)
{
    memset(filler, 'x', filler_bytes);
    filler[filler_bytes] = 0;
    mr_buf_reset(out);
    return form->with_person ? encode_sealed(out, form, filler) : encode_open(out, form, filler);
}

/* As much filler as makes it the size that is measured with, or one byte more where a length takes one. */
static int encode_sized(struct mr_buf *out, const struct bench_event_form *form)
{
    char filler[BENCH_FILLER_MAX + 1];
    size_t bytes = 1;
    int r = encode(out, form, filler, bytes);

    if (r < 0 || out->size > form->bytes)
        return r < 0 ? r : MR_EINVAL;
    if (form->bytes - out->size > BENCH_LENGTHS_MAX)
        bytes += form->bytes - out->size - BENCH_LENGTHS_MAX;
    for (; bytes <= BENCH_FILLER_MAX; bytes++) {
        r = encode(out, form, filler, bytes);
        if (r < 0 || out->size >= form->bytes)
            return r;
    }
    return MR_EINVAL;
}

int bench_event_init(struct bench_event *ret, const struct bench_event_form *form)
{
    int r;

    *ret = (struct bench_event){0};
    mr_arena_init(&ret->arena, ARENA_BYTES);
    r = encode_sized(&ret->bytes, form);
    if (r == 0)
        r = mr_event_decode(&ret->event, mr_buf_slice(&ret->bytes), &ret->arena, NULL);
    if (r < 0) {
        bench_event_fini(ret);
        return r;
    }
    find_all(ret);
    return 0;
}

int bench_event_init_store(struct bench_event *ret, bool with_person)
{
    const struct bench_event_form form = {.with_person = with_person,
            .bytes = BENCH_EVENT_BYTES,
            .region = "24",
            .source = with_person ? "urn:marshrut:24:copmkp" : "urn:marshrut:24:portal"};

    return bench_event_init(ret, &form);
}

void bench_event_fini(struct bench_event *event)
{
    mr_buf_fini(&event->bytes);
    mr_arena_fini(&event->arena);
}
