// SPDX-License-Identifier: GPL-2.0-only
/*
 * The data of requests.
 *
 * A segment's page comes to us in one of three ways. A frontend that promised
 * to use the same pages again has them kept mapped, up to a budget: no
 * hypercall at all once warm. Otherwise a short request is copied by the
 * hypervisor, which costs no TLB flush and ties our page's life to nobody's,
 * and a long one is mapped for as long as it runs.
 *
 * A store whose pages must not change under it (checksums, parity, a network
 * below) gets the data of writes in pages of our own, always.
 */
#include <linux/highmem.h>
#include <linux/mempool.h>
#include <linux/slab.h>

#include "backend/blk/data.h"
#include "backend/blk/device.h"
#include "backend/blk/params.h"
#include "backend/blk/spare.h"
#include "backend/blk/total.h"
#include "backend/blk/trace.h"

static mempool_t *blkback_data_pool;

/**
 * blkback_data_init() - reserve work space for drains
 *
 * Return: 0 or -ENOMEM.
 */
int blkback_data_init(void)
{
	blkback_data_pool = mempool_create_kmalloc_pool(2,
							sizeof(struct blkback_data));
	return blkback_data_pool ? 0 : -ENOMEM;
}

/**
 * blkback_data_exit() - free the reserve; no worker may run
 */
void blkback_data_exit(void)
{
	mempool_destroy(blkback_data_pool);
}

/*
 * Cannot fail: a drain holds its space for one run of the worker, in which it
 * waits for nothing that another drain could hold, so one always comes back.
 */
static struct blkback_data *blkback_data_space(struct blkback_queue *queue)
{
	struct blkback_data *data = queue->data;

	if (data)
		return data;
	data = mempool_alloc(blkback_data_pool, GFP_NOIO);
	data->map.nr = 0;
	data->copy.nr = 0;
	data->unmap.nr = 0;
	data->unmap_spare = false;
	queue->data = data;
	return data;
}

/**
 * blkback_data_rest() - the worker ends: its work space is free
 * @queue: the ring; all batches are empty
 */
void blkback_data_rest(struct blkback_queue *queue)
{
	if (queue->data)
		mempool_free(queue->data, blkback_data_pool);
	queue->data = NULL;
}

static domid_t blkback_data_peer(const struct blkback_queue *queue)
{
	return queue->device->domid;
}

static void blkback_data_bad(struct blkback_req *req)
{
	req->status = TANDEM_BLKIF_RSP_ERROR;
}

/* Foreign pages that map nothing go back to where they came from. */
static void blkback_data_put_pages(struct blkback_queue *queue, bool spare,
				   struct page **page, unsigned int nr)
{
	if (unlikely(spare))
		blkback_spare_put(queue, page, nr);
	else
		tandem_pages_put(&queue->pages, page, nr);
}

static bool blkback_data_kept_room(struct blkback_queue *queue,
				   const struct blkback_seg *seg)
{
	return blkback_total_room(BLKBACK_TOTAL_KEPT) &&
	       tandem_kept_room(&queue->kept, seg->gref);
}

static void blkback_data_mapped(struct blkback_queue *queue,
				struct blkback_req *req,
				struct blkback_seg *seg, struct page *page,
				grant_handle_t handle)
{
	struct tandem_borrowed got = { .page = page, .handle = handle };

	blkback_total_add(BLKBACK_TOTAL_MAPPED, 1);
	seg->page = page;
	seg->handle = handle;
	/*
	 * The reference may have been kept meanwhile, for another segment that
	 * names it too; then this mapping is one of its own.
	 */
	if (seg->kind == BLKBACK_PAGE_KEPT &&
	    blkback_data_kept_room(queue, seg)) {
		tandem_kept_add(&queue->kept, seg->gref, &got);
		blkback_total_add(BLKBACK_TOTAL_KEPT, 1);
		return;
	}
	seg->kind = BLKBACK_PAGE_MAPPED;
	req->sleepy = true;
}

static int blkback_data_copy(struct blkback_queue *queue,
			     struct blkback_req *req, struct blkback_seg *seg);

/*
 * The hypervisor is out of room for mappings: that is no fault of the guest's,
 * and a copy needs none. With no memory for a page to copy to either, the
 * request waits for what comes first. (Descriptors of segments are not data of
 * @req; who wants them copies them then.)
 */
