#include <assert.h>
#include <errno.h>
#include <time.h>

#include "store/kv_internal.h"

void mr_kv_gate_init(struct mr_kv_gate *gate)
{
    pthread_condattr_t attr;

    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&gate->lock, NULL);
    pthread_cond_init(&gate->changed, &attr);
    pthread_condattr_destroy(&attr);
    mr_list_init(&gate->open);
}

void mr_kv_gate_fini(struct mr_kv_gate *gate)
{
    assert(mr_list_empty(&gate->open));
    pthread_cond_destroy(&gate->changed);
    pthread_mutex_destroy(&gate->lock);
}

/* Has this thread something open that a compaction waits for? Then it must not wait for the compaction. */
static bool inside(const struct mr_kv_gate *gate)
{
    mr_list_foreach (it, &gate->open)
        if (pthread_equal(MR_CONTAINER(it, struct mr_kv_pass, link)->thread, pthread_self()))
            return true;
    return false;
}

void mr_kv_gate_enter(struct mr_kv_gate *gate, struct mr_kv_pass *pass, bool write)
{
    pass->write = write;
    pass->before = false;
    pass->thread = pthread_self();
    pthread_mutex_lock(&gate->lock);
    while ((gate->closed_for_all || (write && gate->closed_for_writers)) && !inside(gate))
        pthread_cond_wait(&gate->changed, &gate->lock);
    if (write && gate->closed_for_writers) {
        gate->cancelled = true; /* what it writes would be missing in the end */
        pthread_cond_broadcast(&gate->changed);
    }
    mr_list_push_back(&gate->open, &pass->link);
    pthread_mutex_unlock(&gate->lock);
}

void mr_kv_gate_leave(struct mr_kv_gate *gate, struct mr_kv_pass *pass)
{
    pthread_mutex_lock(&gate->lock);
    mr_list_remove(&pass->link);
    if (gate->compacting)
        pthread_cond_broadcast(&gate->changed);
    pthread_mutex_unlock(&gate->lock);
}

/* ---- the compaction's side ---- */

static bool is_writer(const struct mr_kv_pass *pass)
{
    return pass->write;
}

static bool is_of_before(const struct mr_kv_pass *pass)
{
    return pass->before;
}

static bool is_any(const struct mr_kv_pass *pass)
{
    (void)pass;
    return true;
}

typedef bool (*kind_fn)(const struct mr_kv_pass *pass);

static bool has(const struct mr_kv_gate *gate, kind_fn kind)
{
    mr_list_foreach (it, &gate->open)
        if (kind(MR_CONTAINER(it, struct mr_kv_pass, link)))
            return true;
    return false;
}

/* Until nobody of the kind is inside. */
static int wait_for(struct mr_kv_gate *gate, kind_fn kind, unsigned wait_ms)
{
    struct timespec deadline;
    int rc = 0;

    (void)clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += wait_ms / 1000;
    deadline.tv_nsec += wait_ms % 1000 * 1000000L;
    if (deadline.tv_nsec >= 1000000000) {
        deadline.tv_sec++;
        deadline.tv_nsec -= 1000000000;
    }
    while (rc == 0 && !gate->cancelled && has(gate, kind))
        rc = pthread_cond_timedwait(&gate->changed, &gate->lock, &deadline);
    return gate->cancelled || rc == ETIMEDOUT ? MR_EAGAIN : 0;
}

int mr_kv_gate_begin(struct mr_kv_gate *gate)
{
    int r;

    pthread_mutex_lock(&gate->lock);
    assert(!inside(gate));
    r = gate->compacting ? MR_EAGAIN : 0;
    gate->compacting = true;
    pthread_mutex_unlock(&gate->lock);
    return r;
}

int mr_kv_gate_outwait(struct mr_kv_gate *gate, unsigned wait_ms)
{
    int r;

    pthread_mutex_lock(&gate->lock);
    gate->cancelled = false;
    mr_list_foreach (it, &gate->open)
        MR_CONTAINER(it, struct mr_kv_pass, link)->before = true;
    r = wait_for(gate, is_of_before, wait_ms);
    pthread_mutex_unlock(&gate->lock);
    return r;
}

int mr_kv_gate_close_for_writers(struct mr_kv_gate *gate, unsigned wait_ms)
{
    int r;

    pthread_mutex_lock(&gate->lock);
    gate->closed_for_writers = true;
    gate->cancelled = false;
    r = wait_for(gate, is_writer, wait_ms);
    gate->closed_for_writers = r == 0;
    pthread_cond_broadcast(&gate->changed);
    pthread_mutex_unlock(&gate->lock);
    return r;
}

int mr_kv_gate_close_for_all(struct mr_kv_gate *gate, unsigned wait_ms)
{
    int r;

    pthread_mutex_lock(&gate->lock);
    gate->closed_for_all = true;
    r = wait_for(gate, is_any, wait_ms);
    gate->closed_for_all = r == 0;
    pthread_cond_broadcast(&gate->changed);
    pthread_mutex_unlock(&gate->lock);
    return r;
}

void mr_kv_gate_open(struct mr_kv_gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    gate->closed_for_writers = gate->closed_for_all = false;
    pthread_cond_broadcast(&gate->changed);
    pthread_mutex_unlock(&gate->lock);
}

void mr_kv_gate_end(struct mr_kv_gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    gate->compacting = gate->closed_for_writers = gate->closed_for_all = false;
    pthread_cond_broadcast(&gate->changed);
    pthread_mutex_unlock(&gate->lock);
}
