#include "tests/support/row_sink.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "proto/wire/digest.h"

static int on_event(struct mr_row_sink *base, uint32_t line, const struct mr_attributes *attributes,
        const ProtobufCMessage *payload)
{
    struct row_sink *sink = (struct row_sink *)base;

    assert_true(sink->events_count < ROW_SINK_MAX);
    assert_int_equal(line, sink->row_line); /* each row just before its events */
    sink->event_lines[sink->events_count] = line;
    return mr_event_encode(&sink->events[sink->events_count++], attributes, payload);
}

static void on_problem(struct mr_row_sink *base, const struct mr_row_problem *problem)
{
    struct row_sink *sink = (struct row_sink *)base;
    int i = sink->problems_count++;

    assert_true(i < ROW_SINK_MAX);
    assert_non_null(problem->cure);
    assert_int_equal(problem->line, sink->row_line);
    sink->problems[i].line = problem->line;
    (void)snprintf(sink->problems[i].column, sizeof sink->problems[i].column, "%s", problem->column);
    (void)snprintf(sink->problems[i].problem, sizeof sink->problems[i].problem, "%s", problem->problem);
}

static void on_note(struct mr_row_sink *base, uint32_t line, const char *text)
{
    (void)base;
    (void)line;
    (void)text;
}

static void on_table(struct mr_row_sink *base, const char *name, const char *raw_header)
{
    (void)base;
    assert_non_null(name);
    assert_non_null(raw_header);
}

static void on_row(struct mr_row_sink *base, uint32_t line, const char *raw)
{
    struct row_sink *sink = (struct row_sink *)base;

    assert_non_null(raw);
    sink->row_line = line;
    sink->rows++;
}

static void on_digest(struct mr_row_sink *base, struct mr_slice data, uint8_t ret[static 16])
{
    uint8_t full[MR_SHA256_BYTES];

    (void)base;
    mr_sha256(data, full);
    memcpy(ret, full, 16);
}

void row_sink_init(struct row_sink *sink)
{
    *sink = (struct row_sink){.sink = {.event = on_event,
                                      .problem = on_problem,
                                      .note = on_note,
                                      .table = on_table,
                                      .row = on_row,
                                      .digest = on_digest}};
    mr_arena_init(&sink->arena, 64 * 1024 * 1024);
}

void row_sink_fini(struct row_sink *sink)
{
    for (int i = 0; i < sink->events_count; i++)
        mr_buf_fini(&sink->events[i]);
    mr_arena_fini(&sink->arena);
}

struct mr_event *row_sink_event(struct row_sink *sink, int index)
{
    struct mr_event *event = mr_arena_zalloc(&sink->arena, sizeof *event);
    struct mr_error error = {0};

    assert_in_range(index, 0, sink->events_count - 1);
    if (mr_event_decode(event, mr_buf_slice(&sink->events[index]), &sink->arena, &error) != 0)
        fail_msg("event %d: %s: %s", index, error.where, error.what);
    assert_non_null(event->payload);
    return event;
}

int row_sink_find(struct row_sink *sink, const char *type, int from)
{
    for (int i = from; i < sink->events_count; i++)
        if (strcmp(row_sink_event(sink, i)->a.type, type) == 0)
            return i;
    return -1;
}