static void blkback_data_unmapped(struct blkback_queue *queue,
				  struct blkback_req *req,
				  struct blkback_seg *seg, s16 status)
{
	bool data = seg >= req->seg && seg < req->seg + req->nr_segs;

	seg->kind = BLKBACK_PAGE_NONE;
	if (!tandem_map_no_room(status))
		blkback_data_bad(req);
	else if ((!data || blkback_data_copy(queue, req, seg)) && !req->status)
		req->status = BLKBACK_STATUS_AGAIN;
}

static void blkback_data_run_map(struct blkback_queue *queue,
				 struct blkback_data *data)
{
	unsigned int i;

	if (!data->map.nr)
		return;
	tandem_map_run(&data->map);
	queue->stats.grant_calls++;
	queue->stats.maps += data->map.nr;
	trace_blkback_grant(queue, data->map.nr, 0, 0);
	for (i = 0; i < data->map.nr; i++) {
		struct gnttab_map_grant_ref *op = &data->map.op[i];

		if (op->status == GNTST_okay) {
			blkback_data_mapped(queue, data->map_req[i],
					    data->map_seg[i],
					    data->map.page[i], op->handle);
			continue;
		}
		blkback_data_put_pages(queue, data->map_req[i]->spare,
				       &data->map.page[i], 1);
		blkback_data_unmapped(queue, data->map_req[i],
				      data->map_seg[i], op->status);
	}
	data->map.nr = 0;
}

static void blkback_data_run_copy(struct blkback_queue *queue,
				  struct blkback_data *data)
{
	unsigned int i;

	if (!data->copy.nr)
		return;
	tandem_copy_run(&data->copy);
	queue->stats.grant_calls++;
	queue->stats.copies += data->copy.nr;
	trace_blkback_grant(queue, 0, data->copy.nr, 0);
	for (i = 0; i < data->copy.nr; i++)
		if (data->copy.op[i].status != GNTST_okay)
			blkback_data_bad(data->copy_req[i]);
	data->copy.nr = 0;
}

static void blkback_data_run_unmap(struct blkback_queue *queue,
				   struct blkback_data *data)
{
	unsigned int nr = data->unmap.nr;

	if (!nr)
		return;
	tandem_unmap_run(&data->unmap);
	queue->stats.grant_calls++;
	queue->stats.unmaps += nr;
	blkback_total_add(BLKBACK_TOTAL_MAPPED, -(int)nr);
	trace_blkback_grant(queue, 0, 0, nr);
	blkback_data_put_pages(queue, data->unmap_spare, data->unmap.page, nr);
	data->unmap_spare = false;
}

static int blkback_data_map(struct blkback_queue *queue,
			    struct blkback_req *req, struct blkback_seg *seg,
			    bool keep)
{
	struct blkback_data *data = blkback_data_space(queue);
	struct page *page;
	unsigned int i;

	page = req->spare ? blkback_spare_foreign(queue) :
			    tandem_pages_get(&queue->pages);
	if (!page)
		return -ENOMEM;
	if (tandem_map_full(&data->map))
		blkback_data_run_map(queue, data);
	i = data->map.nr;
	data->map_seg[i] = seg;
	data->map_req[i] = req;
	seg->kind = keep ? BLKBACK_PAGE_KEPT : BLKBACK_PAGE_MAPPED;
	tandem_map_add(&data->map, blkback_data_peer(queue), seg->gref, page,
		       !keep && blkback_req_writes(req));
	return 0;
}

static void blkback_data_queue_copy(struct blkback_queue *queue,
				    struct blkback_req *req,
				    struct blkback_seg *seg, bool to_peer)
{
	struct blkback_data *data = blkback_data_space(queue);

	if (tandem_copy_full(&data->copy))
		blkback_data_run_copy(queue, data);
	data->copy_req[data->copy.nr] = req;
	tandem_copy_add(&data->copy, blkback_data_peer(queue), seg->gref,
			seg->page, blkback_seg_offset(seg),
			blkback_seg_bytes(seg), to_peer);
}

/* A page of ours; beyond the host's bound only for the request with the reserve. */
static struct page *blkback_data_own(bool spare)
{
	struct page *page = NULL;

	if (likely(blkback_total_room(BLKBACK_TOTAL_COPIED)) || spare)
		page = alloc_page(GFP_NOIO | __GFP_NORETRY | __GFP_NOWARN);
	if (likely(page))
		blkback_total_add(BLKBACK_TOTAL_COPIED, 1);
	return page;
}

