// SPDX-License-Identifier: GPL-2.0-only
/*
 * From events to steps, and from steps to what the driver does.
 */
#include <linux/export.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "common/compat/xenbus.h"
#include "common/xenbus/device.h"
#include "common/xenbus/keys.h"

/* How many messages per device in how long. */
#define DEVICE_ERRORS		10
#define DEVICE_ERROR_INTERVAL	(60 * HZ)

/* The order in which a step's actions are carried out, see state.h. */
static const u16 device_first[] = {
	TANDEM_DO_MEND, TANDEM_DO_COMPLAIN, TANDEM_DO_REFUSE, TANDEM_DO_RESIZE,
	TANDEM_DO_DISCONNECT, TANDEM_DO_RECONNECT,
};

static struct workqueue_struct *device_queue;

static_assert(TANDEM_XB_UNKNOWN == (int)XenbusStateUnknown);
static_assert(TANDEM_XB_INITWAIT == (int)XenbusStateInitWait);
static_assert(TANDEM_XB_CONNECTED == (int)XenbusStateConnected);
static_assert(TANDEM_XB_CLOSED == (int)XenbusStateClosed);
static_assert(TANDEM_XB_RECONFIGURED == (int)XenbusStateReconfigured);

static const char *device_peer(const struct tandem_device *dev)
{
	return dev->peer ?: dev->xdev->otherend;
}

static bool device_is_online(struct tandem_device *dev)
{
	const char *dir = dev->ops->front ? device_peer(dev) :
					    dev->xdev->nodename;

	return xenbus_read_unsigned(dir, "online", dev->ops->front) != 0;
}

static void device_look(struct tandem_device *dev, enum tandem_dev_event event)
{
	struct tandem_dev_ctx *ctx = &dev->ctx;

	ctx->event = event;
	ctx->peer = tandem_compat_peer_state(dev->xdev, device_peer(dev));
	ctx->online = device_is_online(dev);
	dev->ops->facts(dev, ctx);
	if (event == TANDEM_EV_BROKEN)
		ctx->broken = true;
}

static struct tandem_step device_decide(struct tandem_device *dev)
{
	return dev->ops->front ? tandem_front_step(&dev->ctx) :
				 tandem_back_step(&dev->ctx);
}

static void device_begin(struct tandem_device *dev, unsigned int todo)
{
	unsigned int with = todo & TANDEM_DO_SURPRISE;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(device_first); i++) {
		if (!(todo & device_first[i]))
			continue;
		if (device_first[i] == TANDEM_DO_MEND)
			dev->ctx.broken = false;
		else
			dev->ops->act(dev, device_first[i] | with);
	}
}

/* PUBLISH and CONNECT: the two that may fail. */
static int device_proceed(struct tandem_device *dev, unsigned int todo)
{
	int err = 0;

	if (todo & TANDEM_DO_PUBLISH) {
		if (dev->ops->front)
			dev->ctx.ready = false;
		err = dev->ops->act(dev, TANDEM_DO_PUBLISH);
	}
	if (!err && (todo & TANDEM_DO_CONNECT))
		err = dev->ops->act(dev, TANDEM_DO_CONNECT);
	return err;
}

static void device_publish(struct tandem_device *dev, u8 state)
{
	u8 from = dev->ctx.own;

	dev->ctx.own = state;
	/* A trace has it before anything that the peer does about it. */
	if (dev->ops->moved)
		dev->ops->moved(dev, from, state);
	if (!tandem_device_write_begin(dev))
		return;
	xenbus_switch_state(dev->xdev, (enum xenbus_state)state);
	tandem_device_write_end(dev);
}

/* One step. Returns the event of the next, or -1 when there is none. */
static int device_step(struct tandem_device *dev, enum tandem_dev_event event)
{
	struct tandem_step step;
	bool again;

	device_look(dev, event);
	step = device_decide(dev);
	device_begin(dev, step.todo);
	if (device_proceed(dev, step.todo))
		return TANDEM_EV_BROKEN;
	again = step.todo & (TANDEM_DO_DISCONNECT | TANDEM_DO_MEND);
	if (step.state != dev->ctx.own) {
		device_publish(dev, step.state);
		again = true;
	}
	if (step.todo & TANDEM_DO_REMOVE) {
		dev->ops->act(dev, TANDEM_DO_REMOVE);
		return -1;
	}
	return again ? TANDEM_EV_NONE : -1;
}

