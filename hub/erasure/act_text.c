#include "hub/erasure/act_text.h"

#include <stdio.h>
#include <string.h>

#include "proto/base/list.h"
#include "proto/base/zone.h"

static const char *const excepted[] = {
        "настоящий акт и выгрузка из журнала (хранятся три года)",
        "файлы в папках, которыми распоряжаются люди (входящие папки адаптеров, распечатки, выгрузки)",
        "данные у получателей, получивших их на законном основании: им направлены извещения",
};

json_t *mr_act_excepted_json(void)
{
    json_t *list = json_array();

    for (size_t i = 0; i < MR_COUNT(excepted); i++)
        (void)json_array_append_new(list, json_string(excepted[i]));
    return list;
}

/* The grounds of law 152-ФЗ that have a code in docs/erasure.md. */
static const struct {
    const char *code, *text;
} reasons[] = {
        {"consent-withdrawn", "отзыв субъектом согласия на обработку (ч. 5 ст. 21 152-ФЗ)"},
        {"purpose-achieved", "достижение цели обработки (ч. 4 ст. 21 152-ФЗ)"},
        {"unlawful-processing",
                "неправомерная обработка, которую нельзя сделать правомерной (ч. 3 ст. 21 152-ФЗ)"},
        {"subject-demand", "требование субъекта об уничтожении (ч. 1 ст. 14 152-ФЗ)"},
        {"authority-demand", "требование уполномоченного органа (ст. 23 152-ФЗ)"},
        {"term-expired", "истечение срока хранения"},
};

/* A code that stands in no law is given as it was written, and said to be a code. */
static void put_reason(struct mr_buf *out, const char *code)
{
    for (size_t i = 0; i < MR_COUNT(reasons); i++)
        if (strcmp(reasons[i].code, code) == 0) {
            mr_buf_put_str(out, reasons[i].text);
            return;
        }
    mr_buf_printf(out, "основание, указанное в запросе: %s", code);
}

/* "1980-01-02" as "02.01.1980"; what is no date stays. */
static void put_date(struct mr_buf *out, const char *date)
{
    if (strlen(date) == 10 && date[4] == '-' && date[7] == '-')
        mr_buf_printf(out, "%.2s.%.2s.%.4s", date + 8, date + 5, date);
    else
        mr_buf_put_str(out, date);
}

static const char *or_unknown(const char *text)
{
    return text && *text ? text : "не указано в настройках (раздел erasure)";
}

static void put_name(struct mr_buf *out, const Marshrut__Erasure__V1__Name *name)
{
    mr_buf_printf(out, "%s%s%s%s%s", name->family_name, *name->given_name ? " " : "", name->given_name,
            *name->patronymic ? " " : "", name->patronymic);
    if (*name->birth_date) {
        mr_buf_put_str(out, ", ");
        put_date(out, name->birth_date);
        mr_buf_put_str(out, " г. р.");
    }
}

/* "Иванова Анна Петровна, 02.01.1980 г. р.; СНИЛС 112-233-445 95" */
static void put_subject(struct mr_buf *out, const mr_erasure_secret *secret)
{
    for (size_t i = 0; i < secret->n_names; i++) {
        mr_buf_put_str(out, i > 0 ? "; " : "");
        put_name(out, secret->names[i]);
    }
    for (size_t i = 0; i < secret->n_snils; i++) {
        const char *s = secret->snils[i];

        mr_buf_printf(out, "%sСНИЛС %.3s-%.3s-%.3s %s", i > 0 || secret->n_names > 0 ? "; " : "", s, s + 3,
                s + 6, s + 9);
    }
    if (secret->n_names == 0 && secret->n_snils == 0)
        mr_buf_put_str(out, secret->n_local_ids > 0 ? "идентификаторы в системах-источниках: "
                                                    : "сведений не сохранилось, внести вручную");
    for (size_t i = 0; secret->n_names == 0 && secret->n_snils == 0 && i < secret->n_local_ids; i++)
        mr_buf_printf(
                out, "%s%s (%s)", i > 0 ? ", " : "", secret->local_ids[i]->id, secret->local_ids[i]->system);
}

static void put_list(struct mr_buf *out, char *const *texts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        mr_buf_printf(out, "%s%s", i > 0 ? "; " : "", texts[i]);
}

