/* The crowd's hub: its configuration, and what it says of the crowd. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <zmq.h>

#include "tests/support/bus_client.h"
#include "tests/support/crowd.h"

enum { ARENA_BYTES = 8 * 1024 * 1024, FILES_A_MEMBER = 4 };

/* ---- configuration ---- */

static void write_config(const struct crowd *crowd, const char *hub)
{
    const struct spawn *spawn = &crowd->spawn;
    FILE *file = fopen(spawn->config, "we");

    assert_non_null(file);
    (void)fprintf(file,
            "version: 1\nregion: \"24\"\nhub:\n  source: urn:marshrut:24:hub\n  listen: [\"%s\"]\n"
            "  admin: run/hub.sock\n  store: store\n  root_key: root\n  secret_key_file: hub.key\n"
            "  public_key: '%s'\n  ballast_mb: 1\n  space_watermark_mb: 1\n%ssystems:\n",
            spawn->endpoint, spawn->hub_key.public_key, hub);
    for (size_t i = 0; i < crowd->count; i++)
        (void)fprintf(file,
                "  - {name: %s, kind: other, source: \"urn:marshrut:24:%s\", public_key: '%s', "
                "publish: [nms.programme.]}\n",
                crowd->members[i].name, crowd->members[i].name, crowd->members[i].key.public_key);
    (void)fprintf(file, "subscriptions:\n");
    for (size_t i = 0; i < crowd->count; i++)
        (void)fprintf(file, "  - {name: %s, system: %s, filters: [{exact: {subject: %s}}]}\n",
                crowd->members[i].name, crowd->members[i].name, crowd->members[i].name);
    assert_int_equal(fclose(file), 0);
}

static void need_files(size_t count)
{
    struct rlimit files;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &files), 0);
    files.rlim_cur = files.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &files), 0);
    if (files.rlim_cur < FILES_A_MEMBER * count)
        fail_msg("%zu systems need more files than the limit of %ju", count, (uintmax_t)files.rlim_cur);
}

static void *shared(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    assert_ptr_not_equal(memory, MAP_FAILED);
    return memory;
}

/* Sockets that are being closed count among those that are open. */
void crowd_init(struct crowd *crowd, size_t count, const char *endpoint, const char *hub)
{
    *crowd = (struct crowd){.count = count, .zmq = zmq_ctx_new()};
    need_files(count);
    assert_int_equal(zmq_ctx_set(crowd->zmq, ZMQ_MAX_SOCKETS, (int)(2 * count + 16)), 0);
    mr_arena_init(&crowd->arena, ARENA_BYTES);
    crowd->members = shared(count * sizeof *crowd->members);
    crowd->last = shared(count * count * sizeof *crowd->last);
    spawn_init(&crowd->spawn, "");
    if (endpoint)
        (void)snprintf(crowd->spawn.endpoint, sizeof crowd->spawn.endpoint, "%s", endpoint);
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(crowd->members[i].name, sizeof crowd->members[i].name, "s-%04zu", i);
        assert_int_equal(mr_curvekey_generate(&crowd->members[i].key), 0);
    }
    write_config(crowd, hub);
}

void crowd_fini(struct crowd *crowd)
{
    for (size_t i = 0; i < crowd->count; i++)
        crowd_leave(crowd, i);
    (void)zmq_ctx_term(crowd->zmq);
    spawn_fini(&crowd->spawn);
    mr_arena_fini(&crowd->arena);
    mr_buf_fini(&crowd->out);
    (void)munmap(crowd->members, crowd->count * sizeof *crowd->members);
    (void)munmap(crowd->last, crowd->count * crowd->count * sizeof *crowd->last);
}

/* ---- what it says ---- */

bool crowd_is_away(const struct crowd *crowd, size_t from, size_t to)
{
    struct bus_client client;
    bool away = true;

    bus_connect(&client, crowd->spawn.admin, NULL, NULL);
    (void)bus_query(&client, "hub.status", "");
    for (size_t i = from; i < to; i++) {
        char session[64];

        (void)snprintf(session, sizeof session, "{\"system\":\"%s\",\"session\"", crowd->members[i].name);
        away = away && !strstr(client.frame->result->json, session);
    }
    bus_close(&client);
    return away;
}

void crowd_expect_balance(const struct crowd *crowd)
{
    enum { EVENT_US = 20, LEAST_MS = 120 * 1000 }; /* every event of the log is counted again */
    uint64_t events = 0;
    struct bus_client client;

    for (size_t i = 0; i < crowd->count; i++)
        events += crowd->members[i].made;
    bus_connect(&client, crowd->spawn.admin, NULL, NULL);
    assert_non_null(strstr(bus_query_long(&client, "balance", "", LEAST_MS + (int)(events * EVENT_US / 1000)),
            "\"ok\":true"));
    bus_close(&client);
}

long crowd_hub_kib(const struct crowd *crowd)
{
    char path[64], line[128];
    long kib = -1;
    FILE *file;

    (void)snprintf(path, sizeof path, "/proc/%d/status", (int)crowd->spawn.pid);
    file = fopen(path, "re");
    assert_non_null(file);
    while (fgets(line, sizeof line, file))
        (void)sscanf(line, "RssAnon: %ld", &kib);
    (void)fclose(file);
    assert_true(kib > 0);
    return kib;
}
