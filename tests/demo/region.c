#include "tests/demo/region.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/list.h"
#include "proto/wire/ident.h"

const char *const region_areas[6] = {
        "subject", "methodical", "psychological", "communicative", "legal", "ict"};

static const char *const families[] = {"Иванов", "Смирнов", "Кузнецов", "Попов", "Васильев", "Петров",
        "Соколов", "Михайлов", "Новиков", "Фёдоров", "Морозов", "Волков", "Алексеев", "Лебедев", "Семёнов",
        "Егоров", "Павлов", "Козлов", "Степанов", "Николаев", "Орлов", "Андреев", "Макаров", "Никитин",
        "Захаров", "Зайцев", "Соловьёв", "Борисов", "Яковлев", "Григорьев", "Романов", "Воробьёв", "Сергеев",
        "Кузьмин", "Фролов", "Александров"};
static const char *const families_f[] = {"Иванова", "Смирнова", "Кузнецова", "Попова", "Васильева", "Петрова",
        "Соколова", "Михайлова", "Новикова", "Фёдорова", "Морозова", "Волкова", "Алексеева", "Лебедева",
        "Семёнова", "Егорова", "Павлова", "Козлова", "Степанова", "Николаева", "Орлова", "Андреева",
        "Макарова", "Никитина", "Захарова", "Зайцева", "Соловьёва", "Борисова", "Яковлева", "Григорьева",
        "Романова", "Воробьёва", "Сергеева", "Кузьмина", "Фролова", "Александрова"};
static const char *const given_m[] = {"Александр", "Сергей", "Дмитрий", "Андрей", "Алексей", "Михаил",
        "Николай", "Евгений", "Павел", "Виктор"};
static const char *const given_f[] = {"Елена", "Ольга", "Наталья", "Ирина", "Татьяна", "Светлана", "Марина",
        "Анна", "Юлия", "Людмила", "Екатерина", "Галина"};
static const char *const patronymic_m[] = {"Иванович", "Петрович", "Сергеевич", "Александрович", "Николаевич",
        "Викторович", "Андреевич", "Михайлович"};
static const char *const patronymic_f[] = {"Ивановна", "Петровна", "Сергеевна", "Александровна", "Николаевна",
        "Викторовна", "Андреевна", "Михайловна"};
static const char *const posts[] = {"учитель математики", "учитель русского языка и литературы",
        "учитель истории", "учитель физики", "учитель начальных классов", "учитель информатики",
        "педагог-психолог", "учитель химии"};
static const char *const municipality_names[REGION_MUNICIPALITIES] = {
        "Заречный район", "Светлогорский округ", "город Приозёрск-Сибирский"};
static const char *const programme_titles[REGION_PROGRAMMES] = {"Предметное содержание в обновлённых ФГОС",
        "Современный урок: методика и оценивание", "Психологическая безопасность образовательной среды",
        "Коммуникация с родителями и коллегами", "Нормативные основы работы педагога",
        "Цифровые инструменты учителя"};

