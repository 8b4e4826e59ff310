/* Is a block about the person? However the name is written; never by half of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "hub/erasure/identity.h"
#include "proto/base/list.h"

static const struct {
    const char *family, *given, *patronymic, *birth, *snils, *local_id;
    bool is;
} cases[] = {
        {"Семёнова", "Анна", "Петровна", "1980-01-02", "", "", true},
        {"СЕМЕНОВА", "анна", "", "", "", "", true},
        {"Семёнова", "Анна", "", "1980-01-02", "11223344594", "", true}, /* a wrong digit */
        {"Семёнова", "Анна", "Ивановна", "", "", "", false},
        {"Семёнова", "Анна", "", "1981-01-02", "", "", false},
        {"Семёнова", "Ольга", "", "1980-01-02", "", "", false},
        {"Семёнов", "Анна", "", "", "", "", false},
        {"", "Анна", "", "1980-01-02", "", "", false},
        {"", "", "", "", "112-233-445 95", "", true},
        {"", "", "", "", "", "p-17", true},
        {"Иванова", "Ольга", "", "", "", "p-18", false},
        {"", "", "", "", "", "", false},
};

static void test_is(void **state)
{
    Marshrut__Erasure__V1__Secret secret = MARSHRUT__ERASURE__V1__SECRET__INIT;
    Nms__Event__V1__Person known = NMS__EVENT__V1__PERSON__INIT;
    struct mr_identity identity;
    struct mr_arena arena;

    (void)state;
    mr_arena_init(&arena, 1 << 20);
    mr_identity_init(&identity, &arena, &secret);
    known.family_name = (char *)"Семёнова";
    known.given_name = (char *)"Анна";
    known.patronymic = (char *)"Петровна";
    known.birth_date = (char *)"1980-01-02";
    known.snils = (char *)"11223344595";
    known.local_id = (char *)"p-17";
    assert_int_equal(mr_identity_person(&identity, "school", &known), 0);
    assert_int_equal(mr_identity_person(&identity, "school", &known), 0);
    assert_int_equal(secret.n_names, 1);
    assert_int_equal(secret.n_snils, 1);
    assert_int_equal(secret.n_local_ids, 1);
    for (size_t i = 0; i < MR_COUNT(cases); i++) {
        Nms__Event__V1__Person person = NMS__EVENT__V1__PERSON__INIT;

        person.family_name = (char *)cases[i].family;
        person.given_name = (char *)cases[i].given;
        person.patronymic = (char *)cases[i].patronymic;
        person.birth_date = (char *)cases[i].birth;
        person.snils = (char *)cases[i].snils;
        person.local_id = (char *)cases[i].local_id;
        if (mr_identity_is(&identity, "school", &person) != cases[i].is)
            fail_msg("case %zu", i);
        if (*cases[i].local_id)
            assert_false(mr_identity_is(&identity, "copmkp", &person)); /* another system's id */
    }
    mr_arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_is)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
