#include "tests/demo/files.h"

#include <errno.h>
#include <fcntl.h>
#include <iconv.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/base/err.h"

static const char *const area_titles[6] = {"Предметная", "Методическая", "Психолого-педагогическая",
        "Коммуникативная", "Нормативно-правовая", "ИКТ"};

int files_put(const char *dir, const char *name, struct mr_slice content)
{
    char temp[512];
    char final[512];
    size_t done = 0;
    int fd;

    (void)mkdir(dir, 0700);
    if (snprintf(temp, sizeof temp, "%s/.%s.tmp", dir, name) >= (int)sizeof temp ||
            snprintf(final, sizeof final, "%s/%s", dir, name) >= (int)sizeof final)
        return MR_ETOOBIG;
    fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return mr_err_from_errno(errno);
    while (done < content.size) {
        ssize_t n = write(fd, content.data + done, content.size - done);

        if (n < 0) {
            int error = mr_err_from_errno(errno);

            (void)close(fd);
            return error;
        }
        done += (size_t)n;
    }
    if (close(fd) != 0 || rename(temp, final) != 0)
        return mr_err_from_errno(errno);
    return 0;
}

/* UTF-8 to cp1251, as the offices' spreadsheets save it. */
static int put_cp1251(const char *dir, const char *name, struct mr_buf *utf8)
{
    struct mr_buf out = MR_BUF_INIT;
    iconv_t cd = iconv_open("CP1251", "UTF-8");
    char *in = (char *)utf8->data;
    size_t in_left = utf8->size;
    uint8_t *room = mr_buf_reserve(&out, utf8->size + 1);
    char *to = (char *)room;
    size_t to_left = utf8->size + 1;
    int r = MR_EINVAL;

    if (cd != (iconv_t)-1 && room && iconv(cd, &in, &in_left, &to, &to_left) != (size_t)-1) {
        out.size = (size_t)(to - (char *)room);
        r = files_put(dir, name, mr_buf_slice(&out));
    }
    if (cd != (iconv_t)-1)
        (void)iconv_close(cd);
    mr_buf_fini(&out);
    return r;
}

static const char *ru_date(const char *iso, char out[static 11])
{
    (void)snprintf(out, 11, "%.2s.%.2s.%.4s", iso + 8, iso + 5, iso);
    return out;
}

static void org_dir(char *out, size_t size, const char *in_dir, const struct region_org *org)
{
    (void)snprintf(out, size, "%s/%s", in_dir, org->ogrn);
}

int files_write_orgs(const struct region *region, const char *in_dir)
{
    for (int i = 0; i < region->orgs_count; i++) {
        const struct region_org *org = &region->orgs[i];
        struct mr_buf text = MR_BUF_INIT;
        char dir[400];
        int r;

        org_dir(dir, sizeof dir, in_dir, org);
        mr_buf_put_str(&text, "ОГРН;ИНН;ОКТМО;Наименование;Вид\r\n");
        mr_buf_printf(&text, "%s;%s;%s;%s;школа\r\n", org->ogrn, org->inn,
                region->municipalities[org->municipality].oktmo, org->name);
        r = put_cp1251(dir, "organisation.csv", &text);
        mr_buf_fini(&text);
        if (r < 0)
            return r;
    }
    return 0;
}

static void put_snils(struct mr_buf *out, const char *s)
{
    mr_buf_printf(out, "%.3s-%.3s-%.3s %.2s", s, s + 3, s + 6, s + 9);
}

static void put_staff_row(struct mr_buf *out, const struct region_teacher *t)
{
    static const char *const categories[] = {"нет", "первая", "высшая"};
    char birth[11];
    char hired[11];
    char service[11];

    mr_buf_printf(out, "%s;", t->local_id);
    put_snils(out, t->snils);
    mr_buf_printf(out, ";%s;%s;%s;%s;%s;%s;%s;%s;%s;%s;%s;;\r\n", t->family, t->given, t->patronymic,
            ru_date(t->birth_date, birth), t->woman ? "ж" : "м", t->post, t->manager ? "УК" : "ПР",
            categories[t->category], t->part_time ? "нет" : "да", ru_date(t->hired_on, hired),
            ru_date(t->service_since, service));
}

int files_write_staff(const struct region *region, const char *in_dir)
{
    for (int org = 0; org < region->orgs_count; org++) {
        struct mr_buf text = MR_BUF_INIT;
        char dir[400];
        int r;

        org_dir(dir, sizeof dir, in_dir, &region->orgs[org]);
        mr_buf_put_str(&text, "Табельный номер;СНИЛС;Фамилия;Имя;Отчество;Дата рождения;Пол;Должность;Группа;"
                              "Квалификационная категория;Основное место;Дата приёма;Педагогический стаж с;"
                              "Дата увольнения;Электронная почта\r\n");
        for (int i = 0; i < region->teachers_count; i++)
            if (region->teachers[i].org == org)
                put_staff_row(&text, &region->teachers[i]);
        r = put_cp1251(dir, "staff.csv", &text);
        mr_buf_fini(&text);
        if (r < 0)
            return r;
    }
    return 0;
}

