// SPDX-License-Identifier: GPL-2.0-only
/*
 * Agreeing with a frontend: what is offered, what it chose, and the rings.
 */
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <xen/xenbus.h>

#include "backend/blk/device.h"
#include "backend/blk/params.h"

/**
 * struct blkback_node - one number to write to xenstore
 * @name: the key
 * @value: its value
 */
struct blkback_node {
	const char *name;
	u64 value;
};

/*
 * Within a transaction: when the toolstack takes the directory away meanwhile,
 * that one fails and is tried anew, so that nothing makes the directory again.
 */
static int blkback_connect_there(const struct blkback_device *device,
				 struct xenbus_transaction xbt)
{
	char *state = xenbus_read(xbt, device->xbdev->nodename, "state", NULL);

	if (IS_ERR(state))
		return PTR_ERR(state) == -ENOENT ? -ESHUTDOWN : PTR_ERR(state);
	kfree(state);
	return 0;
}

static int blkback_connect_write_all(struct blkback_device *device,
				     struct xenbus_transaction xbt,
				     const struct blkback_node *node,
				     unsigned int nr)
{
	int err = blkback_connect_there(device, xbt);
	unsigned int i;

	for (i = 0; i < nr && !err; i++)
		err = xenbus_printf(xbt, device->xbdev->nodename, node[i].name,
				    "%llu", node[i].value);
	return err;
}

/* All at once, so that a frontend never sees half of it. */
static int blkback_connect_write(struct blkback_device *device,
				 const struct blkback_node *node,
				 unsigned int nr)
{
	struct xenbus_transaction xbt;
	int err, end;

	if (!tandem_device_write_begin(&device->base))
		return -ESHUTDOWN;
	do {
		err = xenbus_transaction_start(&xbt);
		if (err)
			break;
		err = blkback_connect_write_all(device, xbt, node, nr);
		end = xenbus_transaction_end(xbt, err);
		err = err ?: end;
	} while (err == -EAGAIN);
	tandem_device_write_end(&device->base);
	if (err && err != -ESHUTDOWN)
		tandem_device_error(&device->base, err,
				    "writing what is offered");
	return err;
}

static void blkback_connect_host(struct tandem_blkif_host *host)
{
	host->max_queues = min_t(unsigned int, blkback_param_max_queues(),
				 TANDEM_BLKIF_MAX_QUEUES);
	host->max_order = blkback_param_max_ring_order();
	host->max_indirect = BLKBACK_MAX_INDIRECT;
	host->persistent = blkback_param_feature_persistent();
	host->dflt_abi = blkback_param_default_x86_32() ? TANDEM_BLKIF_X86_32 :
							  TANDEM_BLKIF_NATIVE;
}

/**
 * blkback_connect_publish() - write what a frontend may choose from
 * @device: the device
 *
 * Both spellings of the ring's size, and indirect segments, are there before
 * InitWait, because some frontends look only once.
 *
 * Spec: io/blkif.h, "Backend Device Properties".
 * Return: 0 or a negative error, which has been reported.
 */
int blkback_connect_publish(struct blkback_device *device)
{
	struct tandem_blkif_host host;

	blkback_connect_host(&host);
	{
		const struct blkback_node node[] = {
			{ TANDEM_BLKIF_KEY_MAX_QUEUES, host.max_queues },
			{ TANDEM_BLKIF_KEY_MAX_ORDER, host.max_order },
			{ TANDEM_BLKIF_KEY_MAX_PAGES, 1u << host.max_order },
			{ TANDEM_BLKIF_KEY_MAX_INDIRECT, host.max_indirect },
			{ TANDEM_BLKIF_KEY_PERSISTENT, host.persistent },
		};

		return blkback_connect_write(device, node, ARRAY_SIZE(node));
	}
}

static u32 blkback_connect_info(const struct blkback_device *device)
{
	const struct tandem_blkif_tool_keys *tool = &device->tool;
	u32 info = 0;

	if (device->limits.readonly)
		info |= TANDEM_BLKIF_INFO_READONLY;
	if (!strcmp(tool->device_type, "cdrom"))
		info |= TANDEM_BLKIF_INFO_CDROM | TANDEM_BLKIF_INFO_READONLY;
	return info;
}

static int blkback_connect_write_disk(struct blkback_device *device)
{
	const struct tandem_blkif_limits *lim = &device->limits;
	const struct blkback_store *store = device->store;
	const struct blkback_node node[] = {
		{ TANDEM_BLKIF_KEY_SECTORS, lim->sectors },
		{ TANDEM_BLKIF_KEY_SECTOR_SIZE, lim->sector_size },
		{ TANDEM_BLKIF_KEY_PHYS_SIZE, store->phys_size },
		{ TANDEM_BLKIF_KEY_INFO, blkback_connect_info(device) },
		{ TANDEM_BLKIF_KEY_FLUSH, lim->flush },
		{ TANDEM_BLKIF_KEY_BARRIER, lim->barrier },
		{ TANDEM_BLKIF_KEY_DISCARD, lim->discard },
		{ TANDEM_BLKIF_KEY_SECURE, lim->secure },
		{ TANDEM_BLKIF_KEY_GRANULARITY, store->granularity },
		{ TANDEM_BLKIF_KEY_ALIGNMENT, store->alignment },
	};
	unsigned int nr = ARRAY_SIZE(node);

	/* Without discards its numbers would only mislead. */
	if (!lim->discard)
		nr -= 2;
	return blkback_connect_write(device, node, nr);
}

