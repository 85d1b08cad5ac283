// SPDX-License-Identifier: GPL-2.0-only
/*
 * Negotiation: what the backend offers, what we take, and telling it.
 */
#include <linux/err.h>
#include <linux/slab.h>

#include "blkif/keys.h"
#include "frontend/blk/device.h"
#include "frontend/blk/param.h"
#include "frontend/blk/queue.h"

/* How long a backend that stops may keep pages of requests mapped. */
#define CONNECT_PATIENCE	(5 * HZ)

/* So many pages may backends keep for good; more than a sound one ever needs. */
#define CONNECT_WITHHELD	256

static int blkfront_read_own(struct blkfront *front)
{
	struct tandem_blkif_own_keys own = { };
	int err;

	err = tandem_keys_read(&front->dev, front->dev.xdev->nodename,
			       tandem_blkif_own_table,
			       TANDEM_BLKIF_NR_OWN_KEYS, &own);
	if (err)
		return err;
	front->vdev = own.virtual_device;
	front->trusted = own.trusted && tandem_blkfront_trusted;
	return 0;
}

static void blkfront_choose(struct blkfront *front,
			    const struct tandem_blkif_back_keys *keys,
			    struct tandem_blkif_transport *out)
{
	struct tandem_blkif_host host;

	tandem_blkfront_host(&host);
	host.max_queues = front->disk ? front->nr_queues : front->max_queues;
	tandem_blkif_choose(keys, &host, out);
}

static int blkfront_read_offer(struct blkfront *front)
{
	struct tandem_blkif_back_keys keys = { };
	int err;

	err = tandem_keys_read(&front->dev, front->dev.xdev->otherend,
			       tandem_blkif_offer_table,
			       TANDEM_BLKIF_NR_OFFER_KEYS, &keys);
	if (err)
		return err;
	memset(&front->info, 0, sizeof(front->info));
	blkfront_choose(front, &keys, &front->transport);
	front->nr_rings = front->transport.nr_queues;
	return 0;
}

/**
 * tandem_blkfront_close() - let go of the rings
 * @front: with or without rings
 * @state: of the queues: BLKFRONT_QUEUE_DOWN when requests shall wait for the
 *         next connection, BLKFRONT_QUEUE_DEAD when they shall fail
 *
 * All queues are halted before the first is closed, so that a deadline is one
 * for all. After that none breaks any more, and quarantine is over.
 */
void tandem_blkfront_close(struct blkfront *front,
			   enum blkfront_queue_state state)
{
	unsigned long deadline = jiffies + CONNECT_PATIENCE;
	unsigned int i;

	for (i = 0; i < front->max_queues; i++)
		tandem_blkfront_queue_halt(&front->queues[i], state);
	cancel_work_sync(&front->quarantine);
	for (i = 0; i < front->max_queues; i++)
		tandem_blkfront_queue_close(&front->queues[i], deadline);
	front->open = false;
}

static int blkfront_open(struct blkfront *front)
{
	unsigned int i;
	int err;

	front->open = true;
	for (i = 0; i < front->nr_rings; i++) {
		err = tandem_blkfront_queue_open(&front->queues[i]);
		if (err)
			return err;
	}
	return 0;
}

static int blkfront_write_refs(struct xenbus_transaction xbt, const char *dir,
			       const struct blkfront_queue *queue)
{
	char key[sizeof(TANDEM_BLKIF_KEY_RING_REF_N) + 8];
	unsigned int i;
	int err;

	if (queue->nr_pages == 1)
		return xenbus_printf(xbt, dir, TANDEM_BLKIF_KEY_RING_REF, "%u",
				     queue->refs[0]);
	for (i = 0; i < queue->nr_pages; i++) {
		snprintf(key, sizeof(key), TANDEM_BLKIF_KEY_RING_REF_N, i);
		err = xenbus_printf(xbt, dir, key, "%u", queue->refs[i]);
		if (err)
			return err;
	}
	return 0;
}

static int blkfront_write_queue(struct blkfront *front,
				struct xenbus_transaction xbt,
				const struct blkfront_queue *queue)
{
	char dir[128];
	int err;

	err = tandem_blkif_queue_dir(front->dev.xdev->nodename, queue->index,
				     front->nr_rings, dir, sizeof(dir));
	if (err < 0)
		return err;
	err = blkfront_write_refs(xbt, dir, queue);
	if (err)
		return err;
	return xenbus_printf(xbt, dir, TANDEM_BLKIF_KEY_EVENT_CHANNEL, "%u",
			     queue->event.port);
}

/* Keys of an earlier connection that this one may not overwrite. */
static void blkfront_erase(struct blkfront *front,
			   struct xenbus_transaction xbt)
{
	const char *dir = front->dev.xdev->nodename;
	static const char *const old[] = {
		TANDEM_BLKIF_KEY_NUM_QUEUES, TANDEM_BLKIF_KEY_RING_ORDER,
		TANDEM_BLKIF_KEY_RING_PAGES, TANDEM_BLKIF_KEY_RING_REF,
		TANDEM_BLKIF_KEY_EVENT_CHANNEL,
	};
	char key[32];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(old); i++)
		if (xenbus_exists(xbt, dir, old[i]))
			xenbus_rm(xbt, dir, old[i]);
	for (i = 0; i < TANDEM_BLKIF_MAX_PAGES; i++) {
		snprintf(key, sizeof(key), TANDEM_BLKIF_KEY_RING_REF_N, i);
		if (!xenbus_exists(xbt, dir, key))
			break;
		xenbus_rm(xbt, dir, key);
	}
	/* Of a driver that could have more than we can, too. */
	for (i = 0; i < TANDEM_BLKIF_MAX_QUEUES; i++) {
		snprintf(key, sizeof(key), TANDEM_BLKIF_KEY_QUEUE_N, i);
		if (!xenbus_exists(xbt, dir, key))
			break;
		xenbus_rm(xbt, dir, key);
	}
}