static void put_told(struct mr_buf *out, const mr_erasure_request *request)
{
    for (size_t i = 0; i < request->n_notices; i++)
        mr_buf_printf(out, "%s%s (событие № %llu)", i > 0 ? "; " : "", request->notices[i]->system,
                (unsigned long long)request->notices[i]->number);
    if (request->n_notices == 0)
        mr_buf_put_str(out, "нет");
}

/* Whether the person was in them is not known; their values are closed with the keys all the same. */
static void put_damaged(struct mr_buf *out, const mr_erasure_request *request)
{
    if (request->n_damaged == 0)
        return;
    mr_buf_printf(out, "   Не прочитано из-за повреждений записей журнала: %llu, №",
            (unsigned long long)request->damaged_met);
    for (size_t i = 0; i < request->n_damaged; i++) {
        const Marshrut__Erasure__V1__Range *range = request->damaged[i];

        mr_buf_printf(out, range->last > range->first ? "%s %llu–%llu" : "%s %llu", i > 0 ? "," : "",
                (unsigned long long)range->first, (unsigned long long)range->last);
    }
    mr_buf_put_str(out, ". Если в них были данные субъекта, ключи к ним уничтожены вместе с прочими\n");
}

/* Who they are in the register of persons the hub does not know: it knows their logins. */
static void put_signatures(struct mr_buf *out, const mr_erasure_request *request)
{
    const struct {
        const char *did, *login;
    } signers[] = {{"Запросил", request->requested_by}, {"Утвердил", request->approved_by}};

    mr_buf_put_str(out, "\nПодписи лиц, уничтоживших персональные данные:\n");
    for (size_t i = 0; i < MR_COUNT(signers); i++)
        mr_buf_printf(out,
                "\n%s (учётная запись %s):\n"
                "    должность _______________________  подпись ______________  "
                "Ф. И. О. _______________________\n",
                signers[i].did, signers[i].login);
}

void mr_act_text(const struct mr_house *house, const mr_erasure_request *request,
        const mr_erasure_secret *secret, struct mr_buf *out)
{
    const struct mr_config_erasure *config = &house->config->erasure;
    char time[MR_ZONE_TEXT_MAX];

    mr_buf_printf(
            out, "АКТ № %llu\nоб уничтожении персональных данных\n\n", (unsigned long long)request->number);
    mr_buf_printf(out, "1. Оператор: %s\n   Адрес: %s\n", or_unknown(config->controller),
            or_unknown(config->address));
    mr_buf_put_str(out, "2. Субъект персональных данных: ");
    put_subject(out, secret);
    mr_buf_printf(out,
            "\n3. Лица, уничтожившие персональные данные (учётные записи): запросил %s, утвердил %s\n",
            request->requested_by, request->approved_by);
    mr_buf_put_str(out, "4. Категории уничтоженных персональных данных: ");
    put_list(out, secret->categories, secret->n_categories);
    mr_buf_printf(out, "\n5. Информационная система: %s (%s)\n", or_unknown(config->information_system),
            house->config->hub.source);
    mr_buf_printf(out, "6. Способ уничтожения: %s\n", MR_ACT_WAY);
    mr_buf_put_str(out, "7. Причина уничтожения: ");
    put_reason(out, request->basis);
    mr_buf_printf(out, "; дело: %s\n", secret->case_text);
    mr_buf_printf(out, "8. Дата уничтожения: %s\n",
            mr_zone_format(house->config->timezone, request->destroyed_us, time));
    mr_buf_printf(out,
            "9. Уничтожено: частей событий %llu, не принятых событий %llu; ключи: поколение %u → %u\n",
            (unsigned long long)request->events, (unsigned long long)request->quarantined,
            request->generation_before, request->generation_after);
    put_damaged(out, request);
    mr_buf_put_str(out, "10. Извещены системы: ");
    put_told(out, request);
    mr_buf_put_str(out, "\n11. Не уничтожаются этим актом:\n");
    for (size_t i = 0; i < MR_COUNT(excepted); i++)
        mr_buf_printf(out, "    - %s\n", excepted[i]);
    put_signatures(out, request);
}

