#include "hub/project/fold.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "hub/project/course.h"
#include "proto/base/err.h"
#include "proto/base/list.h"

struct work {
    struct mr_fold *fold;
    struct mr_buf key;
};

/* ---- annulments ---- */

static struct mr_slice ident_slice(const uint8_t *ident)
{
    return mr_slice(ident, MR_FACT_ID_BYTES);
}

/* idents: ident -> index in `firsts`, which holds the first fact of that event. */
static int note_idents(struct mr_fold *fold)
{
    int r = 0;

    for (uint32_t i = (uint32_t)fold->count; r >= 0 && i < fold->facts->count; i++) {
        uint32_t index;

        r = mr_keymap_add(&fold->idents, ident_slice(fold->facts->items[i].ident), &index);
        if (r == 1)
            r = mr_vec_push(&fold->firsts, &i);
    }
    return r < 0 ? r : 0;
}

static void annul_event(struct mr_fold *fold, uint32_t first)
{
    uint64_t number = fold->facts->items[first].number;

    for (size_t i = first; i < fold->facts->count && fold->facts->items[i].number == number; i++)
        fold->annulled[i] = true;
    fold->annulled_count++;
}

/* By its source or its own system, or by two operators: hub/intake/annul.h. */
static bool may_annul(const struct mr_fact *annulment, const struct mr_fact *annulled)
{
    return annulled->system == annulment->system || strcmp(annulment->code, "own") == 0 ||
           strcmp(annulment->code, "two") == 0;
}

/* Latest first, so that an annulment that is annulled itself has no effect. */
static int annul(struct mr_fold *fold)
{
    int r = 0;

    for (size_t i = fold->facts->count; r >= 0 && i-- > 0;) {
        const struct mr_fact *fact = &fold->facts->items[i];
        uint32_t index, first;

        if (fact->kind != MR_FACT_ANNULMENT || !fact->has_ref)
            continue;
        if (mr_keymap_find(&fold->idents, ident_slice(fact->ref), &index) < 0) {
            r = mr_keymap_add(&fold->awaited, ident_slice(fact->ref), &index);
            continue;
        }
        first = MR_VEC(fold->firsts, uint32_t)[index];
        if (fold->annulled[i] || fold->annulled[first] || first == i)
            continue;
        if (may_annul(fact, &fold->facts->items[first]))
            annul_event(fold, first);
    }
    return r < 0 ? r : 0;
}

/* ---- persons ---- */

static int person_index(struct mr_fold *fold, const uint8_t *id, uint32_t *ret)
{
    int r = mr_keymap_add(&fold->person_ids, ident_slice(id), ret);
    struct mr_fold_person person = {.survivor = *ret};

    return r == 1 ? mr_vec_push(&fold->persons, &person) : r;
}

static uint32_t survivor(struct mr_fold *fold, uint32_t index)
{
    struct mr_fold_person *persons = MR_VEC(fold->persons, struct mr_fold_person);

    while (persons[index].survivor != index) {
        persons[index].survivor = persons[persons[index].survivor].survivor;
        index = persons[index].survivor;
    }
    return index;
}

/* All merges before anything else: facts from before a merge are the survivor's too. */
static int merge_persons(struct mr_fold *fold)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < fold->facts->count; i++) {
        const struct mr_fact *fact = &fold->facts->items[i];
        uint32_t one, other;

        if (fold->annulled[i] || fact->kind != MR_FACT_MERGED || !fact->has_person || !fact->has_other)
            continue;
        r = person_index(fold, fact->person, &one);
        if (r == 0)
            r = person_index(fold, fact->other, &other);
        if (r == 0)
            MR_VEC(fold->persons, struct mr_fold_person)
        [survivor(fold, other)].survivor = survivor(fold, one);
    }
    return r;
}

static int person_of(struct mr_fold *fold, const struct mr_fact *fact, uint32_t *ret)
{
    int r = person_index(fold, fact->person, ret);

    if (r == 0)
        *ret = survivor(fold, *ret);
    return r;
}

/* ---- things with a key: found or made ---- */

