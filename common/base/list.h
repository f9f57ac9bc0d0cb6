/* SPDX-License-Identifier: BSD-3-Clause
 * Intrusive doubly linked list. A node is in at most one list; an unlinked node has next == NULL. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct list {
        struct list *next, *prev;
};

#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

#define list_for_each(pos, head) for (struct list *pos = (head)->next; pos != (head); pos = pos->next)

/* pos may be unlinked inside the loop. */
#define list_for_each_safe(pos, tmp, head)                                                                   \
        for (struct list *pos = (head)->next, *tmp = pos->next; pos != (head); pos = tmp, tmp = pos->next)

static inline void list_init(struct list *head)
{
        head->next = head->prev = head;
}

static inline bool list_empty(const struct list *head)
{
        return head->next == head;
}

static inline bool list_linked(const struct list *node)
{
        return node->next != NULL;
}

static inline void list_append(struct list *head, struct list *node)
{
        node->prev = head->prev;
        node->next = head;
        head->prev->next = node;
        head->prev = node;
}

/* Does nothing for a node that is in no list. */
static inline void list_unlink(struct list *node)
{
        if (!node->next)
                return;
        node->next->prev = node->prev;
        node->prev->next = node->next;
        node->next = node->prev = NULL;
}
