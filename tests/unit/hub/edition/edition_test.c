/* Editions of the configuration: who holds which, and that one begins at a number and not between two. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event/hub.pb-c.h"
#include "hub/deliver/deliver_rows.h"
#include "hub/edition/edition.h"
#include "proto/base/bytes.h"
#include "proto/base/list.h"
#include "tests/support/hub_env.h"

enum { LOOKS = 2000, NAMES = 300 };

static const char copmkp[] = "  - name: copmkp\n"
                             "    kind: copmkp\n"
                             "    source: urn:marshrut:24:copmkp\n"
                             "    public_key: 'JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6'\n"
                             "    publish: [nms.diagnostic., nms.deficit., nms.rediagnostic., nms.person., "
                             "nms.event.annulled.v1]\n";
static const char programmes[] = "subscriptions:\n  - {name: cnppm-programmes, system: cnppm, filters: "
                                 "[{prefix: {type: nms.programme.}}]}\n";

/* The text of the environment with `was` replaced by `is`, twice. */
static struct mr_config *other_config(
        const struct hub_env *env, const char *was, const char *is, const char *was_too, const char *is_too)
{
    const char *const pairs[][2] = {{was, is}, {was_too, is_too}};
    struct mr_config *config = NULL;
    struct mr_buf text = MR_BUF_INIT;
    struct mr_error error = {0};

    mr_buf_put_slice(&text, env->config->text);
    for (size_t i = 0; i < MR_COUNT(pairs) && pairs[i][0]; i++) {
        struct mr_buf next = MR_BUF_INIT;
        const char *all = mr_buf_str(&text), *at = strstr(all, pairs[i][0]);

        assert_non_null(at);
        mr_buf_put(&next, all, (size_t)(at - all));
        mr_buf_put_str(&next, pairs[i][1]);
        mr_buf_put_str(&next, at + strlen(pairs[i][0]));
        mr_buf_fini(&text);
        text = next;
    }
    if (mr_edition_read(&config, env->config, mr_slice_str(mr_buf_str(&text)), "new", &error) < 0)
        fail_msg("%s: %s", error.where, error.what);
    mr_buf_fini(&text);
    return config;
}

static struct mr_edition *new_edition(const struct hub_env *env, uint32_t version, struct mr_config *config)
{
    struct mr_edition *edition = NULL;

    assert_true(mr_names_add(env->house.names, config, NULL) >= 0);
    assert_int_equal(mr_edition_new(&edition, version, config, config, env->house.names, NULL), 0);
    return edition;
}

/* ---- who holds which ---- */

static void a_turn_has_one_edition(void **state)
{
    struct hub_env *env = *state;
    struct mr_editions editions = {0};
    struct mr_house loop = env->house, worker, question;
    struct mr_edition *first, *second;

    assert_int_equal(mr_editions_open(&editions, &loop, NULL), 0);
    first = loop.edition;
    mr_house_share(&worker, &loop);
    mr_house_share(&question, &loop);
    assert_int_equal(atomic_load(&first->holders), 4);
    second = new_edition(env, 2, other_config(env, "suppress_below: 5", "suppress_below: 7", NULL, NULL));
    mr_house_renew(&worker);
    assert_ptr_equal(worker.edition, first); /* nobody has said so yet */
    mr_house_adopt(&loop, second);
    mr_editions_set(&editions, second);
    mr_edition_drop(second);
    assert_int_equal(worker.config->passport.suppress_below, 5);
    mr_house_renew(&worker);
    assert_int_equal(worker.config->passport.suppress_below, 7);
    assert_int_equal(worker.config_version, 2);
    assert_int_equal(question.config->passport.suppress_below, 5); /* until it is answered */
    assert_int_equal(atomic_load(&first->holders), 1);
    mr_house_leave(&question);
    assert_int_equal(atomic_load(&second->holders), 3);
    mr_house_leave(&worker);
    mr_edition_drop(loop.edition);
    mr_editions_close(&editions);
}

struct looking {
    const struct mr_names *names;
    const char *known;
    uint16_t id;
    bool good;
};

