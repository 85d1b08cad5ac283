// SPDX-License-Identifier: GPL-2.0-only
/*
 * The life of a virtual disk.
 *
 * Everything that takes time happens in the device's own work (see
 * common/xenbus/device.h), so that one guest's disk never holds up another's:
 * the bus's one thread only notes what happened.
 *
 * Removal, and why it is safe. The bus calls blkback_device_remove() from that
 * one thread and cannot be told no. The state machine is stopped first, so
 * nothing connects any more; then the rings, so nothing new is taken. I/O that
 * ends within the deadline is waited for. If some does not, the device becomes
 * an orphan (orphan.c), which the end of its last request frees.
 */
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <xen/xen.h>

#include "backend/blk/data.h"
#include "backend/blk/device.h"
#include "backend/blk/orphan.h"
#include "backend/blk/owner.h"
#include "backend/blk/params.h"

#define CREATE_TRACE_POINTS
#include "backend/blk/trace.h"

/* How long removal waits for I/O; and xenwatch for that, and for the store's close. */
#define BLKBACK_REMOVE_DEADLINE	(2 * HZ)
#define BLKBACK_LEAVE_DEADLINE	(3 * HZ)
/* For how long after one was late others of its guest are waited for this long only. */
#define BLKBACK_LATE		(10 * HZ)
#define BLKBACK_HURRY		(HZ / 10)

/**
 * blkback_device_refused() - a request was refused: note it, say it sometimes
 * @device: the device
 * @index: the ring
 * @why: the reason
 *
 * Context: process.
 */
void blkback_device_refused(struct blkback_device *device, unsigned int index,
			    enum tandem_blkif_why why)
{
	scnprintf(device->last_error, sizeof(device->last_error),
		  "ring %u: request refused: %s", index,
		  tandem_blkif_why_str(why));
	if (__ratelimit(&device->refused))
		dev_warn(&device->xbdev->dev, "%s\n", device->last_error);
}

/**
 * blkback_device_broken() - the frontend broke the protocol: quarantine
 * @device: the device
 * @what: how, for people
 *
 * Context: process.
 */
void blkback_device_broken(struct blkback_device *device, const char *what)
{
	scnprintf(device->last_error, sizeof(device->last_error),
		  "frontend broken: %s", what);
	device->broken++;
	trace_blkback_peer_error(device, what);
	tandem_device_error(&device->base, -EPROTO, "%s", device->last_error);
	tandem_device_kick(&device->base, TANDEM_EV_BROKEN);
}

/**
 * blkback_device_drained() - a stopped ring may have nothing in flight any more
 * @device: the device
 *
 * Context: any.
 */
void blkback_device_drained(struct blkback_device *device)
{
	unsigned long flags;

	/* Under the lock, so that an orphan is not freed under our feet. */
	spin_lock_irqsave(&device->settled.lock, flags);
	wake_up_locked(&device->settled);
	if (device->orphan)
		queue_work(blkback_store_wq, &device->orphan_work);
	else
		/* Not DRAINED: that takes all rings, and what is kept of them. */
		tandem_device_kick(&device->base, TANDEM_EV_NONE);
	spin_unlock_irqrestore(&device->settled.lock, flags);
}

/**
 * blkback_stats_add() - add up counters
 * @sum: is added to
 * @one: counters, which may be counting
 */
void blkback_stats_add(struct blkback_stats *sum,
		       const struct blkback_stats *one)
{
	const u64 *from = (const u64 *)one;
	u64 *to = (u64 *)sum;
	unsigned int i;

	for (i = 0; i < sizeof(*sum) / sizeof(u64); i++)
		to[i] += READ_ONCE(from[i]);
}

/**
 * blkback_device_stats() - counters of all rings, earlier connections included
 * @device: the device
 * @sum: filled in
 *
 * Context: process; takes the device's lock.
 */
void blkback_device_stats(struct blkback_device *device,
			  struct blkback_stats *sum)
{
	unsigned int i;

	mutex_lock(&device->lock);
	*sum = device->totals;
	for (i = 0; i < device->nr_queues; i++)
		blkback_stats_add(sum, &device->queues[i].stats);
	mutex_unlock(&device->lock);
}

