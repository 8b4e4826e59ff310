#include "tests/crash/replay/reopened_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hub/sign/log_key.h"
#include "hub/record/seal.h"
#include "proto/base/list.h"
#include "tests/support/tmpdir.h"

enum { AGAIN_MAX = 32, WRITER_JOBS_MAX = 64 };

static const char NOTE_BEGIN[] = "marshrut/24/hub\n";

void reopened_init(struct reopened *reopened, const struct history *history)
{
    uint64_t number = 0;

    *reopened = (struct reopened){.history = history};
    for (const struct trace_entry *e = trace_first(&history->trace); e;
            e = trace_next(&history->trace, e), number++) {
        if (e->op != TRACE_WRITE || e->length < sizeof NOTE_BEGIN ||
                memcmp(e->data, NOTE_BEGIN, sizeof NOTE_BEGIN - 1) != 0)
            continue;
        assert_true(reopened->notes_count < SIGNED_MAX);
        reopened->notes[reopened->notes_count++] =
                (struct reopened_signed){.at = number, .note = e->data, .size = e->length};
    }
}

/* ---- in the process of its own ---- */

void look_found(const struct look *look, const char *what, ...)
{
    char text[REOPENED_PROBLEM_MAX];
    va_list args;

    va_start(args, what);
    (void)vsnprintf(text, sizeof text, what, args);
    va_end(args);
    (void)!write(look->problem_fd, text, strlen(text));
    _exit(1);
}

void look_want(const struct look *look, int r, const char *what, const struct mr_error *error)
{
    if (r < 0)
        look_found(look, "%s: %s: %s: %s", what, mr_err_name(r), error->where, error->what);
}

static void open_house(struct look *look, const char *dir)
{
    struct mr_error error = {0};

    look_want(look, mr_config_load(&look->config, mr_tmpdir_path(dir, "marshrut.yaml"), &error), "config",
            &error);
    look_want(look, mr_house_open(&look->house, look->config, false, &error), "it does not open", &error);
    look_want(look, mr_log_key_open(&look->signer, &look->house, &error), "it is refused", &error);
    if (mr_log_reader_open(look->house.log, &look->reader) < 0)
        look_found(look, "no reader");
}

/* Of an expired one the tree alone knows what stood there; */
static void hash_leaf(const struct look *look, uint8_t ret[static MR_MERKLE_BYTES])
{
    if (!(look->view.record.flags & MR_RECORD_EXPIRED))
        mr_merkle_leaf(look->view.record.leaf, ret);
    else if (mr_log_leaf_hash(look->reader, look->view.record.number, ret) < 0)
        look_found(look, "the tree has no leaf of number %llu", (unsigned long long)look->view.record.number);
}

/* Every record reads, the numbers have no gap, and the tree is that of the leaves; notes in their place. */
static void check_tree(struct look *look)
{
    struct mr_merkle_range range = {0};
    uint8_t leaf[MR_MERKLE_BYTES], root[MR_MERKLE_BYTES], told[MR_MERKLE_BYTES];
    struct mr_checkpoint notes[SIGNED_MAX];
    struct mr_error error = {0};
    size_t count = 0;

    for (size_t i = 0; i < look->all->notes_count && look->all->notes[i].at < look->cut; i++, count++) {
        const struct reopened_signed *note = &look->all->notes[i];

        look_want(look,
                mr_checkpoint_open(
                        &notes[i], mr_slice(note->note, note->size), &look->signer.public_key, &error),
                "a signed note", &error);
        if (notes[i].size > look->head)
            look_found(look, "a checkpoint of %llu records was signed, %llu are there",
                    (unsigned long long)notes[i].size, (unsigned long long)look->head);
    }
    look->own = 0;
    for (uint64_t n = 1; n <= look->head; n++) {
        look_want(look, mr_log_read_next(look->reader, &look->view, &error), "a record", &error);
        if (look->view.record.number != n)
            look_found(look, "number %llu is missing", (unsigned long long)n);
        look->own += (look->view.record.flags & MR_RECORD_HUB) != 0;
        memcpy(look->idents[n - 1], look->view.record.ident, sizeof look->idents[0]);
        hash_leaf(look, leaf);
        (void)mr_merkle_append(&range, leaf, NULL, NULL);
        for (size_t i = 0; i < count; i++) {
            if (notes[i].size != n)
                continue;
            mr_merkle_range_root(&range, root);
            if (memcmp(root, notes[i].root, sizeof root) != 0)
                look_found(look, "the checkpoint of %llu records is of another log", (unsigned long long)n);
        }
    }
    mr_merkle_range_root(&range, root);
    if (look->head > 0 &&
            (mr_log_tree_root(look->reader, look->head, told) < 0 || memcmp(root, told, sizeof root) != 0))
        look_found(look, "the root is not that of the records");
}

