#include <string.h>

#include "hub/tool/tool.h"
#include "proto/loop/curvekey.h"

static int keys_run(struct tool *tool, int argc, char **argv)
{
    struct mr_error error = {0};
    char public_key[41];
    int r;

    if (argc != 3 || strcmp(argv[1], "new") != 0)
        return tool_usage(&tool_keys, "give the file for the secret key");
    r = mr_curvekey_new(argv[2], public_key, &error);
    if (r < 0)
        return tool_fail(tool, &error);
    if (tool->json)
        (void) printf("{\"public_key\":\"%s\",\"secret_key_file\":\"%s\"}\n", public_key, argv[2]);
    else
        (void) printf("secret key: %s (keep it; mode 0600)\npublic key: %s\n", argv[2], public_key);
    return 0;
}

const struct tool_command tool_keys = {
        .name = "keys",
        .usage = "new FILE",
        .summary = "make a key pair for a system or a hub",
        .help = "Writes the secret key (CURVE25519, Z85) to FILE, which must not exist, and prints the public key\n"
                "for the configuration. The secret key stays on the machine of its owner.\n",
        .run = keys_run,
};
