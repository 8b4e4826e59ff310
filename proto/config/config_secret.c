/* Keys, tokens and passwords: each in a file of its own, for its user alone. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/config/config.h"

enum { PEM_BYTES_MAX = 64 * 1024 };

/*
 * The bits that a secret's file may not have. In the folder of the service manager's credentials an access
 * list gives the file to one user, and stat() shows the list's mask in the group's place: the folder is for
 * that user alone.
 */
static mode_t refused_bits(const char *path)
{
    const char *folder = getenv("CREDENTIALS_DIRECTORY");
    size_t n = folder ? strlen(folder) : 0;
    bool credential = n > 0 && strncmp(path, folder, n) == 0 && path[n] == '/' && !strchr(path + n + 1, '/');

    return credential ? 077 & ~(mode_t)S_IRGRP : 077;
}

/* Up to size - 1 bytes and a NUL. */
static int read_small(const char *path, bool secret, const char *what, const char *cure, char *out,
        size_t size, struct mr_error *reterr)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    ssize_t got;
    int r = 0;

    if (fd < 0) {
        r = mr_err_from_errno(errno);
        return mr_error_set(reterr, r, path, cure, "cannot read the %s file: %s", what, mr_err_text(r));
    }
    if (fstat(fd, &st) != 0 || (secret && (st.st_mode & refused_bits(path)) != 0))
        r = mr_error_set(reterr, MR_EDENIED, path, "chmod 600, and change it if others may have seen it",
                "others may read this %s file", what);
    got = r == 0 ? read(fd, out, size - 1) : 0;
    (void)close(fd);
    out[got > 0 ? got : 0] = 0;
    return r;
}

int mr_config_read_secret(const char *path, char ret[static MR_CONFIG_SECRET_MAX], struct mr_error *reterr)
{
    const char *const cure =
            "put it there, for the hub's user alone: one line of printable ASCII, at most 512 bytes";
    char text[MR_CONFIG_SECRET_MAX + 2] = "";
    int r = read_small(path, true, "secret", cure, text, sizeof text, reterr);
    size_t size = strlen(text);
    bool bad = false;

    while (size > 0 && strchr(" \r\n\t", text[size - 1]))
        size--;
    for (size_t i = 0; i < size; i++)
        bad |= text[i] < ' ' || text[i] > '~';
    if (r == 0 && (size == 0 || size >= MR_CONFIG_SECRET_MAX || bad))
        r = mr_error_set(reterr, MR_EINVAL, path, cure, "not a token or password");
    if (r == 0) {
        memcpy(ret, text, size);
        ret[size] = 0;
    }
    explicit_bzero(text, sizeof text);
    return r;
}

int mr_config_read_key(const char *path, bool secret, char ret[static 41], struct mr_error *reterr)
{
    const char *const cure = "`marshrut keys new` writes key files as they must be";
    char text[64] = "";
    int r = read_small(path, secret, "key", cure, text, sizeof text, reterr);

    if (r < 0)
        return r;
    text[strcspn(text, "\r\n")] = 0;
    if (strlen(text) != 40)
        r = mr_error_set(reterr, MR_EINVAL, path, cure, "not a CURVE key of 40 Z85 characters");
    else
        memcpy(ret, text, 41);
    explicit_bzero(text, sizeof text);
    return r;
}

int mr_config_read_pem(const char *path, bool secret, struct mr_buf *ret, struct mr_error *reterr)
{
    const char *const cure = "a file in PEM, at most 64 KiB";
    char *text = mr_buf_reserve(ret, PEM_BYTES_MAX) ? (char *)ret->data + ret->size : NULL;
    int r = text ? read_small(path, secret, secret ? "key" : "certificate", cure, text, PEM_BYTES_MAX, reterr)
                 : MR_ENOMEM;

    if (r == 0 && !strstr(text, "-----BEGIN "))
        r = mr_error_set(reterr, MR_EINVAL, path, cure, "no PEM");
    if (r == 0)
        ret->size += strlen(text) + 1;
    return r;
}
