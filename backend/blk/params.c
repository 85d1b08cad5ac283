// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the host allows each guest, as module parameters.
 */
#include <linux/cpumask.h>
#include <linux/minmax.h>
#include <linux/module.h>

#include "backend/blk/params.h"

static unsigned int blkback_max_queues;
module_param_named(max_queues, blkback_max_queues, uint, 0644);
MODULE_PARM_DESC(max_queues,
		 "Most rings per device; 0 (default): as many as online CPUs");

static unsigned int blkback_max_ring_order = BLKBACK_MAX_RING_ORDER;
module_param_named(max_ring_page_order, blkback_max_ring_order, uint, 0444);
MODULE_PARM_DESC(max_ring_page_order,
		 "Most pages per ring, as a power of two, 0 to 4 (default 4)");

static unsigned int blkback_max_kept = 1056;
module_param_named(max_persistent_grants, blkback_max_kept, uint, 0644);
MODULE_PARM_DESC(max_persistent_grants,
		 "Most guest pages kept mapped per ring (default 1056)");

static unsigned int blkback_max_totals[BLKBACK_TOTALS] = {
	[BLKBACK_TOTAL_KEPT] = 131072,
	[BLKBACK_TOTAL_MAPPED] = 196608,
	[BLKBACK_TOTAL_COPIED] = 32768,
};

module_param_named(max_persistent_total,
		   blkback_max_totals[BLKBACK_TOTAL_KEPT], uint, 0644);
MODULE_PARM_DESC(max_persistent_total,
		 "Most guest pages kept mapped for all disks (default 131072, half of what Xen has room for)");
module_param_named(max_mapped_total,
		   blkback_max_totals[BLKBACK_TOTAL_MAPPED], uint, 0644);
MODULE_PARM_DESC(max_mapped_total,
		 "Most guest pages mapped for all disks; beyond, data is copied (default 196608)");
module_param_named(max_copied_total,
		   blkback_max_totals[BLKBACK_TOTAL_COPIED], uint, 0644);
MODULE_PARM_DESC(max_copied_total,
		 "Most pages of this domain's memory for copies, for all disks; beyond, data is mapped (default 32768)");

static unsigned int blkback_copy_max = 16;
module_param_named(copy_max_segments, blkback_copy_max, uint, 0644);
MODULE_PARM_DESC(copy_max_segments,
		 "Requests of up to this many pages that are not kept mapped are copied, larger ones mapped (default 16)");

static unsigned int blkback_max_pages = 4096;
module_param_named(max_inflight_pages, blkback_max_pages, uint, 0644);
MODULE_PARM_DESC(max_inflight_pages,
		 "Most pages of data in flight per ring; what is beyond waits (default 4096)");

static unsigned int blkback_poll_us;
module_param_named(poll_us, blkback_poll_us, uint, 0644);
MODULE_PARM_DESC(poll_us,
		 "Microseconds, up to 100, to look for more requests before waiting for an event (default 0: not at all)");

static bool blkback_persistent = true;
module_param_named(feature_persistent, blkback_persistent, bool, 0644);
MODULE_PARM_DESC(feature_persistent,
		 "Offer frontends to keep their pages mapped (default on)");

static bool blkback_default_x86_32;
module_param_named(default_x86_32, blkback_default_x86_32, bool, 0644);
MODULE_PARM_DESC(default_x86_32,
		 "A frontend that names no protocol is a 32-bit one (default off: native, as the specification says)");

/**
 * blkback_param_max_queues() - most rings that a frontend may ask for
 *
 * Return: 1 or more.
 */
unsigned int blkback_param_max_queues(void)
{
	unsigned int cpus = num_online_cpus();

	if (!READ_ONCE(blkback_max_queues))
		return cpus;
	return min(READ_ONCE(blkback_max_queues), nr_cpu_ids);
}

/**
 * blkback_param_max_ring_order() - largest ring, as a power of two of pages
 *
 * Return: 0 to BLKBACK_MAX_RING_ORDER.
 */
unsigned int blkback_param_max_ring_order(void)
{
	return min(blkback_max_ring_order, BLKBACK_MAX_RING_ORDER);
}

/**
 * blkback_param_max_kept() - budget of kept mappings per ring
 *
 * Return: pages; 0 when nothing is kept.
 */
unsigned int blkback_param_max_kept(void)
{
	return READ_ONCE(blkback_max_kept);
}

/**
 * blkback_param_max_total() - bound of what all disks take together
 * @what: of the host
 *
 * Return: pages.
 */
int blkback_param_max_total(enum blkback_total what)
{
	return min_t(unsigned int, READ_ONCE(blkback_max_totals[what]), INT_MAX);
}

/**
 * blkback_param_copy_max() - largest request that is copied and not mapped
 *
 * Return: segments.
 */
unsigned int blkback_param_copy_max(void)
{
	return READ_ONCE(blkback_copy_max);
}

/**
 * blkback_param_max_pages() - bound of what a ring may have in flight
 *
 * Return: pages of data.
 */
unsigned int blkback_param_max_pages(void)
{
	return READ_ONCE(blkback_max_pages);
}

/**
 * blkback_param_poll_us() - how long a ring that had work is looked at for more
 *
 * Return: microseconds, at most BLKBACK_MAX_POLL_US.
 */
unsigned int blkback_param_poll_us(void)
{
	return min(READ_ONCE(blkback_poll_us), BLKBACK_MAX_POLL_US);
}

/**
 * blkback_param_feature_persistent() - are kept mappings offered
 *
 * Return: true when they are.
 */
bool blkback_param_feature_persistent(void)
{
	return READ_ONCE(blkback_persistent);
}

/**
 * blkback_param_default_x86_32() - the ABI of a frontend that names none
 *
 * Return: true for x86_32, false for native.
 */
bool blkback_param_default_x86_32(void)
{
	return READ_ONCE(blkback_default_x86_32);
}
