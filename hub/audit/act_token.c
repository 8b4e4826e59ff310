/* token.new, token.revoke, token.list: who may use the HTTP API. The token itself is in the answer of
 * token.new alone. */
#include <sodium.h>
#include <string.h>

#include "event/hub.pb-c.h"
#include "hub/audit/args.h"
#include "hub/audit/queries.h"
#include "hub/http/token.h"
#include "proto/base/hex.h"
#include "proto/base/list.h"

enum { HEX_BYTES = 2 * MR_TOKEN_ID_BYTES + 1, SCOPES_MAX = 32, SCOPES_TEXT_MAX = 200, DAYS_MAX = 36500 };

static const int64_t us_a_day = 86400LL * 1000000;

static json_t *scopes_json(uint32_t scopes)
{
    json_t *list = json_array();

    for (int i = 0; i < SCOPES_MAX; i++)
        if (scopes & 1u << i && mr_token_scope_name(1u << i))
            (void)json_array_append_new(list, json_string(mr_token_scope_name(1u << i)));
    return list;
}

static int put_row(struct mr_act *act, const struct mr_token_row *row)
{
    struct mr_act_row *out = &act->rows[act->rows_count++];
    uint8_t key[MR_TOKEN_KEY_BYTES];

    out->table = MR_LOG_ACCESS;
    mr_token_key(row->digest, key);
    mr_buf_put(&out->key, key, sizeof key);
    return mr_buf_failed(&out->key) ? MR_ENOMEM : mr_token_row_encode(&out->value, row);
}

/* ---- new ---- */

static int read_system(const struct mr_method_call *call, struct mr_token_row *row, struct mr_error *reterr)
{
    const char *system;
    int r = mr_arg_text(call, "system", false, sizeof row->system - 1, &system, reterr);

    if (r < 0)
        return r;
    if (*system && !mr_config_system(call->house->config, system))
        return mr_error_set(
                reterr, MR_EINVAL, "system", "name one of the configured systems", "no such system");
    if (row->scopes & (MR_TOKEN_PUBLISH | MR_TOKEN_PULL) && !*system)
        return mr_error_set(reterr, MR_EINVAL, "system", "name the system that it speaks for",
                "a token that publishes or pulls is a system's");
    memcpy(row->system, system, strlen(system) + 1);
    return 0;
}

static int read_row(const struct mr_method_call *call, struct mr_token_row *row, struct mr_error *reterr)
{
    const char *name, *scopes;
    uint64_t days;
    int r = mr_arg_text(call, "name", true, MR_TOKEN_NAME_MAX, &name, reterr);

    if (r == 0)
        r = mr_arg_text(call, "scopes", true, SCOPES_TEXT_MAX, &scopes, reterr);
    if (r == 0)
        r = mr_arg_number(call, "days", 1, DAYS_MAX, 0, &days, reterr);
    if (r == 0 && mr_token_scopes_parse(scopes, &row->scopes) < 0)
        r = mr_error_set(reterr, MR_EINVAL, "scopes", "give some of read,log,passport,publish,pull",
                "no such scope in \"%.80s\"", scopes);
    if (r == 0)
        r = read_system(call, row, reterr);
    if (r < 0)
        return r;
    memcpy(row->name, name, strlen(name) + 1);
    memcpy(row->issued_by, call->operator_name, strnlen(call->operator_name, sizeof row->issued_by - 1));
    row->issued_us = mr_clock_wall_us(call->house->clock);
    row->expires_us = days ? row->issued_us + (int64_t)days * us_a_day : 0;
    return 0;
}

int mr_act_token_new(const struct mr_method_call *call, struct mr_act *ret, struct mr_error *reterr)
{
    Nms__Event__V1__HubTokenIssued m = NMS__EVENT__V1__HUB_TOKEN_ISSUED__INIT;
    struct mr_token_row row = {0};
    char token[MR_TOKEN_BYTES], hex[HEX_BYTES];
    char *names[SCOPES_MAX];
    int r = read_row(call, &row, reterr);

    *ret = (struct mr_act){0};
    if (r < 0)
        return r;
    mr_token_make(token);
    mr_token_digest(token, row.digest);
    m.token = mr_hex_encode(row.digest, MR_TOKEN_ID_BYTES, hex);
    m.name = row.name;
    m.scopes = names;
    for (int i = 0; i < SCOPES_MAX; i++)
        if (row.scopes & 1u << i)
            names[m.n_scopes++] = (char *)mr_token_scope_name(1u << i);
    m.system = row.system;
    m.expires_us = row.expires_us;
    r = mr_act_event(call, ret, "hub.token.issued.v1", "admin", &m.base);
    if (r == 0)
        r = put_row(ret, &row);
    if (r == 0)
        ret->reply = json_pack("{s:s, s:s, s:s, s:o, s:s, s:o}", "id", hex, "token", token, "name", row.name,
                "scopes", scopes_json(row.scopes), "system", row.system, "expires",
                mr_time_json(row.expires_us));
    sodium_memzero(token, sizeof token);
    if (r < 0)
        mr_act_fini(ret);
    return r;
}

