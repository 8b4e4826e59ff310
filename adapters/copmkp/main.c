#include "adapters/copmkp/app.h"
#include "adapters/sdk/program.h"

int main(int argc, char **argv)
{
    static const struct mr_program program = {
            .name = "marshrut-copmkp",
            .about = "The adapter of ЦОПМКП: diagnostic results from files, finished courses to files. "
                     "docs/adapters.md",
            .open = mr_copmkp_open,
            .close = mr_copmkp_close,
    };

    return mr_program_main(argc, argv, &program);
}
