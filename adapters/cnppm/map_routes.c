#include "adapters/cnppm/map_routes.h"

#include <stdlib.h>

#include "adapters/sdk/normalise.h"
#include "adapters/sdk/sheet.h"
#include "event/route.pb-c.h"
#include "proto/base/arena.h"
#include "proto/base/list.h"

enum { STEPS_MAX = 100, DEFICITS_MAX = 50, ID_BYTES_MAX = 64, GROUP_ARENA_BYTES = 1024 * 1024 };

enum column {
    ROUTE,
    SNILS,
    LOCAL_ID,
    EVENT,
    DATE,
    FROM,
    TO,
    DEFICITS,
    CONTENT,
    STEP,
    FORM,
    TITLE,
    HOURS,
    PROGRAMME,
    OUTCOME,
    REASON,
    COLUMNS
};

static const struct mr_sheet_column columns[COLUMNS] = {
        [ROUTE] = {"Номер ИОМ|Номер маршрута", true},
        [SNILS] = {"СНИЛС|snils"},
        [LOCAL_ID] = {"Табельный номер|local_id"},
        [EVENT] = {"Событие"},
        [DATE] = {"Дата", true},
        [FROM] = {"Начало"},
        [TO] = {"Окончание"},
        [DEFICITS] = {"Дефициты"},
        [CONTENT] = {"Содержание"},
        [STEP] = {"Этап|Номер этапа"},
        [FORM] = {"Форма"},
        [TITLE] = {"Название этапа"},
        [HOURS] = {"Часы|Часов"},
        [PROGRAMME] = {"Программа"},
        [OUTCOME] = {"Итог"},
        [REASON] = {"Причина"},
};

struct word {
    const char *text;
    const char *code;
};
static const struct word forms[] = {{"формальная", "formal"}, {"неформальная", "non-formal"},
        {"информальная", "informal"}, {"formal", "formal"}, {"non-formal", "non-formal"},
        {"informal", "informal"}};
static const struct word outcomes[] = {
        {"завершён", "completed"}, {"отменён", "cancelled"}, {"заменён", "superseded"}};

struct route {
    const struct mr_routes_map *map;
    struct mr_sheet *sheet;
    struct mr_arena arena;
    Nms__Event__V1__Person person; /* of the row at hand */
    Nms__Event__V1__Person whose;  /* of the assignment */
    Nms__Event__V1__RouteAssigned assigned;
    Nms__Event__V1__RouteStep steps[STEPS_MAX];
    Nms__Event__V1__RouteStep *step_pointers[STEPS_MAX];
    char *deficits[DEFICITS_MAX];
};

static char *text_of(struct route *route, size_t row, enum column column)
{
    char *copy = mr_arena_strdup(&route->arena, mr_sheet_text(route->sheet, row, column));

    return copy ? copy : (char *)protobuf_c_empty_string;
}

/* NULL: none of the words; told. */
static char *word_of(struct route *route, size_t row, enum column column, const struct word *words,
        size_t count, const char *cure)
{
    for (size_t i = 0; i < count; i++)
        if (mr_fold_equal(mr_sheet_text(route->sheet, row, column), words[i].text))
            return (char *)(uintptr_t)words[i].code;
    (void)mr_sheet_problem(route->sheet, row, column, "неизвестное значение", cure);
    return NULL;
}

static bool date_of(struct route *route, size_t row, enum column column, bool needed, char **ret)
{
    char date[11] = "";

    if (!mr_sheet_date(route->sheet, row, column, needed, date))
        return false;
    *ret = mr_arena_strdup(&route->arena, date);
    return true;
}

static bool read_person(struct route *route, size_t row)
{
    char snils[12];

    nms__event__v1__person__init(&route->person);
    if (!mr_sheet_needed(route->sheet, row, ROUTE, ID_BYTES_MAX) ||
            !mr_sheet_snils(route->sheet, row, SNILS, snils))
        return false;
    route->person.snils = mr_arena_strdup(&route->arena, snils);
    route->person.local_id = text_of(route, row, LOCAL_ID);
    if (*snils || *route->person.local_id)
        return true;
    return mr_sheet_problem(
            route->sheet, row, SNILS, "человек не указан", "укажите СНИЛС или табельный номер");
}

