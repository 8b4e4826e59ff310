/* marshrut top: the running hub, live. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "hub/tool/ask.h"
#include "hub/tool/tool.h"
#include "hub/tool/top_screen.h"
#include "hub/tool/top_view.h"

enum { INTERVAL_MS_DEFAULT = 2000, INTERVAL_S_MAX = 3600, NOTE_BYTES = 320 };

struct top {
    struct tool *tool;
    int interval_ms;
    bool once;
    json_t *before, *now; /* answers */
    struct top_view view;
    char note[NOTE_BYTES];
    bool bad; /* the note says what is the matter */
};

static int keep(void *ctx, json_t *document)
{
    json_t **kept = ctx;

    json_decref(*kept);
    *kept = json_incref(document);
    return 0;
}

/* A new answer in `now`. Without one the last picture stays. */
static int ask(struct top *top, struct mr_error *error)
{
    json_t *answer = NULL;
    int r;

    *error = (struct mr_error){0};
    r = tool_ask(top->tool, "hub.status", json_object(), keep, &answer, error);
    if (r == 0 && !answer)
        r = mr_error_set(error, MR_ECLOSED, "hub.status", "try again", "the hub gave no answer");
    if (r < 0) {
        json_decref(answer);
        if (error->code == 0)
            (void)mr_error_set(error, r, "hub.status", "", "%s", mr_err_text(r));
        return r;
    }
    json_decref(top->before);
    top->before = top->now;
    top->now = answer;
    return top_view_make(&top->view, top->before, top->now);
}

static int print_once(struct top *top)
{
    const struct timespec pause = {
            .tv_sec = top->interval_ms / 1000, .tv_nsec = top->interval_ms % 1000 * 1000000L};
    struct mr_error error;
    int r = ask(top, &error);

    if (r == 0) {
        (void)nanosleep(&pause, NULL);
        r = ask(top, &error);
    }
    if (r < 0)
        return tool_fail(top->tool, &error);
    for (size_t i = 0; i < top->view.count; i++)
        tool_say(stdout, "%s\n", top->view.lines[i].text);
    return 0;
}

static void say_note(struct top *top, int r, const struct mr_error *error)
{
    top->bad = r < 0;
    if (r < 0)
        (void)snprintf(top->note, sizeof top->note, "%s; asked again (q: end)", error->what);
    else
        (void)snprintf(top->note, sizeof top->note, "q: end  arrows, page keys: scroll");
}

static int show(struct top *top)
{
    struct mr_error error;
    int r = ask(top, &error); /* while errors can be printed */

    if (r < 0)
        return tool_fail(top->tool, &error);
    tool_catch_signals();
    if ((r = top_screen_open(&error)) < 0)
        return tool_fail(top->tool, &error);
    do {
        say_note(top, r, &error);
        top_screen_draw(&top->view, top->note, top->bad);
        if (!top_screen_wait(&top->view, top->note, top->bad, top->interval_ms))
            break;
        r = ask(top, &error);
    } while (!tool_interrupted());
    top_screen_close();
    return 0;
}

static int take_options(struct top *top, int argc, char **argv)
{
    static const struct option options[] = {
            {"once", no_argument, NULL, 'o'}, {"interval", required_argument, NULL, 'i'}, {NULL, 0, NULL, 0}};
    int option;

    while ((option = getopt_long(argc, argv, "+", options, NULL)) != -1) {
        char *end;
        double seconds;

        switch (option) {
        case 'o':
            top->once = true;
            break;
        case 'i':
            seconds = strtod(optarg, &end);
            if (*end || end == optarg || !(seconds >= 0.1 && seconds <= INTERVAL_S_MAX))
                return tool_usage(
                        &tool_top, "--interval is a number of seconds, from 0.1 to 3600: '%s'", optarg);
            top->interval_ms = (int)(seconds * 1000);
            break;
        default:
            return tool_usage(&tool_top, "options are --once and --interval");
        }
    }
    if (optind != argc)
        return tool_usage(&tool_top, "takes no arguments: '%s'", argv[optind]);
    if (top->tool->json)
        return tool_usage(&tool_top, "has no --json: marshrut status --json has the figures");
    if (!top->once && (!top->tool->tty || isatty(STDIN_FILENO) != 1))
        return tool_usage(&tool_top, "needs a terminal; --once prints one picture without one");
    return 0;
}

static int top_run(struct tool *tool, int argc, char **argv)
{
    struct top top = {.tool = tool, .interval_ms = INTERVAL_MS_DEFAULT};
    int r = take_options(&top, argc, argv);

    if (r != 0)
        return r;
    if (!tool_config(tool))
        return mr_err_exit(MR_ECONFIG);
    r = top.once ? print_once(&top) : show(&top);
    json_decref(top.before);
    json_decref(top.now);
    top_view_fini(&top.view);
    return r;
}

const struct tool_command tool_top = {
        .name = "top",
        .usage = "[--once] [--interval SECONDS]",
        .summary = "the running hub, live: systems, rates, lag, quarantine, disk",
        .help = "Asks the hub every two seconds, or SECONDS, and shows what changed meanwhile. A hub that is "
                "away is\n"
                "asked again. q ends it; arrows and page keys scroll. --once prints one picture after one "
                "interval.\n",
        .run = top_run,
};
