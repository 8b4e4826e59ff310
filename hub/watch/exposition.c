#include "hub/watch/exposition.h"

void mr_exposition_family(struct mr_buf *out, const char *name, const char *type, const char *help)
{
    mr_buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void put_value(struct mr_buf *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '\n') {
            mr_buf_put_str(out, "\\n");
            continue;
        }
        if (*text == '\\' || *text == '"')
            mr_buf_put_u8(out, '\\');
        mr_buf_put_u8(out, (uint8_t)*text);
    }
}

/* 16 digits: every whole number that a double holds exactly below 10^16, and no noise behind a fraction. */
void mr_exposition_sample(struct mr_buf *out, const char *name, const struct mr_label *labels,
        size_t labels_count, double value)
{
    mr_buf_put_str(out, name);
    for (size_t i = 0; i < labels_count; i++) {
        mr_buf_printf(out, "%s%s=\"", i == 0 ? "{" : ",", labels[i].name);
        put_value(out, labels[i].value);
        mr_buf_put_u8(out, '"');
    }
    mr_buf_printf(out, "%s %.16g\n", labels_count > 0 ? "}" : "", value);
}
