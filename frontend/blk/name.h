/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a virtual device number is called.
 */
#ifndef BLKFRONT_NAME_H
#define BLKFRONT_NAME_H

#include <linux/types.h>

/* The longest name, with its NUL: three letters of a kind, disk, partition. */
#define BLKFRONT_NAME_SIZE	24

/**
 * enum blkfront_kind - what the number says the disk looks like
 * @BLKFRONT_XVD: a virtual disk
 * @BLKFRONT_SD: a SCSI disk
 * @BLKFRONT_HD: an IDE disk
 */
enum blkfront_kind {
	BLKFRONT_XVD,
	BLKFRONT_SD,
	BLKFRONT_HD,
};

/**
 * struct blkfront_vdev - a decoded virtual device number
 * @kind: one of enum blkfront_kind
 * @disk: which disk of that kind, from 0
 * @part: partition whose name the whole disk bears; 0 for none
 */
struct blkfront_vdev {
	u8 kind;
	u32 disk;
	u32 part;
};

bool tandem_blkfront_vdev(u32 number, struct blkfront_vdev *vdev);
void tandem_blkfront_name(const struct blkfront_vdev *vdev,
			  char name[BLKFRONT_NAME_SIZE]);

#endif /* BLKFRONT_NAME_H */
