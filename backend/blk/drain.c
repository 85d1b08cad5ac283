// SPDX-License-Identifier: GPL-2.0-only
/*
 * Taking requests: a batch is taken off the ring, decoded, given its pages, and
 * submitted. One that cannot go yet, for want of memory or as a barrier, is
 * parked, and the ring waits with it.
 */
#include <linux/minmax.h>

#include "backend/blk/data.h"
#include "backend/blk/device.h"
#include "backend/blk/drain.h"
#include "backend/blk/params.h"
#include "backend/blk/queue.h"
#include "backend/blk/spare.h"
#include "backend/blk/store.h"
#include "backend/blk/trace.h"

/* Requests per batch: enough to share the cost, few enough to be fair. */
#define BLKBACK_BATCH		64
/* How long to wait after a shortage before trying again. */
#define BLKBACK_RETRY_MS	10

/**
 * blkback_queue_refuse() - a request is not one that can be served
 * @queue: its ring
 * @req: the request
 * @status: what to answer, a negative status of the protocol
 * @why: the reason, for people
 */
void blkback_queue_refuse(struct blkback_queue *queue, struct blkback_req *req,
			  int status, enum tandem_blkif_why why)
{
	req->status = status;
	queue->stats.bad_req++;
	blkback_device_refused(queue->device, queue->index, why);
}

/* Takes the next request off the ring and decodes it. */
static struct blkback_req *blkback_queue_take(struct blkback_queue *queue)
{
	struct tandem_blkif_msg msg;
	enum tandem_blkif_why why;
	struct blkback_req *req;
	unsigned int i;
	int rc;

	req = blkback_req_alloc(queue);
	if (!req)
		return NULL;
	rc = tandem_blkif_take(&queue->ring, queue->abi, &queue->device->limits,
			       &msg, &why);
	tandem_back_ring_next(&queue->ring);
	req->id = msg.id;
	req->op = msg.op;
	if (rc) {
		req->kind = BLKBACK_KIND_NONE;
		req->flags = 0;
		blkback_queue_refuse(queue, req, rc, why);
		return req;
	}
	req->kind = msg.kind;
	req->flags = msg.flags;
	req->sector = msg.sector;
	req->nr_sectors = msg.nr_sectors;
	req->nr_segs = msg.nr_segs;
	req->nr_indirect = msg.nr_indirect;
	if (msg.nr_indirect) {
		memcpy(req->indirect, msg.indirect, sizeof(req->indirect));
		return req;
	}
	for (i = 0; i < msg.nr_segs; i++)
		blkback_seg_set(&req->seg[i], &msg.seg[i]);
	return req;
}

/* The segments of an indirect request, whose length is known only now. */
static int blkback_queue_indirect(struct blkback_queue *queue,
				  struct blkback_req *req)
{
	struct tandem_blkif_msg msg = {
		.kind = req->kind, .sector = req->sector,
	};
	int rc;

	if (blkback_req_room(queue, req))
		return -ENOMEM;
	if (blkback_data_get_indirect(queue, req))
		return -ENOMEM;
	if (req->status) {
		req->nr_segs = 0;
		return 0;
	}
	msg.nr_sectors = req->nr_sectors;
	rc = tandem_blkif_check_range(&queue->device->limits, &msg);
	if (rc) {
		req->nr_segs = 0;
		blkback_queue_refuse(queue, req, rc,
				     TANDEM_BLKIF_WHY_RANGE);
		return 0;
	}
	req->nr_indirect = 0;
	return 0;
}

static void blkback_queue_unget(struct blkback_queue *queue,
				struct blkback_req *req)
{
	s16 status = req->status;

	blkback_data_flush(queue);
	/* Not zero: nothing was read, so nothing is copied to the frontend. */
	req->status = TANDEM_BLKIF_RSP_ERROR;
	blkback_data_put(queue, req);
	blkback_data_put_flush(queue);
	blkback_data_free(req);
	/* AGAIN is ours, and not for the frontend: the request waits. */
	req->status = status == BLKBACK_STATUS_AGAIN ? 0 : status;
	/* With the reserve it completes in the worker, which gives it back. */
	req->sleepy = req->spare;
}

static void blkback_queue_short(struct blkback_queue *queue,
				struct blkback_req *req)
{
	list_add_tail(&req->node, &queue->parked);
	queue->stats.oo_req++;
	mod_timer(&queue->retry, jiffies + msecs_to_jiffies(BLKBACK_RETRY_MS));
}

/* One request may always go; more only within the host's bound. */
static bool blkback_queue_over(struct blkback_queue *queue,
			       const struct blkback_req *req)
{
	unsigned int out = atomic_read(&queue->pages_out);

	return out && out + req->nr_segs > blkback_param_max_pages();
}

