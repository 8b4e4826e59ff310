/* The words of the act: what an office of the region reads, without the zone database of a machine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "hub/erasure/act_text.h"
#include "proto/base/clock.h"

struct paper {
    struct mr_config config;
    struct mr_house house;
    mr_erasure_request request;
    mr_erasure_secret secret;
    Marshrut__Erasure__V1__Name name, *names[1];
    struct mr_buf text, journal;
};

static void write_paper(struct paper *p, const char *basis)
{
    static const char destroyed[] = "2026-11-28T10:04:05Z";
    int64_t us;

    *p = (struct paper){.text = MR_BUF_INIT, .journal = MR_BUF_INIT};
    assert_int_equal(mr_time_parse(destroyed, strlen(destroyed), &us), 0);
    p->config.timezone = (char *)"no/such";
    p->config.hub.source = (char *)"urn:marshrut:24:hub";
    p->house.config = &p->config;
    p->name = (Marshrut__Erasure__V1__Name)MARSHRUT__ERASURE__V1__NAME__INIT;
    p->name.family_name = (char *)"Выдуманная";
    p->name.birth_date = (char *)"1980-01-02";
    p->names[0] = &p->name;
    p->secret = (mr_erasure_secret)MARSHRUT__ERASURE__V1__SECRET__INIT;
    p->secret.names = p->names;
    p->secret.n_names = 1;
    p->request = (mr_erasure_request)MARSHRUT__ERASURE__V1__REQUEST__INIT;
    p->request.basis = (char *)basis;
    p->request.requested_by = (char *)"zotova";
    p->request.approved_by = (char *)"gromov";
    p->request.destroyed_us = us;
    mr_act_text(&p->house, &p->request, &p->secret, &p->text);
    mr_act_journal(&p->house, &p->request, &p->secret, &p->journal);
    mr_buf_put_u8(&p->text, 0);
    mr_buf_put_u8(&p->journal, 0);
    assert_false(mr_buf_failed(&p->text) || mr_buf_failed(&p->journal));
}

static void drop_paper(struct paper *p)
{
    mr_buf_fini(&p->text);
    mr_buf_fini(&p->journal);
}

static void assert_says(const struct mr_buf *paper, const char *words)
{
    if (!strstr((const char *)paper->data, words))
        fail_msg("not said: %s\n%s", words, (const char *)paper->data);
}

static void the_ground_is_the_law_s(void **state)
{
    struct paper p;

    (void)state;
    write_paper(&p, "consent-withdrawn");
    assert_says(&p.text,
            "7. Причина уничтожения: отзыв субъектом согласия на обработку (ч. 5 ст. 21 152-ФЗ); дело: ");
    assert_says(&p.journal, ";\"отзыв субъектом согласия на обработку (ч. 5 ст. 21 152-ФЗ)\";");
    drop_paper(&p);
    write_paper(&p, "court-17");
    assert_says(&p.text, "7. Причина уничтожения: основание, указанное в запросе: court-17; дело: ");
    drop_paper(&p);
}

static void days_are_as_they_are_written_here(void **state)
{
    struct paper p;

    (void)state;
    write_paper(&p, "term-expired");
    assert_says(&p.text, "Выдуманная, 02.01.1980 г. р.");
    assert_says(&p.text, "8. Дата уничтожения: 28.11.2026 10:04:05 (UTC)\n");
    assert_says(&p.journal, ";\"28.11.2026 10:04:05 (UTC)\";\"ключи уничтожены\";");
    drop_paper(&p);
}

static void both_sign_with_post_and_name(void **state)
{
    struct paper p;

    (void)state;
    write_paper(&p, "term-expired");
    assert_says(&p.text, "\nЗапросил (учётная запись zotova):\n    должность ___");
    assert_says(&p.text, "\nУтвердил (учётная запись gromov):\n    должность ___");
    drop_paper(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(the_ground_is_the_law_s),
            cmocka_unit_test(days_are_as_they_are_written_here),
            cmocka_unit_test(both_sign_with_post_and_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
