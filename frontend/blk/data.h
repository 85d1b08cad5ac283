/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copies between a request's pages and pages of our own.
 */
#ifndef BLKFRONT_DATA_H
#define BLKFRONT_DATA_H

#include "frontend/blk/request.h"

void tandem_blkfront_data_out(struct blkfront_req *req);
void tandem_blkfront_data_in(struct blkfront_req *req);
void tandem_blkfront_data_clear(struct blkfront_req *req);

#endif /* BLKFRONT_DATA_H */
