#include "hub/tool/top_screen_term.h"

#include <ncurses.h>
#include <term.h>
#include <unistd.h>

bool top_screen_term_known(void)
{
    int found;

    if (setupterm(NULL, STDOUT_FILENO, &found) != OK)
        return false;
    (void)del_curterm(cur_term);
    return true;
}
