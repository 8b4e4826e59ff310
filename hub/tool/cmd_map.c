#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "adapters/sdk/codes.h"
#include "adapters/sdk/map.h"
#include "adapters/sdk/table.h"
#include "adapters/sdk/verdict_text.h"
#include "adapters/sdk/workbook.h"
#include "hub/tool/tool.h"
#include "proto/base/list.h"
#include "proto/wire/digest.h"
#include "proto/wire/ident.h"
#include "proto/wire/json.h"
#include "proto/wire/rules.h"

enum { FILE_BYTES_MAX = 64 * 1024 * 1024, FIELDS_SHOWN = 6 };
#define HELD " (попадёт на исправление)"

struct check {
    struct mr_row_sink sink;
    const struct tool *tool;
    long long rows, events, problems, notes;
    uint32_t doubted_line, told_line; /* what the hub would say of it was told already */
    char told_field[96], list[64];
};

/* "post=учитель staff_group=PR": the texts of the message itself, empty ones left out. */
static void print_fields(const ProtobufCMessage *message)
{
    const ProtobufCMessageDescriptor *descriptor = message->descriptor;

    for (unsigned i = 0, shown = 0; i < descriptor->n_fields && shown < FIELDS_SHOWN; i++) {
        const ProtobufCFieldDescriptor *field = &descriptor->fields[i];
        const char *text;

        if (field->type != PROTOBUF_C_TYPE_STRING || field->label == PROTOBUF_C_LABEL_REPEATED)
            continue;
        text = *(const char *const *)(const void *)((const uint8_t *)message + field->offset);
        if (!text || !*text)
            continue;
        tool_say(stdout, " %s=%s", field->name, text);
        shown++;
    }
}

static void print_problem(struct check *check, const struct mr_row_problem *problem, const char *how)
{
    check->problems++;
    if (check->tool->json)
        return; /* the summary counts; texts are for people */
    tool_say(stdout, "строка %u, столбец «%s», значение «%s»: %s%s. Как исправить: %s\n", problem->line,
            problem->column ? problem->column : "", problem->value ? problem->value : "", problem->problem,
            how, problem->cure ? problem->cure : "");
}

static bool code_known(void *ctx, const char *list, const char *value)
{
    struct check *check = ctx;
    bool known = mr_config_code_known(check->tool->config, list, value);

    if (!known && !check->list[0])
        (void)snprintf(check->list, sizeof check->list, "%s", list);
    return known;
}

/* What the hub would say of it; a row's events share their person, whose mistakes are told once. */
static void check_rules(struct check *check, uint32_t line, const ProtobufCMessage *payload)
{
    struct mr_codelists lists = {code_known, check};
    struct mr_rule_violation violation = {0};
    const struct mr_verdict_russian *text;
    char cure[512];
    bool held;

    check->list[0] = 0;
    if (mr_rules_check(payload, &lists, &violation) == 0)
        return;
    held = violation.severity == MR_RULE_QUARANTINE;
    if ((held && check->doubted_line == line) ||
            (check->told_line == line && strcmp(check->told_field, violation.field) == 0))
        return;
    check->told_line = line;
    (void)snprintf(check->told_field, sizeof check->told_field, "%s", violation.field);
    text = mr_verdict_russian(violation.code);
    if (strcmp(violation.code, "code-unknown") == 0)
        (void)mr_codes_cure(check->tool->config, check->list, cure, sizeof cure);
    else
        (void)snprintf(cure, sizeof cure, "%s", text->cure);
    print_problem(check, &(struct mr_row_problem){line, violation.field, "", text->problem, cure},
            held ? HELD : " (хаб откажет)");
}

static int on_event(struct mr_row_sink *sink, uint32_t line, const struct mr_attributes *attributes,
        const ProtobufCMessage *payload)
{
    struct check *check = MR_CONTAINER(sink, struct check, sink);

    check->events++;
    if (check->tool->json) {
        json_t *data = mr_json_from_message(payload);
        json_t *document = json_pack("{s:i, s:s, s:s?, s:o}", "line", (int)line, "type", attributes->type,
                "id", attributes->id, "data", data ? data : json_null());
        char *text = document ? json_dumps(document, JSON_COMPACT) : NULL;

        (void)printf("%s\n", text ? text : "{}");
        free(text);
        json_decref(document);
    } else {
        tool_say(stdout, "line %u: %s", line, attributes->type);
        print_fields(payload);
        (void)printf("\n");
    }
    check_rules(check, line, payload);
    return 0;
}

