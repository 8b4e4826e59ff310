#include "hub/erasure/rows.h"

#include <sodium.h>
#include <string.h>

#include "hub/record/payload.h"
#include "proto/base/bytes.h"
#include "proto/base/list.h"
#include "proto/wire/codec.h"
#include "proto/wire/ident.h"

#define REQUESTS "erasure/request/"
#define SECRETS  "erasure/secret/"

enum { KEY_BYTES_MAX = 32 };

static const struct {
    const char *name, *title;
    unsigned rank; /* in the order of the work */
} states[MR_ERASURE_STATES] = {
        [MR_ERASURE_REJECTED] = {"rejected", "отклонено, обработка возобновлена", 0},
        [MR_ERASURE_REQUESTED] = {"requested", "запрошено, обработка остановлена", 1},
        [MR_ERASURE_APPROVED] = {"approved", "утверждено", 2},
        [MR_ERASURE_COLLECTED] = {"collected", "найдено, где хранится", 3},
        [MR_ERASURE_TOLD] = {"told", "системы извещены", 4},
        [MR_ERASURE_CLEANED] = {"cleaned", "указатели очищены", 5},
        [MR_ERASURE_READY] = {"ready", "всё готово к уничтожению ключей", 6},
        [MR_ERASURE_DESTROYED] = {"destroyed", "ключи уничтожены, ждёт места хранения копий", 7},
        [MR_ERASURE_CONFIRMED] = {"confirmed", "ключи уничтожены, ждёт очистки журнала", 8},
        [MR_ERASURE_STRIPPED] = {"stripped", "журнал очищен", 9},
        [MR_ERASURE_WRITTEN] = {"written", "акт составлен", 10},
        [MR_ERASURE_COMPLETED] = {"completed", "уничтожено", 11},
};

const char *mr_erasure_state_name(uint32_t state)
{
    return state < MR_COUNT(states) && states[state].name ? states[state].name : "unknown";
}

const char *mr_erasure_state_title(uint32_t state)
{
    return state < MR_COUNT(states) && states[state].title ? states[state].title : "";
}

bool mr_erasure_reached(uint32_t state, enum mr_erasure_state wanted)
{
    return state < MR_COUNT(states) && states[state].rank >= states[wanted].rank;
}

bool mr_erasure_runs(uint32_t state)
{
    return mr_erasure_reached(state, MR_ERASURE_APPROVED) && !mr_erasure_reached(state, MR_ERASURE_COMPLETED);
}

const char *mr_notice_state_name(uint32_t state)
{
    static const char *const names[] = {[MR_NOTICE_WAITING] = "waiting",
            [MR_NOTICE_DONE] = "done",
            [MR_NOTICE_REFUSED] = "refused",
            [MR_NOTICE_NONE] = "no-answer"};

    return state < MR_COUNT(names) && names[state] ? names[state] : "unknown";
}

static struct mr_slice row_key(uint8_t out[static KEY_BYTES_MAX], const char *prefix, uint64_t number)
{
    size_t size = strlen(prefix);

    memcpy(out, prefix, size);
    mr_put_be64(out + size, number);
    return mr_slice(out, size + 8);
}

static int unpack(struct mr_slice value, struct mr_arena *arena, mr_erasure_request **ret)
{
    ProtobufCAllocator allocator = mr_arena_allocator(arena);

    *ret = marshrut__erasure__v1__request__unpack(&allocator, value.size, value.data);
    return *ret ? 0 : MR_ECORRUPT;
}

int mr_erasure_read(struct mr_log_reader *reader, uint64_t number, struct mr_arena *arena,
        mr_erasure_request **ret, struct mr_error *reterr)
{
    uint8_t key[KEY_BYTES_MAX];
    struct mr_slice value;
    int r = mr_log_row(reader, MR_LOG_DOCUMENT, row_key(key, REQUESTS, number), &value);

    if (r == 0)
        r = unpack(value, arena, ret);
    if (r == MR_ENOTFOUND)
        return mr_error_set(reterr, r, "request", "marshrut erase list has the numbers",
                "there is no request of this number");
    return r < 0 ? mr_error_set(reterr, r, "request", "", "the request cannot be read: %s", mr_err_text(r))
                 : 0;
}

int mr_erasure_row(
        struct mr_slice key, struct mr_slice value, struct mr_arena *arena, mr_erasure_request **ret)
{
    size_t prefix = strlen(REQUESTS);

    if (key.size != prefix + 8 || memcmp(key.data, REQUESTS, prefix) != 0)
        return MR_ENOTFOUND;
    return unpack(value, arena, ret);
}

struct each {
    mr_erasure_fn fn;
    void *ctx;
    struct mr_arena arena;
};

static int on_row(void *ctx, struct mr_slice key, struct mr_slice value)
{
    struct each *each = ctx;
    mr_erasure_request *request;
    int r;

    (void)key;
    mr_arena_reset(&each->arena);
    r = unpack(value, &each->arena, &request);
    return r < 0 ? r : each->fn(each->ctx, request);
}

