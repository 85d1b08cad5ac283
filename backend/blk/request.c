// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests: their memory, and the room for their segments.
 *
 * Nothing is allocated for a ring that carries nothing, but for one request,
 * so that swap on the device, or dom0's own writeback through it, never waits
 * for memory that only it can free. What that request may need besides is in
 * the disk's reserve (spare.h).
 */
#include <linux/slab.h>

#include "backend/blk/device.h"
#include "backend/blk/params.h"
#include "backend/blk/queue.h"
#include "backend/blk/request.h"
#include "backend/blk/spare.h"

/* Requests kept for reuse per ring; the rest goes back to the slab at once. */
#define BLKBACK_FREE_MAX 32u

static struct kmem_cache *blkback_req_cache;

/**
 * blkback_req_init() - make the slab of requests
 *
 * Return: 0 or -ENOMEM.
 */
int blkback_req_init(void)
{
	blkback_req_cache = KMEM_CACHE(blkback_req, 0);
	return blkback_req_cache ? 0 : -ENOMEM;
}

/**
 * blkback_req_exit() - free the slab; no request may exist
 */
void blkback_req_exit(void)
{
	kmem_cache_destroy(blkback_req_cache);
}

/*
 * The worker takes all that came back at once, so that a batch costs the lock
 * once and not once for each request.
 */
static struct blkback_req *blkback_req_cached(struct blkback_queue *queue)
{
	struct blkback_req *req;

	if (list_empty(&queue->ready) && READ_ONCE(queue->nr_free)) {
		spin_lock_bh(&queue->free_lock);
		list_splice_init(&queue->free, &queue->ready);
		queue->nr_free = 0;
		spin_unlock_bh(&queue->free_lock);
	}
	req = list_first_entry_or_null(&queue->ready, struct blkback_req, node);
	if (req)
		list_del(&req->node);
	return req;
}

static struct blkback_req *blkback_req_reserve(struct blkback_queue *queue)
{
	struct blkback_req *req;

	spin_lock_bh(&queue->free_lock);
	req = queue->reserve;
	queue->reserve = NULL;
	spin_unlock_bh(&queue->free_lock);
	return req;
}

static void blkback_req_reset(struct blkback_req *req,
			      struct blkback_queue *queue)
{
	req->queue = queue;
	req->seg = req->direct;
	req->status = 0;
	req->nr_segs = 0;
	req->nr_indirect = 0;
	req->sleepy = false;
	req->counted = false;
	req->spare = false;
}

/**
 * blkback_req_alloc() - a request to decode into
 * @queue: its ring
 *
 * Context: process, under memalloc_noio.
 * Return: the request, or NULL: wait until one of those in flight is done.
 */
struct blkback_req *blkback_req_alloc(struct blkback_queue *queue)
{
	struct blkback_req *req = blkback_req_cached(queue);

	if (!req) {
		req = kmem_cache_alloc(blkback_req_cache,
				       GFP_NOIO | __GFP_NORETRY | __GFP_NOWARN);
		if (req)
			req->reserved = false;
	}
	if (!req)
		req = blkback_req_reserve(queue);
	if (req)
		blkback_req_reset(req, queue);
	return req;
}

/**
 * blkback_req_room() - make room for the segments of an indirect request
 * @queue: its ring
 * @req: the request, with @nr_segs set
 *
 * Return: 0, or -ENOMEM while memory is short and another request has the
 * disk's reserve.
 */
int blkback_req_room(struct blkback_queue *queue, struct blkback_req *req)
{
	struct blkback_seg *seg;

	if (req->nr_segs <= BLKBACK_DIRECT_SEGS || req->seg != req->direct)
		return 0;
	seg = kmalloc_array(req->nr_segs, sizeof(*seg),
			    GFP_NOIO | __GFP_NORETRY | __GFP_NOWARN);
	if (!seg && blkback_spare_claim(queue, req))
		seg = queue->device->spare.seg;
	if (!seg)
		return -ENOMEM;
	req->seg = seg;
	return 0;
}

/* Return: true when the ring keeps the request. */
static bool blkback_req_keep(struct blkback_queue *queue,
			     struct blkback_req *req)
{
	if (unlikely(req->reserved)) {
		queue->reserve = req;
		return true;
	}
	if (queue->nr_free >= BLKBACK_FREE_MAX)
		return false;
	list_add(&req->node, &queue->free);
	queue->nr_free++;
	return true;
}

static void blkback_req_unroom(struct blkback_req *req)
{
	if (likely(req->seg == req->direct))
		return;
	kfree(req->seg);
	req->seg = req->direct;
}

/**
 * blkback_req_free_all() - requests are answered
 * @queue: their ring
 * @list: the requests; they hold no page any more
 *
 * Context: softirq or process.
 */
void blkback_req_free_all(struct blkback_queue *queue, struct llist_node *list)
{
	struct blkback_req *req, *next;
	LIST_HEAD(excess);

	llist_for_each_entry(req, list, done)
		blkback_req_unroom(req);
	spin_lock_bh(&queue->free_lock);
	llist_for_each_entry_safe(req, next, list, done)
		if (!blkback_req_keep(queue, req))
			list_add(&req->node, &excess);
	spin_unlock_bh(&queue->free_lock);
	list_for_each_entry_safe(req, next, &excess, node)
		kmem_cache_free(blkback_req_cache, req);
}

static void blkback_req_destroy(struct blkback_req *req)
{
	if (!req)
		return;
	kmem_cache_free(blkback_req_cache, req);
}

/**
 * blkback_req_pool_init() - a ring's requests: the reserve
 * @queue: the ring
 *
 * Return: 0 or -ENOMEM.
 */
int blkback_req_pool_init(struct blkback_queue *queue)
{
	struct blkback_req *req;

	req = kmem_cache_alloc(blkback_req_cache, GFP_KERNEL);
	if (!req)
		return -ENOMEM;
	req->reserved = true;
	queue->reserve = req;
	return 0;
}

/**
 * blkback_req_pool_free() - free a ring's requests; none is in flight
 * @queue: the ring; idempotent
 */
void blkback_req_pool_free(struct blkback_queue *queue)
{
	struct blkback_req *req, *next;

	list_splice_init(&queue->ready, &queue->free);
	list_for_each_entry_safe(req, next, &queue->free, node)
		kmem_cache_free(blkback_req_cache, req);
	INIT_LIST_HEAD(&queue->free);
	queue->nr_free = 0;
	blkback_req_destroy(queue->reserve);
	queue->reserve = NULL;
}
