#include "adapters/sdk/intake_report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/sdk/file.h"
#include "adapters/sdk/intake_name.h"
#include "adapters/sdk/local_time.h"
#include "adapters/sdk/table.h"
#include "adapters/sdk/verdict_text.h"
#include "proto/base/list.h"

enum { NOTES_MAX = 50 };
#define BOM "\xef\xbb\xbf"

/* A sink that only looks: bad rows go to `rows`, what is wrong to `lines`, what was normalised to `notes`. */
struct looking {
    struct mr_row_sink sink;
    const struct mr_intake_report *report;
    struct mr_buf rows, lines, notes;
    struct mr_buf header, raw; /* of the current table and row */
    struct mr_buf held;        /* rows of the current group, until one of them is bad */
    size_t group_left;
    bool header_written, group_written;
    uint32_t table, notes_count, erased_count;
    const struct mr_intake_row *late; /* what is wrong stands `late_rows` rows on */
    uint32_t late_rows, late_line;
    char hub_column[128]; /* of the row: what the hub said, between two places in `lines` */
    size_t hub_from, hub_to;
};

static struct looking *self_of(struct mr_row_sink *sink)
{
    return MR_CONTAINER(sink, struct looking, sink);
}

static void keep_text(struct mr_buf *buf, const char *text)
{
    mr_buf_reset(buf);
    mr_buf_put_str(buf, text);
}

static const char *text_of(struct mr_buf *buf)
{
    const char *text = mr_buf_str(buf);

    return text ? text : "";
}

/* The current row with its group: half of a result sent again would be another result. */
static void write_row(struct looking *self)
{
    if (self->group_written)
        return;
    if (!self->header_written && self->header.size > 0)
        mr_buf_printf(&self->rows, "%s\r\n", text_of(&self->header));
    self->header_written = true;
    mr_buf_put_slice(&self->rows, mr_buf_slice(&self->held));
    self->group_written = true;
}

/* What a line says of one mistake; any part may be NULL or empty. */
struct mistake {
    const char *column, *value;
    const char *field; /* when it is of no column */
    const char *before, *problem, *cure;
};

static bool given(const char *text)
{
    return text && *text;
}

static void write_line(struct looking *self, uint32_t line, const struct mistake *mistake)
{
    mr_buf_printf(&self->lines, "Строка %u", line);
    if (given(mistake->column))
        mr_buf_printf(&self->lines, ", столбец «%s»", mistake->column);
    else if (given(mistake->field))
        mr_buf_printf(&self->lines, ", поле «%s»", mistake->field);
    if (given(mistake->value))
        mr_buf_printf(&self->lines, ", значение «%s»", mistake->value);
    mr_buf_printf(&self->lines, ": %s%s.", given(mistake->before) ? mistake->before : "", mistake->problem);
    if (given(mistake->cure))
        mr_buf_printf(&self->lines, " Как исправить: %s.", mistake->cure);
    mr_buf_put_str(&self->lines, "\r\n");
}

static void on_problem(struct mr_row_sink *sink, const struct mr_row_problem *problem)
{
    struct looking *self = self_of(sink);

    write_row(self);
    write_line(self, problem->line,
            &(struct mistake){.column = problem->column,
                    .value = problem->value,
                    .problem = problem->problem,
                    .cure = problem->cure});
}

/* The adapter knows more of it than the hub said (what is allowed): its line stands for the hub's. */
static void forget_hub(struct looking *self)
{
    size_t size = self->hub_to - self->hub_from;

    memmove(self->lines.data + self->hub_from, self->lines.data + self->hub_to,
            self->lines.size - self->hub_to);
    self->lines.size -= size;
    self->hub_column[0] = 0;
}

/* Of a row that comes back anyway: everything in one round. */
static void on_doubt(struct mr_row_sink *sink, const struct mr_row_problem *problem)
{
    struct looking *self = self_of(sink);

    if (self->hub_column[0] && strcmp(self->hub_column, problem->column) == 0)
        forget_hub(self);
    if (self->group_written)
        write_line(self, problem->line,
                &(struct mistake){.column = problem->column,
                        .value = problem->value,
                        .problem = problem->problem,
                        .cure = problem->cure});
}

/* "areas[2].area" to "areas.area" and 2; 0 without an index. */
static uint32_t strip_index(const char *field, char out[static 64])
{
    uint32_t index = 0;
    size_t n = 0;

    while (*field && n < 63) {
        if (*field != '[') {
            out[n++] = *field++;
            continue;
        }
        index = (uint32_t)strtoul(field + 1, NULL, 10);
        field += strcspn(field, "]");
        field += *field == ']';
    }
    out[n] = 0;
    return index;
}

