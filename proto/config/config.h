/*
 * The one configuration file (YAML, docs/configuration.md): hub, systems, subscriptions, operators, code
 * lists, passport and adapters. Read by every process, so that what the hub allows and what an adapter does
 * cannot drift apart. Strict: unknown keys, duplicates, wrong types and values out of range are errors with
 * file, line, column and a cure.
 *
 * Paths in the file are relative to the file's folder; load() makes them absolute. A loaded configuration is
 * immutable and may be shared between threads. Names: [a-z][a-z0-9-]{0,31}.
 */
#ifndef MR_CONFIG_CONFIG_H
#define MR_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/buf.h"
#include "proto/base/err.h"
#include "proto/base/slice.h"

enum mr_personal { MR_PERSONAL_NONE, MR_PERSONAL_PSEUDONYMOUS, MR_PERSONAL_FULL };
enum mr_scope { MR_SCOPE_ALL, MR_SCOPE_STAFF }; /* staff: only events on persons whom this system employs */

/* Attribute values of one exact / prefix / suffix filter: every one that is not NULL must match. */
struct mr_filter_attributes {
    char *id, *source, *type, *subject, *dataschema, *regioncode, *oktmo, *orgid, *correlationid,
            *causationid, *partitionkey, *basis, *actor, *actorrole;
};

/* CloudEvents Subscriptions 1.0 filter dialects; exactly one member is set. */
struct mr_config_filter {
    struct mr_filter_attributes *exact;
    struct mr_filter_attributes *prefix;
    struct mr_filter_attributes *suffix;
    struct mr_config_filter *all;
    uint32_t all_count;
    struct mr_config_filter *any;
    uint32_t any_count;
    struct mr_config_filter *not_; /* key "not" */
    char *sql;                     /* CloudEvents SQL 1.0.0; the hub compiles it */
};

struct mr_config_system {
    char *name;
    char *kind;   /* school, copmkp, cnppm, portal, other */
    char *source; /* URI that its events must carry; a source below it (source + ":..." or "/...") is its too
                   */
    char *public_key; /* CURVE, Z85, 40 characters */
    char **regions;   /* codes it may speak for; empty: the hub's region */
    uint32_t regions_count;
    char **publish; /* type names; one that ends in '.' is a prefix. Empty: nothing */
    uint32_t publish_count;
    uint32_t events_per_s; /* most that it may publish, on average; 0: no limit */
    uint32_t bytes_per_s;
    uint32_t waiting_max; /* events unacknowledged; 0: hub.publish_window */
};

struct mr_config_subscription {
    char *name;
    char *system;
    enum mr_personal personal;
    enum mr_scope scope;
    struct mr_config_filter
            *filters; /* all must match (CloudEvents Subscriptions: an array of filters is "all") */
    uint32_t filters_count;
    uint32_t attempts_max;   /* then the event is parked; default 10 */
    uint32_t deadline_hours; /* an event older than that is not delivered any more; 0: however old */
    char **person_fields;    /* of Person blocks only these; empty: all that `personal` gives */
    uint32_t person_fields_count;
    char **fields; /* of the rest of payloads about persons only these, at any depth; empty: as above */
    uint32_t fields_count;
};

struct mr_config_code {
    char *code;
    char *title; /* Russian, for screens and files */
};
struct mr_config_codelist {
    char *name;
    struct mr_config_code *values;
    uint32_t values_count;
};

struct mr_config_operator {
    char *name;
    char **roles; /* cnppm, mms, ipk, ministry, federal, auditor, pd-officer, admin */
    uint32_t roles_count;
    char *ogrn, *oktmo; /* what the operator is limited to; NULL: not, at most one of them */
};

/* Where copies of the root key and of keys/ are kept, apart from the hub and from each other; either may be
 * NULL. */
struct mr_config_escrow {
    char *root;
    char *keys;
};

/* Proxies before the HTTP face, which are believed whom they ask for. */
struct mr_config_proxy {
    char **addresses; /* or nets: 127.0.0.1, 10.0.0.0/8 */
    uint32_t addresses_count;
    char *header; /* that they write: X-Forwarded-For, Forwarded; NULL: the first */
};

