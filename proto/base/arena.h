/*
 * A bump allocator with a byte budget: one per inbound message. protobuf-c has no limits of its own, so
 * everything that a stranger's bytes make us allocate comes from here, and the budget refuses the rest.
 */
#ifndef MR_BASE_ARENA_H
#define MR_BASE_ARENA_H

#include <stddef.h>
#include <stdint.h>

#define MR_ARENA_ALIGN 16

/* For the arena alone. */
struct mr_arena_block {
    struct mr_arena_block *next;
    size_t used;
    size_t capacity;
    _Alignas(MR_ARENA_ALIGN) uint8_t data[];
};

struct mr_arena {
    struct mr_arena_block *blocks; /* newest first */
    size_t used;                   /* bytes handed out */
    size_t budget;                 /* most bytes to hand out */
};

void mr_arena_init(struct mr_arena *arena, size_t budget_bytes);
void mr_arena_fini(struct mr_arena *arena);  /* frees everything, wiping it: it may have held plaintext */
void mr_arena_reset(struct mr_arena *arena); /* forgets everything; keeps (and wipes) one block for reuse */

void *mr_arena_alloc_block(struct mr_arena *arena, size_t size); /* for mr_arena_alloc() alone */

/* 16-byte aligned, not zeroed; NULL when out of memory or over budget. Valid until reset or fini. */
static inline void *mr_arena_alloc(struct mr_arena *arena, size_t size)
{
    struct mr_arena_block *block = arena->blocks;
    size_t need = (size + MR_ARENA_ALIGN - 1) & ~(size_t)(MR_ARENA_ALIGN - 1);
    void *p;

    if (!block || size > block->capacity - block->used || need > block->capacity - block->used ||
            need > arena->budget - arena->used)
        return mr_arena_alloc_block(arena, size);
    p = block->data + block->used;
    block->used += need;
    arena->used += need;
    return p;
}

void *mr_arena_zalloc(struct mr_arena *arena, size_t size);
void *mr_arena_dup(struct mr_arena *arena, const void *data, size_t size);
char *mr_arena_strdup(struct mr_arena *arena, const char *text);
char *mr_arena_printf(struct mr_arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
