#include "store/note.h"

#include <assert.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "proto/base/bytes.h"

enum { ID_BYTES = 4 };

static const char DASH[] = "\xe2\x80\x94 "; /* em dash and space: how a signature's line begins */
static const char CURE[] = "take the note again from where it came from, unchanged";

/* ---- characters ---- */

/* One character of well-formed UTF-8 at *at, which moves behind it; 0 at ill-formed bytes and at NUL. */
static uint32_t next_char(const uint8_t **at, const uint8_t *end)
{
    static const uint32_t smallest[] = {0, 0x80, 0x800, 0x10000};
    const uint8_t *p = *at;
    unsigned more = *p < 0x80 ? 0 : *p >= 0xc2 && *p < 0xe0 ? 1 : *p >= 0xe0 && *p < 0xf0 ? 2 : 3;
    uint32_t c = more == 0 ? *p : *p & (0x3fu >> more);

    if ((more == 3 && (*p < 0xf0 || *p > 0xf4)) || (size_t)(end - p) <= more)
        return 0;
    for (unsigned i = 1; i <= more; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (p[i] & 0x3f);
    }
    *at = p + more + 1;
    return c < smallest[more] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ? 0 : c;
}

/* White_Space of the Unicode database. */
static bool is_space(uint32_t c)
{
    return c == ' ' || (c >= 9 && c <= 13) || c == 0x85 || c == 0xa0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f ||
           c == 0x3000;
}

static bool is_control(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0);
}

static bool name_valid(struct mr_slice name)
{
    const uint8_t *at = name.data;

    if (name.size == 0 || name.size > MR_NOTE_NAME_BYTES_MAX)
        return false;
    while (at < name.data + name.size) {
        uint32_t c = next_char(&at, name.data + name.size);

        if (c == 0 || c == '+' || is_space(c) || is_control(c))
            return false;
    }
    return true;
}

bool mr_note_name_valid(const char *name)
{
    return name_valid(mr_slice_str(name));
}

/* UTF-8 that ends in a newline and has no other control character. */
static bool text_valid(struct mr_slice text)
{
    const uint8_t *at = text.data;

    if (text.size == 0 || text.data[text.size - 1] != '\n')
        return false;
    while (at < text.data + text.size) {
        uint32_t c = next_char(&at, text.data + text.size);

        if (c == 0 || (is_control(c) && c != '\n'))
            return false;
    }
    return true;
}

/* ---- signing and verifying ---- */

int mr_note_sign(struct mr_buf *out, struct mr_slice text, const struct mr_note_signer *signer)
{
    uint8_t blob[ID_BYTES + crypto_sign_BYTES];

    if (!text_valid(text) || text.size > MR_NOTE_BYTES_MAX / 2)
        return MR_EINVAL;
    mr_put_be32(blob, signer->public_key.id);
    (void)crypto_sign_detached(blob + ID_BYTES, NULL, text.data, text.size, signer->secret);
    mr_buf_put_slice(out, text);
    mr_buf_put_str(out, "\n");
    mr_buf_put_str(out, DASH);
    mr_buf_put_str(out, signer->public_key.name);
    mr_buf_put_str(out, " ");
    mr_base64_put(out, blob, sizeof blob);
    mr_buf_put_str(out, "\n");
    return mr_buf_failed(out) ? MR_ENOMEM : 0;
}

static int malformed(struct mr_error *reterr, size_t line, const char *what)
{
    char where[48];

    (void)snprintf(where, sizeof where, "signature line %zu of the note", line);
    return mr_error_set(reterr, MR_EMALFORMED, line ? where : "note", CURE, "%s", what);
}

/* Only the alphabet's characters: libsodium 1.0.18 takes some bytes above 0x7f for them. */
static bool is_base64(struct mr_slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];

        if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
                    c == '/' || c == '='))
            return false;
    }
    return true;
}

/* "— name base64", without the newline. NULL, or what is wrong with it. */
static const char *parse_line(struct mr_note_signature *ret, struct mr_slice line)
{
    const size_t dash = sizeof DASH - 1;
    uint8_t blob[MR_NOTE_SIGNATURE_BYTES_MAX];
    const char *end = NULL;
    const uint8_t *space;
    size_t size = 0;

    if (line.size < dash || memcmp(line.data, DASH, dash) != 0)
        return "it does not begin with an em dash and a space";
    line = mr_slice(line.data + dash, line.size - dash);
    space = memchr(line.data, ' ', line.size);
    if (!space)
        return "it has no name and signature";
    ret->name = mr_slice(line.data, (size_t)(space - line.data));
    ret->base64 = mr_slice(space + 1, line.size - ret->name.size - 1);
    if (!name_valid(ret->name))
        return "the name of its key is none";
    if (!is_base64(ret->base64) ||
            sodium_base642bin(blob, sizeof blob, (const char *)ret->base64.data, ret->base64.size, NULL,
                    &size, &end, sodium_base64_VARIANT_ORIGINAL) != 0 ||
            end != (const char *)ret->base64.data + ret->base64.size)
        return "its signature is no base64, or too long";
    if (size <= ID_BYTES)
        return "its signature is empty";
    ret->id = mr_get_be32(blob);
    return NULL;
}

