/* The hub's codes in Russian, for the people whose files they are about. */
#ifndef MR_SDK_VERDICT_TEXT_H
#define MR_SDK_VERDICT_TEXT_H

struct mr_verdict_russian {
    const char *code;
    const char *problem;
    const char *cure;
};

/* Never NULL: an unknown code gets a general text. */
const struct mr_verdict_russian *mr_verdict_russian(const char *code);

#endif
