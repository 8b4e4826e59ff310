#include "proto/loop/alert_sender.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/buf.h"
#include "proto/base/list.h"
#include "proto/base/logfmt.h"
#include "proto/loop/alert_text.h"
#include "proto/loop/backoff.h"
#include "proto/loop/command.h"
#include "proto/loop/http_client.h"
#include "proto/loop/mail.h"

enum { RETRY_FIRST_MS = 1000, RETRY_MAX_MS = 300 * 1000, WAYS = 3 };

struct item {
    struct mr_list link;
    char condition[32]; /* for log lines, as the next */
    char subject[64];
    char state[16];
    int64_t at_us;
    struct mr_buf json, mail_subject, mail_text;
};

struct way {
    struct mr_alert_sender *sender;
    const char *name;
    int (*start)(struct way *way, const struct item *item); /* 0: ended() comes */
    struct mr_list queue; /* the first is being sent, or waits for the timer */
    size_t waiting;
    bool sending;
    struct mr_backoff backoff;
    uv_timer_t retry;
};

struct mr_alert_sender {
    struct mr_alert_sender_options options;
    char *authorization; /* a header's line; NULL */
    char *password;
    struct mr_http_client *http;
    struct mr_command *command; /* that runs; NULL: none */
    struct mr_letter *letter;   /* on its way; NULL: none */
    struct way ways[WAYS];
    size_t ways_count;
    int open_handles;
    bool closing;
};

static void item_free(struct item *item)
{
    mr_list_remove(&item->link);
    mr_buf_fini(&item->json);
    mr_buf_fini(&item->mail_subject);
    mr_buf_fini(&item->mail_text);
    free(item);
}

static struct item *first_of(const struct way *way)
{
    return MR_CONTAINER(way->queue.next, struct item, link);
}

/* ---- one way ---- */

static void drop_first(struct way *way)
{
    item_free(first_of(way));
    way->waiting--;
    mr_backoff_reset(&way->backoff);
}

static void next(struct way *way);

static void on_retry(uv_timer_t *timer)
{
    next(timer->data);
}

/* One attempt has ended. why: NULL for a good one. */
static void ended(struct way *way, const char *why)
{
    struct item *item = first_of(way);

    way->sending = false;
    if (way->sender->closing)
        return;
    if (why && way->backoff.attempt + 1 < MR_ALERT_ATTEMPTS_MAX) {
        uint32_t pause = mr_backoff_next(&way->backoff, (uint32_t)uv_hrtime());

        mr_warn("alert.not-sent", "way", way->name, "condition", item->condition, "subject", item->subject,
                "why", why, "attempt", MR_N(way->backoff.attempt), "retry_ms", MR_N(pause));
        (void)uv_timer_start(&way->retry, on_retry, pause, 0);
        return;
    }
    if (why)
        mr_warn("alert.lost", "way", way->name, "condition", item->condition, "subject", item->subject,
                "state", item->state, "why", why, "cure",
                "look at `alerts` of the configuration and at what it names");
    drop_first(way);
    next(way);
}

static void next(struct way *way)
{
    int r;

    if (way->sending || way->waiting == 0 || way->sender->closing || uv_is_active((uv_handle_t *)&way->retry))
        return;
    way->sending = true;
    r = way->start(way, first_of(way));
    if (r < 0)
        ended(way, mr_err_text(r));
}

/* ---- webhook ---- */

static void on_reply(void *ctx, const struct mr_http_reply *reply)
{
    char why[64];

    (void)snprintf(why, sizeof why, "status %u", reply->status);
    if (reply->error < 0)
        ended(ctx, mr_err_text(reply->error));
    else
        ended(ctx, reply->status / 100 == 2 ? NULL : why);
}

static int start_webhook(struct way *way, const struct item *item)
{
    const struct mr_alert_sender *sender = way->sender;
    const char *const headers[] = {"Content-Type: application/json", sender->authorization, NULL};

    return mr_http_client_send(sender->http, "POST", sender->options.webhook, headers,
            mr_buf_slice(&item->json), sender->options.timeout_ms, on_reply, way);
}

/* ---- mail ---- */

static void on_mailed(void *ctx, int error)
{
    ((struct way *)ctx)->sender->letter = NULL;
    ended(ctx, error < 0 ? mr_err_text(error) : NULL);
}

static int start_mail(struct way *way, const struct item *item)
{
    const struct mr_alert_sender_options *o = &way->sender->options;
    const struct mr_mail mail = {.server = o->mail_server,
            .user = o->mail_user,
            .password = way->sender->password,
            .from = o->mail_from,
            .to = o->mail_to,
            .to_count = o->mail_to_count,
            .subject = (const char *)item->mail_subject.data,
            .text = (const char *)item->mail_text.data,
            .at_us = item->at_us,
            .timeout_ms = o->timeout_ms};

    return mr_mail_send(&way->sender->letter, o->loop, &mail, on_mailed, way);
}

/* ---- command ---- */

static void on_command(void *ctx, int64_t status)
{
    struct way *way = ctx;
    char why[64];

    way->sender->command = NULL;
    if (status < 0)
        (void)snprintf(why, sizeof why, "ended by signal %d", (int)-status);
    else
        (void)snprintf(why, sizeof why, "exit status %d", (int)status);
    ended(way, status == 0 ? NULL : why);
}

static int start_command(struct way *way, const struct item *item)
{
    const struct mr_command_options options = {.loop = way->sender->options.loop,
            .argv = way->sender->options.command,
            .argv_count = way->sender->options.command_count,
            .input = mr_buf_slice(&item->json),
            .timeout_ms = way->sender->options.timeout_ms,
            .done = on_command,
            .ctx = way};

    return mr_command_run(&way->sender->command, &options);
}

