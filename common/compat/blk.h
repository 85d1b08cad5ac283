/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Differences between kernels: making a disk. From 6.9 on a queue's limits are
 * one struct, given at once; from 6.11 on its features are in there too.
 */
#ifndef TANDEM_COMPAT_BLK_H
#define TANDEM_COMPAT_BLK_H

#include <linux/blk-mq.h>
#include <linux/blkdev.h>
#include <linux/version.h>

/**
 * struct tandem_blk_limits - what a disk can do, in terms of all kernels
 * @logical: sector in bytes
 * @physical: physical sector in bytes
 * @max_sectors: longest request, in units of 512 bytes
 * @max_discard: longest discard, in units of 512 bytes; 0 without discards
 * @max_secure: longest secure discard; 0 without them
 * @granularity: of discards, in bytes
 * @alignment: of discards, in bytes
 * @cache: there is a write cache to be flushed
 * @fua: a write can be told to bypass it
 */
struct tandem_blk_limits {
	unsigned int logical;
	unsigned int physical;
	unsigned int max_sectors;
	unsigned int max_discard;
	unsigned int max_secure;
	unsigned int granularity;
	unsigned int alignment;
	bool cache;
	bool fua;
};

/* Requests need no fixed number of segments: data is packed, or sent in parts */
#define TANDEM_BLK_SEGMENTS	USHRT_MAX

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 14, 0)
#define TANDEM_BLK_MQ_FLAGS	BLK_MQ_F_NO_SCHED_BY_DEFAULT
#else
#define TANDEM_BLK_MQ_FLAGS	(BLK_MQ_F_SHOULD_MERGE | \
				 BLK_MQ_F_NO_SCHED_BY_DEFAULT)
#endif

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 11, 0)

static inline void tandem_blk_fill(struct queue_limits *lim,
				   const struct tandem_blk_limits *l)
{
	lim->logical_block_size = l->logical;
	lim->physical_block_size = l->physical;
	lim->max_hw_sectors = l->max_sectors;
	lim->max_segments = TANDEM_BLK_SEGMENTS;
	lim->max_segment_size = UINT_MAX;
	lim->max_hw_discard_sectors = l->max_discard;
	lim->max_secure_erase_sectors = l->max_secure;
	lim->discard_granularity = l->granularity;
	lim->discard_alignment = l->alignment;
	lim->features &= ~(BLK_FEAT_WRITE_CACHE | BLK_FEAT_FUA);
	if (l->cache)
		lim->features |= BLK_FEAT_WRITE_CACHE;
	if (l->cache && l->fua)
		lim->features |= BLK_FEAT_FUA;
}

static inline struct gendisk *
__tandem_blk_alloc_disk(struct blk_mq_tag_set *set,
			const struct tandem_blk_limits *l, void *data,
			struct lock_class_key *key)
{
	struct queue_limits lim = { };

	tandem_blk_fill(&lim, l);
	return __blk_mq_alloc_disk(set, &lim, data, key);
}

static inline void tandem_blk_set_limits(struct gendisk *disk,
					 const struct tandem_blk_limits *l)
{
	struct queue_limits lim = queue_limits_start_update(disk->queue);

	tandem_blk_fill(&lim, l);
	if (queue_limits_commit_update_frozen(disk->queue, &lim))
		pr_warn("%s: the new limits make no sense\n", disk->disk_name);
}

#else /* before 6.11: 6.1 is what is supported */

static inline void tandem_blk_fill(struct request_queue *q,
				   const struct tandem_blk_limits *l)
{
	blk_queue_logical_block_size(q, l->logical);
	blk_queue_physical_block_size(q, l->physical);
	blk_queue_max_hw_sectors(q, l->max_sectors);
	blk_queue_max_segments(q, TANDEM_BLK_SEGMENTS);
	blk_queue_max_segment_size(q, UINT_MAX);
	blk_queue_max_discard_sectors(q, l->max_discard);
	blk_queue_max_secure_erase_sectors(q, l->max_secure);
	q->limits.discard_granularity = l->granularity;
	q->limits.discard_alignment = l->alignment;
	blk_queue_write_cache(q, l->cache, l->cache && l->fua);
	blk_queue_flag_set(QUEUE_FLAG_NONROT, q);
}

static inline struct gendisk *
__tandem_blk_alloc_disk(struct blk_mq_tag_set *set,
			const struct tandem_blk_limits *l, void *data,
			struct lock_class_key *key)
{
	struct gendisk *disk = __blk_mq_alloc_disk(set, data, key);

	if (!IS_ERR(disk))
		tandem_blk_fill(disk->queue, l);
	return disk;
}

static inline void tandem_blk_set_limits(struct gendisk *disk,
					 const struct tandem_blk_limits *l)
{
	blk_mq_freeze_queue(disk->queue);
	tandem_blk_fill(disk->queue, l);
	blk_mq_unfreeze_queue(disk->queue);
}

#endif

/**
 * tandem_blk_alloc_disk() - make a disk
 * @set: its tags
 * @l: its limits
 * @data: private data of the queue
 *
 * Return: the disk or an error pointer.
 */
#define tandem_blk_alloc_disk(set, l, data)				\
({									\
	static struct lock_class_key tandem_key;			\
									\
	__tandem_blk_alloc_disk(set, l, data, &tandem_key);		\
})

/* How the operations of a disk are declared: release, geometry. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 5, 0)
#define TANDEM_BLK_RELEASE(name)	void name(struct gendisk *disk)
#else
#define TANDEM_BLK_RELEASE(name)	void name(struct gendisk *disk, \
						  fmode_t mode)
#endif

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 18, 0)
#define TANDEM_BLK_GETGEO(name)		int name(struct gendisk *disk, \
						 struct hd_geometry *geo)
#define tandem_blk_geo_sectors()	get_capacity(disk)
#else
#define TANDEM_BLK_GETGEO(name)		int name(struct block_device *bdev, \
						 struct hd_geometry *geo)
#define tandem_blk_geo_sectors()	get_capacity(bdev->bd_disk)
#endif

#endif /* TANDEM_COMPAT_BLK_H */
