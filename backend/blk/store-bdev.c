// SPDX-License-Identifier: GPL-2.0-only
/*
 * A block device as store: bios, one plug per batch.
 */
#include <linux/bio.h>
#include <linux/blkdev.h>
#include <linux/list.h>
#include <linux/major.h>
#include <linux/mutex.h>

#include "backend/blk/device.h"
#include "backend/blk/owner.h"
#include "backend/blk/queue.h"
#include "backend/blk/store.h"

/* As registered; no header has it. */
#define BLKBACK_DRBD_MAJOR	147

/* Requests that the block layer allocates at once, for a batch. */
#define BLKBACK_PLUG_REQUESTS	32

/* Stores on block devices. Nothing of the block layer is taken inside. */
static DEFINE_MUTEX(blkback_bdev_lock);
static LIST_HEAD(blkback_bdevs);

static void blkback_bdev_gone_work(struct work_struct *work)
{
	struct blkback_store *store = container_of(work, struct blkback_store,
						   gone_work);

	store->wish.lost(store->wish.arg, store->path);
}

/* Told once, whoever notices first. */
static void blkback_bdev_gone(struct blkback_store *store)
{
	if (!xchg(&store->gone, true))
		queue_work(blkback_store_wq, &store->gone_work);
}

/*
 * The kernel tells a holder that its device went away, and only who writes alone is one;
 * Linux 6.1 tells nobody. What fails then tells it, too.
 */
static void blkback_bdev_failed(struct blkback_req *req, blk_status_t status)
{
	struct blkback_store *store = req->queue->device->store;

	req->status = status == BLK_STS_NOTSUPP ? TANDEM_BLKIF_RSP_EOPNOTSUPP :
						  TANDEM_BLKIF_RSP_ERROR;
	if (test_bit(GD_DEAD, &store->bdev.bdev->bd_disk->state))
		blkback_bdev_gone(store);
}

static void blkback_bdev_end(struct bio *bio)
{
	struct blkback_req *req = bio->bi_private;

	if (unlikely(bio->bi_status))
		blkback_bdev_failed(req, bio->bi_status);
	if (bio == &req->bio)
		bio_uninit(bio);
	else
		bio_put(bio);
	if (atomic_dec_and_test(&req->pending))
		blkback_queue_done(req);
}

static blk_opf_t blkback_bdev_opf(const struct blkback_req *req)
{
	blk_opf_t opf = REQ_OP_READ;

	if (req->kind == TANDEM_BLKIF_READ)
		return opf;
	opf = REQ_OP_WRITE | REQ_SYNC | REQ_IDLE;
	if (req->flags & TANDEM_BLKIF_F_PREFLUSH)
		opf |= REQ_PREFLUSH;
	if (req->flags & TANDEM_BLKIF_F_FUA)
		opf |= REQ_FUA;
	return opf;
}

static struct bio *blkback_bdev_alloc(struct blkback_store *store,
				      unsigned int vecs, blk_opf_t opf)
{
	return bio_alloc_bioset(store->bdev.bdev,
				min_t(unsigned int, vecs, BIO_MAX_VECS), opf,
				GFP_NOIO, &store->bios);
}

static void blkback_bdev_aim(struct bio *bio, struct blkback_req *req,
			     u64 sector)
{
	bio->bi_iter.bi_sector = sector;
	bio->bi_private = req;
	bio->bi_end_io = blkback_bdev_end;
}

/* A request's first bio: its own where that is large enough. */
static struct bio *blkback_bdev_first(struct blkback_store *store,
				      struct blkback_req *req, u64 sector,
				      blk_opf_t opf)
{
	struct bio *bio = &req->bio;

	if (req->nr_segs <= ARRAY_SIZE(req->vec))
		bio_init(bio, store->bdev.bdev, req->vec, ARRAY_SIZE(req->vec),
			 opf);
	else
		bio = blkback_bdev_alloc(store, req->nr_segs, opf);
	atomic_set(&req->pending, 1);
	blkback_bdev_aim(bio, req, sector);
	return bio;
}

/*
 * A request is one bio, or a few. @pending starts at one, which stands for the
 * last: while earlier ones complete it cannot reach zero.
 */
static void blkback_bdev_rw(struct blkback_store *store,
			    struct blkback_req *req)
{
	blk_opf_t opf = blkback_bdev_opf(req);
	u64 sector = req->sector;
	unsigned int i, len;
	struct bio *bio;

