/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TANDEM_SHIM_LIST_H
#define TANDEM_SHIM_LIST_H

#include <linux/container_of.h>

struct list_head {
	struct list_head *next, *prev;
};

#define LIST_HEAD(name)	struct list_head name = { &(name), &(name) }

static inline void list_add(struct list_head *item, struct list_head *head)
{
	item->next = head->next;
	item->prev = head;
	head->next->prev = item;
	head->next = item;
}

static inline void list_del(struct list_head *item)
{
	item->next->prev = item->prev;
	item->prev->next = item->next;
}

#define list_for_each_entry(at, head, member)				\
	for (at = container_of((head)->next, typeof(*at), member);	\
	     &at->member != (head);					\
	     at = container_of(at->member.next, typeof(*at), member))

#endif /* TANDEM_SHIM_LIST_H */
