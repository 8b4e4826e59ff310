#include "tests/crash/replay/adapter_recording.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "adapters/sdk/file.h"
#include "proto/base/crc32c.h"
#include "proto/wire/codec.h"
#include "proto/wire/ident.h"
#include "tests/crash/replay/scene.h"
#include "tests/support/hub_env.h"
#include "tests/support/tmpdir.h"
#include "tests/support/turns.h"

enum { KILL_WHEN = 20 /* events are at the hub */, KILL_ENTRIES = 60 };

#define HEADER "Табельный номер;СНИЛС;Фамилия;Имя;Отчество;Должность;Группа (ПР/УК);Дата приёма\r\n"
#define SUB    "school-staff"

/* ---- a hub, and what it knows ---- */

static uint64_t now(const struct recording_desk *desk)
{
    return desk->trace ? trace_now(desk->trace) : 0;
}

const struct recording_event *recording_desk_find(const struct recording_desk *desk, const char *id)
{
    for (size_t i = 0; i < desk->events_count; i++)
        if (strcmp(desk->events[i].id, id) == 0)
            return &desk->events[i];
    return NULL;
}

static void on_stored(void *ctx, struct mr_slice event)
{
    struct recording_desk *desk = ctx;
    uint32_t sum = mr_crc32c(0, event.data, event.size);
    struct mr_event decoded;
    struct mr_arena arena;
    const struct recording_event *seen;

    mr_arena_init(&arena, 1 << 20);
    assert_int_equal(mr_event_decode(&decoded, event, &arena, NULL), 0);
    seen = recording_desk_find(desk, decoded.a.id);
    if (seen && seen->sum != sum)
        (void)snprintf(desk->problem, sizeof desk->problem, "other bytes under the id %s", seen->id);
    assert_true(desk->events_count < RECORDING_EVENTS_MAX && desk->taken_count < RECORDING_EVENTS_MAX);
    if (!seen) {
        struct recording_event *added = &desk->events[desk->events_count++];

        *added = (struct recording_event){.sum = sum, .at = now(desk)};
        (void)snprintf(added->id, sizeof added->id, "%s", decoded.a.id);
    }
    desk->taken_at[desk->taken_count++] = now(desk);
    mr_arena_fini(&arena);
}

static void on_acked(void *ctx, uint64_t through)
{
    struct recording_desk *desk = ctx;

    assert_true(desk->acks_count < RECORDING_ACKS_MAX);
    desk->cursor = through > desk->cursor ? through : desk->cursor;
    desk->acks[desk->acks_count++] = (struct recording_ack){desk->cursor, now(desk)};
}

static void deliver(struct recording_desk *desk, uint64_t number)
{
    Marshrut__Bus__V1__Deliver deliver = MARSHRUT__BUS__V1__DELIVER__INIT;
    Marshrut__Bus__V1__DeliverItem item = MARSHRUT__BUS__V1__DELIVER_ITEM__INIT, *items[] = {&item};
    Marshrut__Bus__V1__Frame frame = MARSHRUT__BUS__V1__FRAME__INIT;
    char *recipients[] = {desk->ogrn}, id[32];
    struct mr_buf event = MR_BUF_INIT;

    (void)snprintf(id, sizeof id, "d-%llu", (unsigned long long)number);
    hub_env_deficit(&event, id, "11223344595", NULL);
    item.number = number;
    item.attempt = 1;
    item.event = (ProtobufCBinaryData){event.size, event.data};
    item.recipients = recipients;
    item.n_recipients = 1;
    deliver.subscription = (char *)SUB;
    deliver.items = items;
    deliver.n_items = 1;
    frame.body_case = MARSHRUT__BUS__V1__FRAME__BODY_DELIVER;
    frame.deliver = &deliver;
    fake_hub_send(&desk->hub, &frame);
    mr_buf_fini(&event);
}

static void on_subscribed(void *ctx)
{
    struct recording_desk *desk = ctx;

    for (uint64_t number = desk->cursor + 1; number <= RECORDING_DELIVERIES; number++)
        deliver(desk, number);
}