/* Where the last blank line ends: the signatures stand behind it. */
static const uint8_t *signatures_of(struct mr_slice bytes)
{
    for (size_t i = bytes.size; i >= 2; i--)
        if (bytes.data[i - 1] == '\n' && bytes.data[i - 2] == '\n')
            return bytes.data + i;
    return NULL;
}

int mr_note_parse(struct mr_note *ret, struct mr_slice bytes, struct mr_error *reterr)
{
    const uint8_t *at, *end, *newline;

    ret->signatures_count = 0;
    if (bytes.size > MR_NOTE_BYTES_MAX)
        return mr_error_set(reterr, MR_ETOOBIG, "note", CURE, "it has more than %d bytes", MR_NOTE_BYTES_MAX);
    if (!text_valid(bytes))
        return malformed(reterr, 0, "it is no UTF-8, has a control character, or does not end in a newline");
    at = signatures_of(bytes);
    end = bytes.data + bytes.size;
    if (!at || at == end)
        return malformed(reterr, 0, "it has no signatures behind a blank line");
    ret->text = mr_slice(bytes.data, (size_t)(at - bytes.data) - 1);
    for (; at < end; at = newline + 1) {
        const char *wrong;

        newline = memchr(at, '\n', (size_t)(end - at));
        if (ret->signatures_count == MR_NOTE_SIGNATURES_MAX)
            return mr_error_set(reterr, MR_ETOOBIG, "note", CURE, "it has more than %d signatures",
                    MR_NOTE_SIGNATURES_MAX);
        wrong = parse_line(&ret->signatures[ret->signatures_count], mr_slice(at, (size_t)(newline - at)));
        if (wrong)
            return malformed(reterr, ret->signatures_count + 1, wrong);
        ret->signatures_count++;
    }
    return 0;
}

static bool is_of(const struct mr_note_signature *signature, const struct mr_note_key *key)
{
    return signature->id == key->id && mr_slice_equal(signature->name, mr_slice_str(key->name));
}

int mr_note_verify(const struct mr_note *note, const struct mr_note_key *key, struct mr_error *reterr)
{
    uint8_t blob[ID_BYTES + crypto_sign_BYTES];
    bool found = false;

    for (size_t i = 0; i < note->signatures_count; i++) {
        const struct mr_note_signature *signature = &note->signatures[i];

        if (!is_of(signature, key))
            continue;
        if (mr_base64_get(signature->base64, blob, sizeof blob) < 0 ||
                crypto_sign_verify_detached(blob + ID_BYTES, note->text.data, note->text.size, key->key) != 0)
            return mr_error_set(reterr, MR_EDENIED, key->name, "do not trust this note: it was changed",
                    "the signature of the note does not verify");
        found = true;
    }
    if (found)
        return 0;
    return mr_error_set(reterr, MR_ENOTFOUND, key->name,
            "give the key of the log that signed it (marshrut log key)",
            "the note is not signed by this key");
}

/* ---- base64 ---- */

void mr_base64_put(struct mr_buf *out, const uint8_t *data, size_t size)
{
    size_t room = sodium_base64_encoded_len(size, sodium_base64_VARIANT_ORIGINAL); /* with a NUL */
    uint8_t *at = mr_buf_reserve(out, room);

    if (!at)
        return;
    (void)sodium_bin2base64((char *)at, room, data, size, sodium_base64_VARIANT_ORIGINAL);
    out->size += room - 1;
}

int mr_base64_get(struct mr_slice text, uint8_t *out, size_t size)
{
    const char *end = NULL;
    size_t got = 0;

    if (text.size == 0)
        return size == 0 ? 0 : MR_EMALFORMED;
    if (!is_base64(text) || sodium_base642bin(out, size, (const char *)text.data, text.size, NULL, &got, &end,
                                    sodium_base64_VARIANT_ORIGINAL) != 0)
        return MR_EMALFORMED;
    return got == size && end == (const char *)text.data + text.size ? 0 : MR_EMALFORMED;
}
