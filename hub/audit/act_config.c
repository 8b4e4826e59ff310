/* config.apply: another version of the configuration, from the number of its event on. */
#include <string.h>

#include "event/hub.pb-c.h"
#include "hub/audit/args.h"
#include "hub/audit/queries.h"
#include "hub/edition/edition.h"
#include "proto/alert/configured.h"
#include "proto/config/config_diff.h"
#include "store/sha256.h"

enum { NAME_BYTES_MAX = 4096, SHA256_BYTES = 32 };

static int build_event(
        const struct mr_method_call *call, struct mr_act *act, const struct mr_edition *edition)
{
    Nms__Event__V1__HubConfigApplied m = NMS__EVENT__V1__HUB_CONFIG_APPLIED__INIT;
    uint8_t digest[SHA256_BYTES];
    struct mr_sha256_state hash;

    mr_sha256_init(&hash);
    mr_sha256_put(&hash, edition->config->text);
    mr_sha256_final(&hash, digest);
    m.version = edition->version;
    m.digest.data = digest;
    m.digest.len = sizeof digest;
    m.systems = edition->config->systems_count;
    m.subscriptions = mr_config_subscriptions_configured(edition->config);
    m.actor = (char *)call->operator_name;
    return mr_act_event(call, act, "hub.config.applied.v1", "admin", &m.base);
}

/* Checked, and such as a running hub can take over. The caller frees. */
static int read_text(const struct mr_method_call *call, struct mr_config **ret, struct mr_error *reterr)
{
    const struct mr_config *running = call->house->config;
    const char *text, *name;
    int r = mr_arg_text(call, "text", true, MR_CONFIG_BYTES_MAX, &text, reterr);

    if (r == 0)
        r = mr_arg_text(call, "name", false, NAME_BYTES_MAX, &name, reterr);
    if (r == 0 && mr_slice_equal(mr_slice_str(text), running->text))
        r = mr_error_set(reterr, MR_EEXISTS, "text", "`marshrut config history` lists the versions",
                "version %u is this very text, and holds already", call->house->config_version);
    if (r < 0)
        return r;
    r = mr_edition_read(ret, running, mr_slice_str(text), *name ? name : running->name, reterr);
    if (r < 0)
        return r;
    r = mr_config_live(running, *ret, reterr);
    if (r == 0 && (*ret)->alerts)
        r = mr_alert_secrets_readable((*ret)->alerts, reterr);
    if (r < 0)
        mr_config_free(*ret);
    return r;
}

int mr_act_config_apply(const struct mr_method_call *call, struct mr_act *ret, struct mr_error *reterr)
{
    struct mr_config *config = NULL;
    int r;

    *ret = (struct mr_act){0};
    if (!call->house->editions)
        return mr_error_set(reterr, MR_EAGAIN, "", "start the hub", "only a running hub can do this");
    r = read_text(call, &config, reterr);
    if (r < 0)
        return r;
    r = mr_names_add(call->house->names, config, reterr);
    if (r < 0) {
        mr_config_free(config);
        return r;
    }
    r = mr_edition_new(
            &ret->begins, call->house->config_version + 1, config, config, call->house->names, reterr);
    if (r == 0)
        r = build_event(call, ret, ret->begins);
    if (r == 0)
        ret->reply = json_pack("{s:I}", "version", (json_int_t)ret->begins->version);
    if (r < 0)
        mr_act_fini(ret);
    return r;
}
