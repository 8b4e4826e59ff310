#include "tests/demo/forget.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "hub/tool/ask.h"
#include "hub/tool/receipt_file.h"
#include "proto/base/clock.h"
#include "store/receipt.h"

enum { WAIT_S = 120, POLL_MS = 100 };

struct forgetting {
    struct journey *journey;
    struct mr_error *error;
    const struct region_teacher *teacher;
    json_int_t number, request;
    struct mr_buf receipt; /* of the event, from before */
};

/* Steals arguments. NULL after setting the error. */
static json_t *ask(struct forgetting *f, const char *who, const char *method, json_t *arguments)
{
    struct tool *tool = f->journey->tool;
    const char *before = tool->operator_name;
    int exit_code = 0;
    json_t *answer;

    tool->operator_name = who;
    answer = tool_ask_one(tool, method, arguments, &exit_code);
    tool->operator_name = before;
    if (!answer)
        (void)mr_error_set(
                f->error, MR_EINVAL, method, "look at hub.log in the demo's folder", "it was not taken");
    return answer;
}

/* An event about the teacher, and a receipt that it is in the log. */
static int take_receipt(struct forgetting *f)
{
    json_t *found = ask(f, "zotova", "log.find-person",
            json_pack("{s:s, s:s, s:i}", "snils", f->teacher->snils, "case", "1-2026", "limit", 1));

    f->number = json_integer_value(
            json_object_get(json_array_get(json_object_get(found, "matches"), 0), "number"));
    json_decref(found);
    if (f->number == 0)
        return mr_error_set(
                f->error, MR_ENOTFOUND, "log.find-person", "", "no event of the teacher is found");
    return tool_receipt_get(
            f->journey->tool, (uint64_t)f->number, TOOL_RECEIPT_WAIT_MS, &f->receipt, f->error);
}

static int request_and_approve(struct forgetting *f)
{
    json_t *asked = ask(f, "zotova", "erase.request",
            json_pack("{s:s, s:s, s:s}", "snils", f->teacher->snils, "basis", "consent-withdrawn", "case",
                    "дело 1/2026"));
    json_t *approved;

    f->request = json_integer_value(json_object_get(asked, "request"));
    json_decref(asked);
    if (f->request == 0)
        return MR_EINVAL;
    approved = ask(f, "gromov", "erase.approve", json_pack("{s:I}", "request", f->request));
    json_decref(approved);
    return approved ? 0 : MR_EINVAL;
}

static int await_completed(struct forgetting *f)
{
    const struct timespec pause = {.tv_nsec = POLL_MS * 1000000L};
    int64_t until = mr_clock_monotonic_us(mr_clock_system()) + WAIT_S * 1000000LL;
    bool done = false;
    int r = 0;

    while (r == 0 && !done) {
        json_t *shown = ask(f, "zotova", "erase.show", json_pack("{s:I}", "request", f->request));
        const char *state = json_string_value(json_object_get(shown, "state"));

        done = state && strcmp(state, "completed") == 0;
        r = shown ? 0 : MR_EINVAL;
        json_decref(shown);
        if (r == 0 && !done) {
            (void)clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL); /* between two looks at the condition */
            r = f->journey->tick(f->journey->ctx);
        }
        if (r == 0 && !done && mr_clock_monotonic_us(mr_clock_system()) > until)
            r = mr_error_set(f->error, MR_ETIMEOUT, "erase.show", "run: marshrut erase list",
                    "the erasure was not completed within %d s", WAIT_S);
    }
    return r;
}

/* Offline, as `marshrut receipt verify` does. */
static int verify_receipt(struct forgetting *f)
{
    struct mr_checkpoint checkpoint;
    struct mr_buf leaf = MR_BUF_INIT;
    struct mr_receipt receipt;
    int r = mr_receipt_parse(&receipt, mr_buf_slice(&f->receipt), &leaf, f->error);

    if (r == 0)
        r = mr_receipt_verify(&receipt, &receipt.key, &checkpoint, f->error);
    mr_buf_fini(&leaf);
    return r;
}

static int tell(struct forgetting *f)
{
    json_t *shown = ask(f, "zotova", "log.show", json_pack("{s:I}", "number", f->number));
    json_t *balance = ask(f, "zotova", "balance", json_object());
    const char *what = json_string_value(json_object_get(json_object_get(shown, "erased"), "what"));
    int r = 0;

    if (!what)
        r = mr_error_set(f->error, MR_ECORRUPT, "log.show", "", "the event of the teacher is not destroyed");
    else if (!json_is_true(json_object_get(balance, "ok")))
        r = mr_error_set(f->error, MR_ECORRUPT, "balance", "run: marshrut balance", "it does not add up");
    else
        (void)printf("  request No. %lld: asked for by zotova, approved by gromov, completed\n"
                     "  event No. %lld: %s\n"
                     "  its receipt of before still verifies; the balance still adds up\n"
                     "  the act: %s/store/acts/act-%lld.txt\n",
                (long long)f->request, (long long)f->number, what, f->journey->setup->dir,
                (long long)f->request);
    json_decref(shown);
    json_decref(balance);
    return r;
}

int forget_somebody(struct journey *journey, struct mr_error *reterr)
{
    struct forgetting f = {.journey = journey,
            .error = reterr,
            .teacher = &journey->region->teachers[0],
            .receipt = MR_BUF_INIT};
    int r;

    (void)printf("\nA teacher is forgotten (уничтожение персональных данных)\n");
    (void)fflush(stdout);
    r = take_receipt(&f);
    if (r == 0)
        r = request_and_approve(&f);
    if (r == 0)
        r = await_completed(&f);
    if (r == 0)
        r = verify_receipt(&f);
    if (r == 0)
        r = tell(&f);
    mr_buf_fini(&f.receipt);
    return r;
}
