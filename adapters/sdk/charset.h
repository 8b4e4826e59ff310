/* Bytes of an office file to UTF-8: UTF-8 (with or without BOM), UTF-16 with BOM ("Unicode text" of Excel),
 * cp1251. */
#ifndef MR_SDK_CHARSET_H
#define MR_SDK_CHARSET_H

#include <stdint.h>

#include "proto/base/buf.h"
#include "proto/base/err.h"
#include "proto/base/slice.h"

/*
 * Appends UTF-8 without BOM. *ret_name is static. MR_EINVAL with "строка N" in where: NUL, a byte that cp1251
 * does not have (0x98), or lines in different encodings. Texts are Russian: they go into the report.
 */
int mr_charset_decode(
        struct mr_slice content, struct mr_buf *out, const char **ret_name, struct mr_error *reterr);

/* One letter at text (valid UTF-8, NUL-terminated): its code point; *ret_size bytes. 0 at the end. */
uint32_t mr_utf8_next(const char *text, unsigned *ret_size);
/* Writes 1 to 4 bytes. */
unsigned mr_utf8_put(uint32_t code, char out[static 4]);

#endif