/* Index in vec of the thing with this key; a new one is a copy of `blank`. keys -> slots -> vec. */
static int thing(struct work *w, struct mr_vec *vec, const void *blank, uint32_t *ret)
{
    struct mr_fold *fold = w->fold;
    uint32_t slot, index = (uint32_t)vec->count;
    int r = mr_buf_failed(&w->key) ? MR_ENOMEM : mr_keymap_add(&fold->keys, mr_buf_slice(&w->key), &slot);

    mr_buf_reset(&w->key);
    if (r < 0)
        return r;
    if (r == 0) {
        *ret = MR_VEC(fold->slots, uint32_t)[slot];
        return 0;
    }
    *ret = index;
    r = mr_vec_push(&fold->slots, &index);
    return r < 0 ? r : mr_vec_push(vec, blank);
}

static void key(struct work *w, char what, uint32_t number, uint32_t person, const char *text)
{
    mr_buf_put_u8(&w->key, (uint8_t)what);
    mr_buf_put_be32(&w->key, number);
    mr_buf_put_be32(&w->key, person);
    mr_buf_put_str(&w->key, text);
}

static int fold_person(struct work *w, const struct mr_fact *fact, uint32_t person)
{
    MR_VEC(w->fold->persons, struct mr_fold_person)[person].born = fact;
    return 0;
}

static int fold_employment(struct work *w, const struct mr_fact *fact, uint32_t person)
{
    struct mr_fold_employment blank = {.person = person}, *e;
    uint32_t index;
    int r;

    key(w, 'w', fact->system, person, fact->id);
    r = thing(w, &w->fold->employments, &blank, &index);
    if (r < 0)
        return r;
    e = &MR_VEC(w->fold->employments, struct mr_fold_employment)[index];
    if (fact->kind == MR_FACT_EMPLOYMENT) {
        e->fact = fact;
        e->ended = NULL;
    } else {
        e->ended = fact;
    }
    return 0;
}

static int fold_org(struct work *w, const struct mr_fact *fact, uint32_t person)
{
    struct mr_fold *fold = w->fold;
    struct mr_fold_org blank = {0};
    uint32_t index;
    int r = mr_keymap_add(&fold->org_ids, mr_slice_str(fact->org), &index);

    (void)person;
    if (r == 1)
        r = mr_vec_push(&fold->orgs, &blank);
    if (r < 0)
        return r;
    if (fact->kind == MR_FACT_ORG)
        MR_VEC(fold->orgs, struct mr_fold_org)[index] = (struct mr_fold_org){.fact = fact};
    else
        MR_VEC(fold->orgs, struct mr_fold_org)[index].closed = fact;
    return 0;
}

static int fold_programme(struct work *w, const struct mr_fact *fact, uint32_t person)
{
    struct mr_fold *fold = w->fold;
    struct mr_fold_programme blank = {0}, *p;
    int which = strcmp(fact->detail, "federal") == 0 ? MR_REGISTRY_FEDERAL : MR_REGISTRY_OWN;
    uint32_t index;
    int r = mr_keymap_add(&fold->programme_ids, mr_slice_str(fact->programme), &index);

    (void)person;
    if (r == 1)
        r = mr_vec_push(&fold->programmes, &blank);
    if (r < 0)
        return r;
    p = &MR_VEC(fold->programmes, struct mr_fold_programme)[index];
    if (fact->kind == MR_FACT_PROGRAMME) {
        p->listed[which] = fact;
        p->removed[which] = NULL;
    } else {
        p->removed[which] = fact;
    }
    return 0;
}

static int fold_course(struct work *w, const struct mr_fact *fact, uint32_t person)
{
    return mr_courses_tell(w->fold->told, person, fact);
}

static int fold_deficit(struct work *w, const struct mr_fact *fact, uint32_t person)
{
    struct mr_fold_deficit blank = {.person = person}, *d;
    uint32_t index;
    int r;

    key(w, 'd', 0, person, fact->id);
    r = thing(w, &w->fold->deficits, &blank, &index);
    if (r < 0)
        return r;
    d = &MR_VEC(w->fold->deficits, struct mr_fold_deficit)[index];
    if (fact->kind == MR_FACT_DEFICIT)
        d->identified = fact;
    else
        d->closed = fact;
    return 0;
}

