// SPDX-License-Identifier: GPL-2.0-only
/*
 * The life of a ring: memory, grants and event channel; and what becomes of the
 * requests that are out when it ends.
 */
#include <linux/delay.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/vmalloc.h>

#include "common/grant/lend.h"
#include "frontend/blk/device.h"
#include "frontend/blk/lent.h"
#include "frontend/blk/param.h"
#include "frontend/blk/queue.h"
#include "frontend/blk/trace.h"

/* How long after the last growth, and how often, pages are given back. */
#define QUEUE_TRIM_DELAY	(20 * HZ)
#define QUEUE_TRIMS		5

/* Between two looks at whether the backend has let go of a page. */
#define QUEUE_LOOK_MS		10

static void blkfront_trim(struct work_struct *work);

/**
 * tandem_blkfront_queue_init() - a queue without a ring
 * @queue: zeroed
 * @front: the disk
 * @index: number of the queue
 */
void tandem_blkfront_queue_init(struct blkfront_queue *queue,
				struct blkfront *front, unsigned int index)
{
	spin_lock_init(&queue->lock);
	queue->front = front;
	queue->index = index;
	queue->state = BLKFRONT_QUEUE_DOWN;
	tasklet_setup(&queue->bh, tandem_blkfront_bh);
	INIT_DELAYED_WORK(&queue->trim, blkfront_trim);
}

static int blkfront_alloc_slots(struct blkfront_queue *queue)
{
	u32 size = queue->ring.size;
	u32 i;

	queue->ids = kvcalloc(size, sizeof(*queue->ids), GFP_NOIO);
	queue->slot = kvcalloc(size, sizeof(*queue->slot), GFP_NOIO);
	if (!queue->ids || !queue->slot)
		return -ENOMEM;
	for (i = 0; i < size; i++)
		queue->ids[i] = size - 1 - i;
	queue->nr_ids = size;
	return 0;
}

static void blkfront_free_slots(struct blkfront_queue *queue)
{
	struct blkfront_req **slot = queue->slot;
	u16 *ids = queue->ids;

	spin_lock_bh(&queue->lock);
	queue->ids = NULL;
	queue->slot = NULL;
	queue->nr_ids = 0;
	spin_unlock_bh(&queue->lock);
	kvfree(ids);
	kvfree(slot);
}

/* The ring's pages need not be contiguous but in our own address space. */
static int blkfront_alloc_ring(struct blkfront_queue *queue)
{
	unsigned int nr = 1U << queue->front->transport.ring_order;
	struct tandem_lend lend;
	struct page *page;
	unsigned int i;
	int err;

	queue->memory = __vmalloc(nr * PAGE_SIZE, GFP_NOIO | __GFP_ZERO);
	if (!queue->memory)
		return -ENOMEM;
	err = tandem_lend_begin(&lend, queue->pool.peer, nr);
	if (err)
		return err;
	for (i = 0; i < nr; i++) {
		page = vmalloc_to_page(queue->memory + i * PAGE_SIZE);
		queue->refs[i] = tandem_lend_page(&lend, page, false);
	}
	tandem_lend_end(&lend);
	queue->nr_pages = nr;
	tandem_front_ring_init(&queue->ring, queue->memory, nr * PAGE_SIZE,
			       tandem_blkif_entry(TANDEM_BLKIF_NATIVE));
	return 0;
}

/*
 * A page of a ring that the backend has not let go of: most do so only when they
 * hear that we have closed. One reference is ours until then.
 */
static void blkfront_leave_page(struct blkfront_queue *queue, grant_ref_t ref,
				struct page *page)
{
	struct blkfront_buf *buf = kmalloc(sizeof(*buf), GFP_NOIO);
	struct blkfront_bufs one = { };

	get_page(page);
	if (!buf) {
		tandem_lend_abandon(ref, page);
		queue->stats.stuck++;
		return;
	}
	buf->data = page_address(page);
	buf->ref = ref;
	tandem_blkfront_bufs_add(&one, buf);
	tandem_blkfront_bufs_join(&queue->front->left, &one);
}