/* ---- the journal ---- */

static void put_cell(struct mr_buf *out, const char *text)
{
    mr_buf_put_u8(out, '"');
    for (; *text; text++) {
        if (*text == '"')
            mr_buf_put_u8(out, '"');
        mr_buf_put_u8(out, (uint8_t)*text);
    }
    mr_buf_put_u8(out, '"');
}

struct line {
    uint64_t number;
    int64_t at_us;
    const char *what, *who;
};

static void put_line(struct mr_buf *out, const char *zone, const struct line *line, struct mr_buf *tail)
{
    char number[24] = "", time[MR_ZONE_TEXT_MAX] = "";

    if (line->number)
        (void)snprintf(number, sizeof number, "%llu", (unsigned long long)line->number);
    if (line->at_us)
        (void)mr_zone_format(zone, line->at_us, time);
    put_cell(out, number);
    mr_buf_put_u8(out, ';');
    put_cell(out, time);
    mr_buf_put_u8(out, ';');
    put_cell(out, line->what);
    mr_buf_put_u8(out, ';');
    put_cell(out, line->who);
    mr_buf_put_slice(out, mr_buf_slice(tail));
}

/* What order 179 asks of the export: in the line of the destruction, so that the person is named once. */
static void put_tail(struct mr_buf *out, const struct mr_house *house, const mr_erasure_request *request,
        const mr_erasure_secret *secret)
{
    struct mr_buf text = MR_BUF_INIT;
    char time[MR_ZONE_TEXT_MAX];
    const char *cells[] = {NULL, NULL, house->config->erasure.information_system, NULL,
            mr_zone_format(house->config->timezone, request->destroyed_us, time)};

    for (size_t i = 0; i < MR_COUNT(cells); i++) {
        mr_buf_reset(&text);
        if (i == 0 && secret)
            put_subject(&text, secret);
        else if (i == 1 && secret)
            put_list(&text, secret->categories, secret->n_categories);
        else if (i == 3)
            put_reason(&text, request->basis);
        mr_buf_put_u8(out, ';');
        put_cell(out, cells[i] ? cells[i] : mr_buf_str(&text) ? (const char *)text.data : "");
    }
    mr_buf_put_str(out, "\r\n");
    mr_buf_wipe(&text);
}

static void put_damaged_line(
        struct mr_buf *out, const char *zone, const mr_erasure_request *request, struct mr_buf *tail)
{
    char what[96];
    const struct line line = {0, request->destroyed_us, what, "hub"};

    if (request->damaged_met == 0)
        return;
    (void)snprintf(what, sizeof what, "не прочитано записей журнала: %llu",
            (unsigned long long)request->damaged_met);
    put_line(out, zone, &line, tail);
}

void mr_act_journal(const struct mr_house *house, const mr_erasure_request *request,
        const mr_erasure_secret *secret, struct mr_buf *out)
{
    const struct line lines[] = {
            {request->event_requested, request->requested_us, "запрос на уничтожение, обработка остановлена",
                    request->requested_by},
            {request->event_started, request->approved_us, "уничтожение утверждено", request->approved_by},
            {0, request->destroyed_us, "ключи уничтожены", "hub"},
    };
    const char *zone = house->config->timezone;
    struct mr_buf full = MR_BUF_INIT, tail = MR_BUF_INIT;

    put_tail(&full, house, request, secret);
    put_tail(&tail, house, request, NULL);
    mr_buf_put_str(out, "\xef\xbb\xbf\"Номер события\";\"Время\";\"Событие\";\"Кто\";\"Субъект\";"
                        "\"Категории персональных данных\";\"Информационная система\";\"Причина\";"
                        "\"Дата уничтожения\"\r\n");
    for (size_t i = 0; i < MR_COUNT(lines); i++)
        put_line(out, zone, &lines[i], lines[i].number ? &tail : &full);
    put_damaged_line(out, zone, request, &tail);
    for (size_t i = 0; i < request->n_notices; i++) {
        const struct line line = {request->notices[i]->number, request->notices[i]->sent_us,
                "извещена система", request->notices[i]->system};

        put_line(out, zone, &line, &tail);
    }
    mr_buf_wipe(&full);
    mr_buf_wipe(&tail);
}