static int blkfront_write_common(struct blkfront *front,
				 struct xenbus_transaction xbt)
{
	const char *dir = front->dev.xdev->nodename;
	struct tandem_blkif_host host;
	int err;

	tandem_blkfront_host(&host);
	err = xenbus_printf(xbt, dir, TANDEM_BLKIF_KEY_PROTOCOL, "%s",
			    tandem_blkif_protocol_str(TANDEM_BLKIF_NATIVE));
	if (!err)
		err = xenbus_printf(xbt, dir, TANDEM_BLKIF_KEY_PERSISTENT, "%u",
				    host.persistent);
	if (!err && front->nr_rings > 1)
		err = xenbus_printf(xbt, dir, TANDEM_BLKIF_KEY_NUM_QUEUES, "%u",
				    front->nr_rings);
	if (!err && front->transport.ring_order) {
		err = xenbus_printf(xbt, dir, TANDEM_BLKIF_KEY_RING_ORDER, "%u",
				    front->transport.ring_order);
		if (!err)
			err = xenbus_printf(xbt, dir,
					    TANDEM_BLKIF_KEY_RING_PAGES, "%u",
					    1U << front->transport.ring_order);
	}
	return err;
}

/**
 * tandem_blkfront_settle() - say what the connection is like
 * @front: connected
 *
 * Whoever serves these rings next, without a new life of ours, is to know that it may
 * not keep pages that are lent for one request. That it is not said is no error now.
 */
void tandem_blkfront_settle(struct blkfront *front)
{
	xenbus_printf(XBT_NIL, front->dev.xdev->nodename,
		      TANDEM_BLKIF_KEY_PERSISTENT, "%u",
		      front->transport.persistent);
}

static int blkfront_write_once(struct blkfront *front)
{
	struct xenbus_transaction xbt;
	unsigned int i;
	int err, end;

	err = xenbus_transaction_start(&xbt);
	if (err)
		return err;
	blkfront_erase(front, xbt);
	err = blkfront_write_common(front, xbt);
	for (i = 0; i < front->nr_rings && !err; i++)
		err = blkfront_write_queue(front, xbt, &front->queues[i]);
	end = xenbus_transaction_end(xbt, err);
	return err ?: end;
}

static int blkfront_write(struct blkfront *front)
{
	int err;

	do {
		err = blkfront_write_once(front);
	} while (err == -EAGAIN && !READ_ONCE(front->dead));
	return err;
}

/* Less of everything, when memory, grants or the store's quota run short. */
static bool blkfront_want_less(struct blkfront *front)
{
	if (front->transport.ring_order)
		front->transport.ring_order--;
	else if (front->nr_rings > 1)
		front->nr_rings /= 2;
	else
		return false;
	front->transport.nr_queues = front->nr_rings;
	return true;
}

static int blkfront_allowed(struct blkfront *front)
{
	/* Those of earlier connections; it falls when backends let go. */
	unsigned int nr = front->left.nr;

	if (nr <= CONNECT_WITHHELD)
		return 0;
	tandem_device_error(&front->dev, -EBUSY,
			    "backends keep %u pages of ours: no more is lent to them",
			    nr);
	return -EBUSY;
}

/**
 * tandem_blkfront_publish() - make rings and tell the backend of them
 * @front: without rings
 *
 * Return: 0, or a negative error that has been reported and undone.
 */
int tandem_blkfront_publish(struct blkfront *front)
{
	int err;

	err = blkfront_allowed(front);
	if (!err)
		err = blkfront_read_own(front);
	if (!err)
		err = blkfront_read_offer(front);
	if (err)
		return err;
	do {
		err = blkfront_open(front);
		if (!err)
			err = blkfront_write(front);
		if (!err)
			return 0;
		tandem_blkfront_close(front, BLKFRONT_QUEUE_DOWN);
	} while (!READ_ONCE(front->dead) && blkfront_want_less(front));
	tandem_device_error(&front->dev, err, "making %u rings%s",
			    front->nr_rings, err == -ENOSPC ?
			    ": no grants or no room in xenstore left" : "");
	return err;
}

/**
 * tandem_blkfront_learn() - what the disk is like
 * @front: with rings, and a backend that is Connected
 *
 * Return: 0, or a negative error that has been reported.
 */
int tandem_blkfront_learn(struct blkfront *front)
{
	struct tandem_blkif_back_keys keys = { };
	struct tandem_blkif_transport late;
	struct tandem_blkif_device info;
	enum tandem_blkif_nego why;
	int err;

	err = tandem_keys_read(&front->dev, front->dev.xdev->otherend,
			       tandem_blkif_device_table,
			       TANDEM_BLKIF_NR_DEVICE_KEYS, &keys);
	if (err)
		return err;
	err = tandem_blkif_device_check(&keys, &info, &why);
	if (err) {
		tandem_device_error(&front->dev, err, "%s",
				    tandem_blkif_nego_str(why));
		return err;
	}
	blkfront_choose(front, &keys, &late);
	front->transport.persistent = late.persistent;
	front->transport.max_indirect = late.max_indirect;
	front->info = info;
	return 0;
}