static void blkfront_free_ring(struct blkfront_queue *queue)
{
	struct page *page;
	unsigned int i;

	spin_lock_bh(&queue->lock);
	queue->ring.size = 0;
	spin_unlock_bh(&queue->lock);
	for (i = 0; i < queue->nr_pages; i++) {
		if (tandem_lend_revoke(queue->refs[i]))
			continue;
		page = vmalloc_to_page(queue->memory + i * PAGE_SIZE);
		blkfront_leave_page(queue, queue->refs[i], page);
	}
	queue->nr_pages = 0;
	vfree(queue->memory);
	queue->memory = NULL;
}

static int blkfront_alloc_pool(struct blkfront_queue *queue)
{
	struct blkfront_pool *pool = &queue->pool;
	struct blkfront_bufs bufs = { };

	pool->budget = max(tandem_blkfront_budget(), BLKFRONT_BUF_RESERVE + 0U);
	tandem_blkfront_bufs_make(&bufs, pool->peer, BLKFRONT_BUF_RESERVE,
				  GFP_NOIO);
	pool->nr = bufs.nr;
	tandem_blkfront_bufs_put(pool, &bufs);
	return pool->nr == BLKFRONT_BUF_RESERVE ? 0 : -ENOMEM;
}

static void blkfront_free_pool(struct blkfront_queue *queue)
{
	struct blkfront_pool *pool = &queue->pool;
	struct blkfront_bufs bufs = {
		.first = pool->free,
		.nr = pool->nr_free,
	};

	/* Requests have brought theirs back, or it is lost with its grant. */
	WARN_ON_ONCE(pool->nr != pool->nr_free);
	tandem_blkfront_bufs_trim(&bufs);
	tandem_blkfront_bufs_join(&queue->front->left, &bufs);
	pool->free = NULL;
	pool->nr_free = 0;
	pool->nr = 0;
}

static u16 blkfront_most_segs(const struct blkfront *front)
{
	return max_t(u16, front->transport.max_indirect, TANDEM_BLKIF_MAX_SEGS);
}

static bool blkfront_may_lend(const struct blkfront *front)
{
	return !front->transport.persistent && front->trusted;
}

/**
 * tandem_blkfront_queue_suit() - take what the backend offers for requests
 * @queue: not live yet
 */
void tandem_blkfront_queue_suit(struct blkfront_queue *queue)
{
	queue->lends = blkfront_may_lend(queue->front);
	queue->max_segs = blkfront_most_segs(queue->front);
}

/**
 * tandem_blkfront_queue_shrink() - take what the backend offers now, if it is less
 * @queue: may be live
 */
void tandem_blkfront_queue_shrink(struct blkfront_queue *queue)
{
	u16 most = blkfront_most_segs(queue->front);

	WRITE_ONCE(queue->max_segs, min(queue->max_segs, most));
	if (!blkfront_may_lend(queue->front))
		WRITE_ONCE(queue->lends, false);
}

/**
 * tandem_blkfront_queue_open() - make a ring that the backend can be told of
 * @queue: a queue that is down
 *
 * Return: 0 or a negative error, after which the queue is to be closed.
 */
int tandem_blkfront_queue_open(struct blkfront_queue *queue)
{
	struct blkfront *front = queue->front;
	int err;

	queue->pool.peer = front->dev.xdev->otherend_id;
	tandem_blkfront_queue_suit(queue);
	queue->clean = !front->trusted;
	queue->handle = front->vdev;
	queue->why = NULL;
	err = blkfront_alloc_ring(queue);
	if (!err)
		err = blkfront_alloc_slots(queue);
	if (!err)
		err = blkfront_alloc_pool(queue);
	if (!err)
		err = tandem_event_offer(&queue->event, front->dev.xdev,
					 tandem_blkfront_interrupt, queue);
	return err;
}

static struct blkfront_list blkfront_take_list(struct blkfront_queue *queue,
					       struct blkfront_list *list)
{
	struct blkfront_list all;

	spin_lock_bh(&queue->lock);
	all = *list;
	list->first = NULL;
	spin_unlock_bh(&queue->lock);
	return all;
}

