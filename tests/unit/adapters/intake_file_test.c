/* Dropped files, from the folder to receipt and report: each row counted once, whatever happens meanwhile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "adapters/sdk/file.h"
#include "tests/support/intake_env.h"
#include "tests/support/tmpdir.h"
#include "tests/support/turns.h"

#define HEAD  "Слово\n"
#define THREE HEAD "ok 1\nok 2\ntwo 3\n"

static void test_clean(void **state)
{
    struct intake_env *env = *state;

    intake_env_drop(env, "", "a.csv", THREE);
    intake_env_await(env, "", 1);
    intake_env_expect(env, "", "a.csv.", 3, 0, 0, 0);
    assert_int_equal(env->hub.stored, 4);
    assert_int_equal(intake_env_count(env, "in", "", ""), 0);
    assert_int_equal(intake_env_count(env, "rejected", "", ""), 0);
    assert_null(strstr(intake_env_read(env, "done", "", ""), "ok 1")); /* never the file itself */
}

static void test_hub_away(void **state)
{
    struct intake_env *env = *state;

    intake_env_drop(env, "", "a.csv", THREE);
    intake_env_await_waiting(env, 4);
    assert_int_equal(intake_env_count(env, "done", "", ""), 0);
    assert_int_equal(intake_env_count(env, "in", "", ""), 1); /* until everything is answered */
    intake_env_hub(env);
    intake_env_await(env, "", 1);
    intake_env_expect(env, "", "a.csv.", 3, 0, 0, 0);
    assert_int_equal(env->hub.stored, 4);
}

static void test_bad_rows(void **state)
{
    struct intake_env *env = *state;
    const char *text;

    intake_env_drop(env, "", "a.csv", HEAD "ok 1\nbad wrong\nok 2\nboth half\n");
    intake_env_await(env, "", 1);
    intake_env_expect(env, "", "a.csv.", 2, 0, 0, 2);
    assert_int_equal(env->hub.stored, 3);
    text = intake_env_read(env, "rejected", "", ".rejected.csv");
    assert_string_equal(text, "\xef\xbb\xbfСлово\r\nbad wrong\r\nboth half\r\n");
    text = intake_env_read(env, "rejected", "", ".report.txt");
    assert_non_null(strstr(text, "Строка 3, столбец «Слово», значение «wrong»: не то слово. Как исправить: "
                                 "напишите то.\r\n"));
    assert_non_null(strstr(text, "Строка 5, столбец «Слово», значение «half»"));
    assert_non_null(strstr(text, "Прочитано строк: 4 = принято 2 + повторно 0 + на исправлении 0 + отказано "
                                 "2"));
}

/* What the hub says of each row: refused, quarantined, duplicate; the worst one counts for a row of two. */
static void test_verdicts(void **state)
{
    struct intake_env *env = *state;
    const char *text;

    env->hub.refuse_sequence = 3; /* the second event of "two" */
    env->hub.quarantine_sequence = 4;
    intake_env_drop(env, "", "a.csv", HEAD "ok 1\ntwo 2\nok 3\nok 4\nend\n");
    intake_env_await(env, "", 1);
    intake_env_expect(env, "", "a.csv.", 2, 0, 1, 1);
    assert_non_null(strstr(intake_env_read(env, "done", "", ""), "(увольнения): 1, из них не принято: 0"));
    text = intake_env_read(env, "rejected", "", ".rejected.csv");
    assert_string_equal(text, "\xef\xbb\xbfСлово\r\ntwo 2\r\nok 3\r\n");
    text = intake_env_read(env, "rejected", "", ".report.txt");
    assert_non_null(strstr(text, "Строка 3"));
    assert_non_null(strstr(text, "Строка 4"));
    assert_non_null(strstr(text, "контрольная сумма СНИЛС не сходится")); /* the fake's code for it */
    /* Dropped again as they lie there: repeats, but for the one that the hub still holds back. */
    intake_env_drop(env, "", "b.csv", HEAD "ok 1\ntwo 2\nok 3\nok 4\nend\n");
    intake_env_await(env, "", 2);
    intake_env_expect(env, "", "b.csv.", 0, 3, 1, 0);
    assert_int_equal(intake_env_count(env, "rejected", "", ".report.txt"), 2);
}