static int emit(struct route *route, size_t row, const char *type, const char *id, const char *date,
        const ProtobufCMessage *payload)
{
    struct mr_row_sink *sink = route->sheet->sink;
    struct mr_attributes a = mr_speaker_attributes(&route->map->speaker, type);

    a.id = id;
    a.time = mr_arena_printf(&route->arena, "%sT00:00:00Z", date);
    return sink->event(sink, mr_sheet_line(route->sheet, row), &a, payload);
}

/* ---- assigned: the rows of a route are its steps ---- */

static bool read_deficits(struct route *route, size_t row)
{
    char *rest = text_of(route, row, DEFICITS);
    char *id;

    route->assigned.deficit_ids = route->deficits;
    while ((id = strsep(&rest, ", "))) {
        if (*id == '\0')
            continue;
        if (route->assigned.n_deficit_ids == DEFICITS_MAX)
            return mr_sheet_problem(route->sheet, row, DEFICITS, "слишком много дефицитов", "не больше 50");
        route->deficits[route->assigned.n_deficit_ids++] = id;
    }
    return true;
}

static bool read_assigned(struct route *route, size_t row)
{
    Nms__Event__V1__RouteAssigned *a = &route->assigned;

    nms__event__v1__route_assigned__init(a);
    if (!read_person(route, row) || !date_of(route, row, DATE, true, &a->assigned_on) ||
            !date_of(route, row, FROM, false, &a->starts_on) ||
            !date_of(route, row, TO, false, &a->ends_on) || !read_deficits(route, row))
        return false;
    route->whose = route->person;
    a->person = &route->whose;
    a->route_id = text_of(route, row, ROUTE);
    a->content = text_of(route, row, CONTENT);
    a->steps = route->step_pointers;
    return true;
}

static bool read_step(struct route *route, size_t row)
{
    Nms__Event__V1__RouteStep *step = &route->steps[route->assigned.n_steps];

    if (*mr_sheet_text(route->sheet, row, STEP) == '\0')
        return true;
    if (route->assigned.n_steps == STEPS_MAX)
        return mr_sheet_problem(
                route->sheet, row, STEP, "слишком много этапов", "не больше 100 этапов в маршруте");
    nms__event__v1__route_step__init(step);
    step->form = word_of(route, row, FORM, forms, MR_COUNT(forms),
            "напишите «формальная», «неформальная» или «информальная»");
    if (!step->form || !mr_sheet_count(route->sheet, row, HOURS, &step->hours))
        return false;
    step->step_id = text_of(route, row, STEP);
    step->title = text_of(route, row, TITLE);
    step->programme_id = text_of(route, row, PROGRAMME);
    route->step_pointers[route->assigned.n_steps++] = step;
    return true;
}

static bool is_assigned(const struct mr_sheet *sheet, size_t row)
{
    const char *event = mr_sheet_text(sheet, row, EVENT);

    return *event == '\0' || mr_fold_equal(event, "назначен");
}

/* Are all rows of the assignment good? *ret_first: its first row in the group, or count. */
static bool read_all_assigned(struct route *route, const size_t *rows, size_t count, size_t *ret_first)
{
    bool good = true;

    *ret_first = count;
    for (size_t i = 0; i < count && good; i++) {
        if (!is_assigned(route->sheet, rows[i]))
            continue;
        if (*ret_first == count) {
            *ret_first = i;
            good = read_assigned(route, rows[i]);
        }
        good = good && read_step(route, rows[i]);
    }
    return good;
}

/* The row's own mistakes, or that another row has them. */
static void tell_bad(struct route *route, size_t row, bool first)
{
    route->assigned.n_steps = 0;
    if ((!first || read_assigned(route, row)) && read_step(route, row))
        (void)mr_sheet_problem(route->sheet, row, ROUTE,
                "маршрут не принят из-за ошибки в одной из его строк",
                "исправьте отмеченную строку и подайте все строки этого маршрута снова");
}

static int emit_assigned(struct route *route, size_t row)
{
    return emit(route, row, "nms.route.assigned.v1",
            mr_arena_printf(&route->arena, "route-assigned-%s", route->assigned.route_id),
            route->assigned.assigned_on, &route->assigned.base);
}

/* ---- a row a event ---- */

