#include "proto/loop/curvekey.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

int mr_curvekey_generate(struct mr_curvekey *ret)
{
    return zmq_curve_keypair(ret->public_key, ret->secret_key) == 0 ? 0 : MR_ESYSTEM;
}

void mr_curvekey_wipe(struct mr_curvekey *key)
{
    explicit_bzero(key, sizeof *key);
}

static int write_key(const char *path, const char *key, mode_t mode, struct mr_error *reterr)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    int r = 0;

    if (fd < 0)
        return mr_error_set(reterr, mr_err_from_errno(errno), path,
                errno == EEXIST ? "move the old key away first"
                                : "make the folder and let this user write there",
                "cannot create the key file");
    if (dprintf(fd, "%s\n", key) != 41 || fsync(fd) != 0)
        r = mr_error_set(reterr, MR_EIO, path, "", "cannot write the key file");
    (void)close(fd);
    return r;
}

int mr_curvekey_create_files(
        const char *secret_path, const char *public_path, struct mr_curvekey *ret, struct mr_error *reterr)
{
    struct mr_curvekey key;
    int r = mr_curvekey_generate(&key);

    if (r < 0)
        return mr_error_set(reterr, r, secret_path, "", "cannot make a CURVE key");
    r = write_key(secret_path, key.secret_key, 0600, reterr);
    if (r == 0 && (r = write_key(public_path, key.public_key, 0644, reterr)) < 0)
        (void)unlink(secret_path); /* half a pair helps nobody */
    if (r == 0 && ret)
        *ret = key;
    mr_curvekey_wipe(&key);
    return r;
}

int mr_curvekey_from_secret(struct mr_curvekey *ret, const char secret_key[static MR_CURVEKEY_TEXT_MAX])
{
    memcpy(ret->secret_key, secret_key, sizeof ret->secret_key);
    return zmq_curve_public(ret->public_key, ret->secret_key) == 0 ? 0 : MR_EINVAL;
}
