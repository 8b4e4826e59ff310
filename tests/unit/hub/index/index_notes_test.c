/* Notes: of whom there are some, that they lead to what the log leads to, and that they stay within their
 * room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "hub/index/index_notes.h"
#include "hub/index/indexer.h"
#include "hub/record/opened.h"
#include "tests/support/hub_env.h"

enum { EVENTS = 40 };

static void publish_one(struct hub_env *env, const char *system, struct mr_buf *event, unsigned i)
{
    mr_intake_free(hub_env_publish(env, system, event, 1, 1 + i));
    mr_buf_fini(event);
}

/* Every third one is about a person, and one of them waits for correction: it names nobody. */
static bool about_nobody(unsigned i)
{
    return i % 3 != 1;
}

static void publish(struct hub_env *env, unsigned i)
{
    struct mr_buf event = MR_BUF_INIT;
    char id[16];

    (void)snprintf(id, sizeof id, "n-%u", i);
    if (about_nobody(i)) {
        hub_env_programme(&event, id);
        publish_one(env, "portal", &event, i);
    } else {
        hub_env_deficit(&event, id, i == 4 ? NULL : "11223344595", i == 4 ? "nobody" : NULL);
        publish_one(env, "copmkp", &event, i);
    }
}

/* Of the rows that are open: each sealing is another. */
static int add_open_row(void *ctx, struct mr_slice key, struct mr_slice value)
{
    if (value.size > 0 && value.data[0] == 1) {
        (void)crypto_generichash_update(ctx, key.data, key.size);
        (void)crypto_generichash_update(ctx, value.data, value.size);
    }
    return 0;
}

struct built {
    uint8_t index[32];
    uint8_t views[32];
    uint64_t entries;
};

static void look(struct hub_env *env, struct built *ret)
{
    crypto_generichash_state state;
    struct mr_view_reader *reader;

    assert_int_equal(mr_index_digest(env->house.index, ret->index, &ret->entries, NULL), 0);
    (void)crypto_generichash_init(&state, NULL, 0, sizeof ret->views);
    assert_int_equal(mr_view_reader_open(env->house.view, &reader), 0);
    assert_int_equal(mr_view_rows(reader, MR_VIEW_FACT, (struct mr_slice){0}, add_open_row, &state), 0);
    mr_view_reader_close(reader);
    (void)crypto_generichash_final(&state, ret->views, sizeof ret->views);
}

static void test_as_from_the_log(void **state)
{
    struct hub_env *env = *state;
    struct mr_index_notes *notes;
    struct built noted, read;

    assert_int_equal(mr_index_notes_new(&notes), 0);
    publish(env, 0); /* from before there were notes: as after a start */
    mr_prepare_note_to(env->prepare, notes);
    for (unsigned i = 1; i < EVENTS; i++) {
        publish(env, i);
        if (i % 7 == 0) /* in some batches, and in one that begins in the middle of what is noted */
            assert_int_equal(i == 14 ? mr_indexer_run_to(&env->house, i - 2, NULL)
                                     : mr_indexer_run_batch(&env->house, notes, NULL),
                    0);
    }
    assert_int_equal(mr_indexer_run_batch(&env->house, notes, NULL), 0);
    assert_int_equal(mr_index_through(env->house.index), EVENTS);
    look(env, &noted);
    assert_int_equal(mr_index_clear(env->house.index), 0);
    assert_int_equal(mr_view_clear(env->house.view), 0);
    assert_int_equal(mr_indexer_run_once(&env->house, NULL), 0);
    look(env, &read);
    assert_int_equal(noted.entries, read.entries);
    assert_memory_equal(noted.index, read.index, sizeof read.index);
    assert_memory_equal(noted.views, read.views, sizeof read.views);
    hub_env_close(env);
    mr_index_notes_free(notes);
    hub_env_open(env);
}

static void test_only_of_nobody(void **state)
{
    struct hub_env *env = *state;
    struct mr_index_notes *notes;
    struct mr_slice note;

    assert_int_equal(mr_index_notes_new(&notes), 0);
    mr_prepare_note_to(env->prepare, notes);
    for (unsigned i = 0; i < EVENTS; i++)
        publish(env, i);
    assert_false(mr_index_notes_take(NULL, 1, &note));
    for (unsigned i = 0; i < EVENTS; i++) {
        if (i != 6) /* one that nobody asks for is passed over */
            assert_int_equal(mr_index_notes_take(notes, 1 + i, &note), about_nobody(i));
    }
    assert_false(mr_index_notes_take(notes, 1 + EVENTS, &note));
    hub_env_close(env);
    mr_index_notes_free(notes);
    hub_env_open(env);
}

