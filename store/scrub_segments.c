/* Closed segments: environments of their own, whose leaves the growing environment's tree has. */
#include <stdio.h>
#include <stdlib.h>

#include "store/log_internal.h"
#include "store/scrub_internal.h"

enum { AT_LAST = 0, AT_GENERATION = 8, ROW_BYTES = 36 };

static int add(struct scrub *s, struct mr_slice key, struct mr_slice value)
{
    struct scrub_segment *more;

    if (mr_kv_row_check("segment", key, value, &value) < 0 || key.size != LOG_KEY_BYTES ||
            value.size != ROW_BYTES)
        return 0;
    more = realloc(s->segments, (s->segments_count + 1) * sizeof *more);
    if (!more)
        return MR_ENOMEM;
    s->segments = more;
    more[s->segments_count++] = (struct scrub_segment){.first = mr_get_be64(key.data),
            .last = mr_get_be64(value.data + AT_LAST),
            .generation = mr_get_be32(value.data + AT_GENERATION)};
    return 0;
}

int scrub_segments_list(struct scrub *s)
{
    struct mr_kv_pages_cursor *cursor;
    struct mr_slice key, value;
    int r = strcmp(s->environment, "log") == 0 ? mr_kv_pages_cursor_open(&cursor, s->pages, "segment")
                                               : MR_ENOTFOUND;

    if (r < 0)
        return r == MR_ENOTFOUND ? 0 : r;
    s->quiet = true; /* it is read once more with the other tables */
    r = mr_kv_pages_cursor_seek(cursor, mr_slice(NULL, 0));
    while (r == 0 && (r = mr_kv_pages_cursor_next(cursor, &key, &value)) == 0)
        r = add(s, key, value);
    s->quiet = false;
    mr_kv_pages_cursor_close(cursor);
    return r == MR_ENOTFOUND ? 0 : r;
}

/* Its compactor may have replaced it since the snapshot. */
static bool still_counts(const struct scrub *s, const struct scrub_segment *segment)
{
    struct mr_scrub_counts none = {0};
    struct mr_scrub_options options = *s->options;
    struct scrub *now;
    bool same = false;

    options.fn = NULL;
    if (!options.kv || scrub_open(&now, &options, &none, NULL) < 0)
        return true;
    if (scrub_segments_list(now) < 0)
        same = true;
    for (size_t i = 0; i < now->segments_count; i++)
        same = same || (now->segments[i].first == segment->first &&
                               now->segments[i].generation == segment->generation);
    scrub_close(now);
    return same;
}

static int one_segment(struct scrub *s, const struct scrub_segment *segment, struct mr_error *reterr)
{
    char name[LOG_FILE_NAME_MAX], environment[LOG_FILE_NAME_MAX + 16], path[LOG_PATH_MAX];
    struct mr_scrub_options options = *s->options;
    struct scrub *inner;
    int r;

    (void)mr_log_file_name(segment->first, segment->generation, name);
    (void)snprintf(environment, sizeof environment, "log/segments/%s", name);
    if (snprintf(path, sizeof path, "%s/segments/%s", s->options->dir, name) >= LOG_PATH_MAX)
        return MR_ETOOBIG;
    options.dir = path;
    options.kv = NULL;
    r = scrub_open(&inner, &options, s->counts, reterr);
    if (r == MR_ENOTFOUND && !still_counts(s, segment))
        return 0;
    if (r == MR_ENOTFOUND || r == MR_ECORRUPT)
        scrub_tell(s, segment->first, segment->last, "the segment %s is missing or cannot be read", name);
    if (r < 0)
        return r == MR_ENOTFOUND || r == MR_ECORRUPT ? 0 : r;
    inner->tree = s->pages;
    inner->environment = environment;
    inner->next = segment->first;
    inner->segment_last = segment->last;
    r = scrub_tables(inner);
    scrub_close(inner);
    return r;
}

int scrub_segments(struct scrub *s, struct mr_error *reterr)
{
    int r = 0;

    s->table = "segment";
    for (size_t i = 0; i < s->segments_count && r == 0; i++)
        r = one_segment(s, &s->segments[i], reterr);
    return r;
}
