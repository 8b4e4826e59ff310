/*
 * The keyring against a plain model, under random histories: persons made, bound, merged, blocked, held,
 * erased one by one and in batches, with reopenings, compactions, failures and kills in the middle of
 * erasures. Then its files are searched, and copies made on the way are tried with the roots that are left.
 * MR_SEED repeats one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/base/list.h"
#include "store/erasure.h"
#include "store/fault.h"
#include "store/hold.h"
#include "store/keyring_internal.h"
#include "store/kv.h"
#include "tests/support/keyring_model.h"
#include "tests/support/keys_files.h"

enum { STEPS = 400, BATCH_MAX = 4 };

/* ---- steps ---- */

static void make_persons(struct model *m)
{
    struct mr_keyring_txn *txn = keyring_env_begin(m->env);

    for (unsigned n = 1 + model_below(m, 5); n > 0 && m->count < PERSONS_MAX; n--) {
        struct person *person = &m->persons[m->count];
        char text[32];

        *person = (struct person){.survivor = m->count, .state = MR_PERSON_LIVE};
        person->made = keyring_env_person(txn);
        CHECK(m, mr_person_bind(txn, MR_IDENTIFIER_LOCAL, model_identifier(m->count, text), person->made.id,
                         NULL) == 0);
        m->count++;
    }
    CHECK(m, mr_keyring_commit(txn) == 0);
}

static void employ(struct model *m)
{
    unsigned i = model_below(m, m->count);
    struct mr_employment employment = {.org = "1027700132195", .system = "portal", .id = {1, (uint8_t)i}};
    struct mr_keyring_txn *txn = keyring_env_begin(m->env);
    int r = mr_employment_put(txn, m->persons[i].made.id, &employment);

    CHECK(m, r == model_code(model_state(m, i)));
    if (r == 0)
        m->persons[i].employed = true;
    CHECK(m, mr_keyring_commit(txn) == 0);
}

static void merge(struct model *m)
{
    unsigned to = model_below(m, m->count), from = model_below(m, m->count);
    struct mr_keyring_txn *txn;

    from = m->persons[from].survivor;
    to = m->persons[to].survivor;
    if (from == to || model_state(m, from) != MR_PERSON_LIVE || model_state(m, to) != MR_PERSON_LIVE)
        return;
    txn = keyring_env_begin(m->env);
    CHECK(m, mr_person_merge(txn, m->persons[to].made.id, m->persons[from].made.id) == 0);
    CHECK(m, mr_keyring_commit(txn) == 0);
    for (unsigned i = 0; i < m->count; i++)
        if (m->persons[i].survivor == from)
            m->persons[i].survivor = to;
}

static void destroyed(struct model *m, unsigned survivor)
{
    for (unsigned i = 0; i < m->count; i++)
        if (m->persons[i].survivor == survivor)
            m->persons[i].employed = false;
    m->persons[survivor].state = MR_PERSON_DESTROYED;
    m->erased++;
}

static void set_state(struct model *m, enum mr_person_state state)
{
    unsigned i = model_below(m, m->count), survivor = m->persons[i].survivor;
    struct mr_keyring_txn *txn = keyring_env_begin(m->env);
    int r = mr_person_set_state(txn, m->persons[i].made.id, state);

    if (model_state(m, i) == state)
        CHECK(m, r == 0);
    else if (model_state(m, i) == MR_PERSON_DESTROYED)
        CHECK(m, r == MR_EDESTROYED);
    else if (state == MR_PERSON_DESTROYED && model_group_held(m, survivor))
        CHECK(m, r == MR_EDENIED);
    else
        CHECK(m, r == 0);
    CHECK(m, mr_keyring_commit(txn) == 0);
    if (r == 0 && model_state(m, i) != state) {
        if (state == MR_PERSON_DESTROYED)
            destroyed(m, survivor);
        m->persons[survivor].state = state;
    }
}

static void hold_id(const struct person *person, uint8_t ret[static MR_HOLD_ID_BYTES])
{
    memcpy(ret, person->made.id, MR_HOLD_ID_BYTES);
    ret[0] ^= 0x55;
}

static void hold_or_release(struct model *m)
{
    unsigned i = model_below(m, m->count);
    struct person *person = &m->persons[i];
    struct mr_keyring_txn *txn = keyring_env_begin(m->env);
    uint8_t hold[MR_HOLD_ID_BYTES];
    int r;

    hold_id(person, hold);
    r = person->held ? mr_person_hold_release(txn, person->made.id, hold)
                     : mr_person_hold(txn, person->made.id, hold, "a case");
    CHECK(m, r == (model_state(m, i) == MR_PERSON_DESTROYED ? MR_EDESTROYED : 0));
    if (r == 0)
        person->held = !person->held;
    CHECK(m, mr_keyring_commit(txn) == 0);
}

/* ---- erasures ---- */

struct batch {
    unsigned who[BATCH_MAX];
    unsigned count;
    uint8_t ids[BATCH_MAX][MR_PERSON_ID_BYTES];
    bool held;
    struct mr_erasure_options options;
};