static void blkfront_finish(struct blkfront_req *req, blk_status_t status)
{
	struct request *rq = blkfront_rq(req);

	blk_mq_set_request_complete(rq);
	blk_mq_end_request(rq, status);
}

/*
 * What an earlier connection left was meant for its backend: another one may
 * know other operations. Nobody else sends yet.
 */
static void blkfront_choose_anew(struct blkfront_queue *queue)
{
	struct blkfront_list left = blkfront_take_list(queue, &queue->backlog);
	struct blkfront_list again = { };
	struct blkfront_req *req;
	blk_status_t status;

	while ((req = blkfront_list_pop(&left))) {
		status = tandem_blkfront_req_init(queue, req);
		if (likely(!status))
			blkfront_list_add(&again, req);
		else if (req_op(blkfront_rq(req)) == REQ_OP_FLUSH)
			blkfront_finish(req, BLK_STS_OK);
		else
			blkfront_finish(req, status);
	}
	spin_lock_bh(&queue->lock);
	queue->backlog = again;
	spin_unlock_bh(&queue->lock);
}

/**
 * tandem_blkfront_queue_start() - the backend is there
 * @queue: an open queue; one that is dead stays so
 *
 * Sends first what an earlier connection left.
 */
void tandem_blkfront_queue_start(struct blkfront_queue *queue)
{
	blkfront_choose_anew(queue);
	tasklet_disable(&queue->bh);
	spin_lock_bh(&queue->lock);
	if (queue->state == BLKFRONT_QUEUE_DOWN)
		queue->state = BLKFRONT_QUEUE_LIVE;
	spin_unlock_bh(&queue->lock);
	tandem_blkfront_resend(queue);
	tasklet_enable(&queue->bh);
}

/* Out of service; the dead stay dead. */
static void blkfront_leave_state(struct blkfront_queue *queue,
				 enum blkfront_queue_state state)
{
	spin_lock_bh(&queue->lock);
	if (queue->state != BLKFRONT_QUEUE_DEAD)
		queue->state = state;
	spin_unlock_bh(&queue->lock);
}

/**
 * tandem_blkfront_queue_halt() - nothing is sent or taken any more
 * @queue: a queue in any state
 * @state: BLKFRONT_QUEUE_DOWN or BLKFRONT_QUEUE_DEAD; the dead stay dead
 *
 * When this returns, neither the interrupt nor the bottom half runs, and no
 * response is believed. Idempotent.
 *
 * Context: process.
 */
void tandem_blkfront_queue_halt(struct blkfront_queue *queue,
				enum blkfront_queue_state state)
{
	blkfront_leave_state(queue, state);
	tandem_event_unbind(&queue->event);
	tasklet_kill(&queue->bh);
	queue->event_due = false;
}

/**
 * tandem_blkfront_queue_sever() - we may be on another host
 * @queue: a queue in any state; the dead stay dead
 *
 * Nothing is sent until the next connection, to whoever has the backend's number here.
 */
void tandem_blkfront_queue_sever(struct blkfront_queue *queue)
{
	blkfront_leave_state(queue, BLKFRONT_QUEUE_DOWN);
}

static int blkfront_seq_cmp(const void *a, const void *b)
{
	const struct blkfront_req *const *x = a, *const *y = b;

	return (s32)((*x)->seq - (*y)->seq);
}

static void blkfront_put_bufs(struct blkfront_queue *queue,
			      struct blkfront_req *req)
{
	tandem_blkfront_bufs_put(&queue->pool, &req->bufs);
	if (req->indirect)
		tandem_blkfront_buf_put(&queue->pool, req->indirect);
	req->indirect = NULL;
}

/*
 * Take the requests that are out off the queue, in the order in which they were
 * sent, and their pages back into the pool: a page of the pool may still be
 * mapped, but then it never leaves the pool for the allocator.
 */
static void blkfront_take_out(struct blkfront_queue *queue,
			      struct blkfront_list *out)
{
	unsigned int nr = 0;
	unsigned int i;
	u32 id;

