/*
 * A disk after power loss, as a model: what of a trace is surely on it, and what may be.
 *
 * The rules, those of POSIX and no kinder than the file systems that we know:
 *   - Bytes of a file are durable when an fsync or fdatasync of that file, begun after the write, has
 *     returned; or when the write went through an O_DSYNC descriptor and has returned (then these bytes, and
 *     what else was written to the same place, but nothing else of the file). LMDB writes its meta page so.
 *   - What is not yet durable may be there all the same, each write for itself, in any order, and torn: of a
 *     write each sector (512 bytes, or a page of 4,096) may be there or not. A sector is whole.
 *   - The length of a file grows with what is there; what lies between is zeros. Lengths set by truncation
 *     or fallocate are changes as any other.
 *   - Names (new files and folders, renames, removals) are durable when an fsync of their folder (of the new
 *     one for a rename) has returned. An fsync of the file does not keep its name. Until then each change
 *     may have happened or not; a rename happens as a whole.
 *   - An fsync that failed has lost what it was for: a later one that returns 0 does not make it durable.
 *   - The end of the process changes nothing: what was in the page cache stays there, not more durable.
 * Not modelled: a disk that lies about its cache, sectors that tear, bits that rot.
 */
#ifndef MR_TESTS_DISK_H
#define MR_TESTS_DISK_H

#include <stdbool.h>

#include "tests/crash/replay/trace.h"

struct disk;

/* folder: the real one that the trace was made below; it is empty as far as the trace is concerned. */
struct disk *disk_new(const char *folder);
void disk_free(struct disk *disk);
/* Entries in order, numbered from 0; data is borrowed from the trace. */
void disk_add(struct disk *disk, uint64_t number, const struct trace_entry *entry);

/* Which of the changes that are not durable are there. */
enum disk_choice { DISK_NONE, DISK_ALL, DISK_SOME, DISK_FEW, DISK_MOST, DISK_ORDERED, DISK_CHOICES };

/* Makes the disk below `dir`, an empty folder. seed decides what choice leaves open. Fails the test. */
void disk_make(const struct disk *disk, enum disk_choice choice, uint64_t seed, const char *dir);
/* How many changes are not durable now. */
size_t disk_pending(const struct disk *disk);

/* splitmix64: one step */
uint64_t disk_random(uint64_t *state);

#endif
