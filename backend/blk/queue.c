// SPDX-License-Identifier: GPL-2.0-only
/*
 * One ring: drain, decode, get the data, submit, complete, respond, notify,
 * each for a batch.
 *
 * Who runs when:
 *
 *  - The interrupt handler only queues the worker. The event channel stays
 *    masked until the worker has found the ring empty, so a frontend's storm
 *    costs one interrupt per run of the worker.
 *  - The worker, one per ring at a time, takes requests and submits them.
 *    What completes while it does so it answers itself, in one push.
 *  - What completes later is answered from a tasklet: many completions of one
 *    interrupt of the disk leave as one push. Only completions that must unmap
 *    or copy through the grant table, which may sleep, go to the worker.
 *
 * Teardown, and why it is safe. blkback_queue_stop() makes the ring dead and
 * unbinds the event, so nothing new is taken; requests in flight keep the ring
 * and its pages. The one that brings @inflight to zero tells the device, which
 * calls blkback_queue_release() from its own worker: it waits for the tasklet
 * and the worker, whose last act may have been that very decrement, and then
 * nobody is left who knows the ring. Nothing in this waits for the peer, and
 * nothing waits for the disk.
 */
#include <linux/rcupdate.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "backend/blk/data.h"
#include "backend/blk/device.h"
#include "backend/blk/params.h"
#include "backend/blk/queue.h"
#include "backend/blk/store.h"
#include "backend/blk/trace.h"
#include "common/grant/shared.h"

/* Requests per batch: enough to share the cost, few enough to be fair. */
#define BLKBACK_BATCH		64
/* Batches before the worker lets others have the CPU. */
#define BLKBACK_ROUNDS		16
/* How long to wait after a shortage before trying again. */
#define BLKBACK_RETRY_MS	10

static struct workqueue_struct *blkback_queue_wq;

/**
 * blkback_queue_kick() - have the ring looked at
 * @queue: the ring
 *
 * Context: any.
 */
void blkback_queue_kick(struct blkback_queue *queue)
{
	queue_work(blkback_queue_wq, &queue->work);
}

static irqreturn_t blkback_queue_irq(int irq, void *arg)
{
	struct blkback_queue *queue = arg;

	WRITE_ONCE(queue->eoi_owed, true);
	blkback_queue_kick(queue);
	return IRQ_HANDLED;
}

static void blkback_queue_retry(struct timer_list *timer)
{
	blkback_queue_kick(container_of(timer, struct blkback_queue, retry));
}

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

