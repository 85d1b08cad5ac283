// SPDX-License-Identifier: GPL-2.0-only
/*
 * The disk: its operations, limits and names.
 */
#include <linux/hdreg.h>
#include <linux/seq_file.h>

#include "common/compat/blk.h"
#include "frontend/blk/device.h"
#include "frontend/blk/disk.h"
#include "frontend/blk/name.h"
#include "frontend/blk/param.h"
#include "frontend/blk/trace.h"

/* Names tried in turn: as configured, as xvd, as xvd far from the others. */
#define DISK_NAMES		3
#define DISK_FAR		26

/* The geometry that old tools expect. */
#define DISK_HEADS		255
#define DISK_SECTORS		63

/*
 * A flush without a backend's write cache is done. Anything else that this
 * backend has nothing for fails.
 */
static blk_status_t blkfront_refuse(struct blkfront_queue *queue,
				    const struct blk_mq_queue_data *bd,
				    blk_status_t status)
{
	if (req_op(bd->rq) != REQ_OP_FLUSH)
		return status;
	blk_mq_end_request(bd->rq, BLK_STS_OK);
	/* Those before it were not the last ones. */
	if (bd->last)
		tandem_blkfront_queue_commit(queue);
	return BLK_STS_OK;
}

/* The queue is not live, or others come first. The dead will not be again. */
static blk_status_t blkfront_wait_turn(struct blkfront_queue *queue)
{
	blk_status_t status = BLK_STS_RESOURCE;

	spin_lock_bh(&queue->lock);
	if (queue->state == BLKFRONT_QUEUE_DEAD)
		status = BLK_STS_IOERR;
	else
		queue->starved = true;
	spin_unlock_bh(&queue->lock);
	return status;
}

static blk_status_t blkfront_queue_rq(struct blk_mq_hw_ctx *hctx,
				      const struct blk_mq_queue_data *bd)
{
	struct blkfront_queue *queue = hctx->driver_data;
	struct blkfront_req *req = blk_mq_rq_to_pdu(bd->rq);
	blk_status_t status;

	blk_mq_start_request(bd->rq);
	/* Before it is asked what the backend offers: there is none any more. */
	if (unlikely(READ_ONCE(queue->state) == BLKFRONT_QUEUE_DEAD))
		return BLK_STS_IOERR;
	status = tandem_blkfront_req_init(queue, req);
	if (unlikely(status))
		return blkfront_refuse(queue, bd, status);
	if (unlikely(READ_ONCE(queue->state) != BLKFRONT_QUEUE_LIVE ||
		     READ_ONCE(queue->backlog.first)))
		return blkfront_wait_turn(queue);
	return tandem_blkfront_req_send(queue, req, bd->last);
}

static void blkfront_commit_rqs(struct blk_mq_hw_ctx *hctx)
{
	tandem_blkfront_queue_commit(hctx->driver_data);
}

/*
 * The pages of a request that is late may still be written by the backend, so
 * it is never ended here: look whether an event was lost, and wait on.
 */
static enum blk_eh_timer_return blkfront_late(struct request *rq)
{
	struct blkfront_queue *queue = rq->mq_hctx->driver_data;
	struct blkfront *front = queue->front;

	queue->stats.timeouts++;
	queue->polled = true;
	tandem_blkfront_remark(front, KERN_WARNING,
			       "no answer for %u s to a request at sector %llu\n",
			       jiffies_to_msecs(rq->timeout) / 1000,
			       (u64)blk_rq_pos(rq));
	tasklet_schedule(&queue->bh);
	return BLK_EH_RESET_TIMER;
}

static int blkfront_init_hctx(struct blk_mq_hw_ctx *hctx, void *data,
			      unsigned int index)
{
	struct blkfront *front = data;

	hctx->driver_data = &front->queues[index % front->nr_rings];
	return 0;
}

#ifdef CONFIG_BLK_DEBUG_FS
static void blkfront_show_rq(struct seq_file *m, struct request *rq)
{
	struct blkfront_req *req = blk_mq_rq_to_pdu(rq);

	seq_printf(m, ", .wire_op=%u, .slot=%u, .segs=%u, .bytes=%u, .flags=%#x",
		   req->op, req->slot, req->nr_segs, req->bytes, req->flags);
}
#endif

static const struct blk_mq_ops blkfront_mq_ops = {
	.queue_rq = blkfront_queue_rq,
	.commit_rqs = blkfront_commit_rqs,
	.timeout = blkfront_late,
	.init_hctx = blkfront_init_hctx,
#ifdef CONFIG_BLK_DEBUG_FS
	.show_rq = blkfront_show_rq,
#endif
};

static TANDEM_BLK_RELEASE(blkfront_release)
{
	struct blkfront *front = disk->private_data;

	/* Not IN_USE_DONE: somebody may have opened it anew when that is looked at. */
	if (READ_ONCE(front->refused) && !disk_openers(disk))
		tandem_device_kick(&front->dev, TANDEM_EV_NONE);
}

