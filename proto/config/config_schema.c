#include "proto/config/config_schema.h"

#include "proto/config/config.h"

/* TEXT: a string that must be there. OPT: one that need not. LIST and TEXTS: sequences, which may be left
 * out. */
#define TEXT(key, type, member)                                                                              \
    CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER, type, member, 0, CYAML_UNLIMITED)
#define OPT(key, type, member)                                                                               \
    CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, type, member, 0, CYAML_UNLIMITED)
#define NUM(key, type, member) CYAML_FIELD_UINT(key, CYAML_FLAG_OPTIONAL, type, member)
/* A pointer: 0 is said, not left out. */
#define SAID(key, type, member)                                                                              \
    CYAML_FIELD_UINT_PTR(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, type, member)
#define DAYS(type)                                                                                           \
    CYAML_FIELD_UINT_PTR("keep_days", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, type, keep_days)
#define LIST(key, type, member, entry)                                                                       \
    CYAML_FIELD_SEQUENCE(                                                                                    \
            key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, type, member, entry, 0, CYAML_UNLIMITED)
#define TEXTS(key, type, member) LIST(key, type, member, &text_entry)
#define PART(key, type, member, fields)                                                                      \
    CYAML_FIELD_MAPPING_PTR(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, type, member, fields)

static const cyaml_schema_value_t text_entry = {
        CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 0, CYAML_UNLIMITED)};

#define ATTRIBUTE(name) OPT(#name, struct mr_filter_attributes, name)
static const cyaml_schema_field_t attribute_fields[] = {ATTRIBUTE(id), ATTRIBUTE(source), ATTRIBUTE(type),
        ATTRIBUTE(subject), ATTRIBUTE(dataschema), ATTRIBUTE(regioncode), ATTRIBUTE(oktmo), ATTRIBUTE(orgid),
        ATTRIBUTE(correlationid), ATTRIBUTE(causationid), ATTRIBUTE(partitionkey), ATTRIBUTE(basis),
        ATTRIBUTE(actor), ATTRIBUTE(actorrole), CYAML_FIELD_END};

static const cyaml_schema_value_t filter_entry;
static const cyaml_schema_field_t filter_fields[] = {
        PART("exact", struct mr_config_filter, exact, attribute_fields),
        PART("prefix", struct mr_config_filter, prefix, attribute_fields),
        PART("suffix", struct mr_config_filter, suffix, attribute_fields),
        LIST("all", struct mr_config_filter, all, &filter_entry),
        LIST("any", struct mr_config_filter, any, &filter_entry),
        PART("not", struct mr_config_filter, not_, filter_fields), OPT("sql", struct mr_config_filter, sql),
        CYAML_FIELD_END};
static const cyaml_schema_value_t filter_entry = {
        CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct mr_config_filter, filter_fields)};

static const cyaml_schema_field_t system_fields[] = {TEXT("name", struct mr_config_system, name),
        TEXT("kind", struct mr_config_system, kind), TEXT("source", struct mr_config_system, source),
        TEXT("public_key", struct mr_config_system, public_key),
        TEXTS("regions", struct mr_config_system, regions),
        TEXTS("publish", struct mr_config_system, publish),
        NUM("events_per_s", struct mr_config_system, events_per_s),
        NUM("bytes_per_s", struct mr_config_system, bytes_per_s),
        NUM("waiting_max", struct mr_config_system, waiting_max), CYAML_FIELD_END};
static const cyaml_schema_value_t system_entry = {
        CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct mr_config_system, system_fields)};

static const cyaml_strval_t personal_names[] = {
        {"none", MR_PERSONAL_NONE}, {"pseudonymous", MR_PERSONAL_PSEUDONYMOUS}, {"full", MR_PERSONAL_FULL}};
static const cyaml_strval_t scope_names[] = {{"all", MR_SCOPE_ALL}, {"staff", MR_SCOPE_STAFF}};

