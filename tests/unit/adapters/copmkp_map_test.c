#include "adapters/sdk/map_diagnostics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "adapters/cnppm/map_cnppm.h"
#include "event/assessment.pb-c.h"
#include "event/route.pb-c.h"
#include "proto/base/list.h"
#include "proto/wire/rules.h"
#include "tests/support/row_sink.h"

#define HEAD                                                                                                                                                             \
    "Номер результата;СНИЛС;Дата;Инструмент;Шкала;Область;Балл;Уровень;Дефицит;Тип;Исходная " \
    "диагностика;Курс\r\n"
#define FIRST                                                                                                                 \
    "D-1;112-233-445 95;15.03.2026;Оценка;100;Методическая;41,5;низкий;да;первичная;;\r\n" \
    "D-1;112-233-445 95;15.03.2026;Оценка;100;ИКТ;78,5;высокий;нет;первичная;;\r\n"

static struct mr_config_code areas[] = {
        {(char *)"methodical", (char *)"Методическая"}, {(char *)"ict", (char *)"ИКТ"}};
static struct mr_config_code levels[] = {
        {(char *)"low", (char *)"низкий"}, {(char *)"high", (char *)"высокий"}};
static struct mr_config_codelist lists[] = {
        {(char *)"area", areas, MR_COUNT(areas)}, {(char *)"level", levels, MR_COUNT(levels)}};
static const struct mr_config config = {.codelists = lists, .codelists_count = MR_COUNT(lists)};
static struct mr_diagnostics_map map = {&config, {"urn:marshrut:24:copmkp", "24", "copmkp"}};

static int setup(void **state)
{
    static struct row_sink sink;

    row_sink_init(&sink);
    *state = &sink;
    return 0;
}

static int teardown(void **state)
{
    row_sink_fini(*state);
    return 0;
}

static int run(struct row_sink *sink, const char *text)
{
    struct mr_error error = {0};

    return mr_diagnostics_map(&map, "", "results.csv", mr_slice_str(text), &sink->sink, &error);
}

static void assert_admissible(struct row_sink *sink)
{
    for (int i = 0; i < sink->events_count; i++)
        assert_int_equal(mr_rules_check(row_sink_event(sink, i)->payload, NULL, NULL), 0);
}

static void test_first(void **state)
{
    struct row_sink *sink = *state;
    struct mr_event *event;
    Nms__Event__V1__DiagnosticCompleted *diagnostic;
    Nms__Event__V1__DeficitIdentified *deficit;

    assert_int_equal(run(sink, HEAD FIRST), 0);
    assert_int_equal(sink->rows, 2);
    assert_int_equal(sink->problems_count, 0);
    assert_int_equal(sink->events_count, 2);
    assert_admissible(sink);
    event = row_sink_event(sink, 0);
    diagnostic = (Nms__Event__V1__DiagnosticCompleted *)event->payload;
    assert_string_equal(event->a.type, "nms.diagnostic.completed.v1");
    assert_string_equal(event->a.id, "diagnostic-D-1");
    assert_string_equal(event->a.source, "urn:marshrut:24:copmkp");
    assert_string_equal(event->a.regioncode, "24");
    assert_string_equal(diagnostic->person->snils, "11223344595");
    assert_int_equal(diagnostic->n_areas, 2);
    assert_string_equal(diagnostic->areas[0]->area, "methodical");
    assert_int_equal(diagnostic->areas[0]->score_thousandths, 41500);
    assert_string_equal(diagnostic->areas[1]->level, "high");
    assert_string_equal(diagnostic->completed_on, "2026-03-15");
    deficit = (Nms__Event__V1__DeficitIdentified *)row_sink_event(sink, 1)->payload;
    assert_string_equal(deficit->deficit_id, "D-1:methodical");
    assert_string_equal(deficit->evidence->id, "diagnostic-D-1");
    assert_int_equal(sink->event_lines[1], 2);
}

static void test_repeat(void **state)
{
    struct row_sink *sink = *state;
    struct mr_event *event;
    Nms__Event__V1__RediagnosticCompleted *again;
    Nms__Event__V1__DeficitClosed *closed;

    assert_int_equal(
            run(sink, HEAD "R-1;112-233-445 95;20.10.2026;Оценка;100;Методическая;78,5;высокий;нет;повторная;"
                           "D-1;urn:marshrut:24:portal#finish-1\r\n"),
            0);
    assert_int_equal(sink->problems_count, 0);
    assert_int_equal(sink->events_count, 2);
    assert_admissible(sink);
    event = row_sink_event(sink, 0);
    again = (Nms__Event__V1__RediagnosticCompleted *)event->payload;
    assert_string_equal(event->a.type, "nms.rediagnostic.completed.v1");
    assert_string_equal(again->baseline->source, "urn:marshrut:24:copmkp");
    assert_string_equal(again->baseline->id, "diagnostic-D-1");
    assert_string_equal(again->course->source, "urn:marshrut:24:portal");
    assert_string_equal(again->course->id, "finish-1");
    closed = (Nms__Event__V1__DeficitClosed *)row_sink_event(sink, 1)->payload;
    assert_string_equal(closed->deficit_id, "D-1:methodical");
    assert_string_equal(closed->outcome, "eliminated");
}