/* The store stays until the guest lets go of it; its I/O fails. */
static void blkback_device_lost(void *arg, const char *path)
{
	struct blkback_device *device = arg;

	tandem_device_error(&device->base, -ENODEV, "%s: the device went away",
			    path);
}

static int blkback_device_wish(struct blkback_device *device,
			       struct blkback_store_wish *wish, char *why)
{
	const struct tandem_blkif_tool_keys *tool = &device->tool;

	memset(wish, 0, sizeof(*wish));
	if (tandem_blkif_mode(tool->mode, &wish->readonly, &wish->shared)) {
		snprintf(why, BLKBACK_STORE_ERROR,
			 "mode '%s' is unknown: r and w are known, and r! and w! to share",
			 tool->mode);
		return -EINVAL;
	}
	wish->owner = device->owner;
	wish->readonly |= !strcmp(tool->device_type, "cdrom");
	wish->discard = tool->discard_enable && !wish->readonly;
	wish->lost = blkback_device_lost;
	wish->arg = device;
	return 0;
}

/* The store by its name, or without one by its number. */
static struct blkback_store *
blkback_device_try(struct blkback_device *device, const char *text, dev_t dev,
		   char *why)
{
	struct blkback_store_wish wish;
	int err = blkback_device_wish(device, &wish, why);

	if (err)
		return ERR_PTR(err);
	if (text)
		return blkback_store_open(text, &wish, why);
	return blkback_store_open_dev(dev, &wish, why);
}

static void blkback_device_set_store(struct blkback_device *device,
				     struct blkback_store *store,
				     const char *why)
{
	WRITE_ONCE(device->mistaken, false);
	mutex_lock(&device->lock);
	device->store = store;
	strscpy(device->store_error, why, sizeof(device->store_error));
	mutex_unlock(&device->lock);
}

/* With open_lock only, so that nobody who looks at the device waits for a disk. */
static int blkback_device_take(struct blkback_device *device, const char *text,
			       dev_t dev)
{
	char why[BLKBACK_STORE_ERROR] = "";
	struct blkback_store *store = blkback_device_try(device, text, dev, why);

	if (IS_ERR(store)) {
		blkback_device_set_store(device, NULL, why);
		tandem_device_error(&device->base, PTR_ERR(store), "%s", why);
		return PTR_ERR(store);
	}
	blkback_device_set_store(device, store, "");
	/* Not READY: that takes more than a store. */
	tandem_device_kick(&device->base, TANDEM_EV_NONE);
	return 0;
}

/**
 * blkback_device_open() - open the store that the operator named
 * @device: a device without a store
 * @text: "file:PATH" or "phy:PATH"
 *
 * Context: process, the operator's own: its rights and its namespace count. Takes
 * as long as the disk does.
 * Return: 0, or a negative error; @device->store_error then says more.
 */
int blkback_device_open(struct blkback_device *device, const char *text)
{
	int err = -EBUSY;

	mutex_lock(&device->open_lock);
	if (device->store) {
		mutex_lock(&device->lock);
		snprintf(device->store_error, sizeof(device->store_error),
			 "already open: %.100s", device->store->path);
		mutex_unlock(&device->lock);
	} else {
		err = blkback_device_take(device, text, 0);
	}
	mutex_unlock(&device->open_lock);
	return err;
}

/**
 * blkback_device_close() - let go of the store
 * @device: a device that serves nobody
 *
 * Context: process; may sleep, as long as the disk takes.
 * Return: 0, also when there is no store; -EBUSY while it is in use.
 */
int blkback_device_close(struct blkback_device *device)
{
	struct blkback_store *store = NULL;
	int err = 0;

	mutex_lock(&device->open_lock);
	mutex_lock(&device->lock);
	if (device->connected)
		err = -EBUSY;
	else
		swap(store, device->store);
	mutex_unlock(&device->lock);
	blkback_store_close(store);
	mutex_unlock(&device->open_lock);
	return err;
}

/**
 * blkback_device_enter() - somebody begins what may take as long as a disk
 * @device: on the bus; its removal waits for blkback_device_exit(), but not in the
 *          thread that serves all devices
 */
