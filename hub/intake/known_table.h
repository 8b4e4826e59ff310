/*
 * From the ident of an entry to its place: open addressing in pages of 4 KB. A page that is nearly full is
 * split in two by one more bit of the ident (extendible hashing), so growing costs a microsecond at a time,
 * and each page is written when it is made. Pages come out of larger pieces of memory: of many entries each
 * look-up is in another page, and the processor would search its tables for where that is. The ident is a
 * keyed digest: any four bytes of it are a good hash, and nobody outside can aim at a page.
 */
#ifndef MR_HUB_INTAKE_KNOWN_TABLE_H
#define MR_HUB_INTAKE_KNOWN_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mr_known_page;
struct mr_known_piece;

struct mr_known_table {
    struct mr_known_page **pages; /* by the lowest bits of the hash; a page may stand there several times */
    unsigned depth;               /* how many bits */
    struct mr_known_piece *piece; /* the last one; it leads to those before it */
};

/* Is the entry at this place the one that is meant? Asked when the hashes are the same. */
typedef bool (*mr_known_is_fn)(const void *ctx, uint32_t place);

uint32_t mr_known_hash(const uint8_t *ident); /* of its first four bytes; never 0 */

void mr_known_table_fini(struct mr_known_table *table); /* empty, and usable again */
/* Where the table says the place: the caller may write another one there. NULL: it is not in it. */
uint32_t *mr_known_table_find(
        const struct mr_known_table *table, uint32_t hash, mr_known_is_fn is, const void *ctx);
/* It is going to be looked for: first what leads to its page is fetched from memory, then its place there. */
void mr_known_table_foresee(const struct mr_known_table *table, uint32_t hash);
void mr_known_table_expect(const struct mr_known_table *table, uint32_t hash);
int mr_known_table_add(struct mr_known_table *table, uint32_t hash, uint32_t place); /* MR_ENOMEM */
void mr_known_table_remove(
        struct mr_known_table *table, uint32_t hash, uint32_t place); /* it is there: asserted */

#endif