/* Of the HTTP face; both are files in PEM. */
struct mr_config_tls {
    char *certificate; /* with what leads to a root */
    char *key;         /* its user's alone */
};

struct mr_config_hub {
    char *source;
    char **listen; /* tcp://127.0.0.1:7400 ...; CURVE on every one */
    uint32_t listen_count;
    char *admin;    /* ipc socket path for the tool (folder 0700) */
    char *store;    /* folder of log/ keys/ index/ views/ */
    char *root_key; /* folder of the root key's slots */
    char *acts;     /* folder of the acts of destruction; default: acts/ in `store` */
    char *secret_key_file;
    char *public_key;
    uint32_t publish_window;      /* events unacknowledged a producer; default 16384 */
    uint32_t ping_interval_ms;    /* default 5000 */
    uint32_t *ballast_mb;         /* kept allocated for when the disk is full; 0: none; default 64 */
    uint32_t *space_watermark_mb; /* free below it: read-only; 0: until the disk is full; default 256 */
    uint32_t *scrub_days;     /* everything stored is read and checked in so many days; 0: not; default 7 */
    uint32_t correction_days; /* a proposed correction waits so long for a second operator; default 14 */
    uint32_t index_lag_max;   /* events that the index may be behind before producers wait; default 100000 */
    struct mr_config_escrow *escrow;    /* NULL: not configured */
    char *http_listen;                  /* 127.0.0.1:7410: metrics, API, console; NULL: off */
    struct mr_config_tls *http_tls;     /* NULL: plain HTTP, on this machine alone */
    struct mr_config_proxy *http_proxy; /* NULL: nobody is believed whom it asks for */
    uint32_t segment_events;            /* events of a closed segment of the log; default 1000000 */
};

/* How long events of some types are kept; the first class that names a type counts. */
struct mr_config_retention_class {
    char **types; /* type names; one that ends in '.' is a prefix */
    uint32_t types_count;
    uint32_t keep_days; /* from recorded on; 0: without term */
};
struct mr_config_retention {
    uint32_t default_days; /* of what no class names; 0: without term */
    struct mr_config_retention_class *classes;
    uint32_t classes_count;
};

/* What the act of destruction says of who destroys (order of Roskomnadzor of 28.10.2022 No. 179), and the
 * terms. */
struct mr_config_erasure {
    char *controller;         /* name of the operator of personal data; default: "" (the act says it is not
                                 configured) */
    char *address;            /* ... and address */
    char *information_system; /* name of the information system; default "Маршрут" */
    uint32_t term_days;       /* legal term from the request to the destruction; default 30 */
    uint32_t answer_days;     /* systems that are told must answer within; default 30 */
};

/* Where alerts go as mail. */
struct mr_config_mail {
    char *server; /* smtp://HOST:PORT or smtps://HOST:PORT */
    char *from;
    char **to;
    uint32_t to_count;
    char *user;          /* NULL: no login */
    char *password_file; /* with user */
};
struct mr_config_silent {
    char *system;
    uint32_t hours;
};
/* What the hub tells people of itself, and when (docs/operations.md). Thresholds: 0 is never. */
struct mr_config_alerts {
    char **command; /* program and arguments */
    uint32_t command_count;
    char *webhook;
    char *webhook_token_file; /* NULL: no Authorization */
    struct mr_config_mail *mail;
    uint32_t timeout_seconds;        /* of one attempt of any of these; default 30 */
    uint32_t *repeat_minutes;        /* told again while it lasts; default 240 */
    uint32_t *settle_seconds;        /* resolved when it is over for so long; default 60 */
    uint32_t *away_seconds;          /* a system that has published before has no session; default 900 */
    uint32_t *waiting_seconds;       /* age of the oldest delivery that waits; default 3600 */
    uint32_t *quarantined_per_hour;  /* of one system; default 50 */
    uint32_t *refused_per_hour;      /* of one system; default 1 */
    uint32_t *parked_per_hour;       /* of one subscription; default 1 */
    uint32_t *disk_free_mb;          /* less is free; default 1024 */
    uint32_t *checkpoint_seconds;    /* the log is not signed for so long; default 300 */
    uint32_t *index_seconds;         /* the index is behind for so long; default 300 */
    uint32_t *balance_hours;         /* how often the balance is drawn; default 24 */
    struct mr_config_silent *silent; /* systems that should say something within so many hours */
    uint32_t silent_count;
};

