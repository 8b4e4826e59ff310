#include "adapters/portal/app.h"
#include "adapters/sdk/program.h"

int main(int argc, char **argv)
{
    static const struct mr_program program = {
            .name = "marshrut-portal",
            .about = "The portal's adapter: CloudEvents over HTTP, both ways. docs/adapters.md",
            .open = mr_portal_open,
            .close = mr_portal_close,
    };

    return mr_program_main(argc, argv, &program);
}
