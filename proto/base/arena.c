#include "proto/base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_BYTES = 16384 };

void mr_arena_init(struct mr_arena *arena, size_t budget_bytes)
{
    *arena = (struct mr_arena){.budget = budget_bytes};
}

static void free_blocks(struct mr_arena_block *block)
{
    while (block) {
        struct mr_arena_block *next = block->next;

        explicit_bzero(block->data, block->used);
        free(block);
        block = next;
    }
}

void mr_arena_fini(struct mr_arena *arena)
{
    if (!arena)
        return;
    free_blocks(arena->blocks);
    arena->blocks = NULL;
    arena->used = 0;
}

void mr_arena_reset(struct mr_arena *arena)
{
    struct mr_arena_block *keep = arena->blocks;

    arena->used = 0;
    if (!keep)
        return;
    free_blocks(keep->next);
    keep->next = NULL;
    explicit_bzero(keep->data, keep->used);
    keep->used = 0;
}

/* What does not fit into the block that is there. */
void *mr_arena_alloc_block(struct mr_arena *arena, size_t size)
{
    struct mr_arena_block *block;
    size_t capacity;

    if (size > SIZE_MAX / 2)
        return NULL;
    size = (size + MR_ARENA_ALIGN - 1) / MR_ARENA_ALIGN * MR_ARENA_ALIGN;
    if (size > arena->budget - arena->used)
        return NULL;
    capacity = size > BLOCK_BYTES ? size : BLOCK_BYTES;
    block = malloc(sizeof *block + capacity);
    if (!block)
        return NULL;
    block->next = arena->blocks;
    block->used = size;
    block->capacity = capacity;
    arena->blocks = block;
    arena->used += size;
    return block->data;
}

void *mr_arena_zalloc(struct mr_arena *arena, size_t size)
{
    void *p = mr_arena_alloc(arena, size);

    if (p)
        memset(p, 0, size);
    return p;
}

void *mr_arena_dup(struct mr_arena *arena, const void *data, size_t size)
{
    void *p = mr_arena_alloc(arena, size);

    if (p && size)
        memcpy(p, data, size);
    return p;
}

char *mr_arena_strdup(struct mr_arena *arena, const char *text)
{
    return mr_arena_dup(arena, text, strlen(text) + 1);
}

char *mr_arena_printf(struct mr_arena *arena, const char *format, ...)
{
    va_list args;
    va_list again;
    char *out = NULL;
    int need;

    va_start(args, format);
    va_copy(again, args);
    need = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (need >= 0)
        out = mr_arena_alloc(arena, (size_t)need + 1);
    if (out)
        (void)vsnprintf(out, (size_t)need + 1, format, again);
    va_end(again);
    return out;
}
