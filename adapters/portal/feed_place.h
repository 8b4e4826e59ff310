/* Where to go on in a feed: a cursor for the query, or the page's own link to the next. Pure functions. */
#ifndef MR_PORTAL_FEED_PLACE_H
#define MR_PORTAL_FEED_PLACE_H

#include "proto/base/buf.h"

/*
 * The place is a text that is kept: "" (the beginning), "c" + cursor, or "u" + URL.
 * Appends the URL to ask. MR_EINVAL for a text that is no place.
 */
int mr_feed_place_url(const char *poll_url, const char *place, struct mr_buf *out);

/*
 * The next place from a reply's headers (NULL: absent); the cursor goes first. Nothing told: 1, out is left
 * alone. 0: out is the place. MR_EINVAL: the link leads to another scheme, host or port, or the cursor is too
 * long.
 */
int mr_feed_place_next(const char *poll_url, const char *cursor, const char *link, struct mr_buf *out);

#endif
