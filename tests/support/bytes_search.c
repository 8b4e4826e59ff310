#include "tests/support/bytes_search.h"

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
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/base/list.h"

enum { FORM_BYTES_MAX = 256 };

static const char *const encodings[] = {"UTF-8", "CP1251", "UTF-16LE", "UTF-16BE"};

static bool has(struct mr_slice bytes, const void *what, size_t size)
{
    return size > 0 && bytes.size >= size && memmem(bytes.data, bytes.size, what, size) != NULL;
}

static const char *search_hex(struct mr_slice bytes, struct mr_slice what)
{
    char lower[2 * FORM_BYTES_MAX + 1] = "", upper[2 * FORM_BYTES_MAX + 1];
    size_t n = 2 * what.size;

    for (size_t i = 0; i < what.size; i++)
        (void)snprintf(lower + 2 * i, 3, "%02x", what.data[i]);
    for (size_t i = 0; i <= n; i++)
        upper[i] = (char)toupper((unsigned char)lower[i]);
    return has(bytes, lower, n) || has(bytes, upper, n) ? "hex" : NULL;
}

const char *bytes_search_raw(struct mr_slice bytes, struct mr_slice what)
{
    assert_in_range(what.size, 1, FORM_BYTES_MAX);
    return has(bytes, what.data, what.size) ? "plain" : search_hex(bytes, what);
}

static size_t encode(const char *encoding, const char *text, uint8_t out[static FORM_BYTES_MAX])
{
    iconv_t cd = iconv_open(encoding, "UTF-8");
    char *in = (char *)text, *to = (char *)out;
    size_t in_left = strlen(text), to_left = FORM_BYTES_MAX;

    assert_true(cd != (iconv_t)-1);
    assert_true(iconv(cd, &in, &in_left, &to, &to_left) != (size_t)-1);
    (void)iconv_close(cd);
    return FORM_BYTES_MAX - to_left;
}

const char *bytes_search(struct mr_slice bytes, const char *text)
{
    for (size_t i = 0; i < MR_COUNT(encodings); i++) {
        uint8_t form[FORM_BYTES_MAX];
        size_t size = encode(encodings[i], text, form);

        if (has(bytes, form, size))
            return encodings[i];
        if (search_hex(bytes, mr_slice(form, size)))
            return "hex";
    }
    return NULL;
}

const char *bytes_snils_dashed(const char *snils)
{
    static char dashed[16];

    (void)snprintf(dashed, sizeof dashed, "%.3s-%.3s-%.3s %.2s", snils, snils + 3, snils + 6, snils + 9);
    return dashed;
}

/* nftw has no argument for its callback. */
static struct {
    const char *text;
    size_t looked_at;
    char found[512];
} walk;

static int look(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    int fd;
    void *bytes;
    const char *form;

    (void)ftw;
    if (type != FTW_F || !S_ISREG(st->st_mode) || st->st_size == 0)
        return 0;
    fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    bytes = mmap(NULL, (size_t)st->st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    assert_ptr_not_equal(bytes, MAP_FAILED);
    (void)close(fd);
    form = bytes_search(mr_slice(bytes, (size_t)st->st_size), walk.text);
    if (form)
        (void)snprintf(walk.found, sizeof walk.found, "%s (%s)", path, form);
    walk.looked_at += (size_t)st->st_size;
    (void)munmap(bytes, (size_t)st->st_size);
    return form != NULL;
}

static void look_below(const char *dir, const char *text)
{
    walk.text = text;
    walk.looked_at = 0;
    walk.found[0] = 0;
    assert_true(nftw(dir, look, 16, FTW_PHYS) >= 0);
}

size_t bytes_search_folder(const char *dir, const char *text)
{
    look_below(dir, text);
    if (walk.found[0])
        fail_msg("\"%s\" is in %s", text, walk.found);
    return walk.looked_at;
}

bool bytes_folder_has(const char *dir, const char *text)
{
    look_below(dir, text);
    return walk.found[0] != 0;
}