static TANDEM_BLK_GETGEO(blkfront_getgeo)
{
	sector_t sectors = tandem_blk_geo_sectors();

	geo->heads = DISK_HEADS;
	geo->sectors = DISK_SECTORS;
	sector_div(sectors, DISK_HEADS * DISK_SECTORS);
	geo->cylinders = min_t(sector_t, sectors, U16_MAX);
	return 0;
}

static void blkfront_free_disk(struct gendisk *disk)
{
	tandem_blkfront_put(disk->private_data);
}

static const struct block_device_operations blkfront_disk_ops = {
	.owner = THIS_MODULE,
	.release = blkfront_release,
	.getgeo = blkfront_getgeo,
	.free_disk = blkfront_free_disk,
};

/* Each ring's events where its requests come from. */
static int blkfront_spread(struct blkfront *front)
{
	struct blkfront_queue *queue;
	struct blk_mq_hw_ctx *hctx;
	unsigned long i;

	if (front->nr_rings == 1)
		return 0;
	queue_for_each_hw_ctx(front->disk->queue, hctx, i) {
		queue = hctx->driver_data;
		if (queue->index == i && queue->event.irq &&
		    !cpumask_empty(hctx->cpumask))
			irq_set_affinity(queue->event.irq,
					 cpumask_of(cpumask_first(hctx->cpumask)));
	}
	return 0;
}

static void blkfront_limits(const struct blkfront *front,
			    struct tandem_blk_limits *l)
{
	const struct tandem_blkif_device *info = &front->info;
	unsigned int max = UINT_MAX >> SECTOR_SHIFT;

	if (info->granularity)
		max = rounddown(max, max(info->granularity >> SECTOR_SHIFT, 1U));
	memset(l, 0, sizeof(*l));
	l->logical = info->sector_size;
	l->physical = info->phys_size;
	l->max_sectors = front->max_sectors;
	l->max_discard = info->discard ? max : 0;
	l->max_secure = info->secure ? max : 0;
	l->granularity = info->discard ? info->granularity : 0;
	l->alignment = info->discard ? info->alignment : 0;
	/*
	 * A backend with a cache may follow one without, and what is stacked above
	 * looks only once. Flushes that a backend has nothing for end at once.
	 */
	l->cache = true;
	l->fua = info->barrier && !info->flush;
}

static int blkfront_alloc_tags(struct blkfront *front)
{
	struct blk_mq_tag_set *tags = &front->tags;

	memset(tags, 0, sizeof(*tags));
	tags->ops = &blkfront_mq_ops;
	tags->nr_hw_queues = front->nr_rings;
	tags->queue_depth = front->queues[0].ring.size;
	tags->numa_node = NUMA_NO_NODE;
	tags->cmd_size = sizeof(struct blkfront_req);
	tags->flags = TANDEM_BLK_MQ_FLAGS;
	tags->driver_data = front;
	return blk_mq_alloc_tag_set(tags);
}

static int blkfront_alloc_disk(struct blkfront *front)
{
	struct tandem_blk_limits limits;
	struct gendisk *disk;

	blkfront_limits(front, &limits);
	disk = tandem_blk_alloc_disk(&front->tags, &limits, front);
	if (IS_ERR(disk))
		return PTR_ERR(disk);
	disk->fops = &blkfront_disk_ops;
	disk->private_data = front;
	set_capacity(disk, front->info.sectors);
	set_disk_ro(disk, front->info.readonly);
	if (front->info.removable || front->info.cdrom)
		disk->flags |= GENHD_FL_REMOVABLE;
	front->disk = disk;
	return 0;
}

static bool blkfront_choose_name(struct blkfront *front, unsigned int try)
{
	struct blkfront_vdev vdev;

	if (!tandem_blkfront_vdev(front->vdev, &vdev))
		return false;
	if (!try && !tandem_blkfront_native_names && vdev.kind != BLKFRONT_XVD)
		return false;
	if (try)
		vdev.kind = BLKFRONT_XVD;
	if (try > 1)
		vdev.disk += DISK_FAR;
	if (vdev.part)
		front->disk->flags |= GENHD_FL_NO_PART;
	tandem_blkfront_name(&vdev, front->disk->disk_name);
	return true;
}

/* Asked before, since the block layer finds a second name worth a stack trace. */
static bool blkfront_name_taken(struct blkfront *front)
{
	struct device *other;

	other = class_find_device_by_name(disk_to_dev(front->disk)->class,
					  front->disk->disk_name);
	put_device(other);
	return other;
}

/* A name may be taken, by a disk of another kind say. */
static int blkfront_add_named(struct blkfront *front)
{
	int err = -EINVAL;
	unsigned int try;

	for (try = 0; try < DISK_NAMES; try++) {
		if (!blkfront_choose_name(front, try))
			continue;
		err = -EEXIST;
		if (!blkfront_name_taken(front))
			err = device_add_disk(&front->dev.xdev->dev,
					      front->disk, NULL);
		if (err != -EEXIST)
			break;
		tandem_blkfront_remark(front, KERN_NOTICE, "the name %s is taken\n",
				       front->disk->disk_name);
		/* The block layer has numbered it, and would not do so again. */
		front->disk->major = 0;
		front->disk->first_minor = 0;
	}
	return err;
}

