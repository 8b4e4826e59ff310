/*
 * The act of destruction of personal data and the export of the journal (order of Roskomnadzor of 28.10.2022
 * No. 179, in force to 2029): the only files that name the person afterwards, kept three years by whoever
 * must prove it. Written 0600 into hub.acts; the same names again replace them.
 */
#ifndef MR_HUB_ERASURE_ACT_FILE_H
#define MR_HUB_ERASURE_ACT_FILE_H

#include "hub/erasure/rows.h"

/*
 * The act is there and its draft is gone: written before a log of the middle of the erasure was restored. It
 * names the person as nobody else can any more, so it is not written again. MR_ENOTFOUND: it is not so.
 */
int mr_act_written(const struct mr_house *house, uint64_t number, uint8_t ret_digest[static 32]);

/*
 * What the act says of the person, in hub.acts (`.act-<number>.draft`): written before the keys go, because
 * afterwards nobody knows it; read by whoever writes the act; removed when the act is there. read: what is
 * missing or damaged is empty, and told. Each may be done again.
 */
int mr_act_draft_write(const struct mr_house *house, const mr_erasure_request *request,
        const mr_erasure_secret *secret, struct mr_error *reterr);
int mr_act_draft_read(const struct mr_house *house, const mr_erasure_request *request, struct mr_arena *arena,
        mr_erasure_secret **ret, struct mr_error *reterr);
int mr_act_draft_remove(const struct mr_house *house, uint64_t number, struct mr_error *reterr);

/* A file of mode 0600, whole or not at all; the folder is made when it is not there. */
int mr_act_file_write(const char *dir, const char *name, struct mr_slice bytes, struct mr_error *reterr);

/* Writes act-<number>.json, act-<number>.txt and journal-<number>.csv; digest of the first. */
int mr_act_files_write(const struct mr_house *house, const mr_erasure_request *request,
        const mr_erasure_secret *secret, uint8_t ret_digest[static 32], struct mr_error *reterr);

#endif