static void test_forms_of_a_table(void **state)
{
    struct row_sink *sink = *state;

    /* Byte order mark, commas, other order of columns, a competence, scattered rows. */
    assert_int_equal(run(sink, "\xef\xbb\xbfОбласть,Шкала,дата,Номер результата,Табельный номер,Дефицит\n"
                               "ИКТ,100,2026-03-15,A,17,\nИКТ,100,15.03.2026,B,18,Цифровые средства\n"
                               "Методическая,100,2026-03-15,A,17,да\n"),
            0);
    assert_int_equal(sink->problems_count, 0);
    assert_int_equal(sink->rows, 3);
    assert_int_equal(sink->events_count, 4);
    assert_string_equal(((Nms__Event__V1__DeficitIdentified *)row_sink_event(sink, 3)->payload)->deficit_id,
            "B:ict:Цифровые средства");
    assert_string_equal(
            ((Nms__Event__V1__DiagnosticCompleted *)row_sink_event(sink, 0)->payload)->person->local_id,
            "17");
}

static void test_bad_rows_hold_their_result_back(void **state)
{
    static const struct {
        const char *row;
        const char *column;
    } cases[] = {
            {"D-2;112-233-445 9;15.03.2026;О;100;ИКТ;1;;;;;\r\n", "СНИЛС"},
            {"D-2;;15.03.2026;О;100;ИКТ;1;;;;;\r\n", "СНИЛС"},
            {"D-2;112-233-445 95;31.02.2026;О;100;ИКТ;1;;;;;\r\n", "Дата"},
            {"D-2;112-233-445 95;;О;100;ИКТ;1;;;;;\r\n", "Дата"},
            {"D-2;112-233-445 95;15.03.2026;О;;ИКТ;1;;;;;\r\n", "Шкала"},
            {"D-2;112-233-445 95;15.03.2026;О;100;;1;;;;;\r\n", "Область"},
            {"D-2;112-233-445 95;15.03.2026;О;100;ИКТ;много;;;;;\r\n", "Балл"},
            {"D-2;112-233-445 95;15.03.2026;О;100;ИКТ;1;;;третья;;\r\n", "Тип"},
            {";112-233-445 95;15.03.2026;О;100;ИКТ;1;;;;;\r\n", "Номер результата"},
    };

    (void)state;
    for (size_t i = 0; i < MR_COUNT(cases); i++) {
        struct row_sink sink;
        char text[2048];

        row_sink_init(&sink);
        (void)snprintf(text, sizeof text, HEAD "%s" FIRST, cases[i].row);
        assert_int_equal(run(&sink, text), 0);
        assert_int_equal(sink.events_count, 2); /* the neighbours go through */
        assert_int_equal(sink.problems_count, 1);
        assert_string_equal(sink.problems[0].column, cases[i].column);
        assert_int_equal(sink.problems[0].line, 2);
        row_sink_fini(&sink);
    }
}

static void test_a_result_goes_whole_or_not_at_all(void **state)
{
    struct row_sink *sink = *state;

    assert_int_equal(run(sink, HEAD "D-3;112-233-445 95;15.03.2026;О;100;ИКТ;1;;;;;\r\n"
                                    "D-3;112-233-445 95;16.03.2026;О;100;Методическая;x;;;;;\r\n" FIRST),
            0);
    assert_int_equal(sink->events_count, 2);
    assert_int_equal(sink->problems_count, 2);
}

/* What the hub would hold back takes its deficits with it. */
static void test_score_within_its_maximum(void **state)
{
    static const struct {
        const char *score, *max, *column;
    } cases[] = {{"101", "100", "Балл"}, {"-1", "100", "Балл"}, {"-0,5", "", "Балл"}, {"1", "0", "Максимум"},
            {"100", "100", NULL}, {"0", "100", NULL}, {"", "100", NULL}, {"72,5", "", NULL}};

    (void)state;
    for (size_t i = 0; i < MR_COUNT(cases); i++) {
        struct row_sink sink;
        char text[1024];

        row_sink_init(&sink);
        (void)snprintf(text, sizeof text,
                "Номер результата;СНИЛС;Дата;Шкала;Область;Балл;Максимум;Дефицит\r\n"
                "D-5;112-233-445 95;15.03.2026;100;ИКТ;%s;%s;да\r\n",
                cases[i].score, cases[i].max);
        assert_int_equal(run(&sink, text), 0);
        assert_int_equal(sink.events_count, cases[i].column ? 0 : 2);
        assert_int_equal(sink.problems_count, cases[i].column ? 1 : 0);
        if (cases[i].column)
            assert_string_equal(sink.problems[0].column, cases[i].column);
        row_sink_fini(&sink);
    }
}

