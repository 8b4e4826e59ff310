#include "proto/config/config.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/buf.h"
#include "proto/base/list.h"
#include "proto/config/config_check.h"
#include "proto/config/config_schema.h"
#include "proto/config/config_yaml.h"

/* libcyaml's own report: the first error line is the message, the first "(line: L, column: C)" the place. */
struct report {
    char what[200];
    unsigned line;
    unsigned column;
};

__attribute__((format(printf, 3, 0))) static void on_cyaml_log(
        cyaml_log_t level, void *ctx, const char *format, va_list args)
{
    struct report *report = ctx;
    char text[256];
    const char *place;
    const char *message = text;

    (void)level;
    (void)vsnprintf(text, sizeof text, format, args);
    text[strcspn(text, "\n")] = 0;
    place = strstr(text, "(line: ");
    if (place && report->line == 0)
        (void)sscanf(place, "(line: %u, column: %u)", &report->line, &report->column);
    if (strncmp(message, "Load: ", 6) == 0)
        message += 6;
    if (report->what[0] == 0 && !strstr(message, "Backtrace"))
        (void)snprintf(report->what, sizeof report->what, "%.190s", message);
}

static cyaml_config_t cyaml_options(struct report *report)
{
    return (cyaml_config_t){.log_fn = on_cyaml_log,
            .log_ctx = report,
            .mem_fn = cyaml_mem,
            .log_level = CYAML_LOG_WARNING,
            .flags = CYAML_CFG_NO_ALIAS};
}

int mr_config_print(const struct mr_config *config, char **ret, size_t *ret_size)
{
    struct report report = {0};
    cyaml_config_t options = cyaml_options(&report);

    return cyaml_save_data(ret, ret_size, &options, &mr_config_schema, config, 0) == CYAML_OK ? 0 : MR_ENOMEM;
}

static int load_values(
        struct mr_config **ret, struct mr_slice text, const char *name, struct mr_error *reterr)
{
    struct report report = {0};
    cyaml_config_t options = cyaml_options(&report);
    cyaml_data_t *data = NULL;
    cyaml_err_t r = cyaml_load_data(text.data, text.size, &options, &mr_config_schema, &data, NULL);
    char where[192];

    if (r == CYAML_OK && data) {
        *ret = data;
        return 0;
    }
    if (r == CYAML_ERR_OOM)
        return mr_error_set(reterr, MR_ENOMEM, name, "", "out of memory");
    (void)snprintf(where, sizeof where, "%s:%u:%u", name, report.line, report.column);
    return mr_error_set(reterr, MR_ECONFIG, where, "docs/configuration.md names every key with its type",
            "%s", report.what[0] ? report.what : cyaml_strerror(r));
}

/* Makes *path absolute, below base. NULL stays. */
static int absolute(char **path, const char *base)
{
    char *joined;

    if (!*path || (*path)[0] == '/' || (*path)[0] == 0)
        return 0;
    if (asprintf(&joined, "%s/%s", base, *path) < 0)
        return MR_ENOMEM;
    free(*path); /* cyaml_mem is malloc */
    *path = joined;
    return 0;
}

static int absolute_paths(struct mr_config *config, const char *base)
{
    struct mr_config_hub *hub = &config->hub;
    struct mr_config_escrow *escrow = hub->escrow;
    struct mr_config_tls *tls = hub->http_tls;
    struct mr_config_school *school = config->adapters.school;
    struct mr_config_copmkp *copmkp = config->adapters.copmkp;
    struct mr_config_cnppm *cnppm = config->adapters.cnppm;
    struct mr_config_portal *portal = config->adapters.portal;
    struct mr_config_alerts *alerts = config->alerts;
    char *none = NULL;
    char **paths[] = {&hub->admin, &hub->store, &hub->root_key, &hub->acts, &hub->secret_key_file,
            escrow ? &escrow->root : &none, escrow ? &escrow->keys : &none, tls ? &tls->certificate : &none,
            tls ? &tls->key : &none,
#define LINK_PATHS(a) a ? &a->link.secret_key_file : &none, a ? &a->link.state : &none
            LINK_PATHS(school), LINK_PATHS(copmkp), LINK_PATHS(cnppm), LINK_PATHS(portal),
#undef LINK_PATHS
#define FOLDERS(a) a ? &a->in : &none, a ? &a->done : &none, a ? &a->rejected : &none
            FOLDERS(school), FOLDERS(copmkp), FOLDERS(cnppm),
#undef FOLDERS
            school ? &school->out : &none, copmkp ? &copmkp->out : &none, cnppm ? &cnppm->token_file : &none,
            portal ? &portal->token_file : &none, alerts ? &alerts->webhook_token_file : &none,
            alerts && alerts->mail ? &alerts->mail->password_file : &none};

    for (size_t i = 0; i < MR_COUNT(paths); i++)
        if (absolute(paths[i], base) < 0)
            return MR_ENOMEM;
    for (uint32_t i = 0; i < config->tests_count; i++)
        if (absolute(&config->tests[i].event, base) < 0)
            return MR_ENOMEM;
    return 0;
}