static int map_step_completed(struct route *route, size_t row)
{
    Nms__Event__V1__RouteStepCompleted s = NMS__EVENT__V1__ROUTE_STEP_COMPLETED__INIT;

    if (!read_person(route, row) || !mr_sheet_needed(route->sheet, row, STEP, ID_BYTES_MAX) ||
            !date_of(route, row, DATE, true, &s.completed_on) ||
            !mr_sheet_count(route->sheet, row, HOURS, &s.hours))
        return 0;
    if (*mr_sheet_text(route->sheet, row, FORM)) {
        s.form = word_of(route, row, FORM, forms, MR_COUNT(forms),
                "напишите «формальная», «неформальная» или «информальная»");
        if (!s.form)
            return 0;
    }
    s.person = &route->person;
    s.route_id = text_of(route, row, ROUTE);
    s.step_id = text_of(route, row, STEP);
    return emit(route, row, "nms.route.step.completed.v1",
            mr_arena_printf(&route->arena, "route-step-%s:%s", s.route_id, s.step_id), s.completed_on,
            &s.base);
}

static int map_closed(struct route *route, size_t row)
{
    Nms__Event__V1__RouteClosed c = NMS__EVENT__V1__ROUTE_CLOSED__INIT;

    if (!read_person(route, row) || !date_of(route, row, DATE, true, &c.closed_on))
        return 0;
    c.outcome = word_of(route, row, OUTCOME, outcomes, MR_COUNT(outcomes),
            "напишите «завершён», «отменён» или «заменён»");
    if (!c.outcome)
        return 0;
    c.person = &route->person;
    c.route_id = text_of(route, row, ROUTE);
    c.reason = text_of(route, row, REASON);
    return emit(route, row, "nms.route.closed.v1",
            mr_arena_printf(&route->arena, "route-closed-%s", c.route_id), c.closed_on, &c.base);
}

static int map_row(struct route *route, size_t row)
{
    const char *event = mr_sheet_text(route->sheet, row, EVENT);

    if (mr_fold_equal(event, "этап"))
        return map_step_completed(route, row);
    if (mr_fold_equal(event, "закрыт"))
        return map_closed(route, row);
    (void)mr_sheet_problem(
            route->sheet, row, EVENT, "неизвестное событие", "напишите «назначен», «этап» или «закрыт»");
    return 0;
}

/* The assignment goes whole or not at all, at its first row; the other rows each for itself. */
static int map_group(struct route *route, const size_t *rows, size_t count)
{
    size_t first;
    bool good;
    int r = 0;

    route->sheet->mute = true;
    good = read_all_assigned(route, rows, count, &first);
    route->sheet->mute = false;
    mr_sheet_announce_group(route->sheet, count);
    for (size_t i = 0; r == 0 && i < count; i++) {
        mr_sheet_announce(route->sheet, rows[i]);
        if (!is_assigned(route->sheet, rows[i]))
            r = map_row(route, rows[i]);
        else if (!good)
            tell_bad(route, rows[i], i == first);
        else if (i == first)
            r = emit_assigned(route, rows[i]);
    }
    return r;
}

int mr_routes_map(void *ctx, const char *folder, const char *name, struct mr_slice content,
        struct mr_row_sink *sink, struct mr_error *reterr)
{
    struct route *route;
    struct mr_sheet sheet;
    int r = mr_sheet_open(&sheet, content, name, columns, COLUMNS, ROUTE, sink, reterr);

    (void)folder;
    if (r < 0)
        return r;
    route = calloc(1, sizeof *route);
    r = route ? 0 : MR_ENOMEM;
    if (route)
        mr_arena_init(&route->arena, GROUP_ARENA_BYTES);
    for (size_t from = 0; r == 0 && from < sheet.rows;) {
        size_t end = mr_sheet_group_end(&sheet, from, ROUTE);

        mr_arena_reset(&route->arena);
        route->map = ctx;
        route->sheet = &sheet;
        r = map_group(route, sheet.order + from, end - from);
        from = end;
    }
    if (route)
        mr_arena_fini(&route->arena);
    free(route);
    mr_sheet_close(&sheet);
    return r;
}

bool mr_routes_matches(struct mr_slice content, const char *name)
{
    return mr_sheet_matches(content, name, columns, COLUMNS);
}
