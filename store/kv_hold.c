/* The owner's lock, taken by somebody who only wants that nobody owns the store for a while. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "store/kv.h"

int mr_kv_hold(const char *dir, int *ret, struct mr_error *reterr)
{
    char *path = NULL;
    int fd, r = 0;

    *ret = -1;
    if (asprintf(&path, "%s/owner.lock", dir) < 0)
        return MR_ENOMEM;
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        r = mr_error_set(reterr, mr_err_from_errno(errno), dir, "run it as the hub's user",
                "cannot open owner.lock: %s", strerror(errno));
    else if (flock(fd, LOCK_SH | LOCK_NB) < 0)
        r = mr_error_set(reterr, errno == EWOULDBLOCK ? MR_EEXISTS : mr_err_from_errno(errno), dir,
                "stop the hub", "in use by another process");
    free(path);
    if (r == 0)
        *ret = fd;
    else
        mr_kv_let_go(fd);
    return r;
}

void mr_kv_let_go(int held)
{
    if (held >= 0)
        (void)close(held);
}
