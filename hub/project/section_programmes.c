/* Section 2, «Программы ДПО, в том числе в ФР ДПП». */
#include <stdio.h>
#include <string.h>

#include "hub/project/cell_build.h"

static const char *const kinds[] = {"PK", "PP"};
static const char *const kind_codes[] = {"pk", "pp"};
static const char *const kind_titles[] = {"ПК", "ПП"};
enum { KINDS = 2, RANK_OWN = 10, RANK_FEDERAL = 20, RANK_HOURS = 30, RANK_ENROLLED = 40, RANK_FINISHED = 50 };

static int kind_of(const char *kind)
{
    for (int i = 0; i < KINDS; i++)
        if (strcmp(kinds[i], kind) == 0)
            return i;
    return -1;
}

/* Is it in this registry on the last day of the period? */
static bool in_registry(const struct mr_cell_builder *b, const struct mr_fold_programme *p, int which)
{
    const struct mr_fact *listed = p->listed[which], *removed = p->removed[which];

    return listed && listed->on <= b->to && (!listed->until || listed->until >= b->to) &&
           (!removed || removed->on > b->to);
}

/* A figure and its two parts by kind: all, ПК, ПП. */
struct family {
    const char *code, *title;
    enum mr_rule_id rule;
    unsigned rank;
};

static struct mr_cell *part(struct mr_cell_builder *b, const struct family *family, int kind)
{
    char code[MR_CELL_CODE_MAX];

    (void)snprintf(code, sizeof code, "2.%s%s%s", family->code, kind < 0 ? "" : ".",
            kind < 0 ? "" : kind_codes[kind]);
    return mr_cell_get(b, code, family->rule, family->rank + (unsigned)(kind + 1), "%s%s%s", family->title,
            kind < 0 ? "" : ": ", kind < 0 ? "" : kind_titles[kind]);
}

static void count_one(struct mr_cell_builder *b, const struct family *family, int kind, uint64_t by,
        const struct mr_fact *fact)
{
    struct mr_cell *all = part(b, family, -1);

    all->count += by;
    mr_cell_rest(b, all, fact);
    if (kind < 0) {
        mr_cell_miss(part(b, family, 0), "kind", 1);
        mr_cell_miss(part(b, family, 1), "kind", 1);
        return;
    }
    part(b, family, kind)->count += by;
    mr_cell_rest(b, part(b, family, kind), fact);
}

static const struct family own = {
        "programmes.own", "Программы организаций региона", MR_RULE_PROGRAMMES, RANK_OWN};
static const struct family federal = {
        "programmes.federal", "Программы в ФР ДПП", MR_RULE_PROGRAMMES, RANK_FEDERAL};
static const struct family hours = {"hours", "Объём программ", MR_RULE_PROGRAMME_HOURS, RANK_HOURS};
static const struct family enrolled = {"enrolled", "Зачислены на программы", MR_RULE_ENROLLED, RANK_ENROLLED};
static const struct family finished = {"finished", "Закончили программы", MR_RULE_FINISHED, RANK_FINISHED};

static void count_programme(struct mr_cell_builder *b, const struct mr_fold_programme *p)
{
    const struct mr_fact *any = NULL;

    for (int which = 0; which < MR_REGISTRIES; which++) {
        if (!in_registry(b, p, which))
            continue;
        if (!any)
            any = p->listed[which];
        count_one(b, which == MR_REGISTRY_OWN ? &own : &federal, kind_of(p->listed[which]->code), 1,
                p->listed[which]);
    }
    if (any && any->hours > 0)
        count_one(b, &hours, kind_of(any->code), (uint64_t)any->hours, any);
    else if (any)
        mr_cell_miss(part(b, &hours, -1), "hours", 1);
}

/* Kind as the course told it, else as the programme is listed. */
static int course_kind(const struct mr_cell_builder *b, const char *told, const char *programme)
{
    const struct mr_fold_programme *p;
    uint32_t index;
    int kind = kind_of(told);

    if (kind >= 0 || mr_keymap_find(&b->fold->programme_ids, mr_slice_str(programme), &index) < 0)
        return kind;
    p = &MR_VEC(b->fold->programmes, struct mr_fold_programme)[index];
    for (int which = 0; kind < 0 && which < MR_REGISTRIES; which++)
        if (p->listed[which])
            kind = kind_of(p->listed[which]->code);
    return kind;
}

static void count_courses(struct mr_cell_builder *b)
{
    const struct mr_fold_course *courses = MR_VEC(b->fold->courses, struct mr_fold_course);
    const struct mr_fold_course_fact *told = MR_VEC(b->fold->course_facts, struct mr_fold_course_fact);

    for (size_t i = 0; i < b->fold->courses.count; i++) {
        const struct mr_fold_course *c = &courses[i];

        if ((c->finished || c->document) && mr_in_period(b, c->ended_on))
            count_one(b, &finished, course_kind(b, c->kind, c->programme), 1,
                    c->finished ? c->finished : c->document);
    }
    for (size_t i = 0; i < b->fold->course_facts.count; i++) { /* the figure rests on every telling */
        const struct mr_fold_course *c = &courses[told[i].course];
        int kind = course_kind(b, c->kind, c->programme);

        if (!(c->finished || c->document) || !mr_in_period(b, c->ended_on))
            continue;
        mr_cell_rest(b, part(b, &finished, -1), told[i].fact);
        if (kind >= 0)
            mr_cell_rest(b, part(b, &finished, kind), told[i].fact);
    }
}

void mr_section_programmes(struct mr_cell_builder *b)
{
    static const struct family *const families[] = {&own, &federal, &hours, &enrolled, &finished};
    const struct mr_fold_deed *enrolments = MR_VEC(b->fold->enrolments, struct mr_fold_deed);

    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++)
        for (int kind = -1; kind < KINDS; kind++)
            (void)part(b, families[i], kind);
    for (size_t i = 0; i < b->fold->programmes.count; i++)
        count_programme(b, &MR_VEC(b->fold->programmes, struct mr_fold_programme)[i]);
    for (size_t i = 0; i < b->fold->enrolments.count; i++) {
        const struct mr_fact *fact = enrolments[i].fact;

        if (mr_in_period(b, fact->on))
            count_one(b, &enrolled, course_kind(b, fact->code, fact->programme), 1, fact);
    }
    count_courses(b);
}
