#include "adapters/cnppm/app.h"
#include "adapters/sdk/program.h"

int main(int argc, char **argv)
{
    static const struct mr_program program = {
            .name = "marshrut-cnppm",
            .about = "The adapter of ЦНППМ: routes, diagnostics and xAPI over HTTP, a webhook for "
                     "diagnostics. docs/adapters.md",
            .open = mr_cnppm_open,
            .close = mr_cnppm_close,
    };

    return mr_program_main(argc, argv, &program);
}
