/* Blocks and filters of index/: their own CRCs (docs/storage.md, "Tables of index/"). */
#include "proto/base/bytes.h"
#include "proto/base/crc32c.h"
#include "store/index_internal.h"
#include "store/scrub_internal.h"

enum { CRC_BYTES = 4, RUN_BYTES = 8 };

int scrub_index_block(struct scrub *s, struct mr_slice key, struct mr_slice value)
{
    uint32_t crc = mr_crc32c(0, key.data, key.size);

    if (key.size != MR_INDEX_BLOCK_KEY_BYTES || value.size < CRC_BYTES ||
            mr_get_be32(value.data) != mr_crc32c(crc, value.data + CRC_BYTES, value.size - CRC_BYTES))
        scrub_tell(s, 0, 0, "block %llu: CRC does not match", (unsigned long long)s->row);
    return 0;
}

int scrub_index_run(struct scrub *s, struct mr_slice key, struct mr_slice value)
{
    struct mr_index_run run;

    if (mr_index_run_decode(&run, key, value) < 0)
        scrub_tell(s, 0, 0, "run %llu: CRC does not match", (unsigned long long)s->row);
    return 0;
}

int scrub_index_filter_begin(struct scrub *s, uint64_t index)
{
    return scrub_pair_open(s, "run", index);
}

/* Of a run that is there. */
int scrub_index_filter(struct scrub *s, struct mr_slice key, struct mr_slice value)
{
    struct mr_slice run;

    if (key.size != RUN_BYTES || mr_index_filter_check(value, mr_get_be64(key.data)) < 0)
        scrub_tell(s, 0, 0, "filter %llu: CRC does not match", (unsigned long long)s->row);
    else if (!scrub_pair_row(s, mr_get_be64(key.data), &run) && s->whole)
        scrub_tell(s, 0, 0, "filter %llu: its run is not there", (unsigned long long)s->row);
    return 0;
}