/* The last request of a dead ring, or of all before a barrier, is gone. */
static void blkback_queue_settled(struct blkback_queue *queue, unsigned int nr)
{
	struct blkback_device *device = queue->device;
	struct blkback_queue *owner;

	/*
	 * Read while ours are still counted: with the last of a dead ring gone,
	 * only the waits in blkback_queue_quiesce() keep the memory. A barrier
	 * that comes later counts without ours: the decrement is a full
	 * barrier, and pairs with the one in blkback_device_barrier_begin().
	 */
	if (!atomic_sub_return(nr, &queue->inflight) && READ_ONCE(queue->dead))
		blkback_device_drained(device);
	owner = READ_ONCE(device->barrier);
	if (unlikely(owner))
		blkback_queue_kick(owner);
	if (unlikely(READ_ONCE(queue->parked)))
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

/* In the worker: answers all that is completed. */
static void blkback_queue_finish(struct blkback_queue *queue)
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

/* In the tasklet: answers all that needs no sleeping call. */
static void blkback_queue_bh(struct tasklet_struct *bh)
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

static void blkback_queue_fail(struct blkback_queue *queue,
			       struct blkback_req *req)
{
	llist_add(&req->done, &queue->done);
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
	req->status = status;
	req->sleepy = false;
}

static void blkback_queue_short(struct blkback_queue *queue,
				struct blkback_req *req)
{
	WRITE_ONCE(queue->parked, req);
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
		WRITE_ONCE(queue->parked, req);
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

static void blkback_queue_submit(struct blkback_queue *queue,
				 struct list_head *batch)
{
	struct blkback_req *req, *next;

	if (list_empty(batch))
		return;
	blkback_data_flush(queue);
	list_for_each_entry_safe(req, next, batch, node) {
		trace_blkback_req(queue, req);
		if (unlikely(req->status)) {
			list_del(&req->node);
			req->sleepy = true;
			blkback_queue_fail(queue, req);
		}
	}
	/* Not held while the store waits, perhaps for another ring of ours. */
	blkback_data_rest(queue);
	blkback_store_submit(queue->device->store, batch);
}

/* A barrier holds this ring up: another's, or its own that has started. */
static bool blkback_queue_held(const struct blkback_queue *queue)
{
	const struct blkback_queue *owner;

	/* Pairs with blkback_barrier_take(): with the barrier comes @ahead. */
	owner = smp_load_acquire(&queue->device->barrier);
	if (likely(!owner))
		return false;
	return owner == queue ? queue->barrier_out : !READ_ONCE(queue->ahead);
}

static int blkback_queue_pending(struct blkback_queue *queue)
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
	struct blkback_queue *owner;

	if (likely(READ_ONCE(queue->ahead) != BLKBACK_AHEAD_COUNT))
		return;
	queue->ahead_left -= taken;
	if (queue->ahead_left)
		return;
	/* Pairs with blkback_barrier_behind(). */
	smp_store_release(&queue->ahead, BLKBACK_AHEAD_NONE);
	owner = READ_ONCE(queue->device->barrier);
	if (owner)
		blkback_queue_kick(owner);
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

/* Takes and submits up to a batch. Return: how many were taken. */
static unsigned int blkback_queue_drain(struct blkback_queue *queue)
{
	struct blkback_req *req = queue->parked;
	unsigned int taken = 0;
	LIST_HEAD(batch);
	bool go = true;
	int nr;

	queue->starved = false;
	if (queue->halted)
		return 0;
	/* What a barrier waits for must get on, also when it waits itself. */
	if (req && (!(req->flags & TANDEM_BLKIF_F_BARRIER) ||
		    !blkback_queue_held(queue))) {
		WRITE_ONCE(queue->parked, NULL);
		go = blkback_queue_prepare(queue, req, &batch);
	} else if (req) {
		go = false;
	}
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
	struct blkback_req *req = queue->parked;

	if (!req)
		return;
	WRITE_ONCE(queue->parked, NULL);
	if (req->nr_indirect)
		req->nr_segs = 0;
	req->status = TANDEM_BLKIF_RSP_ERROR;
	blkback_queue_fail(queue, req);
}

/* One batch, and the answer to what completed meanwhile. */
static void blkback_queue_round(struct blkback_queue *queue)
{
	WRITE_ONCE(queue->draining, true);
	if (likely(!READ_ONCE(queue->dead)))
		blkback_queue_drain(queue);
	else
		blkback_queue_drop_parked(queue);
	blkback_queue_finish(queue);
	WRITE_ONCE(queue->draining, false);
	/* Pairs with llist_add() in blkback_queue_done(). */
	smp_mb();
	if (!llist_empty(&queue->done))
		blkback_queue_finish(queue);
}

/* Return: true when there is more to take now. */
static bool blkback_queue_arm(struct blkback_queue *queue)
{
	bool more;

	if (READ_ONCE(queue->dead) || queue->halted || queue->parked ||
	    queue->starved || blkback_queue_held(queue))
		return false;
	spin_lock_bh(&queue->rsp_lock);
	more = tandem_back_ring_arm(&queue->ring, 1);
	spin_unlock_bh(&queue->rsp_lock);
	return more;
}

static bool blkback_queue_look(void *arg)
{
	return blkback_queue_pending(arg) > 0;
}

/* Return: true when more came while it was waited for. */
static bool blkback_queue_poll(struct blkback_queue *queue)
{
	if (READ_ONCE(queue->dead) || queue->halted || queue->parked ||
	    queue->starved || queue->taken == queue->taken_at_poll)
		return false;
	queue->taken_at_poll = queue->taken;
	if (!tandem_event_poll(blkback_queue_look, queue,
			       blkback_param_poll_us()))
		return false;
	queue->stats.polls++;
	return true;
}

static void blkback_queue_eoi(struct blkback_queue *queue)
{
	bool had_work;

	if (!READ_ONCE(queue->eoi_owed) || READ_ONCE(queue->dead))
		return;
	WRITE_ONCE(queue->eoi_owed, false);
	had_work = queue->taken != queue->taken_at_eoi || queue->parked;
	queue->taken_at_eoi = queue->taken;
	tandem_event_done(&queue->event, had_work);
}

static void blkback_queue_work(struct work_struct *work)
{
	struct blkback_queue *queue = container_of(work, struct blkback_queue,
						   work);
	unsigned int noio = memalloc_noio_save();
	unsigned int rounds = 0;
	bool more;

	do {
		blkback_queue_round(queue);
		more = blkback_queue_poll(queue) || blkback_queue_arm(queue);
	} while (more && ++rounds < BLKBACK_ROUNDS);
	if (more)
		blkback_queue_kick(queue);
	else
		blkback_queue_eoi(queue);
	if (unlikely(READ_ONCE(queue->squeeze))) {
		WRITE_ONCE(queue->squeeze, false);
		tandem_pages_free(&queue->pages);
	}
	blkback_data_rest(queue);
	memalloc_noio_restore(noio);
}

/**
 * blkback_queue_squeeze() - memory is short: give back what is not in use
 * @queue: the ring
 *
 * Only noted: giving pages back takes a lock under which others allocate.
 *
 * Context: any, also reclaim.
 */
void blkback_queue_squeeze(struct blkback_queue *queue)
{
	WRITE_ONCE(queue->squeeze, true);
	blkback_queue_kick(queue);
}

/**
 * blkback_queue_init() - a ring that is not connected
 * @queue: zeroed memory
 * @device: its device
 * @index: its number
 */
void blkback_queue_init(struct blkback_queue *queue,
			struct blkback_device *device, unsigned int index)
{
	queue->device = device;
	queue->index = index;
	queue->dead = true;
	INIT_WORK(&queue->work, blkback_queue_work);
	timer_setup(&queue->retry, blkback_queue_retry, 0);
	tasklet_setup(&queue->bh, blkback_queue_bh);
	init_llist_head(&queue->done);
	init_llist_head(&queue->sleepy);
	spin_lock_init(&queue->rsp_lock);
	atomic_set(&queue->inflight, 0);
	INIT_LIST_HEAD(&queue->ready);
	INIT_LIST_HEAD(&queue->free);
	spin_lock_init(&queue->free_lock);
	tandem_pages_init(&queue->pages);
}

static int blkback_queue_map_ring(struct blkback_queue *queue,
				  grant_ref_t *refs, unsigned int nr_refs)
{
	size_t bytes = nr_refs * XEN_PAGE_SIZE;
	u32 entry = tandem_blkif_entry(queue->abi);
	void *shared;
	int err;

	err = tandem_shared_map(queue->device->xbdev, refs, nr_refs, &shared);
	if (err)
		return err;
	/*
	 * A frontend that is connected already kept its ring while our driver
	 * was bound anew: go on where the last backend answered. For a fresh
	 * ring both are zero.
	 */
	err = tandem_back_ring_attach(&queue->ring, shared, bytes, entry);
	if (err) {
		tandem_shared_unmap(queue->device->xbdev, shared);
		return err;
	}
	mutex_lock(&queue->device->lock);
	queue->shared = shared;
	mutex_unlock(&queue->device->lock);
	return 0;
}

/* Readers in debugfs stop looking before it goes. */
static void blkback_queue_unmap_ring(struct blkback_queue *queue)
{
	void *shared = queue->shared;

	mutex_lock(&queue->device->lock);
	queue->shared = NULL;
	mutex_unlock(&queue->device->lock);
	tandem_shared_unmap(queue->device->xbdev, shared);
}

/**
 * blkback_queue_connect() - map a frontend's ring and begin to serve it
 * @queue: a ring that is not connected, with @abi and @persistent set
 * @refs: references of the ring's pages
 * @nr_refs: how many, a power of two
 * @port: the frontend's event channel
 *
 * Context: process; may sleep.
 * Return: 0 or a negative error; nothing is held then.
 */
int blkback_queue_connect(struct blkback_queue *queue, grant_ref_t *refs,
			  unsigned int nr_refs, evtchn_port_t port)
{
	int err;

	tandem_kept_init(&queue->kept, queue->persistent ?
			 blkback_param_max_kept() : 0);
	err = blkback_req_pool_init(queue);
	if (err)
		return err;
	err = blkback_queue_map_ring(queue, refs, nr_refs);
	if (err)
		goto free_pool;
	queue->eoi_owed = false;
	err = tandem_event_bind_peer(&queue->event, queue->device->xbdev, port,
				     blkback_queue_irq, queue);
	if (err)
		goto unmap_ring;
	/* Only now: until here others may have kicked a ring that is not one. */
	WRITE_ONCE(queue->dead, false);
	/* What was put in the ring before we were bound brought no event. */
	blkback_queue_kick(queue);
	/*
	 * Nor does the frontend know of responses that the last backend wrote
	 * on its way out, and its mark for the next event may lie before them.
	 */
	tandem_event_notify(&queue->event);
	return 0;

unmap_ring:
	blkback_queue_unmap_ring(queue);
free_pool:
	blkback_req_pool_free(queue);
	return err;
}

/**
 * blkback_queue_stop() - take no more requests
 * @queue: connected or not; idempotent
 *
 * Those in flight complete; blkback_device_drained() is called when none is
 * left, at once if there was none.
 *
 * Context: process; waits for a running interrupt handler, for nothing else.
 */
void blkback_queue_stop(struct blkback_queue *queue)
{
	if (READ_ONCE(queue->dead))
		return;
	WRITE_ONCE(queue->dead, true);
	/* Pairs with the count in blkback_queue_claim(). */
	smp_mb();
	tandem_event_unbind(&queue->event);
	blkback_queue_kick(queue);
}

/**
 * blkback_queue_idle() - is nothing in flight
 * @queue: the ring
 *
 * Return: true when no request is taken and not answered.
 */
bool blkback_queue_idle(const struct blkback_queue *queue)
{
	return !atomic_read(&queue->inflight);
}

/**
 * blkback_queue_quiesce() - wait until nobody runs for a stopped, idle ring
 * @queue: the ring
 *
 * A ring's last run may kick its siblings, so this is called for all of them,
 * twice, before any is released: in the second round nobody is left to kick.
 *
 * Context: process; waits for the worker and the tasklet, which have nothing
 * left to wait for.
 */
void blkback_queue_quiesce(struct blkback_queue *queue)
{
	tandem_timer_end(&queue->retry);
	cancel_work_sync(&queue->work);
	tasklet_kill(&queue->bh);
}

/**
 * blkback_queue_release() - give back all that a quiet ring holds
 * @queue: connected or not
 *
 * Context: process; may sleep.
 */
void blkback_queue_release(struct blkback_queue *queue)
{
	if (!queue->shared)
		return;
	blkback_data_forget(queue);
	blkback_req_pool_free(queue);
	blkback_queue_unmap_ring(queue);
}

/**
 * blkback_queue_module_init() - the workqueue that all rings share
 *
 * Return: 0 or -ENOMEM.
 */
int blkback_queue_module_init(void)
{
	/* Memory may be written back through us: a rescuer is needed. */
	blkback_queue_wq = alloc_workqueue("tandem_blkback", WQ_MEM_RECLAIM, 0);
	return blkback_queue_wq ? 0 : -ENOMEM;
}

/**
 * blkback_queue_module_exit() - the counterpart; no ring exists
 */
void blkback_queue_module_exit(void)
{
	destroy_workqueue(blkback_queue_wq);
}