static const cyaml_schema_field_t subscription_fields[] = {TEXT("name", struct mr_config_subscription, name),
        TEXT("system", struct mr_config_subscription, system),
        CYAML_FIELD_ENUM("personal", CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT, struct mr_config_subscription,
                personal, personal_names, CYAML_ARRAY_LEN(personal_names)),
        CYAML_FIELD_ENUM("scope", CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT, struct mr_config_subscription,
                scope, scope_names, CYAML_ARRAY_LEN(scope_names)),
        LIST("filters", struct mr_config_subscription, filters, &filter_entry),
        NUM("attempts_max", struct mr_config_subscription, attempts_max),
        NUM("deadline_hours", struct mr_config_subscription, deadline_hours),
        TEXTS("person_fields", struct mr_config_subscription, person_fields),
        TEXTS("fields", struct mr_config_subscription, fields), CYAML_FIELD_END};
static const cyaml_schema_value_t subscription_entry = {
        CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct mr_config_subscription, subscription_fields)};

static const cyaml_schema_field_t code_fields[] = {TEXT("code", struct mr_config_code, code),
        TEXT("title", struct mr_config_code, title), CYAML_FIELD_END};
static const cyaml_schema_value_t code_entry = {
        CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct mr_config_code, code_fields)};
static const cyaml_schema_field_t codelist_fields[] = {TEXT("name", struct mr_config_codelist, name),
        LIST("values", struct mr_config_codelist, values, &code_entry), CYAML_FIELD_END};
static const cyaml_schema_value_t codelist_entry = {
        CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct mr_config_codelist, codelist_fields)};

static const cyaml_schema_field_t operator_fields[] = {TEXT("name", struct mr_config_operator, name),
        TEXTS("roles", struct mr_config_operator, roles), OPT("ogrn", struct mr_config_operator, ogrn),
        OPT("oktmo", struct mr_config_operator, oktmo), CYAML_FIELD_END};
static const cyaml_schema_value_t operator_entry = {
        CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct mr_config_operator, operator_fields)};

static const cyaml_schema_field_t escrow_fields[] = {OPT("root", struct mr_config_escrow, root),
        OPT("keys", struct mr_config_escrow, keys), CYAML_FIELD_END};

static const cyaml_schema_field_t tls_fields[] = {TEXT("certificate", struct mr_config_tls, certificate),
        TEXT("key", struct mr_config_tls, key), CYAML_FIELD_END};

static const cyaml_schema_field_t proxy_fields[] = {TEXTS("addresses", struct mr_config_proxy, addresses),
        OPT("header", struct mr_config_proxy, header), CYAML_FIELD_END};

static const cyaml_schema_field_t hub_fields[] = {TEXT("source", struct mr_config_hub, source),
        TEXTS("listen", struct mr_config_hub, listen), TEXT("admin", struct mr_config_hub, admin),
        TEXT("store", struct mr_config_hub, store), TEXT("root_key", struct mr_config_hub, root_key),
        OPT("acts", struct mr_config_hub, acts), OPT("http_listen", struct mr_config_hub, http_listen),
        TEXT("secret_key_file", struct mr_config_hub, secret_key_file),
        TEXT("public_key", struct mr_config_hub, public_key),
        NUM("publish_window", struct mr_config_hub, publish_window),
        NUM("ping_interval_ms", struct mr_config_hub, ping_interval_ms),
        SAID("ballast_mb", struct mr_config_hub, ballast_mb),
        SAID("space_watermark_mb", struct mr_config_hub, space_watermark_mb),
        SAID("scrub_days", struct mr_config_hub, scrub_days),
        NUM("correction_days", struct mr_config_hub, correction_days),
        NUM("index_lag_max", struct mr_config_hub, index_lag_max),
        NUM("segment_events", struct mr_config_hub, segment_events),
        PART("escrow", struct mr_config_hub, escrow, escrow_fields),
        PART("http_tls", struct mr_config_hub, http_tls, tls_fields),
        PART("http_proxy", struct mr_config_hub, http_proxy, proxy_fields), CYAML_FIELD_END};

static const cyaml_schema_field_t erasure_fields[] = {OPT("controller", struct mr_config_erasure, controller),
        OPT("address", struct mr_config_erasure, address),
        OPT("information_system", struct mr_config_erasure, information_system),
        NUM("term_days", struct mr_config_erasure, term_days),
        NUM("answer_days", struct mr_config_erasure, answer_days), CYAML_FIELD_END};

static const cyaml_schema_field_t class_fields[] = {TEXTS("types", struct mr_config_retention_class, types),
        NUM("keep_days", struct mr_config_retention_class, keep_days), CYAML_FIELD_END};
