// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the disks of all guests together take of the host: mappings, of which Xen
 * has room for so many, and memory. A bound for each ring does not bound them, as
 * a guest may have many rings and many disks.
 *
 * Near a bound the other way is taken: what would be copied is mapped, and what
 * would be mapped is copied. The reserve of each disk is beyond the bounds.
 */
#include <linux/atomic.h>

#include "backend/blk/params.h"
#include "backend/blk/total.h"

static atomic_t blkback_totals[BLKBACK_TOTALS];

/**
 * blkback_total_room() - may there be one page more
 * @what: of which
 *
 * A bound is passed by what is counted between this and blkback_total_add():
 * on each CPU a batch at most.
 *
 * Context: any.
 * Return: true if so.
 */
bool blkback_total_room(enum blkback_total what)
{
	return atomic_read(&blkback_totals[what]) < blkback_param_max_total(what);
}

/**
 * blkback_total_read() - how many pages there are
 * @what: of which
 *
 * Context: any.
 */
int blkback_total_read(enum blkback_total what)
{
	return atomic_read(&blkback_totals[what]);
}

/**
 * blkback_total_add() - there are more pages, or fewer
 * @what: of which
 * @nr: how many, below zero for fewer
 *
 * Context: any.
 */
void blkback_total_add(enum blkback_total what, int nr)
{
	atomic_add(nr, &blkback_totals[what]);
}
