/* A keyring with a few persons of whom two are erased, for the tests of erasure, escrow and compaction. */
#ifndef MR_TESTS_ERASURE_ENV_H
#define MR_TESTS_ERASURE_ENV_H

#include "store/erasure.h"
#include "tests/support/keyring_env.h"

enum { PERSONS = 6, ERASED = 2 }; /* persons[1] is an alias of persons[0]: both go */

/* Each person has a number as identifier and an employment. */
struct house {
    struct keyring_env *env;
    struct test_person persons[PERSONS];
};

extern const char *const house_snils[PERSONS];

int house_setup(void **state);
int house_teardown(void **state);
const char *house_path(const struct house *house, const char *name);
void house_close(struct house *house); /* the keyring; keyring_env_open() opens it again */

/* Erases persons[0], and so persons[1]. */
int house_erase(struct house *house, uint8_t batch, struct mr_erasure_result *ret);
/* Both are gone, or nobody is; everybody else is as before. */
void house_assert_state(struct house *house, bool erased);
struct mr_erasure_status house_status(struct house *house);
void house_finish(struct house *house); /* without escrow */
/* What opening an environment with a folder of roots says. */
int house_opens_with(struct house *house, const char *keys, const char *root);

/* Escrow places beside the keyring; the files in them. */
void house_make_escrow(struct house *house);
int house_finish_with_escrow(struct house *house);
bool house_has(struct house *house, const char *name);
/* Only what belongs to this generation lies in escrow, and it opens and is whole. */
void house_assert_escrow(struct house *house, uint32_t generation);

#endif
