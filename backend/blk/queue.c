// SPDX-License-Identifier: GPL-2.0-only
/*
 * One ring: its worker and its life. What the worker does is in drain.c (decode,
 * get the data, submit) and respond.c (complete, respond, notify), each for a
 * batch.
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
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "backend/blk/data.h"
#include "backend/blk/device.h"
#include "backend/blk/drain.h"
#include "backend/blk/params.h"
#include "backend/blk/queue.h"
#include "backend/blk/store.h"
#include "backend/blk/trace.h"
#include "common/grant/shared.h"

/* Batches before the worker lets others have the CPU. */
#define BLKBACK_ROUNDS		16

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

/* One batch, and the answer to what completed meanwhile. */
static void blkback_queue_round(struct blkback_queue *queue)
{
	WRITE_ONCE(queue->draining, true);
	if (likely(!READ_ONCE(queue->dead)))
		blkback_queue_drain(queue);
	else
		blkback_queue_leave(queue);
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

	if (READ_ONCE(queue->dead) || queue->halted || !list_empty(&queue->parked) ||
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
	if (READ_ONCE(queue->dead) || queue->halted || !list_empty(&queue->parked) ||
	    queue->starved || blkback_queue_held(queue) ||
	    queue->taken == queue->taken_at_poll)
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
	/* What another ring's barrier holds up is work, too. */
	had_work = queue->taken != queue->taken_at_eoi ||
		   !list_empty(&queue->parked) || blkback_queue_held(queue);
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
	INIT_LIST_HEAD(&queue->parked);
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

	/* When it cannot, the bus writes our state: not to another disk's node. */
	if (!tandem_device_write_begin(&queue->device->base))
		return -ESHUTDOWN;
	err = tandem_shared_map(queue->device->xbdev, refs, nr_refs, &shared);
	tandem_device_write_end(&queue->device->base);
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
	/*
	 * Pairs with the count in blkback_queue_claim(), and with the barrier
	 * in blkback_device_barrier_begin().
	 */
	smp_mb();
	/* A barrier does not wait any more for what this ring has not taken. */
	blkback_device_barrier_look(queue->device);
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
 * blkback_queue_busy() - will the store yet hear of requests of this ring
 * @queue: connected or not
 *
 * Context: process; the device's @lock is held, so that the ring stays mapped.
 * Return: true when a request is taken and not answered, or waits to be taken.
 */
bool blkback_queue_busy(struct blkback_queue *queue)
{
	bool waits = queue->shared && !READ_ONCE(queue->dead) &&
		     !READ_ONCE(queue->halted) &&
		     blkback_queue_pending(queue) > 0;

	/*
	 * Pairs with blkback_queue_claim(), which counts before it takes: what
	 * did not wait any more is seen in flight.
	 */
	smp_rmb();
	return waits || !blkback_queue_idle(queue);
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
