#include "tests/support/erasure_env.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/base/list.h"
#include "store/root_key.h"

#define S(text) mr_slice_str(text)

const char *const house_snils[PERSONS] = {
        "11223344595", "08765430300", "11223344696", "11223344797", "11223344898", "11223344999"};

static void fill(struct house *house)
{
    struct mr_employment employment = {.org = "1027700132195", .system = "portal", .active = true};
    struct mr_keyring_txn *txn = keyring_env_begin(house->env);

    for (size_t i = 0; i < PERSONS; i++) {
        house->persons[i] = keyring_env_person(txn);
        assert_int_equal(
                mr_person_bind(txn, MR_IDENTIFIER_SNILS, S(house_snils[i]), house->persons[i].id, NULL), 0);
        assert_int_equal(mr_employment_put(txn, house->persons[i].id, &employment), 0);
    }
    assert_int_equal(mr_person_merge(txn, house->persons[0].id, house->persons[1].id), 0);
    assert_int_equal(mr_keyring_commit(txn), 0);
}

int house_setup(void **state)
{
    struct house *house = calloc(1, sizeof *house);

    if (keyring_env_setup((void **)&house->env) != 0)
        return -1;
    fill(house);
    *state = house;
    return 0;
}

int house_teardown(void **state)
{
    struct house *house = *state;

    keyring_env_teardown((void **)&house->env);
    free(house);
    return 0;
}

const char *house_path(const struct house *house, const char *name)
{
    return mr_tmpdir_path(house->env->dir, name);
}

int house_erase(struct house *house, uint8_t batch, struct mr_erasure_result *ret)
{
    const struct mr_erasure_options options = {.id = {batch}};
    struct mr_error err = {0};
    int r = mr_keyring_erase(house->env->keyring, (const uint8_t(*)[MR_PERSON_ID_BYTES])house->persons[0].id,
            1, &options, ret, &err);

    if (r < 0) {
        assert_int_equal(err.code, r);
        assert_true(strlen(err.what) > 0 && strlen(err.where) > 0);
    }
    return r;
}

void house_assert_state(struct house *house, bool erased)
{
    struct mr_keyring *keyring = house->env->keyring;
    struct mr_keyring_txn *txn = keyring_env_begin(house->env);

    for (size_t i = 0; i < PERSONS; i++) {
        bool gone = erased && i < ERASED;
        uint8_t id[MR_PERSON_ID_BYTES];
        struct mr_employment employment;
        enum mr_person_state person_state;
        struct mr_slot_key key;

        assert_int_equal(mr_keyring_key(keyring, house->persons[i].key.id, &key), gone ? MR_EDESTROYED : 0);
        if (!gone)
            assert_memory_equal(&key, &house->persons[i].key, sizeof key);
        assert_int_equal(
                mr_keyring_person_key(keyring, house->persons[i].id, &key), gone ? MR_EDESTROYED : 0);
        assert_int_equal(
                mr_person_find_own(txn, MR_IDENTIFIER_SNILS, S(house_snils[i]), id), gone ? MR_ENOTFOUND : 0);
        if (!gone)
            assert_memory_equal(id, house->persons[i].id, sizeof id);
        assert_int_equal(mr_person_state(txn, house->persons[i].id, &person_state, NULL), 0);
        assert_int_equal(person_state, gone ? MR_PERSON_DESTROYED : MR_PERSON_LIVE);
        assert_int_equal(
                mr_employment_list(txn, house->persons[i].id, &employment, 1), gone ? MR_EDESTROYED : 1);
        assert_int_equal(mr_keyring_knows(keyring, house->persons[i].key.id), 0);
    }
    mr_keyring_abort(txn);
}

struct mr_erasure_status house_status(struct house *house)
{
    struct mr_erasure_status status;

    assert_int_equal(mr_keyring_erasure_status(house->env->keyring, &status, NULL), 0);
    return status;
}

void house_finish(struct house *house)
{
    assert_int_equal(mr_keyring_finish_erasure(house->env->keyring, NULL, NULL), 0);
}

int house_opens_with(struct house *house, const char *keys, const char *root)
{
    struct mr_keyring_options options = {
            .dir = house_path(house, keys), .root_path = house_path(house, root)};
    struct mr_keyring *keyring = NULL;
    struct mr_error err = {0};
    int r = mr_keyring_open(&keyring, &options, &err);

    mr_keyring_close(keyring);
    return r;
}

void house_close(struct house *house)
{
    mr_keyring_close(house->env->keyring);
    house->env->keyring = NULL;
}

/* ---- escrow ---- */

static struct mr_escrow escrow_of(struct house *house)
{
    return (struct mr_escrow){
            .root = house_path(house, "escrow-root"), .keys = house_path(house, "escrow-keys")};
}

void house_make_escrow(struct house *house)
{
    assert_int_equal(mkdir(house_path(house, "escrow-root"), 0700), 0);
    assert_int_equal(mkdir(house_path(house, "escrow-keys"), 0700), 0);
}

int house_finish_with_escrow(struct house *house)
{
    const struct mr_escrow escrow = escrow_of(house);
    struct mr_error err = {0};
    int r = mr_keyring_finish_erasure(house->env->keyring, &escrow, &err);

    assert_int_equal(err.code, r);
    assert_true(r == 0 || strlen(err.where) > 0);
    return r;
}

bool house_has(struct house *house, const char *name)
{
    struct stat st;

    return stat(house_path(house, name), &st) == 0;
}

/* Only what belongs to this generation lies in escrow, and it opens and is whole. */
void house_assert_escrow(struct house *house, uint32_t generation)
{
    struct mr_root_slot slot;
    char root[64], keys[64];

    for (uint32_t g = 1; g < 5; g++) {
        (void)snprintf(root, sizeof root, "escrow-root/root.%u", g);
        (void)snprintf(keys, sizeof keys, "escrow-keys/keys.%u.mdb", g);
        assert_int_equal(house_has(house, root), g == generation);
        assert_int_equal(house_has(house, keys), g == generation);
    }
    (void)snprintf(root, sizeof root, "root.%u", generation);
    (void)snprintf(keys, sizeof keys, "escrow-keys/keys.%u.mdb", generation);
    assert_int_equal(mr_root_file_read(house_path(house, "escrow-root"), root, &slot, NULL), 0);
    assert_int_equal(slot.generation, generation);
    assert_false(house_has(house, "escrow-keys/incoming"));
    assert_int_equal(mkdir(house_path(house, "restored"), 0700), 0);
    assert_int_equal(link(house_path(house, keys), house_path(house, "restored/data.mdb")), 0);
    assert_int_equal(mr_root_write(house_path(house, "restored-root"), 0, generation, slot.key, NULL), 0);
    assert_int_equal(house_opens_with(house, "restored", "restored-root"), 0);
}