/* Return: 0, or -ENOMEM when even the disk's reserve is in use. */
static int blkback_queue_get(struct blkback_queue *queue,
			     struct blkback_req *req)
{
	if (likely(!blkback_data_get(queue, req)))
		return 0;
	blkback_queue_unget(queue, req);
	if (!blkback_spare_claim(queue, req))
		return -ENOMEM;
	return blkback_data_get(queue, req);
}

/*
 * Gets a decoded request ready for the batch. A barrier takes its turn before
 * it may take the reserve, for which what it waits for may be waiting.
 * Return: true to go on; false when it is parked and the ring has to wait.
 */
static bool blkback_queue_prepare(struct blkback_queue *queue,
				  struct blkback_req *req,
				  struct list_head *batch)
{
	if (unlikely(req->flags & TANDEM_BLKIF_F_BARRIER) && !req->status &&
	    !blkback_device_barrier_begin(queue->device, queue)) {
		list_add_tail(&req->node, &queue->parked);
		return false;
	}
	if (!req->status && unlikely(blkback_queue_over(queue, req)))
		goto out_of_room;
	if (req->nr_indirect && !req->status &&
	    blkback_queue_indirect(queue, req))
		goto out_of_room;
	if (req->status) {
		blkback_queue_fail(queue, req);
		return true;
	}
	if (blkback_queue_get(queue, req))
		goto out_of_room;
	queue->barrier_out = req->flags & TANDEM_BLKIF_F_BARRIER;
	atomic_add(req->nr_segs, &queue->pages_out);
	req->counted = true;
	list_add_tail(&req->node, batch);
	return true;

out_of_room:
	blkback_queue_short(queue, req);
	return false;
}

/* There was room for neither a mapping nor a copy: as if it had not been got. */
static void blkback_queue_again(struct blkback_queue *queue,
				struct blkback_req *req)
{
	req->status = 0;
	blkback_queue_unget(queue, req);
	atomic_sub(req->nr_segs, &queue->pages_out);
	req->counted = false;
	if (req->flags & TANDEM_BLKIF_F_BARRIER)
		queue->barrier_out = false;
	blkback_queue_short(queue, req);
}

static void blkback_queue_submit(struct blkback_queue *queue,
				 struct list_head *batch)
{
	struct blkback_req *req, *next;

	if (list_empty(batch))
		return;
	blkback_data_flush(queue);
	list_for_each_entry_safe(req, next, batch, node) {
		trace_blkback_req(queue, req);
		if (likely(!req->status))
			continue;
		list_del(&req->node);
		if (req->status == BLKBACK_STATUS_AGAIN) {
			blkback_queue_again(queue, req);
			continue;
		}
		req->sleepy = true;
		blkback_queue_fail(queue, req);
	}
	/* Not held while the store waits, perhaps for another ring of ours. */
	blkback_data_rest(queue);
	blkback_store_submit(queue->device->store, batch);
}

/**
 * blkback_queue_held() - does a barrier hold this ring up
 * @queue: the ring
 *
 * Another ring's barrier does, or its own that has started.
 *
 * Return: true if so.
 */
bool blkback_queue_held(const struct blkback_queue *queue)
{
	const struct blkback_queue *owner;

	/* Pairs with blkback_barrier_take(): with the barrier comes @ahead. */
	owner = smp_load_acquire(&queue->device->barrier);
	if (likely(!owner))
		return false;
	return owner == queue ? queue->barrier_out : !READ_ONCE(queue->ahead);
}

/**
 * blkback_queue_pending() - how many requests wait on the ring
 * @queue: the ring
 *
 * Return: their number, or a negative error when that is impossible.
 */
int blkback_queue_pending(struct blkback_queue *queue)
{
	int nr;

	spin_lock_bh(&queue->rsp_lock);
	nr = tandem_back_ring_pending(&queue->ring);
	spin_unlock_bh(&queue->rsp_lock);
	return nr;
}

/* As above, and no more than may be taken while another ring has a barrier. */
static int blkback_queue_allowed(struct blkback_queue *queue)
{
	/* Before the look: what is there now was published before it. */
	u8 ahead = smp_load_acquire(&queue->ahead);
	int nr = blkback_queue_pending(queue);

	if (likely(!ahead) || nr < 0)
		return nr;
	if (ahead == BLKBACK_AHEAD_LOOK) {
		queue->ahead_left = nr;
		WRITE_ONCE(queue->ahead, BLKBACK_AHEAD_COUNT);
	}
	return min_t(unsigned int, nr, queue->ahead_left);
}