/* Destroyed on request: told in the receipt by its line, and written nowhere else. */
static void test_erased(void **state)
{
    struct intake_env *env = *state;
    const char *text;

    env->hub.erased_sequence = 2;
    intake_env_drop(env, "", "a.csv", HEAD "ok 1\nok 2\nend\n");
    intake_env_await(env, "", 1);
    intake_env_expect(env, "", "a.csv.", 1, 1, 0, 0);
    text = intake_env_read(env, "done", "", "");
    assert_non_null(strstr(text, "Строка 3: данные этого человека уничтожены по запросу № 3"));
    assert_null(strstr(text, "ok 2"));
    assert_int_equal(intake_env_count(env, "rejected", "", ""), 0);
}

static void test_implied_refused(void **state)
{
    struct intake_env *env = *state;

    env->hub.refuse_sequence = 2;
    intake_env_drop(env, "", "a.csv", HEAD "ok 1\nend\n");
    intake_env_await(env, "", 1);
    intake_env_expect(env, "", "a.csv.", 1, 0, 0, 0);
    assert_non_null(strstr(intake_env_read(env, "done", "", ""), "(увольнения): 1, из них не принято: 1"));
}

static void test_repeated(void **state)
{
    struct intake_env *env = *state;

    intake_env_drop(env, "", "a.csv", THREE);
    intake_env_await(env, "", 1);
    intake_env_drop(env, "", "b.csv", THREE);
    intake_env_await(env, "", 2);
    intake_env_expect(env, "", "b.csv.", 0, 3, 0, 0);
    assert_int_equal(env->mapped, 1); /* known before it is read */
    assert_int_equal(env->hub.stored, 4);
    assert_int_equal(intake_env_count(env, "in", "", ""), 0);
}

/* Rows that were bad may be good by now (a code list has grown): the file is read again, with the same ids.
 */
static void test_repeated_with_bad_rows(void **state)
{
    struct intake_env *env = *state;

    intake_env_drop(env, "", "a.csv", HEAD "ok 1\nbad x\n");
    intake_env_await(env, "", 1);
    intake_env_drop(env, "", "b.csv", HEAD "ok 1\nbad x\n");
    intake_env_await(env, "", 2);
    intake_env_expect(env, "", "b.csv.", 0, 1, 0, 1);
    assert_int_equal(env->mapped, 2);
    assert_int_equal(env->hub.stored, 2); /* the second one is a duplicate to the hub */
}

static bool copy_gone(void *ctx)
{
    return !mr_file_exists(((struct intake_env *)ctx)->in, "b.csv");
}

static void test_copy_on_its_way(void **state)
{
    struct intake_env *env = *state;

    intake_env_drop(env, "", "a.csv", THREE);
    intake_env_await_waiting(env, 4);
    intake_env_drop(env, "", "b.csv", THREE);
    turns_until(&env->loop, "the copy goes", copy_gone, env);
    intake_env_expect(env, "", "b.csv.", 0, 3, 0, 0);
    intake_env_hub(env);
    intake_env_await(env, "", 2);
    intake_env_expect(env, "", "a.csv.", 3, 0, 0, 0);
    assert_int_equal(env->hub.stored, 4);
}

/* ---- a file that moves under our hands ---- */

struct growth {
    struct intake_env *env;
    uint64_t until, now;
    int rows;
};

/* A row between any two looks at the folder (a timer's, so not twice in a millisecond), for longer than a
 * file must stand still. */