static void blkback_data_disown(struct page *page)
{
	__free_page(page);
	blkback_total_add(BLKBACK_TOTAL_COPIED, -1);
}

static int blkback_data_own_page(struct blkback_queue *queue,
				 struct blkback_req *req,
				 struct blkback_seg *seg)
{
	if (unlikely(req->spare) && blkback_spare_has_own(queue))
		seg->page = blkback_spare_own(queue);
	else
		seg->page = blkback_data_own(req->spare);
	if (!seg->page)
		return -ENOMEM;
	seg->kind = BLKBACK_PAGE_COPY;
	return 0;
}

static int blkback_data_copy(struct blkback_queue *queue,
			     struct blkback_req *req, struct blkback_seg *seg)
{
	if (blkback_data_own_page(queue, req, seg))
		return -ENOMEM;
	if (blkback_req_writes(req))
		blkback_data_queue_copy(queue, req, seg, false);
	else
		req->sleepy = true;
	return 0;
}

/* The peer's page is at hand, but the store wants one that cannot change. */
static int blkback_data_steady(struct blkback_queue *queue,
			       struct blkback_req *req,
			       struct blkback_seg *seg, struct page *kept)
{
	if (blkback_data_own_page(queue, req, seg))
		return -ENOMEM;
	memcpy_page(seg->page, blkback_seg_offset(seg), kept,
		    blkback_seg_offset(seg), blkback_seg_bytes(seg));
	return 0;
}

static bool blkback_data_wants_steady(const struct blkback_queue *queue,
				      const struct blkback_req *req)
{
	return queue->device->steady_writes && blkback_req_writes(req);
}

static bool blkback_data_wants_copy(const struct blkback_queue *queue,
				    const struct blkback_req *req)
{
	if (blkback_data_wants_steady(queue, req))
		return true;
	if (req->spare)
		return false;
	if (unlikely(!blkback_total_room(BLKBACK_TOTAL_MAPPED)))
		return true;
	return req->nr_segs <= blkback_param_copy_max() &&
	       likely(blkback_total_room(BLKBACK_TOTAL_COPIED));
}

static bool blkback_data_wants_kept(struct blkback_queue *queue,
				    const struct blkback_req *req,
				    const struct blkback_seg *seg)
{
	return queue->persistent && !req->spare &&
	       blkback_total_room(BLKBACK_TOTAL_MAPPED) &&
	       !blkback_data_wants_steady(queue, req) &&
	       blkback_data_kept_room(queue, seg);
}

static int blkback_data_get_seg(struct blkback_queue *queue,
				struct blkback_req *req,
				struct blkback_seg *seg)
{
	struct page *page;

	seg->kind = BLKBACK_PAGE_NONE;
	page = tandem_kept_find(&queue->kept, seg->gref);
	if (likely(page)) {
		queue->stats.kept_hits++;
		if (blkback_data_wants_steady(queue, req))
			return blkback_data_steady(queue, req, seg, page);
		seg->page = page;
		seg->kind = BLKBACK_PAGE_KEPT;
		return 0;
	}
	if (blkback_data_wants_kept(queue, req, seg))
		return blkback_data_map(queue, req, seg, true);
	if (blkback_data_wants_copy(queue, req))
		return blkback_data_copy(queue, req, seg);
	req->sleepy = true;
	return blkback_data_map(queue, req, seg, false);
}

/**
 * blkback_data_get() - queue the getting of all pages of a request
 * @queue: its ring
 * @req: the request, decoded
 *
 * The pages are there after blkback_data_flush(), unless @req->status says
 * that a reference was bad, or that there was no room.
 *
 * Context: the ring's worker, under memalloc_noio.
 * Return: 0, or -ENOMEM: flush, then blkback_data_put() and try again later.
 */
int blkback_data_get(struct blkback_queue *queue, struct blkback_req *req)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < req->nr_segs && !err; i++)
		err = blkback_data_get_seg(queue, req, &req->seg[i]);
	/* What was not reached holds no page. */
	for (; i < req->nr_segs; i++)
		req->seg[i].kind = BLKBACK_PAGE_NONE;
	return err;
}

