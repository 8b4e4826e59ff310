#include "adapters/sdk/erasure_search.h"

#include <stdbool.h>
#include <string.h>

#include "adapters/sdk/charset.h"
#include "adapters/sdk/normalise.h"
#include "adapters/sdk/zip_read.h"
#include "proto/base/buf.h"
#include "proto/base/err.h"

enum { WORD_BYTES_MAX = 256, RUN_DIGITS_MAX = 4096, NAMES_MAX = 32 };

/* ---- digits: СНИЛС ---- */

/* What may stand between the digits of a СНИЛС. Everything else ends the run. */
static bool joins(uint32_t code)
{
    return code == ' ' || code == '-' || code == '.' || code == 0xa0 || code == 0x2007 || code == 0x202f ||
           code == 0x2009 || code == 0x2212 || (code >= 0x2010 && code <= 0x2015);
}

static bool run_has(const Nms__Event__V1__HubErasureNotice *notice, const char *digits)
{
    for (size_t i = 0; i < notice->n_snils; i++)
        if (*notice->snils[i] && strstr(digits, notice->snils[i]))
            return true;
    return false;
}

static bool has_snils(const Nms__Event__V1__HubErasureNotice *notice, const char *text)
{
    char run[RUN_DIGITS_MAX + 1];
    size_t n = 0;
    bool found = false;
    unsigned size;

    for (uint32_t code; !found && (code = mr_utf8_next(text, &size)) != 0; text += size) {
        if (code >= '0' && code <= '9') {
            if (n == RUN_DIGITS_MAX) { /* keep what a СНИЛС may begin with */
                run[n] = 0;
                found = run_has(notice, run);
                memmove(run, run + n - 10, 10);
                n = 10;
            }
            run[n++] = (char)code;
        } else if (!joins(code)) {
            run[n] = 0;
            found = n >= 11 && run_has(notice, run);
            n = 0;
        }
    }
    run[n] = 0;
    found = found || run_has(notice, run);
    explicit_bzero(run, sizeof run);
    return found;
}

/* ---- words: names and ids ---- */

struct words {
    const Nms__Event__V1__HubErasureNotice *notice;
    char family[NAMES_MAX][WORD_BYTES_MAX], given[NAMES_MAX][WORD_BYTES_MAX]; /* folded */
    size_t count;
    bool family_seen[NAMES_MAX], given_seen[NAMES_MAX]; /* in this line */
    bool found;
};

static void words_init(struct words *w, const Nms__Event__V1__HubErasureNotice *notice)
{
    *w = (struct words){.notice = notice};
    for (size_t i = 0; i < notice->n_names && w->count < NAMES_MAX; i++) {
        (void)mr_fold(notice->names[i]->family_name, w->family[w->count], WORD_BYTES_MAX);
        (void)mr_fold(notice->names[i]->given_name, w->given[w->count], WORD_BYTES_MAX);
        if (*w->family[w->count] && *w->given[w->count])
            w->count++;
    }
}

static void end_line(struct words *w)
{
    memset(w->family_seen, 0, sizeof w->family_seen);
    memset(w->given_seen, 0, sizeof w->given_seen);
}

static void take_word(struct words *w, const char *word)
{
    char folded[WORD_BYTES_MAX];

    for (size_t i = 0; i < w->notice->n_ids; i++)
        w->found |= strcmp(w->notice->ids[i], word) == 0;
    for (size_t i = 0; i < w->notice->n_local_ids; i++)
        w->found |= strcmp(w->notice->local_ids[i], word) == 0;
    if (w->count == 0)
        return;
    (void)mr_fold(word, folded, sizeof folded);
    for (size_t i = 0; i < w->count; i++) {
        w->family_seen[i] |= strcmp(w->family[i], folded) == 0;
        w->given_seen[i] |= strcmp(w->given[i], folded) == 0;
        w->found |= w->family_seen[i] && w->given_seen[i];
    }
    explicit_bzero(folded, sizeof folded);
}

static bool in_word(uint32_t code)
{
    if (code < 0x80)
        return (code >= '0' && code <= '9') || (code >= 'A' && code <= 'Z') || (code >= 'a' && code <= 'z') ||
               code == '-' || code == '_';
    return code != 0xa0 && code != 0xab && code != 0xbb && code != 0xb7 &&
           !(code >= 0x2000 && code <= 0x206f && !(code >= 0x2010 && code <= 0x2011));
}

static bool has_words(const Nms__Event__V1__HubErasureNotice *notice, const char *text)
{
    struct words w;
    char word[WORD_BYTES_MAX];
    size_t n = 0;
    unsigned size;

    words_init(&w, notice);
    for (uint32_t code; !w.found && (code = mr_utf8_next(text, &size)) != 0; text += size) {
        if (in_word(code)) {
            if (n + size < sizeof word) { /* a longer one is no name */
                memcpy(word + n, text, size);
                n += size;
            }
            continue;
        }
        word[n] = 0;
        if (n > 0)
            take_word(&w, word);
        n = 0;
        if (code == '\n' || code == '\r')
            end_line(&w);
    }
    word[n] = 0;
    if (n > 0)
        take_word(&w, word);
    explicit_bzero(word, sizeof word);
    explicit_bzero(w.family, sizeof w.family);
    explicit_bzero(w.given, sizeof w.given);
    return w.found;
}

static bool in_text(const Nms__Event__V1__HubErasureNotice *notice, const char *text)
{
    return has_snils(notice, text) || has_words(notice, text);
}

/* ---- bytes ---- */

/* What is in no encoding that is read here has its digits and Latin ids all the same. */
static void keep_ascii(struct mr_slice content, struct mr_buf *out)
{
    for (size_t i = 0; i < content.size; i++)
        if (content.data[i] != 0) /* UTF-16 without a mark: every other one */
            mr_buf_put_u8(out, content.data[i] < 0x80 ? content.data[i] : ' ');
}

static int in_bytes(const Nms__Event__V1__HubErasureNotice *notice, struct mr_slice content)
{
    struct mr_buf text = MR_BUF_INIT;
    const char *encoding;
    int r = mr_charset_decode(content, &text, &encoding, NULL);

    if (r == MR_EINVAL) {
        mr_buf_reset(&text);
        keep_ascii(content, &text);
        r = 0;
    }
    if (r == 0)
        r = mr_buf_str(&text) ? in_text(notice, (const char *)text.data) : MR_ENOMEM;
    mr_buf_wipe(&text);
    return r;
}

static int in_archive(const Nms__Event__V1__HubErasureNotice *notice, struct mr_slice content)
{
    static const struct mr_zip_limits limits = {.entries_max = 4096, .any_name = true};
    struct mr_zip *zip;
    int r = mr_zip_read(&zip, content, &limits, NULL);

    if (r < 0)
        return r == MR_ENOMEM ? r : 1; /* nobody can say that the person is not in it */
    for (size_t i = 0; r == 0 && i < mr_zip_count(zip); i++)
        r = in_bytes(notice, mr_zip_at(zip, i));
    mr_zip_free(zip);
    return r;
}

int mr_erasure_search(
        const Nms__Event__V1__HubErasureNotice *notice, const char *name, struct mr_slice content)
{
    int r = in_bytes(notice, mr_slice_str(name));

    if (r == 0)
        r = mr_zip_looks_like(content) ? in_archive(notice, content) : in_bytes(notice, content);
    return r;
}
