#include "adapters/sdk/map_diagnostics.h"

const struct mr_field_column mr_diagnostics_columns[] = {
        {"person.snils", "СНИЛС"},
        {"person", "СНИЛС"},
        {"diagnostic_id", "Номер результата"},
        {"instrument", "Инструмент"},
        {"scale_id", "Шкала"},
        {"areas.area", "Область"},
        {"areas.level", "Уровень"},
        {"area", "Область"},
        {"competence", "Дефицит"},
        {"severity", "Тяжесть"},
        {"level", "Общий уровень"},
        {"completed_on", "Дата"},
        {"identified_on", "Дата"},
        {"closed_on", "Дата"},
        {"baseline", "Исходная диагностика"},
        {NULL, NULL},
};
