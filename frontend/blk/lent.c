// SPDX-License-Identifier: GPL-2.0-only
/*
 * A request's pages belong to whoever made its bio until the request ends. So
 * no reference of our own is taken while they are lent: it is taken when the
 * backend does not let go of one, before the request is ended. Memory from a
 * slab would not be held by a reference to its page; it is never lent.
 */
#include <linux/bvec.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "common/grant/lend.h"
#include "frontend/blk/device.h"
#include "frontend/blk/lent.h"
#include "frontend/blk/queue.h"

#define LENT_NONE	((grant_ref_t)U32_MAX)

static bool lent_may(const struct bio_vec *bv, unsigned int mask)
{
	if ((bv->bv_offset | bv->bv_len) & mask)
		return false;
	return !folio_test_slab(page_folio(bv->bv_page)) &&
	       !xen_page_foreign(bv->bv_page);
}

/* Number of segments, or 0 when some of it cannot be lent. */
static unsigned int lent_count(struct request *rq, unsigned int mask)
{
	struct req_iterator iter;
	unsigned int nr = 0;
	struct bio_vec bv;

	rq_for_each_segment(bv, rq, iter) {
		if (!lent_may(&bv, mask))
			return 0;
		nr++;
	}
	return nr;
}

static bool lent_room(struct blkfront_req *req, unsigned int nr)
{
	req->refs = req->few;
	if (nr > ARRAY_SIZE(req->few))
		req->refs = kmalloc_array(nr, sizeof(*req->refs),
					  GFP_ATOMIC | __GFP_NOWARN);
	return req->refs;
}

static void lent_forget(struct blkfront_req *req)
{
	if (req->refs != req->few)
		kfree(req->refs);
	req->refs = NULL;
	req->flags &= ~BLKFRONT_REQ_LENT;
}

/**
 * tandem_blkfront_lendable() - could all pages of a request be lent
 * @queue: the queue
 * @req: request with data, no part of which is out
 *
 * Return: the segments that they make, or 0: data is then copied.
 */
unsigned int tandem_blkfront_lendable(const struct blkfront_queue *queue,
				      struct blkfront_req *req)
{
	struct request *rq = blkfront_rq(req);
	/* Those of this backend may be larger than those that the disk began with. */
	unsigned int sector = max_t(u32, queue_logical_block_size(rq->q),
				    queue->front->info.sector_size);
	unsigned int nr = lent_count(rq, sector - 1);

	if (nr > queue->max_segs ||
	    (nr > TANDEM_BLKIF_MAX_SEGS && req->flags & BLKFRONT_REQ_BARRIER))
		return 0;
	return nr;
}

/**
 * tandem_blkfront_lend() - lend all pages of a request
 * @queue: the queue
 * @req: the request
 * @nr: what tandem_blkfront_lendable() said, and not 0
 *
 * The backend can use them from here on, also before it is told of them: it may
 * guess. So tandem_blkfront_unlend() may fail even for what was never sent.
 *
 * Context: any.
 * Return: false when there is no room now: data is then copied.
 */
bool tandem_blkfront_lend(struct blkfront_queue *queue,
			  struct blkfront_req *req, unsigned int nr)
{
	struct request *rq = blkfront_rq(req);
	struct tandem_lend lend;
	struct req_iterator iter;
	struct bio_vec bv;
	unsigned int i = 0;

	if (!lent_room(req, nr))
		return false;
	if (tandem_lend_begin(&lend, queue->pool.peer, nr)) {
		lent_forget(req);
		return false;
	}
	rq_for_each_segment(bv, rq, iter)
		req->refs[i++] = tandem_lend_page(&lend, bv.bv_page,
						  req->flags &
						  BLKFRONT_REQ_WRITE);
	tandem_lend_end(&lend);
	req->nr_segs = nr;
	req->bytes = blk_rq_bytes(rq);
	req->flags |= BLKFRONT_REQ_LENT;
	return true;
}

/**
 * tandem_blkfront_lent_segs() - write down the segments of a lent request
 * @req: the request
 * @segs: room for TANDEM_BLKIF_MAX_SEGS
 * @page: indirect page, or NULL when @segs is to be filled
 */
void tandem_blkfront_lent_segs(struct blkfront_req *req,
			       struct tandem_blkif_seg *segs, void *page)
{
	struct request *rq = blkfront_rq(req);
	struct tandem_blkif_seg *seg = segs;
	struct req_iterator iter;
	struct bio_vec bv;
	unsigned int i = 0;

	rq_for_each_segment(bv, rq, iter) {
		seg->gref = req->refs[i++];
		seg->first = bv.bv_offset >> SECTOR_SHIFT;
		seg->last = ((bv.bv_offset + bv.bv_len) >> SECTOR_SHIFT) - 1;
		seg->pad = 0;
		if (!page) {
			seg++;
			continue;
		}
		tandem_blkif_build_segs(page, seg, 1);
		page += sizeof(struct tandem_blkif_wire_seg);
	}
}

/**
 * tandem_blkfront_unlend() - take a request's pages back
 * @req: lent or not; may be tried again
 *
 * Context: any.
 * Return: false while the backend still has one mapped.
 */
bool tandem_blkfront_unlend(struct blkfront_req *req)
{
	bool all = true;
	unsigned int i;

	if (!(req->flags & BLKFRONT_REQ_LENT))
		return true;
	for (i = 0; i < req->nr_segs; i++) {
		if (req->refs[i] == LENT_NONE)
			continue;
		if (tandem_lend_revoke(req->refs[i]))
			req->refs[i] = LENT_NONE;
		else
			all = false;
	}
	if (all)
		lent_forget(req);
	return all;
}

/**
 * tandem_blkfront_lent_abandon() - give up waiting for a backend to let go
 * @req: request that tandem_blkfront_unlend() said false of; it may be ended
 *       afterwards, as each page still mapped is held by a reference until the
 *       backend lets go of it, if ever
 *
 * Return: number of pages held.
 */
unsigned int tandem_blkfront_lent_abandon(struct blkfront_req *req)
{
	struct request *rq = blkfront_rq(req);
	struct req_iterator iter;
	unsigned int held = 0;
	struct bio_vec bv;
	unsigned int i = 0;

	if (!(req->flags & BLKFRONT_REQ_LENT))
		return 0;
	rq_for_each_segment(bv, rq, iter) {
		if (req->refs[i] != LENT_NONE) {
			get_page(bv.bv_page);
			tandem_lend_abandon(req->refs[i], bv.bv_page);
			held++;
		}
		i++;
	}
	lent_forget(req);
	return held;
}