static bool has_grown(void *ctx)
{
    struct growth *growth = ctx;
    FILE *file;

    if (uv_now(&growth->env->loop) == growth->now)
        return false;
    growth->now = uv_now(&growth->env->loop);
    file = fopen(mr_tmpdir_path(growth->env->in, "a.csv"), "ae");
    assert_non_null(file);
    assert_true(fprintf(file, "ok %d\n", ++growth->rows) > 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(growth->env->mapped, 0);
    return uv_hrtime() > growth->until;
}

static void test_half_copied(void **state)
{
    struct intake_env *env = *state;
    struct growth growth = {.env = env, .until = uv_hrtime() + 5ull * INTAKE_SETTLE_MS * 1000000};

    intake_env_drop(env, "", "a.csv", HEAD);
    turns_until(&env->loop, "growth", has_grown, &growth);
    intake_env_await(env, "", 1);
    intake_env_expect(env, "", "a.csv.", (unsigned)growth.rows, 0, 0, 0);
    assert_int_equal(env->mapped, 1);
}

static void remove_it(struct intake_env *env)
{
    assert_int_equal(mr_file_remove(env->in, "a.csv"), 0);
}

static void test_removed_while_read(void **state)
{
    struct intake_env *env = *state;

    env->while_mapping = remove_it;
    intake_env_drop(env, "", "a.csv", HEAD "ok 1\nbad x\n");
    intake_env_await(env, "", 1); /* what was read counts, and is said */
    intake_env_expect(env, "", "a.csv.", 1, 0, 0, 1);
    assert_int_equal(env->hub.stored, 1);
}

static void replace_it(struct intake_env *env)
{
    env->while_mapping = NULL;
    intake_env_drop(env, "", "a.csv", HEAD "ok new\nbad new\n");
}

/* Another content under the same name: both are read, the second is not thrown away with the first, and each
 * has its receipt. Bad rows of the first went with it: its sender took them away. */
static void test_replaced_while_read(void **state)
{
    struct intake_env *env = *state;

    env->while_mapping = replace_it;
    intake_env_drop(env, "", "a.csv", HEAD "ok old\nbad old\n");
    intake_env_await(env, "", 2);
    assert_non_null(strstr(intake_env_read(env, "rejected", "", ".rejected.csv"), "bad new"));
    assert_int_equal(env->mapped, 2);
    assert_int_equal(env->hub.stored, 2);
    assert_int_equal(intake_env_count(env, "in", "", ""), 0);
}

static void test_vanishes(void **state)
{
    struct intake_env *env = *state;

    intake_env_drop(env, "", "a.csv", THREE);
    remove_it(env);
    intake_env_drop(env, "", "b.csv", HEAD "ok b\n");
    intake_env_await(env, "", 1);
    intake_env_expect(env, "", "b.csv.", 1, 0, 0, 0);
    assert_int_equal(env->hub.stored, 1);
}

/* The folder decides for whom a file speaks: the same list of two schools is two files. */
static void test_two_folders(void **state)
{
    struct intake_env *env = *state;

    intake_env_drop(env, "one", "a.csv", THREE);
    intake_env_drop(env, "two", "a.csv", THREE);
    intake_env_await(env, "one", 1);
    intake_env_await(env, "two", 1);
    intake_env_expect(env, "one", "a.csv.", 3, 0, 0, 0);
    intake_env_expect(env, "two", "a.csv.", 3, 0, 0, 0);
    assert_int_equal(env->hub.stored, 8);
    assert_int_equal(intake_env_count(env, "done", "", ""), 0);
}

/* ---- killed ---- */

static void test_killed_before_sending(void **state)
{
    struct intake_env *env = *state;

    intake_env_drop(env, "", "a.csv", THREE);
    intake_env_await_waiting(env, 4);
    intake_env_stop(env);
    intake_env_hub(env);
    intake_env_start(env);
    intake_env_await(env, "", 1);
    intake_env_expect(env, "", "a.csv.", 3, 0, 0, 0);
    assert_int_equal(env->mapped, 1);
    assert_int_equal(env->hub.stored, 4);
    assert_int_equal(intake_env_count(env, "in", "", ""), 0);
}

static bool hub_has_all(void *ctx)
{
    return ((struct intake_env *)ctx)->hub.stored == 4;
}

static void test_killed_before_verdicts(void **state)
{
    struct intake_env *env = *state;

    env->hub.forget_acks = true;
    intake_env_drop(env, "", "a.csv", THREE);
    turns_until(&env->loop, "stored", hub_has_all, env);
    intake_env_stop(env);
    env->hub.forget_acks = false;
    intake_env_start(env);
    intake_env_await(env, "", 1);
    intake_env_expect(env, "", "a.csv.", 3, 0, 0, 0);
    assert_int_equal(env->hub.stored, 4);
    assert_int_equal(env->hub.twice, 0);
}

/* Puts the file's state back by a step, as a kill between two of them leaves it. */
static void set_phase_back(struct intake_env *env, const char *text, enum mr_intake_phase phase)
{
    struct mr_intake_state known = {0};

    intake_env_state(env, "", text, false, &known);
    assert_int_equal(known.phase, MR_INTAKE_DONE);
    known.phase = phase;
    intake_env_state(env, "", text, true, &known);
    intake_env_stop(env);
    intake_env_drop(env, "", "a.csv", text);
    intake_env_start(env);
}

static bool nothing_in(void *ctx)
{
    return intake_env_count(ctx, "in", "", "") == 0;
}

static void test_killed_before_receipt(void **state)
{
    struct intake_env *env = *state;
    char first[16384];

    intake_env_drop(env, "", "a.csv", THREE);
    intake_env_await(env, "", 1);
    (void)snprintf(first, sizeof first, "%s", intake_env_read(env, "done", "", ""));
    set_phase_back(env, THREE, MR_INTAKE_READING);
    turns_until(&env->loop, "finished", nothing_in, env);
    intake_env_await(env, "", 1); /* the same one again, not a second */
    assert_string_equal(intake_env_read(env, "done", "", ""), first);
    assert_int_equal(env->mapped, 1);
    assert_int_equal(env->hub.stored, 4);
}

static void test_killed_before_removal(void **state)
{
    struct intake_env *env = *state;
    struct mr_intake_state known = {0};

    intake_env_drop(env, "", "a.csv", THREE);
    intake_env_await(env, "", 1);
    set_phase_back(env, THREE, MR_INTAKE_CLOSING);
    turns_until(&env->loop, "removed", nothing_in, env);
    intake_env_await(env, "", 1);
    intake_env_state(env, "", THREE, false, &known);
    assert_int_equal(known.phase, MR_INTAKE_DONE);
    assert_int_equal(env->mapped, 1);
}

/* ---- questions ---- */

#define FULL HEAD "ask\nok 1\nend\n"
#define NOTE "a.csv.ТРЕБУЕТ-ПОДТВЕРЖДЕНИЯ.txt"

static bool is_asked(void *ctx)
{
    return mr_file_exists(((struct intake_env *)ctx)->in, NOTE);
}

static void ask(struct intake_env *env)
{
    intake_env_drop(env, "", "a.csv", FULL);
    turns_until(&env->loop, "question", is_asked, env);
    assert_int_equal(env->hub.stored, 0);
    assert_true(mr_file_exists(env->in, "a.csv"));
    assert_non_null(strstr(intake_env_read(env, "in", "", ".txt"), "1 из 1 трудовых отношений"));
    assert_non_null(strstr(intake_env_read(env, "in", "", ".txt"), "  ПОДТВЕРДИТЬ-a.csv\r\n"));
}

static void expect_taken(struct intake_env *env)
{
    intake_env_await(env, "", 1);
    intake_env_expect(env, "", "a.csv.", 1, 0, 0, 0); /* under the name that the sender knows */
    assert_int_equal(env->hub.stored, 2);
    turns_until(&env->loop, "question and confirmation go", nothing_in, env);
}

static void test_confirmed_by_a_file(void **state)
{
    struct intake_env *env = *state;

    ask(env);
    intake_env_drop(env, "", "ПОДТВЕРДИТЬ-a.csv", "");
    expect_taken(env);
}

static void test_confirmed_by_its_name(void **state)
{
    struct intake_env *env = *state;

    ask(env);
    assert_int_equal(
            rename(mr_tmpdir_path(env->in, "a.csv"), mr_tmpdir_path(env->in, "ПОДТВЕРДИТЬ-a.csv")), 0);
    expect_taken(env);
}

static void test_question_withdrawn(void **state)
{
    struct intake_env *env = *state;

    ask(env);
    intake_env_stop(env); /* asked once, also when started anew */
    intake_env_start(env);
    turns_until(&env->loop, "question", is_asked, env);
    remove_it(env);
    intake_env_stop(env);
    intake_env_start(env);
    turns_until(&env->loop, "the question goes with its file", nothing_in, env);
    assert_int_equal(env->hub.stored, 0);
    assert_int_equal(intake_env_count(env, "done", "", ""), 0);
}

static bool one_report(void *ctx)
{
    return intake_env_count(ctx, "rejected", "", ".report.txt") == 1 &&
           intake_env_count(ctx, "in", "", "") == 0;
}

static bool two_reports(void *ctx)
{
    return intake_env_count(ctx, "rejected", "", ".report.txt") == 2;
}

static bool three_reports(void *ctx)
{
    return intake_env_count(ctx, "rejected", "", ".report.txt") == 3 &&
           intake_env_count(ctx, "in", "", "") == 0;
}

static bool four_reports(void *ctx)
{
    return intake_env_count(ctx, "rejected", "", ".report.txt") == 4 &&
           intake_env_count(ctx, "in", "", "") == 0;
}

static void test_workbook(void **state)
{
    struct intake_env *env = *state;

    intake_env_drop(env, "", "книга.csv", "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 and so on");
    turns_until(&env->loop, "report", one_report, env);
    assert_non_null(strstr(intake_env_read(env, "rejected", "", ".report.txt"),
            "Это книга Excel.\r\nКак исправить: Сохраните её как CSV (разделители — точка с запятой) и "
            "положите снова.\r\n"));
}

static void test_refused_whole(void **state)
{
    struct intake_env *env = *state;

    intake_env_drop(env, "", "a.csv", HEAD "ok 1\nbroken\n");
    intake_env_drop(env, "", "empty.csv", "");
    turns_until(&env->loop, "reports", two_reports, env);
    assert_int_equal(intake_env_count(env, "rejected", "", ".refused.csv"), 2);
    intake_env_drop(env, "", "b.csv", HEAD "ok 1\nbroken\n");
    turns_until(&env->loop, "the third report", three_reports, env);
    intake_env_drop(env, "", "b.csv", HEAD "ok 1\nbroken\n"); /* again: nothing is overwritten */
    turns_until(&env->loop, "the fourth report", four_reports, env);
    assert_int_equal(intake_env_count(env, "rejected", "", ".refused.csv"), 4);
    assert_int_equal(env->hub.stored, 0);
    assert_int_equal(intake_env_count(env, "in", "", ""), 0);
}

int main(void)
{
#define CASE(fn)    cmocka_unit_test_setup_teardown(fn, intake_env_setup, intake_env_teardown)
#define NO_HUB(fn)  cmocka_unit_test_setup_teardown(fn, intake_env_setup_no_hub, intake_env_teardown)
#define FOLDERS(fn) cmocka_unit_test_setup_teardown(fn, intake_env_setup_folders, intake_env_teardown)
    const struct CMUnitTest tests[] = {CASE(test_clean), NO_HUB(test_hub_away), CASE(test_bad_rows),
            CASE(test_verdicts), CASE(test_erased), CASE(test_implied_refused), CASE(test_repeated),
            CASE(test_repeated_with_bad_rows), NO_HUB(test_copy_on_its_way), CASE(test_half_copied),
            CASE(test_removed_while_read), CASE(test_replaced_while_read), CASE(test_vanishes),
            FOLDERS(test_two_folders), NO_HUB(test_killed_before_sending), CASE(test_killed_before_verdicts),
            CASE(test_killed_before_receipt), CASE(test_killed_before_removal),
            CASE(test_confirmed_by_a_file), CASE(test_confirmed_by_its_name), CASE(test_question_withdrawn),
            CASE(test_refused_whole), CASE(test_workbook)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