/* Names of the column behind a field; of a field that is nobody's column, what it is. */
static const char *names_of(const struct mr_field_column *columns, const char *field)
{
    static const struct mr_field_column words[] = {{"id", "номер события"}, {"time", "время события"},
            {"source", "отправитель"}, {"type", "вид сведений"}, {"person", "человек"},
            {"regioncode", "код региона"}, {"orgid", "ОГРН организации"}, {"data", "содержание"},
            {NULL, NULL}};
    const struct mr_field_column *const tables[] = {columns, words};

    for (size_t i = 0; i < MR_COUNT(tables); i++)
        for (const struct mr_field_column *it = tables[i]; it && it->field; it++)
            if (strcmp(it->field, field) == 0)
                return it->column;
    return field;
}

static struct mr_table *read_row(struct looking *self)
{
    struct mr_buf both = MR_BUF_INIT;
    struct mr_table *table = NULL;

    mr_buf_printf(&both, "%s\n%s\n", text_of(&self->header), text_of(&self->raw));
    if (mr_table_read(&table, mr_buf_slice(&both), "", NULL) < 0 || mr_table_rows(table) == 0) {
        mr_table_free(table);
        table = NULL;
    }
    mr_buf_wipe(&both);
    return table;
}

/* The hub named a field; the value stands in the current row under its column, unless it is of another row.
 */
static void say_hub(struct looking *self, uint32_t line, const struct mr_intake_row *bad, bool here)
{
    const struct mr_verdict_russian *text = mr_verdict_russian(bad->code);
    struct mistake mistake = {.problem = text->problem, .cure = text->cure};
    struct mr_table *table = read_row(self);
    char field[64], first[64];
    const char *names;
    int column;

    (void)strip_index(bad->field, field);
    names = names_of(self->report->columns, field);
    column = table ? mr_table_column(table, names) : -1;
    (void)snprintf(first, sizeof first, "%.*s", (int)strcspn(names, "|"), names);
    mistake.field = first;
    if (column >= 0) {
        mistake.column = mr_table_header(table, column);
        mistake.value = here ? mr_table_cell(table, 0, column) : "";
    }
    if (bad->again)
        mistake.before = "ещё на исправлении: ";
    write_row(self);
    self->hub_from = self->lines.size;
    write_line(self, line, &mistake);
    self->hub_to = self->lines.size;
    (void)snprintf(
            self->hub_column, sizeof self->hub_column, "%s", here && mistake.column ? mistake.column : "");
    mr_table_free(table);
}

/* The row that it is about has not come. */
static void say_late(struct looking *self)
{
    if (self->late)
        say_hub(self, self->late_line, self->late, false);
    self->late = NULL;
}

/* By line alone: the row itself is written nowhere. */
static void say_erased(struct looking *self, uint32_t line, const struct mr_intake_row *row)
{
    if (self->erased_count++ >= NOTES_MAX)
        return;
    mr_buf_printf(&self->notes,
            "Строка %u: данные этого человека уничтожены по запросу%s%s, строка не принята "
            "снова. Передавать их опять можно только на новом основании: новым событием, "
            "а не повтором этой строки.\r\n",
            line, *row->field ? " № " : "", row->field);
}

/* Of an event made of several rows, the areas come a row each. */
static void say_bad(struct looking *self, uint32_t line, const struct mr_intake_row *bad)
{
    char field[64];
    uint32_t index = strip_index(bad->field, field);

    if (index == 0) {
        say_hub(self, line, bad, true);
    } else if (strncmp(field, "areas.", 6) == 0 && index <= self->group_left) {
        self->late = bad;
        self->late_rows = index;
        self->late_line = line;
    } else {
        say_hub(self, line, bad, false);
    }
}

static void begin_group(struct looking *self, size_t rows)
{
    say_late(self);
    mr_buf_reset(&self->held);
    self->group_written = false;
    self->group_left = rows;
}

static void on_group(struct mr_row_sink *sink, size_t rows)
{
    begin_group(self_of(sink), rows);
}

static void keep_row(struct looking *self, const char *raw_line)
{
    if (self->group_left == 0)
        begin_group(self, 1);
    self->group_left--;
    keep_text(&self->raw, raw_line);
    mr_buf_printf(self->group_written ? &self->rows : &self->held, "%s\r\n", raw_line);
}

