/* What an alert says: as JSON for programs, as text for people. Pure functions. */
#ifndef MR_LOOP_ALERT_TEXT_H
#define MR_LOOP_ALERT_TEXT_H

#include "proto/base/buf.h"
#include "proto/loop/alert_sender.h"

/* One object and a line's end (docs/operations.md). */
void mr_alert_json(struct mr_buf *out, const struct mr_alert *alert, const char *from);
void mr_alert_mail(
        struct mr_buf *subject, struct mr_buf *text, const struct mr_alert *alert, const char *from);

#endif
