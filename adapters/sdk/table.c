#include "adapters/sdk/table.h"

#include <csv.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/sdk/charset.h"
#include "adapters/sdk/normalise.h"
#include "proto/base/buf.h"
#include "proto/base/list.h"

struct row {
    uint32_t line;
    uint32_t first_cell; /* index into cells */
    uint32_t cells;
    size_t raw, raw_size; /* in raw */
};

struct mr_table {
    struct mr_buf raw;   /* the content in UTF-8 */
    struct mr_buf text;  /* cells, each ended by NUL; offsets in cells */
    struct mr_buf cells; /* of size_t */
    struct mr_buf rows;  /* of struct row; the header is rows[header] */
    char *raw_line;      /* of the last mr_table_raw() */
    size_t header;
    char *title;
    const char *encoding;
    size_t normalised;
    char notes[256];
};

/* One reading: libcsv's callbacks gather cells of the row that began at `line`. */
struct reading {
    struct mr_table *table;
    struct mr_error *error;
    struct row row;
    uint32_t line; /* physical, of the piece being fed */
    int r;
    bool row_done;
};

static size_t cells_count(const struct mr_table *table)
{
    return table->cells.size / sizeof(size_t);
}

static const struct row *row_at(const struct mr_table *table, size_t index)
{
    return (const struct row *)(const void *)table->rows.data + index;
}

static size_t rows_count(const struct mr_table *table)
{
    return table->rows.size / sizeof(struct row);
}

static const char *cell_text(const struct mr_table *table, const struct row *row, size_t column)
{
    size_t offset;

    if (column >= row->cells)
        return "";
    memcpy(&offset, table->cells.data + (row->first_cell + column) * sizeof offset, sizeof offset);
    return (const char *)table->text.data + offset;
}

static void refuse(struct reading *reading, uint32_t line, const char *cure, const char *what)
{
    char where[48];

    if (reading->r < 0)
        return;
    (void)snprintf(where, sizeof where, "строка %u", line);
    reading->r = mr_error_set(reading->error, MR_EINVAL, where, cure, "%s", what);
}

static void on_cell(void *data, size_t size, void *ctx)
{
    struct reading *reading = ctx;
    struct mr_table *table = reading->table;
    size_t offset = table->text.size;
    char out[MR_TABLE_CELL_BYTES_MAX * 2 + 8];
    char in[MR_TABLE_CELL_BYTES_MAX + 1];

    if (size > MR_TABLE_CELL_BYTES_MAX) {
        refuse(reading, reading->row.line, "сократите текст в ячейке или проверьте кавычки",
                "слишком длинная ячейка");
        return;
    }
    if (reading->row.cells == MR_TABLE_COLUMNS_MAX) {
        refuse(reading, reading->row.line, "оставьте не более 64 столбцов", "слишком много столбцов");
        return;
    }
    if (size > 0)
        memcpy(in, data, size);
    in[size] = 0;
    if (mr_table_normalise(in, out, sizeof out))
        table->normalised++;
    mr_buf_put(&table->cells, &offset, sizeof offset);
    mr_buf_put(&table->text, out, strlen(out) + 1);
    reading->row.cells++;
    sodium_memzero(in, size);
}

static void on_row(int c, void *ctx)
{
    struct reading *reading = ctx;

    (void)c;
    reading->row_done = true;
}

/* The row is complete; rows of empty cells only are passed over. */
static void take_row(struct reading *reading, size_t end)
{
    struct mr_table *table = reading->table;
    bool empty = true;

    reading->row_done = false;
    reading->row.raw_size = end - reading->row.raw;
    for (size_t i = 0; empty && i < reading->row.cells; i++)
        empty = cell_text(table, &reading->row, i)[0] == 0;
    if (!empty)
        mr_buf_put(&table->rows, &reading->row, sizeof reading->row);
    if (rows_count(table) > MR_TABLE_ROWS_MAX)
        refuse(reading, reading->row.line, "разделите файл на части", "слишком много строк");
}

static void begin_row(struct reading *reading, size_t at)
{
    reading->row = (struct row){
            .line = reading->line, .first_cell = (uint32_t)cells_count(reading->table), .raw = at};
}