void blkback_device_enter(struct blkback_device *device)
{
	atomic_inc(&device->users);
}

/**
 * blkback_device_exit() - the counterpart; the device may be gone on return
 * @device: the device
 */
void blkback_device_exit(struct blkback_device *device)
{
	unsigned long flags;

	/* Under the lock, as in blkback_device_drained(). */
	spin_lock_irqsave(&device->settled.lock, flags);
	if (atomic_dec_and_test(&device->users))
		wake_up_locked(&device->settled);
	spin_unlock_irqrestore(&device->settled.lock, flags);
}

/**
 * blkback_device_resize() - have the store's size looked at again
 * @device: the device
 *
 * When it returns, the frontend has been told; without one, or one that is to let go,
 * it is read at the next connection.
 *
 * Context: process; sleeps until the device's work has run.
 * Return: 0; -ENODEV without a store; or why the frontend could not be told.
 */
int blkback_device_resize(struct blkback_device *device)
{
	if (!READ_ONCE(device->store))
		return -ENODEV;
	WRITE_ONCE(device->resize_err, 0);
	WRITE_ONCE(device->resize_due, true);
	tandem_device_kick(&device->base, TANDEM_EV_NONE);
	tandem_device_flush(&device->base);
	return READ_ONCE(device->resize_err);
}

/*
 * The number may be that of the next disk of this name, which the bus takes for this
 * one: then neither is this one's store the next one's, nor is its mode.
 */
static void blkback_device_compare(struct blkback_device *device, dev_t dev)
{
	bool other = !blkback_store_has_number(device->store, dev);

	if (device->mistaken == other)
		return;
	WRITE_ONCE(device->mistaken, other);
	if (other)
		tandem_device_error(&device->base, -EBUSY,
				    "physical-device is %x:%x now, but %s is open: detach the disk and attach it again",
				    MAJOR(dev), MINOR(dev), device->store->path);
	tandem_device_kick(&device->base, TANDEM_EV_NONE);
}

static void blkback_device_open_node(struct blkback_device *device, dev_t dev)
{
	mutex_lock(&device->open_lock);
	if (device->store)
		blkback_device_compare(device, dev);
	else
		blkback_device_take(device, NULL, dev);
	mutex_unlock(&device->open_lock);
}

/* What a hotplug script that knows nothing of us writes: "major:minor", in hex. */
static int blkback_device_number(struct blkback_device *device, dev_t *dev)
{
	char *text = xenbus_read(XBT_NIL, device->xbdev->nodename,
				 "physical-device", NULL);
	unsigned int major, minor;
	int end = 0, n;

	if (IS_ERR(text))
		return PTR_ERR(text);
	/* No more digits than a number has: the rest would be junk. */
	n = sscanf(text, "%8x:%8x%n", &major, &minor, &end);
	n = n == 2 && !text[end] ? 0 : -EINVAL;
	kfree(text);
	if (n || major >= 1u << (32 - MINORBITS) || minor >= 1u << MINORBITS ||
	    !(major | minor))
		return -EINVAL;
	*dev = MKDEV(major, minor);
	return 0;
}

static void blkback_device_open_work(struct work_struct *work)
{
	struct blkback_device *device = container_of(work,
						     struct blkback_device,
						     open_work);
	dev_t dev;
	int err = blkback_device_number(device, &dev);

	/* The number may be that of another device, which is called as this was. */
	if (READ_ONCE(device->leaving))
		return;
	if (!err)
		blkback_device_open_node(device, dev);
	else if (err != -ENOENT)
		tandem_device_error(&device->base, err,
				    "physical-device is not major:minor in hex");
}

static void blkback_device_backend_changed(struct xenbus_watch *watch,
					   const char *path, const char *token)
{
	struct blkback_device *device = container_of(watch,
						     struct blkback_device,
						     backend_watch);

	schedule_work(&device->open_work);
}