void recording_desk_open(struct recording_desk *desk)
{
    assert_int_equal(uv_loop_init(&desk->loop), 0);
    desk->hub.subscription = SUB;
    desk->hub.on_stored = on_stored;
    desk->hub.on_subscribed = on_subscribed;
    desk->hub.on_acked = on_acked;
    desk->hub.ctx = desk;
    desk->hub.ping_interval_ms = 60000;
    fake_hub_open(&desk->hub, &desk->loop);
}

/* ---- folders ---- */

/* Keys and configuration in dir; what is recorded, in dir/box. */
void recording_desk_config(const struct recording_desk *desk, const char *dir)
{
    struct mr_buf text = MR_BUF_INIT;

    mr_buf_printf(&text,
            "version: 1\nregion: \"24\"\nhub:\n  source: urn:marshrut:24:hub\n  listen: [\"%s\"]\n"
            "  admin: run/hub.sock\n  store: store\n  root_key: root\n  secret_key_file: hub.key\n"
            "  public_key: '%s'\nsystems:\n  - {name: school, kind: school, source: urn:marshrut:24:school,\n"
            "     public_key: '%s', publish: [nms.person., nms.org., nms.employment.]}\nsubscriptions:\n"
            "  - {name: " SUB ", system: school, personal: full, scope: staff,\n"
            "     filters: [{prefix: {type: nms.deficit.}}]}\n"
            "adapters:\n  school: {system: school, secret_key_file: school.key, state: box/state,\n"
            "    in: box/in, out: box/out, done: box/done, rejected: box/rejected, settle_ms: 50}\n",
            desk->hub.endpoint, desk->hub.key.public_key, desk->school.public_key);
    assert_int_equal(mr_file_write(dir, "marshrut.yaml", mr_buf_slice(&text), 0600), 0);
    assert_int_equal(mr_file_write(dir, "school.key", mr_slice_str(desk->school.secret_key), 0600), 0);
    mr_buf_fini(&text);
}

const char *recording_folder(const struct recording_desk *desk, const char *dir, const char *what)
{
    char name[64];

    (void)snprintf(name, sizeof name, "box/%s/%s", what, desk->ogrn);
    return mr_tmpdir_path(dir, name);
}

/* Files whose names begin and end so. */
unsigned recording_count(const char *path, const char *begin, const char *end)
{
    DIR *handle = opendir(path);
    struct dirent *entry;
    unsigned found = 0;

    while (handle && (entry = readdir(handle)) != NULL) {
        size_t n = strlen(entry->d_name), e = strlen(end);

        found += entry->d_name[0] != '.' && n >= e && strcmp(entry->d_name + n - e, end) == 0 &&
                 strncmp(entry->d_name, begin, strlen(begin)) == 0;
    }
    if (handle)
        (void)closedir(handle);
    return found;
}

bool recording_is_written(const struct recording_desk *desk, const char *dir, uint64_t number)
{
    char name[32], begin[32];
    struct mr_buf text = MR_BUF_INIT;
    bool whole;

    (void)snprintf(name, sizeof name, "%012llu-deficit.csv", (unsigned long long)number);
    (void)snprintf(begin, sizeof begin, "\r\n%llu;11223344595;", (unsigned long long)number);
    whole = mr_file_read(mr_tmpdir_path(recording_folder(desk, dir, "out"), name), 1 << 16, &text) == 0 &&
            strstr(mr_buf_str(&text), begin) && text.data[text.size - 1] == '\n';
    mr_buf_fini(&text);
    return whole;
}

/* ---- the recording ---- */

static void put_file(struct recording *r, unsigned number)
{
    struct mr_buf text = MR_BUF_INIT;
    char name[32];

    mr_buf_put_str(&text, HEADER);
    for (unsigned row = 0; row < RECORDING_ROWS; row++) {
        char snils[12];

        (void)snprintf(snils, sizeof snils, "%09u", 500000000 + number * RECORDING_ROWS + row);
        (void)snprintf(snils + 9, 3, "%02d", mr_ident_snils_check(snils));
        mr_buf_printf(
                &text, "%u;%s;Сменная;Анна;;учитель;ПР;01.09.2020\r\n", number * RECORDING_ROWS + row, snils);
    }
    (void)snprintf(name, sizeof name, "list-%u.csv", number);
    trace_put_file(
            &r->trace, mr_tmpdir_path(recording_folder(&r->desk, r->dir, "in"), name), text.data, text.size);
    mr_buf_fini(&text);
}

