/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the disks of all guests together take of the host.
 */
#ifndef BLKBACK_TOTAL_H
#define BLKBACK_TOTAL_H

#include <linux/types.h>

/**
 * enum blkback_total - what is counted, in pages
 * @BLKBACK_TOTAL_KEPT: of guests, kept mapped
 * @BLKBACK_TOTAL_MAPPED: of guests, mapped, the kept ones among them
 * @BLKBACK_TOTAL_COPIED: of ours, with copies of guests' data
 * @BLKBACK_TOTALS: number of values
 */
enum blkback_total {
	BLKBACK_TOTAL_KEPT,
	BLKBACK_TOTAL_MAPPED,
	BLKBACK_TOTAL_COPIED,
	BLKBACK_TOTALS,
};

bool blkback_total_room(enum blkback_total what);
int blkback_total_read(enum blkback_total what);
void blkback_total_add(enum blkback_total what, int nr);

#endif /* BLKBACK_TOTAL_H */
