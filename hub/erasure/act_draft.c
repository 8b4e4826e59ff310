/* The draft of an act: a file that is there before the keys go, and is gone when the act is there. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hub/erasure/act_file.h"
#include "hub/record/payload.h"
#include "proto/base/logfmt.h"
#include "proto/wire/codec.h"
#include "proto/wire/digest.h"

enum { NAME_BYTES_MAX = 64, DRAFT_BYTES_MAX = 8 << 20 };

static const char *name_of(uint64_t number, char out[static NAME_BYTES_MAX])
{
    (void)snprintf(out, NAME_BYTES_MAX, ".act-%llu.draft", (unsigned long long)number);
    return out;
}

static int path_of(const struct mr_house *house, uint64_t number, char out[static PATH_MAX])
{
    char name[NAME_BYTES_MAX];
    int n = snprintf(out, PATH_MAX, "%s/%s", house->config->hub.acts, name_of(number, name));

    return n > 0 && n < PATH_MAX ? 0 : MR_ECONFIG;
}

static int failed(const struct mr_house *house, int r, const char *what, struct mr_error *reterr)
{
    return mr_error_set(reterr, r, house->config->hub.acts,
            "make room or correct the rights; it is tried again", "the act cannot be drafted: %s: %s", what,
            mr_err_text(r));
}

int mr_act_draft_write(const struct mr_house *house, const mr_erasure_request *request,
        const mr_erasure_secret *secret, struct mr_error *reterr)
{
    mr_erasure_secret draft = *secret;
    struct mr_buf bytes = MR_BUF_INIT;
    char name[NAME_BYTES_MAX];
    int r;

    /* Which events they were, who knows them, and by which keys, is nobody's business later on. */
    draft.n_records = draft.n_quarantined = draft.n_proposals = draft.n_known = draft.n_parts = 0;
    draft.person.len = 0;
    r = mr_payload_pack(&bytes, &draft.base);
    if (r == 0 && bytes.size > DRAFT_BYTES_MAX)
        r = MR_ETOOBIG;
    r = r < 0 ? failed(house, r, "encode", reterr)
              : mr_act_file_write(house->config->hub.acts, name_of(request->number, name),
                        mr_buf_slice(&bytes), reterr);
    mr_buf_wipe(&bytes);
    return r;
}

/* 0, or negative with errno. */
static int read_all(int fd, struct mr_buf *ret)
{
    uint8_t part[4096];
    ssize_t n;

    do {
        n = read(fd, part, sizeof part);
        if (n > 0)
            mr_buf_put(ret, part, (size_t)n);
    } while ((n > 0 && ret->size <= DRAFT_BYTES_MAX) || (n < 0 && errno == EINTR));
    explicit_bzero(part, sizeof part);
    if (n == 0 && mr_buf_failed(ret))
        errno = ENOMEM;
    return n != 0 || mr_buf_failed(ret) ? -1 : 0;
}

static int read_file(const char *path, struct mr_buf *ret)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    int r = fd < 0 ? mr_err_from_errno(errno) : 0;

    if (r == 0 && read_all(fd, ret) < 0)
        r = mr_err_from_errno(errno);
    if (fd >= 0)
        (void)close(fd);
    return r;
}

int mr_act_draft_read(const struct mr_house *house, const mr_erasure_request *request, struct mr_arena *arena,
        mr_erasure_secret **ret, struct mr_error *reterr)
{
    ProtobufCAllocator allocator = mr_arena_allocator(arena);
    struct mr_buf bytes = MR_BUF_INIT;
    char path[PATH_MAX];
    int r = path_of(house, request->number, path);

    if (r == 0)
        r = read_file(path, &bytes);
    *ret = NULL;
    if (r == 0)
        *ret = marshrut__erasure__v1__secret__unpack(&allocator, bytes.size, bytes.data);
    mr_buf_wipe(&bytes);
    if (*ret)
        return 0;
    if (r < 0 && r != MR_ENOTFOUND)
        return failed(house, r, "read the draft", reterr);
    /* Somebody took it away, and who it was nobody knows any more: the act says so. */
    mr_err("erasure.draft_lost", "request", MR_N(request->number), "where", house->config->hub.acts, "cure",
            "write by hand into the act who it was; keep the folder from everybody but the hub");
    *ret = mr_arena_alloc(arena, sizeof **ret);
    if (!*ret)
        return MR_ENOMEM;
    marshrut__erasure__v1__secret__init(*ret);
    return 0;
}

int mr_act_written(const struct mr_house *house, uint64_t number, uint8_t ret_digest[static 32])
{
    struct mr_buf bytes = MR_BUF_INIT;
    char path[PATH_MAX];
    int r = path_of(house, number, path), n;

    if (r == 0 && access(path, F_OK) == 0)
        return MR_ENOTFOUND;
    n = snprintf(path, sizeof path, "%s/act-%llu.json", house->config->hub.acts, (unsigned long long)number);
    if (r == 0)
        r = n > 0 && n < (int)sizeof path ? read_file(path, &bytes) : MR_ECONFIG;
    if (r == 0)
        mr_sha256(mr_buf_slice(&bytes), ret_digest);
    mr_buf_wipe(&bytes);
    return r;
}

int mr_act_draft_remove(const struct mr_house *house, uint64_t number, struct mr_error *reterr)
{
    char path[PATH_MAX];
    int r = path_of(house, number, path);

    if (r == 0 && unlink(path) < 0 && errno != ENOENT)
        r = mr_err_from_errno(errno);
    return r < 0 ? failed(house, r, "remove the draft", reterr) : 0;
}