static void device_handle(struct tandem_device *dev,
			  enum tandem_dev_event event)
{
	int next = event;
	unsigned int n;

	for (n = 0; n < TANDEM_STEPS_MAX && next >= 0; n++) {
		if (READ_ONCE(dev->stopped))
			return;
		next = device_step(dev, next);
	}
}

/*
 * The bus has forgotten our state. So do we; the driver lets go of what the old
 * life holds of the peer, and keeps what users hold of it.
 */
static void device_begin_anew(struct tandem_device *dev)
{
	dev->ops->act(dev, TANDEM_DO_RECONNECT);
	memset(&dev->ctx, 0, sizeof(dev->ctx));
	dev->ctx.own = TANDEM_XB_INITIALISING;
	dev->ctx.ready = dev->ops->front;
}

/*
 * Memory for a step must not come from writing to the disk that the step is to
 * bring back: swap and the root disk are behind it.
 */
static void device_work(struct work_struct *work)
{
	struct tandem_device *dev = container_of(work, struct tandem_device,
						 work);
	unsigned long events = xchg(&dev->events, 0);
	unsigned int noio = memalloc_noio_save();
	unsigned int event;

	if (xchg(&dev->reborn, false))
		device_begin_anew(dev);
	for_each_set_bit(event, &events, TANDEM_EVENTS)
		device_handle(dev, event);
	memalloc_noio_restore(noio);
}

/**
 * tandem_device_init() - begin to look after a device
 * @dev: zeroed, but for @dev->peer
 * @xdev: the device on the bus
 * @ops: the driver
 */
void tandem_device_init(struct tandem_device *dev, struct xenbus_device *xdev,
			const struct tandem_device_ops *ops)
{
	dev->xdev = xdev;
	dev->ops = ops;
	dev->ctx.own = TANDEM_XB_INITIALISING;
	dev->ctx.ready = ops->front;
	INIT_WORK(&dev->work, device_work);
	spin_lock_init(&dev->lock);
	mutex_init(&dev->writing);
	ratelimit_state_init(&dev->limit, DEVICE_ERROR_INTERVAL, DEVICE_ERRORS);
	ratelimit_set_flags(&dev->limit, RATELIMIT_MSG_ON_RELEASE);
	/*
	 * A frontend's device that had a driver before: both ends are Closed,
	 * and the backend begins again when it sees that we do.
	 */
	if (ops->front && xdev->state == XenbusStateClosed)
		xenbus_switch_state(xdev, XenbusStateInitialising);
}
EXPORT_SYMBOL_GPL(tandem_device_init);

/**
 * tandem_device_kick() - note an event, to be looked at soon
 * @dev: the device
 * @event: what happened
 *
 * Context: any. Of no effect after tandem_device_stop().
 */
void tandem_device_kick(struct tandem_device *dev, enum tandem_dev_event event)
{
	unsigned long flags;

	spin_lock_irqsave(&dev->lock, flags);
	if (!dev->stopped) {
		set_bit(event, &dev->events);
		queue_work(device_queue, &dev->work);
	}
	spin_unlock_irqrestore(&dev->lock, flags);
}
EXPORT_SYMBOL_GPL(tandem_device_kick);

/**
 * tandem_device_reborn() - begin a new life, as after resume
 * @dev: the device, which the bus has set to Initialising
 *
 * The work then lets the driver disconnect and forget, before it looks at the
 * peer. It does so after the thaw, when everything works again.
 */
void tandem_device_reborn(struct tandem_device *dev)
{
	WRITE_ONCE(dev->reborn, true);
	tandem_device_kick(dev, TANDEM_EV_PEER);
}
EXPORT_SYMBOL_GPL(tandem_device_reborn);

/**
 * tandem_device_flush() - wait until what was noted so far has been looked at
 * @dev: the device; may be stopped
 *
 * Context: process, holding nothing that an action waits for.
 */
void tandem_device_flush(struct tandem_device *dev)
{
	flush_work(&dev->work);
}
EXPORT_SYMBOL_GPL(tandem_device_flush);