struct mr_config_age_band {
    char *code;          /* "under-35" */
    uint32_t from_years; /* inclusive */
    uint32_t to_years;   /* exclusive; 0 = no end */
};

enum { MR_CONFIG_CELL_CODE_MAX = 50, MR_CONFIG_CELL_UNIT_MAX = 31 };

/* A figure that people enter: it has no rule. */
struct mr_config_cell {
    char *code;  /* section, point, name: "3.premises" */
    char *title; /* in the form's words; NULL: the code */
    char *unit;  /* when whoever enters it says none; NULL: none */
};

struct mr_config_passport {
    char *form;              /* name and version of the form, "образец-2021" */
    char *period_from;       /* YYYY-MM-DD */
    char *period_to;         /* inclusive */
    uint32_t suppress_below; /* cells counting fewer persons are shown as suppressed in exports; default 5 */
    char **sections; /* numbers of the form's sections in its order: "1" to "8"; none: all of them in order */
    uint32_t sections_count;
    char **indicators; /* codes of the indicator set's rows to compute */
    uint32_t indicators_count;
    struct mr_config_cell *cells; /* the form's cells that are entered by hand; no other one can be */
    uint32_t cells_count;
    struct mr_config_age_band *age_bands;
    uint32_t age_bands_count;
    struct mr_config_age_band *service_bands;
    uint32_t service_bands_count;
};

/* An example: this event goes to exactly these subscriptions. `config check` tries it. */
struct mr_config_test {
    char *name;
    char *event;     /* file with the event, CloudEvents JSON */
    char *system;    /* who sends it; NULL: somebody who has no subscription */
    char **staff_of; /* systems that employ its persons */
    uint32_t staff_of_count;
    char **subscriptions;
    uint32_t subscriptions_count;
};

/* What every adapter has. */
struct mr_config_link {
    char *system;
    char *secret_key_file;
    char *hub;   /* endpoint to connect to; default: the hub's first listen */
    char *state; /* folder of outbox and inbox */
};

struct mr_config_school {
    struct mr_config_link link;
    char *in;  /* in/<OGRN>/ */
    char *out; /* out/<OGRN>/ */
    char *done;
    char *rejected;
    uint32_t full_list_end_percent_max; /* a full list ending more employments waits for confirmation; default
                                           20 */
    uint32_t settle_ms;                 /* a file must stand still this long before it is read; default 500 */
    uint32_t *keep_days; /* done/, rejected/ and out/ are emptied of what is older; 0: never; default 30 */
};

struct mr_config_copmkp {
    struct mr_config_link link;
    char *in;
    char *out;
    char *done;
    char *rejected;
    uint32_t settle_ms;
    uint32_t *keep_days; /* done/, rejected/ and out/ are emptied of what is older; 0: never; default 30 */
};

struct mr_config_cnppm {
    struct mr_config_link link;
    char *listen;     /* 127.0.0.1:7411 */
    char *token_file; /* bearer token of the outside system; absent: none is asked */
    char *webhook;    /* URL that gets the diagnostics */
    char *in;         /* routes and diagnostics as files */
    char *done;
    char *rejected;
    uint32_t settle_ms;
    uint32_t *keep_days; /* done/, rejected/ and out/ are emptied of what is older; 0: never; default 30 */
};

struct mr_config_portal {
    struct mr_config_link link;
    char *listen;
    char *token_file;
    char *poll_url;            /* GET: CloudEvents batch; absent: no polling */
    uint32_t poll_interval_ms; /* default 30000 */
    char *push_url;            /* POST: passport and routes without names */
};

struct mr_config_adapters {
    struct mr_config_school *school; /* NULL: not configured */
    struct mr_config_copmkp *copmkp;
    struct mr_config_cnppm *cnppm;
    struct mr_config_portal *portal;
};

