/* Intrusive, circular, doubly linked list. A head and an unlinked member both point to themselves. */
#ifndef MR_BASE_LIST_H
#define MR_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

#define MR_COUNT(array)                 (sizeof(array) / sizeof((array)[0]))
#define MR_CONTAINER(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

struct mr_list {
    struct mr_list *next;
    struct mr_list *prev;
};

static inline void mr_list_init(struct mr_list *list)
{
    list->next = list;
    list->prev = list;
}

static inline bool mr_list_empty(const struct mr_list *list)
{
    return list->next == list;
}

static inline void mr_list_push_back(struct mr_list *head, struct mr_list *member)
{
    member->prev = head->prev;
    member->next = head;
    head->prev->next = member;
    head->prev = member;
}

static inline void mr_list_remove(struct mr_list *member)
{
    member->prev->next = member->next;
    member->next->prev = member->prev;
    mr_list_init(member);
}

/* First member, unlinked; NULL when empty. */
static inline struct mr_list *mr_list_pop_front(struct mr_list *head)
{
    struct mr_list *member = head->next;

    if (member == head)
        return NULL;
    mr_list_remove(member);
    return member;
}

/* Appends all of `from` to `head`; `from` is empty afterwards. */
static inline void mr_list_splice_back(struct mr_list *head, struct mr_list *from)
{
    if (mr_list_empty(from))
        return;
    from->next->prev = head->prev;
    head->prev->next = from->next;
    from->prev->next = head;
    head->prev = from->prev;
    mr_list_init(from);
}

#define mr_list_foreach(it, head) for (struct mr_list *it = (head)->next; it != (head); it = it->next)

/* `it` may be unlinked in the body. */
#define mr_list_foreach_safe(it, head)                                                                       \
    for (struct mr_list *it = (head)->next, *it##_next = it->next; it != (head);                             \
            it = it##_next, it##_next = it->next)

#endif