int mr_erasure_each(struct mr_log_reader *reader, mr_erasure_fn fn, void *ctx)
{
    struct each each = {.fn = fn, .ctx = ctx};
    int r;

    mr_arena_init(&each.arena, MR_ERASURE_ARENA_BYTES);
    r = mr_log_rows(reader, MR_LOG_DOCUMENT, mr_slice_str(REQUESTS), mr_slice_str(REQUESTS), on_row, &each);
    mr_arena_fini(&each.arena);
    return r;
}

int mr_erasure_all(struct mr_log *log, mr_erasure_fn fn, void *ctx)
{
    struct mr_log_reader *reader;
    int r = mr_log_reader_open(log, &reader);

    if (r < 0)
        return r;
    r = mr_erasure_each(reader, fn, ctx);
    mr_log_reader_close(reader);
    return r;
}

static int count_persons(void *ctx, const mr_erasure_request *request)
{
    *(uint64_t *)ctx += mr_erasure_reached(request->state, MR_ERASURE_CLEANED) ? request->persons : 0;
    return 0;
}

int mr_erasure_persons(struct mr_log *log, uint64_t *ret)
{
    *ret = 0;
    return mr_erasure_all(log, count_persons, ret);
}

struct of_record {
    uint64_t record, request;
    unsigned count;
};

static int look_at_of(void *ctx, const mr_erasure_request *request)
{
    struct of_record *of = ctx;

    if (!mr_erasure_reached(request->state, MR_ERASURE_READY) || request->event_started < of->record)
        return 0;
    of->request = request->number;
    return ++of->count > 1; /* which one is not kept: it would link records */
}

int mr_erasure_of(struct mr_log *log, uint64_t record, uint64_t *ret)
{
    struct of_record of = {.record = record};
    int r = mr_erasure_all(log, look_at_of, &of);

    *ret = of.count == 1 ? of.request : 0;
    return r < 0 ? r : 0;
}

int mr_erasure_put(struct mr_log_batch *batch, const mr_erasure_request *request)
{
    struct mr_buf value = MR_BUF_INIT;
    uint8_t key[KEY_BYTES_MAX];
    int r = mr_payload_pack(&value, &request->base);

    if (r == 0)
        r = mr_log_batch_put(
                batch, MR_LOG_DOCUMENT, row_key(key, REQUESTS, request->number), mr_buf_slice(&value));
    mr_buf_fini(&value);
    return r;
}

/* ---- the secret ---- */

int mr_erasure_secret_seal(
        const struct mr_slot_key *key, uint64_t number, const mr_erasure_secret *secret, struct mr_buf *out)
{
    struct mr_buf plain = MR_BUF_INIT;
    uint8_t aad[KEY_BYTES_MAX];
    int r = mr_payload_pack(&plain, &secret->base);

    if (r == 0)
        r = mr_keyring_seal(key, row_key(aad, SECRETS, number), mr_buf_slice(&plain), out);
    mr_buf_wipe(&plain);
    return r;
}

int mr_erasure_secret_put(struct mr_log_batch *batch, uint64_t number, struct mr_slice sealed)
{
    uint8_t key[KEY_BYTES_MAX];

    return mr_log_batch_put(batch, MR_LOG_DOCUMENT, row_key(key, SECRETS, number), sealed);
}

int mr_erasure_secret_drop(struct mr_log_batch *batch, uint64_t number)
{
    uint8_t key[KEY_BYTES_MAX];
    int r = mr_log_batch_del(batch, MR_LOG_DOCUMENT, row_key(key, SECRETS, number));

    return r == MR_ENOTFOUND ? 0 : r;
}

int mr_erasure_secret_read(struct mr_log_reader *reader, const mr_erasure_request *request,
        const struct mr_slot_key *key, struct mr_arena *arena, mr_erasure_secret **ret)
{
    ProtobufCAllocator allocator = mr_arena_allocator(arena);
    struct mr_buf plain = MR_BUF_INIT;
    uint8_t row[KEY_BYTES_MAX];
    struct mr_slice value;
    int r = mr_log_row(reader, MR_LOG_DOCUMENT, row_key(row, SECRETS, request->number), &value);

    if (r == MR_ENOTFOUND)
        return MR_EDESTROYED;
    if (r == 0)
        r = mr_keyring_unseal(key, row_key(row, SECRETS, request->number), value, &plain);
    if (r == 0) {
        *ret = marshrut__erasure__v1__secret__unpack(&allocator, plain.size, plain.data);
        r = *ret ? 0 : MR_ECORRUPT;
    }
    mr_buf_wipe(&plain);
    return r;
}

bool mr_erasure_code_ok(const char *text)
{
    size_t size = strlen(text);

    return size > 0 && size <= MR_ERASURE_CODE_MAX && text[0] >= 'a' && text[0] <= 'z' &&
           strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == size && !mr_ident_snils_within(text);
}
