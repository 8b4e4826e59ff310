#include "hub/erasure/act_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>
#include <sodium.h>

#include "hub/erasure/act_text.h"
#include "proto/base/hex.h"
#include "proto/wire/digest.h"

enum { NAME_BYTES_MAX = 64, SALT_BYTES = 32, HEX_MAX = 2 * MR_SHA256_BYTES + 1 };

struct files {
    const struct mr_house *house;
    const mr_erasure_request *request;
    const mr_erasure_secret *secret;
    struct mr_buf text, journal, json;
    struct mr_error *error;
};

static int failed(const char *dir, const char *what, struct mr_error *reterr)
{
    return mr_error_set(reterr, mr_err_from_errno(errno), dir,
            "make room or correct the rights; it is tried again", "the act cannot be written: %s: %s", what,
            strerror(errno));
}

/* ---- a file, whole or not at all ---- */

static int write_all(int fd, struct mr_slice bytes)
{
    while (bytes.size > 0) {
        ssize_t n = write(fd, bytes.data, bytes.size);

        if (n < 0 && errno != EINTR)
            return -1;
        if (n > 0)
            bytes = mr_slice(bytes.data + n, bytes.size - (size_t)n);
    }
    return 0;
}

static int sync_folder(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int r = fd < 0 ? -1 : fsync(fd);

    if (fd >= 0)
        (void)close(fd);
    return r;
}

int mr_act_file_write(const char *dir, const char *name, struct mr_slice bytes, struct mr_error *reterr)
{
    char path[PATH_MAX], beside[PATH_MAX];
    int fd, r;

    if (snprintf(path, sizeof path, "%s/%s", dir, name) >= (int)sizeof path ||
            snprintf(beside, sizeof beside, "%s/.%s.new", dir, name) >= (int)sizeof beside)
        return mr_error_set(reterr, MR_ECONFIG, "hub.acts", "use a shorter path", "the path is too long");
    if (mkdir(dir, 0700) < 0 && errno != EEXIST)
        return failed(dir, "make the folder", reterr);
    fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return failed(dir, "open", reterr);
    r = write_all(fd, bytes) < 0 || fsync(fd) < 0 ? -1 : 0;
    if (close(fd) < 0 || r < 0 || rename(beside, path) < 0 || sync_folder(dir) < 0)
        return failed(dir, "write", reterr);
    return 0;
}

/* ---- what is in it ---- */

static json_t *digest_json(const char *name, const struct mr_buf *content)
{
    uint8_t digest[MR_SHA256_BYTES];
    char hex[HEX_MAX];

    mr_sha256(mr_buf_slice(content), digest);
    return json_pack("{s:s, s:s}", "file", name, "sha256", mr_hex_encode(digest, sizeof digest, hex));
}

static json_t *texts_json(char *const *texts, size_t count)
{
    json_t *list = json_array();

    for (size_t i = 0; i < count; i++)
        (void)json_array_append_new(list, json_string(texts[i]));
    return list;
}

/* Ids only when there is nothing else to say who it was. */
static json_t *subject_json(const mr_erasure_secret *secret)
{
    json_t *names = json_array(), *local_ids = json_array();

    for (size_t i = 0; i < secret->n_names; i++)
        (void)json_array_append_new(
                names, json_pack("{s:s, s:s, s:s, s:s}", "family_name", secret->names[i]->family_name,
                               "given_name", secret->names[i]->given_name, "patronymic",
                               secret->names[i]->patronymic, "birth_date", secret->names[i]->birth_date));
    for (size_t i = 0; secret->n_names == 0 && secret->n_snils == 0 && i < secret->n_local_ids; i++)
        (void)json_array_append_new(local_ids, json_pack("{s:s, s:s}", "system", secret->local_ids[i]->system,
                                                       "id", secret->local_ids[i]->id));
    return json_pack("{s:o, s:o, s:o}", "names", names, "snils", texts_json(secret->snils, secret->n_snils),
            "local_ids", local_ids);
}

static json_t *damaged_json(const mr_erasure_request *request)
{
    json_t *list = json_array();

    for (size_t i = 0; i < request->n_damaged; i++)
        (void)json_array_append_new(list, json_pack("[I, I]", (json_int_t)request->damaged[i]->first,
                                                  (json_int_t)request->damaged[i]->last));
    return list;
}

