/* A spawned hub whose configuration changes: texts of its file, and the tool that applies them. */
#ifndef MR_TESTS_CONFIG_ENV_H
#define MR_TESTS_CONFIG_ENV_H

#include <jansson.h>

#include "tests/support/run_program.h"
#include "tests/support/spawn.h"

/* For spawn_init(): boss may apply, clerk may not. The marker's place takes another subscription. */
#define CONFIG_ENV_OPERATORS                                                                                 \
    "operators:\n  - {name: boss, roles: [admin]}\n  - {name: clerk, roles: [auditor]}\n"
#define CONFIG_ENV_MARKER "operators:\n"
#define CONFIG_ENV_ALSO_COPMKP                                                                               \
    "  - {name: copmkp-programmes, system: copmkp, filters: [{prefix: {type: "                               \
    "nms.programme.}}]}\n" CONFIG_ENV_MARKER
#define CONFIG_ENV_ARGS(...) ((const char *const[]){__VA_ARGS__, NULL})

char *config_env_text(const struct spawn *spawn); /* of the hub's file; the caller frees */
/* Writes `text` with the first `was` replaced into the hub's folder; its path, until the next call. */
const char *config_env_write(
        const struct spawn *spawn, const char *name, const char *text, const char *was, const char *is);

void config_env_run(const struct spawn *spawn, struct run_program *run, const char *const arguments[]);
/* Must end with this status; `said` (or NULL) must be part of what it prints. */
void config_env_tool(const struct spawn *spawn, int status, const char *said, const char *const arguments[]);
json_t *config_env_json(const struct spawn *spawn, const char *const arguments[]); /* what it prints */
int config_env_versions(const struct spawn *spawn); /* how many; the last one must be in force */

/* `config apply` by boss, in a process of its own. */
pid_t config_env_begin_apply(const struct spawn *spawn, const char *file);

#endif
