#include "hub/http/console.h"

#include <string.h>

#include "embedded/console.h" /* made by the build */
#include "hub/http/problem.h"
#include "proto/base/list.h"

#define POLICY                                                                                               \
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "    \
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

static const char folder[] = "/console/";

static void answer(const struct mr_http_request *request, size_t i)
{
    struct mr_slice body = mr_slice(mr_console[i].bytes, mr_console[i].size);

    mr_http_answer_header(request->exchange, "Vary", "Accept-Encoding");
    if (mr_api_takes_gzip(request)) {
        mr_http_answer_header(request->exchange, "Content-Encoding", "gzip");
        body = mr_slice(mr_console[i].packed, mr_console[i].packed_size);
    }
    mr_api_answer_under(request, mr_console[i].type, POLICY, body);
}

bool mr_console_serves(const char *path)
{
    return strcmp(path, "/") == 0 || strncmp(path, folder, sizeof folder - 1) == 0;
}

void mr_console_request(const struct mr_http_request *request)
{
    const char *path = strcmp(request->path, "/") == 0 ? "/console/index.html" : request->path;

    if (strcmp(request->method, "GET") != 0 && strcmp(request->method, "HEAD") != 0) {
        mr_http_answer_header(request->exchange, "Allow", "GET");
        mr_problem_say(request->exchange, 405, MR_EINVAL, "", "this path does not take this method",
                "look at the header Allow");
        return;
    }
    for (size_t i = 0; i < MR_COUNT(mr_console); i++)
        if (strcmp(mr_console[i].path, path) == 0) {
            answer(request, i);
            return;
        }
    if (MR_COUNT(mr_console) == 1)
        mr_problem_say(request->exchange, 404, MR_EUNSUPPORTED, "", "this hub was built without the console",
                "run hub/console/install.sh where npm can be reached, and build again");
    else
        mr_problem_say(request->exchange, 404, MR_ENOTFOUND, "", "no such page", "the console is at /");
}
