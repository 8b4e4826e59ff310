#include <assert.h>
#include <stdlib.h>

#include "hub/edition/edition.h"
#include "hub/intake/prepare.h"

struct mr_intake *mr_intake_new(size_t count)
{
    struct mr_intake *intake = calloc(1, sizeof *intake);

    if (!intake)
        return NULL;
    intake->items = calloc(count ? count : 1, sizeof *intake->items);
    if (!intake->items) {
        free(intake);
        return NULL;
    }
    intake->count = count;
    mr_list_init(&intake->link);
    mr_list_init(&intake->job.link);
    return intake;
}

void mr_intake_free(struct mr_intake *intake)
{
    if (!intake)
        return;
    assert(mr_list_empty(&intake->link));
    for (size_t i = 0; i < intake->count; i++)
        free(intake->items[i].text);
    free(intake->items);
    mr_buf_wipe(&intake->bytes);
    if (intake->lent)
        intake->let_go(intake->lent);
    mr_buf_wipe(&intake->records);
    mr_buf_fini(&intake->spans);
    mr_edition_drop(intake->edition);
    mr_edition_drop(intake->begins);
    mr_intake_free(intake->with);
    free(intake);
}
