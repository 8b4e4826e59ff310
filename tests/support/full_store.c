#include "tests/support/full_store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>

#include "hub/sign/checkpointer.h"
#include "hub/deliver/deliver_rows.h"
#include "hub/index/indexer.h"
#include "proto/wire/ident.h"
#include "store/log_segment.h"
#include "tests/support/spawn.h"
#include "tests/support/tmpdir.h"

static void publish_one(struct hub_env *env, unsigned i)
{
    static const char *const systems[] = {"portal", "copmkp", "school"};
    unsigned who = i % 3;
    struct mr_buf event = MR_BUF_INIT;
    char id[24], snils[12];

    (void)snprintf(id, sizeof id, "e-%u", i);
    (void)snprintf(snils, sizeof snils, "%09u", 300000000 + i / 6);
    (void)snprintf(
            snils + 9, 3, "%02d", (mr_ident_snils_check(snils) + (i % 31 == 1)) % 100); /* some are wrong */
    if (who == 0)
        hub_env_programme(&event, id);
    else if (who == 1)
        hub_env_deficit(&event, id, snils, NULL);
    else
        hub_env_employment(&event, id, snils, id, "1022402127461", true);
    mr_intake_free(hub_env_publish(env, systems[who], &event, 1, i / 3 + 1));
    mr_buf_fini(&event);
}

static bool is_signed(void *ctx)
{
    void **pair = ctx;

    return mr_checkpointer_size(pair[0]) == mr_log_head(((struct hub_env *)pair[1])->house.log);
}

static void sign(struct hub_env *env)
{
    struct mr_checkpointer *checkpointer;
    struct mr_note_signer signer;
    void *pair[2];

    assert_int_equal(mr_log_key_open(&signer, &env->house, NULL), 0);
    assert_int_equal(mr_checkpointer_start(&checkpointer, &env->house, env->writer, &signer, NULL), 0);
    pair[0] = checkpointer;
    pair[1] = env;
    spawn_until("signed", is_signed, pair);
    mr_checkpointer_quiet(checkpointer);
    mr_checkpointer_stop(checkpointer);
    mr_note_signer_wipe(&signer);
}

/* Deliveries and a closed segment, as the hub's other parts would have left them. */
static void settle(struct hub_env *env, uint64_t closed)
{
    struct mr_log_segment_plan plan = {.first = 1, .last = closed, .generation = 1};
    struct mr_log_options options = {.dir = mr_tmpdir_path(env->dir, "store/log")};
    struct mr_log_segment segment;
    struct mr_log_batch *batch;
    struct mr_log *log;
    uint8_t key[MR_DELIVERY_KEY_BYTES];
    struct mr_buf row = MR_BUF_INIT;

    assert_int_equal(mr_log_open(&log, &options, NULL), 0);
    assert_int_equal(mr_log_segment_write(log, &plan, &segment, NULL), 0);
    assert_int_equal(mr_log_batch_begin(log, &batch), 0);
    for (uint64_t n = 1; n < 50; n++) {
        struct mr_delivery_row delivery = {
                .outcome = MR_DELIVERY_TAKEN, .through = n, .count = 1, .attempt = 1, .session = n};

        mr_buf_reset(&row);
        assert_int_equal(mr_delivery_row_encode(&row, &delivery), 0);
        assert_int_equal(
                mr_log_batch_put(batch, MR_LOG_DELIVERY, mr_delivery_key(2, n, key), mr_buf_slice(&row)), 0);
    }
    assert_int_equal(mr_log_batch_segment(batch, &segment), 0);
    assert_int_equal(mr_log_batch_trim(batch, (uint32_t)closed), 0);
    assert_int_equal(mr_log_batch_commit(batch), 0);
    mr_buf_fini(&row);
    mr_log_close(log);
}

uint64_t full_store(struct hub_env *env, unsigned events, uint64_t closed)
{
    uint64_t head;

    for (unsigned i = 0; i < events; i++)
        publish_one(env, i);
    assert_int_equal(mr_indexer_run_once(&env->house, NULL), 0);
    sign(env);
    head = mr_log_head(env->house.log);
    hub_env_close(env);
    settle(env, closed);
    return head;
}