static void on_problem(struct mr_row_sink *sink, const struct mr_row_problem *problem)
{
    print_problem(MR_CONTAINER(sink, struct check, sink), problem, "");
}

static void on_doubt(struct mr_row_sink *sink, const struct mr_row_problem *problem)
{
    struct check *check = MR_CONTAINER(sink, struct check, sink);

    check->doubted_line = problem->line;
    print_problem(check, problem, HELD);
}

static void on_note(struct mr_row_sink *sink, uint32_t line, const char *text)
{
    struct check *check = MR_CONTAINER(sink, struct check, sink);

    check->notes++;
    if (!check->tool->json)
        tool_say(stdout, "line %u: %s\n", line, text);
}

static void on_row(struct mr_row_sink *sink, uint32_t line, const char *raw_line)
{
    (void)line;
    (void)raw_line;
    MR_CONTAINER(sink, struct check, sink)->rows++;
}

static void on_table(struct mr_row_sink *sink, const char *name, const char *raw_header)
{
    struct check *check = MR_CONTAINER(sink, struct check, sink);

    (void)raw_header;
    if (!check->tool->json && *name)
        tool_say(stdout, "%s:\n", name);
}

/* The adapter's own digests are keyed; here any will do, nothing is sent. */
static void on_digest(struct mr_row_sink *sink, struct mr_slice data, uint8_t ret[static 16])
{
    uint8_t digest[MR_SHA256_BYTES];

    (void)sink;
    mr_sha256(data, digest);
    memcpy(ret, digest, 16);
}

static int read_file(const char *path, struct mr_buf *out, struct mr_error *error)
{
    FILE *file = fopen(path, "re");
    struct stat st;
    uint8_t *room;
    size_t n = 1;

    if (!file)
        return mr_error_set(
                error, MR_ENOTFOUND, path, "give a file that you may read", "cannot open the file");
    if (fstat(fileno(file), &st) == 0 && S_ISDIR(st.st_mode)) {
        (void)fclose(file);
        return mr_error_set(error, MR_EINVAL, path, "give one of the files in it", "this is a folder");
    }
    while (n > 0 && out->size <= FILE_BYTES_MAX && (room = mr_buf_reserve(out, 65536)) != NULL) {
        n = fread(room, 1, 65536, file);
        out->size += n;
    }
    n = ferror(file) != 0;
    (void)fclose(file);
    if (n)
        return mr_error_set(error, MR_EIO, path, "", "cannot read the file");
    if (out->size > FILE_BYTES_MAX)
        return mr_error_set(error, MR_ETOOBIG, path, "split the file", "the file is larger than %d MiB",
                FILE_BYTES_MAX >> 20);
    return mr_buf_failed(out) ? MR_ENOMEM : 0;
}

/* Name of the folder that the file lies in: it decides for whom a school's file speaks. */
static void folder_of(const char *path, char *out, size_t size)
{
    const char *end = strrchr(path, '/');
    const char *begin = end;

    while (begin && begin > path && begin[-1] != '/')
        begin--;
    (void)snprintf(out, size, "%.*s", begin ? (int)(end - begin) : 0, begin ? begin : "");
}

static const char *plural(long long count)
{
    return count == 1 ? "" : "s";
}

static int check_file(struct tool *tool, const struct mr_mapper *mapper, const char *path,
        struct mr_slice content, const char *folder, struct mr_error *error)
{
    struct check check = {.sink = {.event = on_event,
                                  .problem = on_problem,
                                  .doubt = on_doubt,
                                  .note = on_note,
                                  .table = on_table,
                                  .row = on_row,
                                  .digest = on_digest},
            .tool = tool};
    const char *slash = strrchr(path, '/');
    void *ctx;
    int r;

