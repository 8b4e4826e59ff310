/*
 * A person is erased while the hub of a scene goes on: asked for, approved by another, followed to its end.
 * The scene's configuration needs JOB_ERASURE_CONFIG and JOB_ERASURE_HUB; job_erasure_init() makes the
 * folders of the escrow.
 */
#ifndef MR_TESTS_JOB_ERASURE_H
#define MR_TESTS_JOB_ERASURE_H

#include "store/vault.h"
#include "tests/crash/replay/matrix.h"

#define JOB_ERASURE_CONFIG                                                                                   \
    "operators:\n  - {name: officer, roles: [pd-officer]}\n  - {name: head, roles: [pd-officer]}\n"          \
    "erasure: {controller: \"Министерство\", address: \"Красноярск\", answer_days: 30}\n"
#define JOB_ERASURE_HUB "escrow: {root: escrow-root, keys: escrow-keys}"

struct job_erasure {
    struct scene *scene;
    unsigned persons; /* so far */
    char snils[12];   /* of this one */
    struct history_event *event;
    uint8_t key_id[MR_KEY_ID_BYTES];
    json_int_t request; /* its number */
    bool answered;
};

/* Before the first start of the hub. */
void job_erasure_init(struct job_erasure *job, struct scene *scene);
/* The hub runs: a person of whom there is an event in log, index and views. */
void job_erasure_prepare(struct job_erasure *job);
/* Request alone: the approval is for job_erasure_finish(). */
void job_erasure_ask(struct job_erasure *job);
/* Request and approval. The hub may end meanwhile. */
void job_erasure_go(struct job_erasure *job);
/* What of that was not taken is said again; until it is completed. The key id of the person is in no file of
 * log, index and views. */
void job_erasure_finish(struct job_erasure *job);
/* The sender of the event answers its notice, once; and until the hub has noted that. */
void job_erasure_answer(struct job_erasure *job);
void job_erasure_await_answered(struct job_erasure *job);

/* The erasure as the job of a matrix; the answer after it as one. */
extern const struct matrix_job job_erasure, job_erasure_answered;

/* The bytes are in no file of log/, index/ and views/ of a store; else its path. */
bool job_erasure_is_clean(const char *store, struct mr_slice key_id, char ret_where[static 512]);

#endif