	spin_lock_bh(&queue->lock);
	for (id = 0; queue->slot && id < queue->ring.size; id++) {
		if (!queue->slot[id])
			continue;
		swap(queue->slot[nr], queue->slot[id]);
		nr++;
	}
	if (nr)
		sort(queue->slot, nr, sizeof(*queue->slot), blkfront_seq_cmp,
		     NULL);
	for (i = 0; i < nr; i++) {
		blkfront_put_bufs(queue, queue->slot[i]);
		blkfront_list_add(out, queue->slot[i]);
		queue->slot[i] = NULL;
	}
	spin_unlock_bh(&queue->lock);
}

/* False when the backend has not let go of the request's pages in time. */
static bool blkfront_wait_unlend(struct blkfront_req *req,
				 unsigned long deadline)
{
	while (!tandem_blkfront_unlend(req)) {
		if (time_after(jiffies, deadline))
			return false;
		msleep(QUEUE_LOOK_MS);
	}
	return true;
}

/**
 * tandem_blkfront_fail() - end a request with an error
 * @req: the request; no page of it is lent, or used again
 */
void tandem_blkfront_fail(struct blkfront_req *req)
{
	blkfront_finish(req, BLK_STS_IOERR);
}

static void blkfront_give_up(struct blkfront_queue *queue,
			     struct blkfront_req *req)
{
	queue->stats.stuck += tandem_blkfront_lent_abandon(req);
	tandem_blkfront_fail(req);
}

/**
 * tandem_blkfront_hold() - the backend has a page of a request, and must not
 * @queue: the queue
 * @req: request that tandem_blkfront_unlend() said false of
 *
 * It is held until the queue ends, which waits a while for the backend to let go.
 * A dead queue may have ended already, so the request does, and the page stays
 * with the grant table.
 *
 * Context: any but hard interrupts.
 */
void tandem_blkfront_hold(struct blkfront_queue *queue,
			  struct blkfront_req *req)
{
	bool dead;

	spin_lock_bh(&queue->lock);
	dead = queue->state == BLKFRONT_QUEUE_DEAD;
	if (!dead) {
		blkfront_list_add(&queue->held, req);
		tandem_blkfront_queue_break(queue, "page still mapped",
					    req->slot);
	}
	spin_unlock_bh(&queue->lock);
	if (dead)
		blkfront_give_up(queue, req);
}

/*
 * Requests that were out go back before those that wait, so that a new
 * connection sends them again first, and in their order. Where the backend
 * could still write into a request's own page, that request fails.
 */
static void blkfront_recall(struct blkfront_queue *queue,
			    unsigned long deadline)
{
	struct blkfront_list out = { }, again = { }, waiting;
	struct blkfront_req *req;

	waiting = blkfront_take_list(queue, &queue->backlog);
	blkfront_take_out(queue, &out);
	while ((req = blkfront_list_pop(&out))) {
		if (blkfront_wait_unlend(req, deadline)) {
			blkfront_list_add(&again, req);
			queue->stats.replayed++;
		} else {
			blkfront_give_up(queue, req);
		}
	}
	while ((req = blkfront_list_pop(&waiting)))
		blkfront_list_add(&again, req);
	spin_lock_bh(&queue->lock);
	queue->backlog = again;
	spin_unlock_bh(&queue->lock);
}

static void blkfront_end_list(struct blkfront_queue *queue,
			      struct blkfront_list *list,
			      unsigned long deadline)
{
	struct blkfront_req *req;

	while ((req = blkfront_list_pop(list))) {
		if (blkfront_wait_unlend(req, deadline))
			tandem_blkfront_fail(req);
		else
			blkfront_give_up(queue, req);
	}
}

static void blkfront_end_held(struct blkfront_queue *queue,
			      unsigned long deadline)
{
	struct blkfront_list held = blkfront_take_list(queue, &queue->held);

	blkfront_end_list(queue, &held, deadline);
}

static void blkfront_end_backlog(struct blkfront_queue *queue)
{
	struct blkfront_list list = blkfront_take_list(queue, &queue->backlog);
	struct blkfront_req *req;

	while ((req = blkfront_list_pop(&list)))
		tandem_blkfront_fail(req);
}

