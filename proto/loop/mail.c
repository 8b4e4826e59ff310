#include "proto/loop/mail.h"

#include <curl/curl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "proto/base/buf.h"
#include "proto/base/err.h"
#include "proto/base/list.h"

enum { CONNECT_TIMEOUT_MS_MAX = 5000 };

struct mr_letter {
    uv_work_t work;
    CURL *easy;
    struct curl_slist *to;
    struct mr_buf bytes;
    size_t sent;
    CURLcode result;
    _Atomic bool dropped;
    void (*done)(void *ctx, int error);
    void *ctx;
};

static void letter_free(struct mr_letter *letter)
{
    if (letter->easy)
        curl_easy_cleanup(letter->easy);
    curl_slist_free_all(letter->to);
    mr_buf_fini(&letter->bytes);
    free(letter);
}

/* ---- on the pool ---- */

static size_t on_read(char *out, size_t size, size_t count, void *ctx)
{
    struct mr_letter *letter = ctx;
    size_t left = letter->bytes.size - letter->sent;
    size_t n = size * count < left ? size * count : left;

    memcpy(out, letter->bytes.data + letter->sent, n);
    letter->sent += n;
    return n;
}

static int on_progress(void *ctx, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    struct mr_letter *letter = ctx;

    (void)a, (void)b, (void)c, (void)d;
    return atomic_load(&letter->dropped);
}

static void on_work(uv_work_t *work)
{
    struct mr_letter *letter = MR_CONTAINER(work, struct mr_letter, work);

    letter->result = curl_easy_perform(letter->easy);
}

/* ---- writing it ---- */

/* Lines as RFC 5322 wants them. curl doubles dots. */
static void put_lines(struct mr_buf *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '\n')
            mr_buf_put_u8(out, '\r');
        mr_buf_put_u8(out, (uint8_t)*text);
    }
}

/* English in every locale: RFC 5322. */
static void put_date(struct mr_buf *out, int64_t at_us)
{
    static const char days[] = "SunMonTueWedThuFriSat";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    time_t at = (time_t)(at_us / 1000000);
    struct tm tm = {0};

    (void)gmtime_r(&at, &tm);
    mr_buf_printf(out, "Date: %.3s, %d %.3s %d %02d:%02d:%02d +0000\r\n", days + 3 * tm.tm_wday, tm.tm_mday,
            months + 3 * tm.tm_mon, tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

static void write_letter(struct mr_buf *out, const struct mr_mail *mail)
{
    put_date(out, mail->at_us);
    mr_buf_printf(out, "From: <%s>\r\nTo: ", mail->from);
    for (uint32_t i = 0; i < mail->to_count; i++)
        mr_buf_printf(out, "%s<%s>", i ? ",\r\n " : "", mail->to[i]);
    mr_buf_printf(out,
            "\r\nSubject: %s\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
            "Content-Transfer-Encoding: 8bit\r\nAuto-Submitted: auto-generated\r\n\r\n",
            mail->subject);
    put_lines(out, mail->text);
}

static int add_to(struct mr_letter *letter, const char *address)
{
    char text[300];
    struct curl_slist *longer;

    (void)snprintf(text, sizeof text, "<%s>", address);
    longer = curl_slist_append(letter->to, text);
    if (longer)
        letter->to = longer;
    return longer ? 0 : MR_ENOMEM;
}

static int set_options(struct mr_letter *letter, const struct mr_mail *mail)
{
    CURL *e = letter->easy;
    char from[300];

    (void)snprintf(from, sizeof from, "<%s>", mail->from);
    for (uint32_t i = 0; i < mail->to_count; i++)
        if (add_to(letter, mail->to[i]) < 0)
            return MR_ENOMEM;
    if (curl_easy_setopt(e, CURLOPT_URL, mail->server) != CURLE_OK ||
            curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "smtp,smtps") != CURLE_OK ||
            curl_easy_setopt(e, CURLOPT_MAIL_FROM, from) != CURLE_OK ||
            curl_easy_setopt(e, CURLOPT_MAIL_RCPT, letter->to) != CURLE_OK)
        return MR_ENOMEM;
    if (mail->user && (curl_easy_setopt(e, CURLOPT_USERNAME, mail->user) != CURLE_OK ||
                              curl_easy_setopt(e, CURLOPT_PASSWORD, mail->password) != CURLE_OK))
        return MR_ENOMEM;
    return 0;
}

static void set_habits(struct mr_letter *letter, const struct mr_mail *mail)
{
    CURL *e = letter->easy;
    long connect_ms =
            mail->timeout_ms < CONNECT_TIMEOUT_MS_MAX ? (long)mail->timeout_ms : CONNECT_TIMEOUT_MS_MAX;

    (void)curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(e, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)mail->timeout_ms);
    (void)curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, connect_ms);
    (void)curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L); /* no waiting for a look-up of a name that hangs */
    (void)curl_easy_setopt(e, CURLOPT_USE_SSL, mail->user ? (long)CURLUSESSL_ALL : (long)CURLUSESSL_TRY);
    (void)curl_easy_setopt(e, CURLOPT_UPLOAD, 1L);
    (void)curl_easy_setopt(e, CURLOPT_READFUNCTION, on_read);
    (void)curl_easy_setopt(e, CURLOPT_READDATA, letter);
    (void)curl_easy_setopt(e, CURLOPT_NOPROGRESS, 0L);
    (void)curl_easy_setopt(e, CURLOPT_XFERINFOFUNCTION, on_progress);
    (void)curl_easy_setopt(e, CURLOPT_XFERINFODATA, letter);
}

/* ---- the loop ---- */

static int error_of(CURLcode result)
{
    switch (result) {
    case CURLE_OK:
        return 0;
    case CURLE_OPERATION_TIMEDOUT:
        return MR_ETIMEOUT;
    case CURLE_OUT_OF_MEMORY:
        return MR_ENOMEM;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_LOGIN_DENIED:
    case CURLE_USE_SSL_FAILED:
        return MR_EDENIED;
    default:
        return MR_ECLOSED;
    }
}

static void on_after_work(uv_work_t *work, int status)
{
    struct mr_letter *letter = MR_CONTAINER(work, struct mr_letter, work);
    void (*done)(void *ctx, int error) = atomic_load(&letter->dropped) ? NULL : letter->done;
    void *ctx = letter->ctx;
    int error = status < 0 ? MR_ECLOSED : error_of(letter->result);

    letter_free(letter);
    if (done)
        done(ctx, error);
}

int mr_mail_send(struct mr_letter **ret, uv_loop_t *loop, const struct mr_mail *mail,
        void (*done)(void *ctx, int error), void *ctx)
{
    struct mr_letter *letter = calloc(1, sizeof *letter);
    int r;

    if (!letter)
        return MR_ENOMEM;
    letter->done = done;
    letter->ctx = ctx;
    letter->easy = curl_easy_init();
    write_letter(&letter->bytes, mail);
    r = letter->easy && !mr_buf_failed(&letter->bytes) ? set_options(letter, mail) : MR_ENOMEM;
    if (r == 0) {
        set_habits(letter, mail);
        r = uv_queue_work(loop, &letter->work, on_work, on_after_work) == 0 ? 0 : MR_ESYSTEM;
    }
    if (r < 0)
        letter_free(letter);
    else
        *ret = letter;
    return r;
}

void mr_mail_drop(struct mr_letter *letter)
{
    atomic_store(&letter->dropped, true);
    (void)uv_cancel((uv_req_t *)&letter->work); /* one that has not begun */
}
