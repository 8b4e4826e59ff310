/*
 * account.new, invite, lock, unlock, list: by an administrator; account.password, by who has the secret of an
 * invitation; account.check, for who logs in. An account belongs to a configured operator, or
 * is one of an organisation or of a municipality's service (ММС), and limited to it.
 */
#include <sodium.h>
#include <string.h>

#include "event/hub.pb-c.h"
#include "hub/audit/args.h"
#include "hub/audit/queries.h"
#include "hub/http/account.h"
#include "proto/wire/ident.h"

static bool is_operator(const struct mr_method_call *call, const char *name)
{
    for (uint32_t i = 0; i < call->house->config->operators_count; i++)
        if (strcmp(call->house->config->operators[i].name, name) == 0)
            return true;
    return false;
}

/* The account of the argument `name`. MR_ENOTFOUND: not invited yet; its row is then new. */
static int find(const struct mr_method_call *call, struct mr_account_row *ret, struct mr_error *reterr)
{
    struct mr_log_reader *reader;
    const char *name;
    int r = mr_arg_text(call, "name", true, MR_ACCOUNT_NAME_MAX, &name, reterr);

    *ret = (struct mr_account_row){0};
    if (r == 0)
        r = mr_log_reader_open(call->house->log, &reader);
    if (r < 0)
        return r;
    r = mr_account_find(reader, name, ret);
    mr_log_reader_close(reader);
    memcpy(ret->name, name, strlen(name) + 1);
    return r;
}

static int no_account(struct mr_error *reterr)
{
    return mr_error_set(reterr, MR_ENOTFOUND, "name", "marshrut account list shows them", "no such account");
}

/* Event and row of a change. */
static int change(const struct mr_method_call *call, struct mr_act *act, const struct mr_account_row *row,
        const char *what, const char *role)
{
    Nms__Event__V1__HubAccountChanged m = NMS__EVENT__V1__HUB_ACCOUNT_CHANGED__INIT;
    struct mr_act_row *out = &act->rows[act->rows_count++];
    uint8_t key[MR_ACCOUNT_KEY_BYTES];
    int r;

    m.account = (char *)row->name;
    m.change = (char *)what;
    out->table = MR_LOG_ACCESS;
    mr_account_key(row->name, key);
    mr_buf_put(&out->key, key, sizeof key);
    r = mr_account_row_encode(&out->value, row);
    return r == 0 ? mr_act_event(call, act, "hub.account.changed.v1", role, &m.base) : r;
}

/* Whoever has the secret chooses the password. Nothing is left in ret on failure. */
static int invite(const struct mr_method_call *call, struct mr_account_row *row, const char *what,
        int64_t now_us, struct mr_act *ret)
{
    char secret[MR_ACCOUNT_SECRET_BYTES];
    int r;

    mr_account_invite(row, now_us, secret);
    row->hash[0] = '\0'; /* whoever has the old password, or a login by it, is out */
    row->changed_us = 0;
    r = change(call, ret, row, what, "admin");
    if (r == 0)
        ret->reply = json_pack("{s:s, s:s, s:o}", "name", row->name, "secret", secret, "until",
                mr_time_json(row->invited_until_us));
    sodium_memzero(secret, sizeof secret);
    if (r < 0)
        mr_act_fini(ret);
    return r;
}

int mr_act_account_invite(const struct mr_method_call *call, struct mr_act *ret, struct mr_error *reterr)
{
    struct mr_account_row row;
    int64_t now_us = mr_clock_wall_us(call->house->clock);
    int r = find(call, &row, reterr);

    *ret = (struct mr_act){0};
    if (r < 0 && r != MR_ENOTFOUND)
        return r;
    if (!*row.role && !is_operator(call, row.name))
        return mr_error_set(reterr, MR_EINVAL, "name",
                "add an operator to the configuration first; of an organisation or a municipality: "
                "marshrut account new",
                "no such operator, and no such account");
    if (r == MR_ENOTFOUND)
        row.created_us = now_us;
    return invite(call, &row, "invited", now_us, ret);
}

/* ---- who is limited to an organisation or a municipality ---- */

static bool is_name(const char *name)
{
    return *name >= 'a' && *name <= 'z' &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(name);
}