static void test_unknown_code_is_the_hubs(void **state)
{
    struct row_sink *sink = *state;

    assert_int_equal(run(sink, HEAD "D-4;123-456-789 00;15.03.2026;О;100;Неведомая;1;;;;;\r\n"), 0);
    assert_int_equal(sink->problems_count, 0);
    assert_string_equal(
            ((Nms__Event__V1__DiagnosticCompleted *)row_sink_event(sink, 0)->payload)->areas[0]->area,
            "Неведомая");
}

static void test_files_that_are_no_tables(void **state)
{
    static const char *const bad[] = {"", "Фамилия;Имя\r\nИванова;Анна\r\n", HEAD "D-1;\"112;15.03.2026\r\n"};
    struct row_sink *sink = *state;

    for (size_t i = 0; i < MR_COUNT(bad); i++)
        assert_int_equal(run(sink, bad[i]), MR_EINVAL);
    assert_int_equal(sink->events_count, 0);
    assert_false(mr_diagnostics_matches(mr_slice_str(bad[1]), "x.csv"));
    assert_true(mr_diagnostics_matches(mr_slice_str(HEAD FIRST), "x.csv"));
}

static void test_routes(void **state)
{
    struct row_sink *sink = *state;
    struct mr_routes_map routes = {&config, {"urn:marshrut:24:cnppm", "24", "cnppm"}};
    Nms__Event__V1__RouteAssigned *route;
    struct mr_error error = {0};

    assert_int_equal(
            mr_routes_map(&routes, "", "iom.csv",
                    mr_slice_str(
                            "Номер ИОМ;СНИЛС;Событие;Дата;Начало;Окончание;Дефициты;Этап;Форма;Часы;Итог\r\n"
                            "I-1;112-233-445 95;назначен;10.04.2026;15.04.2026;15.12.2026;D-1:ict, "
                            "D-1:legal;1;формальная;36;\r\n"
                            "I-1;112-233-445 95;;10.04.2026;;;;2;информальная;;\r\n"
                            "I-1;112-233-445 95;этап;30.06.2026;;;;1;;36;\r\n"
                            "I-1;112-233-445 95;закрыт;01.12.2026;;;;;;;завершён\r\n"
                            "I-2;112-233-445 95;закрыт;01.12.2026;;;;;;;готово\r\n"
                            "I-3;112-233-445 95;потерян;01.12.2026;;;;;;;\r\n"),
                    &sink->sink, &error),
            0);
    assert_int_equal(sink->rows, 6);
    assert_int_equal(sink->events_count, 3);
    assert_int_equal(sink->problems_count, 2);
    assert_admissible(sink);
    route = (Nms__Event__V1__RouteAssigned *)row_sink_event(sink, 0)->payload;
    assert_int_equal(route->n_steps, 2);
    assert_string_equal(route->steps[1]->form, "informal");
    assert_int_equal(route->n_deficit_ids, 2);
    assert_string_equal(route->deficit_ids[1], "D-1:legal");
    assert_string_equal(row_sink_event(sink, 1)->a.type, "nms.route.step.completed.v1");
    assert_string_equal(row_sink_event(sink, 2)->a.type, "nms.route.closed.v1");
    assert_string_equal(sink->problems[0].column, "Итог");
    assert_string_equal(sink->problems[1].column, "Событие");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(test_first, setup, teardown),
            cmocka_unit_test_setup_teardown(test_repeat, setup, teardown),
            cmocka_unit_test_setup_teardown(test_forms_of_a_table, setup, teardown),
            cmocka_unit_test(test_bad_rows_hold_their_result_back),
            cmocka_unit_test_setup_teardown(test_a_result_goes_whole_or_not_at_all, setup, teardown),
            cmocka_unit_test(test_score_within_its_maximum),
            cmocka_unit_test_setup_teardown(test_unknown_code_is_the_hubs, setup, teardown),
            cmocka_unit_test_setup_teardown(test_files_that_are_no_tables, setup, teardown),
            cmocka_unit_test_setup_teardown(test_routes, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
