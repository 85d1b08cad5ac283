/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What one request of a disk needs at most, kept aside for when memory is short.
 */
#ifndef BLKBACK_SPARE_H
#define BLKBACK_SPARE_H

#include "backend/blk/params.h"
#include "backend/blk/request.h"

struct blkback_device;
struct blkback_queue;

/**
 * struct blkback_spare - a disk's reserve
 * @owner: the request that has it, NULL while it is free
 * @seg: room for the longest request's segments
 * @foreign: pages to map its data on; they have no memory of their own
 * @own: pages to copy its data to, for a store whose pages must be steady;
 *       NULL for others
 * @desc: page for the descriptors of its segments
 * @nr_foreign: how many of @foreign the owner took
 * @nr_own: how many of @own the owner took
 *
 * All but @owner belong to the ring that has the owner.
 */
struct blkback_spare {
	struct blkback_req *owner;
	struct blkback_seg *seg;
	struct page **foreign;
	struct page **own;
	struct page *desc;
	unsigned int nr_foreign;
	unsigned int nr_own;
};

int blkback_spare_init(struct blkback_device *device);
void blkback_spare_free(struct blkback_device *device);
bool blkback_spare_claim(struct blkback_queue *queue, struct blkback_req *req);
void blkback_spare_return(struct blkback_queue *queue, struct blkback_req *req);
struct page *blkback_spare_foreign(struct blkback_queue *queue);
void blkback_spare_put(struct blkback_queue *queue, struct page **page,
		       unsigned int nr);
bool blkback_spare_has_own(const struct blkback_queue *queue);
struct page *blkback_spare_own(struct blkback_queue *queue);
void blkback_spare_unown(struct blkback_queue *queue);

#endif /* BLKBACK_SPARE_H */
