#include "adapters/sdk/intake_place.h"

#include <stdio.h>
#include <string.h>

#include "adapters/sdk/file.h"
#include "proto/wire/wire.h"

#define CONFIRM_PREFIX "ПОДТВЕРДИТЬ-"
#define ASK_SUFFIX     ".ТРЕБУЕТ-ПОДТВЕРЖДЕНИЯ.txt"

void mr_intake_dir(const char *base, const char *folder, char out[static PATH_MAX])
{
    (void)snprintf(out, PATH_MAX, "%s%s%s", base, *folder ? "/" : "", folder);
}

void mr_intake_path(const char *in, const char *folder, const char *name, char out[static PATH_MAX])
{
    if (snprintf(out, PATH_MAX, "%s%s%s/%s", in, *folder ? "/" : "", folder, name) >= PATH_MAX)
        out[0] = 0; /* opening it fails */
}

const char *mr_intake_shown_name(const char *name)
{
    size_t prefix = strlen(CONFIRM_PREFIX);

    return strncmp(name, CONFIRM_PREFIX, prefix) == 0 && name[prefix] ? name + prefix : name;
}

/* FNV-1a: two names that differ in their odd bytes only are two names still. */
static uint32_t mark_of(const char *name)
{
    uint32_t mark = 2166136261U;

    for (; *name; name++)
        mark = (mark ^ (uint8_t)*name) * 16777619U;
    return mark;
}

const char *mr_intake_safe_name(const char *name, char out[static MR_INTAKE_NAME_MAX])
{
    int size;
    const char *p = mr_intake_shown_name(name);

    if (mr_file_name_ok(p)) {
        (void)snprintf(out, MR_INTAKE_NAME_MAX, "%s", p);
        return out;
    }
    size = snprintf(out, MR_INTAKE_NAME_MAX, "%08x-", mark_of(p));
    while (*p && size + 4 < MR_INTAKE_NAME_MAX) {
        size_t n = 1;

        while (n < 4 && ((uint8_t)p[n] & 0xc0) == 0x80)
            n++;
        if ((uint8_t)*p < 0x20 || strchr("\x7f/\\", *p) || !mr_utf8_valid(mr_slice((const uint8_t *)p, n))) {
            out[size++] = '_';
        } else {
            memcpy(out + size, p, n);
            size += (int)n;
        }
        p += n;
    }
    out[size] = 0;
    return out;
}

/* prefix + name + suffix in the folder; false when it is not there (or would be too long to be). */
static bool beside(const char *in, const char *folder, const char *prefix, const char *name,
        const char *suffix, bool remove)
{
    char dir[PATH_MAX], full[NAME_MAX + 1];

    if (snprintf(full, sizeof full, "%s%s%s", prefix, name, suffix) >= (int)sizeof full)
        return false;
    mr_intake_dir(in, folder, dir);
    if (!mr_file_exists(dir, full))
        return false;
    if (remove)
        (void)mr_file_remove(dir, full);
    return true;
}

bool mr_intake_confirmed(const char *in, const char *folder, const char *name)
{
    return mr_intake_shown_name(name) != name || beside(in, folder, CONFIRM_PREFIX, name, "", false);
}

bool mr_intake_is_question(const char *name)
{
    size_t n = strlen(name), end = strlen(ASK_SUFFIX);

    return n > end && strcmp(name + n - end, ASK_SUFFIX) == 0;
}

bool mr_intake_is_confirmation(const char *in, const char *folder, const char *name)
{
    const char *of = mr_intake_shown_name(name);

    return of != name && beside(in, folder, "", of, "", false);
}

void mr_intake_forget_question(const char *in, const char *folder, const char *name)
{
    char of[NAME_MAX + 1];

    (void)snprintf(of, sizeof of, "%.*s", (int)(strlen(name) - strlen(ASK_SUFFIX)), name);
    if (!beside(in, folder, "", of, "", false))
        (void)beside(in, folder, "", name, "", true);
}

int mr_intake_ask(const char *in, const char *folder, const char *name, const struct mr_error *question,
        struct mr_buf *lines)
{
    struct mr_buf text = MR_BUF_INIT;
    char dir[PATH_MAX], note[NAME_MAX + 1];
    int r;

    if (snprintf(note, sizeof note, "%s%s", name, ASK_SUFFIX) >= (int)sizeof note)
        return MR_EINVAL;
    mr_intake_dir(in, folder, dir);
    mr_buf_printf(&text,
            "\xef\xbb\xbf%s.\r\n%s\r\nЕсли так и должно быть, положите в эту папку пустой файл с именем\r\n"
            "  " CONFIRM_PREFIX
            "%s\r\nили так переименуйте сам файл. Если нет, удалите или замените файл.\r\n"
            "До подтверждения ничего не отправлено.\r\n",
            question->what, lines->size > 0 && mr_buf_str(lines) ? mr_buf_str(lines) : "", name);
    r = mr_buf_failed(&text) ? MR_ENOMEM : mr_file_write(dir, note, mr_buf_slice(&text), 0640);
    mr_buf_fini(&text);
    return r;
}

void mr_intake_remove(const char *in, const char *folder, const char *name)
{
    char dir[PATH_MAX];

    mr_intake_dir(in, folder, dir);
    (void)beside(in, folder, "", mr_intake_shown_name(name), ASK_SUFFIX, true);
    (void)beside(in, folder, CONFIRM_PREFIX, mr_intake_shown_name(name), "", true);
    (void)mr_file_remove(dir, name);
}