    if (strcmp(mapper->kind, "school") == 0 && (strlen(folder) != 13 || !mr_ident_ogrn_ok(folder)))
        return mr_error_set(error, MR_EINVAL, path, "--folder ОГРН",
                "a school's file is read for the school whose OGRN its folder bears, and '%s' is no OGRN",
                folder);
    r = mapper->open(&ctx, tool->config, error);
    if (r < 0)
        return r;
    r = mapper->map(ctx, folder, slash ? slash + 1 : path, content, &check.sink, error);
    mapper->close(ctx);
    if (tool->json)
        (void)printf("{\"kind\":\"%s\",\"rows\":%lld,\"events\":%lld,\"problems\":%lld}\n", mapper->kind,
                check.rows, check.events, check.problems);
    else
        tool_say(stdout, "%s: %lld row%s, %lld event%s would be sent, %lld problem%s (read as: %s)\n", path,
                check.rows, plural(check.rows), check.events, plural(check.events), check.problems,
                plural(check.problems), mapper->what);
    if (r == 1) /* a person would be asked to confirm */
        return mr_error_set(error, MR_EAGAIN, error->where, error->cure, "%s", error->what);
    return r < 0 ? r : check.problems > 0;
}

static const struct mr_mapper *mapper_of(const char *kind, const char *path, struct mr_slice content)
{
    const char *slash = strrchr(path, '/');

    return kind ? mr_mapper_by_kind(kind) : mr_mapper_guess(slash ? slash + 1 : path, content);
}

/* No mapper: a wrong kind, a table that cannot be read, or one that nobody takes. */
static int not_known(const char *kind, const char *path, struct mr_slice content, struct mr_error *error)
{
    struct mr_table *table = NULL;
    char kinds[128] = "";

    for (size_t i = 0; mr_mapper_at(i); i++)
        (void)snprintf(kinds + strlen(kinds), sizeof kinds - strlen(kinds), "%s--kind %s", i ? ", " : "say ",
                mr_mapper_at(i)->kind);
    if (kind)
        return mr_error_set(error, MR_EINVAL, "--kind", kinds, "no such kind: '%.64s'", kind);
    if (mr_table_read(&table, content, path, error) < 0)
        return MR_EINVAL;
    mr_table_free(table);
    return mr_error_set(error, MR_EINVAL, path, kinds,
            "by its columns this is no file that an adapter takes; docs/adapters.md has the columns");
}

static int map_run(struct tool *tool, int argc, char **argv)
{
    static const struct option options[] = {{"kind", required_argument, NULL, 'k'},
            {"folder", required_argument, NULL, 'f'}, {NULL, 0, NULL, 0}};
    const struct mr_mapper *mapper;
    struct mr_buf content = MR_BUF_INIT;
    struct mr_error error = {0};
    const char *kind = NULL;
    char folder[64] = "";
    const char *path;
    int option;
    int r;

    if (argc < 2 || strcmp(argv[1], "check") != 0)
        return tool_usage(&tool_map, "say 'check FILE'");
    while ((option = getopt_long(argc - 1, argv + 1, "k:f:", options, NULL)) != -1) {
        if (option == 'k')
            kind = optarg;
        else if (option == 'f')
            (void)snprintf(folder, sizeof folder, "%s", optarg);
        else
            return tool_usage(&tool_map, "unknown option");
    }
    if (optind + 2 != argc)
        return tool_usage(&tool_map, "give one file");
    path = argv[optind + 1];
    if (!tool_config(tool))
        return mr_err_exit(MR_ECONFIG);
    if (folder[0] == 0)
        folder_of(path, folder, sizeof folder);
    r = read_file(path, &content, &error);
    if (r == 0)
        r = mr_workbook_refuse(mr_buf_slice(&content), &error);
    mapper = r < 0 ? NULL : mapper_of(kind, path, mr_buf_slice(&content));
    if (r == 0 && !mapper)
        r = not_known(kind, path, mr_buf_slice(&content), &error);
    if (r == 0)
        r = check_file(tool, mapper, path, mr_buf_slice(&content), folder, &error);
    mr_buf_wipe(&content);
    if (r < 0 && error.code == 0)
        (void)mr_error_set(&error, r, path, "", "%s", mr_err_text(r));
    return r < 0 ? tool_fail(tool, &error) : r;
}

const struct tool_command tool_map = {
        .name = "map",
        .usage = "check [--kind KIND] [--folder OGRN] FILE",
        .summary = "what a dropped file would send, sending nothing",
        .help = "Reads FILE as the adapter would and prints the events and the problems of its rows. It "
                "shows what stands\n"
                "in the file, persons included. The folder (a school's OGRN) is that of the file unless "
                "given.\n"
                "Exit code 1 when a row has a problem.\n",
        .run = map_run,
};
