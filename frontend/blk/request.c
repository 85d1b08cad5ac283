// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sending requests.
 *
 * What takes time is done before the queue's lock is taken: copies, and the
 * segments of large requests. A small read, which needs neither, takes the lock
 * once.
 */
#include "frontend/blk/data.h"
#include "frontend/blk/device.h"
#include "frontend/blk/lent.h"
#include "frontend/blk/queue.h"
#include "frontend/blk/request.h"
#include "frontend/blk/trace.h"

static u8 blkfront_flush_op(const struct blkfront *front)
{
	return front->info.flush ? TANDEM_BLKIF_OP_FLUSH :
				   TANDEM_BLKIF_OP_BARRIER;
}

/*
 * With flushes, the block layer makes two requests of a write that is to be
 * durable, unless the backend that it was made for had barriers only.
 */
static void blkfront_init_write(struct blkfront *front,
				struct blkfront_req *req)
{
	bool fua = blkfront_rq(req)->cmd_flags & REQ_FUA;

	req->op = TANDEM_BLKIF_OP_WRITE;
	req->flags = BLKFRONT_REQ_DATA | BLKFRONT_REQ_WRITE;
	if (likely(!fua))
		return;
	if (front->info.flush) {
		req->flags |= BLKFRONT_REQ_FLUSHED;
	} else if (front->info.barrier) {
		req->op = TANDEM_BLKIF_OP_BARRIER;
		req->flags |= BLKFRONT_REQ_BARRIER;
	}
}

/**
 * tandem_blkfront_req_flush() - a request goes on as a flush
 * @queue: the queue
 * @req: a flush, or a write whose data has been written
 *
 * Return: false when this backend has nothing for it: there is no cache.
 */
bool tandem_blkfront_req_flush(struct blkfront_queue *queue,
			       struct blkfront_req *req)
{
	const struct blkfront *front = queue->front;

	req->op = blkfront_flush_op(front);
	req->flags = 0;
	return front->info.flush || front->info.barrier;
}

/**
 * tandem_blkfront_req_init() - what a request means in the protocol
 * @queue: the queue
 * @req: started request of the block layer
 *
 * Return: BLK_STS_OK; BLK_STS_NOTSUPP when this backend has nothing for it,
 * which after a migration may be so for what an earlier one did offer.
 */
blk_status_t tandem_blkfront_req_init(struct blkfront_queue *queue,
				      struct blkfront_req *req)
{
	struct blkfront *front = queue->front;

	req->flags = 0;
	switch (req_op(blkfront_rq(req))) {
	case REQ_OP_READ:
		req->op = TANDEM_BLKIF_OP_READ;
		req->flags = BLKFRONT_REQ_DATA;
		return BLK_STS_OK;
	case REQ_OP_WRITE:
		blkfront_init_write(front, req);
		return BLK_STS_OK;
	case REQ_OP_FLUSH:
		return tandem_blkfront_req_flush(queue, req) ?
		       BLK_STS_OK : BLK_STS_NOTSUPP;
	case REQ_OP_SECURE_ERASE:
		req->flags = BLKFRONT_REQ_SECURE;
		req->op = TANDEM_BLKIF_OP_DISCARD;
		return front->info.secure ? BLK_STS_OK : BLK_STS_NOTSUPP;
	case REQ_OP_DISCARD:
		req->op = TANDEM_BLKIF_OP_DISCARD;
		return front->info.discard ? BLK_STS_OK : BLK_STS_NOTSUPP;
	default:
		return BLK_STS_NOTSUPP;
	}
}

/* How many pages the rest of the request would like. */
static unsigned int blkfront_want(struct blkfront_queue *queue,
				  struct blkfront_req *req)
{
	unsigned int pages = DIV_ROUND_UP(blk_rq_bytes(blkfront_rq(req)),
					  PAGE_SIZE);

	if (req->flags & BLKFRONT_REQ_BARRIER)
		return min(pages, TANDEM_BLKIF_MAX_SEGS + 0U);
	return min_t(unsigned int, pages, queue->max_segs);
}

/*
 * Take pages for as much of the request as there are pages for; but not for
 * little of it, when pages will come back soon. More segments than fit into a
 * request need a page of their own.
 */
static bool blkfront_take(struct blkfront_queue *queue,
			  struct blkfront_req *req, unsigned int want)
{
	struct blkfront_pool *pool = &queue->pool;
	unsigned int n;

	lockdep_assert_held(&queue->lock);
	if (pool->nr_free < want / 2 && queue->nr_ids != queue->ring.size)
		return false;
	if (want > TANDEM_BLKIF_MAX_SEGS && pool->nr_free <= want)
		want = max(pool->nr_free, TANDEM_BLKIF_MAX_SEGS + 1U) - 1;
	want = min(want, pool->nr_free);
	if (!want)
		return false;
	for (n = 0; n < want; n++)
		tandem_blkfront_bufs_add(&req->bufs,
					 tandem_blkfront_buf_take(pool));
	if (want > TANDEM_BLKIF_MAX_SEGS)
		req->indirect = tandem_blkfront_buf_take(pool);
	req->nr_segs = want;
	req->bytes = min_t(unsigned int, blk_rq_bytes(blkfront_rq(req)),
			   want * PAGE_SIZE);
	return true;
}