static int fold_mentoring(struct work *w, const struct mr_fact *fact, uint32_t person)
{
    bool mentee = fact->kind == MR_FACT_MENTEE || (fact->kind == MR_FACT_MENTORING_ENDED && fact->part == 1);
    struct mr_fold_mentoring blank = {.person = person}, *m;
    struct mr_vec *vec = mentee ? &w->fold->mentees : &w->fold->mentorings;
    uint32_t index;
    int r;

    key(w, mentee ? 'n' : 'm', fact->system, mentee ? person : 0, fact->id);
    r = thing(w, vec, &blank, &index);
    if (r < 0)
        return r;
    m = &MR_VEC(*vec, struct mr_fold_mentoring)[index];
    if (fact->kind == MR_FACT_MENTORING_ENDED) {
        m->ended = fact;
    } else {
        m->started = fact;
        m->person = person;
    }
    return 0;
}

/* Deeds with an id are one, told again or by two; the last telling holds. */
static int fold_deed(
        struct work *w, const struct mr_fact *fact, struct mr_vec *vec, uint32_t person, const char *id)
{
    struct mr_fold_deed deed = {.person = person, .on = fact->on, .fact = fact};
    uint32_t index;
    int r;

    key(w, 'x', fact->kind, person, id);
    r = thing(w, vec, &deed, &index);
    if (r == 0)
        MR_VEC(*vec, struct mr_fold_deed)[index] = deed;
    return r;
}

static int fold_value(struct work *w, const struct mr_fact *fact, uint32_t person)
{
    struct mr_vec *values = fact->kind == MR_FACT_COPIED ? &w->fold->copies : &w->fold->values;
    struct mr_fold_value value = {.fact = fact};
    uint32_t index;
    int r;

    (void)person;
    key(w, 'v', fact->kind, 0, fact->id);
    mr_buf_put_u8(&w->key, 0);
    mr_buf_put_str(&w->key, fact->detail);
    r = thing(w, values, &value, &index);
    if (r == 0)
        MR_VEC(*values, struct mr_fold_value)[index] = value;
    return r;
}

static int fold_campaign(struct work *w, const struct mr_fact *fact, uint32_t person)
{
    (void)person;
    w->fold->campaign = fact;
    return 0;
}

/* clang-format off */
static const struct {
    int (*fold)(struct work *w, const struct mr_fact *fact, uint32_t person);
    size_t deeds;       /* else: offset of the array of deeds in struct mr_fold ... */
    bool by_programme;  /* ... whose id is the programme */
    bool of_person;
} folders[] = {
    [MR_FACT_PERSON]            = {.fold = fold_person, .of_person = true},
    [MR_FACT_EMPLOYMENT]        = {.fold = fold_employment, .of_person = true},
    [MR_FACT_EMPLOYMENT_ENDED]  = {.fold = fold_employment, .of_person = true},
    [MR_FACT_ORG]               = {.fold = fold_org},
    [MR_FACT_ORG_CLOSED]        = {.fold = fold_org},
    [MR_FACT_PROGRAMME]         = {.fold = fold_programme},
    [MR_FACT_PROGRAMME_REMOVED] = {.fold = fold_programme},
    [MR_FACT_ENROLLED]          = {.deeds = offsetof(struct mr_fold, enrolments), .by_programme = true, .of_person = true},
    [MR_FACT_FINISHED]          = {.fold = fold_course, .of_person = true},
    [MR_FACT_DOCUMENT]          = {.fold = fold_course, .of_person = true},
    [MR_FACT_DIAGNOSTIC]        = {.deeds = offsetof(struct mr_fold, diagnostics), .of_person = true},
    [MR_FACT_DEFICIT]           = {.fold = fold_deficit, .of_person = true},
    [MR_FACT_DEFICIT_CLOSED]    = {.fold = fold_deficit, .of_person = true},
    [MR_FACT_ROUTE]             = {.deeds = offsetof(struct mr_fold, routes), .of_person = true},
    [MR_FACT_REDIAGNOSTIC]      = {.deeds = offsetof(struct mr_fold, rediagnostics), .of_person = true},
    [MR_FACT_CONTEST]           = {.deeds = offsetof(struct mr_fold, contests), .of_person = true},
    [MR_FACT_MENTORING]         = {.fold = fold_mentoring, .of_person = true},
    [MR_FACT_MENTEE]            = {.fold = fold_mentoring, .of_person = true},
    [MR_FACT_MENTORING_ENDED]   = {.fold = fold_mentoring, .of_person = true},
    [MR_FACT_INTERNSHIP]        = {.deeds = offsetof(struct mr_fold, internships), .of_person = true},
    [MR_FACT_ACTIVITY]          = {.deeds = offsetof(struct mr_fold, activities), .of_person = true},
    [MR_FACT_CELL]              = {.fold = fold_value},
    [MR_FACT_OVERRIDE]          = {.fold = fold_value},
    [MR_FACT_COPIED]            = {.fold = fold_value},
    [MR_FACT_CAMPAIGN]          = {.fold = fold_campaign},
    [MR_FACT_WITHHELD]          = {.fold = NULL},
};
/* clang-format on */

