// SPDX-License-Identifier: GPL-2.0-only
/*
 * An image file as store: no loop device, and no second cache.
 *
 * I/O goes straight to the disk where the file system can do that, first
 * without sleeping from the ring's worker, then, if that would sleep, from a
 * worker of the store. A file that lives in memory is read and written at once.
 * Anything else (a file system without direct I/O, a request not aligned to
 * its blocks) goes through the page cache, and then writes are written through
 * until the frontend shows, by a first flush, that it knows about caches.
 *
 * Requests next to each other on the disk become one I/O: frontends that know
 * no indirect segments cut a megabyte into two dozen pieces.
 *
 * Forward progress: when memory is short an I/O takes the store's reserve, which
 * comes back when the I/O that had it before is done.
 */
#include <linux/bvec.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/swap.h>
#include <linux/uio.h>

#include "backend/blk/owner.h"
#include "backend/blk/params.h"
#include "backend/blk/queue.h"
#include "backend/blk/store.h"
#include "common/compat/kiocb.h"

/* Pages of one I/O; what several requests next to each other may add up to. */
#define BLKBACK_FILE_VECS	BLKBACK_MAX_INDIRECT

/**
 * struct blkback_file_io - one I/O for one request or several in a row
 * @iocb: the kernel's
 * @node: on the store's list of those that have to sleep
 * @reqs: the requests, in order
 * @store: the store
 * @pos: where in the file, bytes
 * @bytes: how much
 * @ret: what an I/O that ran by itself came to
 * @refs: on an I/O that runs by itself: its own, and that of who started it
 * @nr_vecs: used in @vec
 * @write: direction
 * @pooled: from the reserve
 * @vec: the data
 */
struct blkback_file_io {
	struct kiocb iocb;
	struct list_head node;
	struct list_head reqs;
	struct blkback_store *store;
	loff_t pos;
	size_t bytes;
	long ret;
	atomic_t refs;
	unsigned int nr_vecs;
	bool write;
	bool pooled;
	struct bio_vec vec[];
};

static struct blkback_file_io *blkback_file_alloc(struct blkback_store *store,
						  unsigned int vecs)
{
	struct blkback_file_io *io;

	io = kmalloc(struct_size(io, vec, vecs),
		     GFP_NOIO | __GFP_NORETRY | __GFP_NOWARN);
	if (io) {
		io->pooled = false;
	} else {
		io = mempool_alloc(store->io_pool, GFP_NOIO);
		io->pooled = true;
	}
	INIT_LIST_HEAD(&io->reqs);
	io->store = store;
	io->bytes = 0;
	io->nr_vecs = 0;
	return io;
}

static void blkback_file_free(struct blkback_file_io *io)
{
	if (io->pooled)
		mempool_free(io, io->store->io_pool);
	else
		kfree(io);
}

static void blkback_file_end(struct blkback_file_io *io, int err)
{
	struct blkback_req *req, *next;
	LIST_HEAD(reqs);

	/* With the last request ended, the store may be closed at any time. */
	list_splice_init(&io->reqs, &reqs);
	blkback_file_free(io);
	list_for_each_entry_safe(req, next, &reqs, node)
		blkback_store_end(req, err);
}

static void blkback_file_add(struct blkback_file_io *io,
			     struct blkback_req *req)
{
	unsigned int i;

	for (i = 0; i < req->nr_segs; i++)
		bvec_set_page(&io->vec[io->nr_vecs++], req->seg[i].page,
			      blkback_seg_bytes(&req->seg[i]),
			      blkback_seg_offset(&req->seg[i]));
	io->bytes += req->nr_sectors << SECTOR_SHIFT;
	list_move_tail(&req->node, &io->reqs);
}

/* Direct I/O wants position, length and each piece in blocks of the store. */
static bool blkback_file_aligned(const struct blkback_file_io *io)
{
	unsigned int mask = io->store->dio_align - 1;
	unsigned int i;

	if ((io->pos | io->bytes) & mask)
		return false;
	for (i = 0; i < io->nr_vecs; i++)
		if ((io->vec[i].bv_offset | io->vec[i].bv_len) & mask)
			return false;
	return true;
}