/* ---- revoke ---- */

static int find(const struct mr_method_call *call, const char *hex, struct mr_token_row *ret)
{
    uint8_t id[MR_TOKEN_ID_BYTES], key[MR_TOKEN_KEY_BYTES];
    struct mr_log_reader *reader;
    struct mr_slice value;
    int r;

    if (mr_hex_decode(hex, strlen(hex), id, sizeof id) < 0)
        return MR_ENOTFOUND;
    mr_token_key(id, key);
    r = mr_log_reader_open(call->house->log, &reader);
    if (r < 0)
        return r;
    r = mr_log_row(reader, MR_LOG_ACCESS, mr_slice(key, sizeof key), &value);
    if (r == 0)
        r = mr_token_row_decode(ret, value);
    mr_log_reader_close(reader);
    return r;
}

int mr_act_token_revoke(const struct mr_method_call *call, struct mr_act *ret, struct mr_error *reterr)
{
    Nms__Event__V1__HubTokenRevoked m = NMS__EVENT__V1__HUB_TOKEN_REVOKED__INIT;
    struct mr_token_row row;
    const char *hex;
    int r = mr_arg_text(call, "id", true, HEX_BYTES - 1, &hex, reterr);

    *ret = (struct mr_act){0};
    if (r == 0)
        r = find(call, hex, &row);
    if (r == MR_ENOTFOUND)
        return mr_error_set(reterr, r, "id", "marshrut token list shows them", "no such token");
    if (r == 0 && row.revoked_us)
        return mr_error_set(reterr, MR_EEXISTS, "id", "", "the token is revoked already");
    if (r < 0)
        return r;
    row.revoked_us = mr_clock_wall_us(call->house->clock);
    m.token = (char *)hex;
    r = mr_act_event(call, ret, "hub.token.revoked.v1", "admin", &m.base);
    if (r == 0)
        r = put_row(ret, &row);
    if (r == 0)
        ret->reply = json_pack("{s:s, s:s}", "id", hex, "name", row.name);
    if (r < 0)
        mr_act_fini(ret);
    return r;
}

/* ---- list ---- */

struct list {
    json_t *tokens;
    int64_t now_us;
};

static const char *state_of(const struct mr_token_row *row, int64_t now_us)
{
    if (row->revoked_us)
        return "revoked";
    return row->expires_us && row->expires_us <= now_us ? "expired" : "valid";
}

static int add(void *ctx, struct mr_slice key, struct mr_slice value)
{
    struct list *list = ctx;
    struct mr_token_row row;
    char hex[HEX_BYTES];
    int r = key.size == MR_TOKEN_KEY_BYTES ? mr_token_row_decode(&row, value) : MR_ECORRUPT;

    if (r < 0)
        return r;
    r = json_array_append_new(list->tokens,
            json_pack("{s:s, s:s, s:s, s:o, s:s, s:o, s:s, s:o, s:o}", "id",
                    mr_hex_encode(key.data + 1, MR_TOKEN_ID_BYTES, hex), "name", row.name, "state",
                    state_of(&row, list->now_us), "scopes", scopes_json(row.scopes), "system", row.system,
                    "issued", mr_time_json(row.issued_us), "by", row.issued_by, "expires",
                    mr_time_json(row.expires_us), "revoked", mr_time_json(row.revoked_us)));
    return r < 0 ? MR_ENOMEM : 0;
}

int mr_query_token_list(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr)
{
    struct list list = {json_array(), mr_clock_wall_us(call->house->clock)};
    struct mr_log_reader *reader;
    uint8_t key[MR_TOKEN_KEY_BYTES];
    int r = mr_log_reader_open(call->house->log, &reader);

    (void)reterr;
    mr_token_key((const uint8_t[MR_TOKEN_ID_BYTES]){0}, key);
    if (r == 0) {
        r = mr_log_rows(reader, MR_LOG_ACCESS, mr_slice(key, 1), (struct mr_slice){0}, add, &list);
        mr_log_reader_close(reader);
    }
    if (r == 0)
        r = emit(ctx, json_pack("{s:I, s:O}", "count", (json_int_t)json_array_size(list.tokens), "tokens",
                              list.tokens));
    json_decref(list.tokens);
    return r;
}