static const cyaml_schema_value_t class_entry = {
        CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct mr_config_retention_class, class_fields)};
static const cyaml_schema_field_t retention_fields[] = {
        NUM("default_days", struct mr_config_retention, default_days),
        LIST("classes", struct mr_config_retention, classes, &class_entry), CYAML_FIELD_END};

static const cyaml_schema_field_t mail_fields[] = {TEXT("server", struct mr_config_mail, server),
        TEXT("from", struct mr_config_mail, from), TEXTS("to", struct mr_config_mail, to),
        OPT("user", struct mr_config_mail, user), OPT("password_file", struct mr_config_mail, password_file),
        CYAML_FIELD_END};
static const cyaml_schema_field_t silent_fields[] = {TEXT("system", struct mr_config_silent, system),
        CYAML_FIELD_UINT("hours", CYAML_FLAG_DEFAULT, struct mr_config_silent, hours), CYAML_FIELD_END};
static const cyaml_schema_value_t silent_entry = {
        CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct mr_config_silent, silent_fields)};
static const cyaml_schema_field_t alerts_fields[] = {TEXTS("command", struct mr_config_alerts, command),
        OPT("webhook", struct mr_config_alerts, webhook),
        OPT("webhook_token_file", struct mr_config_alerts, webhook_token_file),
        PART("mail", struct mr_config_alerts, mail, mail_fields),
        NUM("timeout_seconds", struct mr_config_alerts, timeout_seconds),
        SAID("repeat_minutes", struct mr_config_alerts, repeat_minutes),
        SAID("settle_seconds", struct mr_config_alerts, settle_seconds),
        SAID("away_seconds", struct mr_config_alerts, away_seconds),
        SAID("waiting_seconds", struct mr_config_alerts, waiting_seconds),
        SAID("quarantined_per_hour", struct mr_config_alerts, quarantined_per_hour),
        SAID("refused_per_hour", struct mr_config_alerts, refused_per_hour),
        SAID("parked_per_hour", struct mr_config_alerts, parked_per_hour),
        SAID("disk_free_mb", struct mr_config_alerts, disk_free_mb),
        SAID("checkpoint_seconds", struct mr_config_alerts, checkpoint_seconds),
        SAID("index_seconds", struct mr_config_alerts, index_seconds),
        SAID("balance_hours", struct mr_config_alerts, balance_hours),
        LIST("silent", struct mr_config_alerts, silent, &silent_entry), CYAML_FIELD_END};

static const cyaml_schema_field_t band_fields[] = {TEXT("code", struct mr_config_age_band, code),
        NUM("from_years", struct mr_config_age_band, from_years),
        NUM("to_years", struct mr_config_age_band, to_years), CYAML_FIELD_END};
static const cyaml_schema_value_t band_entry = {
        CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct mr_config_age_band, band_fields)};

static const cyaml_schema_field_t cell_fields[] = {TEXT("code", struct mr_config_cell, code),
        OPT("title", struct mr_config_cell, title), OPT("unit", struct mr_config_cell, unit),
        CYAML_FIELD_END};
static const cyaml_schema_value_t cell_entry = {
        CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct mr_config_cell, cell_fields)};

static const cyaml_schema_field_t passport_fields[] = {OPT("form", struct mr_config_passport, form),
        OPT("period_from", struct mr_config_passport, period_from),
        OPT("period_to", struct mr_config_passport, period_to),
        NUM("suppress_below", struct mr_config_passport, suppress_below),
        TEXTS("sections", struct mr_config_passport, sections),
        TEXTS("indicators", struct mr_config_passport, indicators),
        LIST("cells", struct mr_config_passport, cells, &cell_entry),
        LIST("age_bands", struct mr_config_passport, age_bands, &band_entry),
        LIST("service_bands", struct mr_config_passport, service_bands, &band_entry), CYAML_FIELD_END};

/* The members of struct mr_config_link stand beside the adapter's own keys. */
#define LINK(type)                                                                                           \
    TEXT("system", type, link.system), TEXT("secret_key_file", type, link.secret_key_file),                  \
            OPT("hub", type, link.hub), TEXT("state", type, link.state)

