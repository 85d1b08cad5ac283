// SPDX-License-Identifier: GPL-2.0-only
/*
 * A disk's reserve: however short memory is, one request of each disk proceeds.
 *
 * A guest may swap to the disk, and dom0 may write back through it, so a
 * request must not wait for memory that only its own completion can free. When
 * memory for a request is not to be had, the request takes the reserve, and
 * with it all that the longest request can need; others of the same disk wait
 * for it to end. It ends without needing more, so all of them get on.
 *
 * Its data is mapped: the pages for that take no memory of dom0's. Only a store
 * whose pages must not change under it has pages to copy to as well.
 */
#include <linux/mm.h>
#include <linux/slab.h>

#include "backend/blk/data.h"
#include "backend/blk/device.h"
#include "backend/blk/spare.h"

static int blkback_spare_alloc_own(struct blkback_spare *spare)
{
	unsigned int i;

	spare->own = kcalloc(BLKBACK_MAX_INDIRECT, sizeof(*spare->own),
			     GFP_KERNEL);
	if (!spare->own)
		return -ENOMEM;
	for (i = 0; i < BLKBACK_MAX_INDIRECT; i++) {
		spare->own[i] = alloc_page(GFP_KERNEL);
		if (!spare->own[i])
			return -ENOMEM;
	}
	return 0;
}

static int blkback_spare_alloc_foreign(struct blkback_spare *spare)
{
	int err;

	spare->foreign = kcalloc(BLKBACK_MAX_INDIRECT, sizeof(*spare->foreign),
				 GFP_KERNEL);
	if (!spare->foreign)
		return -ENOMEM;
	err = tandem_pages_reserve(spare->foreign, BLKBACK_MAX_INDIRECT);
	if (!err)
		return 0;
	kfree(spare->foreign);
	spare->foreign = NULL;
	return err;
}

/**
 * blkback_spare_init() - put a disk's reserve aside
 * @device: a device that is about to serve, with its store open
 *
 * Context: process; may sleep, and may make the kernel add memory map for
 * foreign pages.
 * Return: 0 or a negative error; blkback_spare_free() is due either way.
 */
int blkback_spare_init(struct blkback_device *device)
{
	struct blkback_spare *spare = &device->spare;
	int err;

	memset(spare, 0, sizeof(*spare));
	spare->seg = kcalloc(BLKBACK_MAX_INDIRECT, sizeof(*spare->seg),
			     GFP_KERNEL);
	spare->desc = alloc_page(GFP_KERNEL);
	if (!spare->seg || !spare->desc)
		return -ENOMEM;
	err = blkback_spare_alloc_foreign(spare);
	if (!err && device->store->steady)
		err = blkback_spare_alloc_own(spare);
	return err;
}

/**
 * blkback_spare_free() - give a disk's reserve back
 * @device: a device with nothing in flight; idempotent
 *
 * Context: process; may sleep.
 */
void blkback_spare_free(struct blkback_device *device)
{
	struct blkback_spare *spare = &device->spare;
	unsigned int i;

	if (spare->foreign)
		tandem_pages_unreserve(spare->foreign, BLKBACK_MAX_INDIRECT);
	for (i = 0; spare->own && i < BLKBACK_MAX_INDIRECT; i++)
		if (spare->own[i])
			__free_page(spare->own[i]);
	if (spare->desc)
		__free_page(spare->desc);
	kfree(spare->foreign);
	kfree(spare->own);
	kfree(spare->seg);
	memset(spare, 0, sizeof(*spare));
}

/**
 * blkback_spare_claim() - take the reserve for a request
 * @queue: its ring
 * @req: the request, which holds no page; it may have the reserve already
 *
 * The request then completes in the ring's worker, which gives it back.
 *
 * Context: the ring's worker.
 * Return: false when another request has it.
 */
bool blkback_spare_claim(struct blkback_queue *queue, struct blkback_req *req)
{
	struct blkback_spare *spare = &queue->device->spare;

	if (req->spare)
		return true;
	/* Pairs with the release in blkback_spare_return(). */
	if (cmpxchg(&spare->owner, NULL, req))
		return false;
	req->spare = true;
	req->sleepy = true;
	queue->stats.spared++;
	return true;
}

/**
 * blkback_spare_return() - a request with the reserve has given its pages back
 * @queue: its ring
 * @req: the request; without the reserve this does nothing
 *
 * It has no segments then.
 *
 * Context: the ring's worker, after blkback_data_put_flush().
 */
void blkback_spare_return(struct blkback_queue *queue, struct blkback_req *req)
{
	struct blkback_spare *spare = &queue->device->spare;

	if (likely(!req->spare))
		return;
	/* Pages that it copied to when there was no room to map. */
	blkback_data_free(req);
	if (req->counted)
		atomic_sub(req->nr_segs, &queue->pages_out);
	req->counted = false;
	req->nr_segs = 0;
	if (req->seg == spare->seg)
		req->seg = req->direct;
	req->spare = false;
	/* The next owner may be another ring's, on another CPU. */
	smp_store_release(&spare->owner, NULL);
}

/**
 * blkback_spare_foreign() - a page to map on, of the reserve
 * @queue: the ring of the request that has it
 *
 * Return: the page.
 */
struct page *blkback_spare_foreign(struct blkback_queue *queue)
{
	struct blkback_spare *spare = &queue->device->spare;

	return spare->foreign[spare->nr_foreign++];
}

/**
 * blkback_spare_put() - pages of the reserve map nothing any more
 * @queue: the ring of the request that has it
 * @page: the pages
 * @nr: how many
 *
 * They never mix with those of the rings, so that the reserve is always whole.
 */
void blkback_spare_put(struct blkback_queue *queue, struct page **page,
		       unsigned int nr)
{
	struct blkback_spare *spare = &queue->device->spare;

	while (nr--)
		spare->foreign[--spare->nr_foreign] = *page++;
}

/**
 * blkback_spare_has_own() - has the reserve pages to copy to
 * @queue: a ring of the disk
 *
 * Return: true if so; else its data is mapped, or copied to other pages.
 */
bool blkback_spare_has_own(const struct blkback_queue *queue)
{
	return queue->device->spare.own;
}

/**
 * blkback_spare_own() - a page to copy to, of the reserve
 * @queue: the ring of the request that has it
 *
 * Return: the page.
 */
struct page *blkback_spare_own(struct blkback_queue *queue)
{
	struct blkback_spare *spare = &queue->device->spare;

	return spare->own[spare->nr_own++];
}

/**
 * blkback_spare_unown() - the request that has the reserve copies nothing now
 * @queue: its ring
 */
void blkback_spare_unown(struct blkback_queue *queue)
{
	queue->device->spare.nr_own = 0;
}
