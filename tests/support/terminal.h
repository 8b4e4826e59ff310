/* One of our programs on a terminal of its own (a pty), as a person has it: keys in, what is drawn out. */
#ifndef MR_TESTS_TERMINAL_H
#define MR_TESTS_TERMINAL_H

#include <sys/types.h>

#include "proto/base/buf.h"

enum { TERMINAL_DEADLINE_MS = 60 * 1000 };

struct terminal {
    int fd;
    int slave;
    pid_t pid;
    struct mr_buf drawn; /* since the last terminal_forget() */
};

/* argv[0]: the program's name in the build's bin folder; ends with NULL. term: what TERM says. */
void terminal_open(
        struct terminal *terminal, const char *term, int lines, int columns, const char *const argv[]);
/* Until this has been drawn in one piece; fails the test after the deadline. */
void terminal_expect(struct terminal *terminal, const char *text);
void terminal_forget(struct terminal *terminal);
bool terminal_has(struct terminal *terminal, const char *text);
void terminal_keys(struct terminal *terminal, const char *keys);
void terminal_resize(struct terminal *terminal, int lines, int columns); /* it is drawn anew as a whole */
/* Until it has ended: its exit status, or minus the signal. What it drew last is there. */
int terminal_wait(struct terminal *terminal);
bool terminal_is_cooked(const struct terminal *terminal); /* lines and echo, as a shell wants it */
void terminal_close(struct terminal *terminal);

#endif
