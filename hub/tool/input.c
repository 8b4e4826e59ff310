#include "hub/tool/input.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { READ_BYTES = 65536 };

static int read_all(FILE *in, size_t bytes_max, struct mr_buf *out)
{
    for (;;) {
        uint8_t *room = mr_buf_reserve(out, READ_BYTES);
        size_t n = room ? fread(room, 1, READ_BYTES, in) : 0;

        if (!room)
            return MR_ENOMEM;
        if (n == 0)
            return ferror(in) ? MR_EIO : 0;
        out->size += n;
        if (out->size > bytes_max)
            return MR_ETOOBIG;
    }
}

static int check_input(FILE *in, const char *name, const char *cure, struct mr_error *error)
{
    struct stat st;

    if (!in)
        return mr_error_set(
                error, errno == EACCES ? MR_EDENIED : MR_ENOTFOUND, name, cure, "cannot open the file");
    if (fstat(fileno(in), &st) == 0 && S_ISDIR(st.st_mode))
        return mr_error_set(error, MR_EINVAL, name, "give one of the files in it", "this is a folder");
    return 0;
}

int tool_read_input(
        const char *name, const char *cure, size_t bytes_max, struct mr_buf *out, struct mr_error *error)
{
    FILE *in = strcmp(name, "-") == 0 ? stdin : fopen(name, "re");
    int r = check_input(in, name, cure, error);

    if (r == 0 && (r = read_all(in, bytes_max, out)) < 0)
        (void)mr_error_set(error, r, name, r == MR_ETOOBIG ? "split the input" : "",
                "cannot read the input: %s", mr_err_text(r));
    if (in && in != stdin)
        (void)fclose(in);
    return r;
}