/**
 * tandem_blkfront_queue_close() - let go of a ring
 * @queue: a halted queue, open or not
 * @deadline: in jiffies; how long to wait for the backend to let go of pages
 *            that are not ours
 *
 * Afterwards nothing of this connection can touch our memory, except for pages
 * that the backend has not let go of, which are never used again unless it
 * does. Requests that were out wait for the next connection, or fail when the
 * queue is dead.
 *
 * No lock: the queue is halted, so interrupt and bottom half are gone, and the
 * block layer does not send (it is quiesced) or is refused because of the
 * state. Only a trim could be under way.
 *
 * Context: process.
 */
void tandem_blkfront_queue_close(struct blkfront_queue *queue,
				 unsigned long deadline)
{
	cancel_delayed_work_sync(&queue->trim);
	blkfront_recall(queue, deadline);
	blkfront_end_held(queue, deadline);
	if (queue->state == BLKFRONT_QUEUE_DEAD)
		blkfront_end_backlog(queue);
	blkfront_free_pool(queue);
	blkfront_free_slots(queue);
	if (queue->memory)
		blkfront_free_ring(queue);
}

/**
 * tandem_blkfront_queue_adopt() - hand over what waits on a queue without a ring
 * @from: a queue that this connection does not use, or @to itself
 * @to: one that it does
 *
 * Context: process, with both queues down.
 */
void tandem_blkfront_queue_adopt(struct blkfront_queue *from,
				 struct blkfront_queue *to)
{
	struct blkfront_list all;
	struct blkfront_req *req;

	if (from == to)
		return;
	/* The disk may be removed meanwhile, which fails what either one has. */
	all = blkfront_take_list(from, &from->backlog);
	spin_lock_bh(&to->lock);
	while ((req = blkfront_list_pop(&all)))
		blkfront_list_add(&to->backlog, req);
	spin_unlock_bh(&to->lock);
}

/**
 * tandem_blkfront_queue_revive() - a dead queue may be opened again
 * @queue: a closed queue, for which there is no disk any more
 */
void tandem_blkfront_queue_revive(struct blkfront_queue *queue)
{
	spin_lock_bh(&queue->lock);
	if (!READ_ONCE(queue->front->dead))
		queue->state = BLKFRONT_QUEUE_DOWN;
	spin_unlock_bh(&queue->lock);
}

/**
 * tandem_blkfront_queue_kill() - fail what is out or waits, at once
 * @queue: a queue in any state, also while it is opened or closed elsewhere
 * @deadline: in jiffies; how long to wait for the backend to let go of pages
 *            of requests
 *
 * The device has gone from the bus, or its backend is not believed any more.
 * Whoever waits for a request, the device's work among them, then goes on and
 * finds the queue dead.
 *
 * Context: process.
 */
void tandem_blkfront_queue_kill(struct blkfront_queue *queue,
				unsigned long deadline)
{
	struct blkfront_list out = { };

	spin_lock_bh(&queue->lock);
	queue->state = BLKFRONT_QUEUE_DEAD;
	spin_unlock_bh(&queue->lock);
	/* A bottom half that runs may be about to hold or to resend one. */
	tasklet_disable(&queue->bh);
	tasklet_enable(&queue->bh);
	blkfront_take_out(queue, &out);
	blkfront_end_list(queue, &out, deadline);
	blkfront_end_held(queue, deadline);
	blkfront_end_backlog(queue);
}

/**
 * tandem_blkfront_queue_push() - publish what was put on the ring
 * @queue: the queue, locked and live
 *
 * Return: true if the backend is to be told, which needs no lock.
 */
bool tandem_blkfront_queue_push(struct blkfront_queue *queue)
{
	bool notify = tandem_front_ring_push(&queue->ring);

	lockdep_assert_held(&queue->lock);
	queue->stats.pushes++;
	trace_blkfront_push(queue, notify);
	return notify;
}

/**
 * tandem_blkfront_queue_commit() - publish what was put on the ring
 * @queue: the queue
 */
void tandem_blkfront_queue_commit(struct blkfront_queue *queue)
{
	bool notify = false;

	spin_lock_bh(&queue->lock);
	if (queue->state == BLKFRONT_QUEUE_LIVE)
		notify = tandem_blkfront_queue_push(queue);
	spin_unlock_bh(&queue->lock);
	if (notify)
		tandem_event_notify(&queue->event);
}