static void blkfront_untake(struct blkfront_queue *queue,
			    struct blkfront_req *req)
{
	lockdep_assert_held(&queue->lock);
	tandem_blkfront_bufs_put(&queue->pool, &req->bufs);
	if (req->indirect)
		tandem_blkfront_buf_put(&queue->pool, req->indirect);
	req->indirect = NULL;
}

/* The segments of a request in pages of ours, from one on. */
static void blkfront_buf_seg(struct tandem_blkif_seg *seg,
			     const struct blkfront_buf *buf, unsigned int left)
{
	seg->gref = buf->ref;
	seg->first = 0;
	seg->last = (min_t(unsigned int, left, PAGE_SIZE) >> SECTOR_SHIFT) - 1;
	seg->pad = 0;
}

static void blkfront_buf_segs(struct blkfront_req *req,
			      struct tandem_blkif_seg *segs, void *page)
{
	struct blkfront_buf *buf = req->bufs.first;
	struct tandem_blkif_seg *seg = segs;
	unsigned int left = req->bytes;
	unsigned int n;

	for (n = 0; n < req->nr_segs; n++, buf = buf->next, left -= PAGE_SIZE) {
		blkfront_buf_seg(seg, buf, left);
		if (!page) {
			seg++;
			continue;
		}
		tandem_blkif_build_segs(page, seg, 1);
		page += sizeof(struct tandem_blkif_wire_seg);
	}
}

static void blkfront_indirect_segs(struct blkfront_queue *queue,
				   struct blkfront_req *req,
				   struct tandem_blkif_seg *segs)
{
	void *page = req->indirect->data;

	if (queue->clean)
		memset(page, 0, PAGE_SIZE);
	if (req->flags & BLKFRONT_REQ_LENT)
		tandem_blkfront_lent_segs(req, segs, page);
	else
		blkfront_buf_segs(req, segs, page);
}

/* Data and segments through pages of ours, without the lock where it is long */
static bool blkfront_copy(struct blkfront_queue *queue,
			  struct blkfront_req *req,
			  struct tandem_blkif_seg *segs, unsigned int want)
{
	bool taken;

	spin_lock_bh(&queue->lock);
	taken = blkfront_take(queue, req, want);
	if (!taken)
		queue->starved = true;
	spin_unlock_bh(&queue->lock);
	if (!taken)
		return false;
	if (req->flags & BLKFRONT_REQ_WRITE)
		tandem_blkfront_data_out(req);
	if (queue->clean)
		tandem_blkfront_data_clear(req);
	if (req->indirect)
		blkfront_indirect_segs(queue, req, segs);
	else
		blkfront_buf_segs(req, segs, NULL);
	return true;
}

static bool blkfront_take_indirect(struct blkfront_queue *queue,
				   struct blkfront_req *req)
{
	spin_lock_bh(&queue->lock);
	if (queue->pool.nr_free)
		req->indirect = tandem_blkfront_buf_take(&queue->pool);
	spin_unlock_bh(&queue->lock);
	return req->indirect;
}

static void blkfront_untake_indirect(struct blkfront_queue *queue,
				     struct blkfront_req *req)
{
	if (!req->indirect)
		return;
	spin_lock_bh(&queue->lock);
	tandem_blkfront_buf_put(&queue->pool, req->indirect);
	spin_unlock_bh(&queue->lock);
	req->indirect = NULL;
}

/* Lending comes last: what is lent may not be had back at once. */
static bool blkfront_lent(struct blkfront_queue *queue,
			  struct blkfront_req *req,
			  struct tandem_blkif_seg *segs)
{
	unsigned int nr = tandem_blkfront_lendable(queue, req);

	if (!nr || (nr > TANDEM_BLKIF_MAX_SEGS &&
		    !blkfront_take_indirect(queue, req)))
		return false;
	if (!tandem_blkfront_lend(queue, req, nr)) {
		blkfront_untake_indirect(queue, req);
		return false;
	}
	queue->stats.lent += nr;
	if (req->indirect)
		blkfront_indirect_segs(queue, req, segs);
	else
		tandem_blkfront_lent_segs(req, segs, NULL);
	return true;
}

/* What is done without the lock. False: try again later. */
static bool blkfront_prepare(struct blkfront_queue *queue,
			     struct blkfront_req *req,
			     struct tandem_blkif_seg *segs)
{
	unsigned int want;

