// SPDX-License-Identifier: GPL-2.0-only
/*
 * The disk on the bus.
 *
 * How it ends. tandem_blkfront_remove() runs in the thread that serves all
 * devices, cannot fail and must not take long. It kills the queues first, which
 * fails every request that is out; whatever the device's work waits for is over
 * then, and the work is stopped. From there on nobody else changes the device,
 * and rings, grants and the gendisk go. The struct itself stays until the last
 * user of the gendisk has closed it, since its operations refer to it.
 */
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <xen/platform_pci.h>

#include "common/compat/xenbus.h"
#include "frontend/blk/device.h"
#include "frontend/blk/disk.h"
#include "frontend/blk/param.h"
#include "frontend/blk/trace.h"

/* How long suspend waits for what is out, and how often it looks. */
#define DEVICE_DRAIN_MS		5000
#define DEVICE_LOOK_MS		5

/* How long a backend that is gone or not believed may keep pages of requests. */
#define DEVICE_KILL_PATIENCE	HZ

/* How many remarks in how long. */
#define DEVICE_REMARKS		10
#define DEVICE_REMARK_INTERVAL	(60 * HZ)

static void blkfront_free(struct kref *ref)
{
	struct blkfront *front = container_of(ref, struct blkfront, ref);
	unsigned int i;

	for (i = 0; i < front->max_queues; i++)
		tasklet_kill(&front->queues[i].bh);
	kfree(front->queues);
	kfree(front);
}

/**
 * tandem_blkfront_put() - drop a reference
 * @front: the disk
 */
void tandem_blkfront_put(struct blkfront *front)
{
	kref_put(&front->ref, blkfront_free);
}

/**
 * tandem_blkfront_remark() - say what is worth a line and is no error
 * @front: the disk
 * @level: KERN_*
 * @fmt: the line, with a newline
 *
 * A backend can provoke it, so there are only so many per minute; they do not
 * use up what tandem_device_error() has.
 *
 * Context: any.
 */
void tandem_blkfront_remark(struct blkfront *front, const char *level,
			    const char *fmt, ...)
{
	struct va_format text = { .fmt = fmt };
	va_list args;

	if (!__ratelimit(&front->remarks))
		return;
	va_start(args, fmt);
	text.va = &args;
	dev_printk(level, &front->dev.xdev->dev, "%pV", &text);
	va_end(args);
}

/**
 * tandem_blkfront_run() - what waited may be tried again
 * @front: the disk
 *
 * Context: any.
 */
void tandem_blkfront_run(struct blkfront *front)
{
	struct gendisk *disk = READ_ONCE(front->disk);

	if (disk)
		blk_mq_run_hw_queues(disk->queue, true);
}

/**
 * tandem_blkfront_drop_feature() - the backend cannot do what it said
 * @front: the disk
 * @op: operation that it does not know
 * @secure: of a discard, that it was to erase
 *
 * Context: any. The block layer is told later, by the device's work.
 */
void tandem_blkfront_drop_feature(struct blkfront *front, u8 op, bool secure)
{
	if (op == TANDEM_BLKIF_OP_FLUSH)
		front->info.flush = false;
	else if (op == TANDEM_BLKIF_OP_BARRIER)
		front->info.barrier = false;
	else if (op == TANDEM_BLKIF_OP_DISCARD && !secure)
		front->info.discard = false;
	if (op == TANDEM_BLKIF_OP_DISCARD)
		front->info.secure = false;
	WRITE_ONCE(front->stale, true);
	tandem_blkfront_remark(front, KERN_NOTICE,
			       "the backend does not know operation %u\n", op);
	tandem_device_kick(&front->dev, TANDEM_EV_NONE);
}

/* The rings as they are used depends on keys that may come late. */
static void blkfront_start_queues(struct blkfront *front)
{
	unsigned int i;

	for (i = 0; i < front->nr_rings; i++)
		tandem_blkfront_queue_suit(&front->queues[i]);
	for (i = 0; i < front->max_queues; i++)
		tandem_blkfront_queue_adopt(front->queues + i,
					    front->queues + i % front->nr_rings);
	for (i = 0; i < front->nr_rings; i++)
		tandem_blkfront_queue_start(&front->queues[i]);
}

/* While the device's work waits for I/O it does not see that the backend goes. */
static void blkfront_look(struct blkfront *front, enum xenbus_state state)
{
	unsigned int i;

	if (state != XenbusStateClosed && state != XenbusStateUnknown)
		return;
	WRITE_ONCE(front->missed, true);
	for (i = 0; i < front->max_queues; i++)
		tandem_blkfront_queue_lost(&front->queues[i]);
}

