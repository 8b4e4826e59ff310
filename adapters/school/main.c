#include "adapters/school/school.h"
#include "adapters/sdk/program.h"

static int open_app(void **ret_app, uv_loop_t *loop, const struct mr_config *config, const char *software,
        struct mr_error *reterr)
{
    struct mr_school *school;
    int r = mr_school_open(&school, loop, config, software, reterr);

    if (r == 0)
        *ret_app = school;
    return r;
}

static void close_app(void *app, void (*on_closed)(void *ctx), void *ctx)
{
    mr_school_close(app, on_closed, ctx);
}

int main(int argc, char **argv)
{
    static const struct mr_program program = {
            .name = "marshrut-school",
            .about = "Schools' files to the hub, and back what is about their staff.",
            .open = open_app,
            .close = close_app,
    };

    return mr_program_main(argc, argv, &program);
}
