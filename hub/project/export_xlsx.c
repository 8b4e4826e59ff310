#include "hub/project/export_xlsx.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <xlsxwriter.h>

static const double widths[MR_EXPORT_COLUMNS] = {36, 26, 60, 14, 14, 22, 24, 10, 100};

static void write_cell(lxw_worksheet *sheet, lxw_row_t row, const struct mr_passport *passport,
        const struct mr_cell *cell, enum mr_suppression suppression, lxw_format *wrap)
{
    char value[MR_CELL_VALUE_MAX], section[128];
    char *end = value;
    double number;

    (void)snprintf(section, sizeof section, "%d. %s", cell->section, mr_section_title(cell->section));
    (void)mr_export_value(passport, cell, suppression, value, sizeof value);
    number = suppression == MR_SHOWN && value[0] ? strtod(value, &end) : 0;
    worksheet_write_string(sheet, row, 0, section, wrap);
    worksheet_write_string(sheet, row, 1, cell->code, NULL);
    worksheet_write_string(sheet, row, 2, cell->title, wrap);
    if (end != value && !*end)
        worksheet_write_number(sheet, row, 3, number, NULL);
    else
        worksheet_write_string(sheet, row, 3, value, NULL);
    worksheet_write_string(sheet, row, 4, cell->unit, NULL);
    worksheet_write_string(sheet, row, 5, mr_export_state(cell->state), NULL);
    worksheet_write_string(sheet, row, 6, cell->rule->id, NULL);
    worksheet_write_number(sheet, row, 7, cell->rule->version, NULL);
    worksheet_write_string(sheet, row, 8, cell->rule->text, wrap);
}

static int write_book(
        const char *path, const struct mr_passport *passport, const enum mr_suppression *suppressed)
{
    lxw_workbook *book = workbook_new(path);
    lxw_worksheet *sheet = book ? workbook_add_worksheet(book, "Паспорт") : NULL;
    lxw_format *bold, *wrap;

    if (!sheet)
        return MR_ENOMEM;
    bold = workbook_add_format(book);
    wrap = workbook_add_format(book);
    format_set_bold(bold);
    format_set_text_wrap(wrap);
    for (lxw_col_t i = 0; i < MR_EXPORT_COLUMNS; i++) {
        worksheet_set_column(sheet, i, i, widths[i], NULL);
        worksheet_write_string(sheet, 0, i, mr_export_columns[i], bold);
    }
    worksheet_freeze_panes(sheet, 1, 0);
    for (size_t i = 0; i < passport->cells->count; i++)
        write_cell(sheet, (lxw_row_t)i + 1, passport, passport->cells->items[i], suppressed[i], wrap);
    return workbook_close(book) == LXW_NO_ERROR ? 0 : MR_EIO;
}

static int read_back(int fd, struct mr_buf *out)
{
    ssize_t got = 0;

    do {
        uint8_t *at = mr_buf_reserve(out, 65536);

        if (!at)
            return MR_ENOMEM;
        got = read(fd, at, 65536);
        if (got > 0)
            out->size += (size_t)got;
    } while (got > 0);
    return got < 0 ? MR_EIO : 0;
}

/* The library writes to a path only: a file of our own, gone again before anybody else can want it. */
int mr_export_xlsx(const struct mr_passport *passport, const enum mr_suppression *suppressed,
        struct mr_buf *out, struct mr_error *reterr)
{
    char path[] = "/tmp/marshrut-passport-XXXXXX";
    int fd = mkostemp(path, O_CLOEXEC), r;

    if (fd < 0)
        return mr_error_set(reterr, MR_EIO, "/tmp", "free space or rights in /tmp", "no temporary file");
    r = write_book(path, passport, suppressed);
    (void)close(fd);
    fd = r == 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (r == 0)
        r = fd < 0 ? MR_EIO : read_back(fd, out);
    if (fd >= 0)
        (void)close(fd);
    (void)unlink(path);
    return r;
}