/**
 * tandem_blkfront_wait_begin() - the device's work is about to wait for I/O
 * @front: the disk, in service
 *
 * Until tandem_blkfront_wait_end(), a backend that goes has that fail.
 *
 * Context: the device's work.
 */
void tandem_blkfront_wait_begin(struct blkfront *front)
{
	struct xenbus_device *xdev = front->dev.xdev;

	WRITE_ONCE(front->waiting, true);
	/* Before the look: a state that is not seen here is seen by who is told of it. */
	smp_mb();
	blkfront_look(front, tandem_compat_peer_state(xdev, xdev->otherend));
}

/**
 * tandem_blkfront_wait_end() - the counterpart
 * @front: the disk
 */
void tandem_blkfront_wait_end(struct blkfront *front)
{
	WRITE_ONCE(front->waiting, false);
}

static int blkfront_connect(struct blkfront *front)
{
	int err = tandem_blkfront_learn(front);

	if (err)
		return err;
	WRITE_ONCE(front->missed, false);
	tandem_blkfront_settle(front);
	blkfront_start_queues(front);
	if (front->disk) {
		tandem_blkfront_disk_refresh(front);
		tandem_blkfront_disk_resume(front);
		tandem_blkfront_disk_resize(front);
		return 0;
	}
	err = tandem_blkfront_disk_add(front);
	if (err) {
		tandem_device_error(&front->dev, err, "making the disk");
		tandem_blkfront_close(front, BLKFRONT_QUEUE_DOWN);
		return err;
	}
	front->refused = false;
	tandem_blkfront_remark(front, KERN_INFO,
			       "%s: %u queues of %u slots, %u pages per request, %s%s\n",
			       front->disk->disk_name, front->nr_rings,
			       front->queues[0].ring.size, front->queues[0].max_segs,
			       front->transport.persistent ? "kept grants" :
							     "single grants",
			       front->trusted ? "" : ", backend not trusted");
	return 0;
}

static void blkfront_report(struct blkfront *front)
{
	struct blkfront_queue *queue;
	unsigned int i;

	for (i = 0; i < front->max_queues; i++) {
		queue = &front->queues[i];
		if (!queue->why)
			continue;
		snprintf(front->last_error, sizeof(front->last_error),
			 "queue %u: %s (%llu)", i, queue->why,
			 queue->why_value);
		tandem_device_error(&front->dev, -EPROTO, "%s",
				    front->last_error);
		queue->why = NULL;
	}
}

/*
 * Without surprise the backend still serves, so what is in memory is written
 * before the rings go. With it, requests fail before the disk goes; the pause
 * makes sure that nobody is still on the way to a ring.
 */
static void blkfront_disconnect(struct blkfront *front, bool surprise)
{
	unsigned int i;

	blkfront_report(front);
	if (surprise) {
		tandem_blkfront_disk_pause(front);
		tandem_blkfront_close(front, BLKFRONT_QUEUE_DEAD);
	}
	tandem_blkfront_disk_remove(front, surprise);
	tandem_blkfront_close(front, BLKFRONT_QUEUE_DEAD);
	for (i = 0; i < front->max_queues; i++)
		tandem_blkfront_queue_revive(&front->queues[i]);
}

/* A new life: only the disk stays, with what its users wait for. */
static void blkfront_reconnect(struct blkfront *front)
{
	tandem_blkfront_disk_pause(front);
	if (front->open)
		tandem_blkfront_close(front, BLKFRONT_QUEUE_DOWN);
}

/* Another backend may have taken our rings over, which can do less. */
static void blkfront_shrink_queues(struct blkfront *front)
{
	unsigned int i;

	for (i = 0; i < front->nr_rings; i++)
		tandem_blkfront_queue_shrink(&front->queues[i]);
}

static void blkfront_resize(struct blkfront *front)
{
	struct tandem_blkif_device before = front->info;

	if (!front->disk || tandem_blkfront_learn(front))
		return;
	blkfront_shrink_queues(front);
	tandem_blkfront_disk_resize(front);
	if (memcmp(&before, &front->info, sizeof(before)))
		tandem_blkfront_disk_refresh(front);
}