static void *look(void *arg)
{
    struct looking *looking = arg;

    looking->good = true;
    for (int i = 0; i < LOOKS; i++) {
        const char *text = mr_names_text(looking->names, MR_NAME_SUBSCRIPTION, looking->id);

        looking->good = looking->good && text && strcmp(text, looking->known) == 0 &&
                        mr_names_id(looking->names, MR_NAME_SUBSCRIPTION, looking->known) == looking->id;
    }
    return NULL;
}

/* Names grow while others look them up. */
static void names_grow_beside_readers(void **state)
{
    struct hub_env *env = *state;
    struct looking looking = {.names = env->house.names, .known = "portal-routes"};
    struct mr_buf many = MR_BUF_INIT;
    struct mr_config *config;
    pthread_t thread;

    looking.id = mr_names_id(env->house.names, MR_NAME_SUBSCRIPTION, looking.known);
    mr_buf_put_str(&many, "subscriptions:\n");
    for (int i = 0; i < NAMES; i++)
        mr_buf_printf(&many, "  - {name: a-%d, system: cnppm, filters: [{exact: {id: x-%d}}]}\n", i, i);
    config = other_config(env, "subscriptions:\n", mr_buf_str(&many), NULL, NULL);
    assert_int_equal(pthread_create(&thread, NULL, look, &looking), 0);
    assert_int_equal(mr_names_add(env->house.names, config, NULL), NAMES);
    assert_int_equal(mr_names_add(env->house.names, config, NULL), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(looking.good);
    mr_config_free(config);
    mr_buf_fini(&many);
}

/* ---- it begins at a number ---- */

struct queue {
    struct hub_env *env;
    sem_t gate, done;
};

static void on_done(struct mr_intake *intake)
{
    struct queue *queue = intake->owner;

    (void)sem_post(&queue->done);
}

static void wait_on(sem_t *semaphore)
{
    while (sem_wait(semaphore) != 0)
        continue;
}

/* The prepare thread stands still here, and all that is submitted meanwhile is its next batch. */
static int wait_at_gate(struct mr_intake *intake, struct mr_keyring *keyring)
{
    struct queue *queue = intake->owner;

    (void)keyring;
    wait_on(&queue->gate);
    return 0;
}

static int put_edition(struct mr_intake *intake, struct mr_log_batch *batch)
{
    const struct queue *queue = intake->owner;

    return mr_edition_put(intake->begins, queue->env->house.names, intake->items[0].number, batch);
}

static struct mr_intake *submit(struct queue *queue, const char *system, struct mr_buf *event,
        struct mr_edition *begins, bool by_tool)
{
    const struct mr_edition *first = queue->env->house.edition;
    struct mr_intake *intake = mr_intake_new(event ? 1 : 0);

    assert_non_null(intake);
    intake->sender = system ? mr_config_system(first->config, system) : NULL;
    intake->edition = mr_edition_hold(queue->env->house.edition);
    intake->system = mr_names_id(queue->env->house.names, MR_NAME_SYSTEM, system ? system : "hub");
    intake->epoch = system && !by_tool ? 7 : 0;
    intake->first_sequence = system ? 1 : 0;
    intake->by_tool = by_tool;
    intake->owner = queue;
    intake->done = on_done;
    intake->begins = mr_edition_hold(begins);
    intake->rows = begins ? put_edition : NULL;
    intake->task = event ? NULL : wait_at_gate;
    if (event) {
        mr_buf_put_slice(&intake->bytes, mr_buf_slice(event));
        intake->items[0].event = mr_buf_slice(&intake->bytes);
        mr_buf_fini(event);
    }
    return intake;
}

static struct mr_buf programme(const char *id)
{
    struct mr_buf event = MR_BUF_INIT;

    hub_env_programme(&event, id);
    return event;
}

static struct mr_buf deficit(const char *id)
{
    struct mr_buf event = MR_BUF_INIT;

    hub_env_deficit(&event, id, "11223344595", NULL);
    return event;
}

static struct mr_buf applied(void)
{
    Nms__Event__V1__HubConfigApplied m = NMS__EVENT__V1__HUB_CONFIG_APPLIED__INIT;
    struct mr_attributes a = hub_env_attributes("urn:marshrut:24:hub", "c-1", "hub.config.applied.v1");
    struct mr_buf event = MR_BUF_INIT;

    m.version = 2;
    hub_env_encode(&event, &a, &m.base);
    return event;
}

static void expect_record(struct mr_log_reader *reader, uint64_t number, uint32_t config, const char *sub,
        const struct mr_names *names, bool wanted)
{
    struct mr_record_view view;

    assert_int_equal(mr_log_read(reader, number, &view, NULL), 0);
    assert_int_equal(view.record.config, config);
    assert_int_equal(mr_record_wants(&view.record, mr_names_id(names, MR_NAME_SUBSCRIPTION, sub)), wanted);
}

/*
 * One batch of the prepare thread: before, the event that begins it, after. The second configuration has a
 * subscription more, and no copmkp any more.
 */
static void an_edition_begins_at_a_number(void **state)
{
    struct hub_env *env = *state;
    struct mr_editions editions = {0};
    struct queue queue = {.env = env};
    struct mr_buf events[] = {
            programme("p-1"), deficit("d-1"), applied(), programme("p-2"), deficit("d-2"), deficit("d-3")};
    static const int status[] = {0, 0, 0, 0, MR_EDENIED, MR_EDENIED};
    struct mr_intake *intakes[MR_COUNT(events) + 1];
    struct mr_cursor_row cursor;
    struct mr_log_reader *reader;
    struct mr_edition *second;
    struct mr_slice value;
    uint8_t key[MR_CURSOR_KEY_BYTES];

    assert_int_equal(mr_editions_open(&editions, &env->house, NULL), 0);
    second = new_edition(env, 2, other_config(env, copmkp, "", "subscriptions:\n", programmes));
    assert_int_equal(sem_init(&queue.gate, 0, 0), 0);
    assert_int_equal(sem_init(&queue.done, 0, 0), 0);
    for (size_t i = 0; i < MR_COUNT(events); i++) {
        static const char *const systems[] = {"portal", "copmkp", NULL, "portal", "copmkp", "copmkp"};

        intakes[i] = submit(&queue, systems[i], &events[i], i == 2 ? second : NULL, i == 5);
    }
    intakes[MR_COUNT(events)] = submit(&queue, NULL, NULL, NULL, false);
    mr_prepare_submit(env->prepare, intakes[MR_COUNT(events)]);
    for (size_t i = 0; i < MR_COUNT(events); i++)
        mr_prepare_submit(env->prepare, intakes[i]);
    (void)sem_post(&queue.gate);
    for (size_t i = 0; i <= MR_COUNT(events); i++)
        wait_on(&queue.done);
    for (size_t i = 0; i < MR_COUNT(events); i++)
        assert_int_equal(intakes[i]->status, status[i]);
    assert_int_equal(mr_log_head(env->house.log), 4);
    assert_int_equal(mr_log_reader_open(env->house.log, &reader), 0);
    expect_record(reader, 1, 1, "cnppm-programmes", env->house.names, false);
    expect_record(reader, 2, 1, "cnppm-deficits", env->house.names, true);
    expect_record(reader, 3, 2, "cnppm-programmes", env->house.names, false);
    expect_record(reader, 4, 2, "cnppm-programmes", env->house.names, true);
    (void)mr_cursor_key(mr_names_id(env->house.names, MR_NAME_SUBSCRIPTION, "cnppm-programmes"), key);
    assert_int_equal(mr_log_row(reader, MR_LOG_CURSOR, mr_slice(key, sizeof key), &value), 0);
    assert_int_equal(mr_cursor_row_decode(&cursor, value), 0);
    assert_int_equal(cursor.first, 3);
    mr_log_reader_close(reader);
    for (size_t i = 0; i <= MR_COUNT(events); i++)
        mr_intake_free(intakes[i]);
    mr_edition_drop(second);
    hub_env_close(env);
    (void)sem_destroy(&queue.gate);
    (void)sem_destroy(&queue.done);
    mr_editions_close(&editions);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, hub_env_setup, hub_env_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(a_turn_has_one_edition),
            TEST(names_grow_beside_readers),
            TEST(an_edition_begins_at_a_number),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