/* ---- all of them ---- */

static struct item *item_new(const struct mr_alert *alert, const char *from)
{
    struct item *item = calloc(1, sizeof *item);

    if (!item)
        return NULL;
    mr_list_init(&item->link);
    (void)snprintf(item->condition, sizeof item->condition, "%s", alert->condition);
    (void)snprintf(item->subject, sizeof item->subject, "%s", alert->subject);
    (void)snprintf(item->state, sizeof item->state, "%s", alert->state);
    item->at_us = alert->at_us;
    mr_alert_json(&item->json, alert, from);
    mr_alert_mail(&item->mail_subject, &item->mail_text, alert, from);
    if (!mr_buf_failed(&item->json) && mr_buf_str(&item->mail_subject) && mr_buf_str(&item->mail_text))
        return item;
    item_free(item);
    return NULL;
}

static void make_room(struct way *way)
{
    struct mr_list *oldest = way->queue.next;

    if (way->waiting < MR_ALERT_QUEUE_MAX)
        return;
    if (way->sending)
        oldest = oldest->next;
    mr_warn("alert.lost", "way", way->name, "condition", MR_CONTAINER(oldest, struct item, link)->condition,
            "subject", MR_CONTAINER(oldest, struct item, link)->subject, "why", "too many wait for this way");
    item_free(MR_CONTAINER(oldest, struct item, link));
    way->waiting--;
}

void mr_alert_send(struct mr_alert_sender *sender, const struct mr_alert *alert)
{
    for (size_t i = 0; i < sender->ways_count; i++) {
        struct way *way = &sender->ways[i];
        struct item *item = item_new(alert, sender->options.from);

        if (!item) {
            mr_warn("alert.lost", "way", way->name, "condition", alert->condition, "why", "out of memory");
            continue;
        }
        make_room(way);
        mr_list_push_back(&way->queue, &item->link);
        way->waiting++;
        next(way);
    }
}

static void add_way(struct mr_alert_sender *sender, const char *name,
        int (*start)(struct way *way, const struct item *item))
{
    struct way *way = &sender->ways[sender->ways_count++];
    uint32_t first_ms = sender->options.retry_first_ms;

    *way = (struct way){.sender = sender, .name = name, .start = start};
    way->backoff.first_ms = first_ms ? first_ms : RETRY_FIRST_MS;
    way->backoff.max_ms = RETRY_MAX_MS;
    mr_list_init(&way->queue);
    (void)uv_timer_init(sender->options.loop, &way->retry);
    way->retry.data = way;
    sender->open_handles++;
}

/* The secrets, copied. */
static int keep_secrets(struct mr_alert_sender *sender, const struct mr_alert_sender_options *o)
{
    if (o->webhook_token &&
            asprintf(&sender->authorization, "Authorization: Bearer %s", o->webhook_token) < 0) {
        sender->authorization = NULL;
        return MR_ENOMEM;
    }
    if (o->mail_password && !(sender->password = strdup(o->mail_password)))
        return MR_ENOMEM;
    sender->options.webhook_token = sender->options.mail_password = NULL;
    return 0;
}

static void wipe_text(char *text)
{
    if (text)
        explicit_bzero(text, strlen(text));
    free(text);
}

static void free_sender(struct mr_alert_sender *sender)
{
    wipe_text(sender->authorization);
    wipe_text(sender->password);
    free(sender);
}

int mr_alert_sender_open(
        struct mr_alert_sender **ret, const struct mr_alert_sender_options *options, struct mr_error *reterr)
{
    struct mr_alert_sender *sender = calloc(1, sizeof *sender);
    int r = sender ? 0 : MR_ENOMEM;

    if (r == 0) {
        sender->options = *options;
        r = keep_secrets(sender, options);
    }
    if (r == 0)
        r = mr_http_client_open(&sender->http, options->loop);
    if (r < 0) {
        if (sender)
            free_sender(sender);
        return mr_error_set(reterr, r, "alerts", "", "cannot open the ways to tell alerts");
    }
    sender->open_handles = 1; /* of the client */
    if (options->command_count)
        add_way(sender, "command", start_command);
    if (options->webhook)
        add_way(sender, "webhook", start_webhook);
    if (options->mail_server)
        add_way(sender, "mail", start_mail);
    *ret = sender;
    return 0;
}

static void one_closed(struct mr_alert_sender *sender)
{
    if (--sender->open_handles == 0)
        free_sender(sender);
}

static void on_http_closed(void *ctx)
{
    one_closed(ctx);
}

static void on_timer_closed(uv_handle_t *handle)
{
    one_closed(((struct way *)handle->data)->sender);
}

void mr_alert_sender_close(struct mr_alert_sender *sender)
{
    if (!sender || sender->closing)
        return;
    sender->closing = true;
    if (sender->command)
        mr_command_drop(sender->command);
    if (sender->letter)
        mr_mail_drop(sender->letter);
    for (size_t i = 0; i < sender->ways_count; i++) {
        struct way *way = &sender->ways[i];

        if (way->waiting > 0)
            mr_warn("alert.lost", "way", way->name, "waiting", MR_N(way->waiting), "why", "the program ends");
        while (way->waiting > 0) {
            item_free(first_of(way));
            way->waiting--;
        }
        uv_close((uv_handle_t *)&way->retry, on_timer_closed);
    }
    mr_http_client_close(sender->http, on_http_closed, sender);
}