	bio = blkback_bdev_first(store, req, sector, opf);
	for (i = 0; i < req->nr_segs; i++) {
		struct blkback_seg *seg = &req->seg[i];

		len = blkback_seg_bytes(seg);
		if (bio_add_page(bio, seg->page, len,
				 blkback_seg_offset(seg)) != len) {
			atomic_inc(&req->pending);
			submit_bio(bio);
			bio = blkback_bdev_alloc(store, req->nr_segs - i, opf);
			blkback_bdev_aim(bio, req, sector);
			__bio_add_page(bio, seg->page, len,
				       blkback_seg_offset(seg));
		}
		sector += len >> SECTOR_SHIFT;
	}
	submit_bio(bio);
}

static void blkback_bdev_flush(struct blkback_store *store,
			       struct blkback_req *req)
{
	submit_bio(blkback_bdev_first(store, req, 0,
				      REQ_OP_WRITE | REQ_PREFLUSH));
}

static void blkback_bdev_submit(struct blkback_store *store,
				struct list_head *batch)
{
	struct blkback_req *req, *next;
	struct blk_plug plug;

	blk_start_plug(&plug);
	/* What blk_start_plug_nr_ios() does, which modules cannot call. */
	plug.nr_ios = min_t(size_t, list_count_nodes(batch),
			    BLKBACK_PLUG_REQUESTS);
	list_for_each_entry_safe(req, next, batch, node) {
		list_del(&req->node);
		switch (req->kind) {
		case TANDEM_BLKIF_DISCARD:
			blkback_store_defer(store, req);
			break;
		case TANDEM_BLKIF_FLUSH:
			blkback_bdev_flush(store, req);
			break;
		default:
			blkback_bdev_rw(store, req);
		}
	}
	blk_finish_plug(&plug);
}

/**
 * blkback_bdev_sync() - do what sleeps: discards
 * @store: the store
 * @req: the request
 */
void blkback_bdev_sync(struct blkback_store *store, struct blkback_req *req)
{
	struct block_device *bdev = store->bdev.bdev;
	int err;

	if (req->flags & TANDEM_BLKIF_F_SECURE)
		err = blkdev_issue_secure_erase(bdev, req->sector,
						req->nr_sectors, GFP_NOIO);
	else
		err = blkdev_issue_discard(bdev, req->sector, req->nr_sectors,
					   GFP_NOIO);
	blkback_store_end(req, err);
}

static u64 blkback_bdev_sectors(struct blkback_store *store)
{
	return bdev_nr_sectors(store->bdev.bdev);
}

static void blkback_bdev_close(struct blkback_store *store)
{
	mutex_lock(&blkback_bdev_lock);
	list_del(&store->node);
	mutex_unlock(&blkback_bdev_lock);
	cancel_work_sync(&store->gone_work);
	blkback_store_unclaim(store);
	tandem_bdev_close(&store->bdev);
	bioset_exit(&store->bios);
}

static const struct blkback_store_ops blkback_bdev_ops = {
	.submit = blkback_bdev_submit,
	.sectors = blkback_bdev_sectors,
	.close = blkback_bdev_close,
};

static const char *blkback_bdev_why(int err)
{
	switch (err) {
	case -EBUSY:
		return "is in use: mounted, swap, or held by another device or domain";
	case -EROFS:
	case -EACCES:
		return "is read-only: use mode r";
	case -ENXIO:
	case -ENODEV:
		return "has no device behind it";
	case -ENOMEDIUM:
		return "has no medium";
	default:
		return "cannot be opened";
	}
}

#ifdef TANDEM_HAVE_BDEV_HOLDER_OPS
/*
 * The holder is a machine and has several disks: all of its that are on this
 * device are told. Each I/O to it fails from now on, and that tells the guest.
 *
 * A store leaves the list before it is closed, so those on it are alive.
 */
static void blkback_bdev_mark_dead(struct block_device *bdev, bool surprise)
{
	struct blkback_store *store;

	mutex_unlock(&bdev->bd_holder_lock);
	mutex_lock(&blkback_bdev_lock);
	list_for_each_entry(store, &blkback_bdevs, node)
		if (store->bdev.bdev == bdev)
			blkback_bdev_gone(store);
	mutex_unlock(&blkback_bdev_lock);
}

static const struct blk_holder_ops blkback_bdev_holder = {
	.mark_dead = blkback_bdev_mark_dead,
};

