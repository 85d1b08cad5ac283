/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a disk's data lives in: a block device or a file.
 */
#ifndef BLKBACK_STORE_H
#define BLKBACK_STORE_H

#include <linux/bio.h>
#include <linux/list.h>
#include <linux/mempool.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "backend/blk/owner.h"
#include "backend/blk/request.h"
#include "common/compat/bdev.h"

struct blkback_store;

/**
 * struct blkback_store_ops - the two kinds of store
 * @submit: start all requests of a batch, in order; each ends in
 *          blkback_queue_done(). Called in process context under noio; may
 *          sleep for resources that come back by themselves
 * @sectors: size now, 512 bytes each
 * @close: let go; nothing is in flight
 */
struct blkback_store_ops {
	void (*submit)(struct blkback_store *store, struct list_head *batch);
	u64 (*sectors)(struct blkback_store *store);
	void (*close)(struct blkback_store *store);
};

/**
 * struct blkback_store_wish - what the toolstack asked for
 * @owner: the machine that it is for
 * @readonly: for reading only
 * @shared: others may write too (mode "w!"); nobody is refused
 * @discard: offer discard at all
 * @lost: called when the block device below, of this path, goes away, in process
 *        context; must not open or close a store
 * @arg: its argument
 */
struct blkback_store_wish {
	struct blkback_owner *owner;
	bool readonly;
	bool shared;
	bool discard;
	void (*lost)(void *arg, const char *path);
	void *arg;
};

#define BLKBACK_STORE_ERROR 160

/**
 * struct blkback_store - one open store
 * @ops: its kind
 * @wish: what it was opened for
 * @path: as the operator gave it
 * @bdev: the block device, when it is one
 * @node: on the list of those
 * @bios: bios for it
 * @file: the file, when it is one
 * @claim: that of its machine on it
 * @dev: device number to show; of a file that of its file system
 * @sector_size: logical sector, bytes
 * @phys_size: physical sector, bytes
 * @granularity: of discards, bytes; 0 when there are none
 * @alignment: of discards, bytes
 * @dio_align: what direct I/O wants position and length to be multiples of
 * @secure: secure discards work
 * @steady: pages must not change while they are written
 * @cdrom: the medium is one
 * @direct: direct I/O works
 * @nowait: and can be tried without sleeping
 * @inline_io: I/O is memory to memory: done by the ring's worker at once
 * @gone: the device below went away, and that has been told
 * @flushed: the frontend has flushed, so buffered writes may stay in memory
 * @lock: guards @slow and @sync
 * @slow: I/O that has to sleep
 * @sync: flushes and discards
 * @slow_work: does what is on @slow
 * @sync_work: does what is on @sync
 * @gone_work: tells it
 * @io_pool: for one I/O that always proceeds
 */
struct blkback_store {
	const struct blkback_store_ops *ops;
	struct blkback_store_wish wish;
	char *path;
	struct tandem_bdev bdev;
	struct list_head node;
	struct bio_set bios;
	struct file *file;
	struct blkback_claim *claim;
	dev_t dev;
	unsigned int sector_size;
	unsigned int phys_size;
	unsigned int granularity;
	unsigned int alignment;
	unsigned int dio_align;
	bool secure;
	bool steady;
	bool cdrom;
	bool direct;
	bool nowait;
	bool inline_io;
	bool gone;
	bool flushed;
	spinlock_t lock; /* @slow and @sync */
	struct list_head slow;
	struct list_head sync;
	struct work_struct slow_work;
	struct work_struct sync_work;
	struct work_struct gone_work;
	mempool_t *io_pool;
};

static inline void blkback_store_submit(struct blkback_store *store,
					struct list_head *batch)
{
	store->ops->submit(store, batch);
}

/*
 * Whether a block device's store has this number. Of a file's, physical-device says
 * nothing: it may be the loop device of the driver that served it before.
 */
static inline bool blkback_store_has_number(const struct blkback_store *store,
					    dev_t dev)
{
	return !store->bdev.bdev || store->dev == dev;
}

struct blkback_store *blkback_store_open(const char *text,
					 const struct blkback_store_wish *wish,
					 char *why);
struct blkback_store *
blkback_store_open_dev(dev_t dev, const struct blkback_store_wish *wish,
		       char *why);
void blkback_store_close(struct blkback_store *store);
void blkback_store_defer(struct blkback_store *store, struct blkback_req *req);
void blkback_store_end(struct blkback_req *req, int err);
int blkback_store_claim(struct blkback_store *store,
			const struct blkback_owned *what, char *why);
void blkback_store_unclaim(struct blkback_store *store);

int blkback_store_init(void);
void blkback_store_exit(void);
extern struct workqueue_struct *blkback_store_wq;

int blkback_bdev_open(struct blkback_store *store, dev_t dev, char *why);
void blkback_bdev_sync(struct blkback_store *store, struct blkback_req *req);

int blkback_file_open(struct blkback_store *store, char *why);
void blkback_file_sync(struct blkback_store *store, struct blkback_req *req);

#endif /* BLKBACK_STORE_H */
