#include "proto/alert/configured.h"

#include <string.h>

#include "proto/base/logfmt.h"

enum { US_IN_S = 1000000, MS_IN_S = 1000 };

int mr_alert_sender_configured(struct mr_alert_sender **ret, uv_loop_t *loop,
        const struct mr_config_alerts *config, const char *from, struct mr_error *reterr)
{
    const struct mr_config_mail *mail = config->mail;
    char token[MR_CONFIG_SECRET_MAX], password[MR_CONFIG_SECRET_MAX];
    struct mr_alert_sender_options options = {.loop = loop,
            .from = from,
            .command = config->command,
            .command_count = config->command_count,
            .webhook = config->webhook,
            .timeout_ms = config->timeout_seconds * MS_IN_S};
    int r = 0;

    if (config->webhook_token_file) {
        r = mr_config_read_secret(config->webhook_token_file, token, reterr);
        options.webhook_token = token;
    }
    if (mail) {
        options.mail_server = mail->server;
        options.mail_from = mail->from;
        options.mail_to = mail->to;
        options.mail_to_count = mail->to_count;
        options.mail_user = mail->user;
    }
    if (r == 0 && mail && mail->user) {
        r = mr_config_read_secret(mail->password_file, password, reterr);
        options.mail_password = password;
    }
    if (r == 0)
        r = mr_alert_sender_open(ret, &options, reterr);
    explicit_bzero(token, sizeof token);
    explicit_bzero(password, sizeof password);
    return r;
}

static int try_secret(const char *path, struct mr_error *reterr)
{
    char secret[MR_CONFIG_SECRET_MAX];
    int r = path ? mr_config_read_secret(path, secret, reterr) : 0;

    explicit_bzero(secret, sizeof secret);
    return r;
}

int mr_alert_secrets_readable(const struct mr_config_alerts *config, struct mr_error *reterr)
{
    int r = try_secret(config->webhook_token_file, reterr);

    return r < 0 || !config->mail ? r : try_secret(config->mail->password_file, reterr);
}

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_texts(char *const *a, uint32_t a_count, char *const *b, uint32_t b_count)
{
    bool same = a_count == b_count;

    for (uint32_t i = 0; same && i < a_count; i++)
        same = strcmp(a[i], b[i]) == 0;
    return same;
}

static bool same_mail(const struct mr_config_mail *a, const struct mr_config_mail *b)
{
    if (!a || !b)
        return a == b;
    return same_text(a->server, b->server) && same_text(a->from, b->from) && same_text(a->user, b->user) &&
           same_text(a->password_file, b->password_file) &&
           same_texts(a->to, a->to_count, b->to, b->to_count);
}

bool mr_alert_ways_same(const struct mr_config_alerts *a, const struct mr_config_alerts *b)
{
    return same_texts(a->command, a->command_count, b->command, b->command_count) &&
           same_text(a->webhook, b->webhook) && same_text(a->webhook_token_file, b->webhook_token_file) &&
           same_mail(a->mail, b->mail) && a->timeout_seconds == b->timeout_seconds;
}

struct mr_alarm_now mr_alarm_now_of(const struct mr_config_alerts *config, const struct mr_clock *clock)
{
    return (struct mr_alarm_now){.wall_us = mr_clock_wall_us(clock),
            .monotonic_us = mr_clock_monotonic_us(clock),
            .repeat_us = (int64_t)*config->repeat_minutes * 60 * US_IN_S,
            .settle_us = (int64_t)*config->settle_seconds * US_IN_S};
}

void mr_alert_tell(struct mr_alert_sender *sender, enum mr_alarm_step step, const struct mr_alarm *alarm,
        const struct mr_alarm_now *now, const char *condition, const char *subject, const char *what,
        const char *cure)
{
    const struct mr_alert alert = {.condition = condition,
            .subject = subject,
            .state = mr_alarm_state(step),
            .what = what,
            .cure = step == MR_ALARM_RESOLVED ? "" : cure,
            .since_us = alarm->since_us,
            .at_us = now->wall_us};

    if (step == MR_ALARM_RESOLVED)
        mr_info("alert.resolved", "condition", condition, "subject", subject, "what", what);
    else
        mr_warn("alert.firing", "condition", condition, "subject", subject, "state", alert.state, "what",
                what, "cure", cure);
    mr_alert_send(sender, &alert);
}
