/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Lending a request's own pages to the backend, without a copy.
 */
#ifndef BLKFRONT_LENT_H
#define BLKFRONT_LENT_H

#include "frontend/blk/request.h"

struct blkfront;

unsigned int tandem_blkfront_lendable(const struct blkfront_queue *queue,
				      struct blkfront_req *req);
bool tandem_blkfront_lend(struct blkfront_queue *queue,
			  struct blkfront_req *req, unsigned int nr);
void tandem_blkfront_lent_segs(struct blkfront_req *req,
			       struct tandem_blkif_seg *segs, void *page);
bool tandem_blkfront_unlend(struct blkfront_req *req);
unsigned int tandem_blkfront_lent_abandon(struct blkfront_req *req);

#endif /* BLKFRONT_LENT_H */