static int blkfront_act(struct tandem_device *dev, unsigned int todo)
{
	struct blkfront *front = blkfront_of(dev);

	if (todo & TANDEM_DO_PUBLISH)
		return tandem_blkfront_publish(front);
	if (todo & TANDEM_DO_CONNECT)
		return blkfront_connect(front);
	if (todo & TANDEM_DO_DISCONNECT)
		blkfront_disconnect(front, todo & TANDEM_DO_SURPRISE);
	else if (todo & TANDEM_DO_RECONNECT)
		blkfront_reconnect(front);
	else if (todo & TANDEM_DO_RESIZE)
		blkfront_resize(front);
	else if (todo & TANDEM_DO_COMPLAIN)
		tandem_device_error(dev, -EPROTO,
				    "the backend's state makes no sense");
	if (todo & TANDEM_DO_REFUSE) {
		WRITE_ONCE(front->refused, true);
		tandem_device_error(dev, -EBUSY,
				    "in use; it will go when it is closed");
		/* Pairs with the last close, which may not have seen that. */
		smp_mb();
		if (!tandem_blkfront_disk_in_use(front))
			tandem_device_kick(dev, TANDEM_EV_NONE);
	}
	return 0;
}

/* Nobody serves it, nor will soon: a new life begins once both ends are closed. */
static bool blkfront_deserted(const struct blkfront *front,
			      const struct tandem_dev_ctx *ctx)
{
	if (ctx->own != TANDEM_XB_CLOSED || !front->disk)
		return false;
	return !ctx->ready || !ctx->online || ctx->peer == TANDEM_XB_UNKNOWN;
}

/*
 * The backend was gone while partitions were looked for, and the rings with it. What
 * it says by now may be of another connection: bound anew, it takes up our old rings.
 */
static void blkfront_recall(struct blkfront *front, struct tandem_dev_ctx *ctx)
{
	if (ctx->own == TANDEM_XB_CONNECTED && xchg(&front->missed, false))
		ctx->peer = TANDEM_XB_CLOSED;
}

/*
 * Before each step. After a suspend that was cancelled, or that took place, the
 * work runs again; and if the connection is the old one, so do requests. A disk
 * that came through a suspend and found no backend fails what waits for it.
 */
static void blkfront_facts(struct tandem_device *dev,
			   struct tandem_dev_ctx *ctx)
{
	struct blkfront *front = blkfront_of(dev);

	if (ctx->own == TANDEM_XB_CONNECTED && !READ_ONCE(dev->reborn)) {
		tandem_blkfront_disk_resume(front);
		if (front->disk && xchg(&front->stale, false))
			tandem_blkfront_disk_refresh(front);
	}
	blkfront_recall(front, ctx);
	if (blkfront_deserted(front, ctx))
		blkfront_disconnect(front, true);
	/* A backend lets go when it hears that we have closed. */
	tandem_blkfront_bufs_trim(&front->left);
	ctx->drained = !front->open;
	ctx->in_use = tandem_blkfront_disk_in_use(front);
}

static void blkfront_moved(struct tandem_device *dev, u8 from, u8 to)
{
	trace_blkfront_state(blkfront_of(dev), from, to);
}

static const struct tandem_device_ops blkfront_ops = {
	.front = true,
	.facts = blkfront_facts,
	.act = blkfront_act,
	.moved = blkfront_moved,
};

/*
 * Not the device's own work, which may be waiting for what fails here. The
 * other queues go with the disk, when that work comes to it.
 */
static void blkfront_quarantine(struct work_struct *work)
{
	struct blkfront *front = container_of(work, struct blkfront,
					      quarantine);
	unsigned long deadline = jiffies + DEVICE_KILL_PATIENCE;
	unsigned int i;

	for (i = 0; i < front->max_queues; i++)
		if (READ_ONCE(front->queues[i].state) == BLKFRONT_QUEUE_BROKEN)
			tandem_blkfront_queue_kill(&front->queues[i], deadline);
	tandem_blkfront_run(front);
}

static int blkfront_alloc_queues(struct blkfront *front)
{
	struct tandem_blkif_host host;
	unsigned int i;

	tandem_blkfront_host(&host);
	front->max_queues = host.max_queues;
	front->queues = kcalloc(front->max_queues, sizeof(*front->queues),
				GFP_KERNEL);
	if (!front->queues)
		return -ENOMEM;
	for (i = 0; i < front->max_queues; i++)
		tandem_blkfront_queue_init(&front->queues[i], front, i);
	return 0;
}

/* Emulated disks of an HVM guest come first, unless they were unplugged. */
static bool blkfront_wanted(struct xenbus_device *xdev)
{
	char *type;
	bool wanted = true;

	if (!xen_hvm_domain() || xen_has_pv_disk_devices())
		return true;
	if (!xen_has_pv_and_legacy_disk_devices())
		return false;
	type = xenbus_read(XBT_NIL, xdev->nodename,
			   TANDEM_BLKIF_KEY_DEVICE_TYPE, NULL);
	if (IS_ERR(type))
		return true;
	wanted = strncmp(type, "cdrom", 5);
	kfree(type);
	return wanted;
}