static void start(struct recording *r)
{
    r->pid = fork();
    assert_true(r->pid >= 0);
    if (r->pid == 0) {
        char trace[256];
        int fd = open(mr_tmpdir_path(r->dir, "stderr"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)snprintf(trace, sizeof trace, "%s.trace", r->dir);
        (void)dup2(fd, STDERR_FILENO);
        (void)setenv("LD_PRELOAD", MR_BIN_DIR "/libmr-recorder.so", 1);
        (void)setenv("ASAN_OPTIONS", "verify_asan_link_order=0", 1);
        (void)setenv("MR_RECORD", trace, 1);
        (void)setenv("MR_RECORD_BELOW", r->dir, 1);
        if (r->mutant)
            (void)setenv("MR_RECORD_FORGET", r->mutant, 1);
        (void)execl(MR_BIN_DIR "/marshrut-school", "marshrut-school", "-c",
                mr_tmpdir_path(r->dir, "marshrut.yaml"), (char *)NULL);
        _exit(127);
    }
}

/* Killed once between two file calls, and started again. */
static bool is_done(void *ctx)
{
    struct recording *r = ctx;
    int status;

    if (!r->killed && r->desk.events_count >= KILL_WHEN) {
        r->killed = true;
        trace_kill(&r->trace, 1 + r->seed % KILL_ENTRIES);
    }
    if (waitpid(r->pid, &status, WNOHANG) == r->pid) {
        assert_true(r->killed && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        trace_kill(&r->trace, 0);
        start(r);
    }
    return r->desk.cursor == RECORDING_DELIVERIES &&
           recording_count(recording_folder(&r->desk, r->dir, "in"), "", ".csv") == 0 &&
           recording_count(recording_folder(&r->desk, r->dir, "done"), "", ".receipt.txt") >= RECORDING_FILES;
}

static void end(struct recording *r)
{
    int status;

    trace_kill(&r->trace, 0);
    assert_int_equal(kill(r->pid, SIGTERM), 0);
    assert_int_equal(waitpid(r->pid, &status, 0), r->pid);
    assert_true((WIFEXITED(status) && WEXITSTATUS(status) == 0) || WIFSIGNALED(status));
    assert_string_equal(r->desk.problem, "");
    assert_int_equal(r->desk.hub.stored, r->desk.taken_count); /* one epoch */
    fake_hub_close(&r->desk.hub);
    turns_end(&r->desk.loop);
    fake_hub_fini(&r->desk.hub); /* no thread is left: the test forks */
}

struct recording *recording_new(const char *mutant)
{
    struct recording *r = calloc(1, sizeof *r);
    char path[256];

    assert_non_null(r);
    r->seed = scene_setting("MR_SEED", 1);
    r->dir = mr_tmpdir_new();
    r->mutant = mutant;
    r->desk.trace = &r->trace;
    (void)snprintf(path, sizeof path, "%s.trace", r->dir);
    trace_create(&r->trace, path);
    (void)snprintf(r->desk.ogrn, sizeof r->desk.ogrn, "102240123456%d", mr_ident_ogrn_check("102240123456"));
    assert_int_equal(mr_curvekey_generate(&r->desk.school), 0);
    recording_desk_open(&r->desk);
    recording_desk_config(&r->desk, r->dir);
    trace_mkdir(&r->trace, mr_tmpdir_path(r->dir, "box"));
    trace_mkdir(&r->trace, mr_tmpdir_path(r->dir, "box/in"));
    trace_mkdir(&r->trace, recording_folder(&r->desk, r->dir, "in"));
    for (unsigned i = 0; i < RECORDING_FILES; i++)
        put_file(r, i);
    r->from = trace_now(&r->trace);
    start(r);
    turns_until(&r->desk.loop, "everything is read, sent and written", is_done, r);
    end(r);
    return r;
}

void recording_free(struct recording *r)
{
    char path[256];

    (void)snprintf(path, sizeof path, "%s.trace", r->dir);
    (void)unlink(path);
    trace_close(&r->trace);
    mr_tmpdir_free(r->dir);
    free(r);
}
