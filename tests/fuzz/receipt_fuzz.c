/* A receipt from a stranger: refused with a reason, or the only way to write what it says. */
#include <assert.h>
#include <stdlib.h>

#include "store/receipt.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mr_receipt *receipt = malloc(sizeof *receipt);
    struct mr_buf leaf = MR_BUF_INIT, again = MR_BUF_INIT;
    struct mr_checkpoint checkpoint;
    struct mr_error error = {0};
    int r = mr_receipt_parse(receipt, mr_slice(data, size), &leaf, &error);

    assert(r == 0 || (r == MR_EMALFORMED && error.code == r));
    if (r == 0) {
        (void)mr_receipt_verify(receipt, &receipt->key, &checkpoint, &error);
        r = mr_receipt_put(&again, &receipt->key, receipt->leaf, &receipt->proof);
        assert(r == 0 && mr_slice_equal(mr_buf_slice(&again), mr_slice(data, size)));
    }
    mr_buf_fini(&leaf);
    mr_buf_fini(&again);
    free(receipt);
    return 0;
}
