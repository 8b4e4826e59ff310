#include "adapters/sdk/intake_answer.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "adapters/sdk/erasure_noted.h"
#include "adapters/sdk/file.h"
#include "adapters/sdk/intake_name.h"
#include "adapters/sdk/intake_place.h"
#include "adapters/sdk/workbook.h"
#include "proto/base/hex.h"

void mr_intake_log(
        enum mr_logfmt_level level, const char *event, const char *folder, const uint8_t *id, int error)
{
    char hex[17] = "";

    if (id)
        (void)mr_hex_encode(id, 8, hex);
    mr_logfmt_write(level, event, "folder", folder, "file", hex[0] ? hex : NULL, "error",
            error < 0 ? mr_err_name(error) : NULL, NULL);
}

void mr_intake_name_digest(const struct mr_intake_files_options *options, const char *folder,
        const char *name, uint8_t ret[static 16])
{
    struct mr_buf from = MR_BUF_INIT;

    mr_buf_put(&from, "name", 5);
    mr_buf_put(&from, folder, strlen(folder) + 1);
    mr_buf_put_str(&from, name);
    mr_outbox_digest(options->adapter, mr_buf_slice(&from), ret);
    mr_buf_wipe(&from);
}

/* base/folder, made when missing. */
static int output_dir(const char *base, const char *folder, char out[static PATH_MAX])
{
    mr_intake_dir(base, folder, out);
    return mr_file_make_dirs(out);
}

/* Where outputs go, and how people know the folder of what was refused. */
struct places {
    char done[PATH_MAX], rejected[PATH_MAX], shown[PATH_MAX], name[MR_INTAKE_NAME_MAX];
};

static int open_places(const struct mr_intake_files_options *options, const char *folder, const char *name,
        struct places *places, struct mr_intake_report *ret)
{
    const char *slash = strrchr(options->rejected, '/');
    int r = output_dir(options->done, folder, places->done);

    if (r == 0)
        r = output_dir(options->rejected, folder, places->rejected);
    mr_intake_dir(slash ? slash + 1 : options->rejected, folder, places->shown);
    *ret = (struct mr_intake_report){
            .done_dir = places->done,
            .rejected_dir = places->rejected,
            .folder = folder,
            .name = mr_intake_safe_name(name, places->name),
            .place = places->shown,
            .timezone = options->timezone,
            .columns = options->columns,
            .map = options->map,
            .map_ctx = options->ctx,
    };
    return r;
}

int mr_intake_answer_finished(const struct mr_intake_files_options *options, const char *folder,
        const char *name, const struct mr_intake_state *state, const struct mr_intake_row *bad,
        size_t bad_count, struct mr_slice content)
{
    struct places places;
    struct mr_intake_report report;
    int r = open_places(options, folder, name, &places, &report);

    report.state = state;
    report.bad = bad;
    report.bad_count = bad_count;
    return r < 0 ? r : mr_intake_report_write(&report, content);
}

static int erased_since(const struct mr_intake_files_options *options, int64_t since_us, struct mr_buf *out)
{
    struct mr_outbox_txn *txn;
    int r = mr_outbox_begin(options->adapter, &txn);

    if (r < 0)
        return r;
    r = mr_erasure_noted_since(txn, since_us, out);
    mr_outbox_abort(txn);
    return r;
}

int mr_intake_answer_repeated(const struct mr_intake_files_options *options, const char *folder,
        const char *name, const struct mr_intake_state *state, int64_t now_us)
{
    struct places places;
    struct mr_intake_report report;
    struct mr_buf erased = MR_BUF_INIT;
    int r = open_places(options, folder, name, &places, &report);

    report.state = state;
    if (r == 0)
        r = erased_since(options, state->read_us, &erased);
    if (r == 0)
        r = mr_intake_report_repeated(&report, now_us, erased.size > 0 ? mr_buf_str(&erased) : "");
    if (r == 0)
        mr_intake_remove(options->in, folder, name);
    mr_buf_fini(&erased);
    return r;
}

