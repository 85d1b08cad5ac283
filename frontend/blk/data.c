// SPDX-License-Identifier: GPL-2.0-only
/*
 * Data is packed: byte n of a part is byte n of its pages taken together, so
 * that unaligned memory needs no more segments than aligned memory.
 */
#include <linux/bvec.h>
#include <linux/highmem.h>

#include "frontend/blk/data.h"

/**
 * struct data_place - where the next byte goes to or comes from
 * @buf: page
 * @at: offset in it
 * @left: bytes left of the part
 */
struct data_place {
	struct blkfront_buf *buf;
	unsigned int at;
	unsigned int left;
};

/* A whole page has a copy of its own, cheaper than that of any length. */
static void data_move(void *to, const void *from, unsigned int n)
{
	if (n == PAGE_SIZE)
		copy_page(to, (void *)from);
	else
		memcpy(to, from, n);
}

static void data_copy(struct data_place *to, char *mem, unsigned int len,
		      bool write)
{
	unsigned int n;

	len = min(len, to->left);
	to->left -= len;
	for (; len; len -= n, mem += n) {
		if (to->at == PAGE_SIZE) {
			to->buf = to->buf->next;
			to->at = 0;
		}
		n = min_t(unsigned int, len, PAGE_SIZE - to->at);
		if (write)
			data_move(to->buf->data + to->at, mem, n);
		else
			data_move(mem, to->buf->data + to->at, n);
		to->at += n;
	}
}

static __always_inline void data_walk(struct blkfront_req *req, bool write)
{
	struct request *rq = blkfront_rq(req);
	struct data_place place = {
		.buf = req->bufs.first,
		.left = req->bytes,
	};
	struct req_iterator iter;
	struct bio_vec bv;
	void *mem;

	rq_for_each_segment(bv, rq, iter) {
		mem = bvec_kmap_local(&bv);
		data_copy(&place, mem, bv.bv_len, write);
		if (!write)
			flush_dcache_page(bv.bv_page);
		kunmap_local(mem);
		if (!place.left)
			break;
	}
}

/**
 * tandem_blkfront_data_out() - copy a write's data to its pages
 * @req: request with pages for @req->bytes
 *
 * Context: any, with interrupts on and no lock held: it takes its time.
 */
void tandem_blkfront_data_out(struct blkfront_req *req)
{
	data_walk(req, true);
}

/**
 * tandem_blkfront_data_in() - copy a read's data from its pages
 * @req: request whose part has been answered
 *
 * Context: as tandem_blkfront_data_out().
 */
void tandem_blkfront_data_in(struct blkfront_req *req)
{
	data_walk(req, false);
}

/**
 * tandem_blkfront_data_clear() - let the backend see nothing but the payload
 * @req: request with pages; a read's are cleared, a write's from its end
 */
void tandem_blkfront_data_clear(struct blkfront_req *req)
{
	unsigned int tail = req->flags & BLKFRONT_REQ_WRITE ?
			    req->bytes & (PAGE_SIZE - 1) : 0;
	unsigned int pages = req->nr_segs;
	struct blkfront_buf *buf;

	for (buf = req->bufs.first; pages; buf = buf->next, pages--) {
		if (!(req->flags & BLKFRONT_REQ_WRITE))
			memset(buf->data, 0, PAGE_SIZE);
		else if (tail && pages == 1)
			memset(buf->data + tail, 0, PAGE_SIZE - tail);
	}
}
