// SPDX-License-Identifier: GPL-2.0-only
/*
 * Taking responses.
 *
 * All there are at once, under one lock; then copies and completions, without
 * it and with interrupts on; then the pages go back under the lock that looks
 * for more.
 */
#include "blkif/decode.h"
#include "frontend/blk/data.h"
#include "frontend/blk/device.h"
#include "frontend/blk/lent.h"
#include "frontend/blk/queue.h"
#include "frontend/blk/trace.h"

/* Rounds before others get their turn. */
#define RESPONSE_ROUNDS		16

/**
 * struct response_batch - what one round takes
 * @done: answered requests
 * @bufs: pages no longer needed
 * @iob: requests to be ended together
 * @nr: responses taken
 * @starved: somebody waits for what has become free
 */
struct response_batch {
	struct blkfront_list done;
	struct blkfront_bufs bufs;
	struct io_comp_batch iob;
	unsigned int nr;
	bool starved;
};

/**
 * tandem_blkfront_queue_break() - the backend broke the protocol
 * @queue: the queue, locked
 * @why: what is wrong
 * @value: the value in question
 *
 * Nothing that it says is believed any more. The device's work does the rest;
 * but it may be waiting for a request, to look for partitions say, so what is
 * out fails without it.
 */
void tandem_blkfront_queue_break(struct blkfront_queue *queue,
				 const char *why, u64 value)
{
	lockdep_assert_held(&queue->lock);
	if (queue->state != BLKFRONT_QUEUE_LIVE)
		return;
	queue->state = BLKFRONT_QUEUE_BROKEN;
	queue->why = why;
	queue->why_value = value;
	trace_blkfront_peer_error(queue, why, value);
	kblockd_schedule_work(&queue->front->quarantine);
	tandem_device_kick(&queue->front->dev, TANDEM_EV_BROKEN);
}

/**
 * tandem_blkfront_queue_lost() - the backend is gone, and answers nothing any more
 * @queue: the queue
 *
 * What is out fails, without the device's work, which may be waiting for that.
 *
 * Context: any.
 */
void tandem_blkfront_queue_lost(struct blkfront_queue *queue)
{
	spin_lock_bh(&queue->lock);
	if (queue->state == BLKFRONT_QUEUE_LIVE) {
		queue->state = BLKFRONT_QUEUE_BROKEN;
		kblockd_schedule_work(&queue->front->quarantine);
	}
	spin_unlock_bh(&queue->lock);
}

/* The request that a response belongs to, or NULL when it cannot be. */
static struct blkfront_req *blkfront_match(struct blkfront_queue *queue,
					   const struct tandem_blkif_rsp *rsp)
{
	struct blkfront_req *req;

	if (rsp->id >= queue->ring.size) {
		tandem_blkfront_queue_break(queue, "id out of range", rsp->id);
		return NULL;
	}
	req = queue->slot[rsp->id];
	if (!req) {
		tandem_blkfront_queue_break(queue, "id not in use", rsp->id);
		return NULL;
	}
	if (!tandem_blkif_rsp_fits(rsp, req->op, req->indirect)) {
		tandem_blkfront_queue_break(queue, "wrong operation", rsp->op);
		return NULL;
	}
	return req;
}

static bool blkfront_take_one(struct blkfront_queue *queue,
			      struct response_batch *batch)
{
	struct tandem_blkif_rsp rsp;
	struct blkfront_req *req;

	if (tandem_blkif_take_response(&queue->ring, &rsp)) {
		tandem_blkfront_queue_break(queue, "unknown status",
					    (u16)rsp.status);
		return false;
	}
	req = blkfront_match(queue, &rsp);
	if (!req)
		return false;
	queue->slot[req->slot] = NULL;
	queue->ids[queue->nr_ids++] = req->slot;
	tandem_front_ring_next(&queue->ring);
	req->status = rsp.status;
	trace_blkfront_rsp(queue, req);
	blkfront_list_add(&batch->done, req);
	batch->nr++;
	return true;
}

/*
 * One look at the ring. An event is asked for one response ahead: this end
 * cannot know whether the backend will gather the next ones, and a response
 * that nobody is told of waits for the timeout.
 */