/* Some were taken. Is that all that came before another ring's barrier? */
static void blkback_queue_passed(struct blkback_queue *queue,
				 unsigned int taken)
{
	if (likely(READ_ONCE(queue->ahead) != BLKBACK_AHEAD_COUNT))
		return;
	queue->ahead_left -= taken;
	if (queue->ahead_left)
		return;
	/* Pairs with blkback_barrier_behind(). */
	smp_store_release(&queue->ahead, BLKBACK_AHEAD_NONE);
	/* And with blkback_device_barrier_begin(): it sees that, or we see it. */
	smp_mb();
	blkback_device_barrier_look(queue->device);
}

/* No memory for another request: look again soon. */
static void blkback_queue_starve(struct blkback_queue *queue)
{
	queue->starved = true;
	mod_timer(&queue->retry, jiffies + 1);
}

/* Nothing on the ring can be believed any more: it is not looked at again. */
static void blkback_queue_break(struct blkback_queue *queue)
{
	queue->halted = true;
	blkback_device_broken(queue->device, "impossible request index");
}

/*
 * Counts the requests that are about to be taken, before anybody relies on the
 * ring being idle: after the count, either we see that the ring was stopped or
 * a barrier came, or who did that sees the count.
 */
static int blkback_queue_claim(struct blkback_queue *queue)
{
	int nr;

	if (blkback_queue_held(queue))
		return 0;
	nr = blkback_queue_allowed(queue);
	if (unlikely(nr < 0))
		blkback_queue_break(queue);
	if (nr <= 0)
		return 0;
	nr = min(nr, BLKBACK_BATCH);
	atomic_add(nr, &queue->inflight);
	/* Pairs with blkback_queue_stop() and blkback_device_barrier_begin(). */
	smp_mb__after_atomic();
	if (likely(!READ_ONCE(queue->dead) && !blkback_queue_held(queue)))
		return nr;
	blkback_queue_settled(queue, nr);
	return 0;
}

/*
 * Each is tried as if it had just been taken. What a barrier waits for must get
 * on, also when it waits itself.
 *
 * Return: true when none waits any more.
 */
static bool blkback_queue_unpark(struct blkback_queue *queue,
				 struct list_head *batch)
{
	struct blkback_req *req, *next;
	LIST_HEAD(parked);

	list_splice_init(&queue->parked, &parked);
	list_for_each_entry_safe(req, next, &parked, node) {
		list_del(&req->node);
		if (req->flags & TANDEM_BLKIF_F_BARRIER &&
		    blkback_queue_held(queue))
			list_add_tail(&req->node, &queue->parked);
		else
			blkback_queue_prepare(queue, req, batch);
	}
	return list_empty(&queue->parked);
}

/**
 * blkback_queue_drain() - take and submit up to a batch of requests
 * @queue: a live ring
 *
 * Context: the ring's worker.
 * Return: how many were taken.
 */
unsigned int blkback_queue_drain(struct blkback_queue *queue)
{
	struct blkback_req *req;
	unsigned int taken = 0;
	LIST_HEAD(batch);
	bool go = true;
	int nr;

	queue->starved = false;
	if (queue->halted)
		return 0;
	if (unlikely(!list_empty(&queue->parked)))
		go = blkback_queue_unpark(queue, &batch);
	nr = go ? blkback_queue_claim(queue) : 0;
	while (go && taken < nr) {
		req = blkback_queue_take(queue);
		if (unlikely(!req)) {
			blkback_queue_starve(queue);
			break;
		}
		taken++;
		go = blkback_queue_prepare(queue, req, &batch) &&
		     !blkback_queue_held(queue);
	}
	if (unlikely(taken < nr))
		blkback_queue_settled(queue, nr - taken);
	blkback_queue_passed(queue, taken);
	queue->taken += taken;
	queue->stats.drains += !!taken;
	trace_blkback_pop(queue, taken);
	blkback_queue_submit(queue, &batch);
	return taken;
}

static void blkback_queue_drop_parked(struct blkback_queue *queue)
{
	struct blkback_req *req, *next;
	LIST_HEAD(parked);

	list_splice_init(&queue->parked, &parked);
	list_for_each_entry_safe(req, next, &parked, node) {
		if (req->nr_indirect)
			req->nr_segs = 0;
		req->status = TANDEM_BLKIF_RSP_ERROR;
		blkback_queue_fail(queue, req);
	}
}

/**
 * blkback_queue_leave() - get on with the requests that wait, and take no more
 * @queue: a dead ring
 *
 * A frontend that outlives this connection sends what we did not take, and not
 * these: their places in the ring may hold responses already. On a ring where the
 * protocol was broken nothing is begun any more.
 *
 * Context: the ring's worker.
 */
void blkback_queue_leave(struct blkback_queue *queue)
{
	LIST_HEAD(batch);

	if (likely(list_empty(&queue->parked)))
		return;
	if (queue->halted) {
		blkback_queue_drop_parked(queue);
		return;
	}
	blkback_queue_unpark(queue, &batch);
	blkback_queue_submit(queue, &batch);
}