/* The descriptors of one page, in pieces that fit on the stack. */
static int blkback_data_decode(struct blkback_queue *queue,
			       struct blkback_req *req, unsigned int at,
			       const void *src, unsigned int nr)
{
	struct tandem_blkif_seg seg[16];
	enum tandem_blkif_why why;
	unsigned int i, n, done;
	int rc;

	for (done = 0; done < nr; done += n) {
		n = min_t(unsigned int, nr - done, ARRAY_SIZE(seg));
		rc = tandem_blkif_take_indirect(src + done * sizeof(*seg), n,
						&queue->device->limits, seg,
						&req->nr_sectors, &why);
		if (rc) {
			blkback_queue_refuse(queue, req, rc, why);
			return 0;
		}
		for (i = 0; i < n; i++)
			blkback_seg_set(&req->seg[at + done + i], &seg[i]);
	}
	return 0;
}

static int blkback_data_desc_page(struct blkback_queue *queue,
				  struct blkback_req *req,
				  struct blkback_seg *seg)
{
	seg->kind = BLKBACK_PAGE_COPY;
	seg->page = req->spare ? NULL :
		    alloc_page(GFP_NOIO | __GFP_NORETRY | __GFP_NOWARN);
	if (!seg->page && blkback_spare_claim(queue, req))
		seg->page = queue->device->spare.desc;
	return seg->page ? 0 : -ENOMEM;
}

/* Return: 0, with @req->status set when the reference is bad; or an error. */
static int blkback_data_map_desc(struct blkback_queue *queue,
				 struct blkback_req *req,
				 struct blkback_seg *seg)
{
	if (!queue->persistent || req->spare ||
	    !blkback_data_kept_room(queue, seg) ||
	    blkback_data_map(queue, req, seg, true))
		return -ENOMEM;
	blkback_data_flush(queue);
	if (req->status != BLKBACK_STATUS_AGAIN)
		return 0;
	req->status = 0;
	return -ENOMEM;
}

static int blkback_data_fetch_indirect(struct blkback_queue *queue,
				       struct blkback_req *req,
				       struct blkback_seg *seg)
{
	int err;

	seg->page = tandem_kept_find(&queue->kept, seg->gref);
	seg->kind = BLKBACK_PAGE_KEPT;
	if (seg->page)
		return 0;
	if (!blkback_data_map_desc(queue, req, seg))
		return 0;
	err = blkback_data_desc_page(queue, req, seg);
	if (err) {
		seg->kind = BLKBACK_PAGE_NONE;
		return err;
	}
	blkback_data_queue_copy(queue, req, seg, false);
	blkback_data_flush(queue);
	return 0;
}

static void blkback_data_drop_indirect(struct blkback_queue *queue,
				       struct blkback_seg *seg)
{
	struct tandem_borrowed page = {
		.page = seg->page, .handle = seg->handle,
	};

	if (seg->kind == BLKBACK_PAGE_COPY &&
	    seg->page != queue->device->spare.desc)
		__free_page(seg->page);
	if (seg->kind != BLKBACK_PAGE_MAPPED)
		return;
	tandem_unmap_add(&queue->data->unmap, &page);
	blkback_data_run_unmap(queue, queue->data);
}

static int blkback_data_indirect_page(struct blkback_queue *queue,
				      struct blkback_req *req, unsigned int i)
{
	unsigned int at = i * TANDEM_BLKIF_SEGS_PER_PAGE;
	unsigned int nr = min_t(unsigned int, req->nr_segs - at,
				TANDEM_BLKIF_SEGS_PER_PAGE);
	struct blkback_seg seg = {
		.gref = req->indirect[i],
		.last = (nr * sizeof(struct tandem_blkif_seg) - 1) >> 9,
	};
	int err;

	err = blkback_data_fetch_indirect(queue, req, &seg);
	if (err)
		return err;
	if (!req->status)
		err = blkback_data_decode(queue, req, at,
					  page_address(seg.page), nr);
	blkback_data_drop_indirect(queue, &seg);
	return err;
}

/**
 * blkback_data_get_indirect() - read the segments of an indirect request
 * @queue: its ring
 * @req: the request, with room for its segments
 *
 * Each descriptor is read once, from a page kept mapped or from a copy.
 *
 * Context: the ring's worker, under memalloc_noio.
 * Return: 0, with @req->status set when the request is a bad one; or -ENOMEM:
 * nothing is held, try again later.
 */
int blkback_data_get_indirect(struct blkback_queue *queue,
			      struct blkback_req *req)
{
	unsigned int i;
	int err = 0;

	req->nr_sectors = 0;
	for (i = 0; i < req->nr_indirect && !err && !req->status; i++)
		err = blkback_data_indirect_page(queue, req, i);
	return err;
}