static int read_limits(const struct mr_method_call *call, struct mr_account_row *row, struct mr_error *reterr)
{
    const char *role, *ogrn, *oktmo;
    int r = mr_arg_text(call, "role", true, MR_ACCOUNT_ROLE_MAX, &role, reterr);

    if (r == 0)
        r = mr_arg_text(call, "ogrn", false, MR_OGRN_TEXT_MAX - 1, &ogrn, reterr);
    if (r == 0)
        r = mr_arg_text(call, "oktmo", false, MR_OKTMO_TEXT_MAX - 1, &oktmo, reterr);
    if (r < 0)
        return r;
    if (strcmp(role, "organisation") != 0 && strcmp(role, "mms") != 0)
        return mr_error_set(reterr, MR_EINVAL, "role",
                "organisation or mms; the others are roles of operators: add one to the configuration",
                "not a role of an account that is limited");
    if (*role == 'o' && (!mr_ident_ogrn_ok(ogrn) || *oktmo))
        return mr_error_set(reterr, MR_EINVAL, "ogrn", "give --ogrn and no --oktmo; check its digits",
                "an account of an organisation needs its ОГРН, with right check digits");
    if (*role == 'm' && (!mr_ident_oktmo_ok(oktmo) || *ogrn))
        return mr_error_set(reterr, MR_EINVAL, "oktmo", "give --oktmo and no --ogrn: 8 or 11 digits",
                "an account of a municipality needs its ОКТМО");
    memcpy(row->role, role, strlen(role) + 1);
    memcpy(row->limits.ogrn, ogrn, strlen(ogrn) + 1);
    memcpy(row->limits.oktmo, oktmo, strlen(oktmo) + 1);
    return 0;
}

int mr_act_account_new(const struct mr_method_call *call, struct mr_act *ret, struct mr_error *reterr)
{
    struct mr_account_row row;
    int64_t now_us = mr_clock_wall_us(call->house->clock);
    int r = find(call, &row, reterr);

    *ret = (struct mr_act){0};
    if (r == 0)
        return mr_error_set(reterr, MR_EEXISTS, "name", "choose another name, or lock that account",
                "there is such an account");
    if (r != MR_ENOTFOUND)
        return r;
    if (!is_name(row.name) || is_operator(call, row.name))
        return mr_error_set(reterr, MR_EINVAL, "name",
                "small latin letters, digits and '-', a letter first; not the name of an operator: those "
                "are invited",
                "not a name for an account");
    r = read_limits(call, &row, reterr);
    row.created_us = now_us;
    return r < 0 ? r : invite(call, &row, "created", now_us, ret);
}

static int set_locked(
        const struct mr_method_call *call, bool locked, struct mr_act *ret, struct mr_error *reterr)
{
    struct mr_account_row row;
    int r = find(call, &row, reterr);

    *ret = (struct mr_act){0};
    if (r == MR_ENOTFOUND)
        return no_account(reterr);
    if (r < 0)
        return r;
    row.locked_us = locked ? mr_clock_wall_us(call->house->clock) : 0;
    if (locked && row.changed_us)
        row.changed_us++; /* logins know it by this: what was not used while it was locked is over too */
    r = change(call, ret, &row, locked ? "locked" : "unlocked", "admin");
    if (r == 0)
        ret->reply = json_pack("{s:s, s:b}", "name", row.name, "locked", (int)locked);
    if (r < 0)
        mr_act_fini(ret);
    return r;
}

int mr_act_account_lock(const struct mr_method_call *call, struct mr_act *ret, struct mr_error *reterr)
{
    return set_locked(call, true, ret, reterr);
}

int mr_act_account_unlock(const struct mr_method_call *call, struct mr_act *ret, struct mr_error *reterr)
{
    return set_locked(call, false, ret, reterr);
}

static int read_password(
        const struct mr_method_call *call, const char *name, const char **ret, struct mr_error *reterr)
{
    int r = mr_arg_text(call, "password", true, MR_ACCOUNT_PASSWORD_MAX, ret, reterr);

    if (r == 0)
        r = mr_account_password_fits(*ret, name, reterr);
    return r;
}

static int no_link(struct mr_error *reterr)
{
    return mr_error_set(reterr, MR_EDENIED, "secret", "ask the administrator of the hub for another link",
            "the link was used, its time is over, or it never was one");
}

/* Nobody has locked it, invited anew or used the link since. */
static int is_as_before(const struct mr_method_call *call, const char *secret,
        const struct mr_account_row *row, int64_t now_us, struct mr_error *reterr)
{
    struct mr_account_row now;
    int r = find(call, &now, reterr);

    if (r < 0)
        return r;
    return mr_account_invited(&now, secret, now_us) && !now.locked_us && now.created_us == row->created_us
                   ? 0
                   : no_link(reterr);
}