static json_t *told_json(const mr_erasure_request *request)
{
    json_t *list = json_array();

    for (size_t i = 0; i < request->n_notices; i++)
        (void)json_array_append_new(list, json_pack("{s:s, s:I}", "system", request->notices[i]->system,
                                                  "event", (json_int_t)request->notices[i]->number));
    return list;
}

static json_t *act_json(const struct files *f, const char *text_name, const char *journal_name)
{
    const struct mr_config_erasure *config = &f->house->config->erasure;
    const mr_erasure_request *q = f->request;
    const mr_erasure_secret *s = f->secret;
    uint8_t salt[SALT_BYTES];
    char salt_hex[2 * SALT_BYTES + 1], requested[MR_TIME_TEXT_MAX], destroyed[MR_TIME_TEXT_MAX];

    randombytes_buf(salt, sizeof salt);
    return json_pack("{s:s, s:I, s:s, s:s, s:s, s:s, s:o, s:o, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, "
                     "s:I, s:I, s:s, s:I, s:o, "
                     "s:o, s:o, s:o, s:o}",
            "document", "act-of-destruction", "request", (json_int_t)q->number, "salt",
            mr_hex_encode(salt, sizeof salt, salt_hex), "controller", config->controller, "address",
            config->address, "information_system", config->information_system, "subject", subject_json(s),
            "categories", texts_json(s->categories, s->n_categories), "way", MR_ACT_WAY, "basis", q->basis,
            "case", s->case_text, "requested_by", q->requested_by, "approved_by", q->approved_by, "requested",
            mr_time_format(q->requested_us, requested), "destroyed",
            mr_time_format(q->destroyed_us, destroyed), "events", (json_int_t)q->events, "quarantined",
            (json_int_t)q->quarantined, "generation_before", (json_int_t)q->generation_before,
            "generation_after", (json_int_t)q->generation_after, "escrow", q->escrow, "damaged",
            (json_int_t)q->damaged_met, "damaged_records", damaged_json(q), "told", told_json(q), "excepted",
            mr_act_excepted_json(), "text", digest_json(text_name, &f->text), "journal",
            digest_json(journal_name, &f->journal));
}

static int make_json(struct files *f, const char *text_name, const char *journal_name)
{
    json_t *json = act_json(f, text_name, journal_name);
    char *text = json ? json_dumps(json, JSON_INDENT(2) | JSON_SORT_KEYS) : NULL;

    json_decref(json);
    if (!text)
        return MR_ENOMEM;
    mr_buf_put_str(&f->json, text);
    mr_buf_put_str(&f->json, "\n");
    explicit_bzero(text, strlen(text));
    free(text);
    return mr_buf_failed(&f->json) ? MR_ENOMEM : 0;
}

static int write_files(struct files *f, uint8_t *ret_digest)
{
    char act[NAME_BYTES_MAX], text[NAME_BYTES_MAX], journal[NAME_BYTES_MAX];
    const char *dir = f->house->config->hub.acts;
    unsigned long long number = f->request->number;
    int r;

    (void)snprintf(act, sizeof act, "act-%llu.json", number);
    (void)snprintf(text, sizeof text, "act-%llu.txt", number);
    (void)snprintf(journal, sizeof journal, "journal-%llu.csv", number);
    mr_act_text(f->house, f->request, f->secret, &f->text);
    mr_act_journal(f->house, f->request, f->secret, &f->journal);
    r = mr_buf_failed(&f->text) || mr_buf_failed(&f->journal) ? MR_ENOMEM : make_json(f, text, journal);
    if (r == 0)
        r = mr_act_file_write(dir, journal, mr_buf_slice(&f->journal), f->error);
    if (r == 0)
        r = mr_act_file_write(dir, text, mr_buf_slice(&f->text), f->error);
    if (r == 0)
        r = mr_act_file_write(dir, act, mr_buf_slice(&f->json), f->error);
    mr_sha256(mr_buf_slice(&f->json), ret_digest);
    return r;
}

int mr_act_files_write(const struct mr_house *house, const mr_erasure_request *request,
        const mr_erasure_secret *secret, uint8_t ret_digest[static 32], struct mr_error *reterr)
{
    struct files f = {.house = house, .request = request, .secret = secret, .error = reterr};
    int r = write_files(&f, ret_digest);

    mr_buf_wipe(&f.text);
    mr_buf_wipe(&f.journal);
    mr_buf_wipe(&f.json);
    return r;
}
