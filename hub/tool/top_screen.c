#include "hub/tool/top_screen.h"

#include <locale.h>
#include <ncurses.h>
#include <stdio.h>
#include <stdlib.h>

#include "hub/tool/tool.h"
#include "hub/tool/top_screen_term.h"
#include "proto/base/clock.h"

enum { PAIR_BAD = 1 };

/* ncurses itself keeps its terminal in a global. */
static struct {
    SCREEN *screen;
    size_t scrolled; /* lines of the rest */
} top;

int top_screen_open(struct mr_error *reterr)
{
    const char *term = getenv("TERM");

    (void)setlocale(LC_CTYPE, "");
    top.scrolled = 0;
    top.screen = top_screen_term_known() ? newterm(NULL, stdout, stdin) : NULL;
    if (!top.screen)
        return mr_error_set(reterr, MR_EUNSUPPORTED, "TERM",
                "set TERM to what the terminal is, or use --once", "the terminal '%.40s' is not known",
                term ? term : "");
    (void)cbreak();
    (void)noecho();
    (void)keypad(stdscr, TRUE);
    (void)curs_set(0);
    if (has_colors() && start_color() == OK) {
        (void)use_default_colors();
        (void)init_pair(PAIR_BAD, COLOR_RED, -1);
    }
    return 0;
}

void top_screen_close(void)
{
    if (!top.screen)
        return;
    (void)endwin();
    delscreen(top.screen);
    top.screen = NULL;
}

static attr_t attribute_of(enum top_kind kind)
{
    if (kind == TOP_BAD)
        return A_BOLD | (has_colors() ? (attr_t)COLOR_PAIR(PAIR_BAD) : 0);
    return kind == TOP_HEAD ? A_BOLD : A_NORMAL;
}

static void put(int y, enum top_kind kind, const char *text)
{
    (void)attrset(attribute_of(kind));
    (void)mvaddnstr(y, 0, text, COLS);
    (void)attrset(A_NORMAL);
}

/* Lines of the rest that have room; never less than one. */
static size_t room_of(const struct top_view *view)
{
    return LINES - 1 > (int)view->fixed ? (size_t)(LINES - 1) - view->fixed : 1;
}

static void limit_scroll(const struct top_view *view)
{
    size_t rest = view->count - view->fixed, room = room_of(view);
    size_t most = rest > room ? rest - room : 0;

    if (top.scrolled > most)
        top.scrolled = most;
}

void top_screen_draw(const struct top_view *view, const char *note, bool bad)
{
    int y = 0;

    limit_scroll(view);
    (void)erase();
    for (size_t i = 0; i < view->fixed && y < LINES - 1; i++)
        put(y++, view->lines[i].kind, view->lines[i].text);
    for (size_t i = view->fixed + top.scrolled; i < view->count && y < LINES - 1; i++)
        put(y++, view->lines[i].kind, view->lines[i].text);
    put(LINES - 1, bad ? TOP_BAD : TOP_PLAIN, note);
    (void)refresh();
}

static void scroll_by(const struct top_view *view, int key)
{
    size_t page = room_of(view);

    switch (key) {
    case KEY_UP:
    case 'k':
        top.scrolled -= top.scrolled > 0;
        break;
    case KEY_DOWN:
    case 'j':
        top.scrolled++;
        break;
    case KEY_PPAGE:
        top.scrolled -= top.scrolled < page ? top.scrolled : page;
        break;
    case KEY_NPAGE:
        top.scrolled += page;
        break;
    case KEY_HOME:
        top.scrolled = 0;
        break;
    default:
        break;
    }
}

static int64_t now_ms(void)
{
    return mr_clock_monotonic_us(mr_clock_system()) / 1000;
}

bool top_screen_wait(const struct top_view *view, const char *note, bool bad, int wait_ms)
{
    int64_t until = now_ms() + wait_ms;
    int64_t left;

    while ((left = until - now_ms()) > 0 && !tool_interrupted()) {
        int key;

        timeout((int)left);
        key = getch();
        if (key == 'q' || key == 'Q')
            return false;
        if (key == ERR)
            continue;
        scroll_by(view, key);
        top_screen_draw(view, note, bad); /* also after KEY_RESIZE */
    }
    return !tool_interrupted();
}
