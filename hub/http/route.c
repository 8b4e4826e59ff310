#include "hub/http/route.h"

#include <stdio.h>
#include <string.h>

#include "hub/http/parts.h"
#include "hub/http/reading.h"
#include "proto/base/list.h"

/* ---- what the methods of the hub answer ---- */

static const struct mr_api_reading status = {"hub.status", false, {{0}}};
static const struct mr_api_reading balance = {"balance", false, {{0}}};
static const struct mr_api_reading where = {"where", false, {{"id", "id", false}}};
static const struct mr_api_reading event = {"log.show", false, {{NULL, "number", true}}};
static const struct mr_api_reading receipt = {"log.receipt", false, {{NULL, "number", true}}};
static const struct mr_api_reading events = {"log.find", true,
        {{"type", "type", false}, {"system", "system", false}, {"organisation", "organisation", false},
                {"correlation", "correlation", false}, {"id", "id", false}, {"source", "source", false},
                {"state", "state", false}, {"from", "from", false}, {"to", "to", false},
                {"from_number", "least", true}, {"to_number", "last", true}, {"cursor", "first", true},
                {"limit", "limit", true}, {"order", "order", false}}};
static const struct mr_api_reading watch = {"log.find", true,
        {{"type", "type", false}, {"system", "system", false}, {"organisation", "organisation", false},
                {"correlation", "correlation", false}, {"source", "source", false},
                {"after", "after", true}}};
static const struct mr_api_reading facets = {"log.facets", false,
        {{"type", "type", false}, {"system", "system", false}, {"organisation", "organisation", false},
                {"correlation", "correlation", false}, {"id", "id", false}, {"source", "source", false},
                {"state", "state", false}, {"from", "from", false}, {"to", "to", false},
                {"from_number", "least", true}, {"to_number", "last", true}, {"cursor", "first", true},
                {"zone", "zone", false}}};
static const struct mr_api_reading evidence = {"log.evidence", false,
        {{"type", "type", false}, {"system", "system", false}, {"organisation", "organisation", false},
                {"correlation", "correlation", false}, {"id", "id", false}, {"source", "source", false},
                {"state", "state", false}, {"from", "from", false}, {"to", "to", false},
                {"from_number", "least", true}, {"to_number", "last", true}, {"cursor", "first", true},
                {"limit", "limit", true}}};
static const struct mr_api_reading way = {"log.way", false, {{NULL, "number", true}}};
static const struct mr_api_reading of_case = {"log.case", false, {{NULL, "number", true}}};
static const struct mr_api_reading of_cells = {"log.cells", false, {{NULL, "number", true}}};
static const struct mr_api_reading of_person = {"log.find-person", false, {{0}}};
static const struct mr_api_reading tail = {
        "log.tail", true, {{"type", "type", false}, {"cursor", "from", true}, {"limit", "limit", true}}};
static const struct mr_api_reading passport = {
        "passport.show", false, {{"as_of", "as_of", true}, {"at", "at", false}}};
static const struct mr_api_reading cell = {"passport.explain", false,
        {{NULL, "cell", false}, {"as_of", "as_of", true}, {"at", "at", false}, {"cursor", "after", true},
                {"limit", "limit", true}}};
static const struct mr_api_reading passport_diff = {"passport.diff", false,
        {{"from", "from", true}, {"from_at", "from_at", false}, {"from_version", "from_version", true},
                {"to", "to", true}, {"to_at", "to_at", false}, {"to_version", "to_version", true}}};
static const struct mr_api_reading passport_export = {"passport.export", false,
        {{"format", "format", false}, {"as_of", "as_of", true}, {"at", "at", false}}};
static const struct mr_api_reading passport_history = {
        "passport.history", true, {{"cursor", "first", true}, {"limit", "limit", true}}};
static const struct mr_api_reading passport_version = {"passport.version", false, {{NULL, "version", true}}};
static const struct mr_api_reading passport_workflow = {"passport.workflow", false, {{0}}};
static const struct mr_api_reading parked = {"parked.list", false,
        {{"subscription", "subscription", false}, {"state", "state", false}, {"type", "type", false},
                {"reason", "reason", false}, {"before", "before", false}, {"cursor", "after", false},
                {"limit", "limit", true}}};
static const struct mr_api_reading parked_one = {"parked.show", false, {{NULL, "numbers", true}}};
static const struct mr_api_reading quarantine = {"quarantine.list", false,
        {{"state", "state", false}, {"code", "code", false}, {"system", "system", false},
                {"type", "type", false}, {"before", "before", false}, {"proposed", "proposed", false},
                {"summary", "summary", false}, {"cursor", "after", true}, {"limit", "limit", true}}};
