#include "tests/support/needles.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ctype.h>
#include <fcntl.h>
#include <ftw.h>
#include <iconv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <sodium.h>

#include "proto/base/hex.h"
#include "proto/base/list.h"

enum { FORM_BYTES_MAX = 512, WHAT_BYTES_MAX = 48, ENCODED_MAX = 2 * FORM_BYTES_MAX };

struct form {
    char what[WHAT_BYTES_MAX], how[WHAT_BYTES_MAX];
    uint8_t bytes[FORM_BYTES_MAX];
    size_t size;
};

struct needles {
    struct form *forms;
    size_t count, capacity;
};

struct needles *needles_new(void)
{
    assert_true(sodium_init() >= 0);
    return calloc(1, sizeof(struct needles));
}

void needles_free(struct needles *needles)
{
    free(needles->forms);
    free(needles);
}

static void add(struct needles *n, const char *what, const char *how, const void *bytes, size_t size)
{
    struct form *form;

    assert_in_range(size, 4, FORM_BYTES_MAX);
    if (n->count == n->capacity) {
        n->capacity = n->capacity ? 2 * n->capacity : 256;
        n->forms = realloc(n->forms, n->capacity * sizeof *n->forms);
        assert_non_null(n->forms);
    }
    form = &n->forms[n->count++];
    (void)snprintf(form->what, sizeof form->what, "%s", what);
    (void)snprintf(form->how, sizeof form->how, "%s", how);
    memcpy(form->bytes, bytes, size);
    form->size = size;
}

static void add_named(
        struct needles *n, const char *what, const char *of, const char *how, const void *bytes, size_t size)
{
    char name[WHAT_BYTES_MAX];

    (void)snprintf(name, sizeof name, "%s, %s", of, how);
    add(n, what, name, bytes, size);
}

/* Hex of either case; base64 of the whole groups at each of the three places. */
static void add_encoded(
        struct needles *n, const char *what, const char *of, const uint8_t *bytes, size_t size)
{
    char text[ENCODED_MAX];

    (void)mr_hex_encode(bytes, size, text);
    add_named(n, what, of, "hex", text, 2 * size);
    for (char *p = text; *p; p++)
        *p = (char)toupper((unsigned char)*p);
    add_named(n, what, of, "HEX", text, 2 * size);
    for (size_t skip = 0; skip < 3; skip++) {
        size_t whole = size > skip ? (size - skip) / 3 * 3 : 0;

        if (whole < 6)
            continue;
        (void)sodium_bin2base64(text, sizeof text, bytes + skip, whole, sodium_base64_VARIANT_ORIGINAL);
        add_named(n, what, of, "base64", text, strlen(text));
        (void)sodium_bin2base64(text, sizeof text, bytes + skip, whole, sodium_base64_VARIANT_URLSAFE);
        add_named(n, what, of, "base64url", text, strlen(text));
    }
}

static void add_hashes(struct needles *n, const char *what, const uint8_t *bytes, size_t size)
{
    static const char *const names[] = {"MD5", "SHA1", "SHA256", "SHA512", "BLAKE2B512"};
    uint8_t digest[64];

    for (size_t i = 0; i < MR_COUNT(names); i++) {
        unsigned length = 0;

        assert_int_equal(EVP_Digest(bytes, size, digest, &length, EVP_get_digestbyname(names[i]), NULL), 1);
        add(n, what, names[i], digest, length);
        add_encoded(n, what, names[i], digest, length);
    }
    for (size_t length = 16; length <= 32; length += 16) {
        (void)crypto_generichash(digest, length, bytes, size, NULL, 0);
        add(n, what, "BLAKE2b", digest, length);
        add_encoded(n, what, "BLAKE2b", digest, length);
    }
}

void needles_text(struct needles *n, const char *what, const char *text)
{
    static const char *const encodings[] = {"UTF-8", "CP1251", "UTF-16LE", "UTF-16BE"};

    for (size_t i = 0; i < MR_COUNT(encodings); i++) {
        uint8_t form[FORM_BYTES_MAX];
        iconv_t cd = iconv_open(encodings[i], "UTF-8");
        char *in = (char *)text, *to = (char *)form;
        size_t in_left = strlen(text), to_left = sizeof form, size;

        assert_true(cd != (iconv_t)-1);
        assert_true(iconv(cd, &in, &in_left, &to, &to_left) != (size_t)-1);
        (void)iconv_close(cd);
        size = sizeof form - to_left;
        add(n, what, encodings[i], form, size);
        add_encoded(n, what, encodings[i], form, size);
        if (i < 2)
            add_hashes(n, what, form, size);
    }
}

void needles_bytes(struct needles *n, const char *what, struct mr_slice bytes)
{
    char hex[ENCODED_MAX];

    add(n, what, "bytes", bytes.data, bytes.size);
    add_encoded(n, what, "bytes", bytes.data, bytes.size);
    add_hashes(n, what, bytes.data, bytes.size);
    needles_text(n, what, mr_hex_encode(bytes.data, bytes.size, hex));
}

/* ---- files ---- */

/* nftw has no argument for its callback. */
static struct {
    const struct needles *needles;
    const char *const *skip;
    size_t skip_count;
    const char *only; /* what; NULL: all */
    size_t looked_at;
    char found[1024];
} walk;

static bool skipped(const char *path)
{
    for (size_t i = 0; i < walk.skip_count; i++)
        if (strstr(path, walk.skip[i]))
            return true;
    return false;
}

static const struct form *look_in(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < walk.needles->count; i++) {
        const struct form *form = &walk.needles->forms[i];

        if (walk.only && strcmp(form->what, walk.only) != 0)
            continue;
        if (size >= form->size && memmem(bytes, size, form->bytes, form->size))
            return form;
    }
    return NULL;
}

static int look(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    const struct form *form;
    void *bytes;
    int fd;

    (void)ftw;
    if (type != FTW_F || !S_ISREG(st->st_mode) || skipped(path))
        return 0;
    form = look_in((const uint8_t *)path, strlen(path));
    if (!form && st->st_size > 0) {
        fd = open(path, O_RDONLY | O_CLOEXEC);
        assert_true(fd >= 0);
        bytes = mmap(NULL, (size_t)st->st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        assert_ptr_not_equal(bytes, MAP_FAILED);
        (void)close(fd);
        form = look_in(bytes, (size_t)st->st_size);
        walk.looked_at += (size_t)st->st_size;
        (void)munmap(bytes, (size_t)st->st_size);
    }
    if (form)
        (void)snprintf(walk.found, sizeof walk.found, "%s is in %s (%s)", form->what, path, form->how);
    return form != NULL;
}

static void look_below(const struct needles *needles, const char *dir)
{
    walk.needles = needles;
    walk.looked_at = 0;
    walk.found[0] = 0;
    assert_true(nftw(dir, look, 16, FTW_PHYS) >= 0);
}

size_t needles_search(
        const struct needles *needles, const char *dir, const char *const *skip, size_t skip_count)
{
    walk.skip = skip;
    walk.skip_count = skip_count;
    walk.only = NULL;
    look_below(needles, dir);
    if (walk.found[0])
        fail_msg("%s", walk.found);
    return walk.looked_at;
}

bool needles_found(const struct needles *needles, const char *what, const char *dir)
{
    walk.skip_count = 0;
    walk.only = what;
    look_below(needles, dir);
    return walk.found[0] != 0;
}