static int keep_origin(struct mr_config *config, struct mr_slice text, const char *name, const char *base_dir)
{
    uint8_t *copy = malloc(text.size + 1);

    if (!copy)
        return MR_ENOMEM;
    memcpy(copy, text.data, text.size);
    copy[text.size] = 0;
    config->text = mr_slice(copy, text.size);
    config->name = strdup(name);
    config->dir = strdup(base_dir);
    return config->name && config->dir ? 0 : MR_ENOMEM;
}

static int parse_tree(struct mr_config **ret, struct mr_config_yaml *yaml, struct mr_slice text,
        const char *base_dir, struct mr_error *reterr)
{
    struct mr_config *config = NULL;
    int r = mr_config_yaml_keys(yaml, &mr_config_schema, reterr);

    if (r < 0 || (r = load_values(&config, text, yaml->name, reterr)) < 0)
        return r;
    if (mr_config_defaults(config) < 0 || absolute_paths(config, base_dir) < 0 ||
            keep_origin(config, text, yaml->name, base_dir) < 0)
        r = mr_error_set(reterr, MR_ENOMEM, yaml->name, "", "out of memory");
    if (r == 0)
        r = mr_config_check(config, yaml, reterr);
    if (r == 0)
        r = mr_config_check_escrow(config, yaml, reterr);
    if (r == 0)
        r = mr_config_check_alerts(config, yaml, reterr);
    if (r == 0 && mr_config_add_builtin(config) < 0)
        r = mr_error_set(reterr, MR_ENOMEM, yaml->name, "", "out of memory");
    if (r < 0) {
        mr_config_free(config);
        return r;
    }
    *ret = config;
    return 0;
}

int mr_config_parse(struct mr_config **ret, struct mr_slice text, const char *name, const char *base_dir,
        struct mr_error *reterr)
{
    struct mr_config_yaml yaml;
    int r;

    if (text.size > MR_CONFIG_BYTES_MAX)
        return mr_error_set(reterr, MR_ECONFIG, name, "at most 4 MiB", "the file is too big");
    r = mr_config_yaml_init(&yaml, text, name, reterr);
    if (r < 0)
        return r;
    r = parse_tree(ret, &yaml, text, base_dir, reterr);
    mr_config_yaml_fini(&yaml);
    return r;
}

static int read_file(const char *path, size_t size_max, struct mr_buf *ret)
{
    FILE *file = fopen(path, "rbe");
    int r = 0;

    if (!file)
        return mr_err_from_errno(errno);
    for (;;) {
        uint8_t *room = mr_buf_reserve(ret, 65536);
        size_t got = room ? fread(room, 1, 65536, file) : 0;

        ret->size += got;
        if (got == 0 || ret->size > size_max)
            break;
    }
    if (ferror(file))
        r = MR_EIO;
    else if (mr_buf_failed(ret))
        r = MR_ENOMEM;
    (void)fclose(file);
    return r;
}

int mr_config_load(struct mr_config **ret, const char *path, struct mr_error *reterr)
{
    struct mr_buf text = MR_BUF_INIT;
    char *file = realpath(path, NULL), *base = file ? strdup(file) : NULL;
    int r = base ? read_file(path, MR_CONFIG_BYTES_MAX, &text) : mr_err_from_errno(errno);

    if (base)
        *strrchr(base, '/') = 0;
    if (r < 0)
        r = mr_error_set(reterr, MR_ECONFIG, path, "name the file with -c",
                "cannot read the configuration: %s", mr_err_text(r));
    else
        r = mr_config_parse(ret, mr_buf_slice(&text), path, base, reterr);
    mr_buf_fini(&text);
    free(base);
    if (r < 0)
        free(file);
    else
        (*ret)->file = file;
    return r;
}

void mr_config_where(
        const struct mr_config *config, const char *name, const char *path, char *out, size_t out_size)
{
    struct mr_config_yaml yaml;

    (void)snprintf(out, out_size, "%s", name);
    if (mr_config_yaml_init(&yaml, config->text, name, NULL) < 0)
        return;
    mr_config_yaml_where(&yaml, path, out, out_size);
    mr_config_yaml_fini(&yaml);
}

void mr_config_free(struct mr_config *config)
{
    struct report report = {0};
    cyaml_config_t options = cyaml_options(&report);

    if (!config)
        return;
    free((void *)config->text.data);
    free(config->name);
    free(config->dir);
    free(config->file);
    (void)cyaml_free(&options, &mr_config_schema, config, 0);
}
