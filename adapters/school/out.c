#include "adapters/school/out.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "adapters/sdk/file.h"
#include "proto/base/buf.h"
#include "proto/base/list.h"
#include "proto/wire/ident.h"

enum { COLUMNS_MAX = 16 };

struct column {
    const char *title;
    const char *field; /* of the payload; one level below with a dot */
    const char *list;  /* code list, for its titles; `words`: the schema's own codes */
};

/* The person block of the event may hold no name: its sender may know the СНИЛС only. */
/* clang-format off */
#define PERSON                                                                                               \
    {"СНИЛС", "person.snils", NULL}, {"Фамилия", "person.family_name", NULL},                                \
    {"Имя", "person.given_name", NULL}, {"Отчество", "person.patronymic", NULL}
/* clang-format on */

/* Codes of the schema's own (in no configured list), in the words of the documents. */
static const char words[] = "words";
static const struct {
    const char *code, *text;
} word_table[] = {{"eliminated", "устранён"}, {"withdrawn", "снят"}, {"completed", "завершён"},
        {"cancelled", "отменён"}, {"superseded", "заменён"}, {"PK", "ПК"}, {"PP", "ПП"}};

/* A row a type: what a school may read of it. Points and levels of diagnostics are not among it. */
static const struct {
    const char *type, *kind;
    struct column columns[COLUMNS_MAX];
} types[] = {
        {"nms.deficit.identified.v1", "deficit",
                {PERSON, {"Область", "area", "area"}, {"Компетенция", "competence", "competence"},
                        {"Выявлен", "identified_on", NULL}, {"Рекомендация", "recommendation", NULL},
                        {"Номер дефицита", "deficit_id", NULL}}},
        {"nms.deficit.closed.v1", "deficit-closed",
                {PERSON, {"Область", "area", "area"}, {"Компетенция", "competence", "competence"},
                        {"Итог", "outcome", words}, {"Закрыт", "closed_on", NULL},
                        {"Номер дефицита", "deficit_id", NULL}}},
        {"nms.route.assigned.v1", "route",
                {PERSON, {"Номер ИОМ", "route_id", NULL}, {"Содержание", "content", NULL},
                        {"Назначен", "assigned_on", NULL}, {"Начало", "starts_on", NULL},
                        {"Окончание", "ends_on", NULL}}},
        {"nms.route.revised.v1", "route-revised",
                {PERSON, {"Номер ИОМ", "route_id", NULL}, {"Редакция", "revision", NULL},
                        {"Содержание", "content", NULL}, {"Изменён", "revised_on", NULL},
                        {"Начало", "starts_on", NULL}, {"Окончание", "ends_on", NULL}}},
        {"nms.route.step.completed.v1", "route-step",
                {PERSON, {"Номер ИОМ", "route_id", NULL}, {"Шаг", "step_id", NULL}, {"Часов", "hours", NULL},
                        {"Выполнен", "completed_on", NULL}}},
        {"nms.route.closed.v1", "route-closed",
                {PERSON, {"Номер ИОМ", "route_id", NULL}, {"Итог", "outcome", words},
                        {"Закрыт", "closed_on", NULL}}},
        {"nms.course.enrolled.v1", "course-enrolled",
                {PERSON, {"Программа", "programme_title", NULL}, {"Номер программы", "programme_id", NULL},
                        {"Вид", "kind", words}, {"Часов", "hours", NULL}, {"Зачислен", "enrolled_on", NULL},
                        {"Начало", "starts_on", NULL}, {"Окончание", "ends_on", NULL}}},
        {"nms.course.finished.v1", "course",
                {PERSON, {"Программа", "programme_title", NULL}, {"Номер программы", "programme_id", NULL},
                        {"Вид", "kind", words}, {"Часов", "hours", NULL}, {"Начало", "started_on", NULL},
                        {"Окончание", "ended_on", NULL}, {"Документ", "document_number", NULL}}},
        {"nms.course.withdrawn.v1", "course-withdrawn",
                {PERSON, {"Номер программы", "programme_id", NULL}, {"Вид", "kind", words},
                        {"Отчислен", "withdrawn_on", NULL}}},
};