static_assert(BLKFRONT_NAME_SIZE <= DISK_NAME_LEN);

/**
 * tandem_blkfront_disk_add() - make the disk known
 * @front: connected, with @front->info learnt
 *
 * The block layer looks for partitions at once, so the rings are in service.
 *
 * Return: 0 or a negative error, after which there is no disk.
 */
int tandem_blkfront_disk_add(struct blkfront *front)
{
	int err;

	front->nr_queues = front->nr_rings;
	front->max_sectors = front->queues[0].max_segs *
			     TANDEM_BLKIF_PAGE_SECTORS;
	err = blkfront_alloc_tags(front);
	if (err)
		return err;
	err = blkfront_alloc_disk(front);
	if (!err) {
		kref_get(&front->ref);
		tandem_blkfront_wait_begin(front);
		err = blkfront_add_named(front);
		tandem_blkfront_wait_end(front);
		if (!err)
			return blkfront_spread(front);
		tandem_blkfront_close(front, BLKFRONT_QUEUE_DOWN);
		put_disk(front->disk);
		tandem_blkfront_put(front);
	}
	front->disk = NULL;
	blk_mq_free_tag_set(&front->tags);
	return err;
}

/**
 * tandem_blkfront_disk_remove() - the disk goes
 * @front: with or without a disk
 * @surprise: the queues are dead, and users get errors; otherwise what they
 *            left in memory is written first
 */
void tandem_blkfront_disk_remove(struct blkfront *front, bool surprise)
{
	struct gendisk *disk = front->disk;

	if (!disk)
		return;
	/*
	 * First: what waits in a paused queue fails now, and marking the disk
	 * waits for file systems that wait for just that.
	 */
	tandem_blkfront_disk_resume(front);
	if (surprise)
		blk_mark_disk_dead(disk);
	else
		tandem_blkfront_wait_begin(front);
	del_gendisk(disk);
	tandem_blkfront_wait_end(front);
	tandem_blkfront_close(front, BLKFRONT_QUEUE_DEAD);
	/* No request is out any more, so if this one waits it has an end. */
	cancel_work_sync(&front->limits);
	front->disk = NULL;
	blk_mq_free_tag_set(&front->tags);
	put_disk(disk);
}

/**
 * tandem_blkfront_disk_resize() - tell the block layer the size
 * @front: with a disk
 */
void tandem_blkfront_disk_resize(struct blkfront *front)
{
	if (get_capacity(front->disk) == front->info.sectors)
		return;
	tandem_blkfront_remark(front, KERN_INFO, "%s: %llu sectors\n",
			       front->disk->disk_name, front->info.sectors);
	set_capacity_and_notify(front->disk, front->info.sectors);
}

/**
 * tandem_blkfront_disk_limits() - tell the block layer the disk's limits
 * @work: of a disk
 *
 * They change only while no request is out, so this waits for all that are, and
 * a backend may take its time for those, or for ever. Hence a work of its own.
 *
 * Features are read without a lock; whoever changes one has this run once more.
 */
void tandem_blkfront_disk_limits(struct work_struct *work)
{
	struct blkfront *front = container_of(work, struct blkfront, limits);
	struct tandem_blk_limits limits;

	blkfront_limits(front, &limits);
	limits.logical = queue_logical_block_size(front->disk->queue);
	limits.physical = queue_physical_block_size(front->disk->queue);
	tandem_blk_set_limits(front->disk, &limits);
}

/**
 * tandem_blkfront_disk_refresh() - tell the block layer what changed
 * @front: with a disk
 *
 * Waits for nothing.
 */
void tandem_blkfront_disk_refresh(struct blkfront *front)
{
	set_disk_ro(front->disk, front->info.readonly);
	schedule_work(&front->limits);
}

/**
 * tandem_blkfront_disk_pause() - the block layer sends nothing from now on
 * @front: the disk; may be paused already, or not exist
 */
void tandem_blkfront_disk_pause(struct blkfront *front)
{
	if (front->paused || !front->disk)
		return;
	blk_mq_quiesce_queue(front->disk->queue);
	front->paused = true;
}

/* After a migration there may be fewer rings than hardware queues. */
static void blkfront_map_rings(struct blkfront *front)
{
	struct blk_mq_hw_ctx *hctx;
	unsigned long i;

	queue_for_each_hw_ctx(front->disk->queue, hctx, i)
		hctx->driver_data = &front->queues[i % front->nr_rings];
}

/**
 * tandem_blkfront_disk_resume() - the block layer may send again
 * @front: the disk; may not be paused, or not exist
 */
void tandem_blkfront_disk_resume(struct blkfront *front)
{
	if (!front->paused || !front->disk)
		return;
	front->paused = false;
	blkfront_map_rings(front);
	blkfront_spread(front);
	blk_mq_unquiesce_queue(front->disk->queue);
}

/**
 * tandem_blkfront_disk_in_use() - has somebody the disk open
 * @front: the disk
 *
 * Return: true if so.
 */
bool tandem_blkfront_disk_in_use(struct blkfront *front)
{
	return front->disk && disk_openers(front->disk);
}
