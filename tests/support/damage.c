#include "tests/support/damage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BIT = 2 };

void damage_at(const char *file, off_t offset)
{
    int fd = open(file, O_RDWR | O_CLOEXEC);
    uint8_t byte;

    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, offset), 1);
    byte ^= BIT;
    assert_int_equal(pwrite(fd, &byte, 1, offset), 1);
    (void)close(fd);
}

void damage_text(const char *file, const char *text)
{
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    const char *found;
    struct stat st;
    off_t offset;
    char *bytes;

    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &st), 0);
    bytes = malloc((size_t)st.st_size);
    assert_non_null(bytes);
    assert_int_equal(pread(fd, bytes, (size_t)st.st_size, 0), st.st_size);
    (void)close(fd);
    found = memmem(bytes, (size_t)st.st_size, text, strlen(text));
    assert_non_null(found);
    offset = found - bytes;
    free(bytes);
    damage_at(file, offset);
}
