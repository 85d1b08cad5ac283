// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a disk is doing, in /sys/kernel/debug/tandem_blkfront/.
 *
 * The files are read under the queues' locks, so that they may be read while a
 * disk connects or goes.
 */
#include <linux/debugfs.h>
#include <linux/seq_file.h>

#include "frontend/blk/device.h"

static struct dentry *debug_root;

static void debug_indices(struct seq_file *m, struct blkfront_queue *queue)
{
	const struct tandem_front_ring *ring = &queue->ring;
	struct tandem_ring_view view;

	if (!ring->size)
		return;
	tandem_sring_view(ring->sring, &view);
	seq_printf(m, "\tprivate req_prod %u req_pushed %u rsp_cons %u\n",
		   ring->req_prod, ring->req_pushed, ring->rsp_cons);
	seq_printf(m, "\tshared  req_prod %u req_event %u rsp_prod %u rsp_event %u\n",
		   view.req_prod, view.req_event, view.rsp_prod,
		   view.rsp_event);
}

static void debug_ring_one(struct seq_file *m, struct blkfront_queue *queue)
{
	seq_printf(m, "queue %u state %u slots %u free %u pages %u\n",
		   queue->index, queue->state, queue->ring.size, queue->nr_ids,
		   queue->nr_pages);
	debug_indices(m, queue);
	seq_printf(m, "\tevents sent %llu seen %llu spurious %llu port %u\n",
		   queue->event.sent, queue->event.seen, queue->event.spurious,
		   queue->event.port);
}

static void debug_grants_one(struct seq_file *m, struct blkfront_queue *queue)
{
	seq_printf(m, "queue %u pages %u free %u budget %u grown %llu trimmed %llu stuck %llu lent %llu\n",
		   queue->index, queue->pool.nr, queue->pool.nr_free,
		   queue->pool.budget, queue->stats.grown,
		   queue->stats.trimmed, queue->stats.stuck,
		   queue->stats.lent);
}

static void debug_counters_one(struct seq_file *m,
			       struct blkfront_queue *queue)
{
	const struct blkfront_stats *s = &queue->stats;

	seq_printf(m, "queue %u sent %llu done %llu errors %llu pushes %llu parts %llu starved %llu lost %llu timeouts %llu replayed %llu\n",
		   queue->index, s->sent, s->done, s->errors, s->pushes,
		   s->parts, s->starved, s->lost, s->timeouts, s->replayed);
}

static int debug_each(struct seq_file *m,
		      void (*one)(struct seq_file *m, struct blkfront_queue *q))
{
	struct blkfront *front = m->private;
	unsigned int i;

	for (i = 0; i < front->max_queues; i++) {
		spin_lock_bh(&front->queues[i].lock);
		one(m, &front->queues[i]);
		spin_unlock_bh(&front->queues[i].lock);
	}
	return 0;
}

static int blkfront_ring_show(struct seq_file *m, void *unused)
{
	return debug_each(m, debug_ring_one);
}
DEFINE_SHOW_ATTRIBUTE(blkfront_ring);

static int blkfront_grants_show(struct seq_file *m, void *unused)
{
	return debug_each(m, debug_grants_one);
}
DEFINE_SHOW_ATTRIBUTE(blkfront_grants);

static int blkfront_counters_show(struct seq_file *m, void *unused)
{
	return debug_each(m, debug_counters_one);
}
DEFINE_SHOW_ATTRIBUTE(blkfront_counters);

static int blkfront_last_error_show(struct seq_file *m, void *unused)
{
	struct blkfront *front = m->private;

	seq_printf(m, "%s\n", front->last_error);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(blkfront_last_error);

/**
 * tandem_blkfront_debug_start() - make the driver's directory
 */
void tandem_blkfront_debug_start(void)
{
	debug_root = debugfs_create_dir("tandem_blkfront", NULL);
}

/**
 * tandem_blkfront_debug_finish() - remove it
 */
void tandem_blkfront_debug_finish(void)
{
	debugfs_remove(debug_root);
}

/**
 * tandem_blkfront_debug_add() - make the files of a disk
 * @front: the disk
 */
void tandem_blkfront_debug_add(struct blkfront *front)
{
	struct dentry *dir;

	dir = debugfs_create_dir(dev_name(&front->dev.xdev->dev), debug_root);
	front->debug = dir;
	debugfs_create_file("ring", 0400, dir, front, &blkfront_ring_fops);
	debugfs_create_file("grants", 0400, dir, front, &blkfront_grants_fops);
	debugfs_create_file("counters", 0400, dir, front,
			    &blkfront_counters_fops);
	debugfs_create_file("last_error", 0400, dir, front,
			    &blkfront_last_error_fops);
}

/**
 * tandem_blkfront_debug_remove() - remove them; waits for readers
 * @front: the disk
 */
void tandem_blkfront_debug_remove(struct blkfront *front)
{
	debugfs_remove(front->debug);
}
