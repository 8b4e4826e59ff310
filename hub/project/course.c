#include "hub/project/course.h"

#include <string.h>

#include "proto/base/err.h"

void mr_courses_init(struct mr_courses *courses)
{
    *courses = (struct mr_courses){
            .tellings.item_size = sizeof(struct mr_telling), .first.item_size = sizeof(uint32_t)};
    mr_keymap_init(&courses->keys);
}

void mr_courses_fini(struct mr_courses *courses)
{
    mr_vec_fini(&courses->tellings);
    mr_vec_fini(&courses->first);
    mr_keymap_fini(&courses->keys);
}

static uint32_t root(struct mr_telling *tellings, uint32_t i)
{
    while (tellings[i].group != i) {
        tellings[i].group = tellings[tellings[i].group].group;
        i = tellings[i].group;
    }
    return i;
}

static void unite(struct mr_telling *tellings, uint32_t a, uint32_t b)
{
    a = root(tellings, a);
    b = root(tellings, b);
    if (a < b)
        tellings[b].group = a;
    else
        tellings[a].group = b;
}

static int link_key(struct mr_courses *courses, struct mr_buf *key, uint32_t index)
{
    uint32_t slot;
    int r = mr_buf_failed(key) ? MR_ENOMEM : mr_keymap_add(&courses->keys, mr_buf_slice(key), &slot);

    if (r == 1)
        r = mr_vec_push(&courses->first, &index);
    else if (r == 0)
        unite(MR_VEC(courses->tellings, struct mr_telling), MR_VEC(courses->first, uint32_t)[slot], index);
    mr_buf_reset(key);
    return r;
}

static int link_all(struct mr_courses *courses, uint32_t person, const struct mr_fact *fact, uint32_t index,
        struct mr_buf *key)
{
    bool finished = fact->kind == MR_FACT_FINISHED;
    int r = 0;

    if (fact->programme[0] && fact->on) {
        mr_buf_put_u8(key, 'p');
        mr_buf_put_be32(key, person);
        mr_buf_put_be32(key, fact->on);
        mr_buf_put_str(key, fact->programme);
        r = link_key(courses, key, index);
    }
    if (r == 0 && fact->document[0]) {
        mr_buf_put_u8(key, 'd');
        mr_buf_put_be32(key, person);
        mr_buf_put_str(key, fact->document);
        r = link_key(courses, key, index);
    }
    if (r == 0 && (finished || fact->has_ref)) {
        mr_buf_put_u8(key, 'e');
        mr_buf_put_be32(key, person);
        mr_buf_put(key, finished ? fact->ident : fact->ref, MR_FACT_ID_BYTES);
        r = link_key(courses, key, index);
    }
    return r;
}

int mr_courses_tell(struct mr_courses *courses, uint32_t person, const struct mr_fact *fact)
{
    uint32_t index = (uint32_t)courses->tellings.count;
    struct mr_telling telling = {.person = person, .group = index, .fact = fact};
    struct mr_buf key = MR_BUF_INIT;
    int r = mr_vec_push(&courses->tellings, &telling);

    if (r == 0)
        r = link_all(courses, person, fact, index, &key);
    mr_buf_wipe(&key);
    return r;
}

/* The better source wins whichever came first; of equals, the first. */
static void learn_end(struct mr_fold_course *course, const struct mr_fact *fact)
{
    int rank = fact->on ? (fact->kind == MR_FACT_FINISHED ? 3 : 2) : fact->until ? 1 : 0;

    if (rank <= course->ended_rank)
        return;
    course->ended_rank = rank;
    course->ended_on = fact->on ? fact->on : fact->until;
}

static void learn_document(struct mr_fold_course *course, const struct mr_fact *fact)
{
    bool issued = fact->kind == MR_FACT_DOCUMENT;

    if (!fact->document[0] || (issued && strcmp(fact->detail, "duplicate") == 0))
        return;
    if (course->document && (!issued || course->document->kind == MR_FACT_DOCUMENT))
        return;
    course->document = fact;
    course->issued_on = issued && fact->until ? fact->until : fact->on;
}

/* Adds what one telling knows. */
static void learn(struct mr_fold_course *course, const struct mr_fact *fact)
{
    bool finished = fact->kind == MR_FACT_FINISHED;

    if (finished && !course->finished)
        course->finished = fact;
    if (!course->kind[0])
        course->kind = fact->code;
    if (!course->programme[0])
        course->programme = fact->programme;
    if (finished && !course->route[0])
        course->route = fact->id;
    learn_end(course, fact);
    learn_document(course, fact);
}

int mr_courses_finish(struct mr_courses *courses, struct mr_fold *fold)
{
    struct mr_telling *tellings = MR_VEC(courses->tellings, struct mr_telling);
    struct mr_vec numbers = {.item_size = sizeof(uint32_t)}; /* for each telling that is a root: its course */
    int r = 0;

    if (courses->finished == courses->tellings.count)
        return 0;
    courses->finished = courses->tellings.count;
    mr_vec_clear(&fold->courses);
    mr_vec_clear(&fold->course_facts);
    for (uint32_t i = 0; r == 0 && i < courses->tellings.count; i++) {
        uint32_t top = root(tellings, i), course = (uint32_t)fold->courses.count;
        struct mr_fold_course new = {.person = tellings[i].person, .kind = "", .programme = "", .route = ""};
        struct mr_fold_course_fact told = {.fact = tellings[i].fact};

        if (top == i)
            r = mr_vec_push(&fold->courses, &new);
        if (r == 0)
            r = mr_vec_push(&numbers, &course);
        if (r < 0)
            break;
        told.course = MR_VEC(numbers, uint32_t)[top];
        learn(&MR_VEC(fold->courses, struct mr_fold_course)[told.course], told.fact);
        r = mr_vec_push(&fold->course_facts, &told);
    }
    mr_vec_fini(&numbers);
    return r;
}
