#include "adapters/copmkp/worklist.h"

#include <stdio.h>

#include "adapters/sdk/file.h"
#include "event/course.pb-c.h"
#include "proto/base/buf.h"
#include "proto/base/list.h"

static const char head[] =
        "\xef\xbb\xbf" /* spreadsheets know UTF-8 by it */
        "Номер записи;Событие;Человек;СНИЛС;Фамилия;Имя;Отчество;Программа;Название;Часов;Начало;"
        "Окончание\r\n";

/* Always quoted: then a separator, a quote or a line break inside is harmless, and so is a leading "=" for
 * most. */
static void put_cell(struct mr_buf *out, const char *text)
{
    mr_buf_put_u8(out, '"');
    if (*text == '=' || *text == '+' || *text == '-' || *text == '@')
        mr_buf_put_u8(out, '\''); /* no formula from outside runs in a spreadsheet */
    for (; *text; text++) {
        if (*text == '"')
            mr_buf_put_u8(out, '"');
        mr_buf_put_u8(out, (uint8_t)*text);
    }
    mr_buf_put_u8(out, '"');
}

static void put_row(
        struct mr_buf *out, const struct mr_delivered *item, const Nms__Event__V1__CourseFinished *course)
{
    static const Nms__Event__V1__Person nobody = NMS__EVENT__V1__PERSON__INIT;
    const Nms__Event__V1__Person *person = course->person ? course->person : &nobody;
    const struct mr_attributes *a = &item->event->a;
    char number[24];
    char event[600];
    char hours[16];
    const char *const cells[] = {number, event, a->subject ? a->subject : person->person_id, person->snils,
            person->family_name, person->given_name, person->patronymic, course->programme_id,
            course->programme_title, hours, course->started_on, course->ended_on};

    (void)snprintf(number, sizeof number, "%llu", (unsigned long long)item->number);
    (void)snprintf(event, sizeof event, "%s#%s", a->source, a->id);
    (void)snprintf(hours, sizeof hours, "%d", course->hours);
    for (size_t i = 0; i < MR_COUNT(cells); i++) {
        if (i > 0)
            mr_buf_put_u8(out, ';');
        put_cell(out, cells[i]);
    }
    mr_buf_put_str(out, "\r\n");
}

int mr_worklist_write(const char *out_dir, const struct mr_delivered *item)
{
    struct mr_buf text = MR_BUF_INIT;
    char name[48];
    int r;

    if (!item->event->payload ||
            item->event->payload->descriptor != &nms__event__v1__course_finished__descriptor)
        return 1;
    (void)snprintf(name, sizeof name, "course-%llu.csv", (unsigned long long)item->number);
    mr_buf_put_str(&text, head);
    put_row(&text, item, (const Nms__Event__V1__CourseFinished *)item->event->payload);
    r = mr_buf_failed(&text) ? MR_ENOMEM : mr_file_write(out_dir, name, mr_buf_slice(&text), 0640);
    mr_buf_wipe(&text);
    return r;
}
