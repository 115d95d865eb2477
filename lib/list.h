/* Doubly linked lists, the links inside the elements.
 *
 * A struct list is a list's head or an element's link. A head is initialised with list_init; an
 * element's link needs no initialisation before it is added. */
#pragma once

#include "lib/types.h"

struct list {
    struct list *next, *prev;
};

static inline void list_init(struct list *head)
{
    head->next = head->prev = head;
}

static inline bool list_empty(const struct list *head)
{
    return head->next == head;
}

/* Adds e right behind `at`: at the front, when that is the head. */
static inline void list_add_after(struct list *at, struct list *e)
{
    e->prev = at;
    e->next = at->next;
    at->next->prev = e;
    at->next = e;
}

static inline void list_add(struct list *head, struct list *e)
{
    list_add_after(head, e);
}

static inline void list_add_tail(struct list *head, struct list *e)
{
    list_add_after(head->prev, e);
}

/* Takes e out of its list; e is then a list of its own, so that deleting it again does no harm. */
static inline void list_del(struct list *e)
{
    e->prev->next = e->next;
    e->next->prev = e->prev;
    list_init(e);
}

#define LIST_ENTRY(link, type, field) CONTAINER_OF(link, type, field)

/* Walks a list of `type` linked by `field`. The body of the second may delete the current element. */
#define LIST_EACH(e, head, type, field)                                                                                \
    for (type *e = LIST_ENTRY((head)->next, type, field); &e->field != (head);                                         \
         e = LIST_ENTRY(e->field.next, type, field))
#define LIST_EACH_SAFE(e, head, type, field)                                                                           \
    for (type *e = LIST_ENTRY((head)->next, type, field), *e##_next_ = LIST_ENTRY(e->field.next, type, field);         \
         &e->field != (head); e = e##_next_, e##_next_ = LIST_ENTRY(e->field.next, type, field))