/* splitmix64: small, seeded, the same everywhere. */
static uint64_t next(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static int pick(uint64_t *state, int bound)
{
    return (int)(next(state) % (uint64_t)bound);
}

static bool chance(uint64_t *state, int percent)
{
    return pick(state, 100) < percent;
}

static void make_org(struct region_org *org, int index, int municipality)
{
    char base[16];

    (void)snprintf(base, sizeof base, "1%02d24680%04d", 2 + index % 20, (1000 + index) % 10000);
    (void)snprintf(org->ogrn, sizeof org->ogrn, "%.12s%d", base, mr_ident_ogrn_check(base) % 10);
    (void)snprintf(base, sizeof base, "246%06d", (100100 + index) % 1000000);
    (void)snprintf(org->inn, sizeof org->inn, "%.9s%d", base, mr_ident_inn10_check(base) % 10);
    org->municipality = municipality;
}

static void make_orgs(struct region *region)
{
    for (int i = 0; i < region->orgs_count; i++) {
        struct region_org *org = &region->orgs[i];

        make_org(org, i, i % REGION_MUNICIPALITIES);
        (void)snprintf(org->name, sizeof org->name, "МБОУ «Средняя школа № %d» (%s)",
                1 + i / REGION_MUNICIPALITIES, region->municipalities[org->municipality].name);
    }
    make_org(&region->provider, 9000, 2);
    (void)snprintf(region->provider.name, sizeof region->provider.name,
            "Институт развития образования (вымышленный)");
}

static void date_before(uint64_t *state, int year_from, int year_to, char out[static 11])
{
    (void)snprintf(out, 11, "%04d-%02d-%02d", (year_from + pick(state, year_to - year_from + 1)) % 10000,
            1 + pick(state, 12), 1 + pick(state, 28));
}

static void name_teacher(struct region_teacher *t, uint64_t *state)
{
    t->woman = chance(state, 85);
    if (t->woman) {
        t->family = families_f[pick(state, (int)MR_COUNT(families_f))];
        t->given = given_f[pick(state, (int)MR_COUNT(given_f))];
        t->patronymic = patronymic_f[pick(state, (int)MR_COUNT(patronymic_f))];
    } else {
        t->family = families[pick(state, (int)MR_COUNT(families))];
        t->given = given_m[pick(state, (int)MR_COUNT(given_m))];
        t->patronymic = patronymic_m[pick(state, (int)MR_COUNT(patronymic_m))];
    }
}

static void plan_journey(struct region_teacher *t, uint64_t *state)
{
    t->diagnosed = chance(state, 60);
    t->area = pick(state, (int)MR_COUNT(region_areas));
    t->deficit = t->diagnosed && chance(state, 65);
    t->course_finished = t->deficit && chance(state, 75);
    t->course_by_three = t->course_finished && chance(state, 20);
    t->rediagnosed = t->course_finished && chance(state, 80);
    t->deficit_closed = t->rediagnosed && chance(state, 85);
    t->contest = chance(state, 7);
}

static void make_teacher(struct region_teacher *t, int index, int org, uint64_t *state)
{
    char nine[10];
    int birth_year;

    t->org = org;
    (void)snprintf(t->local_id, sizeof t->local_id, "%05d", (index + 1) % 100000);
    (void)snprintf(nine, sizeof nine, "%09d", 700000000 + (index * 7919 + pick(state, 7000)) % 99999999);
    (void)snprintf(t->snils, sizeof t->snils, "%.9s%02d", nine, mr_ident_snils_check(nine) % 100);
    name_teacher(t, state);
    date_before(state, 1958, 2002, t->birth_date);
    birth_year = (int)strtol(t->birth_date, NULL, 10);
    date_before(state, birth_year + 22, birth_year + 22, t->service_since);
    (void)snprintf(t->hired_on, sizeof t->hired_on, "%s", t->service_since);
    t->manager = chance(state, 8);
    t->part_time = chance(state, 5);
    t->category = pick(state, 3);
    t->post = t->manager ? "заместитель директора" : posts[pick(state, (int)MR_COUNT(posts))];
    plan_journey(t, state);
}

static void make_programmes(struct region *region)
{
    for (int i = 0; i < REGION_PROGRAMMES; i++) {
        struct region_programme *p = &region->programmes[i];

        (void)snprintf(p->id, sizeof p->id, "DPP-24-%04d", 101 + i);
        p->title = programme_titles[i];
        p->area = region_areas[i];
        p->kind = i == REGION_PROGRAMMES - 1 ? "PP" : "PK";
        p->hours = i == REGION_PROGRAMMES - 1 ? 256 : 36 + 18 * (i % 3);
    }
}

struct region *region_new(uint64_t seed, int orgs, int teachers)
{
    struct region *region = calloc(1, sizeof *region);
    uint64_t state = seed;

    if (!region)
        return NULL;
    region->orgs_count = orgs;
    region->teachers_count = teachers;
    region->orgs = calloc((size_t)orgs, sizeof *region->orgs);
    region->teachers = calloc((size_t)teachers, sizeof *region->teachers);
    if (!region->orgs || !region->teachers) {
        region_free(region);
        return NULL;
    }
    for (int i = 0; i < REGION_MUNICIPALITIES; i++) {
        region->municipalities[i].name = municipality_names[i];
        (void)snprintf(region->municipalities[i].oktmo, 9, "046%02d000", (10 + i) % 100);
    }
    make_orgs(region);
    make_programmes(region);
    for (int i = 0; i < teachers; i++)
        make_teacher(&region->teachers[i], i, i % orgs, &state);
    return region;
}

void region_free(struct region *region)
{
    if (!region)
        return;
    free(region->orgs);
    free(region->teachers);
    free(region);
}