static int blkfront_look(struct blkfront_queue *queue)
{
	int n = tandem_front_ring_pending(&queue->ring);

	if (!n && tandem_front_ring_arm(&queue->ring, 1))
		n = tandem_front_ring_pending(&queue->ring);
	if (n < 0)
		tandem_blkfront_queue_break(queue, "impossible producer index",
					    queue->ring.rsp_cons);
	return n;
}

static void blkfront_take_all(struct blkfront_queue *queue,
			      struct response_batch *batch)
{
	int n = 0;

	batch->nr = 0;
	spin_lock_bh(&queue->lock);
	tandem_blkfront_bufs_put(&queue->pool, &batch->bufs);
	if (likely(queue->state == BLKFRONT_QUEUE_LIVE))
		n = blkfront_look(queue);
	if (n > 0)
		trace_blkfront_pop(queue, n);
	while (n-- > 0)
		if (!blkfront_take_one(queue, batch))
			break;
	queue->stats.done += batch->nr;
	batch->starved |= queue->starved;
	queue->starved = false;
	spin_unlock_bh(&queue->lock);
}

/* Pages of a request that is through with them, in one chain. */
static void blkfront_gather_bufs(struct response_batch *batch,
				 struct blkfront_req *req)
{
	tandem_blkfront_bufs_join(&batch->bufs, &req->bufs);
	if (unlikely(req->indirect)) {
		tandem_blkfront_bufs_add(&batch->bufs, req->indirect);
		req->indirect = NULL;
	}
}

static void blkfront_end(struct response_batch *batch, struct request *rq,
			 blk_status_t status)
{
	blk_mq_set_request_complete(rq);
	if (!blk_mq_add_to_batch(rq, &batch->iob, status != BLK_STS_OK,
				 blk_mq_end_request_batch))
		blk_mq_end_request(rq, status);
}

/* Send what is left of a request, or the whole of it in another way. */
static void blkfront_again(struct blkfront_queue *queue,
			   struct blkfront_req *req)
{
	spin_lock_bh(&queue->lock);
	blkfront_list_add(&queue->backlog, req);
	queue->stats.parts++;
	spin_unlock_bh(&queue->lock);
}

/* Without a backend's cache, a flush is done. */
static void blkfront_flush(struct blkfront_queue *queue,
			   struct response_batch *batch,
			   struct blkfront_req *req)
{
	if (tandem_blkfront_req_flush(queue, req))
		blkfront_again(queue, req);
	else
		blkfront_end(batch, blkfront_rq(req), BLK_STS_OK);
}

/*
 * An operation that was offered and is not supported after all. A flush or a
 * barrier is tried in the other way, as long as one is left.
 */
static void blkfront_unsupported(struct blkfront_queue *queue,
				 struct response_batch *batch,
				 struct blkfront_req *req)
{
	struct request *rq = blkfront_rq(req);

	tandem_blkfront_drop_feature(queue->front, req->op,
				     req->flags & BLKFRONT_REQ_SECURE);
	if (req->op == TANDEM_BLKIF_OP_DISCARD) {
		blkfront_end(batch, rq, BLK_STS_NOTSUPP);
	} else if (!(req->flags & BLKFRONT_REQ_DATA)) {
		blkfront_flush(queue, batch, req);
	} else if (req->op == TANDEM_BLKIF_OP_BARRIER) {
		tandem_blkfront_req_init(queue, req);
		blkfront_again(queue, req);
	} else {
		blkfront_end(batch, rq, BLK_STS_IOERR);
	}
}

static void blkfront_complete_odd(struct blkfront_queue *queue,
				  struct response_batch *batch,
				  struct blkfront_req *req)
{
	struct request *rq = blkfront_rq(req);

	if (req->status == TANDEM_BLKIF_RSP_EOPNOTSUPP) {
		blkfront_unsupported(queue, batch, req);
	} else if (req->status) {
		queue->stats.errors++;
		blkfront_end(batch, rq, BLK_STS_IOERR);
	} else if (req->flags & BLKFRONT_REQ_FLUSHED &&
		   req->bytes == blk_rq_bytes(rq)) {
		blkfront_flush(queue, batch, req);
	} else if (blk_update_request(rq, BLK_STS_OK, req->bytes)) {
		blkfront_again(queue, req);
	} else {
		blk_mq_set_request_complete(rq);
		__blk_mq_end_request(rq, BLK_STS_OK);
	}
}