static const char results_header[] =
        "Номер результата;СНИЛС;Дата;Инструмент;Шкала;Область;Балл;Уровень;Дефицит;Тип;"
        "Исходная диагностика;Курс\r\n";

/* One result is two rows: the area of interest and one more. */
static void put_result(struct mr_buf *out, const struct region *region, int i, bool again)
{
    const struct region_teacher *t = &region->teachers[i];
    int other = (t->area + 1) % 6;

    for (int row = 0; row < 2; row++) {
        bool weak = row == 0 && (again ? !t->deficit_closed : t->deficit);
        int score = weak ? 41 : 78;

        mr_buf_printf(out, "%s-%05d;", again ? "R" : "D", i + 1);
        put_snils(out, t->snils);
        mr_buf_printf(out, ";%s;Оценка компетенций;100;%s;%d,5;%s;%s;%s;",
                again ? "20.10.2026" : "15.03.2026", area_titles[row == 0 ? t->area : other], score,
                weak ? "низкий" : "высокий", weak ? "да" : "нет", again ? "повторная" : "первичная");
        if (again)
            mr_buf_printf(out, "D-%05d;%s", i + 1, region->programmes[t->area].id);
        else
            mr_buf_put_u8(out, ';');
        mr_buf_put_str(out, "\r\n");
    }
}

static int write_results(const struct region *region, const char *in_dir, bool again)
{
    enum { A_FILE = 500 };
    struct mr_buf text = MR_BUF_INIT;
    int rows = 0;
    int r = 0;

    for (int i = 0; i < region->teachers_count && r == 0; i++) {
        const struct region_teacher *t = &region->teachers[i];

        if (again ? t->rediagnosed : t->diagnosed) {
            if (text.size == 0)
                mr_buf_put_str(&text, results_header);
            put_result(&text, region, i, again);
            rows++;
        }
        if (text.size && (rows == A_FILE || i == region->teachers_count - 1)) {
            char name[64];

            (void)snprintf(name, sizeof name, "%s-%05d.csv", again ? "rediagnostics" : "diagnostics", i + 1);
            /* Every second file as UTF-8 with a byte order mark: both forms come from the same centre. */
            r = put_cp1251(in_dir, name, &text);
            mr_buf_reset(&text);
            rows = 0;
        }
    }
    mr_buf_fini(&text);
    return r;
}

int files_write_diagnostics(const struct region *region, const char *in_dir)
{
    return write_results(region, in_dir, false);
}

int files_write_rediagnostics(const struct region *region, const char *in_dir)
{
    return write_results(region, in_dir, true);
}

static void put_head(struct mr_buf *out, const char *type, const char *id_kind, int id, const char *time)
{
    mr_buf_printf(out,
            "{\"specversion\":\"1.0\",\"id\":\"%s-%05d\",\"source\":\"urn:marshrut:24:portal\",\"type\":\"%"
            "s\","
            "\"time\":\"%s\",\"regioncode\":\"24\",",
            id_kind, id, type, time);
}

void files_feed_programmes(const struct region *region, struct mr_buf *out)
{
    for (int i = 0; i < REGION_PROGRAMMES; i++) {
        const struct region_programme *p = &region->programmes[i];

        put_head(out, "nms.programme.listed.v1", "programme", i + 1, "2026-02-01T09:00:00Z");
        mr_buf_printf(out,
                "\"data\":{\"programmeId\":\"%s\",\"title\":\"%s\",\"kind\":\"%s\",\"hours\":%d,"
                "\"providerOgrn\":\"%s\","
                "\"registry\":\"%s\",\"listedOn\":\"2026-02-01\",\"areas\":[\"%s\"]}}\n",
                p->id, p->title, p->kind, p->hours, region->provider.ogrn, i % 2 ? "federal" : "own",
                p->area);
    }
}

static const char personal_attributes[] =
        "\"basis\":\"education\",\"actor\":\"portal\",\"actorrole\":\"system\",";

static void put_course(const struct region *region, int i, bool finished, struct mr_buf *out)
{
    const struct region_teacher *t = &region->teachers[i];
    const struct region_programme *p = &region->programmes[t->area];

    put_head(out, finished ? "nms.course.finished.v1" : "nms.course.enrolled.v1",
            finished ? "finish" : "enrol", i + 1, finished ? "2026-06-30T15:00:00Z" : "2026-05-01T09:00:00Z");
    mr_buf_put_str(out, personal_attributes);
    mr_buf_printf(out,
            "\"data\":{\"person\":{\"snils\":\"%s\"},\"programmeId\":\"%s\",\"kind\":\"%s\",\"hours\":%d,"
            "\"providerOgrn\":\"%s\",\"funding\":\"regional\",",
            t->snils, p->id, p->kind, p->hours, region->provider.ogrn);
    if (finished)
        mr_buf_printf(out,
                "\"startedOn\":\"2026-05-12\",\"endedOn\":\"2026-06-30\",\"documentNumber\":\"24-%06d\"}}\n",
                i + 1);
    else
        mr_buf_put_str(out,
                "\"enrolledOn\":\"2026-05-01\",\"startsOn\":\"2026-05-12\",\"endsOn\":\"2026-06-30\"}}\n");
}