static const struct mr_api_reading segments = {"log.segments", false, {{0}}};

/* ---- what people do who are logged in ---- */

static const struct mr_api_reading access_list = {"access.list", false,
        {{"who", "who", false}, {"case", "case", false}, {"reason", "reason", false},
                {"record", "record", true}, {"from", "from", false}, {"to", "to", false},
                {"cursor", "before", true}, {"limit", "limit", true}}};
static const struct mr_api_reading access_open = {"access.open", false, {{0}}};
static const struct mr_api_reading access_look = {"access.look", false, {{0}}};
static const struct mr_api_reading accounts = {"account.list", false, {{0}}};
static const struct mr_api_reading account_new = {"account.new", false, {{0}}};
static const struct mr_api_reading invite = {"account.invite", false, {{NULL, "name", false}}};
static const struct mr_api_reading lock = {"account.lock", false, {{NULL, "name", false}}};
static const struct mr_api_reading unlock = {"account.unlock", false, {{NULL, "name", false}}};
static const struct mr_api_reading tokens = {"token.list", false, {{0}}};
static const struct mr_api_reading token_new = {"token.new", false, {{0}}};
static const struct mr_api_reading token_revoke = {"token.revoke", false, {{NULL, "id", false}}};
static const struct mr_api_reading passport_copied = {"passport.copied", false, {{0}}};
static const struct mr_api_reading passport_set = {"passport.set", false, {{0}}};
static const struct mr_api_reading passport_override = {"passport.override", false, {{0}}};
static const struct mr_api_reading passport_submit = {"passport.submit", false, {{0}}};
static const struct mr_api_reading passport_approve = {"passport.approve", false, {{0}}};
static const struct mr_api_reading passport_handback = {"passport.handback", false, {{0}}};
static const struct mr_api_reading passport_send = {"passport.send", false, {{0}}};
static const struct mr_api_reading passport_answer = {"passport.answer", false, {{0}}};
static const struct mr_api_reading parked_discard = {"parked.discard", false, {{0}}};
static const struct mr_api_reading parked_release = {"parked.release", false, {{0}}};
static const struct mr_api_reading parked_retry = {"parked.retry", false, {{0}}};
static const struct mr_api_reading desk_show = {"quarantine.show", false, {{NULL, "number", true}}};
static const struct mr_api_reading desk_fix = {"quarantine.fix", false, {{NULL, "number", true}}};
static const struct mr_api_reading desk_approve = {"quarantine.approve", true, {{NULL, "number", true}}};
static const struct mr_api_reading desk_discard = {"quarantine.discard", true, {{0}}};
static const struct mr_api_reading desk_reject = {"quarantine.reject", true, {{0}}};
static const struct mr_api_reading desk_release = {"quarantine.release", true, {{0}}};

/* ---- the table ---- */

#define V1 "/api/v1"

