/* marshrut account new | invite | list | lock | unlock: who may log in at the console. */
#include <getopt.h>
#include <string.h>

#include "hub/tool/ask.h"
#include "hub/tool/render.h"
#include "proto/base/list.h"

static bool ends_with(const char *text, const char *end)
{
    size_t size = strlen(text), end_size = strlen(end);

    return size >= end_size && strcmp(text + size - end_size, end) == 0;
}

/* Does the configuration know where a browser finds the console? Not behind a proxy, nor with a certificate:
 * that bears a name. */
static bool knows_the_console(const struct mr_config_hub *hub)
{
    const char *listen = hub->http_listen;

    return listen && !hub->http_tls && !hub->http_proxy && !ends_with(listen, ":0") &&
           strncmp(listen, "0.0.0.0:", 8) != 0 && strncmp(listen, "[::]:", 5) != 0;
}

/* What its owner opens: the whole link, or what stands behind the address of the console. */
static json_t *link_of(const struct tool *tool, const json_t *invited)
{
    const struct mr_config_hub *hub = &tool->config->hub;
    bool known = knows_the_console(hub);

    return json_sprintf("%s%s/#invite=%s:%s", known ? "http://" : "", known ? hub->http_listen : "",
            json_string_value(json_object_get(invited, "name")),
            json_string_value(json_object_get(invited, "secret")));
}

/* Steals arguments. */
static int invite(struct tool *tool, const char *method, json_t *arguments)
{
    int code = 0;
    json_t *invited = tool_ask_one(tool, method, arguments, &code);

    if (!invited)
        return code;
    (void)json_object_set_new(invited, "link", link_of(tool, invited));
    tool_render(tool, stdout, invited);
    json_decref(invited);
    return 0;
}

static int new_account(struct tool *tool, int argc, char **argv)
{
    static const struct option options[] = {{"role", required_argument, NULL, 'r'},
            {"ogrn", required_argument, NULL, 'g'}, {"oktmo", required_argument, NULL, 'k'},
            {NULL, 0, NULL, 0}};
    static const struct {
        int option;
        const char *argument;
    } arguments[] = {{'r', "role"}, {'g', "ogrn"}, {'k', "oktmo"}};
    json_t *json = json_object();
    bool good = true;
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        good = good && option != '?';
        for (size_t i = 0; i < MR_COUNT(arguments); i++)
            if (arguments[i].option == option)
                (void)json_object_set_new(json, arguments[i].argument, json_string(optarg));
    }
    if (good && optind == argc - 1 && json_object_get(json, "role")) {
        (void)json_object_set_new(json, "name", json_string(argv[optind]));
        return invite(tool, "account.new", json);
    }
    json_decref(json);
    return tool_usage(&tool_account,
            "new takes NAME, --role organisation with --ogrn OGRN, or --role mms with --oktmo OKTMO");
}

static int account_run(struct tool *tool, int argc, char **argv)
{
    static const char *const acts[][2] = {{"lock", "account.lock"}, {"unlock", "account.unlock"}};

    if (argc > 1 && strcmp(argv[1], "new") == 0)
        return new_account(tool, argc - 1, argv + 1);
    if (argc == 2 && strcmp(argv[1], "list") == 0)
        return tool_ask_and_render(tool, "account.list", json_object());
    if (argc == 3 && strcmp(argv[1], "invite") == 0)
        return invite(tool, "account.invite", json_pack("{s:s}", "name", argv[2]));
    for (size_t i = 0; argc == 3 && i < MR_COUNT(acts); i++)
        if (strcmp(argv[1], acts[i][0]) == 0)
            return tool_ask_and_render(tool, acts[i][1], json_pack("{s:s}", "name", argv[2]));
    return tool_usage(
            &tool_account, "say 'new', 'list', or 'invite', 'lock' or 'unlock' and the account's name");
}

const struct tool_command tool_account = {
        .name = "account",
        .usage = "new NAME --role ROLE [--ogrn OGRN | --oktmo OKTMO] | invite NAME | list | lock NAME |\n"
                 "       unlock NAME",
        .summary = "who may log in at the console (docs/api.md)",
        .help = "An account belongs to an operator of the configuration, and has that operator's roles; or "
                "it is\n"
                "limited to one organisation or one municipality, and sees what is theirs.\n\n"
                "new       makes one that is limited: --role organisation with --ogrn, --role mms with "
                "--oktmo.\n"
                "          Prints a link as invite does\n"
                "invite    makes the account of an operator, or lets the owner of any account choose a new\n"
                "          password: prints the secret and the link that are good once, for 72 hours. The "
                "old\n"
                "          password works no more. The link is whole when hub.http_listen says where the "
                "console\n"
                "          is; behind a proxy or with TLS put the console's address before it\n"
                "list      the accounts there are\n"
                "lock      logs the account out and keeps it out; unlock lets it in again\n\n"
                "By an operator with the role admin (--as), a running hub; each is an event\n",
        .run = account_run,
};