static int compare_places(const void *key, const void *row)
{
    uint32_t a = *(const uint32_t *)key, b = ((const struct mr_intake_row *)row)->place;

    return a < b ? -1 : a > b;
}

/* Rows come in the order of their groups, not of their lines. */
static const struct mr_intake_row *find_bad(const struct mr_intake_report *report, uint32_t place)
{
    return report->bad_count == 0
                   ? NULL
                   : bsearch(&place, report->bad, report->bad_count, sizeof *report->bad, compare_places);
}

static void on_row(struct mr_row_sink *sink, uint32_t line, const char *raw_line)
{
    struct looking *self = self_of(sink);
    const struct mr_intake_row *bad = find_bad(self->report, self->table << 26 | line);

    keep_row(self, raw_line);
    self->hub_column[0] = 0;
    if (self->late && --self->late_rows == 0) {
        say_hub(self, line, self->late, true);
        self->late = NULL;
    }
    if (bad && mr_intake_row_erased(bad))
        say_erased(self, line, bad);
    else if (bad && bad->code[0])
        say_bad(self, line, bad);
}

static void on_table(struct mr_row_sink *sink, const char *name, const char *raw_header)
{
    struct looking *self = self_of(sink);

    say_late(self);
    keep_text(&self->header, raw_header);
    self->header_written = false;
    if (self->table < 63)
        self->table++;
    if (*name)
        mr_buf_printf(&self->lines, "%s:\r\n", name);
}

static void on_note(struct mr_row_sink *sink, uint32_t line, const char *text)
{
    struct looking *self = self_of(sink);

    if (self->notes_count++ >= NOTES_MAX)
        return;
    if (line != MR_ROW_NONE)
        mr_buf_printf(&self->notes, "Строка %u: ", line);
    mr_buf_printf(&self->notes, "%s.\r\n", text);
}

static int on_event(struct mr_row_sink *sink, uint32_t line, const struct mr_attributes *attributes,
        const ProtobufCMessage *payload)
{
    (void)sink;
    (void)line;
    (void)attributes;
    (void)payload;
    return 0;
}

static void on_digest(struct mr_row_sink *sink, struct mr_slice data, uint8_t ret[static 16])
{
    (void)sink;
    (void)data;
    memset(ret, 0, 16);
}

/* ---- texts ---- */

static void put_sum(
        struct mr_buf *out, const struct mr_intake_report *report, const struct mr_intake_state *state)
{
    size_t stem = mr_intake_stem(report->name);
    char when[MR_LOCAL_TIME_TEXT_MAX];

    mr_buf_printf(out, BOM "Файл: %s\r\nПрочитан: %s\r\n", report->name,
            mr_local_time(report->timezone, state->read_us, when));
    if (mr_intake_mends(report->name))
        mr_buf_printf(out, "Исправляет: строки файла %.*s, возвращённые как %s/%s\r\n", (int)stem,
                report->name, report->place, report->name);
    mr_buf_printf(out, "Прочитано строк: %u = принято %u + повторно %u + на исправлении %u + отказано %u\r\n",
            state->read, state->accepted, state->repeated, state->quarantined, state->refused);
    if (state->implied > 0)
        mr_buf_printf(out, "Следует из полного списка (увольнения): %u, из них не принято: %u\r\n",
                state->implied, state->implied_bad);
}

static int write_out(const char *dir, const char *name, struct mr_buf *text)
{
    int r = mr_buf_failed(text) ? MR_ENOMEM : mr_file_write(dir, name, mr_buf_slice(text), 0640);

    mr_buf_wipe(text);
    return r;
}

static bool has_bad(const struct mr_intake_report *report)
{
    for (size_t i = 0; i < report->bad_count; i++)
        if (!mr_intake_row_erased(&report->bad[i]))
            return true;
    return false;
}

static int write_rejected(const struct mr_intake_report *report, struct looking *looking)
{
    struct mr_buf rows = MR_BUF_INIT, text = MR_BUF_INIT;
    char name[MR_OUTPUT_NAME_MAX];
    int r;

    if (looking->lines.size == 0 && !has_bad(report))
        return 0;
    mr_buf_put_str(&rows, BOM);
    mr_buf_put_slice(&rows, mr_buf_slice(&looking->rows));
    mr_intake_output_name(name, report->name, report->state->read_us, ".rejected.csv");
    r = write_out(report->rejected_dir, name, &rows);
    if (r < 0)
        return r;
    put_sum(&text, report, report->state);
    mr_buf_printf(&text,
            "\r\n«На исправлении»: хаб придержал строку, её поправит оператор или вы, прислав "
            "исправленную.\r\n"
            "«Отказано»: строка не принята и никуда не попала, пока вы её не исправите.\r\n"
            "\r\nНиже — что исправить; номера строк — из исходного файла. Сами эти строки лежат в файле\r\n"
            "%s/%s\r\nИсправьте их там и положите файл снова в папку приёма.\r\n\r\n",
            report->place, name);
    mr_buf_put_slice(&text, mr_buf_slice(&looking->lines));
    mr_intake_output_name(name, report->name, report->state->read_us, ".report.txt");
    return write_out(report->rejected_dir, name, &text);
}

