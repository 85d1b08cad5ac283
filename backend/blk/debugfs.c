// SPDX-License-Identifier: GPL-2.0-only
/*
 * Looking inside: rings, grants, counters and the last error of each disk, in
 * debugfs under tandem_blkback.
 */
#include <linux/debugfs.h>
#include <linux/seq_file.h>

#include "backend/blk/device.h"
#include "backend/blk/params.h"
#include "backend/blk/total.h"

static struct dentry *blkback_debugfs_root;

static void blkback_debugfs_one_ring(struct seq_file *m,
				     struct blkback_queue *queue)
{
	struct tandem_ring_view view;

	if (!queue->shared)
		return;
	tandem_sring_view(queue->ring.sring, &view);
	seq_printf(m, "queue %u: slots %u abi %s persistent %d dead %d\n",
		   queue->index, queue->ring.size,
		   tandem_blkif_protocol_str(queue->abi), queue->persistent,
		   queue->dead);
	seq_printf(m, "  shared: req_prod %u req_event %u rsp_prod %u rsp_event %u\n",
		   view.req_prod, view.req_event, view.rsp_prod,
		   view.rsp_event);
	seq_printf(m, "  private: req_cons %u rsp_prod %u in flight %d parked %d\n",
		   queue->ring.req_cons, queue->ring.rsp_prod,
		   atomic_read(&queue->inflight), !list_empty(&queue->parked));
	seq_printf(m, "  events: sent %llu seen %llu spurious %llu\n",
		   queue->event.sent, queue->event.seen,
		   queue->event.spurious);
}

