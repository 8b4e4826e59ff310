#include "hub/intake/decision.h"

#include <string.h>

static void copy(char *out, size_t capacity, const char *text)
{
    size_t size = text ? strnlen(text, capacity) : 0;

    if (size == capacity) {
        size = capacity - 1;
        while (size > 0 && ((unsigned char)text[size] & 0xC0) == 0x80) /* not within a UTF-8 letter */
            size--;
    }
    if (size > 0)
        memcpy(out, text, size);
    memset(out + size, 0, capacity - size);
}

void mr_decide(struct mr_decision *ret, enum mr_verdict verdict, const char *code, const char *field,
        const char *reason, const char *cure)
{
    ret->verdict = verdict;
    copy(ret->text.code, sizeof ret->text.code, code);
    copy(ret->text.field, sizeof ret->text.field, field);
    copy(ret->text.reason, sizeof ret->text.reason, reason);
    copy(ret->text.cure, sizeof ret->text.cure, cure);
}