static int compare_idents(const void *a, const void *b)
{
    return memcmp(a, b, MR_RECORD_IDENT_BYTES);
}

static void check_once(struct look *look)
{
    qsort(look->idents, look->head, sizeof look->idents[0], compare_idents);
    for (uint64_t i = 1; i < look->head; i++)
        if (compare_idents(look->idents[i - 1], look->idents[i]) == 0)
            look_found(look, "an event is there twice, of %llu", (unsigned long long)look->head);
}

/* Expired, or of an erased person: it opens for nobody. It must once that was told. */
static bool is_gone(const struct look *look, const struct history_event *event, uint64_t number)
{
    const struct mr_record *record = &look->view.record;
    struct mr_unsealed unsealed = {0};
    struct mr_error error = {0};
    int r = mr_unseal(&unsealed, &look->house, record, MR_PURPOSE_ERASE, &error);

    mr_unsealed_fini(&unsealed);
    if (event->gone_at > look->cut && !look->finished)
        return r == event->gone;
    if (r != event->gone)
        look_found(look, "number %llu was told to be gone: %s", (unsigned long long)number,
                r < 0 ? mr_err_name(r) : "it opens");
    if (record->slots_count > 0 && !(record->flags & MR_RECORD_STRIPPED))
        look_found(look, "number %llu was told to be gone, its slots are there", (unsigned long long)number);
    return true;
}

/* The record under this number is the event, byte for byte. */
static void check_event(struct look *look, const struct history_event *event, uint64_t number)
{
    struct mr_unsealed unsealed = {0};
    struct mr_error error = {0};

    look_want(look, mr_log_read(look->reader, number, &look->view, &error), "what was told is not there",
            &error);
    if (event->wrong)
        return; /* its body is sealed otherwise */
    if (event->leaves_at <= look->cut && is_gone(look, event, number))
        return;
    look_want(look,
            mr_unseal(&unsealed, &look->house, &look->view.record,
                    event->leaves_at <= look->cut ? MR_PURPOSE_ERASE : MR_PURPOSE_SHOW, &error),
            "what was told does not open", &error);
    if (!mr_slice_equal(mr_buf_slice(&unsealed.bytes), mr_buf_slice(&event->bytes)))
        look_found(look, "number %llu has other bytes", (unsigned long long)number);
    mr_unsealed_fini(&unsealed);
}

static void check_told(struct look *look)
{
    for (int p = 0; p < HISTORY_PRODUCERS; p++) {
        const struct history_producer *producer = &look->history->producers[p];

        for (size_t i = 0; i < producer->count; i++) {
            const struct history_event *event = &producer->events[i];

            if (event->told_at > look->cut || event->number == 0)
                continue;
            if (event->number > look->head)
                look_found(look, "event %zu of producer %d was told to be number %llu, the log has %llu", i,
                        p, (unsigned long long)event->number, (unsigned long long)look->head);
            check_event(look, event, event->number);
        }
    }
}

static uint64_t told_through(const struct look *look, const struct history_producer *producer)
{
    uint64_t through = 0;

    while (through < producer->sent && producer->told_at[through] > 0 &&
            producer->told_at[through] <= look->cut)
        through++;
    return through;
}