static void blkfront_complete(struct blkfront_queue *queue,
			      struct response_batch *batch,
			      struct blkfront_req *req)
{
	struct request *rq = blkfront_rq(req);

	if (unlikely(!tandem_blkfront_unlend(req))) {
		/* The page of its segments is the pool's, mapped or not. */
		blkfront_gather_bufs(batch, req);
		tandem_blkfront_hold(queue, req);
		return;
	}
	if (req->bufs.first && req->op == TANDEM_BLKIF_OP_READ && !req->status)
		tandem_blkfront_data_in(req);
	/* Also of a lent request: its segments were in a page of the pool. */
	blkfront_gather_bufs(batch, req);
	if (likely(!req->status && !(req->flags & BLKFRONT_REQ_FLUSHED) &&
		   (!(req->flags & BLKFRONT_REQ_DATA) ||
		    req->bytes == blk_rq_bytes(rq))))
		blkfront_end(batch, rq, BLK_STS_OK);
	else
		blkfront_complete_odd(queue, batch, req);
}

static void blkfront_complete_all(struct blkfront_queue *queue,
				  struct response_batch *batch)
{
	struct blkfront_req *req;

	while ((req = blkfront_list_pop(&batch->done)))
		blkfront_complete(queue, batch, req);
	if (batch->iob.complete) {
		batch->iob.complete(&batch->iob);
		memset(&batch->iob, 0, sizeof(batch->iob));
	}
}

/**
 * tandem_blkfront_resend() - send what waits in the backlog
 * @queue: the queue
 *
 * Context: process or bottom half; never two at a time.
 */
void tandem_blkfront_resend(struct blkfront_queue *queue)
{
	struct blkfront_req *req;
	blk_status_t status;

	for (;;) {
		spin_lock_bh(&queue->lock);
		req = queue->state == BLKFRONT_QUEUE_LIVE ?
		      blkfront_list_pop(&queue->backlog) : NULL;
		spin_unlock_bh(&queue->lock);
		if (!req)
			break;
		status = tandem_blkfront_req_send(queue, req, false);
		if (!status)
			continue;
		if (status == BLK_STS_IOERR) {
			tandem_blkfront_fail(req);
			continue;
		}
		spin_lock_bh(&queue->lock);
		blkfront_list_push(&queue->backlog, req);
		spin_unlock_bh(&queue->lock);
		break;
	}
	tandem_blkfront_queue_commit(queue);
}

static void blkfront_event_done(struct blkfront_queue *queue, bool had_work)
{
	if (!queue->event_due)
		return;
	queue->event_due = false;
	tandem_event_done(&queue->event, had_work);
}

/**
 * tandem_blkfront_bh() - the bottom half: take and complete all responses
 * @bh: of a queue
 */
void tandem_blkfront_bh(struct tasklet_struct *bh)
{
	struct blkfront_queue *queue = from_tasklet(queue, bh, bh);
	struct response_batch batch = { };
	unsigned int rounds = RESPONSE_ROUNDS;
	unsigned int taken = 0;

	do {
		blkfront_take_all(queue, &batch);
		blkfront_complete_all(queue, &batch);
		taken += batch.nr;
	} while (batch.nr && --rounds);
	if (unlikely(batch.nr)) {
		spin_lock_bh(&queue->lock);
		tandem_blkfront_bufs_put(&queue->pool, &batch.bufs);
		spin_unlock_bh(&queue->lock);
		tasklet_schedule(bh);
	}
	if (unlikely(queue->backlog.first))
		tandem_blkfront_resend(queue);
	if (unlikely(batch.starved))
		tandem_blkfront_run(queue->front);
	if (unlikely(queue->polled)) {
		queue->stats.lost += queue->event_due ? 0 : taken;
		queue->polled = false;
	}
	if (likely(!batch.nr))
		blkfront_event_done(queue, taken);
}

/**
 * tandem_blkfront_interrupt() - the backend says: look
 * @irq: unused
 * @arg: the queue
 *
 * The event stays masked until the bottom half is through.
 *
 * Return: IRQ_HANDLED.
 */
irqreturn_t tandem_blkfront_interrupt(int irq, void *arg)
{
	struct blkfront_queue *queue = arg;

	queue->event_due = true;
	tasklet_schedule(&queue->bh);
	return IRQ_HANDLED;
}
