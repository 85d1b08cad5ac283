// SPDX-License-Identifier: GPL-2.0-only
/*
 * Orphans: devices that left the bus with I/O in flight.
 *
 * An orphan answers on its frontend's ring until its last request has ended. The
 * bus may have given the device to us anew by then, with that frontend still
 * connected: two of us on one ring would both take, and both answer, what one of
 * them has taken already. So the newcomer connects when the orphan has gone.
 *
 * Nor does it while another domain of the same machine, in a migration to the same
 * host, has writes in flight on the same store, orphan or not.
 */
#include <linux/list.h>
#include <linux/module.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

#include "backend/blk/device.h"
#include "backend/blk/orphan.h"
#include "backend/blk/owner.h"

/*
 * Devices on the bus, and orphans. Of them no lock is waited for inside but a kick's
 * and a ring's.
 */
static DEFINE_SPINLOCK(blkback_orphan_lock);
static LIST_HEAD(blkback_orphan_list);
static u64 blkback_orphan_serial;
static DECLARE_WAIT_QUEUE_HEAD(blkback_orphan_ended);

/* The frontend's end goes with the device; its own name stays. */
static bool blkback_orphan_same(const struct blkback_device *a,
				const struct blkback_device *b)
{
	return a != b && !strcmp(a->xbdev->nodename, b->xbdev->nodename);
}

static void blkback_orphan_work(struct work_struct *work)
{
	struct blkback_device *device = container_of(work,
						     struct blkback_device,
						     orphan_work);

	/* Whoever queued us may still be on its way out. */
	spin_lock_irq(&device->settled.lock);
	spin_unlock_irq(&device->settled.lock);
	if (!blkback_disconnect_finish(device))
		return;
	/*
	 * Its last waker, or the timer, may have queued us once more. Of wakers
	 * none is left now, and after its end nobody arms the timer.
	 */
	tandem_timer_end(&device->recheck);
	cancel_work(&device->orphan_work);
	dev_info(&device->xbdev->dev, "the last I/O has ended; released\n");
	blkback_device_free(device);
	module_put(THIS_MODULE);
}

/**
 * blkback_orphan_init() - a device that may become an orphan, or wait for one
 * @device: zeroed but for its place on the bus
 */
void blkback_orphan_init(struct blkback_device *device)
{
	INIT_WORK(&device->orphan_work, blkback_orphan_work);
	spin_lock(&blkback_orphan_lock);
	device->serial = ++blkback_orphan_serial;
	list_add(&device->node, &blkback_orphan_list);
	spin_unlock(&blkback_orphan_lock);
}

/**
 * blkback_orphan_begin() - a device leaves the bus with I/O in flight
 * @device: a device that takes nothing any more
 *
 * It keeps the store, the rings, a reference on the bus's device and one on this
 * module, and the end of its last request frees it.
 */
void blkback_orphan_begin(struct blkback_device *device)
{
	__module_get(THIS_MODULE);
	/* Nobody else may open what its I/O may still write to, not even us. */
	if (device->store)
		blkback_claim_retire(device->store->claim);
	dev_warn(&device->xbdev->dev,
		 "removed with I/O in flight on %s; kept until it ends\n",
		 device->store ? device->store->path : "nothing");
	spin_lock_irq(&device->settled.lock);
	WRITE_ONCE(device->orphan, true);
	/* The last request may have ended before it could see that. */
	queue_work(blkback_store_wq, &device->orphan_work);
	spin_unlock_irq(&device->settled.lock);
	wake_up_all(&blkback_orphan_ended);
}

/**
 * blkback_orphan_serves() - does an earlier life of the device still end
 * @device: a device on the bus
 *
 * Its work is kicked when there is none any more.
 *
 * Return: true if so.
 */
bool blkback_orphan_serves(const struct blkback_device *device)
{
	struct blkback_device *other;
	bool serves = false;

	spin_lock(&blkback_orphan_lock);
	list_for_each_entry(other, &blkback_orphan_list, node)
		if (READ_ONCE(other->leaving) &&
		    blkback_orphan_same(other, device))
			serves = true;
	spin_unlock(&blkback_orphan_lock);
	return serves;
}

/* Of a device whose rings or store come or go right now we cannot tell: yes. */
static bool blkback_orphan_busy(struct blkback_device *device,
				const struct blkback_claim *claim)
{
	bool busy = false;
	unsigned int i;

	if (!mutex_trylock(&device->lock))
		return true;
	if (device->store && blkback_claim_rewrites(device->store->claim, claim))
		for (i = 0; i < device->nr_queues; i++)
			busy |= blkback_queue_busy(&device->queues[i]);
	mutex_unlock(&device->lock);
	return busy;
}

/**
 * blkback_orphan_elder() - does an earlier domain of the machine still write
 * @device: a device on the bus, with @lock held and a store
 *
 * A migration to the same host has two domains of one machine. The newcomer's
 * frontend sends anew what the other did not get answered, and then what is to come
 * after it; what the other still has in flight would overwrite that.
 *
 * Context: process. Nobody is told when it has ended.
 * Return: that domain, or DOMID_INVALID.
 */
domid_t blkback_orphan_elder(const struct blkback_device *device)
{
	const struct blkback_claim *claim = device->store->claim;
	struct blkback_device *other;
	domid_t elder = DOMID_INVALID;

	spin_lock(&blkback_orphan_lock);
	list_for_each_entry(other, &blkback_orphan_list, node)
		if (other->domid != device->domid &&
		    other->owner == device->owner &&
		    blkback_orphan_busy(other, claim))
			elder = other->domid;
	spin_unlock(&blkback_orphan_lock);
	return elder;
}

/* True as well of an orphan, for which nobody is to wait. */
static bool blkback_orphan_left(u64 serial)
{
	struct blkback_device *device;
	bool left = true;

	spin_lock(&blkback_orphan_lock);
	list_for_each_entry(device, &blkback_orphan_list, node)
		if (device->serial == serial && !READ_ONCE(device->orphan))
			left = false;
	spin_unlock(&blkback_orphan_lock);
	return left;
}

/**
 * blkback_orphan_wait() - a device that left the bus ends
 * @serial: its number; it may be freed at any time
 * @timeout: in jiffies, how long to wait for that at most
 *
 * Context: process; sleeps.
 * Return: true when it has, or has become an orphan.
 */
bool blkback_orphan_wait(u64 serial, unsigned long timeout)
{
	return wait_event_timeout(blkback_orphan_ended,
				  blkback_orphan_left(serial), timeout);
}

/**
 * blkback_orphan_forget() - a device is about to be freed
 * @device: the device, orphan or not; it serves nobody
 *
 * Whoever waited for it goes on.
 */
void blkback_orphan_forget(struct blkback_device *device)
{
	struct blkback_device *other;

	spin_lock(&blkback_orphan_lock);
	list_del(&device->node);
	list_for_each_entry(other, &blkback_orphan_list, node)
		if (blkback_orphan_same(other, device)) {
			WRITE_ONCE(other->reopen, true);
			tandem_device_kick(&other->base, TANDEM_EV_NONE);
		}
	spin_unlock(&blkback_orphan_lock);
	wake_up_all(&blkback_orphan_ended);
}