static int blkback_debugfs_ring_show(struct seq_file *m, void *unused)
{
	struct blkback_device *device = m->private;
	unsigned int i;

	mutex_lock(&device->lock);
	for (i = 0; i < device->nr_queues; i++)
		blkback_debugfs_one_ring(m, &device->queues[i]);
	mutex_unlock(&device->lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(blkback_debugfs_ring);

static int blkback_debugfs_grants_show(struct seq_file *m, void *unused)
{
	struct blkback_device *device = m->private;
	unsigned int i;

	mutex_lock(&device->lock);
	for (i = 0; i < device->nr_queues; i++)
		seq_printf(m, "queue %u: kept %u of %u, foreign pages in use %d\n",
			   i, device->queues[i].kept.nr,
			   device->queues[i].kept.budget,
			   atomic_read(&device->queues[i].pages.nr));
	mutex_unlock(&device->lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(blkback_debugfs_grants);

static void blkback_debugfs_stats(struct seq_file *m,
				  const struct blkback_stats *sum)
{
	seq_printf(m, "rd_req %llu\nwr_req %llu\nf_req %llu\nds_req %llu\n",
		   sum->rd_req, sum->wr_req, sum->f_req, sum->ds_req);
	seq_printf(m, "rd_sect %llu\nwr_sect %llu\noo_req %llu\n",
		   sum->rd_sect, sum->wr_sect, sum->oo_req);
	seq_printf(m, "bad_req %llu\nio_errors %llu\n",
		   sum->bad_req, sum->io_errors);
	seq_printf(m, "drains %llu\npushes %llu\nspared %llu\npolls %llu\nkept_hits %llu\n",
		   sum->drains, sum->pushes, sum->spared, sum->polls,
		   sum->kept_hits);
	seq_printf(m, "maps %llu\nunmaps %llu\ncopies %llu\ngrant_calls %llu\n",
		   sum->maps, sum->unmaps, sum->copies, sum->grant_calls);
}

static int blkback_debugfs_counters_show(struct seq_file *m, void *unused)
{
	struct blkback_device *device = m->private;
	struct blkback_stats sum;
	u64 sent = 0, seen = 0, spurious = 0;
	unsigned int i;

	blkback_device_stats(device, &sum);
	blkback_debugfs_stats(m, &sum);
	mutex_lock(&device->lock);
	for (i = 0; i < device->nr_queues; i++) {
		sent += device->queues[i].event.sent;
		seen += device->queues[i].event.seen;
		spurious += device->queues[i].event.spurious;
	}
	mutex_unlock(&device->lock);
	seq_printf(m, "events_sent %llu\nevents_seen %llu\nevents_spurious %llu\n",
		   sent, seen, spurious);
	seq_printf(m, "broken %llu\n", device->broken);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(blkback_debugfs_counters);

static int blkback_debugfs_last_error_show(struct seq_file *m, void *unused)
{
	struct blkback_device *device = m->private;

	seq_printf(m, "%s\n", device->last_error);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(blkback_debugfs_last_error);

static int blkback_debugfs_store_show(struct seq_file *m, void *unused)
{
	struct blkback_device *device = m->private;
	domid_t elder = READ_ONCE(device->waits_for);

	mutex_lock(&device->lock);
	seq_printf(m, "%s\n", device->store ? device->store->path : "none");
	mutex_unlock(&device->lock);
	if (elder != DOMID_INVALID)
		seq_printf(m, "waits for what domain %u has in flight\n", elder);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(blkback_debugfs_store);

/*
 * debugfs keeps a file's readers and its removal apart, so a reader never
 * meets a freed device.
 */
static void blkback_debugfs_make(struct blkback_device *device,
				 const char *name)
{
	struct dentry *dir = debugfs_create_dir(name, blkback_debugfs_root);

	debugfs_create_file("ring", 0400, dir, device,
			    &blkback_debugfs_ring_fops);
	debugfs_create_file("grants", 0400, dir, device,
			    &blkback_debugfs_grants_fops);
	debugfs_create_file("counters", 0400, dir, device,
			    &blkback_debugfs_counters_fops);
	debugfs_create_file("last_error", 0400, dir, device,
			    &blkback_debugfs_last_error_fops);
	debugfs_create_file("store", 0400, dir, device,
			    &blkback_debugfs_store_fops);
	device->debugfs = dir;
}

/**
 * blkback_debugfs_add() - a device's directory
 * @device: the device
 */
void blkback_debugfs_add(struct blkback_device *device)
{
	blkback_debugfs_make(device, dev_name(&device->xbdev->dev));
}

/**
 * blkback_debugfs_retire() - a device that left the bus gives its name up
 * @device: the device; may be served anew by another by now
 *
 * Context: process; waits for readers.
 */
void blkback_debugfs_retire(struct blkback_device *device)
{
	char name[48];

	debugfs_remove(device->debugfs);
	snprintf(name, sizeof(name), "%s.left%llu",
		 dev_name(&device->xbdev->dev), device->serial);
	blkback_debugfs_make(device, name);
}

/**
 * blkback_debugfs_remove() - the counterpart of blkback_debugfs_add()
 * @device: the device
 *
 * Context: process; waits for readers.
 */
void blkback_debugfs_remove(struct blkback_device *device)
{
	debugfs_remove(device->debugfs);
}

static int blkback_debugfs_totals_show(struct seq_file *m, void *unused)
{
	static const char *const name[BLKBACK_TOTALS] = {
		[BLKBACK_TOTAL_KEPT] = "kept",
		[BLKBACK_TOTAL_MAPPED] = "mapped",
		[BLKBACK_TOTAL_COPIED] = "copied",
	};
	unsigned int i;

	for (i = 0; i < BLKBACK_TOTALS; i++)
		seq_printf(m, "%s %d of %u\n", name[i], blkback_total_read(i),
			   blkback_param_max_total(i));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(blkback_debugfs_totals);

/**
 * blkback_debugfs_init() - the driver's directory
 */
void blkback_debugfs_init(void)
{
	blkback_debugfs_root = debugfs_create_dir("tandem_blkback", NULL);
	debugfs_create_file("totals", 0400, blkback_debugfs_root, NULL,
			    &blkback_debugfs_totals_fops);
}

/**
 * blkback_debugfs_exit() - the counterpart; no device exists
 */
void blkback_debugfs_exit(void)
{
	debugfs_remove(blkback_debugfs_root);
}
