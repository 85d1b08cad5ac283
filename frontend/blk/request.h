/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A request of the block layer on its way to the backend.
 *
 * A request need not go in one piece. It is sent as far as pages, segments and
 * the protocol allow, and what is left follows when the first part has come
 * back. So a short supply of pages slows a request down but never stops it, and
 * a backend that offers less after a migration is no special case.
 */
#ifndef BLKFRONT_REQUEST_H
#define BLKFRONT_REQUEST_H

#include <linux/blk-mq.h>
#include <xen/grant_table.h>

#include "blkif/decode.h"
#include "frontend/blk/buf.h"

struct blkfront_queue;

/* Flags of struct blkfront_req. */
#define BLKFRONT_REQ_WRITE	0x01	/* data goes to the backend */
#define BLKFRONT_REQ_DATA	0x02	/* there is data */
#define BLKFRONT_REQ_LENT	0x04	/* pages of the bio are lent */
#define BLKFRONT_REQ_BARRIER	0x08	/* goes in barriers */
#define BLKFRONT_REQ_SECURE	0x10	/* a discard that erases */
#define BLKFRONT_REQ_FLUSHED	0x20	/* a flush is to follow the data */

/**
 * struct blkfront_req - what we know about a request, beside the block layer
 * @next: in a list of completed or waiting requests
 * @bufs: pages with the data of the part that is out
 * @indirect: page with its segments, when they are too many
 * @refs: grants of the bio's pages, when those are lent
 * @bytes: length of the part that is out
 * @seq: when it was sent, to keep the order when it is sent again
 * @nr_segs: segments of the part that is out
 * @slot: its id on the ring
 * @op: TANDEM_BLKIF_OP_*
 * @flags: BLKFRONT_REQ_*
 * @status: of the response, TANDEM_BLKIF_RSP_*
 * @few: room for @refs when they are few
 */
struct blkfront_req {
	struct blkfront_req *next;
	struct blkfront_bufs bufs;
	struct blkfront_buf *indirect;
	grant_ref_t *refs;
	u32 bytes;
	u32 seq;
	u16 nr_segs;
	u16 slot;
	u8 op;
	u8 flags;
	s8 status;
	grant_ref_t few[TANDEM_BLKIF_MAX_SEGS];
};

static inline struct request *blkfront_rq(struct blkfront_req *req)
{
	return blk_mq_rq_from_pdu(req);
}

blk_status_t tandem_blkfront_req_init(struct blkfront_queue *queue,
				      struct blkfront_req *req);
bool tandem_blkfront_req_flush(struct blkfront_queue *queue,
			       struct blkfront_req *req);
blk_status_t tandem_blkfront_req_send(struct blkfront_queue *queue,
				      struct blkfront_req *req, bool last);

#endif /* BLKFRONT_REQUEST_H */
