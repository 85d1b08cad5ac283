/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Opening a block device from the kernel, whose shape changed with 6.5 and 6.9.
 */
#ifndef TANDEM_COMPAT_BDEV_H
#define TANDEM_COMPAT_BDEV_H

#include <linux/blkdev.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 9, 0)

#define TANDEM_HAVE_BDEV_HOLDER_OPS 1

/**
 * struct tandem_bdev - an open block device
 * @bdev: the device, NULL when not open
 * @file: what holds it open
 */
struct tandem_bdev {
	struct block_device *bdev;
	struct file *file;
};

static inline int tandem_bdev_opened(struct tandem_bdev *open,
				     struct file *file)
{
	if (IS_ERR(file))
		return PTR_ERR(file);
	open->file = file;
	open->bdev = file_bdev(file);
	return 0;
}

static inline int tandem_bdev_open_path(struct tandem_bdev *open,
					const char *path, bool write,
					void *holder,
					const struct blk_holder_ops *ops)
{
	blk_mode_t mode = BLK_OPEN_READ | (write ? BLK_OPEN_WRITE : 0);

	return tandem_bdev_opened(open, bdev_file_open_by_path(path, mode,
							       holder, ops));
}

static inline int tandem_bdev_open_dev(struct tandem_bdev *open, dev_t dev,
				       bool write, void *holder,
				       const struct blk_holder_ops *ops)
{
	blk_mode_t mode = BLK_OPEN_READ | (write ? BLK_OPEN_WRITE : 0);

	return tandem_bdev_opened(open, bdev_file_open_by_dev(dev, mode,
							      holder, ops));
}

static inline void tandem_bdev_close(struct tandem_bdev *open)
{
	if (open->bdev)
		bdev_fput(open->file);
	open->bdev = NULL;
}

#else

struct blk_holder_ops;

struct tandem_bdev {
	struct block_device *bdev;
	fmode_t mode;
};

static inline fmode_t tandem_bdev_mode(bool write, const void *holder)
{
	return FMODE_READ | (write ? FMODE_WRITE : 0) |
	       (holder ? FMODE_EXCL : 0);
}

static inline int tandem_bdev_opened(struct tandem_bdev *open,
				     struct block_device *bdev, fmode_t mode)
{
	if (IS_ERR(bdev))
		return PTR_ERR(bdev);
	open->bdev = bdev;
	open->mode = mode;
	return 0;
}

static inline int tandem_bdev_open_path(struct tandem_bdev *open,
					const char *path, bool write,
					void *holder,
					const struct blk_holder_ops *ops)
{
	fmode_t mode = tandem_bdev_mode(write, holder);

	return tandem_bdev_opened(open, blkdev_get_by_path(path, mode, holder),
				  mode);
}

static inline int tandem_bdev_open_dev(struct tandem_bdev *open, dev_t dev,
				       bool write, void *holder,
				       const struct blk_holder_ops *ops)
{
	fmode_t mode = tandem_bdev_mode(write, holder);

	return tandem_bdev_opened(open, blkdev_get_by_dev(dev, mode, holder),
				  mode);
}

static inline void tandem_bdev_close(struct tandem_bdev *open)
{
	if (open->bdev)
		blkdev_put(open->bdev, open->mode);
	open->bdev = NULL;
}

#endif

#endif /* TANDEM_COMPAT_BDEV_H */