static void blkback_connect_limits(struct blkback_device *device)
{
	struct tandem_blkif_limits *lim = &device->limits;
	struct blkback_store *store = device->store;

	lim->sectors = store->ops->sectors(store);
	lim->sector_size = store->sector_size;
	lim->max_indirect_segs = BLKBACK_MAX_INDIRECT;
	lim->readonly = store->wish.readonly;
	lim->flush = true;
	lim->barrier = true;
	lim->discard = store->granularity;
	lim->secure = lim->discard && store->secure;
	device->steady_writes = store->steady;
	/* What an earlier frontend knew of caches says nothing of this one. */
	WRITE_ONCE(store->flushed, false);
}

/**
 * blkback_connect_resize() - tell the frontend if the disk has a new size
 * @device: a connected device
 *
 * The frontend looks again when it sees our state written once more. What it
 * asks for then must be within the limits already; if it could not be told,
 * those are as before, and the next look finds the new size again.
 *
 * Context: the device's work, so that the state cannot change meanwhile.
 * Return: 0 or a negative error, which has been reported.
 */
int blkback_connect_resize(struct blkback_device *device)
{
	u64 sectors = device->store->ops->sectors(device->store);
	u64 before = device->limits.sectors;
	const struct blkback_node node[] = {
		{ TANDEM_BLKIF_KEY_SECTORS, sectors },
		{ "state", XenbusStateConnected },
	};

	int err;

	if (sectors == before)
		return 0;
	dev_info(&device->xbdev->dev,
		 "size changed from %llu to %llu sectors\n", before, sectors);
	WRITE_ONCE(device->limits.sectors, sectors);
	err = blkback_connect_write(device, node, ARRAY_SIZE(node));
	if (err)
		WRITE_ONCE(device->limits.sectors, before);
	return err;
}

static int blkback_connect_queue(struct blkback_device *device,
				 unsigned int index)
{
	const struct tandem_blkif_transport *transport = &device->transport;
	struct blkback_queue *queue = &device->queues[index];
	struct tandem_blkif_queue_keys keys;
	enum tandem_blkif_nego why;
	char dir[128];
	int err;

	err = tandem_blkif_queue_dir(device->base.peer, index,
				     transport->nr_queues, dir, sizeof(dir));
	if (err < 0)
		return err;
	err = tandem_keys_read(&device->base, dir, tandem_blkif_queue_table,
			       tandem_blkif_queue_rows(transport->ring_order),
			       &keys);
	if (err)
		return err;
	err = tandem_blkif_queue_check(&keys, transport->ring_order, &why);
	if (err) {
		tandem_device_error(&device->base, err, "%s: %s", dir,
				    tandem_blkif_nego_str(why));
		return err;
	}
	queue->abi = transport->abi;
	queue->persistent = transport->persistent;
	err = blkback_queue_connect(queue, keys.ring_refs,
				    1u << transport->ring_order,
				    keys.event_channel);
	if (err)
		tandem_device_error(&device->base, err,
				    "%s: cannot serve ring or event channel",
				    dir);
	return err;
}

/*
 * A frontend with the deprecated key counts in sectors of the disk, where the
 * specification has 512 bytes. On a disk where that differs it would write to
 * other places than it means to.
 */
static int blkback_connect_check_units(struct blkback_device *device)
{
	unsigned int size = device->store->sector_size;

	if (size == SECTOR_SIZE)
		return 0;
	tandem_device_error(&device->base, -EINVAL,
			    "%s: feature-large-sector-size: counts in sectors of %u bytes, where the specification has 512",
			    device->base.peer, size);
	return -EINVAL;
}

static int blkback_connect_accept(struct blkback_device *device)
{
	struct tandem_blkif_front_keys front;
	struct tandem_blkif_host host;
	enum tandem_blkif_nego why;
	int err;

	err = tandem_keys_read(&device->base, device->base.peer,
			       tandem_blkif_front_table,
			       TANDEM_BLKIF_NR_FRONT_KEYS, &front);
	if (err)
		return err;
	blkback_connect_host(&host);
	err = tandem_blkif_accept(&front, &host, &device->transport, &why);
	if (err) {
		tandem_device_error(&device->base, err, "%s: %s",
				    device->base.peer,
				    tandem_blkif_nego_str(why));
		return err;
	}
	if (front.large_sector)
		return blkback_connect_check_units(device);
	return 0;
}

