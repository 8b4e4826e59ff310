/* `alerts`: where they go, and thresholds. */
#include <string.h>

#include "proto/base/list.h"
#include "proto/config/config_check.h"

enum { MAIL_TO_MAX = 20, ARGUMENTS_MAX = 32 };

/* value: NULL for what may hold a secret. */
static int fail(struct mr_config_check *check, const char *path, const char *value, const char *what,
        const char *cure)
{
    mr_config_at(check, "%s", path);
    return mr_config_fail(check, value, what, cure);
}

static bool is_plain(const char *text)
{
    for (const char *p = text; *p; p++)
        if ((unsigned char)*p <= ' ' || (unsigned char)*p >= 0x7f || strchr("<>\",", *p))
            return false;
    return text[0] != 0;
}

static bool starts(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0 && text[strlen(prefix)] != 0;
}

static int need_address(struct mr_config_check *check, const char *text)
{
    const char *at = strchr(text, '@');

    if (at && at != text && at[1] && !strchr(at + 1, '@') && is_plain(text) && strlen(text) <= 254)
        return 0;
    return mr_config_fail(check, text, "not a mail address", "NAME@DOMAIN, without a display name");
}

static int check_mail(struct mr_config_check *check, const struct mr_config_mail *mail)
{
    int r;

    if (!is_plain(mail->server) || strchr(mail->server, '@') ||
            (!starts(mail->server, "smtp://") && !starts(mail->server, "smtps://")))
        return fail(check, "alerts.mail.server", NULL, "not a mail server",
                "smtp://HOST:PORT or smtps://HOST:PORT; user and password_file have keys of their own");
    mr_config_at(check, "alerts.mail.from");
    if ((r = need_address(check, mail->from)) < 0)
        return r;
    if (mail->to_count == 0 || mail->to_count > MAIL_TO_MAX)
        return fail(check, "alerts.mail.to", NULL, "nobody, or too many", "from one to 20 addresses");
    for (uint32_t i = 0; i < mail->to_count; i++) {
        mr_config_at(check, "alerts.mail.to[%u]", (unsigned)i);
        if ((r = need_address(check, mail->to[i])) < 0)
            return r;
    }
    if ((mail->user != NULL) != (mail->password_file != NULL))
        return fail(check, "alerts.mail", NULL, "a login needs both user and password_file",
                "write both, or none of them");
    return 0;
}

static int check_ways(struct mr_config_check *check, const struct mr_config_alerts *a)
{
    if (!a->command_count && !a->webhook && !a->mail)
        return fail(check, "alerts", NULL, "nobody would be told",
                "at least one of command, webhook and mail; or leave `alerts` out");
    if (a->command_count > ARGUMENTS_MAX || (a->command_count && a->command[0][0] != '/'))
        return fail(check, "alerts.command", NULL, "not a command",
                "a list: the program's absolute path, then its arguments, at most 31");
    if (a->webhook &&
            (!is_plain(a->webhook) || (!starts(a->webhook, "http://") && !starts(a->webhook, "https://"))))
        return fail(check, "alerts.webhook", NULL, "not a URL", "http://… or https://…, without spaces");
    if (a->webhook_token_file && !a->webhook)
        return fail(check, "alerts.webhook_token_file", NULL, "there is no webhook", "add `webhook`");
    return a->mail ? check_mail(check, a->mail) : 0;
}

static int check_numbers(struct mr_config_check *check, const struct mr_config_alerts *a)
{
    const struct {
        const char *path;
        uint32_t value, min, max;
    } numbers[] = {{"alerts.timeout_seconds", a->timeout_seconds, 1, 600},
            {"alerts.repeat_minutes", *a->repeat_minutes, 0, 60 * 24 * 31},
            {"alerts.settle_seconds", *a->settle_seconds, 0, 86400},
            {"alerts.away_seconds", *a->away_seconds, 0, 86400 * 31},
            {"alerts.waiting_seconds", *a->waiting_seconds, 0, 86400 * 31},
            {"alerts.quarantined_per_hour", *a->quarantined_per_hour, 0, 1000000000},
            {"alerts.refused_per_hour", *a->refused_per_hour, 0, 1000000000},
            {"alerts.parked_per_hour", *a->parked_per_hour, 0, 1000000000},
            {"alerts.disk_free_mb", *a->disk_free_mb, 0, 1024 * 1024 * 1024},
            {"alerts.checkpoint_seconds", *a->checkpoint_seconds, 0, 86400},
            {"alerts.index_seconds", *a->index_seconds, 0, 86400},
            {"alerts.balance_hours", *a->balance_hours, 0, 24 * 31}};
    int r = 0;

    for (size_t i = 0; r == 0 && i < MR_COUNT(numbers); i++) {
        mr_config_at(check, "%s", numbers[i].path);
        r = mr_config_need_range(check, numbers[i].value, numbers[i].min, numbers[i].max);
    }
    return r;
}

static int check_silent(struct mr_config_check *check, const struct mr_config_alerts *a)
{
    for (uint32_t i = 0; i < a->silent_count; i++) {
        const char *system = a->silent[i].system;
        int r;

        mr_config_at(check, "alerts.silent[%u].system", (unsigned)i);
        if (!mr_config_system(check->config, system))
            return mr_config_fail(check, system, "no such system", "one of the names below `systems`");
        for (uint32_t j = 0; j < i; j++)
            if (strcmp(system, a->silent[j].system) == 0)
                return mr_config_fail(check, system, "this system is there twice", "keep one of them");
        mr_config_at(check, "alerts.silent[%u].hours", (unsigned)i);
        if ((r = mr_config_need_range(check, a->silent[i].hours, 1, 24 * 366)) < 0)
            return r;
    }
    return 0;
}

int mr_config_check_alerts(
        const struct mr_config *config, struct mr_config_yaml *yaml, struct mr_error *reterr)
{
    struct mr_config_check check = {.config = config, .yaml = yaml, .reterr = reterr};
    const struct mr_config_alerts *alerts = config->alerts;
    int r;

    if (!alerts)
        return 0;
    if ((r = check_ways(&check, alerts)) < 0 || (r = check_numbers(&check, alerts)) < 0)
        return r;
    return check_silent(&check, alerts);
}
