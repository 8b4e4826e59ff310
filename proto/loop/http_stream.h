/*
 * An answer of the HTTP server that goes on: bytes are added while the peer reads. What it has not read is
 * kept here, so who writes looks at mr_http_stream_unsent() first and ends a stream that is read too slowly.
 * A peer that does not take what is there for the server's idle time is cut. Loop thread only.
 */
#ifndef MR_LOOP_HTTP_STREAM_H
#define MR_LOOP_HTTP_STREAM_H

#include <stdbool.h>

#include "proto/loop/http_server.h"

struct mr_http_stream;

/*
 * Answers the exchange (mr_http_answer_header() before it), as mr_http_answer(). closed is called once, when
 * nobody reads any more: the peer is gone, the stream was ended, or the server was closed; the stream is
 * freed after it. NULL: out of memory, and the exchange is not answered.
 */
struct mr_http_stream *mr_http_stream_begin(
        struct mr_http_exchange *exchange, const char *content_type, void (*closed)(void *ctx), void *ctx);
/* Copies. Without memory for it the stream ends. */
void mr_http_stream_write(struct mr_http_stream *stream, struct mr_slice bytes);
size_t mr_http_stream_unsent(const struct mr_http_stream *stream);
/* Has the peer closed the connection? Nobody else would notice while there is nothing to write. */
bool mr_http_stream_gone(const struct mr_http_stream *stream);
/* The connection is cut, whatever was not read; closed() comes later. */
void mr_http_stream_cut(struct mr_http_stream *stream);

#endif