/**
 * blkback_data_flush() - get all queued pages
 * @queue: the ring
 *
 * One hypercall to map and one to copy; none when nothing is queued.
 */
void blkback_data_flush(struct blkback_queue *queue)
{
	if (!queue->data)
		return;
	blkback_data_run_map(queue, queue->data);
	blkback_data_run_copy(queue, queue->data);
}

static bool blkback_data_lent(const struct blkback_req *req,
			      const struct blkback_seg *seg)
{
	return seg->kind == BLKBACK_PAGE_MAPPED ||
	       (seg->kind == BLKBACK_PAGE_COPY && req->spare);
}

/**
 * blkback_data_busy() - does somebody still hold a page of a completed request
 * @req: the request
 *
 * A network below the store may hold on to pages that it sends; a mapping may
 * only go when nobody else has the page, and the reserve's own pages are the
 * next request's at once. Other pages of ours live as long as somebody has them.
 *
 * Return: true when giving back has to wait.
 */
bool blkback_data_busy(const struct blkback_req *req)
{
	unsigned int i;

	for (i = 0; i < req->nr_segs; i++)
		if (blkback_data_lent(req, &req->seg[i]) &&
		    page_count(req->seg[i].page) > 1)
			return true;
	return false;
}

static void blkback_data_put_seg(struct blkback_queue *queue,
				 struct blkback_req *req,
				 struct blkback_seg *seg)
{
	struct tandem_borrowed page = {
		.page = seg->page, .handle = seg->handle,
	};
	struct blkback_data *data;

	if (seg->kind == BLKBACK_PAGE_COPY && !req->status &&
	    req->kind == TANDEM_BLKIF_READ) {
		blkback_data_queue_copy(queue, req, seg, true);
		return;
	}
	if (seg->kind != BLKBACK_PAGE_MAPPED)
		return;
	data = blkback_data_space(queue);
	if (tandem_unmap_full(&data->unmap) ||
	    unlikely(data->unmap_spare != req->spare))
		blkback_data_run_unmap(queue, data);
	data->unmap_spare = req->spare;
	tandem_unmap_add(&data->unmap, &page);
	seg->kind = BLKBACK_PAGE_NONE;
}

/**
 * blkback_data_put() - queue the giving back of all pages of a request
 * @queue: its ring
 * @req: the request, completed or never started
 *
 * The frontend has its data, and we have none of its pages, after
 * blkback_data_put_flush(). The response comes after that: a frontend may
 * declare the device dead if one of its pages is still mapped then.
 *
 * Context: the ring's worker.
 */
void blkback_data_put(struct blkback_queue *queue, struct blkback_req *req)
{
	unsigned int i;

	for (i = 0; i < req->nr_segs; i++)
		blkback_data_put_seg(queue, req, &req->seg[i]);
}

/**
 * blkback_data_put_flush() - give back all queued pages
 * @queue: the ring
 */
void blkback_data_put_flush(struct blkback_queue *queue)
{
	if (!queue->data)
		return;
	blkback_data_run_copy(queue, queue->data);
	blkback_data_run_unmap(queue, queue->data);
}

/**
 * blkback_data_free() - free the pages of our own that a request used
 * @req: the request, after blkback_data_put_flush()
 *
 * Those of the reserve stay with it.
 *
 * Context: any.
 */
void blkback_data_free(struct blkback_req *req)
{
	unsigned int i;

	for (i = 0; i < req->nr_segs; i++) {
		if (req->seg[i].kind == BLKBACK_PAGE_COPY &&
		    !(req->spare && blkback_spare_has_own(req->queue)))
			blkback_data_disown(req->seg[i].page);
		req->seg[i].kind = BLKBACK_PAGE_NONE;
	}
	if (unlikely(req->spare))
		blkback_spare_unown(req->queue);
}

/**
 * blkback_data_forget() - unmap what is kept
 * @queue: the ring; nothing is in flight
 *
 * Context: process; may sleep.
 */
void blkback_data_forget(struct blkback_queue *queue)
{
	blkback_total_add(BLKBACK_TOTAL_KEPT, -(int)queue->kept.nr);
	blkback_total_add(BLKBACK_TOTAL_MAPPED, -(int)queue->kept.nr);
	tandem_kept_drop(&queue->kept, &blkback_data_space(queue)->unmap,
			 &queue->pages);
	blkback_data_rest(queue);
	tandem_pages_free(&queue->pages);
}
