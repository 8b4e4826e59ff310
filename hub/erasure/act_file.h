/*
 * The act of destruction of personal data and the export of the journal (order of Roskomnadzor of 28.10.2022
 * No. 179, in force to 2029): the only files that name the person afterwards, kept three years by whoever
 * must prove it. Written 0600 into hub.acts; the same names again replace them.
 */
#ifndef MR_HUB_ERASURE_ACT_FILE_H
#define MR_HUB_ERASURE_ACT_FILE_H

#include "hub/erasure/rows.h"

/* Writes act-<number>.json, act-<number>.txt and journal-<number>.csv; digest of the first. */
int mr_act_files_write(const struct mr_house *house, const mr_erasure_request *request,
        const mr_erasure_secret *secret, uint8_t ret_digest[static 32], struct mr_error *reterr);

#endif
