// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the modules ask of the block layer, the file systems and debugfs: the
 * real thing, unless it is to fail.
 */
#include <linux/bio.h>
#include <linux/blk-mq.h>
#include <linux/blkdev.h>
#include <linux/debugfs.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/namei.h>

#include "fake.h"

FAKED(blk_mq_alloc_tag_set);
int fake_blk_mq_alloc_tag_set(struct blk_mq_tag_set *set)
{
	if (fake_fails(1))
		return -ENOMEM;
	return blk_mq_alloc_tag_set(set);
}

FAKED(__blk_mq_alloc_disk);
struct gendisk *fake___blk_mq_alloc_disk(struct blk_mq_tag_set *set,
					 struct queue_limits *lim, void *data,
					 struct lock_class_key *key)
{
	if (fake_fails(1))
		return ERR_PTR(-ENOMEM);
	return __blk_mq_alloc_disk(set, lim, data, key);
}

FAKED(device_add_disk);
int fake_device_add_disk(struct device *parent, struct gendisk *disk,
			 const struct attribute_group **groups)
{
	unsigned int way = fake_fails(2);

	if (way)
		return way == 1 ? -ENOMEM : -EEXIST;
	return device_add_disk(parent, disk, groups);
}

FAKED(queue_limits_commit_update_frozen);
int fake_queue_limits_commit_update_frozen(struct request_queue *q,
					   struct queue_limits *lim)
{
	if (fake_fails(1)) {
		queue_limits_cancel_update(q);
		return -EINVAL;
	}
	return queue_limits_commit_update_frozen(q, lim);
}

FAKED(submit_bio);
void fake_submit_bio(struct bio *bio)
{
	switch (fake_fails(2)) {
	case 1:
		bio_io_error(bio);
		break;
	case 2:
		bio->bi_status = BLK_STS_NOTSUPP;
		bio_endio(bio);
		break;
	default:
		fake_hold_bio(bio);
		submit_bio(bio);
	}
}

FAKED(bioset_init);
int fake_bioset_init(struct bio_set *bs, unsigned int size, unsigned int front,
		     int flags)
{
	if (fake_fails(1))
		return -ENOMEM;
	return bioset_init(bs, size, front, flags);
}

FAKED(blkdev_issue_discard);
int fake_blkdev_issue_discard(struct block_device *bdev, sector_t sector,
			      sector_t nr, gfp_t gfp)
{
	unsigned int way = fake_fails(2);

	if (way)
		return way == 1 ? -EIO : -EOPNOTSUPP;
	return blkdev_issue_discard(bdev, sector, nr, gfp);
}

static atomic_t block_erased;
static bool block_refuses;

/* Return: how often something was erased. */
unsigned int fake_block_erased(void)
{
	return atomic_read(&block_erased);
}

/* Whether the store has forgotten how to. */
void fake_block_refuse(bool refuse)
{
	WRITE_ONCE(block_refuses, refuse);
}

/* null_blk does not know how, and a discard takes the data as well. */
FAKED(blkdev_issue_secure_erase);
int fake_blkdev_issue_secure_erase(struct block_device *bdev, sector_t sector,
				   sector_t nr, gfp_t gfp)
{
	unsigned int way = fake_fails(2);

	if (way)
		return way == 1 ? -EIO : -EOPNOTSUPP;
	if (READ_ONCE(block_refuses))
		return -EOPNOTSUPP;
	atomic_inc(&block_erased);
	return blkdev_issue_discard(bdev, sector, nr, gfp);
}

/**
 * fake_block_offer_erase() - a block device says that it can erase
 * @dev: its number
 */
void fake_block_offer_erase(dev_t dev)
{
	struct queue_limits lim;
	struct fake_disk disk;
	struct request_queue *q;

	if (fake_disk_open(&disk, dev))
		return;
	q = bdev_get_queue(disk.bdev);
	lim = queue_limits_start_update(q);
	lim.max_secure_erase_sectors = UINT_MAX >> SECTOR_SHIFT;
	if (queue_limits_commit_update_frozen(q, &lim))
		pr_err("fake: no store that erases\n");
	fake_disk_close(&disk);
}

