#include "hub/audit/args.h"

#include <stdio.h>
#include <string.h>

#include "proto/wire/ident.h"

enum { REFERENCE_BYTES_MAX = 64, DATE_BYTES = 10 };

int mr_arg_text(const struct mr_method_call *call, const char *name, bool required, size_t max,
        const char **ret, struct mr_error *reterr)
{
    const json_t *value = json_object_get(call->arguments, name);

    *ret = "";
    if (value && !json_is_null(value) && !json_is_string(value))
        return mr_error_set(reterr, MR_EINVAL, name, "give a text", "the argument is no text");
    if (json_is_string(value))
        *ret = json_string_value(value);
    if (required && !**ret)
        return mr_error_set(
                reterr, MR_EINVAL, name, "give it; docs/methods.md has the list", "an argument is missing");
    if (strlen(*ret) > max)
        return mr_error_set(reterr, MR_EINVAL, name, "shorten it", "longer than %zu bytes", max);
    return 0;
}

int mr_arg_reference(const struct mr_method_call *call, const char *name, bool required, const char *asked,
        const char **ret, struct mr_error *reterr)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-/._";
    char cure[128];
    int r = mr_arg_text(call, name, required, REFERENCE_BYTES_MAX, ret, reterr);

    if (r < 0)
        return r;
    if ((*ret)[strspn(*ret, allowed)] != '\0') {
        (void)snprintf(cure, sizeof cure, "give %s: latin letters, digits and - / . _", asked);
        return mr_error_set(reterr, MR_EINVAL, name, cure, "the %s is kept where names have no place", name);
    }
    if (mr_ident_snils_within(*ret)) {
        (void)snprintf(cure, sizeof cure, "give %s: a case number, not a person", asked);
        return mr_error_set(reterr, MR_EINVAL, name, cure,
                "the %s has a СНИЛС in it, and is kept where persons have no place", name);
    }
    return 0;
}

int mr_arg_case(const struct mr_method_call *call, const char **ret, struct mr_error *reterr)
{
    return mr_arg_reference(call, "case", true, "the number of the case", ret, reterr);
}

int mr_arg_number(const struct mr_method_call *call, const char *name, uint64_t low, uint64_t high,
        uint64_t fallback, uint64_t *ret, struct mr_error *reterr)
{
    const json_t *value = json_object_get(call->arguments, name);

    *ret = fallback;
    if (!value || json_is_null(value))
        return 0;
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return mr_error_set(
                reterr, MR_EINVAL, name, "give a whole number", "the argument is no whole number");
    *ret = (uint64_t)json_integer_value(value);
    if (*ret < low || *ret > high)
        return mr_error_set(reterr, MR_EINVAL, name, "choose a number in these bounds", "not in %llu..%llu",
                (unsigned long long)low, (unsigned long long)high);
    return 0;
}

int mr_arg_time(const struct mr_method_call *call, const char *name, int64_t *ret, struct mr_error *reterr)
{
    char midnight[MR_TIME_TEXT_MAX];
    const char *text;
    int r = mr_arg_text(call, name, false, MR_TIME_TEXT_MAX, &text, reterr);

    if (r < 0 || !*text)
        return r;
    if (strlen(text) == DATE_BYTES) {
        (void)snprintf(midnight, sizeof midnight, "%sT00:00:00Z", text);
        text = midnight;
    }
    if (mr_time_parse(text, strlen(text), ret) < 0 || *ret <= 0)
        return mr_error_set(
                reterr, MR_EINVAL, name, "write it as 2026-03-01 or 2026-03-01T09:00:00Z", "no time");
    return 0;
}

static const char *name_of(const struct mr_house *house, enum mr_name_kind kind, const char *what,
        uint16_t id, char *out, size_t size)
{
    const char *text = mr_names_text(house->names, kind, id);

    if (text)
        (void)snprintf(out, size, "%s", text);
    else
        (void)snprintf(out, size, "%s %u", what, id);
    return out;
}

const char *mr_system_name(const struct mr_house *house, uint16_t id, char *out, size_t size)
{
    if (id == MR_SYSTEM_HUB) {
        (void)snprintf(out, size, "hub");
        return out;
    }
    return name_of(house, MR_NAME_SYSTEM, "system", id, out, size);
}

const char *mr_subscription_name(const struct mr_house *house, uint16_t id, char *out, size_t size)
{
    return name_of(house, MR_NAME_SUBSCRIPTION, "subscription", id, out, size);
}

json_t *mr_time_json(int64_t wall_us)
{
    char text[MR_TIME_TEXT_MAX];

    return wall_us ? json_string(mr_time_format(wall_us, text)) : json_null();
}