/* A string or number field by its name; "" when there is none. number: room for its digits. */
static const char *field_text(const ProtobufCMessage *message, const char *path, char number[static 16])
{
    const char *dot = strchr(path, '.');
    char name[64];
    const ProtobufCFieldDescriptor *field;
    const uint8_t *at;

    (void)snprintf(name, sizeof name, "%.*s", (int)(dot ? dot - path : (long)strlen(path)), path);
    field = protobuf_c_message_descriptor_get_field_by_name(message->descriptor, name);
    if (!field || field->label == PROTOBUF_C_LABEL_REPEATED)
        return "";
    at = (const uint8_t *)message + field->offset;
    if (dot && field->type == PROTOBUF_C_TYPE_MESSAGE) {
        const ProtobufCMessage *inner = *(ProtobufCMessage *const *)(const void *)at;

        return inner ? field_text(inner, dot + 1, number) : "";
    }
    if (field->type == PROTOBUF_C_TYPE_STRING)
        return *(const char *const *)(const void *)at;
    if (field->type != PROTOBUF_C_TYPE_INT32)
        return "";
    (void)snprintf(number, 16, "%d", *(const int32_t *)(const void *)at);
    return number;
}

/* Quoted where the format needs it; a cell that a spreadsheet would run as a formula is made text. */
static void put_cell(struct mr_buf *out, const char *text)
{
    bool quote = strpbrk(text, ";\"\r\n") != NULL;

    if (quote)
        mr_buf_put_u8(out, '"');
    if (*text && strchr("=+-@\t", *text))
        mr_buf_put_u8(out, '\'');
    for (; *text; text++) {
        if (*text == '"')
            mr_buf_put_u8(out, '"');
        mr_buf_put_u8(out, (uint8_t)*text);
    }
    if (quote)
        mr_buf_put_u8(out, '"');
}

static const char *title_of(const struct mr_config *config, const char *list, const char *code)
{
    if (list != words)
        return list && *code ? mr_config_code_title(config, list, code) : code;
    for (size_t i = 0; i < MR_COUNT(word_table); i++)
        if (strcmp(word_table[i].code, code) == 0)
            return word_table[i].text;
    return code;
}

static void put_table(struct mr_buf *out, const struct mr_config *config, const struct column *columns,
        const struct mr_delivered *item)
{
    char number[24], digits[16];

    mr_buf_put_str(out, "\xef\xbb\xbfНомер в журнале");
    for (size_t i = 0; i < COLUMNS_MAX && columns[i].title; i++) {
        mr_buf_put_u8(out, ';');
        put_cell(out, columns[i].title);
    }
    mr_buf_put_str(out, "\r\n");
    (void)snprintf(number, sizeof number, "%llu", (unsigned long long)item->number);
    put_cell(out, number);
    for (size_t i = 0; i < COLUMNS_MAX && columns[i].title; i++) {
        const char *text = field_text(item->event->payload, columns[i].field, digits);

        mr_buf_put_u8(out, ';');
        put_cell(out, title_of(config, columns[i].list, text));
    }
    mr_buf_put_str(out, "\r\n");
}

static int write_for(
        const char *out_dir, const char *ogrn, const char *kind, uint64_t number, struct mr_slice content)
{
    char dir[PATH_MAX], name[96];
    int r;

    if (strlen(ogrn) != 13 || !mr_ident_ogrn_ok(ogrn))
        return 0; /* never a path made of what somebody sent */
    if (snprintf(dir, sizeof dir, "%s/%s", out_dir, ogrn) >= (int)sizeof dir)
        return MR_EINVAL;
    (void)snprintf(name, sizeof name, "%012llu-%s.csv", (unsigned long long)number, kind);
    r = mr_file_make_dirs(dir);
    return r < 0 ? r : mr_file_write(dir, name, content, 0640);
}

int mr_school_out_write(const struct mr_config *config, const char *out_dir, const struct mr_delivered *item)
{
    for (size_t i = 0; i < MR_COUNT(types); i++) {
        struct mr_buf content = MR_BUF_INIT;
        int r = 0;

        if (!item->event->payload || strcmp(types[i].type, item->event->a.type) != 0)
            continue;
        put_table(&content, config, types[i].columns, item);
        if (mr_buf_failed(&content))
            r = MR_ENOMEM;
        for (size_t to = 0; r == 0 && to < item->recipients_count; to++)
            r = write_for(out_dir, item->recipients[to], types[i].kind, item->number, mr_buf_slice(&content));
        mr_buf_wipe(&content);
        return r;
    }
    return 1;
}