#define BLKBACK_HOLDER_OPS (&blkback_bdev_holder)
#else
#define BLKBACK_HOLDER_OPS NULL
#endif

/* Pages that are being sent must not change, and may be held for long. */
static bool blkback_bdev_network(const struct block_device *bdev)
{
	unsigned int major = MAJOR(bdev->bd_dev);

	return major == NBD_MAJOR || major == BLKBACK_DRBD_MAJOR;
}

static void blkback_bdev_describe(struct blkback_store *store)
{
	struct block_device *bdev = store->bdev.bdev;

	store->ops = &blkback_bdev_ops;
	store->dev = bdev->bd_dev;
	store->sector_size = bdev_logical_block_size(bdev);
	store->phys_size = bdev_physical_block_size(bdev);
	store->steady = bdev_stable_writes(bdev) || blkback_bdev_network(bdev);
	if (!store->wish.discard || !bdev_max_discard_sectors(bdev))
		return;
	store->granularity = max(bdev_discard_granularity(bdev),
				 store->sector_size);
	store->alignment = bdev_discard_alignment(bdev);
	store->secure = bdev_max_secure_erase_sectors(bdev);
}

static int blkback_bdev_hold(struct blkback_store *store, dev_t dev)
{
	bool write = !store->wish.readonly;
	/* Readers share; a writer has a holder: its machine. */
	void *holder = write && !store->wish.shared ? store->wish.owner : NULL;
	const struct blk_holder_ops *ops = holder ? BLKBACK_HOLDER_OPS : NULL;
	int err;

	if (dev)
		err = tandem_bdev_open_dev(&store->bdev, dev, write, holder,
					   ops);
	else
		err = tandem_bdev_open_path(&store->bdev, store->path, write,
					    holder, ops);
	if (err || !write || !bdev_read_only(store->bdev.bdev))
		return err;
	tandem_bdev_close(&store->bdev);
	return -EROFS;
}

/* What the kernel's holder does not say: who reads, and who it is. */
static int blkback_bdev_claim(struct blkback_store *store, char *why)
{
	struct block_device *bdev = store->bdev.bdev;
	struct blkback_owned what = { .it = bdev, .whole = bdev_whole(bdev) };

	return blkback_store_claim(store, &what, why);
}

/*
 * What was written to it through the cache, and is not stored yet as somebody still
 * has it open, would come after what the guest writes.
 */
static int blkback_bdev_uncache(struct blkback_store *store, char *why)
{
	int err = sync_blockdev(store->bdev.bdev);

	if (err)
		snprintf(why, BLKBACK_STORE_ERROR,
			 "%.100s: what was written to it before cannot be stored",
			 store->path);
	else
		invalidate_bdev(store->bdev.bdev);
	return err;
}

static int blkback_bdev_prepare(struct blkback_store *store, char *why)
{
	int err = blkback_bdev_claim(store, why);

	if (err)
		return err;
	err = blkback_bdev_uncache(store, why);
	if (err)
		goto unclaim;
	blkback_bdev_describe(store);
	/*
	 * A set for each store: one guest's disk may sit on top of another's (a
	 * file system on a guest's disk), and must not wait for its memory.
	 */
	err = bioset_init(&store->bios, BIO_POOL_SIZE, 0, BIOSET_NEED_BVECS);
	if (!err)
		return 0;
unclaim:
	blkback_store_unclaim(store);
	return err;
}

/**
 * blkback_bdev_open() - open a block device as store
 * @store: with path and wish
 * @dev: its number, or 0 to go by the path
 * @why: filled with one line for people on error
 *
 * Context: process; may sleep.
 * Return: 0 or a negative error.
 */
int blkback_bdev_open(struct blkback_store *store, dev_t dev, char *why)
{
	int err;

	INIT_WORK(&store->gone_work, blkback_bdev_gone_work);
	err = blkback_bdev_hold(store, dev);
	if (err) {
		snprintf(why, BLKBACK_STORE_ERROR, "%.80s: %s", store->path,
			 blkback_bdev_why(err));
		return err;
	}
	err = blkback_bdev_prepare(store, why);
	if (err) {
		tandem_bdev_close(&store->bdev);
		return err;
	}
	mutex_lock(&blkback_bdev_lock);
	list_add(&store->node, &blkback_bdevs);
	mutex_unlock(&blkback_bdev_lock);
	return 0;
}