static int blkfront_probe(struct xenbus_device *xdev,
			  const struct xenbus_device_id *id)
{
	struct blkfront *front;
	int err;

	if (!blkfront_wanted(xdev))
		return -ENODEV;
	front = kzalloc(sizeof(*front), GFP_KERNEL);
	if (!front)
		return -ENOMEM;
	kref_init(&front->ref);
	INIT_WORK(&front->quarantine, blkfront_quarantine);
	INIT_WORK(&front->limits, tandem_blkfront_disk_limits);
	tandem_device_init(&front->dev, xdev, &blkfront_ops);
	ratelimit_state_init(&front->remarks, DEVICE_REMARK_INTERVAL,
			     DEVICE_REMARKS);
	ratelimit_set_flags(&front->remarks, RATELIMIT_MSG_ON_RELEASE);
	err = blkfront_alloc_queues(front);
	if (err) {
		kfree(front);
		return err;
	}
	dev_set_drvdata(&xdev->dev, front);
	tandem_blkfront_debug_add(front);
	tandem_device_kick(&front->dev, TANDEM_EV_PEER);
	return 0;
}

static void blkfront_changed(struct xenbus_device *xdev,
			     enum xenbus_state state)
{
	struct blkfront *front = dev_get_drvdata(&xdev->dev);

	if (!front)
		return;
	if (READ_ONCE(front->waiting))
		blkfront_look(front, state);
	tandem_device_kick(&front->dev, TANDEM_EV_PEER);
}

static void blkfront_remove(struct xenbus_device *xdev)
{
	struct blkfront *front = dev_get_drvdata(&xdev->dev);
	unsigned long deadline = jiffies + DEVICE_KILL_PATIENCE;
	unsigned int i;

	WRITE_ONCE(front->dead, true);
	for (i = 0; i < front->max_queues; i++)
		tandem_blkfront_queue_kill(&front->queues[i], deadline);
	tandem_device_stop(&front->dev);
	blkfront_disconnect(front, true);
	tandem_blkfront_bufs_free(&front->left);
	tandem_blkfront_debug_remove(front);
	dev_set_drvdata(&xdev->dev, NULL);
	tandem_blkfront_put(front);
}

static bool blkfront_busy(struct blkfront *front)
{
	unsigned int i;

	for (i = 0; i < front->max_queues; i++)
		if (tandem_blkfront_queue_busy(&front->queues[i]))
			return true;
	return false;
}

/*
 * Nothing new is sent, and what is out comes back, if the backend is quick; the
 * rest is sent again after resume. The event wakes the work after the thaw,
 * also when the suspend is cancelled and nobody calls us any more.
 */
static int blkfront_suspend(struct xenbus_device *xdev)
{
	struct blkfront *front = dev_get_drvdata(&xdev->dev);
	unsigned int ms;

	tandem_blkfront_disk_pause(front);
	for (ms = 0; ms < DEVICE_DRAIN_MS && blkfront_busy(front);
	     ms += DEVICE_LOOK_MS)
		msleep(DEVICE_LOOK_MS);
	tandem_device_kick(&front->dev, TANDEM_EV_PEER);
	return 0;
}

static int blkfront_resume(struct xenbus_device *xdev)
{
	struct blkfront *front = dev_get_drvdata(&xdev->dev);
	unsigned int i;

	for (i = 0; i < front->max_queues; i++)
		tandem_blkfront_queue_sever(&front->queues[i]);
	tandem_device_reborn(&front->dev);
	return 0;
}

static int blkfront_is_ready(struct xenbus_device *xdev)
{
	struct blkfront *front = dev_get_drvdata(&xdev->dev);

	return front && READ_ONCE(front->disk);
}

static const struct xenbus_device_id blkfront_ids[] = {
	{ "vbd" },
	{ "" }
};

/* Another name than the kernel's driver: both may be there. */
struct xenbus_driver tandem_blkfront_driver = {
	.name = "tandem_blkfront",
	.ids = blkfront_ids,
	.probe = blkfront_probe,
	.remove = blkfront_remove,
	.otherend_changed = blkfront_changed,
	.suspend = blkfront_suspend,
	.resume = blkfront_resume,
	.is_ready = blkfront_is_ready,
};
