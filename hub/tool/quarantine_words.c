#include "hub/tool/quarantine_words.h"

#include <stdio.h>
#include <string.h>

#include "adapters/sdk/verdict_text.h"
#include "proto/base/list.h"

/* By the last part of the path: most are of several messages. */
static const struct {
    const char *field, *name;
} fields[] = {{"snils", "СНИЛС"}, {"local_id", "табельный номер"}, {"family_name", "фамилия"},
        {"given_name", "имя"}, {"patronymic", "отчество"}, {"birth_date", "дата рождения"}, {"sex", "пол"},
        {"email", "электронная почта"}, {"person_id", "номер человека в хабе"}, {"person", "человек"},
        {"org_ogrn", "ОГРН организации"}, {"ogrn", "ОГРН"}, {"inn", "ИНН"}, {"oktmo", "ОКТМО"},
        {"orgid", "ОГРН организации"}, {"post", "должность"}, {"staff_group", "группа"},
        {"qual_category", "квалификационная категория"}, {"started_on", "дата приёма"},
        {"ended_on", "дата увольнения"}, {"employment_id", "табельный номер"}, {"time", "время события"},
        {"area", "область компетенций"}, {"areas", "области компетенций"}, {"level", "уровень"},
        {"kind", "вид"}, {"hours", "часы"}, {"completed_on", "дата прохождения"},
        {"identified_on", "дата выявления"}, {"closed_on", "дата закрытия"},
        {"evidence", "подтверждающее событие"}, {"baseline", "исходная диагностика"},
        {"event", "отменяемое событие"}, {"programme_id", "программа"}, {"title", "название"},
        {"provider_ogrn", "ОГРН организатора"}, {"document_number", "номер документа"}};

/* "areas[2].area": "область компетенций (2)"; one that is not in the table stays as it is. */
static void field_name(const char *path, char *out, size_t size)
{
    const char *last = strrchr(path, '.'), *index = strchr(path, '[');
    size_t length;

    last = last ? last + 1 : path;
    length = strcspn(last, "[");
    (void)snprintf(out, size, "%s", path);
    for (size_t i = 0; i < MR_COUNT(fields); i++)
        if (strlen(fields[i].field) == length && strncmp(fields[i].field, last, length) == 0) {
            if (index)
                (void)snprintf(
                        out, size, "%s (%.*s)", fields[i].name, (int)strcspn(index + 1, "]"), index + 1);
            else
                (void)snprintf(out, size, "%s", fields[i].name);
            return;
        }
}

void tool_quarantine_russian(json_t *event)
{
    const char *code = json_string_value(json_object_get(event, "code"));
    const char *field = json_string_value(json_object_get(event, "field"));
    const struct mr_verdict_russian *text = mr_verdict_russian(code ? code : "");
    char name[128];

    if (!code)
        return;
    if (*text->code) { /* without a text of its own the hub's words say more */
        (void)json_object_set_new(event, "reason", json_string(text->problem));
        (void)json_object_set_new(event, "cure", json_string(text->cure));
    }
    if (field && *field) {
        field_name(field, name, sizeof name);
        (void)json_object_set_new(event, "field", json_string(name));
    }
}
