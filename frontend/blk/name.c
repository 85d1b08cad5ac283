// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual device numbers, as in Xen's docs/man/xen-vbd-interface.7: either a
 * disk of the kind xvd, with 8 bits of partition, or what used to be the major
 * and minor number of a Linux disk.
 */
#include <linux/bits.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "frontend/blk/name.h"

#define NAME_EXTENDED		BIT(28)
#define NAME_LETTERS		26

/**
 * struct name_major - a range of majors that belong to one kind of disk
 * @first: first major
 * @last: last major
 * @kind: one of enum blkfront_kind
 * @disk: number of the first disk of the first major
 * @disks: disks per major
 * @bits: bits of the minor that are the partition
 */
struct name_major {
	u16 first;
	u16 last;
	u8 kind;
	u16 disk;
	u8 disks;
	u8 bits;
};

static const struct name_major name_majors[] = {
	{ 202, 202, BLKFRONT_XVD, 0, 16, 4 },
	{ 8, 8, BLKFRONT_SD, 0, 16, 4 },
	{ 65, 71, BLKFRONT_SD, 16, 16, 4 },
	{ 128, 135, BLKFRONT_SD, 128, 16, 4 },
	{ 3, 3, BLKFRONT_HD, 0, 2, 6 },
	{ 22, 22, BLKFRONT_HD, 2, 2, 6 },
	{ 33, 34, BLKFRONT_HD, 4, 2, 6 },
	{ 56, 57, BLKFRONT_HD, 8, 2, 6 },
	{ 88, 91, BLKFRONT_HD, 12, 2, 6 },
};

static const char *const name_kinds[] = {
	[BLKFRONT_XVD] = "xvd",
	[BLKFRONT_SD] = "sd",
	[BLKFRONT_HD] = "hd",
};

static const struct name_major *name_find_major(u32 major)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(name_majors); i++)
		if (major >= name_majors[i].first &&
		    major <= name_majors[i].last)
			return &name_majors[i];
	return NULL;
}

/**
 * tandem_blkfront_vdev() - decode a virtual device number
 * @number: any value, from the toolstack
 * @vdev: filled in on success
 *
 * Return: false when the number means nothing.
 */
bool tandem_blkfront_vdev(u32 number, struct blkfront_vdev *vdev)
{
	const struct name_major *m;

	if (number & NAME_EXTENDED) {
		vdev->kind = BLKFRONT_XVD;
		vdev->disk = (number & (NAME_EXTENDED - 1)) >> 8;
		vdev->part = number & 0xff;
		return number < 2 * NAME_EXTENDED;
	}
	m = name_find_major(number >> 8);
	if (!m)
		return false;
	vdev->kind = m->kind;
	vdev->disk = m->disk + ((number >> 8) - m->first) * m->disks +
		     ((number & 0xff) >> m->bits);
	vdev->part = number & (BIT(m->bits) - 1);
	return ((number & 0xff) >> m->bits) < m->disks;
}

/* Disks are lettered a to z, then aa, ab and so on. */
static char *name_letters(char *end, u32 disk)
{
	do {
		*--end = 'a' + disk % NAME_LETTERS;
		disk = disk / NAME_LETTERS;
	} while (disk-- > 0);
	return end;
}

/**
 * tandem_blkfront_name() - the disk's name under /dev
 * @vdev: decoded number
 * @name: filled in
 */
void tandem_blkfront_name(const struct blkfront_vdev *vdev,
			  char name[BLKFRONT_NAME_SIZE])
{
	char letters[8];
	char *first;

	letters[sizeof(letters) - 1] = '\0';
	first = name_letters(letters + sizeof(letters) - 1, vdev->disk);
	if (vdev->part)
		snprintf(name, BLKFRONT_NAME_SIZE, "%s%s%u",
			 name_kinds[vdev->kind], first, vdev->part);
	else
		snprintf(name, BLKFRONT_NAME_SIZE, "%s%s",
			 name_kinds[vdev->kind], first);
}
