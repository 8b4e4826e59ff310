#include "hub/audit/quarantine_choice.h"

#include <stdlib.h>
#include <string.h>

#include "event/hub.pb-c.h"
#include "hub/audit/args.h"
#include "hub/audit/territory.h"
#include "proto/wire/codec.h"
#include "proto/wire/wire.h"

enum { TYPE_MAX = 128, CODE_MAX = 40, SYSTEM_MAX = 64, LEAF_FIELD_OPEN = 10, QUARANTINED_FIELD_TYPE = 2 };

static int read_time(const struct mr_method_call *call, int64_t *ret, struct mr_error *reterr)
{
    char midnight[MR_TIME_TEXT_MAX];
    const char *text;
    int r = mr_arg_text(call, "before", false, MR_TIME_TEXT_MAX, &text, reterr);

    if (r < 0 || !*text)
        return r;
    if (strlen(text) == sizeof "2026-03-01" - 1) {
        (void)snprintf(midnight, sizeof midnight, "%sT00:00:00Z", text);
        text = midnight;
    }
    if (mr_time_parse(text, strlen(text), ret) < 0 || *ret <= 0)
        return mr_error_set(
                reterr, MR_EINVAL, "before", "write it as 2026-03-01 or 2026-03-01T09:00:00Z", "no time");
    return 0;
}

static int check(const struct mr_quarantine_choice *choice, struct mr_error *reterr)
{
    if (strcmp(choice->state, "all") == 0)
        return 0;
    for (int state = MR_QUARANTINE_WAITING; state <= MR_QUARANTINE_REPLACED; state++)
        if (strcmp(choice->state, mr_quarantine_state_name((enum mr_quarantine_state)state)) == 0)
            return 0;
    return mr_error_set(reterr, MR_EINVAL, "state", "give waiting, released, discarded, replaced or all",
            "no such state");
}

/* A slip of the pen is no system of which nothing waits. "system 7" is one that has lost its name. */
static int check_system(const struct mr_quarantine_choice *choice, struct mr_error *reterr)
{
    static const char nameless[] = "system ";

    if (!*choice->system || strcmp(choice->system, "hub") == 0 ||
            strncmp(choice->system, nameless, sizeof nameless - 1) == 0 ||
            mr_names_id(choice->house->names, MR_NAME_SYSTEM, choice->system) != 0)
        return 0;
    return mr_error_set(
            reterr, MR_EINVAL, "system", "give a name of the configuration", "the log has no such system");
}

int mr_quarantine_choice_read(
        struct mr_quarantine_choice *ret, const struct mr_method_call *call, struct mr_error *reterr)
{
    int r;

    *ret = (struct mr_quarantine_choice){.house = call->house};
    r = mr_arg_text(call, "state", false, 16, &ret->state, reterr);
    if (r == 0)
        r = mr_arg_text(call, "code", false, CODE_MAX, &ret->code, reterr);
    if (r == 0)
        r = mr_arg_text(call, "system", false, SYSTEM_MAX, &ret->system, reterr);
    if (r == 0)
        r = mr_arg_text(call, "type", false, TYPE_MAX, &ret->type, reterr);
    if (r == 0)
        r = mr_arg_number(call, "number", 1, INT64_MAX, 0, &ret->number, reterr);
    if (r == 0)
        r = mr_arg_number(call, "after", 0, INT64_MAX, 0, &ret->behind, reterr);
    if (r == 0)
        r = read_time(call, &ret->before_us, reterr);
    if (r == 0 && !*ret->state)
        ret->state = "waiting";
    if (r == 0)
        r = check_system(ret, reterr);
    return r < 0 ? r : check(ret, reterr);
}

bool mr_quarantine_choice_narrow(const struct mr_quarantine_choice *choice)
{
    return choice->number || choice->before_us || *choice->code || *choice->system || *choice->type;
}

struct walk {
    const struct mr_quarantine_choice *choice;
    mr_quarantine_fn fn;
    void *ctx;
    struct mr_log_reader *records;
    struct mr_record_view view;
    char type[TYPE_MAX + 1];
};

static bool chosen(
        const struct mr_quarantine_choice *choice, uint64_t number, const struct mr_quarantine_row *row)
{
    char system[SYSTEM_MAX];

    if ((choice->number && choice->number != number) || number <= choice->behind)
        return false;
    if (strcmp(choice->state, "all") != 0 && strcmp(choice->state, mr_quarantine_state_name(row->state)) != 0)
        return false;
    if (*choice->code && strcmp(choice->code, row->text.code) != 0)
        return false;
    if (choice->before_us && row->at_us >= choice->before_us)
        return false;
    return !*choice->system ||
           strcmp(choice->system, mr_system_name(choice->house, row->system, system, sizeof system)) == 0;
}

/* Of the event that was put aside: it stands openly in the leaf. Empty when that has expired. */
static void read_type(struct walk *walk, uint64_t number)
{
    struct mr_slice open, type;

    walk->type[0] = '\0';
    if (mr_log_read(walk->records, number, &walk->view, NULL) < 0)
        return;
    open = mr_wire_find(walk->view.record.leaf, LEAF_FIELD_OPEN);
    type = mr_wire_find(open, QUARANTINED_FIELD_TYPE);
    if (type.data)
        (void)snprintf(walk->type, sizeof walk->type, "%.*s", (int)type.size, (const char *)type.data);
}

static bool of_type(const char *type, const char *wanted)
{
    size_t size = strlen(wanted);

    return size == 0 || (wanted[size - 1] == '.' ? strncmp(type, wanted, size) : strcmp(type, wanted)) == 0;
}

static int on_row(void *ctx, struct mr_slice key, struct mr_slice value)
{
    struct walk *walk = ctx;
    struct mr_quarantine_row row;
    uint64_t number;
    int r = key.size == MR_QUARANTINE_KEY_BYTES ? mr_quarantine_row_decode(&row, value) : MR_ECORRUPT;

    if (r < 0)
        return r;
    number = mr_get_be64(key.data);
    if (!chosen(walk->choice, number, &row))
        return 0;
    r = walk->choice->house->territory
                ? mr_territory_has_number(walk->choice->house->territory, walk->choice->house, number)
                : 1;
    if (r <= 0)
        return r;
    if (!walk->choice->untyped || *walk->choice->type)
        read_type(walk, number);
    return of_type(walk->type, walk->choice->type) ? walk->fn(walk->ctx, number, &row, walk->type) : 0;
}

int mr_quarantine_each(const struct mr_quarantine_choice *choice, mr_quarantine_fn fn, void *ctx)
{
    struct walk *walk = calloc(1, sizeof *walk);
    struct mr_log_reader *reader;
    int r = walk ? mr_log_reader_open(choice->house->log, &reader) : MR_ENOMEM;

    if (r < 0) {
        free(walk);
        return r;
    }
    walk->choice = choice;
    walk->fn = fn;
    walk->ctx = ctx;
    r = mr_log_reader_open(choice->house->log, &walk->records);
    if (r == 0) {
        r = mr_log_rows(reader, MR_LOG_QUARANTINE, mr_slice(NULL, 0), mr_slice(NULL, 0), on_row, walk);
        mr_log_reader_close(walk->records);
    }
    mr_log_reader_close(reader);
    free(walk);
    return r;
}