/* Fed by physical lines, so that each row knows its line and where it stands in the file. */
static int split(struct reading *reading, struct csv_parser *parser)
{
    struct mr_buf *raw = &reading->table->raw;
    size_t at = 0;

    begin_row(reading, 0);
    while (at < raw->size && reading->r == 0) {
        const uint8_t *newline = memchr(raw->data + at, '\n', raw->size - at);
        size_t end = newline ? (size_t)(newline - raw->data) + 1 : raw->size;

        if (csv_parse(parser, raw->data + at, end - at, on_cell, on_row, reading) != end - at)
            refuse(reading, reading->line, "уберите лишнюю кавычку или удвойте её внутри ячейки",
                    "кавычка стоит не на месте");
        at = end;
        reading->line++;
        if (reading->row_done)
            take_row(reading, end);
        else if (reading->row.cells > 0 || end > reading->row.raw + 2)
            continue; /* a quoted line break: the row goes on */
        begin_row(reading, at);
    }
    if (reading->r == 0 && csv_fini(parser, on_cell, on_row, reading) != 0)
        refuse(reading, reading->row.line, "закройте кавычку, открытую в этой строке",
                "кавычка не закрыта до конца файла");
    if (reading->r == 0 && reading->row_done)
        take_row(reading, raw->size);
    return reading->r;
}

/* The separator that the first line with any of them has most of, outside of quotes. */
static unsigned char separator_of(struct mr_slice raw)
{
    static const char candidates[] = {';', '\t', ','};
    size_t counts[MR_COUNT(candidates)] = {0};
    bool quoted = false;
    size_t best = 0;

    for (size_t i = 0; i < raw.size; i++) {
        if (raw.data[i] == '"')
            quoted = !quoted;
        for (size_t c = 0; !quoted && c < MR_COUNT(candidates); c++)
            counts[c] += raw.data[i] == (uint8_t)candidates[c];
        if (raw.data[i] == '\n' && counts[0] + counts[1] + counts[2] > 0)
            break;
    }
    for (size_t c = 1; c < MR_COUNT(candidates); c++)
        if (counts[c] > counts[best])
            best = c;
    return (unsigned char)candidates[best];
}

static size_t filled_cells(const struct mr_table *table, const struct row *row)
{
    size_t filled = 0;

    for (size_t i = 0; i < row->cells; i++)
        filled += cell_text(table, row, i)[0] != 0;
    return filled;
}

/* Lines of one filled cell above a wider one are titles ("Полный список"), not the header. */
static int find_header(struct mr_table *table)
{
    struct mr_buf title = MR_BUF_INIT;
    size_t rows = rows_count(table);

    while (table->header < 3 && table->header + 1 < rows &&
            filled_cells(table, row_at(table, table->header)) == 1 &&
            filled_cells(table, row_at(table, table->header + 1)) > 1) {
        const struct row *row = row_at(table, table->header++);

        for (size_t i = 0; i < row->cells; i++)
            if (cell_text(table, row, i)[0])
                mr_buf_printf(&title, "%s%s", title.size ? " " : "", cell_text(table, row, i));
    }
    table->title = strdup(title.size && mr_buf_str(&title) ? mr_buf_str(&title) : "");
    mr_buf_wipe(&title);
    return table->title ? 0 : MR_ENOMEM;
}

static int check_shape(struct reading *reading)
{
    struct mr_table *table = reading->table;
    size_t rows = rows_count(table);
    uint32_t width;

    if (table->header >= rows) {
        refuse(reading, 1, "первая строка — названия столбцов", "в таблице нет строк");
        return reading->r;
    }
    width = row_at(table, table->header)->cells;
    for (size_t i = table->header + 1; i < rows && reading->r == 0; i++)
        for (size_t c = width; c < row_at(table, i)->cells; c++)
            if (cell_text(table, row_at(table, i), c)[0])
                refuse(reading, row_at(table, i)->line, "проверьте разделители и кавычки в этой строке",
                        "ячеек больше, чем столбцов");
    return reading->r;
}