static int write_receipt(const struct mr_intake_report *report, struct looking *looking)
{
    struct mr_buf text = MR_BUF_INIT;
    char name[MR_OUTPUT_NAME_MAX];

    put_sum(&text, report, report->state);
    if (looking->rows.size > 0) {
        mr_intake_output_name(name, report->name, report->state->read_us, ".rejected.csv");
        mr_buf_printf(
                &text, "Строки с ошибками: %s/%s, рядом отчёт о них (.report.txt).\r\n", report->place, name);
    } else if (mr_intake_mends(report->name)) {
        mr_buf_printf(&text, "Прежний файл отказов %s/%s больше не нужен.\r\n", report->place, report->name);
    }
    mr_buf_put_slice(&text, mr_buf_slice(&looking->notes));
    mr_intake_output_name(name, report->name, report->state->read_us, ".receipt.txt");
    return write_out(report->done_dir, name, &text);
}

int mr_intake_report_write(const struct mr_intake_report *report, struct mr_slice content)
{
    struct looking looking = {
            .sink = {on_event, on_problem, on_note, on_table, on_row, on_digest, NULL, true,
                    .group = on_group, .doubt = on_doubt},
            .report = report,
    };
    int r = 0;

    if (content.size > 0)
        (void)report->map(report->map_ctx, report->folder, report->name, content, &looking.sink, NULL);
    say_late(&looking);
    if (mr_buf_failed(&looking.rows) || mr_buf_failed(&looking.lines))
        r = MR_ENOMEM;
    if (r == 0)
        r = write_rejected(report, &looking);
    if (r == 0)
        r = write_receipt(report, &looking);
    mr_buf_wipe(&looking.rows);
    mr_buf_wipe(&looking.lines);
    mr_buf_wipe(&looking.notes);
    mr_buf_wipe(&looking.header);
    mr_buf_wipe(&looking.raw);
    mr_buf_wipe(&looking.held);
    return r;
}

int mr_intake_report_repeated(const struct mr_intake_report *report, int64_t now_us, const char *erased)
{
    struct mr_buf text = MR_BUF_INIT;
    struct mr_intake_state repeated = {
            .read_us = now_us, .read = report->state->read, .repeated = report->state->read};
    char out[MR_OUTPUT_NAME_MAX], when[MR_LOCAL_TIME_TEXT_MAX];

    put_sum(&text, report, &repeated);
    mr_buf_printf(&text, "Этот файл уже был прочитан %s; ничего не добавлено.\r\n",
            mr_local_time(report->timezone, report->state->read_us, when));
    if (*erased)
        mr_buf_printf(&text,
                "С тех пор по запросам людей уничтожены их данные (запрос № %s). Строки этих людей, если они "
                "здесь "
                "есть, снова не приняты. Передавать их опять можно только на новом основании: новым "
                "событием в другом файле, а не повтором этого.\r\n",
                erased);
    mr_intake_output_name(out, report->name, now_us, ".receipt.txt");
    return write_out(report->done_dir, out, &text);
}

int mr_intake_report_refused(
        const struct mr_intake_report *report, int64_t now_us, const char *kept, const struct mr_error *error)
{
    struct mr_buf text = MR_BUF_INIT;
    char out[MR_OUTPUT_NAME_MAX], when[MR_LOCAL_TIME_TEXT_MAX];

    mr_buf_printf(&text, BOM "Файл: %s\r\nПрочитан: %s\r\nФайл не принят целиком: %s.\r\n", report->name,
            mr_local_time(report->timezone, now_us, when), error->what);
    if (error->where[0])
        mr_buf_printf(&text, "Где: %s.\r\n", error->where);
    if (error->cure[0])
        mr_buf_printf(&text, "Как исправить: %s.\r\n", error->cure);
    mr_buf_printf(&text, "Файл лежит здесь: %s/%s\r\n", report->place, kept);
    mr_intake_output_name(out, report->name, now_us, ".report.txt");
    return write_out(report->rejected_dir, out, &text);
}