static struct batch batch_of(struct model *m)
{
    struct batch batch = {.count = 1 + model_below(m, BATCH_MAX)};

    for (unsigned i = 0; i < batch.count; i++) {
        batch.who[i] = model_below(m, m->count);
        memcpy(batch.ids[i], m->persons[batch.who[i]].made.id, sizeof batch.ids[i]);
        batch.held = batch.held || model_group_held(m, m->persons[batch.who[i]].survivor);
    }
    batch.options.id[0] = ++m->batches;
    batch.options.id[1] = 1;
    return batch;
}

static int erase(struct model *m, const struct batch *batch, struct mr_erasure_result *ret)
{
    return mr_keyring_erase(m->env->keyring, (const uint8_t(*)[MR_PERSON_ID_BYTES])batch->ids, batch->count,
            &batch->options, ret, NULL);
}

static void erased(struct model *m, const struct batch *batch, const struct mr_erasure_result *result)
{
    unsigned before = m->erased;

    for (unsigned i = 0; i < batch->count; i++)
        if (model_state(m, batch->who[i]) != MR_PERSON_DESTROYED)
            destroyed(m, m->persons[batch->who[i]].survivor);
    CHECK(m, result->persons == m->erased - before);
    CHECK(m, result->generation_after == m->generation + 1 && result->damaged == 0);
    m->generation = result->generation_after;
    m->waiting = true;
}

static void finish(struct model *m)
{
    CHECK(m, mr_keyring_finish_erasure(m->env->keyring, NULL, NULL) == 0);
    m->waiting = false;
}

static void erase_batch(struct model *m)
{
    struct batch batch = batch_of(m);
    struct mr_erasure_result result;
    int r = erase(m, &batch, &result);

    if (batch.held)
        CHECK(m, r == MR_EDENIED);
    else if (m->waiting)
        CHECK(m, r == MR_EAGAIN);
    else
        CHECK(m, r == 0);
    if (r == 0)
        erased(m, &batch, &result);
}

#ifdef MR_FAULT_POINTS

static const char *const points[] = {"keys.erase.root", "keys.erase.commit", "keys.erase.committed",
        "keys.erase.destroy", "keys.erase.destroyed", "kv.copy", "kv.swap", "kv.swapped"};

static void fail_batch(struct model *m)
{
    struct batch batch = batch_of(m);
    struct mr_erasure_result result;
    int r;

    mr_fault_set(model_below(m, 2) ? "keys.erase.root:1:enospc" : "keys.erase.commit:1:eio");
    r = erase(m, &batch, &result);
    mr_fault_set(NULL);
    CHECK(m, r < 0);
}

/* A process that erases, finishes and compacts, and dies on the way. Then the same batch again. */
static void kill_batch(struct model *m)
{
    struct batch batch = batch_of(m);
    const char *point = points[model_below(m, MR_COUNT(points))];
    struct mr_erasure_result result;
    int status = 0, r;
    pid_t pid;

    if (batch.held || m->waiting)
        return;
    mr_keyring_close(m->env->keyring);
    m->env->keyring = NULL;
    pid = fork();
    CHECK(m, pid >= 0);
    if (pid == 0) {
        struct mr_kv_compaction compaction;
        char spec[64];

        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)snprintf(spec, sizeof spec, "%s:1:kill", point);
        mr_fault_set(spec);
        keyring_env_open(m->env);
        (void)erase(m, &batch, &result);
        (void)mr_keyring_finish_erasure(m->env->keyring, NULL, NULL);
        (void)mr_keyring_compact(m->env->keyring, &compaction, NULL);
        _exit(3);
    }
    CHECK(m, waitpid(pid, &status, 0) == pid);
    CHECK(m, WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    m->kills++;
    keyring_env_open(m->env);
    r = erase(m, &batch, &result);
    CHECK(m, r == 0);
    erased(m, &batch, &result);
    finish(m);
}

#else
static void fail_batch(struct model *m)
{
    (void)m;
}

static void kill_batch(struct model *m)
{
    (void)m;
}
#endif

/* ---- the rest ---- */

static const char *copy_path(struct model *m, unsigned i)
{
    char name[16];

    (void)snprintf(name, sizeof name, "copy%u", i);
    return mr_tmpdir_path(m->env->dir, name);
}

static void reopen(struct model *m)
{
    mr_keyring_close(m->env->keyring);
    m->env->keyring = NULL;
    if (m->copies < COPIES_MAX && model_below(m, 4) == 0) {
        keys_files_copy(mr_tmpdir_path(m->env->dir, "keys"), copy_path(m, m->copies));
        m->copy_generation[m->copies++] = m->generation;
    }
    keyring_env_open(m->env);
}

static void compact(struct model *m)
{
    struct mr_kv_compaction compaction;

    CHECK(m, mr_keyring_compact(m->env->keyring, &compaction, NULL) == 0);
}