/* Nobody tells when the other domain's I/O has ended: it is looked for again. */
static bool blkback_device_alone(struct blkback_device *device)
{
	domid_t elder = DOMID_INVALID;

	mutex_lock(&device->lock);
	if (device->store)
		elder = blkback_orphan_elder(device);
	mutex_unlock(&device->lock);
	if (elder != DOMID_INVALID && device->waits_for != elder)
		dev_info(&device->xbdev->dev,
			 "waits for the I/O that domain %u of the same machine has in flight\n",
			 elder);
	WRITE_ONCE(device->waits_for, elder);
	if (elder == DOMID_INVALID)
		return true;
	mod_timer(&device->recheck, jiffies + HZ / 20);
	return false;
}

/*
 * An earlier life of the device that has not ended may still write: to a ring that
 * the frontend kept, and to the store, over what a new ring's requests have written.
 * So may another domain of the same machine, to the store.
 */
static bool blkback_device_ready(struct blkback_device *device,
				 const struct tandem_dev_ctx *ctx)
{
	if (!READ_ONCE(device->store) || READ_ONCE(device->mistaken) ||
	    blkback_orphan_serves(device))
		return false;
	/* Asked when it matters, not at each of the peer's moves. */
	if (ctx->own == TANDEM_XB_INITWAIT)
		return blkback_device_alone(device);
	WRITE_ONCE(device->waits_for, DOMID_INVALID);
	return true;
}

static void blkback_device_facts(struct tandem_device *base,
				 struct tandem_dev_ctx *ctx)
{
	struct blkback_device *device = container_of(base,
						     struct blkback_device,
						     base);

	/* What it wanted to open was an earlier life's, that has ended now. */
	if (xchg(&device->reopen, false))
		schedule_work(&device->open_work);
	ctx->ready = blkback_device_ready(device, ctx);
	ctx->drained = blkback_disconnect_finish(device);
	ctx->in_use = false;
	/* Looked for here, as the number may have come while it was being connected. */
	if (ctx->own == TANDEM_XB_CONNECTED && READ_ONCE(device->mistaken))
		ctx->broken = true;
	/* Not when the toolstack has just written that the disk is to go. */
	if (ctx->own == TANDEM_XB_CONNECTED && device->connected &&
	    ctx->online && xchg(&device->resize_due, false))
		WRITE_ONCE(device->resize_err, blkback_connect_resize(device));
}

static int blkback_device_act(struct tandem_device *base, unsigned int todo)
{
	struct blkback_device *device = container_of(base,
						     struct blkback_device,
						     base);

	switch (todo) {
	case TANDEM_DO_PUBLISH:
		return blkback_connect_publish(device);
	case TANDEM_DO_CONNECT:
		return blkback_connect(device);
	case TANDEM_DO_DISCONNECT:
		blkback_disconnect(device);
		return 0;
	case TANDEM_DO_REMOVE:
		/*
		 * The bus unregisters us when the toolstack removes our
		 * directory; until then nobody needs the store.
		 */
		return blkback_device_close(device);
	case TANDEM_DO_COMPLAIN:
		tandem_device_error(base, -EPROTO,
				    "the frontend's state makes no sense here");
		return 0;
	default:
		return 0;
	}
}

static void blkback_device_moved(struct tandem_device *base, u8 from, u8 to)
{
	trace_blkback_state(container_of(base, struct blkback_device, base),
			    from, to);
}

static const struct tandem_device_ops blkback_device_ops = {
	.front = false,
	.facts = blkback_device_facts,
	.act = blkback_device_act,
	.moved = blkback_device_moved,
};

static struct blkback_owner *blkback_device_owner(domid_t domid)
{
	struct blkback_owner *owner;
	char dir[32], name[32], *vm;

	snprintf(dir, sizeof(dir), "/local/domain/%u", domid);
	vm = xenbus_read(XBT_NIL, dir, "vm", NULL);
	if (IS_ERR(vm)) {
		snprintf(name, sizeof(name), "domid %u", domid);
		return blkback_owner_get(name, domid);
	}
	/* "/vm/UUID" */
	owner = blkback_owner_get(kbasename(vm), domid);
	kfree(vm);
	return owner;
}

/**
 * blkback_device_free() - the end of a device
 * @device: a device that serves nobody
 *
 * Context: process; may sleep.
 */