struct mr_config {
    struct mr_slice text; /* the file as read: the hub stores every version that it applies */
    char *name;           /* ... and its name, for messages */
    char *dir;            /* relative paths in it are below this folder */
    char *file;           /* absolute; NULL: no file, a text */
    uint32_t version;     /* 1 */
    char *region;
    char *timezone; /* IANA name; default "Europe/Moscow" */
    struct mr_config_hub hub;
    struct mr_config_system *systems;
    uint32_t systems_count;
    struct mr_config_subscription *subscriptions;
    uint32_t subscriptions_count;
    struct mr_config_codelist *codelists;
    uint32_t codelists_count;
    struct mr_config_operator *operators;
    uint32_t operators_count;
    struct mr_config_erasure erasure;
    struct mr_config_retention retention;
    struct mr_config_alerts *alerts; /* NULL: nobody is told */
    struct mr_config_passport passport;
    struct mr_config_adapters adapters;
    struct mr_config_test *tests;
    uint32_t tests_count;
};

/*
 * Subscriptions that every configuration has without saying so stand behind the configured ones: for each
 * system the one that brings it notices of erasure. No filter matches for them: the hub says itself what goes
 * there.
 */
#define MR_CONFIG_BUILTIN_MARK '@'
#define MR_CONFIG_NOTICES      "@erasure-" /* + the system's name */
bool mr_config_builtin(const struct mr_config_subscription *subscription);
uint32_t mr_config_subscriptions_configured(const struct mr_config *config); /* those that are not built in */

/* Owned by the caller. MR_ECONFIG with "file:line:column" in where. */
enum { MR_CONFIG_BYTES_MAX = 4 * 1024 * 1024 };
int mr_config_load(struct mr_config **ret, const char *path, struct mr_error *reterr);
int mr_config_parse(struct mr_config **ret, struct mr_slice text, const char *name, const char *base_dir,
        struct mr_error *reterr);
void mr_config_free(struct mr_config *config); /* NULL is fine */

/* "name:line:column" of a path like "systems[1].publish[0]", for those who check more than this module can;
 * name: the file's. */
void mr_config_where(
        const struct mr_config *config, const char *name, const char *path, char *out, size_t out_size);

const struct mr_config_subscription *mr_config_subscription(const struct mr_config *config, const char *name);
const struct mr_config_system *mr_config_system(const struct mr_config *config, const char *name);
const struct mr_config_system *mr_config_system_of_key(
        const struct mr_config *config, const char *public_key);
bool mr_config_may_publish(const struct mr_config_system *system, const char *type);
bool mr_config_speaks_for(
        const struct mr_config *config, const struct mr_config_system *system, const char *region);
/* Is value in the code list? A list that is not configured knows every value. */
bool mr_config_code_known(const struct mr_config *config, const char *list, const char *value);
const char *mr_config_code_title(
        const struct mr_config *config, const char *list, const char *code); /* or code */
/* The code whose title or code equals text, case and Latin look-alikes aside; NULL. */
const char *mr_config_code_find(const struct mr_config *config, const char *list, const char *text);
/* Term of a type, in days (0: none), and its class; classes_count: the default. */
uint32_t mr_config_keep_days(const struct mr_config *config, const char *type, uint32_t *ret_class);
const struct mr_config_operator *mr_config_operator_find(const struct mr_config *config, const char *name);
bool mr_config_operator_has(const struct mr_config *config, const char *name, const char *role);

/* A file in PEM, at most 64 KiB: appended to ret with its NUL. MR_EDENIED when others may read a secret one.
 */
int mr_config_read_pem(const char *path, bool secret, struct mr_buf *ret, struct mr_error *reterr);

/* One CURVE key in a file of its own: 40 Z85 characters. MR_EDENIED when others may read a secret one. */
int mr_config_read_key(const char *path, bool secret, char ret[static 41], struct mr_error *reterr);
/* A token or password in a file of its own, white space at its end aside; the caller wipes. As above;
 * MR_EINVAL: empty, longer than 512 bytes, or with bytes that are not printable ASCII. */
enum { MR_CONFIG_SECRET_MAX = 513 };
int mr_config_read_secret(const char *path, char ret[static MR_CONFIG_SECRET_MAX], struct mr_error *reterr);

#endif
