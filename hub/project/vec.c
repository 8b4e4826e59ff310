#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "hub/project/fold.h"
#include "proto/base/err.h"

int mr_vec_push(struct mr_vec *vec, const void *item)
{
    if (vec->count == vec->capacity) {
        size_t capacity = vec->capacity ? vec->capacity * 2 : 32;
        void *items = calloc(capacity, vec->item_size);

        if (!items)
            return MR_ENOMEM;
        if (vec->count) {
            memcpy(items, vec->items, vec->count * vec->item_size);
            sodium_memzero(vec->items, vec->count * vec->item_size);
        }
        free(vec->items);
        vec->items = items;
        vec->capacity = capacity;
    }
    memcpy((char *)vec->items + vec->count++ * vec->item_size, item, vec->item_size);
    return 0;
}

void mr_vec_clear(struct mr_vec *vec)
{
    if (vec->items)
        sodium_memzero(vec->items, vec->count * vec->item_size);
    vec->count = 0;
}

void mr_vec_fini(struct mr_vec *vec)
{
    mr_vec_clear(vec);
    free(vec->items);
    *vec = (struct mr_vec){.item_size = vec->item_size};
}