void blkback_device_free(struct blkback_device *device)
{
	struct xenbus_device *xbdev = device->xbdev;

	tandem_timer_end(&device->recheck);
	blkback_debugfs_remove(device);
	/* Other devices find this one, and what it has, until it is forgotten. */
	blkback_device_close(device);
	/* After that, as whoever waited for it may want its store. */
	blkback_orphan_forget(device);
	blkback_owner_put(device->owner);
	kfree(device->base.peer);
	kfree(device);
	put_device(&xbdev->dev);
}

static void blkback_device_recheck(struct timer_list *timer)
{
	blkback_device_drained(container_of(timer, struct blkback_device,
					    recheck));
}

static struct blkback_device *blkback_device_alloc(struct xenbus_device *xbdev)
{
	struct blkback_device *device = kzalloc(sizeof(*device), GFP_KERNEL);

	if (!device)
		return NULL;
	device->xbdev = xbdev;
	device->domid = xbdev->otherend_id;
	device->waits_for = DOMID_INVALID;
	device->base.peer = kstrdup(xbdev->otherend, GFP_KERNEL);
	device->owner = blkback_device_owner(device->domid);
	if (!device->base.peer || !device->owner) {
		blkback_owner_put(device->owner);
		kfree(device->base.peer);
		kfree(device);
		return NULL;
	}
	get_device(&xbdev->dev);
	mutex_init(&device->open_lock);
	mutex_init(&device->lock);
	spin_lock_init(&device->barrier_lock);
	init_waitqueue_head(&device->settled);
	INIT_WORK(&device->open_work, blkback_device_open_work);
	timer_setup(&device->recheck, blkback_device_recheck, 0);
	ratelimit_state_init(&device->refused, 5 * HZ, 3);
	ratelimit_set_flags(&device->refused, RATELIMIT_MSG_ON_RELEASE);
	tandem_device_init(&device->base, xbdev, &blkback_device_ops);
	INIT_LIST_HEAD(&device->node);
	return device;
}

static int blkback_device_start(struct blkback_device *device)
{
	struct xenbus_device *xbdev = device->xbdev;
	int err;

	err = tandem_keys_read(&device->base, xbdev->nodename,
			       tandem_blkif_tool_table,
			       TANDEM_BLKIF_NR_TOOL_KEYS, &device->tool);
	if (err)
		return err;
	/* From here on it may be told to open its store: not before it knows which. */
	blkback_orphan_init(device);
	return xenbus_watch_pathfmt(xbdev, &device->backend_watch, NULL,
				    blkback_device_backend_changed,
				    "%s/physical-device", xbdev->nodename);
}

static int blkback_device_probe(struct xenbus_device *xbdev,
				const struct xenbus_device_id *id)
{
	struct blkback_device *device = blkback_device_alloc(xbdev);
	int err;

	if (!device)
		return -ENOMEM;
	dev_set_drvdata(&xbdev->dev, device);
	err = blkback_device_start(device);
	if (err) {
		dev_set_drvdata(&xbdev->dev, NULL);
		tandem_device_stop(&device->base);
		cancel_work_sync(&device->open_work);
		blkback_device_free(device);
		return err;
	}
	blkback_debugfs_add(device);
	tandem_device_kick(&device->base, TANDEM_EV_PEER);
	return 0;
}

static void blkback_device_changed(struct xenbus_device *xbdev,
				   enum xenbus_state state)
{
	struct blkback_device *device = dev_get_drvdata(&xbdev->dev);

	if (device)
		tandem_device_kick(&device->base, TANDEM_EV_PEER);
}

static void blkback_device_unwatch(struct blkback_device *device)
{
	unregister_xenbus_watch(&device->backend_watch);
	kfree(device->backend_watch.node);
}

/*
 * A store may be opened or closed at this moment, and take its time for that: a
 * disk that does not answer, an image that was unlinked, a server that is gone.
 */
static void blkback_device_end(struct work_struct *work)
{
	struct blkback_device *device = container_of(work,
						     struct blkback_device,
						     end_work);

	blkback_debugfs_retire(device);
	wait_event(device->settled, !atomic_read(&device->users));
	/* The last of them may still be on its way out. */
	spin_lock_irq(&device->settled.lock);
	spin_unlock_irq(&device->settled.lock);
	tandem_device_stop(&device->base);
	/* Queued by the watch or by the device's work, both of which have ended. */
	cancel_work_sync(&device->open_work);
	blkback_disconnect(device);
	wait_event_timeout(device->settled, blkback_disconnect_settled(device),
			   BLKBACK_REMOVE_DEADLINE);
	if (blkback_disconnect_finish(device))
		blkback_device_free(device);
	else
		blkback_orphan_begin(device);
	module_put(THIS_MODULE);
}

