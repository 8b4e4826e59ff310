#include <stdio.h>
#include <string.h>

#include "hub/tool/tool.h"
#include "proto/loop/curvekey.h"

static int keys_run(struct tool *tool, int argc, char **argv)
{
    struct mr_error error = {0};
    struct mr_curvekey key;
    char public_path[512];
    int r;

    if (argc != 3 || strcmp(argv[1], "new") != 0)
        return tool_usage(&tool_keys, "give the file for the secret key");
    if (snprintf(public_path, sizeof public_path, "%s.pub", argv[2]) >= (int)sizeof public_path)
        return tool_usage(&tool_keys, "the file's name is too long");
    r = mr_curvekey_create_files(argv[2], public_path, &key, &error);
    if (r < 0)
        return tool_fail(tool, &error);
    if (tool->json)
        (void)printf("{\"public_key\":\"%s\",\"secret_key_file\":\"%s\"}\n", key.public_key, argv[2]);
    else
        (void)printf(
                "secret key: %s (mode 0600; it stays on its owner's machine)\npublic key: %s (also in %s)\n",
                argv[2], key.public_key, public_path);
    mr_curvekey_wipe(&key);
    return 0;
}

const struct tool_command tool_keys = {
        .name = "keys",
        .usage = "new FILE",
        .summary = "make a key pair for a system or a hub",
        .help = "Writes the secret key (CURVE25519, Z85) to FILE, which must not exist, and the public key "
                "to FILE.pub,\n"
                "and prints the public key for the configuration. The secret key stays on its owner's "
                "machine.\n",
        .run = keys_run,
};
