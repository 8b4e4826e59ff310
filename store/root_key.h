/*
 * The root key's two slots: files root.0 and root.1 of one block each, overwritten in place, never renamed,
 * so that an old root can be destroyed (docs/storage-keys.md, "Root key"). One slot holds the live root;
 * during a rotation the other one holds the next. Which is live is the environment's to say: by the
 * generation that it can open.
 *
 * Order of a rotation: write the free slot -> commit the re-wrapped `keys` -> confirm both at their escrow
 * places -> destroy the old slot. After a crash both slots may be present.
 *
 * Blocking file I/O; no state; any thread, one at a time for a folder.
 */
#ifndef MR_STORE_ROOT_KEY_H
#define MR_STORE_ROOT_KEY_H

#include <stdint.h>

#include "proto/base/err.h"

enum { MR_ROOT_SLOTS = 2, MR_ROOT_KEY_BYTES = 32, MR_ROOT_FILE_BYTES = 4096 };

enum mr_root_state {
    MR_ROOT_FREE, /* no file, or overwritten with zeros */
    MR_ROOT_PRESENT,
    MR_ROOT_DAMAGED, /* neither: a torn write, or not our file */
};

struct mr_root_slot {
    enum mr_root_state state;
    uint32_t generation;
    uint8_t key[MR_ROOT_KEY_BYTES];
};

struct mr_root {
    struct mr_root_slot slots[MR_ROOT_SLOTS];
};

/* What is in both slots; a missing folder is two free slots. MR_EDENIED: a key that others may read. Wipe
 * ret. */
int mr_root_read(const char *dir, struct mr_root *ret, struct mr_error *reterr);
void mr_root_wipe(struct mr_root *root);

/* Number of a slot that may be written: a free one, else a damaged one. MR_EEXISTS: both are present. */
int mr_root_free_slot(const struct mr_root *root);

/* Writes a slot and makes it durable; the folder is made when missing. MR_EEXISTS: a key is there, destroy it
 * first. */
int mr_root_write(const char *dir, unsigned slot, uint32_t generation,
        const uint8_t key[static MR_ROOT_KEY_BYTES], struct mr_error *reterr);

/* Overwrites a slot in place and makes that durable. A slot that is not there is fine. */
int mr_root_destroy(const char *dir, unsigned slot, struct mr_error *reterr);

/* The same three for a block under another name in a folder that is there (a copy in escrow). */
int mr_root_file_read(
        const char *dir, const char *name, struct mr_root_slot *ret, struct mr_error *reterr); /* wipe ret */
int mr_root_file_write(const char *dir, const char *name, uint32_t generation,
        const uint8_t key[static MR_ROOT_KEY_BYTES], struct mr_error *reterr);
int mr_root_file_destroy(const char *dir, const char *name, struct mr_error *reterr);

#endif
