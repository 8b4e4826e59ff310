#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "adapters/sdk/map.h"
#include "hub/tool/tool.h"
#include "proto/base/list.h"
#include "proto/wire/digest.h"
#include "proto/wire/ident.h"
#include "proto/wire/json.h"

enum { FILE_BYTES_MAX = 64 * 1024 * 1024 };

struct check {
    struct mr_row_sink sink;
    const struct tool *tool;
    long long rows, events, problems, notes;
};

static int on_event(struct mr_row_sink *sink, uint32_t line, const struct mr_attributes *attributes,
        const ProtobufCMessage *payload)
{
    struct check *check = MR_CONTAINER(sink, struct check, sink);
    json_t *data = mr_json_from_message(payload);
    json_t *document = json_pack("{s:i, s:s, s:s?, s:o}", "line", (int)line, "type", attributes->type, "id",
            attributes->id, "data", data ? data : json_null());
    char *text = data ? json_dumps(check->tool->json ? document : data, JSON_COMPACT) : NULL;

    check->events++;
    if (check->tool->json)
        (void)printf("%s\n", text ? text : "{}");
    else
        tool_say(stdout, "line %u: %s %s\n", line, attributes->type, text ? text : "");
    free(text);
    json_decref(document);
    return 0;
}

static void on_problem(struct mr_row_sink *sink, const struct mr_row_problem *problem)
{
    struct check *check = MR_CONTAINER(sink, struct check, sink);

    check->problems++;
    if (check->tool->json)
        return; /* the summary counts; texts are for people */
    tool_say(stdout, "line %u, %s: %s «%s» — %s\n", problem->line, problem->column ? problem->column : "",
            problem->problem, problem->value ? problem->value : "", problem->cure ? problem->cure : "");
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

static int check_file(struct tool *tool, const struct mr_mapper *mapper, const char *path,
        struct mr_slice content, const char *folder, struct mr_error *error)
{
    struct check check = {.sink = {.event = on_event,
                                  .problem = on_problem,
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
        tool_say(stdout, "%s: %lld rows, %lld events would be sent, %lld problems (read as: %s)\n", path,
                check.rows, check.events, check.problems, mapper->what);
    if (r == 1) /* a person would be asked to confirm */
        return mr_error_set(error, MR_EAGAIN, error->where, error->cure, "%s", error->what);
    return r < 0 ? r : check.problems > 0;
}

static const struct mr_mapper *mapper_of(const char *kind, const char *path, struct mr_slice content)
{
    const char *slash = strrchr(path, '/');

    return kind ? mr_mapper_by_kind(kind) : mr_mapper_guess(slash ? slash + 1 : path, content);
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
    mapper = r < 0 ? NULL : mapper_of(kind, path, mr_buf_slice(&content));
    if (r == 0 && !mapper && kind)
        r = mr_error_set(
                &error, MR_EINVAL, "--kind", "say school, copmkp or cnppm", "no such kind: '%.64s'", kind);
    if (r == 0 && !mapper)
        r = mr_error_set(&error, MR_EINVAL, path,
                "say --kind school, copmkp or cnppm; docs/adapters.md has the columns",
                "this looks like no file that an adapter takes");
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