/* A producer that comes back is told to go on no earlier than where it was told to be. */
static void check_producers(struct look *look)
{
    for (int p = 0; p < HISTORY_PRODUCERS; p++) {
        const struct history_producer *producer = &look->history->producers[p];
        uint16_t system = mr_names_id(look->house.names, MR_NAME_SYSTEM, spawn_system(producer->system));
        uint8_t key[MR_PRODUCER_KEY_BYTES];
        struct mr_producer_row row = {0};
        struct mr_slice value;
        uint64_t told = told_through(look, producer);
        int r = mr_log_row(look->reader, MR_LOG_PRODUCER, mr_producer_key(system, key), &value);

        if (r == 0)
            r = mr_producer_row_decode(&row, value);
        if (told > 0 && (r < 0 || row.epoch != HISTORY_EPOCH || row.stored_sequence < told))
            look_found(look, "producer %d was told %llu, its row says %llu", p, (unsigned long long)told,
                    (unsigned long long)row.stored_sequence);
    }
}

static void check_derived(struct look *look)
{
    if (mr_index_through(look->house.index) > look->head || mr_view_through(look->house.view) > look->head)
        look_found(look, "index or views know more than the log has");
}

/* ---- and sent again ---- */

static void on_done(struct mr_intake *intake)
{
    (void)sem_post(intake->owner);
}

static struct mr_intake *intake_of(struct look *look, const struct history_producer *producer,
        const size_t *events, size_t count, struct again *again)
{
    struct mr_intake *intake = mr_intake_new(count);
    size_t at = 0;

    if (!intake)
        look_found(look, "no memory");
    intake->sender = mr_config_system(look->config, spawn_system(producer->system));
    intake->system = mr_names_id(look->house.names, MR_NAME_SYSTEM, spawn_system(producer->system));
    intake->by_tool = true;
    intake->owner = &again->done;
    intake->done = on_done;
    for (size_t i = 0; i < count; i++)
        mr_buf_put_slice(&intake->bytes, mr_buf_slice(&producer->events[events[i]].bytes));
    for (size_t i = 0; i < count; i++) {
        intake->items[i].event = mr_slice(intake->bytes.data + at, producer->events[events[i]].bytes.size);
        at += producer->events[events[i]].bytes.size;
    }
    return intake;
}

static void send_again(struct look *look, const struct history_producer *producer, const size_t *events,
        size_t count, struct again *again)
{
    struct mr_intake *intake = intake_of(look, producer, events, count, again);

    mr_prepare_submit(again->prepare, intake);
    while (sem_wait(&again->done) != 0)
        continue;
    if (intake->status < 0)
        look_found(look, "sent again, it is not stored: %s", mr_err_name(intake->status));
    if (mr_log_reader_renew(look->reader) < 0)
        look_found(look, "no snapshot");
    for (size_t i = 0; i < count; i++) {
        const struct history_event *event = &producer->events[events[i]];
        uint64_t number = intake->items[i].number;

        if (intake->items[i].verdict == MR_VERDICT_REFUSED || number == 0)
            look_found(look, "sent again, it is refused");
        if (event->told_at <= look->cut && event->number > 0 && number != event->number)
            look_found(look, "sent again, it is number %llu; it was told to be %llu",
                    (unsigned long long)number, (unsigned long long)event->number);
        check_event(look, event, number);
    }
    mr_intake_free(intake);
}

static void start_again(struct look *look, struct again *again)
{
    struct mr_writer_options options = {.log = look->house.log, .batch_jobs_max = WRITER_JOBS_MAX};
    struct mr_error error = {0};

    (void)sem_init(&again->done, 0, 0);
    look_want(look, mr_matcher_create(&again->matcher, look->config, look->house.names, &error), "matcher",
            &error);
    look_want(look, mr_writer_start(&again->writer, &options), "writer", &error);
    look_want(look, mr_prepare_start(&again->prepare, &look->house, again->matcher, again->writer, &error),
            "prepare", &error);
}