static ssize_t blkback_file_call(struct blkback_file_io *io, int flags,
				 void (*complete)(struct kiocb *iocb, long ret))
{
	struct file *file = io->store->file;
	struct iov_iter iter;

	iov_iter_bvec(&iter, io->write ? ITER_SOURCE : ITER_DEST, io->vec,
		      io->nr_vecs, io->bytes);
	init_sync_kiocb(&io->iocb, file);
	io->iocb.ki_pos = io->pos;
	io->iocb.ki_complete = complete;
	io->iocb.ki_flags |= flags;
	if (io->write)
		return tandem_iocb_write(file, &io->iocb, &iter);
	return vfs_iocb_iter_read(file, &io->iocb, &iter);
}

static void blkback_file_sleep(struct blkback_file_io *io)
{
	struct blkback_store *store = io->store;
	unsigned long flags;

	spin_lock_irqsave(&store->lock, flags);
	list_add_tail(&io->node, &store->slow);
	/* Under the lock: nobody ends the I/O, and closes the store, before. */
	queue_work(blkback_store_wq, &store->slow_work);
	spin_unlock_irqrestore(&store->lock, flags);
}

/* Not a failure of the disk, but of the way that was tried. */
static bool blkback_file_refused(long ret)
{
	return ret == -EAGAIN || ret == -EINVAL || ret == -EOPNOTSUPP;
}

/*
 * The end of an I/O that ran by itself. What came out short, or failed for
 * several requests at once, is done again where it can sleep, where each
 * request gets its own verdict.
 */
static void blkback_file_result(struct blkback_file_io *io, long ret)
{
	if (likely(ret == io->bytes))
		blkback_file_end(io, 0);
	else if (ret >= 0 || blkback_file_refused(ret) ||
		 !list_is_singular(&io->reqs))
		blkback_file_sleep(io);
	else
		blkback_file_end(io, ret);
}

/* The last one goes on with it. */
static void blkback_file_drop(struct blkback_file_io *io)
{
	if (!atomic_dec_and_test(&io->refs))
		return;
	if (io->write)
		tandem_iocb_write_end(&io->iocb);
	blkback_file_result(io, io->ret);
}

static void blkback_file_complete(struct kiocb *iocb, long ret)
{
	struct blkback_file_io *io = container_of(iocb, struct blkback_file_io,
						  iocb);

	io->ret = ret;
	blkback_file_drop(io);
}

/*
 * It may end at any time, and a file system may look at it after it has: ext4
 * marks the file as read then. So it lives until both are done.
 */
static void blkback_file_direct(struct blkback_file_io *io, int flags)
{
	long ret;

	atomic_set(&io->refs, 2);
	ret = blkback_file_call(io, IOCB_DIRECT | flags, blkback_file_complete);
	if (ret == -EIOCBQUEUED)
		blkback_file_drop(io);
	else
		blkback_file_result(io, ret);
}

static int blkback_file_buffered_flags(const struct blkback_file_io *io)
{
	if (!io->write || io->store->inline_io || READ_ONCE(io->store->flushed))
		return 0;
	return IOCB_DSYNC;
}

/* Through the page cache, in pieces if need be. Return: 0 or an error. */
static int blkback_file_buffered(struct blkback_file_io *io)
{
	ssize_t ret;

	ret = blkback_file_call(io, blkback_file_buffered_flags(io), NULL);
	if (ret == io->bytes)
		return 0;
	return ret < 0 ? ret : -EIO;
}

/*
 * By the way that leaves no error for later, if there is one: a write that went
 * into the cache would be good, and only the next flush would not.
 */
static int blkback_file_retry(struct blkback_file_io *io)
{
	ssize_t ret;

	if (io->store->direct && blkback_file_aligned(io)) {
		ret = blkback_file_call(io, IOCB_DIRECT, NULL);
		if (ret == io->bytes)
			return 0;
		if (ret < 0 && !blkback_file_refused(ret))
			return ret;
	}
	return blkback_file_buffered(io);
}

/* One request of an I/O alone, so that its neighbours' errors stay theirs. */
static int blkback_file_one(struct blkback_file_io *io,
			    struct blkback_req *req)
{
	io->pos = req->sector << SECTOR_SHIFT;
	io->bytes = 0;
	io->nr_vecs = 0;
	INIT_LIST_HEAD(&io->reqs);
	blkback_file_add(io, req);
	list_del_init(&req->node);
	return blkback_file_retry(io);
}

