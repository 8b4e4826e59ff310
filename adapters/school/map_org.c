#include "adapters/school/map_internal.h"

int mr_school_map_orgs(struct mr_school_file *file, const struct mr_table *table)
{
    int ogrn = mr_table_column(table, "ОГРН|ogrn"), inn = mr_table_column(table, "ИНН|inn");
    int oktmo = mr_table_column(table, "ОКТМО|oktmo"), name = mr_table_column(table, "Наименование|name");
    int kind = mr_table_column(table, "Вид|kind");
    int r = 0;

    if (oktmo < 0 || kind < 0)
        return mr_error_set(file->error, MR_EINVAL, "первая строка",
                "нужны столбцы ОГРН, ИНН, ОКТМО, Наименование, Вид", "нет столбца «%s»",
                oktmo < 0 ? "ОКТМО" : "Вид");
    file->sink->table(file->sink, "", mr_table_raw_header(table));
    if (mr_table_notes(table))
        file->sink->note(file->sink, MR_ROW_NONE, mr_table_notes(table));
    for (size_t row = 0; r == 0 && row < mr_table_rows(table); row++) {
        Nms__Event__V1__OrgUpserted org = NMS__EVENT__V1__ORG_UPSERTED__INIT;

        mr_school_row(file, mr_table_line(table, row), mr_table_raw(table, row));
        mr_school_own_ogrn(file, mr_table_header(table, ogrn), mr_table_cell(table, row, ogrn));
        org.ogrn = (char *)file->ogrn;
        org.inn = (char *)mr_table_cell(table, row, inn);
        org.oktmo = (char *)mr_school_needed(file, "ОКТМО", mr_table_cell(table, row, oktmo));
        org.name = (char *)mr_school_needed(file, "Наименование", mr_table_cell(table, row, name));
        org.kind = (char *)mr_school_code(
                file, "Вид", "org_kind", mr_school_needed(file, "Вид", mr_table_cell(table, row, kind)));
        r = mr_school_send_org(file, &org);
    }
    return r;
}
