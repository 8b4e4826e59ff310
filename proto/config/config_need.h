/*
 * What one value of the configuration must be, and how it is said that it is not: with the place in the file,
 * the path of the key and a cure. For those who check (config_check*.c).
 */
#ifndef MR_CONFIG_NEED_H
#define MR_CONFIG_NEED_H

#include "proto/config/config.h"
#include "proto/config/config_yaml.h"

struct mr_config_check {
    const struct mr_config *config;
    struct mr_config_yaml *yaml;
    struct mr_error *reterr;
    char path[160]; /* of the part that is looked at */
};

/* The part that is looked at from now on: "systems[1].publish[0]". */
void mr_config_at(struct mr_config_check *check, const char *format, ...)
        __attribute__((format(printf, 2, 3)));
/* `value` is shown: configuration texts are not personal; NULL: none is. Returns MR_ECONFIG. */
int mr_config_fail(struct mr_config_check *check, const char *value, const char *what, const char *cure);

bool mr_config_text_one_of(const char *value, const char *const *names, size_t count);
bool mr_config_text_all_of(const char *text, const char *allowed, size_t min, size_t max);

/* 0, or MR_ECONFIG with its words. NULL is fine for what may be left out: listen, date. */
int mr_config_need_name(struct mr_config_check *check, const char *name);
int mr_config_need_list_name(struct mr_config_check *check, const char *name);
int mr_config_need_key(struct mr_config_check *check, const char *key);
int mr_config_need_region(struct mr_config_check *check, const char *region);
int mr_config_need_endpoint(struct mr_config_check *check, const char *text);
int mr_config_need_listen(struct mr_config_check *check, const char *path, const char *text);
int mr_config_need_timezone(struct mr_config_check *check, const char *name);
int mr_config_need_text(struct mr_config_check *check, const char *text);
int mr_config_need_uri(struct mr_config_check *check, const char *text);
int mr_config_need_range(struct mr_config_check *check, uint32_t value, uint32_t min, uint32_t max);
int mr_config_need_date(struct mr_config_check *check, const char *text);

#endif