static void blkback_file_each(struct blkback_file_io *io)
{
	struct blkback_req *req, *next;
	LIST_HEAD(reqs);
	int err;

	list_splice_init(&io->reqs, &reqs);
	list_for_each_entry_safe(req, next, &reqs, node) {
		err = blkback_file_one(io, req);
		if (list_empty(&reqs))
			blkback_file_free(io);
		blkback_store_end(req, err);
	}
}

/* Where it may sleep: direct once more, then each request by itself. */
static void blkback_file_slow(struct blkback_file_io *io)
{
	struct blkback_store *store = io->store;
	bool again = io->iocb.ki_flags & IOCB_NOWAIT;

	if (store->direct && again && blkback_file_aligned(io))
		blkback_file_direct(io, 0);
	else
		blkback_file_each(io);
}

static struct blkback_file_io *blkback_file_next_slow(struct blkback_store *store)
{
	struct blkback_file_io *io;

	spin_lock_irq(&store->lock);
	io = list_first_entry_or_null(&store->slow, struct blkback_file_io,
				      node);
	if (io)
		list_del(&io->node);
	spin_unlock_irq(&store->lock);
	return io;
}

static void blkback_file_slow_work(struct work_struct *work)
{
	struct blkback_store *store = container_of(work, struct blkback_store,
						   slow_work);
	/*
	 * Writes here are how somebody's dirty pages get cleaned: do not make
	 * them wait until pages are cleaned.
	 */
	unsigned int throttle = current->flags & PF_LOCAL_THROTTLE;
	unsigned int noio = memalloc_noio_save();
	struct blkback_file_io *io;

	current->flags |= PF_LOCAL_THROTTLE;
	while ((io = blkback_file_next_slow(store)))
		blkback_file_slow(io);
	if (!throttle)
		current->flags &= ~PF_LOCAL_THROTTLE;
	memalloc_noio_restore(noio);
}

/*
 * Writes to a frozen file system wait, whatever they say of waiting. One that is
 * frozen between this look and the write holds the ring up until it thaws.
 */
static bool blkback_file_frozen(const struct blkback_store *store)
{
	const struct super_block *sb = file_inode(store->file)->i_sb;

	return READ_ONCE(sb->s_writers.frozen) != SB_UNFROZEN;
}

static void blkback_file_start(struct blkback_file_io *io)
{
	struct blkback_store *store = io->store;

	if (store->inline_io) {
		blkback_file_result(io, blkback_file_call(io, 0, NULL));
		return;
	}
	/* The mark that direct I/O was not tried where it may sleep. */
	io->iocb.ki_flags = IOCB_NOWAIT;
	if (!store->direct || !store->nowait || !blkback_file_aligned(io) ||
	    unlikely(io->write && blkback_file_frozen(store)))
		blkback_file_sleep(io);
	else
		blkback_file_direct(io, IOCB_NOWAIT);
}

static bool blkback_file_joins(const struct blkback_req *a,
			       const struct blkback_req *b, unsigned int vecs)
{
	return b->kind == a->kind && !b->flags && !a->flags &&
	       a->sector + a->nr_sectors == b->sector &&
	       vecs + b->nr_segs <= BLKBACK_FILE_VECS;
}

/* The pages of the first request and of those that continue it. */
static unsigned int blkback_file_run(struct list_head *batch,
				     unsigned int *nr_reqs)
{
	struct blkback_req *req = list_first_entry(batch, struct blkback_req,
						   node);
	unsigned int vecs = req->nr_segs;

	*nr_reqs = 1;
	while (!list_is_last(&req->node, batch)) {
		struct blkback_req *next = list_next_entry(req, node);

		if (!blkback_file_joins(req, next, vecs))
			break;
		vecs += next->nr_segs;
		++*nr_reqs;
		req = next;
	}
	return vecs;
}

static void blkback_file_rw(struct blkback_store *store,
			    struct list_head *batch)
{
	struct blkback_req *req = list_first_entry(batch, struct blkback_req,
						   node);
	unsigned int nr_reqs, vecs = blkback_file_run(batch, &nr_reqs);
	struct blkback_file_io *io = blkback_file_alloc(store, vecs);