/**
 * tandem_device_write_begin() - is the device's directory in the store still ours
 * @dev: the device
 *
 * If so it stays ours until tandem_device_write_end(). The device has lost its
 * directory when it is removed, and while it still ends the toolstack may have made
 * another of the same name, whose nodes an action that is under way must not touch.
 *
 * Context: process; sleeps. Not nested.
 * Return: false after tandem_device_halt(): nothing is to be written, nor ended.
 */
bool tandem_device_write_begin(struct tandem_device *dev)
{
	mutex_lock(&dev->writing);
	if (!dev->stopped)
		return true;
	mutex_unlock(&dev->writing);
	return false;
}
EXPORT_SYMBOL_GPL(tandem_device_write_begin);

/**
 * tandem_device_write_end() - after tandem_device_write_begin() that returned true
 * @dev: the device
 *
 * Context: process.
 */
void tandem_device_write_end(struct tandem_device *dev)
{
	mutex_unlock(&dev->writing);
}
EXPORT_SYMBOL_GPL(tandem_device_write_end);

/**
 * tandem_device_halt() - no action starts any more, and no node is written
 * @dev: the device; may be halted already
 *
 * An action that runs goes on, and is the last one. tandem_device_stop() is due.
 *
 * Context: process; waits for a write to the store that is under way.
 */
void tandem_device_halt(struct tandem_device *dev)
{
	unsigned long flags;

	mutex_lock(&dev->writing);
	spin_lock_irqsave(&dev->lock, flags);
	WRITE_ONCE(dev->stopped, true);
	spin_unlock_irqrestore(&dev->lock, flags);
	mutex_unlock(&dev->writing);
}
EXPORT_SYMBOL_GPL(tandem_device_halt);

/**
 * tandem_device_stop() - no action runs or starts any more
 * @dev: the device; may be stopped already
 *
 * The driver has seen to it that an action which is under way ends soon. May be
 * called by an action, which is then the last one.
 *
 * Context: process; waits for a running action.
 */
void tandem_device_stop(struct tandem_device *dev)
{
	tandem_device_halt(dev);
	if (current_work() != &dev->work)
		cancel_work_sync(&dev->work);
}
EXPORT_SYMBOL_GPL(tandem_device_stop);

/* The node that the toolstack reads, as the bus would write it. */
static void device_note(struct tandem_device *dev, int err, const char *text)
{
	char *dir = kasprintf(GFP_KERNEL, "error/%s", dev->xdev->nodename);

	if (dir)
		xenbus_printf(XBT_NIL, dir, "error", "%i %s", -err, text);
	kfree(dir);
}

/**
 * tandem_device_error() - report to the log and to the device's error node
 * @dev: the device
 * @err: a negative error
 * @fmt: what is wrong, without a newline
 *
 * A peer can provoke errors, so there are only so many lines per minute. Each
 * device has its own count: the first error of one is never lost in the noise
 * of another. The node always holds the last error of a device that is not halted.
 *
 * Context: process; may sleep. Not between tandem_device_write_begin() and
 * tandem_device_write_end().
 */
void tandem_device_error(struct tandem_device *dev, int err,
			 const char *fmt, ...)
{
	char text[TANDEM_KEY_MESSAGE];
	va_list args;

	va_start(args, fmt);
	vscnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	/* As the bus words it. */
	if (__ratelimit(&dev->limit))
		dev_err(&dev->xdev->dev, "%i %s\n", -err, text);
	if (!tandem_device_write_begin(dev))
		return;
	device_note(dev, err, text);
	tandem_device_write_end(dev);
}
EXPORT_SYMBOL_GPL(tandem_device_error);

/**
 * tandem_device_start() - make the workqueue of all devices
 *
 * Frozen during suspend, so that no step is taken while the store is away. It
 * has a rescuer: a root or swap disk must be able to reconnect without memory.
 *
 * Return: 0 or -ENOMEM.
 */
int tandem_device_start(void)
{
	device_queue = alloc_workqueue("tandem", WQ_FREEZABLE | WQ_UNBOUND |
						 WQ_MEM_RECLAIM, 0);
	return device_queue ? 0 : -ENOMEM;
}

/**
 * tandem_device_finish() - the last driver is gone
 */
void tandem_device_finish(void)
{
	destroy_workqueue(device_queue);
}
