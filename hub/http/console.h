/* The files of the console, embedded in the hub: no word of the hub's own is in them. Loop thread. */
#ifndef MR_HUB_HTTP_CONSOLE_H
#define MR_HUB_HTTP_CONSOLE_H

#include <stdbool.h>

#include "proto/loop/http_server.h"

/* Does the path belong to the console? "/" does. */
bool mr_console_serves(const char *path);
void mr_console_request(const struct mr_http_request *request);

#endif
