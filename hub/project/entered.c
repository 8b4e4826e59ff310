#include "hub/project/entered.h"

#include <stdio.h>
#include <string.h>

#include "proto/base/nearest.h"

enum { OKTMO_DIGITS = 8 };

const struct mr_config_cell *mr_entered_find(const struct mr_config_passport *form, const char *code)
{
    for (uint32_t i = 0; i < form->cells_count; i++)
        if (strcmp(form->cells[i].code, code) == 0)
            return &form->cells[i];
    return NULL;
}

/* The code itself is not said: whoever has mistaken the field may have put a name into it. */
static int refuse(const struct mr_config_passport *form, const char *code, struct mr_error *reterr)
{
    const char *nearest = NULL;
    size_t least = SIZE_MAX;

    for (uint32_t i = 0; i < form->cells_count; i++) {
        size_t distance = mr_text_distance(code, form->cells[i].code);

        if (distance < least) {
            least = distance;
            nearest = form->cells[i].code;
        }
    }
    if (!nearest)
        return mr_error_set(reterr, MR_EINVAL, "cell",
                "list them in passport.cells of the configuration first",
                "the form has no cells to be entered");
    return mr_error_set(reterr, MR_EINVAL, "cell",
            "passport.cells of the configuration lists them; the form's new ones are added there",
            "the form has no such cell to be entered: the nearest is %s", nearest);
}

static bool is_oktmo(const char *text)
{
    return strlen(text) == OKTMO_DIGITS && strspn(text, "0123456789") == OKTMO_DIGITS;
}

int mr_entered_read(const struct mr_config_passport *form, const char *code, const char *oktmo,
        struct mr_entered *ret, struct mr_error *reterr)
{
    char whole[MR_CELL_CODE_MAX];
    const char *last = strrchr(code, '.');

    *ret = (struct mr_entered){.cell = mr_entered_find(form, code)};
    if (*oktmo && !is_oktmo(oktmo))
        return mr_error_set(reterr, MR_EINVAL, "oktmo", "give the 8 digits of the municipality", "no ОКТМО");
    if (!ret->cell && !*oktmo && last && is_oktmo(last + 1)) {
        (void)snprintf(whole, sizeof whole, "%.*s", (int)(last - code), code);
        ret->cell = mr_entered_find(form, whole);
        oktmo = last + 1;
    }
    (void)snprintf(ret->oktmo, sizeof ret->oktmo, "%s", oktmo);
    return ret->cell ? 0 : refuse(form, code, reterr);
}
