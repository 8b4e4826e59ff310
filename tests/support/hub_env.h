/*
 * A hub without a network in a temporary folder: house, matcher, writer and prepare of one small
 * configuration (region 24; school, copmkp, cnppm, portal; five subscriptions). For unit tests of hub/.
 */
#ifndef MR_TESTS_HUB_ENV_H
#define MR_TESTS_HUB_ENV_H

#include "hub/intake/prepare.h"
#include "proto/wire/codec.h"

struct hub_env {
    char *dir;
    struct mr_config *config;
    struct mr_house house;
    struct mr_matcher *matcher;
    struct mr_writer *writer;
    struct mr_prepare *prepare;
};

/* cmocka fixtures; *state is the environment, opened. */
int hub_env_setup(void **state);
int hub_env_teardown(void **state);

void hub_env_open(struct hub_env *env);
void hub_env_close(
        struct hub_env *env); /* stops threads, closes the house; open again to see what is durable */

/* Publishes events as one intake of the system ("hub" for the hub itself) and waits until it is durable. */
struct mr_intake *hub_env_publish(struct hub_env *env, const char *system, const struct mr_buf *events,
        size_t count, uint64_t first_sequence);
/* The same without waiting: done posts to *semaphore (a sem_t). */
struct mr_intake *hub_env_submit(struct hub_env *env, const char *system, const struct mr_buf *events,
        size_t count, uint64_t first_sequence, void *semaphore);

/* What the indexer does, as far as dedup needs it. */
void hub_env_index_idents(struct hub_env *env);

/* Attributes that pass admission: source of the system in region 24, basis, actor, actorrole, time. */
struct mr_attributes hub_env_attributes(const char *source, const char *id, const char *type);
void hub_env_encode(
        struct mr_buf *out, const struct mr_attributes *attributes, const ProtobufCMessage *payload);

/* nms.deficit.identified.v1 from copmkp. NULL: left out. */
void hub_env_deficit(struct mr_buf *out, const char *id, const char *snils, const char *local_id);
/* nms.programme.listed.v1 from portal: no person. */
void hub_env_programme(struct mr_buf *out, const char *id);
/* nms.employment.started.v1 (or .ended) from school. */
void hub_env_employment(struct mr_buf *out, const char *id, const char *snils, const char *employment_id,
        const char *ogrn, bool started);

#endif
