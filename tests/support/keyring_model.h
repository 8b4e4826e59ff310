/* What a keyring should say, kept plainly: persons, who was merged into whom, states, holds, employments. */
#ifndef MR_TESTS_KEYRING_MODEL_H
#define MR_TESTS_KEYRING_MODEL_H

#include "store/erasure.h"
#include "tests/support/keyring_env.h"

enum { PERSONS_MAX = 240, COPIES_MAX = 4 };

struct person {
    struct test_person made;
    unsigned survivor; /* index; itself when not merged */
    enum mr_person_state state;
    bool held, employed;
};

struct model {
    struct keyring_env *env;
    uint64_t seed, random;
    unsigned step;
    struct person persons[PERSONS_MAX];
    unsigned count;
    uint32_t generation;
    bool waiting; /* an erasure is not finished */
    uint8_t batches;
    unsigned copies;
    uint32_t copy_generation[COPIES_MAX];
    unsigned erased, kills; /* how much of it there was */
};

#define CHECK(m, condition)                                                                                  \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            print_error("%s:%d: %s; step %u, MR_SEED=%llu\n", __FILE__, __LINE__, #condition, (m)->step,     \
                    (unsigned long long)(m)->seed);                                                          \
            fail();                                                                                          \
        }                                                                                                    \
    } while (0)

uint64_t model_random(struct model *m);
unsigned model_below(struct model *m, unsigned limit);

/* The person's only identifier: a local id of "portal". In out. */
struct mr_slice model_identifier(unsigned i, char out[static 32]);
enum mr_person_state model_state(const struct model *m, unsigned i);
bool model_group_held(const struct model *m, unsigned survivor);
/* What a look-up of a key says in this state. */
int model_code(enum mr_person_state state);
/* Everything that the keyring says against the model. */
void model_check(struct model *m);

#endif
