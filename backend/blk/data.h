/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The data of requests: getting the peer's pages, and giving them back.
 *
 * Both go by the batch: pages are queued for as many requests as a drain
 * takes, then got with one hypercall of each kind.
 */
#ifndef BLKBACK_DATA_H
#define BLKBACK_DATA_H

#include "backend/blk/queue.h"

/**
 * struct blkback_data - work space of a drain, for one batch of each kind
 * @map: pages to map
 * @map_seg: which segment each is for
 * @map_req: and which request
 * @copy: pieces to copy
 * @copy_req: which request each is for
 * @unmap: pages to unmap
 * @unmap_spare: they are of the disk's reserve
 *
 * Large, so there is one for each worker that needs it at the moment and not
 * one for each ring; a ring whose pages are all kept mapped never does.
 */
struct blkback_data {
	struct tandem_map map;
	struct blkback_seg *map_seg[TANDEM_BORROW_BATCH];
	struct blkback_req *map_req[TANDEM_BORROW_BATCH];
	struct tandem_copy copy;
	struct blkback_req *copy_req[TANDEM_BORROW_BATCH];
	struct tandem_unmap unmap;
	bool unmap_spare;
};

int blkback_data_get(struct blkback_queue *queue, struct blkback_req *req);
int blkback_data_get_indirect(struct blkback_queue *queue,
			      struct blkback_req *req);
void blkback_data_flush(struct blkback_queue *queue);
bool blkback_data_busy(const struct blkback_req *req);
void blkback_data_put(struct blkback_queue *queue, struct blkback_req *req);
void blkback_data_put_flush(struct blkback_queue *queue);
void blkback_data_free(struct blkback_req *req);
void blkback_data_forget(struct blkback_queue *queue);
void blkback_data_rest(struct blkback_queue *queue);

int blkback_data_init(void);
void blkback_data_exit(void);

#endif /* BLKBACK_DATA_H */