/* What was not told, and now and then one that was: as its sender would. */
static void send_all_again(struct look *look)
{
    struct again again = {0};
    size_t events[AGAIN_MAX], count = 0;

    start_again(look, &again);
    for (int p = 0; p < HISTORY_PRODUCERS; p++) {
        const struct history_producer *producer = &look->history->producers[p];

        for (size_t i = 0; i < producer->count; i++) {
            if (producer->events[i].told_at > look->cut || i % 50 == 0)
                events[count++] = i;
            if (count == AGAIN_MAX || (count > 0 && i + 1 == producer->count)) {
                send_again(look, producer, events, count, &again);
                count = 0;
            }
        }
    }
    if (look->all->finish)
        look->all->finish(look, &again, look->all->finish_ctx);
    mr_prepare_stop(again.prepare);
    mr_writer_stop(again.writer);
}

static void renew(struct look *look)
{
    mr_log_reader_close(look->reader);
    free(look->idents);
    if (mr_log_reader_open(look->house.log, &look->reader) < 0)
        look_found(look, "no reader");
    look->head = mr_log_reader_head(look->reader);
    look->idents = calloc(look->head + 1, sizeof look->idents[0]);
    if (!look->idents)
        look_found(look, "no memory");
}

static void look_at(struct look *look, const char *dir)
{
    size_t events = 0;

    open_house(look, dir);
    renew(look);
    check_tree(look);
    check_once(look);
    check_told(look);
    check_producers(look);
    check_derived(look);
    send_all_again(look);
    renew(look);
    check_tree(look);
    check_once(look);
    check_told(look);
    for (int p = 0; p < HISTORY_PRODUCERS; p++)
        events += look->history->producers[p].count;
    if (look->head - look->own != events)
        look_found(look, "%zu events were sent, %llu are there", events,
                (unsigned long long)(look->head - look->own));
}

/* ---- from outside ---- */

/* The test program's handlers would go on with the next test. */
static void default_signals(void)
{
    static const int signals[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL};

    for (size_t i = 0; i < MR_COUNT(signals); i++)
        (void)signal(signals[i], SIG_DFL);
}

/* What the hub's threads say lies beside what they said it of. */
static void take_stderr(const char *dir)
{
    int fd = open(mr_tmpdir_path(dir, "stderr"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

    if (fd < 0 || dup2(fd, STDERR_FILENO) < 0)
        _exit(2);
}

void reopened_begin(struct reopened_run *run, const struct reopened *reopened, const char *dir, uint64_t cut)
{
    int ends[2];

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    run->pid = fork();
    assert_true(run->pid >= 0);
    if (run->pid == 0) {
        struct look *look = calloc(1, sizeof *look);

        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        default_signals();
        take_stderr(dir);
        if (!look)
            _exit(2);
        look->all = reopened;
        look->history = reopened->history;
        look->cut = cut;
        look->problem_fd = ends[1];
        look->dir = dir;
        look_at(look, dir);
        _exit(0);
    }
    (void)close(ends[1]);
    run->pipe = ends[0];
}

bool reopened_end(struct reopened_run *run, char problem[static REOPENED_PROBLEM_MAX])
{
    ssize_t n = read(run->pipe, problem, REOPENED_PROBLEM_MAX - 1);
    int status = 0;

    problem[n > 0 ? n : 0] = 0;
    while (waitpid(run->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    (void)close(run->pipe);
    if (WIFSIGNALED(status))
        (void)snprintf(problem, REOPENED_PROBLEM_MAX, "it dies of signal %d", WTERMSIG(status));
    else if (WEXITSTATUS(status) != 0 && problem[0] == 0)
        (void)snprintf(problem, REOPENED_PROBLEM_MAX, "it ends with %d", WEXITSTATUS(status));
    return problem[0] == 0;
}