static int blkback_connect_queues(struct blkback_device *device)
{
	unsigned int i, nr = device->transport.nr_queues;
	struct blkback_queue *queues;
	int err = 0;

	queues = kvcalloc(nr, sizeof(*queues), GFP_KERNEL);
	if (!queues)
		return -ENOMEM;
	for (i = 0; i < nr; i++)
		blkback_queue_init(&queues[i], device, i);
	mutex_lock(&device->lock);
	device->queues = queues;
	device->nr_queues = nr;
	mutex_unlock(&device->lock);
	for (i = 0; i < nr && !err; i++)
		err = blkback_connect_queue(device, i);
	return err;
}

/*
 * From here on the store cannot be closed under us, nor the module be unloaded:
 * a guest would be left with a disk that nobody serves.
 */
static int blkback_connect_hold(struct blkback_device *device)
{
	int err = -ENODEV;

	mutex_lock(&device->lock);
	/* Of a device that leaves the bus, that frees the frontend's name. */
	if (!WARN_ON_ONCE(device->connected) && device->store &&
	    !READ_ONCE(device->leaving) && try_module_get(THIS_MODULE)) {
		device->connected = true;
		err = 0;
	}
	mutex_unlock(&device->lock);
	return err;
}

static int blkback_connect_spare(struct blkback_device *device)
{
	int err = blkback_spare_init(device);

	if (err)
		tandem_device_error(&device->base, err,
				    "no memory for the disk's reserve");
	return err;
}

/**
 * blkback_connect() - begin to serve a frontend
 * @device: with an open store, not connected
 *
 * Context: the device's work; may sleep.
 * Return: 0 or a negative error, which has been reported; what was connected
 * by then is stopped, and drains like any other connection.
 */
int blkback_connect(struct blkback_device *device)
{
	int err;

	err = blkback_connect_hold(device);
	if (err)
		return err;
	blkback_connect_limits(device);
	err = blkback_connect_accept(device);
	if (!err)
		err = blkback_connect_write_disk(device);
	if (!err)
		err = blkback_connect_spare(device);
	if (!err)
		err = blkback_connect_queues(device);
	if (err)
		blkback_disconnect(device);
	return err;
}

/**
 * blkback_disconnect() - stop serving
 * @device: connected or not; idempotent
 *
 * What is in flight goes on; blkback_disconnect_finish() ends it.
 *
 * Context: process.
 */
void blkback_disconnect(struct blkback_device *device)
{
	unsigned int i;

	for (i = 0; i < device->nr_queues; i++)
		blkback_queue_stop(&device->queues[i]);
}

/**
 * blkback_disconnect_settled() - is a stopped connection without requests
 * @device: the device
 *
 * Context: any that may not run beside blkback_disconnect_finish().
 * Return: true when blkback_disconnect_finish() will do its work.
 */
bool blkback_disconnect_settled(const struct blkback_device *device)
{
	unsigned int i;

	for (i = 0; i < device->nr_queues; i++)
		if (!device->queues[i].dead ||
		    !blkback_queue_idle(&device->queues[i]))
			return false;
	return true;
}

/* A network may still hold a page that is kept mapped: look again later. */
static bool blkback_disconnect_busy(struct blkback_device *device)
{
	unsigned int i;

	for (i = 0; i < device->nr_queues; i++) {
		if (!tandem_kept_busy(&device->queues[i].kept))
			continue;
		mod_timer(&device->recheck, jiffies + HZ / 20);
		return true;
	}
	return false;
}

/* From here on neither sysfs nor debugfs finds the rings. */
static void blkback_disconnect_hide(struct blkback_device *device)
{
	unsigned int i;

	mutex_lock(&device->lock);
	for (i = 0; i < device->nr_queues; i++)
		blkback_stats_add(&device->totals, &device->queues[i].stats);
	device->queues = NULL;
	device->nr_queues = 0;
	device->barrier = NULL;
	mutex_unlock(&device->lock);
}

/**
 * blkback_disconnect_finish() - let go of the rings once nothing is in flight
 * @device: the device
 *
 * Context: process; may sleep, but not for I/O.
 * Return: true when nothing of a connection is left.
 */
bool blkback_disconnect_finish(struct blkback_device *device)
{
	struct blkback_queue *queues = device->queues;
	unsigned int i, nr = device->nr_queues;

	if (!device->connected)
		return true;
	if (!blkback_disconnect_settled(device))
		return false;
	if (blkback_disconnect_busy(device))
		return false;
	blkback_disconnect_hide(device);
	/* Whoever ended the last request may still be about to look at it. */
	synchronize_rcu();
	for (i = 0; i < 2 * nr; i++)
		blkback_queue_quiesce(&queues[i % nr]);
	for (i = 0; i < nr; i++)
		blkback_queue_release(&queues[i]);
	kvfree(queues);
	blkback_spare_free(device);
	mutex_lock(&device->lock);
	device->connected = false;
	mutex_unlock(&device->lock);
	module_put(THIS_MODULE);
	return true;
}