static void put_document(const struct region *region, int i, struct mr_buf *out)
{
    const struct region_teacher *t = &region->teachers[i];
    const struct region_programme *p = &region->programmes[t->area];

    put_head(out, "nms.document.issued.v1", "document", i + 1, "2026-07-03T09:00:00Z");
    mr_buf_put_str(out, personal_attributes);
    mr_buf_printf(out,
            "\"data\":{\"person\":{\"snils\":\"%s\"},\"documentKind\":\"%s\",\"status\":\"original\","
            "\"number\":\"24-%06d\",\"registrationNumber\":\"24-%06d\",\"issuedOn\":\"2026-07-03\","
            "\"programmeId\":\"%s\","
            "\"kind\":\"%s\",\"hours\":%d,\"providerOgrn\":\"%s\",\"endedOn\":\"2026-06-30\"}}\n",
            t->snils, p->hours >= 250 ? "diploma" : "certificate", i + 1, i + 1, p->id, p->kind, p->hours,
            region->provider.ogrn);
}

void files_feed_courses(const struct region *region, struct mr_buf *out)
{
    for (int i = 0; i < region->teachers_count; i++) {
        if (!region->teachers[i].deficit)
            continue;
        put_course(region, i, false, out);
        if (region->teachers[i].course_finished) {
            put_course(region, i, true, out);
            put_document(region, i, out);
        }
    }
}

void files_feed_contests(const struct region *region, struct mr_buf *out)
{
    for (int i = 0; i < region->teachers_count; i++) {
        const struct region_teacher *t = &region->teachers[i];

        if (!t->contest)
            continue;
        put_head(out, "nms.contest.participated.v1", "contest", i + 1, "2026-04-20T12:00:00Z");
        mr_buf_put_str(out, personal_attributes);
        mr_buf_printf(out,
                "\"data\":{\"person\":{\"snils\":\"%s\"},\"contestId\":\"teacher-of-the-year-2026\","
                "\"title\":\"Учитель года (муниципальный "
                "этап)\",\"level\":\"municipal\",\"result\":\"participant\","
                "\"heldOn\":\"2026-04-20\",\"orgOgrn\":\"%s\"}}\n",
                t->snils, region->orgs[t->org].ogrn);
    }
}

void files_route_json(const struct region *region, int i, struct mr_buf *out)
{
    const struct region_teacher *t = &region->teachers[i];
    const struct region_programme *p = &region->programmes[t->area];

    mr_buf_printf(out,
            "{\"routeId\":\"IOM-%05d\",\"person\":{\"snils\":\"%s\"},\"deficitIds\":[\"D-%05d:%s\"],"
            "\"content\":\"Индивидуальный образовательный "
            "маршрут\",\"steps\":[{\"stepId\":\"1\",\"form\":\"formal\","
            "\"title\":\"%s\",\"hours\":%d,\"programmeId\":\"%s\",\"startsOn\":\"2026-05-12\",\"endsOn\":"
            "\"2026-06-30\"}],"
            "\"assignedOn\":\"2026-04-10\",\"startsOn\":\"2026-04-15\",\"endsOn\":\"2026-12-15\"}",
            i + 1, t->snils, i + 1, p->area, p->title, p->hours, p->id);
}

int files_xapi_json(const struct region *region, int from, int max, struct mr_buf *out)
{
    int put = 0;
    int i = from;

    mr_buf_put_u8(out, '[');
    for (; i < region->teachers_count && put < max; i++) {
        const struct region_teacher *t = &region->teachers[i];
        const struct region_programme *p = &region->programmes[t->area];

        if (!t->course_by_three)
            continue;
        mr_buf_printf(out,
                "%s{\"id\":\"7d0e24a1-0000-4000-8000-%012d\",\"actor\":{\"account\":{\"homePage\":\"urn:"
                "snils\","
                "\"name\":\"%s\"}},\"verb\":{\"id\":\"http://adlnet.gov/expapi/verbs/"
                "completed\"},\"object\":{\"id\":"
                "\"urn:programme:%s\",\"definition\":{\"name\":{\"ru\":\"%s\"}}},\"timestamp\":"
                "\"2026-06-30T14:00:00Z\"}",
                put++ ? "," : "", i + 1, t->snils, p->id, p->title);
    }
    mr_buf_put_u8(out, ']');
    return i;
}