/*
 * In the thread that serves all devices, which waits for a while and not for
 * ever: usually the store is closed when the toolstack hears that the disk is gone.
 * Where one was not, others of the same guest are not each waited for as long.
 */
static void blkback_device_await(domid_t domid, u64 serial)
{
	static unsigned long until;
	static domid_t of = DOMID_INVALID;
	bool hurry = of == domid && time_before(jiffies, until);

	if (blkback_orphan_wait(serial, hurry ? BLKBACK_HURRY :
				BLKBACK_LEAVE_DEADLINE))
		return;
	of = domid;
	until = jiffies + BLKBACK_LATE;
}

static void blkback_device_remove(struct xenbus_device *xbdev)
{
	struct blkback_device *device = dev_get_drvdata(&xbdev->dev);
	domid_t domid = device->domid;
	u64 serial = device->serial;

	WRITE_ONCE(device->leaving, true);
	tandem_device_halt(&device->base);
	blkback_device_unwatch(device);
	dev_set_drvdata(&xbdev->dev, NULL);
	__module_get(THIS_MODULE);
	INIT_WORK(&device->end_work, blkback_device_end);
	queue_work(blkback_store_wq, &device->end_work);
	blkback_device_await(domid, serial);
}

static void blkback_device_reclaim(struct xenbus_device *xbdev)
{
	struct blkback_device *device = dev_get_drvdata(&xbdev->dev);
	unsigned int i;

	/* Somebody who allocates may hold it. */
	if (!device || !mutex_trylock(&device->lock))
		return;
	for (i = 0; i < device->nr_queues; i++)
		blkback_queue_squeeze(&device->queues[i]);
	mutex_unlock(&device->lock);
}

static const struct xenbus_device_id blkback_device_ids[] = {
	{ "vbd" },
	{ "" }
};
MODULE_ALIAS("xen-backend:vbd");

static struct xenbus_driver blkback_driver = {
	.name = "tandem_blkback",
	.ids = blkback_device_ids,
	.allow_rebind = true,
	.probe = blkback_device_probe,
	.remove = blkback_device_remove,
	.otherend_changed = blkback_device_changed,
	.reclaim_memory = blkback_device_reclaim,
	.driver = {
		.dev_groups = blkback_sysfs_groups,
	},
};

static void blkback_module_exit_memory(void)
{
	blkback_queue_module_exit();
	blkback_store_exit();
	blkback_data_exit();
	blkback_req_exit();
}

static int __init blkback_module_init_memory(void)
{
	int err;

	err = blkback_req_init();
	if (err)
		return err;
	err = blkback_data_init();
	if (err)
		goto req;
	err = blkback_store_init();
	if (err)
		goto data;
	err = blkback_queue_module_init();
	if (!err)
		return 0;
	blkback_store_exit();
data:
	blkback_data_exit();
req:
	blkback_req_exit();
	return err;
}

static int __init blkback_module_init(void)
{
	int err;

	if (!xen_domain())
		return -ENODEV;
	err = blkback_module_init_memory();
	if (err)
		return err;
	blkback_debugfs_init();
	err = xenbus_register_backend(&blkback_driver);
	if (!err)
		return 0;
	blkback_debugfs_exit();
	blkback_module_exit_memory();
	return err;
}

static void __exit blkback_module_exit(void)
{
	xenbus_unregister_driver(&blkback_driver);
	/* Whoever was in sysfs while a device ended may still be on its way out. */
	synchronize_rcu_tasks();
	blkback_debugfs_exit();
	blkback_module_exit_memory();
}

module_init(blkback_module_init);
module_exit(blkback_module_exit);

MODULE_DESCRIPTION("Tandem: block backend for Xen guests");
MODULE_LICENSE("GPL");