int mr_act_account_password(const struct mr_method_call *call, struct mr_act *ret, struct mr_error *reterr)
{
    struct mr_method_call self = *call; /* nobody is logged in yet */
    const char *password, *secret;
    struct mr_account_row row;
    int64_t now_us = mr_clock_wall_us(call->house->clock);
    int r = mr_arg_text(call, "secret", true, MR_ACCOUNT_SECRET_BYTES, &secret, reterr);

    *ret = (struct mr_act){0};
    if (r == 0)
        r = find(call, &row, reterr);
    if (r == MR_ENOTFOUND || (r == 0 && (!mr_account_invited(&row, secret, now_us) || row.locked_us)))
        return no_link(reterr);
    if (r == 0)
        r = read_password(call, row.name, &password, reterr);
    if (r == 0)
        r = mr_account_set_password(&row, password, now_us);
    if (r == 0) /* hashing takes its time: what was done meanwhile holds */
        r = is_as_before(call, secret, &row, now_us, reterr);
    if (r < 0)
        return r;
    self.operator_name = row.name;
    r = change(&self, ret, &row, "password-set", "self");
    if (r == 0)
        ret->reply = json_pack("{s:s, s:o}", "name", row.name, "password_set", mr_time_json(row.changed_us));
    if (r < 0)
        mr_act_fini(ret);
    return r;
}

/* ---- reading ---- */

static json_t *roles_json(const struct mr_method_call *call, const struct mr_account_row *row)
{
    json_t *list = json_array();
    const char *name = row->name;

    if (*row->role)
        (void)json_array_append_new(list, json_string(row->role));
    for (uint32_t i = 0; i < call->house->config->operators_count; i++) {
        const struct mr_config_operator *operator= & call->house->config->operators[i];

        for (uint32_t j = 0; strcmp(operator->name, name) == 0 && j < operator->roles_count; j++)
            (void)json_array_append_new(list, json_string(operator->roles[j]));
    }
    return list;
}

int mr_query_account_check(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr)
{
    struct mr_account_row row;
    const char *password;
    int found = find(call, &row, reterr);
    int r = mr_arg_text(call, "password", true, MR_ACCOUNT_PASSWORD_MAX, &password, reterr);
    bool right;

    if (r < 0 || (found < 0 && found != MR_ENOTFOUND))
        return r < 0 ? r : found;
    right = mr_account_password_right(found == 0 ? &row : NULL, password);
    if (!right || row.locked_us || (!*row.role && !is_operator(call, row.name)))
        return mr_error_set(reterr, MR_EDENIED, "password", "try again, or ask the administrator of the hub",
                "name or password is wrong, or the account is locked");
    return emit(ctx, json_pack("{s:s, s:o, s:o}", "name", row.name, "roles", roles_json(call, &row),
                             "password_set", mr_time_json(row.changed_us)));
}

struct list {
    const struct mr_method_call *call;
    json_t *accounts;
};

static int add(void *ctx, struct mr_slice key, struct mr_slice value)
{
    struct list *list = ctx;
    struct mr_account_row row;
    int r = mr_account_row_decode(&row, value);
    bool invited = row.invited_until_us > mr_clock_wall_us(list->call->house->clock);

    (void)key;
    if (r < 0)
        return r;
    r = json_array_append_new(list->accounts,
            json_pack("{s:s, s:s, s:o, s:s, s:s, s:b, s:o, s:o, s:o}", "name", row.name, "state",
                    row.locked_us                                      ? "locked"
                    : !*row.role && !is_operator(list->call, row.name) ? "no-operator"
                    : row.hash[0]                                      ? "active"
                    : invited                                          ? "invited"
                                                                       : "lapsed",
                    "roles", roles_json(list->call, &row), "ogrn", row.limits.ogrn, "oktmo", row.limits.oktmo,
                    "invited", (int)invited, "created", mr_time_json(row.created_us), "password_set",
                    mr_time_json(row.changed_us), "locked", mr_time_json(row.locked_us)));
    return r < 0 ? MR_ENOMEM : 0;
}

int mr_query_account_list(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr)
{
    struct list list = {call, json_array()};
    struct mr_log_reader *reader;
    uint8_t key[MR_ACCOUNT_KEY_BYTES];
    int r = mr_log_reader_open(call->house->log, &reader);

    (void)reterr;
    mr_account_key("", key);
    if (r == 0) {
        r = mr_log_rows(reader, MR_LOG_ACCESS, mr_slice(key, 1), (struct mr_slice){0}, add, &list);
        mr_log_reader_close(reader);
    }
    if (r == 0)
        r = emit(ctx, json_pack("{s:I, s:O}", "count", (json_int_t)json_array_size(list.accounts), "accounts",
                              list.accounts));
    json_decref(list.accounts);
    return r;
}