FAKED(bdev_file_open_by_dev);
struct file *fake_bdev_file_open_by_dev(dev_t dev, blk_mode_t mode,
					void *holder,
					const struct blk_holder_ops *ops)
{
	unsigned int way = fake_fails(2);

	if (way)
		return ERR_PTR(way == 1 ? -ENOMEM : -EBUSY);
	return bdev_file_open_by_dev(dev, mode, holder, ops);
}

FAKED(bdev_file_open_by_path);
struct file *fake_bdev_file_open_by_path(const char *path, blk_mode_t mode,
					 void *holder,
					 const struct blk_holder_ops *ops)
{
	unsigned int way = fake_fails(2);

	if (way)
		return ERR_PTR(way == 1 ? -ENOMEM : -EBUSY);
	return bdev_file_open_by_path(path, mode, holder, ops);
}

FAKED(filp_open);
struct file *fake_filp_open(const char *name, int flags, umode_t mode)
{
	if (fake_fails(1))
		return ERR_PTR(-ENFILE);
	return filp_open(name, flags, mode);
}

FAKED(kern_path);
int fake_kern_path(const char *name, unsigned int flags, struct path *path)
{
	if (fake_fails(1))
		return -ENOMEM;
	return kern_path(name, flags, path);
}

FAKED(vfs_getattr);
int fake_vfs_getattr(const struct path *path, struct kstat *stat, u32 mask,
		     unsigned int flags)
{
	if (fake_fails(1))
		return -EIO;
	return vfs_getattr(path, stat, mask, flags);
}

FAKED(vfs_fallocate);
int fake_vfs_fallocate(struct file *file, int mode, loff_t at, loff_t len)
{
	unsigned int way = fake_fails(2);

	if (way)
		return way == 1 ? -EIO : -EOPNOTSUPP;
	return vfs_fallocate(file, mode, at, len);
}

FAKED(vfs_fsync);
int fake_vfs_fsync(struct file *file, int datasync)
{
	if (fake_fails(1))
		return -EIO;
	return vfs_fsync(file, datasync);
}

FAKED(vfs_iocb_iter_read);
ssize_t fake_vfs_iocb_iter_read(struct file *file, struct kiocb *iocb,
				struct iov_iter *iter)
{
	unsigned int way = fake_fails(2);

	if (way)
		return way == 1 ? -EIO : -EAGAIN;
	return vfs_iocb_iter_read(file, iocb, iter);
}

FAKED(vfs_iocb_iter_write);
ssize_t fake_vfs_iocb_iter_write(struct file *file, struct kiocb *iocb,
				 struct iov_iter *iter)
{
	switch (fake_fails(3)) {
	case 1:
		return -ENOSPC;
	case 2:
		return -EAGAIN;
	case 3:
		iov_iter_truncate(iter, SECTOR_SIZE);
		break;
	}
	return vfs_iocb_iter_write(file, iocb, iter);
}

FAKED(debugfs_create_dir);
struct dentry *fake_debugfs_create_dir(const char *name, struct dentry *parent)
{
	if (fake_fails(1))
		return ERR_PTR(-ENOMEM);
	return debugfs_create_dir(name, parent);
}

FAKED(debugfs_create_file);
struct dentry *fake_debugfs_create_file(const char *name, umode_t mode,
					struct dentry *parent, void *data,
					const struct file_operations *fops)
{
	if (fake_fails(1))
		return ERR_PTR(-ENOMEM);
	return debugfs_create_file(name, mode, parent, data, fops);
}

FAKED(try_module_get);
bool fake_try_module_get(struct module *module)
{
	if (fake_fails(1))
		return false;
	return try_module_get(module);
}
