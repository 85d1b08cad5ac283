/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the host allows each guest, as module parameters.
 */
#ifndef BLKBACK_PARAMS_H
#define BLKBACK_PARAMS_H

#include <linux/types.h>

#include "backend/blk/total.h"

#define BLKBACK_MAX_RING_ORDER	4u
#define BLKBACK_MAX_INDIRECT	256u
/* Longest that a worker may look for more work, in microseconds. */
#define BLKBACK_MAX_POLL_US	100u

unsigned int blkback_param_max_queues(void);
unsigned int blkback_param_max_ring_order(void);
unsigned int blkback_param_max_kept(void);
int blkback_param_max_total(enum blkback_total what);
unsigned int blkback_param_copy_max(void);
unsigned int blkback_param_max_pages(void);
unsigned int blkback_param_poll_us(void);
bool blkback_param_feature_persistent(void);
bool blkback_param_default_x86_32(void);

#endif /* BLKBACK_PARAMS_H */