/* An event of which a note can be made. */
struct sample {
    struct mr_buf bytes;
    struct mr_arena arena;
    struct mr_event event;
    struct mr_record record;
};

static void sample_init(struct sample *sample)
{
    *sample = (struct sample){0};
    hub_env_programme(&sample->bytes, "s-1");
    mr_arena_init(&sample->arena, 1 << 20);
    assert_int_equal(mr_event_decode(&sample->event, mr_buf_slice(&sample->bytes), &sample->arena, NULL), 0);
}

static void sample_fini(struct sample *sample)
{
    mr_arena_fini(&sample->arena);
    mr_buf_fini(&sample->bytes);
}

static void add_batch(struct hub_env *env, struct mr_index_notes *notes, struct sample *sample,
        uint64_t first, uint64_t count, bool given)
{
    mr_index_notes_begin(notes);
    for (uint64_t n = first; n < first + count; n++) {
        sample->record.number = n;
        mr_index_notes_add(notes, &env->house, &sample->record, &sample->event);
    }
    mr_index_notes_end(notes, given);
}

static void test_taken_back_and_full(void **state)
{
    enum { BATCH = 1000, BATCHES = 200 };
    struct hub_env *env = *state;
    struct mr_index_notes *notes;
    struct sample sample;
    struct mr_slice note;
    uint64_t kept = 0;

    assert_int_equal(mr_index_notes_new(&notes), 0);
    sample_init(&sample);
    add_batch(env, notes, &sample, 1, 3, /* given= */ false); /* what was not committed is not there */
    assert_false(mr_index_notes_take(notes, 1, &note));
    for (uint64_t i = 0; i < BATCHES; i++)
        add_batch(env, notes, &sample, 1 + i * BATCH, BATCH, /* given= */ true);
    for (uint64_t n = 1; n <= BATCH * BATCHES && mr_index_notes_take(notes, n, &note); n++)
        kept += note.size;
    assert_in_range(kept, MR_INDEX_NOTES_BYTES_MAX / 2, MR_INDEX_NOTES_BYTES_MAX);
    add_batch(env, notes, &sample, 1 + BATCHES * BATCH, 1, /* given= */ true); /* there is room again */
    assert_true(mr_index_notes_take(notes, 1 + BATCHES * BATCH, &note));
    sample_fini(&sample);
    mr_index_notes_free(notes);
}

/* A batch whose notes are larger than all the room is not noted; the next one is. */
static void test_one_that_is_too_large(void **state)
{
    enum { TEXT_BYTES = 32 * 1024, BATCH = MR_INDEX_NOTES_BYTES_MAX / TEXT_BYTES + 1 };
    static char text[TEXT_BYTES + 1];
    struct hub_env *env = *state;
    struct mr_index_notes *notes;
    struct sample sample;
    struct mr_slice note;

    assert_int_equal(mr_index_notes_new(&notes), 0);
    sample_init(&sample);
    memset(text, 'a', TEXT_BYTES);
    sample.event.a.correlationid = text;
    add_batch(env, notes, &sample, 1, BATCH, /* given= */ true);
    assert_false(mr_index_notes_take(notes, BATCH, &note));
    sample.event.a.correlationid = NULL;
    add_batch(env, notes, &sample, 1 + BATCH, 1, /* given= */ true);
    assert_true(mr_index_notes_take(notes, 1 + BATCH, &note));
    sample_fini(&sample);
    mr_index_notes_free(notes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(test_as_from_the_log, hub_env_setup, hub_env_teardown),
            cmocka_unit_test_setup_teardown(test_only_of_nobody, hub_env_setup, hub_env_teardown),
            cmocka_unit_test_setup_teardown(test_taken_back_and_full, hub_env_setup, hub_env_teardown),
            cmocka_unit_test_setup_teardown(test_one_that_is_too_large, hub_env_setup, hub_env_teardown),
    };

    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