static const struct mr_api_route routes[] = {
        {"GET", V1 "/access", MR_TOKEN_PERSON, mr_api_read, &access_list},
        {"POST", V1 "/access", MR_TOKEN_PERSON, mr_api_access_open, &access_open},
        {"POST", V1 "/access/find", MR_TOKEN_PERSON, mr_api_read, &access_list},
        {"GET", V1 "/access/mine", MR_TOKEN_PERSON, mr_api_access_mine, NULL},
        {"POST", V1 "/access/{grant}/events/{number}", MR_TOKEN_PERSON, mr_api_access_look, &access_look},
        {"GET", V1 "/accounts", MR_TOKEN_PERSON, mr_api_read, &accounts, "admin"},
        {"POST", V1 "/accounts", MR_TOKEN_PERSON, mr_api_act, &account_new},
        {"POST", V1 "/accounts/{name}/invite", MR_TOKEN_PERSON, mr_api_act, &invite},
        {"POST", V1 "/accounts/{name}/lock", MR_TOKEN_PERSON, mr_api_act, &lock},
        {"POST", V1 "/accounts/{name}/unlock", MR_TOKEN_PERSON, mr_api_act, &unlock},
        {"GET", V1 "/balance", MR_TOKEN_READ, mr_api_read, &balance},
        {"GET", V1 "/events", MR_TOKEN_READ, mr_api_read, &events, .limited = true},
        {"POST", V1 "/events", MR_TOKEN_PUBLISH, mr_api_publish, NULL},
        {"GET", V1 "/events/export", MR_TOKEN_READ, mr_api_events_export, &evidence, .limited = true,
                .without_head = true},
        {"POST", V1 "/events/export", MR_TOKEN_READ, mr_api_events_export, &evidence, .limited = true},
        {"GET", V1 "/events/facets", MR_TOKEN_READ, mr_api_read, &facets,
                .limited = true}, /* before {number}: the first that fits */
        {"POST", V1 "/events/facets", MR_TOKEN_READ, mr_api_read, &facets, .limited = true},
        {"POST", V1 "/events/find", MR_TOKEN_READ, mr_api_read, &events, .limited = true},
        {"GET", V1 "/events/watch", MR_TOKEN_READ, mr_api_watch, &watch, .without_head = true},
        {"GET", V1 "/events/{number}", MR_TOKEN_READ, mr_api_read, &event, .limited = true},
        {"GET", V1 "/events/{number}/case", MR_TOKEN_READ, mr_api_read, &of_case, .limited = true},
        {"GET", V1 "/events/{number}/cells", MR_TOKEN_PASSPORT, mr_api_read, &of_cells},
        {"GET", V1 "/events/{number}/receipt", MR_TOKEN_READ, mr_api_read, &receipt, .limited = true},
        {"GET", V1 "/events/{number}/way", MR_TOKEN_READ, mr_api_read, &way, .limited = true},
        {"GET", V1 "/inbox", MR_TOKEN_PULL, mr_api_inbox, NULL, .without_head = true},
        {"POST", V1 "/inbox/ack", MR_TOKEN_PULL, mr_api_inbox_ack, NULL},
        {"GET", V1 "/openapi.json", 0, mr_api_openapi, NULL},
        {"GET", V1 "/parked", MR_TOKEN_READ, mr_api_read, &parked, .limited = true},
        {"POST", V1 "/parked/discard", MR_TOKEN_PERSON, mr_api_act, &parked_discard, .limited = true},
        {"POST", V1 "/parked/release", MR_TOKEN_PERSON, mr_api_act, &parked_release, .limited = true},
        {"POST", V1 "/parked/retry", MR_TOKEN_PERSON, mr_api_act, &parked_retry, .limited = true},
        {"GET", V1 "/parked/{number}", MR_TOKEN_READ, mr_api_read, &parked_one, .limited = true},
        {"GET", V1 "/passport", MR_TOKEN_PASSPORT, mr_api_read, &passport},
        {"GET", V1 "/passport/cells/{cell}", MR_TOKEN_PASSPORT, mr_api_read, &cell},
        {"POST", V1 "/persons/events", MR_TOKEN_PERSON, mr_api_act, &of_person},
        {"POST", V1 "/passport/answer", MR_TOKEN_PERSON, mr_api_act, &passport_answer},
        {"POST", V1 "/passport/approve", MR_TOKEN_PERSON, mr_api_act, &passport_approve},
        {"POST", V1 "/passport/copied", MR_TOKEN_PERSON, mr_api_act, &passport_copied},
        {"GET", V1 "/passport/diff", MR_TOKEN_PASSPORT, mr_api_read, &passport_diff},
        {"GET", V1 "/passport/export", MR_TOKEN_PASSPORT, mr_api_passport_export, &passport_export,
                .without_head = true},
        {"POST", V1 "/passport/handback", MR_TOKEN_PERSON, mr_api_act, &passport_handback},
        {"GET", V1 "/passport/history", MR_TOKEN_PASSPORT, mr_api_read, &passport_history},
        {"POST", V1 "/passport/override", MR_TOKEN_PERSON, mr_api_act, &passport_override},
        {"POST", V1 "/passport/send", MR_TOKEN_PERSON, mr_api_act, &passport_send},
        {"POST", V1 "/passport/set", MR_TOKEN_PERSON, mr_api_act, &passport_set},
        {"POST", V1 "/passport/submit", MR_TOKEN_PERSON, mr_api_act, &passport_submit},
        {"GET", V1 "/passport/versions/{version}", MR_TOKEN_PASSPORT, mr_api_passport_version,
                &passport_version},
        {"GET", V1 "/passport/workflow", MR_TOKEN_PASSPORT, mr_api_passport_workflow, &passport_workflow},
        {"GET", V1 "/quarantine", MR_TOKEN_READ, mr_api_read, &quarantine, .limited = true},
        {"POST", V1 "/quarantine/discard", MR_TOKEN_PERSON, mr_api_act, &desk_discard, .limited = true},
        {"POST", V1 "/quarantine/find", MR_TOKEN_READ, mr_api_read, &quarantine, .limited = true},
        {"POST", V1 "/quarantine/reject", MR_TOKEN_PERSON, mr_api_act, &desk_reject, .limited = true},
        {"POST", V1 "/quarantine/release", MR_TOKEN_PERSON, mr_api_act, &desk_release, .limited = true},
        {"POST", V1 "/quarantine/{number}/approve", MR_TOKEN_PERSON, mr_api_desk_approve, &desk_approve,
                .limited = true},
        {"POST", V1 "/quarantine/{number}/fix", MR_TOKEN_PERSON, mr_api_act, &desk_fix, .limited = true},
        {"POST", V1 "/quarantine/{number}/show", MR_TOKEN_PERSON, mr_api_desk_show, &desk_show,
                .limited = true},
        {"GET", V1 "/segments", MR_TOKEN_READ, mr_api_read, &segments},
        {"GET", V1 "/session", MR_TOKEN_PERSON, mr_api_session, NULL},
        {"POST", V1 "/session", 0, mr_api_login, NULL},
        {"DELETE", V1 "/session", MR_TOKEN_PERSON, mr_api_logout, NULL},
        {"POST", V1 "/session/password", 0, mr_api_password, NULL},
        {"GET", V1 "/sessions", MR_TOKEN_PERSON, mr_api_sessions, NULL},
        {"POST", V1 "/sessions/{id}/end", MR_TOKEN_PERSON, mr_api_session_end, NULL},
        {"GET", V1 "/status", MR_TOKEN_READ, mr_api_read, &status},
        {"GET", V1 "/tail", MR_TOKEN_READ, mr_api_read, &tail, .limited = true},
        {"GET", V1 "/tokens", MR_TOKEN_PERSON, mr_api_read, &tokens, "admin"},
        {"POST", V1 "/tokens", MR_TOKEN_PERSON, mr_api_act, &token_new},
        {"POST", V1 "/tokens/{id}/revoke", MR_TOKEN_PERSON, mr_api_act, &token_revoke},
        {"GET", V1 "/types", 0, mr_api_types, NULL},
        {"GET", V1 "/types/{type}", 0, mr_api_type, NULL},
        {"POST", V1 "/where", MR_TOKEN_READ, mr_api_read, &where, .limited = true},
        {"GET", "/log/checkpoint", MR_TOKEN_LOG, mr_api_checkpoint, NULL},
        {"GET", "/log/tile/{tile...}", MR_TOKEN_LOG, mr_api_tile, NULL},
        {"GET", "/log/vkey", MR_TOKEN_LOG, mr_api_vkey, NULL},
};