static int fold_one(struct work *w, const struct mr_fact *fact)
{
    uint32_t person = 0;
    int r = 0;

    if ((size_t)fact->kind >= MR_COUNT(folders) || (folders[fact->kind].of_person && !fact->has_person))
        return 0;
    if (folders[fact->kind].of_person)
        r = person_of(w->fold, fact, &person);
    if (r < 0)
        return r;
    if (folders[fact->kind].fold)
        return folders[fact->kind].fold(w, fact, person);
    if (folders[fact->kind].deeds)
        return fold_deed(w, fact, (struct mr_vec *)((char *)w->fold + folders[fact->kind].deeds), person,
                folders[fact->kind].by_programme ? fact->programme : fact->id);
    return 0;
}

/* What is new, in order. */
static int fold_new(struct mr_fold *fold, const struct mr_tick *tick)
{
    struct work w = {.fold = fold};
    int r = 0;

    for (size_t i = fold->count; r == 0 && i < fold->facts->count; i++) {
        if (i % MR_TICK_EVERY == MR_TICK_EVERY - 1)
            mr_tick(tick, "facts", i, fold->facts->count);
        if (!fold->annulled[i])
            r = fold_one(&w, &fold->facts->items[i]);
    }
    mr_buf_wipe(&w.key);
    fold->items = fold->facts->items;
    fold->capacity = fold->facts->capacity;
    fold->count = fold->facts->count;
    return r < 0 ? r : mr_courses_finish(fold->told, fold);
}

static int fold_all(struct mr_fold *fold, const struct mr_tick *tick)
{
    int r = note_idents(fold);

    if (r == 0)
        r = annul(fold);
    if (r == 0)
        r = merge_persons(fold);
    return r < 0 ? r : fold_new(fold, tick);
}

/* Does a new fact change what came before it? */
static bool reaches_back(const struct mr_fold *fold)
{
    for (size_t i = fold->count; i < fold->facts->count; i++) {
        const struct mr_fact *fact = &fold->facts->items[i];
        uint32_t index;

        if (fact->kind == MR_FACT_ANNULMENT || fact->kind == MR_FACT_MERGED ||
                mr_keymap_find(&fold->awaited, ident_slice(fact->ident), &index) == 0)
            return true;
    }
    return false;
}

int mr_fold_more(struct mr_fold *fold, const struct mr_tick *tick)
{
    int r;

    if (fold->items != fold->facts->items || fold->capacity != fold->facts->capacity || reaches_back(fold))
        return 1;
    r = note_idents(fold);
    return r < 0 ? r : fold_new(fold, tick);
}

