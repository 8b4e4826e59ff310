#include "adapters/sdk/map_diagnostics.h"

#include <stdlib.h>
#include <string.h>

#include "adapters/sdk/diagnostics_read.h"
#include "adapters/sdk/normalise.h"
#include "proto/base/list.h"

/* ---- which deficits there were ---- */

static void deficit_key(struct result *result, const char *id, uint8_t key[static 24])
{
    struct mr_row_sink *sink = result->sheet->sink;

    memcpy(key, "deficit:", 8);
    sink->digest(sink, mr_slice_str(id), key + 8);
}

static int remember(struct result *result, const char *id)
{
    struct mr_row_sink *sink = result->sheet->sink;
    uint8_t key[24];

    if (!sink->txn)
        return 0;
    deficit_key(result, id, key);
    return mr_outbox_put(sink->txn, mr_slice(key, sizeof key), mr_slice_str("1"));
}

/* `without_memory` where nothing is known of earlier files. */
static int remembered(struct result *result, const char *id, bool without_memory)
{
    struct mr_row_sink *sink = result->sheet->sink;
    struct mr_slice value;
    uint8_t key[24];
    int r;

    if (!sink->txn)
        return without_memory;
    deficit_key(result, id, key);
    r = mr_outbox_get(sink->txn, mr_slice(key, sizeof key), &value);
    return r == 0 ? 1 : r == MR_ENOTFOUND ? 0 : r;
}

static char *deficit_id(struct result *result, const char *number, const struct area *area)
{
    return mr_arena_printf(&result->arena, "%s:%s%s%s", number, area->score.area,
            *area->competence ? ":" : "", area->competence);
}

/* ---- events ---- */

static int emit(
        struct result *result, size_t row, const char *type, const char *id, const ProtobufCMessage *payload)
{
    struct mr_row_sink *sink = result->sheet->sink;
    struct mr_attributes a = mr_speaker_attributes(&result->map->speaker, type);

    a.id = id;
    a.time = mr_arena_printf(&result->arena, "%sT00:00:00Z", result->date);
    if (strcmp(id, result->event_id) != 0)
        a.causationid = result->event_id;
    return sink->event(sink, mr_sheet_line(result->sheet, row), &a, payload);
}

static void collect_areas(struct result *result, Nms__Event__V1__AreaScore **scores,
        Nms__Event__V1__AreaChange **changes, size_t *ret_changes)
{
    *ret_changes = 0;
    for (size_t i = 0; i < result->rows_count; i++) {
        scores[i] = &result->areas[i].score;
        if (result->areas[i].has_change)
            changes[(*ret_changes)++] = &result->areas[i].change;
    }
}

static int emit_completed(struct result *result, Nms__Event__V1__AreaScore **scores)
{
    Nms__Event__V1__DiagnosticCompleted d = NMS__EVENT__V1__DIAGNOSTIC_COMPLETED__INIT;
    size_t row = result->rows[0];

    d.person = &result->person;
    d.diagnostic_id = result->number;
    d.instrument = mr_diagnostics_code(result, row, INSTRUMENT, "instrument");
    d.scale_id = mr_diagnostics_code(result, row, SCALE, "scale");
    d.level = mr_diagnostics_code(result, row, LEVEL_WHOLE, "level");
    d.areas = scores;
    d.n_areas = result->rows_count;
    d.completed_on = result->date;
    return emit(result, row, "nms.diagnostic.completed.v1", result->event_id, &d.base);
}

/* "source#id"; for a baseline also the plain number of one of our own results. */
static bool read_ref(struct result *result, enum column column, Nms__Event__V1__EventRef *ref)
{
    char *text = mr_diagnostics_keep(result, mr_sheet_text(result->sheet, result->rows[0], column));
    char *mark = strrchr(text, '#');

    nms__event__v1__event_ref__init(ref);
    if (mark) {
        *mark = '\0';
        ref->source = text;
        ref->id = mark + 1;
        return *ref->source && *ref->id;
    }
    if (column != BASELINE || *text == '\0')
        return false;
    ref->source = (char *)(uintptr_t)result->map->speaker.source;
    ref->id = mr_arena_printf(&result->arena, "diagnostic-%s", text);
    return true;
}

