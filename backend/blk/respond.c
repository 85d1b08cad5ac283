// SPDX-License-Identifier: GPL-2.0-only
/*
 * Answering: requests that the store is done with give back their pages and
 * leave in one push. Who does it when is told in queue.c.
 */
#include <linux/rcupdate.h>

#include "backend/blk/data.h"
#include "backend/blk/device.h"
#include "backend/blk/drain.h"
#include "backend/blk/queue.h"
#include "backend/blk/spare.h"
#include "backend/blk/trace.h"

/* Adds up what a batch of completed requests did. */
static void blkback_queue_account(struct blkback_stats *stats,
				  const struct blkback_req *req)
{
	switch (req->kind) {
	case TANDEM_BLKIF_READ:
		stats->rd_req++;
		stats->rd_sect += req->nr_sectors;
		break;
	case TANDEM_BLKIF_WRITE:
		stats->wr_req++;
		stats->wr_sect += req->nr_sectors;
		break;
	case TANDEM_BLKIF_FLUSH:
		stats->f_req++;
		break;
	case TANDEM_BLKIF_DISCARD:
		stats->ds_req++;
		break;
	}
}

static void blkback_queue_write(struct blkback_queue *queue,
				struct blkback_req *req)
{
	u8 rsp[TANDEM_BLKIF_RSP_BYTES] __aligned(8);
	u32 len;

	len = tandem_blkif_response(queue->abi, req->id, req->op, req->status,
				    rsp);
	tandem_back_ring_respond(&queue->ring, rsp, len);
	blkback_queue_account(&queue->stats, req);
	trace_blkback_rsp(queue, req);
}

/**
 * blkback_queue_settled() - requests that were counted are gone
 * @queue: their ring
 * @nr: how many
 *
 * The last one of a dead ring lets the device go on, and one before a barrier
 * may have been what that waits for.
 *
 * Context: any.
 */
void blkback_queue_settled(struct blkback_queue *queue, unsigned int nr)
{
	struct blkback_device *device = queue->device;

	/*
	 * Read while ours are still counted: with the last of a dead ring gone,
	 * only the waits in blkback_queue_quiesce() keep the memory. A barrier
	 * that comes later counts without ours: the decrement is a full
	 * barrier, and pairs with the one in blkback_device_barrier_begin().
	 */
	if (!atomic_sub_return(nr, &queue->inflight) && READ_ONCE(queue->dead))
		blkback_device_drained(device);
	blkback_device_barrier_look(device);
	if (unlikely(!list_empty(&queue->parked)))
		blkback_queue_kick(queue);
}

/* Answers all of a list in one push, and lets go of them. */
static void blkback_queue_respond(struct blkback_queue *queue,
				  struct llist_node *list)
{
	bool notify, barrier = false;
	unsigned int nr = 0, pages = 0;
	struct blkback_req *req;

	llist_for_each_entry(req, list, done) {
		barrier |= req->flags & TANDEM_BLKIF_F_BARRIER;
		blkback_data_free(req);
		pages += req->counted ? req->nr_segs : 0;
		nr++;
	}
	atomic_sub(pages, &queue->pages_out);
	spin_lock_bh(&queue->rsp_lock);
	llist_for_each_entry(req, list, done)
		blkback_queue_write(queue, req);
	notify = tandem_back_ring_push(&queue->ring);
	queue->stats.pushes++;
	trace_blkback_push(queue, nr, notify);
	spin_unlock_bh(&queue->rsp_lock);

	if (notify && !READ_ONCE(queue->dead))
		tandem_event_notify(&queue->event);
	if (unlikely(barrier))
		blkback_device_barrier_end(queue->device, queue);
	blkback_req_free_all(queue, list);
	blkback_queue_settled(queue, nr);
}

/* Requests whose pages others still hold stay for later. */
static struct llist_node *blkback_queue_put_data(struct blkback_queue *queue,
						 struct llist_node *list)
{
	struct blkback_req *req, *next;
	struct llist_node *ready = NULL;

	llist_for_each_entry_safe(req, next, list, done) {
		if (unlikely(req->sleepy && blkback_data_busy(req))) {
			llist_add(&req->done, &queue->sleepy);
			mod_timer(&queue->retry, jiffies + 1);
			continue;
		}
		if (req->sleepy)
			blkback_data_put(queue, req);
		req->done.next = ready;
		ready = &req->done;
	}
	blkback_data_put_flush(queue);
	llist_for_each_entry(req, ready, done)
		blkback_spare_return(queue, req);
	return ready;
}

/**
 * blkback_queue_finish() - answer all that is completed
 * @queue: the ring
 *
 * Context: the ring's worker.
 */
void blkback_queue_finish(struct blkback_queue *queue)
{
	struct llist_node *list;

	list = llist_del_all(&queue->done);
	if (list)
		list = blkback_queue_put_data(queue, list);
	if (list)
		blkback_queue_respond(queue, list);

	if (llist_empty(&queue->sleepy))
		return;
	list = llist_del_all(&queue->sleepy);
	list = blkback_queue_put_data(queue, list);
	if (list)
		blkback_queue_respond(queue, list);
}

/**
 * blkback_queue_bh() - the tasklet: answer all that needs no sleeping call
 * @bh: of a ring
 */
void blkback_queue_bh(struct tasklet_struct *bh)
{
	struct blkback_queue *queue = container_of(bh, struct blkback_queue, bh);
	struct blkback_req *req, *next;
	struct llist_node *list, *ready = NULL;
	bool sleepy = false;

	list = llist_del_all(&queue->done);
	llist_for_each_entry_safe(req, next, list, done) {
		if (req->sleepy) {
			llist_add(&req->done, &queue->sleepy);
			sleepy = true;
			continue;
		}
		req->done.next = ready;
		ready = &req->done;
	}
	if (sleepy)
		blkback_queue_kick(queue);
	if (ready)
		blkback_queue_respond(queue, ready);
}

/**
 * blkback_queue_done() - the store is done with a request
 * @req: the request; @req->status says how it went
 *
 * Context: any, hard interrupt included.
 */
void blkback_queue_done(struct blkback_req *req)
{
	struct blkback_queue *queue = req->queue;

	if (unlikely(req->status))
		queue->stats.io_errors++;
	/*
	 * Once it is on the list the request may be answered by the worker, and
	 * be the last one: the ring's memory is freed after a grace period.
	 */
	rcu_read_lock();
	/*
	 * The worker lowers @draining and then looks at the list once more;
	 * here the list is filled first and @draining read after it. llist_add
	 * is a full barrier, so one of the two sees the other
	 * (SB+fencembonceonces).
	 */
	if (llist_add(&req->done, &queue->done) && !READ_ONCE(queue->draining))
		tasklet_schedule(&queue->bh);
	rcu_read_unlock();
}

/**
 * blkback_queue_fail() - a request ends without having been started
 * @queue: its ring
 * @req: the request; @req->status says why
 *
 * Context: the ring's worker, which answers it at the end of its round.
 */
void blkback_queue_fail(struct blkback_queue *queue, struct blkback_req *req)
{
	llist_add(&req->done, &queue->done);
}