	io->pos = req->sector << SECTOR_SHIFT;
	io->write = req->kind == TANDEM_BLKIF_WRITE;
	while (nr_reqs--)
		blkback_file_add(io, list_first_entry(batch, struct blkback_req,
						      node));
	blkback_file_start(io);
}

static void blkback_file_submit(struct blkback_store *store,
				struct list_head *batch)
{
	struct blkback_req *req;
	struct blk_plug plug;

	blk_start_plug(&plug);
	while (!list_empty(batch)) {
		req = list_first_entry(batch, struct blkback_req, node);
		if (req->kind == TANDEM_BLKIF_READ ||
		    (req->kind == TANDEM_BLKIF_WRITE && !req->flags)) {
			blkback_file_rw(store, batch);
			continue;
		}
		list_del(&req->node);
		blkback_store_defer(store, req);
	}
	blk_finish_plug(&plug);
}

static int blkback_file_discard(struct blkback_store *store,
				const struct blkback_req *req)
{
	return vfs_fallocate(store->file,
			     FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			     req->sector << SECTOR_SHIFT,
			     req->nr_sectors << SECTOR_SHIFT);
}

static int blkback_file_fsync(struct blkback_store *store)
{
	WRITE_ONCE(store->flushed, true);
	return vfs_fsync(store->file, 1);
}

/* A write that orders others: what is before it, itself, then all of it. */
static void blkback_file_barrier(struct blkback_store *store,
				 struct blkback_req *req)
{
	struct blkback_file_io *io;
	int err = 0;

	if (req->flags & TANDEM_BLKIF_F_PREFLUSH)
		err = blkback_file_fsync(store);
	if (!err) {
		io = blkback_file_alloc(store, req->nr_segs);
		io->pos = req->sector << SECTOR_SHIFT;
		io->write = true;
		INIT_LIST_HEAD(&req->node);
		blkback_file_add(io, req);
		err = blkback_file_buffered(io);
		list_del(&req->node);
		blkback_file_free(io);
	}
	if (!err && req->flags & TANDEM_BLKIF_F_FUA)
		err = blkback_file_fsync(store);
	blkback_store_end(req, err);
}

/**
 * blkback_file_sync() - do what sleeps: flush, discard, barrier
 * @store: the store
 * @req: the request
 */
void blkback_file_sync(struct blkback_store *store, struct blkback_req *req)
{
	if (req->kind == TANDEM_BLKIF_FLUSH)
		blkback_store_end(req, blkback_file_fsync(store));
	else if (req->kind == TANDEM_BLKIF_DISCARD)
		blkback_store_end(req, blkback_file_discard(store, req));
	else
		blkback_file_barrier(store, req);
}

static u64 blkback_file_sectors(struct blkback_store *store)
{
	return i_size_read(file_inode(store->file)) >> SECTOR_SHIFT;
}

static void blkback_file_close(struct blkback_store *store)
{
	cancel_work_sync(&store->slow_work);
	blkback_store_unclaim(store);
	mempool_destroy(store->io_pool);
	tandem_file_close(store->file);
}

static const struct blkback_store_ops blkback_file_ops = {
	.submit = blkback_file_submit,
	.sectors = blkback_file_sectors,
	.close = blkback_file_close,
};

/* These read and write at memory's speed; others may have to wait. */
static bool blkback_file_in_memory(struct inode *inode)
{
	unsigned long magic = inode->i_sb->s_magic;

	return magic == TMPFS_MAGIC || magic == RAMFS_MAGIC;
}

/* The disk below the file system, where there is one. */
static struct block_device *blkback_file_bdev(struct inode *inode)
{
	return inode->i_sb->s_bdev;
}

static unsigned int blkback_file_dio_align(struct file *file)
{
	struct block_device *bdev = blkback_file_bdev(file_inode(file));
	struct kstat stat;

	if (!vfs_getattr(&file->f_path, &stat, STATX_DIOALIGN,
			 AT_STATX_DONT_SYNC) &&
	    (stat.result_mask & STATX_DIOALIGN))
		return stat.dio_offset_align;
	return bdev ? bdev_logical_block_size(bdev) : SECTOR_SIZE;
}