static const cyaml_schema_field_t school_fields[] = {LINK(struct mr_config_school),
        TEXT("in", struct mr_config_school, in), TEXT("out", struct mr_config_school, out),
        TEXT("done", struct mr_config_school, done), TEXT("rejected", struct mr_config_school, rejected),
        NUM("full_list_end_percent_max", struct mr_config_school, full_list_end_percent_max),
        NUM("settle_ms", struct mr_config_school, settle_ms), DAYS(struct mr_config_school), CYAML_FIELD_END};
static const cyaml_schema_field_t copmkp_fields[] = {LINK(struct mr_config_copmkp),
        TEXT("in", struct mr_config_copmkp, in), TEXT("out", struct mr_config_copmkp, out),
        TEXT("done", struct mr_config_copmkp, done), TEXT("rejected", struct mr_config_copmkp, rejected),
        NUM("settle_ms", struct mr_config_copmkp, settle_ms), DAYS(struct mr_config_copmkp), CYAML_FIELD_END};
static const cyaml_schema_field_t cnppm_fields[] = {LINK(struct mr_config_cnppm),
        TEXT("listen", struct mr_config_cnppm, listen), OPT("token_file", struct mr_config_cnppm, token_file),
        OPT("webhook", struct mr_config_cnppm, webhook), TEXT("in", struct mr_config_cnppm, in),
        TEXT("done", struct mr_config_cnppm, done), TEXT("rejected", struct mr_config_cnppm, rejected),
        NUM("settle_ms", struct mr_config_cnppm, settle_ms), DAYS(struct mr_config_cnppm), CYAML_FIELD_END};
static const cyaml_schema_field_t portal_fields[] = {LINK(struct mr_config_portal),
        TEXT("listen", struct mr_config_portal, listen),
        OPT("token_file", struct mr_config_portal, token_file),
        OPT("poll_url", struct mr_config_portal, poll_url),
        NUM("poll_interval_ms", struct mr_config_portal, poll_interval_ms),
        OPT("push_url", struct mr_config_portal, push_url), CYAML_FIELD_END};
static const cyaml_schema_field_t adapters_fields[] = {
        PART("school", struct mr_config_adapters, school, school_fields),
        PART("copmkp", struct mr_config_adapters, copmkp, copmkp_fields),
        PART("cnppm", struct mr_config_adapters, cnppm, cnppm_fields),
        PART("portal", struct mr_config_adapters, portal, portal_fields), CYAML_FIELD_END};

static const cyaml_schema_field_t test_fields[] = {TEXT("name", struct mr_config_test, name),
        TEXT("event", struct mr_config_test, event), OPT("system", struct mr_config_test, system),
        TEXTS("staff_of", struct mr_config_test, staff_of),
        TEXTS("subscriptions", struct mr_config_test, subscriptions), CYAML_FIELD_END};
static const cyaml_schema_value_t test_entry = {
        CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct mr_config_test, test_fields)};

static const cyaml_schema_field_t config_fields[] = {
        CYAML_FIELD_UINT("version", CYAML_FLAG_DEFAULT, struct mr_config, version),
        TEXT("region", struct mr_config, region), OPT("timezone", struct mr_config, timezone),
        CYAML_FIELD_MAPPING("hub", CYAML_FLAG_DEFAULT, struct mr_config, hub, hub_fields),
        LIST("systems", struct mr_config, systems, &system_entry),
        LIST("subscriptions", struct mr_config, subscriptions, &subscription_entry),
        LIST("codelists", struct mr_config, codelists, &codelist_entry),
        LIST("operators", struct mr_config, operators, &operator_entry),
        CYAML_FIELD_MAPPING("retention", CYAML_FLAG_OPTIONAL, struct mr_config, retention, retention_fields),
        CYAML_FIELD_MAPPING("erasure", CYAML_FLAG_OPTIONAL, struct mr_config, erasure, erasure_fields),
        PART("alerts", struct mr_config, alerts, alerts_fields),
        CYAML_FIELD_MAPPING("passport", CYAML_FLAG_OPTIONAL, struct mr_config, passport, passport_fields),
        CYAML_FIELD_MAPPING("adapters", CYAML_FLAG_OPTIONAL, struct mr_config, adapters, adapters_fields),
        LIST("tests", struct mr_config, tests, &test_entry), CYAML_FIELD_END};

const cyaml_schema_value_t mr_config_schema = {
        CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct mr_config, config_fields)};