static const struct {
    size_t at, item_size;
} vecs[] = {
        {offsetof(struct mr_fold, persons), sizeof(struct mr_fold_person)},
        {offsetof(struct mr_fold, orgs), sizeof(struct mr_fold_org)},
        {offsetof(struct mr_fold, programmes), sizeof(struct mr_fold_programme)},
        {offsetof(struct mr_fold, employments), sizeof(struct mr_fold_employment)},
        {offsetof(struct mr_fold, courses), sizeof(struct mr_fold_course)},
        {offsetof(struct mr_fold, course_facts), sizeof(struct mr_fold_course_fact)},
        {offsetof(struct mr_fold, deficits), sizeof(struct mr_fold_deficit)},
        {offsetof(struct mr_fold, enrolments), sizeof(struct mr_fold_deed)},
        {offsetof(struct mr_fold, mentorings), sizeof(struct mr_fold_mentoring)},
        {offsetof(struct mr_fold, mentees), sizeof(struct mr_fold_mentoring)},
        {offsetof(struct mr_fold, diagnostics), sizeof(struct mr_fold_deed)},
        {offsetof(struct mr_fold, rediagnostics), sizeof(struct mr_fold_deed)},
        {offsetof(struct mr_fold, routes), sizeof(struct mr_fold_deed)},
        {offsetof(struct mr_fold, contests), sizeof(struct mr_fold_deed)},
        {offsetof(struct mr_fold, internships), sizeof(struct mr_fold_deed)},
        {offsetof(struct mr_fold, activities), sizeof(struct mr_fold_deed)},
        {offsetof(struct mr_fold, values), sizeof(struct mr_fold_value)},
        {offsetof(struct mr_fold, copies), sizeof(struct mr_fold_value)},
        {offsetof(struct mr_fold, slots), sizeof(uint32_t)},
        {offsetof(struct mr_fold, firsts), sizeof(uint32_t)},
};

static const size_t maps[] = {offsetof(struct mr_fold, person_ids), offsetof(struct mr_fold, org_ids),
        offsetof(struct mr_fold, programme_ids), offsetof(struct mr_fold, idents),
        offsetof(struct mr_fold, keys), offsetof(struct mr_fold, awaited)};

int mr_fold_create(struct mr_fold **ret, const struct mr_fact_set *facts, const struct mr_tick *tick)
{
    struct mr_fold *fold = calloc(1, sizeof *fold);
    int r;

    if (!fold)
        return MR_ENOMEM;
    fold->facts = facts;
    for (size_t i = 0; i < MR_COUNT(vecs); i++)
        ((struct mr_vec *)((char *)fold + vecs[i].at))->item_size = vecs[i].item_size;
    for (size_t i = 0; i < MR_COUNT(maps); i++)
        mr_keymap_init((struct mr_keymap *)((char *)fold + maps[i]));
    fold->annulled = calloc(facts->capacity + 1, sizeof *fold->annulled);
    fold->told = calloc(1, sizeof *fold->told);
    if (fold->told)
        mr_courses_init(fold->told);
    r = fold->annulled && fold->told ? fold_all(fold, tick) : MR_ENOMEM;
    if (r < 0) {
        mr_fold_free(fold);
        return r;
    }
    *ret = fold;
    return 0;
}

void mr_fold_free(struct mr_fold *fold)
{
    if (!fold)
        return;
    for (size_t i = 0; i < MR_COUNT(vecs); i++)
        mr_vec_fini((struct mr_vec *)((char *)fold + vecs[i].at));
    for (size_t i = 0; i < MR_COUNT(maps); i++)
        mr_keymap_fini((struct mr_keymap *)((char *)fold + maps[i]));
    if (fold->told)
        mr_courses_fini(fold->told);
    free(fold->told);
    free(fold->annulled);
    free(fold);
}

const struct mr_fact *mr_fold_by_ident(
        const struct mr_fold *fold, const uint8_t ident[static MR_FACT_ID_BYTES])
{
    uint32_t index, first;

    if (mr_keymap_find(&fold->idents, ident_slice(ident), &index) < 0)
        return NULL;
    first = MR_VEC(fold->firsts, uint32_t)[index];
    return fold->annulled[first] ? NULL : &fold->facts->items[first];
}