/* Asked behind the file's end, where there is nothing to lose. */
static bool blkback_file_punches(struct file *file)
{
	struct inode *inode = file_inode(file);
	loff_t end = round_up(i_size_read(inode), i_blocksize(inode));

	return !vfs_fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			      end, i_blocksize(inode));
}

static void blkback_file_describe(struct blkback_store *store)
{
	struct file *file = store->file;
	struct inode *inode = file_inode(file);
	unsigned int align = blkback_file_dio_align(file);

	store->dev = inode->i_sb->s_dev;
	store->inline_io = blkback_file_in_memory(inode);
	store->direct = !store->inline_io && align &&
			(file->f_mode & FMODE_CAN_ODIRECT);
	store->dio_align = align;
	store->nowait = file->f_mode & FMODE_NOWAIT;
	/*
	 * 512 whatever the disk below: a frontend may rely on it, as with any
	 * image, and requests too small for direct I/O go through the cache.
	 */
	store->sector_size = SECTOR_SIZE;
	store->phys_size = max_t(unsigned int, align, SECTOR_SIZE);
	store->steady = mapping_stable_writes(file->f_mapping);
	if (store->wish.discard && !store->wish.readonly &&
	    blkback_file_punches(file))
		store->granularity = i_blocksize(inode);
}

static int blkback_file_check(struct blkback_store *store, char *why)
{
	struct inode *inode = file_inode(store->file);

	if (IS_SWAPFILE(inode)) {
		snprintf(why, BLKBACK_STORE_ERROR,
			 "%.100s: is in use as swap here", store->path);
		return -EBUSY;
	}
	if (i_size_read(inode) < SECTOR_SIZE) {
		snprintf(why, BLKBACK_STORE_ERROR,
			 "%.100s: is empty; give it a size first", store->path);
		return -EINVAL;
	}
	return blkback_store_claim(store,
				   &(struct blkback_owned){ .it = inode }, why);
}

/*
 * Whoever made the image left it in the cache, in part perhaps not yet written.
 * Direct I/O has no use for that, and would have to make way for it again and
 * again: each page that is found there makes a request wait.
 */
static int blkback_file_uncache(struct blkback_store *store, char *why)
{
	struct address_space *mapping = store->file->f_mapping;
	int err;

	if (!store->direct)
		return 0;
	err = filemap_write_and_wait(mapping);
	if (err)
		snprintf(why, BLKBACK_STORE_ERROR,
			 "%.100s: what was written to it before cannot be stored",
			 store->path);
	else
		invalidate_mapping_pages(mapping, 0, -1);
	return err;
}

static const char *blkback_file_why(int err)
{
	switch (err) {
	case -EROFS:
		return "is on a read-only file system: use mode r";
	case -EACCES:
	case -EPERM:
		return "permission denied";
	case -ETXTBSY:
		return "is in use as a program";
	default:
		return "cannot be opened";
	}
}

/**
 * blkback_file_open() - open an image file as store
 * @store: with path and wish
 * @why: filled with one line for people on error
 *
 * Context: process, the operator's; may sleep.
 * Return: 0 or a negative error.
 */
int blkback_file_open(struct blkback_store *store, char *why)
{
	int flags = O_LARGEFILE | (store->wish.readonly ? O_RDONLY : O_RDWR);
	struct file *file = filp_open(store->path, flags, 0);
	size_t size = struct_size_t(struct blkback_file_io, vec,
				    BLKBACK_FILE_VECS);
	int err;

	if (IS_ERR(file)) {
		snprintf(why, BLKBACK_STORE_ERROR, "%.80s: %s", store->path,
			 blkback_file_why(PTR_ERR(file)));
		return PTR_ERR(file);
	}
	store->file = file;
	store->ops = &blkback_file_ops;
	INIT_WORK(&store->slow_work, blkback_file_slow_work);
	/* Nothing is done to somebody else's image. */
	err = blkback_file_check(store, why);
	if (err)
		goto close;
	blkback_file_describe(store);
	err = blkback_file_uncache(store, why);
	if (err)
		goto close;
	store->io_pool = mempool_create_kmalloc_pool(1, size);
	if (store->io_pool)
		return 0;
	err = -ENOMEM;
close:
	blkback_file_close(store);
	store->file = NULL;
	return err;
}