const char *mr_intake_unfit(int *r, struct mr_slice content, struct mr_error *error)
{
    if (*r == MR_ETOOBIG) {
        *r = mr_error_set(error, MR_EINVAL, "", "разделите файл на части до 64 МБ", "файл слишком большой");
        return "too-big";
    }
    if (*r == 0 && content.size == 0) {
        *r = mr_error_set(error, MR_EINVAL, "", "выгрузите таблицу заново", "файл пуст");
        return "empty";
    }
    if (*r == 0)
        *r = mr_workbook_refuse(content, error);
    return *r < 0 ? "workbook" : "not-understood";
}

static void log_refused(const char *folder, const struct mr_intake_refusal *refusal, int error)
{
    char hex[17];

    mr_logfmt_write(MR_LEVEL_WARNING, "file.refused", "folder", folder, "file",
            mr_hex_encode(refusal->id, 8, hex), "reason", refusal->reason, "error",
            error < 0 ? mr_err_name(error) : NULL, NULL);
}

int mr_intake_answer_refused(const struct mr_intake_files_options *options, const char *folder,
        const char *name, const struct mr_error *error, const struct mr_intake_refusal *refusal)
{
    char path[PATH_MAX], kept[MR_OUTPUT_NAME_MAX], suffix[32];
    struct places places;
    struct mr_intake_report report;
    int r = open_places(options, folder, name, &places, &report);

    mr_intake_path(options->in, folder, name, path);
    mr_intake_refused_suffix(suffix, report.name);
    mr_intake_output_name(kept, report.name, refusal->now_us, suffix);
    if (r == 0)
        r = mr_intake_report_refused(&report, refusal->now_us, kept, error);
    if (r == 0)
        r = mr_file_move(path, places.rejected, kept, 0640);
    if (r == 0)
        mr_intake_remove(options->in, folder, name);
    log_refused(folder, refusal, r);
    if (r == 0)
        mr_adapter_file_refused(options->adapter);
    return r;
}

static const struct {
    const char *what, *cure;
} odd_texts[] = {
        [MR_WATCH_SYMLINK] = {"это символическая ссылка", "положите сам файл вместо ссылки"},
        [MR_WATCH_SPECIAL] = {"это не файл, а канал, сокет или устройство", "положите обычный файл"},
        [MR_WATCH_FOLDER] = {"это папка, а здесь читаются только файлы",
                "переложите файлы из неё в саму папку приёма; имя папки школы — 13 цифр ОГРН"},
        [MR_WATCH_STRAY] = {"файл лежит вне папки школы", "положите его в папку, названную 13 цифрами ОГРН"},
};

/* The note is there: it was said before. */
int mr_intake_answer_odd(const struct mr_intake_files_options *options, const char *folder, const char *name,
        enum mr_watch_odd odd)
{
    char rejected[PATH_MAX], safe[MR_INTAKE_NAME_MAX], note[256], hex[9];
    struct mr_buf text = MR_BUF_INIT;
    uint8_t digest[16];
    int r = output_dir(options->rejected, folder, rejected);

    if (r < 0)
        return r;
    mr_intake_name_digest(options, folder, name, digest);
    (void)mr_intake_safe_name(name, safe);
    (void)snprintf(note, sizeof note, "%s.%d.НЕ-ПРОЧИТАН.txt", mr_hex_encode(digest, 4, hex), (int)odd);
    if (mr_file_exists(rejected, note))
        return 0;
    mr_buf_printf(&text,
            "\xef\xbb\xbf"
            "Имя: %s\r\nНе прочитан: %s.\r\nКак исправить: %s.\r\nАдаптер его не открывал и не трогал.\r\n",
            safe, odd_texts[odd].what, odd_texts[odd].cure);
    r = mr_buf_failed(&text) ? MR_ENOMEM : mr_file_write(rejected, note, mr_buf_slice(&text), 0640);
    mr_buf_wipe(&text);
    mr_intake_log(MR_LEVEL_WARNING, "file.odd", folder, digest, r);
    return r;
}
