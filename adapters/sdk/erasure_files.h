/*
 * Files that mention a person are destroyed: what an adapter gave back to people (receipts, rejected rows,
 * reports) and wrote for them, as far as it still lies there. Of a file that was given back everything goes
 * together: the rows, the report beside them, the receipt. Blocking; the loop waits for it.
 */
#ifndef MR_SDK_ERASURE_FILES_H
#define MR_SDK_ERASURE_FILES_H

#include "event/erasure.pb-c.h"
#include "proto/base/err.h"

/*
 * dirs: with their sub-folders, one level deep; NULL ones are passed over. Where rejected rows went, a note
 * says so: others' rows can be sent again. Adds to *files. Negative: something could not be read or removed;
 * try again.
 */
int mr_erasure_files(const char *const *dirs, size_t dirs_count,
        const Nms__Event__V1__HubErasureNotice *notice, uint32_t *files);

#endif