static int emit_recompleted(struct result *result, Nms__Event__V1__AreaScore **scores,
        Nms__Event__V1__AreaChange **changes, size_t changes_count)
{
    Nms__Event__V1__RediagnosticCompleted d = NMS__EVENT__V1__REDIAGNOSTIC_COMPLETED__INIT;
    Nms__Event__V1__EventRef baseline;
    Nms__Event__V1__EventRef course;
    size_t row = result->rows[0];

    d.person = &result->person;
    d.diagnostic_id = result->number;
    d.baseline = read_ref(result, BASELINE, &baseline) ? &baseline : NULL;
    d.course = read_ref(result, COURSE, &course) ? &course : NULL;
    d.instrument = mr_diagnostics_code(result, row, INSTRUMENT, "instrument");
    d.scale_id = mr_diagnostics_code(result, row, SCALE, "scale");
    d.level = mr_diagnostics_code(result, row, LEVEL_WHOLE, "level");
    d.areas = scores;
    d.n_areas = result->rows_count;
    d.changes = changes;
    d.n_changes = changes_count;
    d.completed_on = result->date;
    return emit(result, row, "nms.rediagnostic.completed.v1", result->event_id, &d.base);
}

static Nms__Event__V1__EventRef evidence_of(struct result *result)
{
    Nms__Event__V1__EventRef ref = NMS__EVENT__V1__EVENT_REF__INIT;

    ref.source = (char *)(uintptr_t)result->map->speaker.source;
    ref.id = result->event_id;
    return ref;
}

static int emit_identified(struct result *result, const struct area *area)
{
    Nms__Event__V1__DeficitIdentified d = NMS__EVENT__V1__DEFICIT_IDENTIFIED__INIT;
    Nms__Event__V1__EventRef evidence = evidence_of(result);
    int r;

    d.person = &result->person;
    d.deficit_id = deficit_id(result, result->number, area);
    d.area = area->score.area;
    d.competence = area->competence;
    d.severity = mr_diagnostics_code(result, area->row, SEVERITY, "severity");
    d.evidence = &evidence;
    d.identified_on = result->date;
    d.recommendation = mr_diagnostics_keep(result, mr_sheet_text(result->sheet, area->row, RECOMMENDATION));
    r = remember(result, d.deficit_id);
    return r < 0 ? r
                 : emit(result, area->row, "nms.deficit.identified.v1",
                           mr_arena_printf(&result->arena, "deficit-%s", d.deficit_id), &d.base);
}

static int emit_closed(struct result *result, const struct area *area)
{
    Nms__Event__V1__DeficitClosed d = NMS__EVENT__V1__DEFICIT_CLOSED__INIT;
    Nms__Event__V1__EventRef evidence = evidence_of(result);

    d.person = &result->person;
    d.deficit_id = deficit_id(result, result->baseline_number, area);
    d.area = area->score.area;
    d.competence = area->competence;
    d.outcome = (char *)(uintptr_t) "eliminated";
    d.evidence = &evidence;
    d.closed_on = result->date;
    return emit(result, area->row, "nms.deficit.closed.v1",
            mr_arena_printf(&result->arena, "deficit-closed-%s", deficit_id(result, result->number, area)),
            &d.base);
}

/* At a repeat: what was there is closed or stays; what was not there and is now, is new. */
static int emit_deficit(struct result *result, const struct area *area)
{
    int was;

    if (!result->again)
        return area->deficit == DEFICIT_YES ? emit_identified(result, area) : 0;
    was = remembered(result, deficit_id(result, result->baseline_number, area), true);
    if (was < 0)
        return was;
    if (area->deficit == DEFICIT_NO && was)
        return emit_closed(result, area);
    return area->deficit == DEFICIT_YES && !was ? emit_identified(result, area) : 0;
}