static int read_table(struct mr_table *table, struct mr_slice content, struct mr_error *reterr)
{
    struct reading reading = {.table = table, .error = reterr, .line = 1};
    struct csv_parser parser;
    int r = mr_charset_decode(content, &table->raw, &table->encoding, reterr);

    if (r < 0)
        return r;
    if (csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI) != 0)
        return MR_ENOMEM;
    csv_set_delim(&parser, separator_of(mr_buf_slice(&table->raw)));
    r = split(&reading, &parser);
    if (parser.entry_buf)
        sodium_memzero(parser.entry_buf, parser.entry_size);
    csv_free(&parser);
    if (r == 0 &&
            (mr_buf_failed(&table->text) || mr_buf_failed(&table->cells) || mr_buf_failed(&table->rows)))
        r = MR_ENOMEM;
    if (r == 0)
        r = find_header(table);
    return r < 0 ? r : check_shape(&reading);
}

int mr_table_read(struct mr_table **ret, struct mr_slice content, const char *name, struct mr_error *reterr)
{
    struct mr_table *table = calloc(1, sizeof *table);
    int r;

    (void)name;
    if (!table)
        return MR_ENOMEM;
    r = read_table(table, content, reterr);
    if (r < 0) {
        mr_table_free(table);
        return r;
    }
    if (table->normalised > 0)
        (void)snprintf(table->notes, sizeof table->notes,
                "выправлено ячеек: %zu (лишние и неразрывные пробелы, длинные тире, латинские буквы в "
                "русских словах)",
                table->normalised);
    *ret = table;
    return 0;
}

void mr_table_free(struct mr_table *table)
{
    if (!table)
        return;
    mr_buf_wipe(&table->raw);
    mr_buf_wipe(&table->text);
    mr_buf_fini(&table->cells);
    mr_buf_fini(&table->rows);
    if (table->raw_line)
        sodium_memzero(table->raw_line, strlen(table->raw_line));
    free(table->raw_line);
    free(table->title);
    free(table);
}

size_t mr_table_rows(const struct mr_table *table)
{
    return rows_count(table) - table->header - 1;
}

uint32_t mr_table_line(const struct mr_table *table, size_t row)
{
    return row_at(table, table->header + 1 + row)->line;
}

static int find_column(const struct mr_table *table, const char *name)
{
    const struct row *header = row_at(table, table->header);

    for (size_t i = 0; i < header->cells; i++)
        if (mr_fold_equal(cell_text(table, header, i), name))
            return (int)i;
    return -1;
}

int mr_table_column(const struct mr_table *table, const char *names)
{
    while (*names) {
        size_t len = strcspn(names, "|");
        char name[256];
        int column;

        (void)snprintf(name, sizeof name, "%.*s", (int)len, names);
        column = find_column(table, name);
        if (column >= 0)
            return column;
        names += len + (names[len] == '|');
    }
    return -1;
}

const char *mr_table_cell(const struct mr_table *table, size_t row, int column)
{
    return column < 0 ? "" : cell_text(table, row_at(table, table->header + 1 + row), (size_t)column);
}

const char *mr_table_header(const struct mr_table *table, int column)
{
    return column < 0 ? "" : cell_text(table, row_at(table, table->header), (size_t)column);
}

/* The last one asked for is kept in the table, which is otherwise not changed by reading. */
static const char *raw_of(const struct mr_table *table, const struct row *row)
{
    struct mr_table *cache = (struct mr_table *)table;
    size_t size = row->raw_size;
    const char *from = (const char *)table->raw.data + row->raw;

    while (size > 0 && (from[size - 1] == '\n' || from[size - 1] == '\r'))
        size--;
    if (cache->raw_line)
        sodium_memzero(cache->raw_line, strlen(cache->raw_line));
    free(cache->raw_line);
    cache->raw_line = malloc(size + 1);
    if (!cache->raw_line)
        return "";
    for (size_t i = 0; i < size; i++)
        cache->raw_line[i] = from[i] == '\n' || from[i] == '\r' ? ' ' : from[i];
    cache->raw_line[size] = 0;
    return cache->raw_line;
}

const char *mr_table_raw(const struct mr_table *table, size_t row)
{
    return raw_of(table, row_at(table, table->header + 1 + row));
}

const char *mr_table_raw_header(const struct mr_table *table)
{
    return raw_of(table, row_at(table, table->header));
}

const char *mr_table_encoding(const struct mr_table *table)
{
    return table->encoding;
}

const char *mr_table_notes(const struct mr_table *table)
{
    return table->notes[0] ? table->notes : NULL;
}

const char *mr_table_title(const struct mr_table *table)
{
    return table->title;
}
