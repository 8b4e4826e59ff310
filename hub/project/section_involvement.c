/* Section 5, «Вовлечение педагогических работников в мероприятия РСНМС». */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub/project/cell_build.h"

enum { RANK_FORM = 10, RANK_LEVEL = 40 };

enum form {
    FORM_ANY,
    FORM_ROUTE,
    FORM_CONTEST,
    FORM_MENTOR,
    FORM_MENTEE,
    FORM_INTERNSHIP,
    FORM_ACTIVITY,
    FORMS
};

static const struct {
    const char *code, *title;
} forms[FORMS] = {
        [FORM_ANY] = {"5.total", "Вовлечены хотя бы в одно мероприятие"},
        [FORM_ROUTE] = {"5.route", "Получили ИОМ"},
        [FORM_CONTEST] = {"5.contest", "Участвовали в конкурсах профессионального мастерства"},
        [FORM_MENTOR] = {"5.mentor", "Наставники"},
        [FORM_MENTEE] = {"5.mentee", "Наставляемые"},
        [FORM_INTERNSHIP] = {"5.internship", "Прошли стажировку"},
        [FORM_ACTIVITY] = {"5.activity", "Участвовали в методических мероприятиях"},
};

struct involvement {
    struct mr_cell_builder *b;
    uint16_t *seen;          /* for each person: bits of forms */
    struct mr_keymap levels; /* person and level, counted once */
};

static struct mr_cell *form_cell(struct mr_cell_builder *b, enum form form)
{
    return mr_cell_get(b, forms[form].code, form == FORM_ANY ? MR_RULE_INVOLVED_TOTAL : MR_RULE_INVOLVED,
            RANK_FORM + (unsigned)form, "%s", forms[form].title);
}

static void count_form(struct involvement *v, enum form form, uint32_t person, const struct mr_fact *fact)
{
    struct mr_cell *cell = form_cell(v->b, form);
    bool new = !(v->seen[person] & (1u << form));

    v->seen[person] |= (uint16_t)(1u << form);
    if (!v->b->staff->persons[person].in_period) {
        mr_cell_miss(cell, "not-staff", new);
        return;
    }
    cell->count += new;
    mr_cell_rest(v->b, cell, fact);
}

static void take_part(struct involvement *v, enum form form, uint32_t person, const struct mr_fact *fact)
{
    count_form(v, form, person, fact);
    count_form(v, FORM_ANY, person, fact);
}

static void count_level(struct involvement *v, const struct mr_fold_deed *deed)
{
    const char *level = deed->fact->code;
    char code[MR_CELL_CODE_MAX];
    struct mr_buf key = MR_BUF_INIT;
    struct mr_cell *cell;
    uint32_t index;
    int r;

    if (!level[0] || !v->b->staff->persons[deed->person].in_period)
        return;
    (void)snprintf(code, sizeof code, "5.contest.%s", level);
    cell = mr_cell_get(v->b, code, MR_RULE_INVOLVED, RANK_LEVEL, "Участвовали в конкурсах, уровень: %s",
            mr_config_code_title(v->b->config, "contest_level", level));
    mr_buf_put_be32(&key, deed->person);
    mr_buf_put_str(&key, level);
    r = mr_buf_failed(&key) ? -1 : mr_keymap_add(&v->levels, mr_buf_slice(&key), &index);
    mr_buf_fini(&key);
    v->b->cells->failed = v->b->cells->failed || r < 0;
    cell->count += r == 1;
    mr_cell_rest(v->b, cell, deed->fact);
}

static void count_deeds(struct involvement *v, enum form form, const struct mr_vec *deeds)
{
    const struct mr_fold_deed *all = MR_VEC(*deeds, struct mr_fold_deed);

    for (size_t i = 0; i < deeds->count; i++) {
        if (!mr_in_period(v->b, all[i].on))
            continue;
        take_part(v, form, all[i].person, all[i].fact);
        if (form == FORM_CONTEST)
            count_level(v, &all[i]);
    }
}

/* A pair counts in each period in which it lasts. */
static void count_pairs(struct involvement *v, enum form form, const struct mr_vec *pairs)
{
    const struct mr_fold_mentoring *all = MR_VEC(*pairs, struct mr_fold_mentoring);

    for (size_t i = 0; i < pairs->count; i++)
        if (all[i].started && all[i].started->on <= v->b->to &&
                (!all[i].ended || all[i].ended->on >= v->b->from))
            take_part(v, form, all[i].person, all[i].started);
}

void mr_section_involvement(struct mr_cell_builder *b)
{
    const struct mr_fold *fold = b->fold;
    struct involvement v = {.b = b, .seen = calloc(fold->persons.count + 1, sizeof(uint16_t))};

    if (!v.seen) {
        b->cells->failed = true;
        return;
    }
    mr_keymap_init(&v.levels);
    for (unsigned form = 0; form < FORMS; form++)
        (void)form_cell(b, (enum form)form);
    count_deeds(&v, FORM_ROUTE, &fold->routes);
    count_deeds(&v, FORM_CONTEST, &fold->contests);
    count_pairs(&v, FORM_MENTOR, &fold->mentorings);
    count_pairs(&v, FORM_MENTEE, &fold->mentees);
    count_deeds(&v, FORM_INTERNSHIP, &fold->internships);
    count_deeds(&v, FORM_ACTIVITY, &fold->activities);
    mr_keymap_fini(&v.levels);
    free(v.seen);
}
