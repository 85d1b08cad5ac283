/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One ring of a disk, with what belongs to it.
 */
#ifndef BLKFRONT_QUEUE_H
#define BLKFRONT_QUEUE_H

#include <linux/interrupt.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "blkif/keys.h"
#include "common/event/event.h"
#include "common/ring/ring.h"
#include "frontend/blk/buf.h"
#include "frontend/blk/request.h"

struct blkfront;

/**
 * enum blkfront_queue_state - what may happen on a queue
 * @BLKFRONT_QUEUE_DOWN: not connected; requests wait
 * @BLKFRONT_QUEUE_LIVE: connected
 * @BLKFRONT_QUEUE_BROKEN: the backend broke the protocol; nothing is believed
 *                         any more, and requests wait for the end
 * @BLKFRONT_QUEUE_DEAD: requests fail
 */
enum blkfront_queue_state {
	BLKFRONT_QUEUE_DOWN,
	BLKFRONT_QUEUE_LIVE,
	BLKFRONT_QUEUE_BROKEN,
	BLKFRONT_QUEUE_DEAD,
};

/**
 * struct blkfront_list - requests in order
 * @first: the first
 * @last: the last; meaningless when @first is NULL
 */
struct blkfront_list {
	struct blkfront_req *first;
	struct blkfront_req *last;
};

static inline void blkfront_list_add(struct blkfront_list *list,
				     struct blkfront_req *req)
{
	req->next = NULL;
	if (list->first)
		list->last->next = req;
	else
		list->first = req;
	list->last = req;
}

static inline void blkfront_list_push(struct blkfront_list *list,
				      struct blkfront_req *req)
{
	if (!list->first)
		list->last = req;
	req->next = list->first;
	list->first = req;
}

static inline struct blkfront_req *blkfront_list_pop(struct blkfront_list *list)
{
	struct blkfront_req *req = list->first;

	if (req)
		list->first = req->next;
	return req;
}

/**
 * struct blkfront_stats - what a queue did
 * @sent: requests, or parts of them, put on the ring
 * @done: responses taken
 * @errors: of those, with an error
 * @pushes: times that requests were published
 * @parts: requests that did not go in one piece
 * @starved: times that a request had to wait for pages or a slot
 * @lost: responses found by the timeout, without an event
 * @timeouts: requests that took longer than the block layer likes
 * @replayed: requests sent again on a new connection
 * @grown: pages added to the pool
 * @trimmed: pages taken from it
 * @stuck: pages that the backend kept mapped and that we let go of
 * @lent: pages of bios lent
 */
struct blkfront_stats {
	u64 sent, done, errors, pushes, parts, starved, lost, timeouts;
	u64 replayed, grown, trimmed, stuck, lent;
};

/**
 * struct blkfront_queue - one ring
 * @lock: guards all of the queue; taken with bottom halves off, held for the
 *        pool and the ring alone and never over a copy
 * @state: one of enum blkfront_queue_state
 * @lends: the bio's own pages may be lent
 * @clean: no byte beyond the payload may be seen by the backend
 * @starved: a request waits for pages or a slot
 * @event_due: an event has been handled by half
 * @polled: the timeout asks whether an event was lost
 * @nr_ids: free slots
 * @max_segs: most segments of a request
 * @seq: number of the next request
 * @handle: as the protocol wants it in requests
 * @ring: the ring
 * @pool: pages that stay granted
 * @ids: numbers of the free slots, a stack
 * @slot: requests that are out, by their number
 * @backlog: requests to be sent before any new one
 * @held: requests that are not out, and whose pages the backend does not let go of
 * @event: its event channel
 * @bh: takes responses
 * @trim: gives back pages of an idle disk; not armed without recent growth
 * @trim_sent: @stats.sent when @trim was armed
 * @trims: how often @trim was armed since the last growth
 * @front: the disk
 * @index: number of the queue
 * @memory: the shared pages
 * @nr_pages: how many
 * @refs: their grants
 * @why: what the backend did wrong; NULL for nothing
 * @why_value: the value in question
 * @stats: counters, under @lock
 */
struct blkfront_queue {
	spinlock_t lock; /* pool and ring, see above */
	u8 state;
	bool lends;
	bool clean;
	bool starved;
	bool event_due;
	bool polled;
	u16 nr_ids;
	u16 max_segs;
	u16 handle;
	u32 seq;
	struct tandem_front_ring ring;
	struct blkfront_pool pool;
	u16 *ids;
	struct blkfront_req **slot;
	struct blkfront_list backlog;
	struct blkfront_list held;
	struct tandem_event event;
	struct tasklet_struct bh;
	struct delayed_work trim;
	u64 trim_sent;
	unsigned int trims;
	struct blkfront *front;
	unsigned int index;
	void *memory;
	unsigned int nr_pages;
	grant_ref_t refs[TANDEM_BLKIF_MAX_PAGES];
	const char *why;
	u64 why_value;
	struct blkfront_stats stats;
};

/* queue.c: */
void tandem_blkfront_queue_init(struct blkfront_queue *queue,
				struct blkfront *front, unsigned int index);
void tandem_blkfront_queue_suit(struct blkfront_queue *queue);
void tandem_blkfront_queue_shrink(struct blkfront_queue *queue);
int tandem_blkfront_queue_open(struct blkfront_queue *queue);
void tandem_blkfront_queue_start(struct blkfront_queue *queue);
void tandem_blkfront_queue_lost(struct blkfront_queue *queue);
void tandem_blkfront_queue_sever(struct blkfront_queue *queue);
void tandem_blkfront_queue_halt(struct blkfront_queue *queue,
				enum blkfront_queue_state state);
void tandem_blkfront_queue_close(struct blkfront_queue *queue,
				 unsigned long deadline);
bool tandem_blkfront_queue_push(struct blkfront_queue *queue);
void tandem_blkfront_queue_commit(struct blkfront_queue *queue);
void tandem_blkfront_queue_grow(struct blkfront_queue *queue, unsigned int nr);
void tandem_blkfront_queue_adopt(struct blkfront_queue *from,
				 struct blkfront_queue *to);
void tandem_blkfront_queue_revive(struct blkfront_queue *queue);
void tandem_blkfront_queue_kill(struct blkfront_queue *queue,
				unsigned long deadline);
void tandem_blkfront_fail(struct blkfront_req *req);
void tandem_blkfront_hold(struct blkfront_queue *queue,
			  struct blkfront_req *req);
bool tandem_blkfront_queue_busy(struct blkfront_queue *queue);

/* response.c: */
void tandem_blkfront_queue_break(struct blkfront_queue *queue,
				 const char *why, u64 value);
void tandem_blkfront_bh(struct tasklet_struct *bh);
irqreturn_t tandem_blkfront_interrupt(int irq, void *arg);
void tandem_blkfront_resend(struct blkfront_queue *queue);

#endif /* BLKFRONT_QUEUE_H */
