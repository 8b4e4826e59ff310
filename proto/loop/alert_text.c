#include "proto/loop/alert_text.h"

#include <jansson.h>
#include <stdlib.h>

#include "proto/base/clock.h"

void mr_alert_json(struct mr_buf *out, const struct mr_alert *alert, const char *from)
{
    char since[MR_TIME_TEXT_MAX];
    char at[MR_TIME_TEXT_MAX];
    json_t *json = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "from", from, "condition",
            alert->condition, "subject", alert->subject, "state", alert->state, "since",
            mr_time_format(alert->since_us, since), "at", mr_time_format(alert->at_us, at), "what",
            alert->what, "cure", alert->cure);
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;

    if (text)
        mr_buf_put_str(out, text);
    else
        out->failed = true;
    mr_buf_put_u8(out, '\n');
    free(text);
    json_decref(json);
}

void mr_alert_mail(
        struct mr_buf *subject, struct mr_buf *text, const struct mr_alert *alert, const char *from)
{
    char time[MR_TIME_TEXT_MAX];

    mr_buf_printf(subject, "[marshrut] %s: %s%s%s", alert->state, alert->condition,
            alert->subject[0] ? " " : "", alert->subject);
    mr_buf_printf(text, "%s\n\n", alert->what);
    if (alert->cure[0])
        mr_buf_printf(text, "What to do: %s\n\n", alert->cure);
    mr_buf_printf(text, "Condition: %s%s%s\nState: %s\n", alert->condition, alert->subject[0] ? ", " : "",
            alert->subject, alert->state);
    mr_buf_printf(text, "Since: %s\n", mr_time_format(alert->since_us, time));
    mr_buf_printf(text, "Now: %s\nFrom: %s\n", mr_time_format(alert->at_us, time), from);
}