/**
 * tandem_blkfront_queue_grow() - make more pages, if there is a budget for them
 * @queue: the queue
 * @want: pages of data that a request needs
 *
 * Never waits and never takes what memory is left: without more pages, requests
 * go in parts.
 *
 * Context: any but hard interrupts.
 */
void tandem_blkfront_queue_grow(struct blkfront_queue *queue,
				unsigned int want)
{
	struct blkfront_pool *pool = &queue->pool;
	struct blkfront_bufs bufs = { };
	unsigned int bufs_made, nr = 0;

	spin_lock_bh(&queue->lock);
	if (queue->state == BLKFRONT_QUEUE_LIVE && pool->nr_free <= want)
		nr = min(want + 1 - pool->nr_free, pool->budget - pool->nr);
	pool->nr += nr;
	spin_unlock_bh(&queue->lock);
	if (!nr)
		return;
	tandem_blkfront_bufs_make(&bufs, pool->peer, nr,
				  GFP_NOWAIT | __GFP_NOWARN | __GFP_NOMEMALLOC);
	spin_lock_bh(&queue->lock);
	bufs_made = bufs.nr;
	pool->nr -= nr - bufs_made;
	queue->stats.grown += bufs_made;
	tandem_blkfront_bufs_put(pool, &bufs);
	queue->trims = 0;
	trace_blkfront_grant(queue, bufs_made);
	spin_unlock_bh(&queue->lock);
	schedule_delayed_work(&queue->trim, QUEUE_TRIM_DELAY);
}

/* Take what is not in use, beyond the reserve, out of the pool. */
static void blkfront_take_idle(struct blkfront_queue *queue,
			       struct blkfront_bufs *bufs)
{
	struct blkfront_pool *pool = &queue->pool;

	spin_lock_bh(&queue->lock);
	while (queue->state == BLKFRONT_QUEUE_LIVE &&
	       pool->nr_free > BLKFRONT_BUF_RESERVE)
		tandem_blkfront_bufs_add(bufs, tandem_blkfront_buf_take(pool));
	spin_unlock_bh(&queue->lock);
}

static void blkfront_put_idle(struct blkfront_queue *queue,
			      struct blkfront_bufs *bufs, unsigned int trimmed)
{
	spin_lock_bh(&queue->lock);
	tandem_blkfront_bufs_put(&queue->pool, bufs);
	queue->pool.nr -= trimmed;
	queue->stats.trimmed += trimmed;
	trace_blkfront_grant(queue, -(int)trimmed);
	spin_unlock_bh(&queue->lock);
}

/*
 * A while after the pool grew: when the disk has been idle since the last look,
 * give back what the backend does not keep mapped, and look again a few times,
 * as the backend may be slow to let go. Then all is quiet.
 */
static void blkfront_trim(struct work_struct *work)
{
	struct blkfront_queue *queue = container_of(to_delayed_work(work),
						    struct blkfront_queue,
						    trim);
	u64 sent = READ_ONCE(queue->stats.sent);
	struct blkfront_bufs bufs = { };
	unsigned int nr;

	if (sent == queue->trim_sent) {
		blkfront_take_idle(queue, &bufs);
		nr = bufs.nr;
		tandem_blkfront_bufs_trim(&bufs);
		nr -= bufs.nr;
		if (!bufs.nr || ++queue->trims >= QUEUE_TRIMS) {
			blkfront_put_idle(queue, &bufs, nr);
			return;
		}
		blkfront_put_idle(queue, &bufs, nr);
	}
	queue->trim_sent = sent;
	schedule_delayed_work(&queue->trim, QUEUE_TRIM_DELAY);
}

/**
 * tandem_blkfront_queue_busy() - is anything out, or waiting to be sent
 * @queue: the queue
 *
 * Return: true if so.
 */
bool tandem_blkfront_queue_busy(struct blkfront_queue *queue)
{
	bool busy;

	spin_lock_bh(&queue->lock);
	busy = queue->backlog.first ||
	       (queue->slot && queue->nr_ids != queue->ring.size);
	spin_unlock_bh(&queue->lock);
	return busy;
}