static void one_step(struct model *m)
{
    unsigned what = model_below(m, 100);

    if (what < 25 || m->count < 5)
        make_persons(m);
    else if (what < 35)
        employ(m);
    else if (what < 47)
        merge(m);
    else if (what < 55)
        set_state(m, MR_PERSON_BLOCKED);
    else if (what < 60)
        set_state(m, MR_PERSON_LIVE);
    else if (what < 63)
        set_state(m, MR_PERSON_DESTROYED);
    else if (what < 70)
        hold_or_release(m);
    else if (what < 78)
        erase_batch(m);
    else if (what < 86)
        finish(m);
    else if (what < 89)
        kill_batch(m);
    else if (what < 92)
        fail_batch(m);
    else if (what < 96)
        reopen(m);
    else
        compact(m);
}

/* ---- afterwards ---- */

static size_t count(struct model *m, const void *bytes, size_t size)
{
    return keys_files_count(mr_tmpdir_path(m->env->dir, "keys"), bytes, size);
}

/* A row "destroyed" for the person and one for its key, with nothing in common, and no other. */
static void check_tombstones(struct model *m, const struct test_person *made)
{
    uint8_t person[MR_PERSON_ID_BYTES + 2], key[MR_KEY_ID_BYTES + 2];

    memcpy(person, made->id, sizeof made->id);
    memcpy(key, made->key.id, sizeof made->key.id);
    for (uint8_t version = 1, state = MR_PERSON_LIVE; state <= MR_PERSON_DESTROYED; state++) {
        person[MR_PERSON_ID_BYTES] = version;
        person[MR_PERSON_ID_BYTES + 1] = state;
        key[MR_KEY_ID_BYTES] = state;
        key[MR_KEY_ID_BYTES + 1] = version;
        CHECK(m, (count(m, person, sizeof person) > 0) == (state == MR_PERSON_DESTROYED));
        CHECK(m, (count(m, key, sizeof key) > 0) == (state == MR_PERSON_DESTROYED));
    }
}

/* blind: of the erased ones, ids in the order of the model. */
static void check_files(struct model *m, const uint8_t (*blind)[MR_BLIND_BYTES])
{
    for (unsigned i = 0; i < m->count; i++) {
        const struct test_person *made = &m->persons[i].made;
        char text[32];

        CHECK(m, count(m, made->key.dek, sizeof made->key.dek) == 0);
        (void)model_identifier(i, text);
        CHECK(m, count(m, text + 7, strlen(text + 7)) == 0); /* the local id */
        if (model_state(m, i) != MR_PERSON_DESTROYED) {
            CHECK(m, count(m, blind[i], MR_BLIND_BYTES) > 0);
            continue;
        }
        CHECK(m, count(m, blind[i], MR_BLIND_BYTES) == 0);
        check_tombstones(m, made);
    }
}

/* A copy of before an erasure opens with nothing that is left; one of after it is as good as the original. */
static void check_copies(struct model *m)
{
    for (unsigned i = 0; i < m->copies; i++) {
        const struct mr_keyring_options options = {
                .dir = copy_path(m, i), .root_path = mr_tmpdir_path(m->env->dir, "root")};
        struct mr_keyring *keyring = NULL;
        int r = mr_keyring_open(&keyring, &options, NULL);

        mr_keyring_close(keyring);
        CHECK(m, r == (m->copy_generation[i] < m->generation ? MR_ECORRUPT : 0));
    }
}

static void random_histories(void **state)
{
    struct model *m = *state;
    static uint8_t blind[PERSONS_MAX][MR_BLIND_BYTES];

    for (m->step = 0; m->step < STEPS; m->step++) {
        one_step(m);
        if (m->step % 5 == 0)
            model_check(m);
    }
    if (m->waiting)
        finish(m);
    compact(m);
    model_check(m);
    for (unsigned i = 0; i < m->count; i++) {
        char text[32];

        mr_blind_index(
                m->env->keyring->secrets->blind, MR_IDENTIFIER_LOCAL, model_identifier(i, text), blind[i]);
    }
    mr_keyring_close(m->env->keyring);
    m->env->keyring = NULL;
    check_files(m, (const uint8_t(*)[MR_BLIND_BYTES])blind);
    check_copies(m);
    CHECK(m, m->erased > 5);
    keyring_env_open(m->env);
    model_check(m);
}

static int setup(void **state)
{
    const char *text = getenv("MR_SEED");
    struct model *m = calloc(1, sizeof *m);

    if (!m || keyring_env_setup((void **)&m->env) != 0)
        return -1;
    m->generation = 1;
    if (text)
        m->seed = strtoull(text, NULL, 0);
    else if (getrandom(&m->seed, sizeof m->seed, 0) != (ssize_t)sizeof m->seed)
        return -1;
    m->random = m->seed;
    *state = m;
    return 0;
}

static int teardown(void **state)
{
    struct model *m = *state;

    keyring_env_teardown((void **)&m->env);
    free(m);
    return 0;
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
            T(random_histories),
            T(random_histories),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