const struct mr_api_route *mr_api_route_at(size_t index)
{
    return index < MR_COUNT(routes) ? &routes[index] : NULL;
}

/* One piece of a path against "{name}", "{name...}" or itself. How much of the path it takes; 0: it differs.
 */
static size_t match_piece(const char *pattern, size_t size, const char *path, char *parameter)
{
    bool rest = size > 4 && strncmp(pattern + size - 4, "...}", 4) == 0;
    size_t length = rest ? strlen(path) : strcspn(path, "/");

    if (*pattern != '{')
        return length == size && strncmp(pattern, path, size) == 0 ? length : 0;
    if (length == 0 || length >= MR_API_PARAMETER_BYTES || !parameter)
        return 0;
    memcpy(parameter, path, length);
    parameter[length] = '\0';
    return length;
}

static bool match(const char *pattern, const char *path,
        char parameters[static MR_API_PARAMETERS_MAX][MR_API_PARAMETER_BYTES])
{
    size_t count = 0;

    while (*pattern == '/' && *path == '/') {
        size_t size = strcspn(++pattern, "/");
        size_t taken =
                match_piece(pattern, size, ++path, count < MR_API_PARAMETERS_MAX ? parameters[count] : NULL);

        if (taken == 0)
            return false;
        count += *pattern == '{';
        pattern += size;
        path += taken;
    }
    return !*pattern && !*path;
}

const struct mr_api_route *mr_api_route_find(const char *method, const char *path,
        char parameters[static MR_API_PARAMETERS_MAX][MR_API_PARAMETER_BYTES], char ret_allow[static 64])
{
    bool head = strcmp(method, "HEAD") == 0;
    bool fits = false;
    const char *asked = head ? "GET" : method;
    size_t used = 0;

    ret_allow[0] = '\0';
    for (size_t i = 0; i < MR_COUNT(routes) && !fits; i++) {
        if (!match(routes[i].path, path, parameters))
            continue;
        fits = strcmp(routes[i].method, asked) == 0;
        if (fits && !(head && routes[i].without_head))
            return &routes[i];
        if (used < 64)
            used += (size_t)snprintf(
                    ret_allow + used, 64 - used, "%s%s", used > 0 ? ", " : "", routes[i].method);
    }
    return NULL;
}
