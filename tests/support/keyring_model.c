#include "tests/support/keyring_model.h"

#include <string.h>

#include "store/hold.h"

enum { EMPLOYMENTS_MAX = 64 };

uint64_t model_random(struct model *m) /* splitmix64 */
{
    uint64_t z = m->random += 0x9e3779b97f4a7c15;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

unsigned model_below(struct model *m, unsigned limit)
{
    return (unsigned)(model_random(m) % limit);
}

struct mr_slice model_identifier(unsigned i, char out[static 32])
{
    int n = snprintf(out, 32, "portal%c%u", 0, 1000000 + i);

    return mr_slice(out, (size_t)n);
}

bool model_group_held(const struct model *m, unsigned survivor)
{
    bool any = false;

    for (unsigned i = 0; i < m->count; i++)
        any = any || (m->persons[i].survivor == survivor && m->persons[i].held);
    return any;
}

static unsigned group_employments(const struct model *m, unsigned survivor)
{
    unsigned count = 0;

    for (unsigned i = 0; i < m->count; i++)
        count += m->persons[i].survivor == survivor && m->persons[i].employed;
    return count;
}

enum mr_person_state model_state(const struct model *m, unsigned i)
{
    return m->persons[m->persons[i].survivor].state;
}

/* ---- does the keyring say what the model says? ---- */

int model_code(enum mr_person_state state)
{
    return state == MR_PERSON_LIVE ? 0 : state == MR_PERSON_BLOCKED ? MR_EBLOCKED : MR_EDESTROYED;
}

static void check_keys(struct model *m, unsigned i)
{
    const struct person *person = &m->persons[i], *survivor = &m->persons[person->survivor];
    struct mr_keyring *keyring = m->env->keyring;
    int code = model_code(model_state(m, i));
    struct mr_slot_key key;
    bool held = false;

    CHECK(m, mr_keyring_key(keyring, person->made.key.id, &key) == code);
    CHECK(m, code < 0 || memcmp(&key, &person->made.key, sizeof key) == 0);
    CHECK(m, mr_keyring_person_key(keyring, person->made.id, &key) == code);
    CHECK(m, code < 0 || memcmp(&key, &survivor->made.key, sizeof key) == 0);
    CHECK(m, mr_keyring_held(keyring, person->made.key.id, &held) == 0);
    CHECK(m, held == model_group_held(m, person->survivor));
    CHECK(m, mr_keyring_knows(keyring, person->made.key.id) == 0);
}

static void check_rows(struct model *m, struct mr_keyring_txn *txn, unsigned i)
{
    const struct person *person = &m->persons[i];
    bool gone = model_state(m, i) == MR_PERSON_DESTROYED;
    struct mr_employment employments[EMPLOYMENTS_MAX];
    uint8_t found[MR_PERSON_ID_BYTES];
    enum mr_person_state state;
    char text[32];
    int r;

    CHECK(m, mr_person_state(txn, person->made.id, &state, NULL) == 0 && state == model_state(m, i));
    r = mr_person_find(txn, MR_IDENTIFIER_LOCAL, model_identifier(i, text), found);
    CHECK(m, r == (gone ? MR_ENOTFOUND : 0));
    CHECK(m, gone || memcmp(found, m->persons[person->survivor].made.id, sizeof found) == 0);
    r = mr_employment_list(txn, person->made.id, employments, EMPLOYMENTS_MAX);
    CHECK(m,
            r == (state == MR_PERSON_LIVE ? (int)group_employments(m, person->survivor) : model_code(state)));
}

void model_check(struct model *m)
{
    struct mr_keyring_txn *txn = keyring_env_begin(m->env);
    struct mr_erasure_status status;

    for (unsigned i = 0; i < m->count; i++) {
        check_keys(m, i);
        check_rows(m, txn, i);
    }
    mr_keyring_abort(txn);
    CHECK(m, mr_keyring_erasure_status(m->env->keyring, &status, NULL) == 0);
    CHECK(m, status.generation == m->generation && status.waiting == m->waiting);
}
