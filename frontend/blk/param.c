// SPDX-License-Identifier: GPL-2.0-only
/*
 * Module parameters, and what they come to on this machine.
 */
#include <linux/cpumask.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/sizes.h>

#include "blkif/keys.h"
#include "frontend/blk/param.h"

/* By default, queues up to this number. */
#define PARAM_QUEUES		4

/* Guests below this size get requests of 128 KiB instead of 1 MiB. */
#define PARAM_SMALL_PAGES	(SZ_128M >> PAGE_SHIFT)
#define PARAM_SMALL_SEGMENTS	32

static unsigned int max_queues;
module_param(max_queues, uint, 0444);
MODULE_PARM_DESC(max_queues, "Most queues per disk (0: CPUs, up to 4)");

static unsigned int max_ring_page_order = 2;
module_param(max_ring_page_order, uint, 0444);
MODULE_PARM_DESC(max_ring_page_order, "Largest ring, as an order of pages");

static unsigned int max_indirect_segments = 256;
module_param(max_indirect_segments, uint, 0444);
MODULE_PARM_DESC(max_indirect_segments, "Most pages of data per request");

static bool feature_persistent = true;
module_param(feature_persistent, bool, 0444);
MODULE_PARM_DESC(feature_persistent, "Keep pages granted, if the backend does");

static unsigned int max_kept_pages = 1056;
module_param(max_kept_pages, uint, 0444);
MODULE_PARM_DESC(max_kept_pages, "Most pages kept granted, per queue");

bool tandem_blkfront_trusted = true;
module_param_named(trusted, tandem_blkfront_trusted, bool, 0444);
MODULE_PARM_DESC(trusted, "Backends may see whole pages of ours");

/* As configured when the disk may be the root, xvd when udev is there. */
bool tandem_blkfront_native_names = IS_BUILTIN(CONFIG_TANDEM_BLKFRONT);
module_param_named(native_names, tandem_blkfront_native_names, bool, 0444);
MODULE_PARM_DESC(native_names, "Call sda1 sda1, and not xvda1");

static unsigned int param_queues(void)
{
	unsigned int cpus = num_online_cpus();

	if (!max_queues)
		return min(cpus, PARAM_QUEUES + 0U);
	return min3(max_queues, cpus, TANDEM_BLKIF_MAX_QUEUES + 0U);
}

static unsigned int param_segments(void)
{
	unsigned int segs = min(max_indirect_segments,
				TANDEM_BLKIF_SEGS_PER_PAGE + 0U);

	if (totalram_pages() < PARAM_SMALL_PAGES)
		segs = min(segs, PARAM_SMALL_SEGMENTS + 0U);
	return segs > TANDEM_BLKIF_MAX_SEGS ? segs : 0;
}

/**
 * tandem_blkfront_host() - what this end allows itself
 * @host: filled in
 */
void tandem_blkfront_host(struct tandem_blkif_host *host)
{
	memset(host, 0, sizeof(*host));
	host->max_queues = param_queues();
	host->max_order = min(max_ring_page_order, TANDEM_BLKIF_MAX_ORDER + 0U);
	host->max_indirect = param_segments();
	host->persistent = feature_persistent;
	host->dflt_abi = TANDEM_BLKIF_NATIVE;
}

/**
 * tandem_blkfront_budget() - most pages that a queue may keep
 *
 * Return: their number; no more than a sixteenth of memory.
 */
unsigned int tandem_blkfront_budget(void)
{
	return min_t(unsigned long, max_kept_pages, totalram_pages() / 16);
}