	req->nr_segs = 0;
	req->bytes = 0;
	if (!(req->flags & BLKFRONT_REQ_DATA))
		return true;
	if (queue->lends && blkfront_lent(queue, req, segs))
		return true;
	want = blkfront_want(queue, req);
	if (READ_ONCE(queue->pool.nr_free) <= want)
		tandem_blkfront_queue_grow(queue, want);
	if (!(req->flags & BLKFRONT_REQ_WRITE) && !queue->clean &&
	    want <= TANDEM_BLKIF_MAX_SEGS)
		return true;
	return blkfront_copy(queue, req, segs, want);
}

static u32 blkfront_build(struct blkfront_queue *queue,
			  struct blkfront_req *req,
			  const struct tandem_blkif_seg *segs, void *msg)
{
	struct request *rq = blkfront_rq(req);
	struct tandem_blkif_build b = {
		.id = req->slot,
		.sector = blk_rq_pos(rq),
		.segs = segs,
		.nr_segs = req->nr_segs,
		.handle = queue->handle,
		.op = req->op,
	};

	if (req->indirect)
		return tandem_blkif_build_indirect(msg, &b, &req->indirect->ref,
						   1);
	if (req->flags & BLKFRONT_REQ_DATA)
		return tandem_blkif_build_rw(msg, &b);
	if (req->op != TANDEM_BLKIF_OP_DISCARD)
		b.sector = 0;
	if (req->op == TANDEM_BLKIF_OP_BARRIER)
		return tandem_blkif_build_rw(msg, &b);
	if (req->op == TANDEM_BLKIF_OP_FLUSH)
		return tandem_blkif_build_flush(msg, &b);
	b.nr_sectors = blk_rq_sectors(rq);
	b.secure = req->flags & BLKFRONT_REQ_SECURE;
	return tandem_blkif_build_discard(msg, &b);
}

static void blkfront_put_on_ring(struct blkfront_queue *queue,
				 struct blkfront_req *req,
				 const struct tandem_blkif_seg *segs)
{
	u8 msg[TANDEM_BLKIF_REQ_BYTES] __aligned(8);
	u32 len;

	req->slot = queue->ids[--queue->nr_ids];
	req->seq = queue->seq++;
	queue->slot[req->slot] = req;
	len = blkfront_build(queue, req, segs, msg);
	tandem_front_ring_write(&queue->ring, msg, len);
	queue->stats.sent++;
	trace_blkfront_req(queue, req);
}

/* With the lock held. Whatever the answer, nothing is left half done. */
static blk_status_t blkfront_post(struct blkfront_queue *queue,
				  struct blkfront_req *req,
				  struct tandem_blkif_seg *segs)
{
	lockdep_assert_held(&queue->lock);
	if (unlikely(queue->state != BLKFRONT_QUEUE_LIVE))
		return queue->state == BLKFRONT_QUEUE_DEAD ? BLK_STS_IOERR :
							     BLK_STS_RESOURCE;
	if (unlikely(!queue->nr_ids))
		return BLK_STS_RESOURCE;
	if (req->flags & BLKFRONT_REQ_DATA && !req->nr_segs) {
		if (!blkfront_take(queue, req, blkfront_want(queue, req)))
			return BLK_STS_RESOURCE;
		blkfront_buf_segs(req, segs, NULL);
	}
	blkfront_put_on_ring(queue, req, segs);
	return BLK_STS_OK;
}

/**
 * tandem_blkfront_req_send() - put a request, or a part of it, on the ring
 * @queue: the queue
 * @req: initialised request
 * @last: publish it, and whatever was put there before
 *
 * After success the request may be completed at any moment, and is not touched
 * any more. That includes one that is held, because the backend had a page of it
 * mapped before it was told of it.
 *
 * Context: any but hard interrupts, with interrupts on.
 * Return: BLK_STS_OK; BLK_STS_RESOURCE to try again later, which the queue will
 * ask for by itself as soon as there is something to hope for; BLK_STS_IOERR
 * when there is not.
 */
blk_status_t tandem_blkfront_req_send(struct blkfront_queue *queue,
				      struct blkfront_req *req, bool last)
{
	struct tandem_blkif_seg segs[TANDEM_BLKIF_MAX_SEGS];
	blk_status_t status = BLK_STS_RESOURCE;
	bool notify = false;

	req->bufs.first = NULL;
	req->bufs.nr = 0;
	req->indirect = NULL;
	if (!blkfront_prepare(queue, req, segs))
		return BLK_STS_RESOURCE;
	spin_lock_bh(&queue->lock);
	status = blkfront_post(queue, req, segs);
	if (unlikely(status)) {
		queue->starved = true;
		queue->stats.starved++;
		blkfront_untake(queue, req);
	} else if (last) {
		notify = tandem_blkfront_queue_push(queue);
	}
	spin_unlock_bh(&queue->lock);
	/* The backend was not told of the pages, and has one mapped: it guesses. */
	if (unlikely(status) && !tandem_blkfront_unlend(req)) {
		tandem_blkfront_hold(queue, req);
		status = BLK_STS_OK;
	}
	if (notify)
		tandem_event_notify(&queue->event);
	return status;
}