static int emit_head(struct result *result)
{
    Nms__Event__V1__AreaScore *scores[AREAS_MAX];
    Nms__Event__V1__AreaChange *changes[AREAS_MAX];
    size_t changes_count;

    collect_areas(result, scores, changes, &changes_count);
    return result->again ? emit_recompleted(result, scores, changes, changes_count)
                         : emit_completed(result, scores);
}

/* ---- the file ---- */

/* The row's own mistakes, or that another row has them. */
static void tell_bad(struct result *result, size_t i)
{
    struct area *area = &result->areas[i < AREAS_MAX ? i : 0];

    area->row = result->rows[i];
    if (i == 0 && result->rows_count > AREAS_MAX)
        (void)mr_sheet_problem(result->sheet, area->row, NUMBER, "слишком много строк одного результата",
                "не больше 64 областей в одном результате");
    else if ((i > 0 || mr_diagnostics_read_head(result)) && mr_diagnostics_read_area(result, area))
        (void)mr_sheet_problem(result->sheet, area->row, NUMBER,
                "результат не принят из-за другой его строки",
                "исправьте отмеченную строку и подайте все строки этого результата снова");
}

/* A result goes whole or not at all: part of it under its id would bar the mended one. */
static int map_group(struct result *result)
{
    bool good;
    int r = 0;

    result->sheet->mute = true;
    good = mr_diagnostics_read(result);
    result->sheet->mute = false;
    mr_sheet_announce_group(result->sheet, result->rows_count);
    for (size_t i = 0; r == 0 && i < result->rows_count; i++) {
        mr_sheet_announce(result->sheet, result->rows[i]);
        if (!good) {
            tell_bad(result, i);
            continue;
        }
        if (i == 0)
            r = emit_head(result);
        if (r == 0)
            r = emit_deficit(result, &result->areas[i]);
    }
    return r;
}

/* First results, then repeats: a file may hold both of a person. */
static int map_pass(
        const struct mr_diagnostics_map *map, struct mr_sheet *sheet, struct result *result, bool again)
{
    int r = 0;

    for (size_t from = 0; r == 0 && from < sheet->rows;) {
        size_t end = mr_sheet_group_end(sheet, from, NUMBER);
        struct mr_arena arena = result->arena;

        mr_arena_reset(&arena);
        *result = (struct result){.map = map,
                .sheet = sheet,
                .arena = arena,
                .rows = sheet->order + from,
                .rows_count = end - from};
        if (mr_fold_equal(mr_sheet_text(sheet, result->rows[0], KIND), "повторная") == again)
            r = map_group(result);
        from = end;
    }
    return r;
}

int mr_diagnostics_map(void *ctx, const char *folder, const char *name, struct mr_slice content,
        struct mr_row_sink *sink, struct mr_error *reterr)
{
    struct result *result;
    struct mr_sheet sheet;
    int r = mr_sheet_open(&sheet, content, name, mr_diagnostics_sheet, COLUMNS, NUMBER, sink, reterr);

    (void)folder;
    if (r < 0)
        return r;
    result = calloc(1, sizeof *result);
    if (result) {
        mr_arena_init(&result->arena, GROUP_ARENA_BYTES);
        r = map_pass(ctx, &sheet, result, false);
        if (r == 0)
            r = map_pass(ctx, &sheet, result, true);
        mr_arena_fini(&result->arena);
    } else {
        r = MR_ENOMEM;
    }
    free(result);
    mr_sheet_close(&sheet);
    return r;
}

bool mr_diagnostics_matches(struct mr_slice content, const char *name)
{
    return mr_sheet_matches(content, name, mr_diagnostics_sheet, COLUMNS);
}
