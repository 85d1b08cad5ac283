// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stores: opening the right kind, and the part that both kinds share, which is
 * a queue for what has to sleep.
 */
#include <linux/fs.h>
#include <linux/namei.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "backend/blk/device.h"
#include "backend/blk/owner.h"
#include "backend/blk/queue.h"
#include "backend/blk/store.h"

/*
 * Shared by all stores; each has at most one item for I/O and one for flushes
 * and discards in it, so that one guest's flushes hold up nobody else.
 */
struct workqueue_struct *blkback_store_wq;

/**
 * blkback_store_end() - the store is done with a request
 * @req: the request
 * @err: 0 or a negative error, which becomes a status of the protocol
 *
 * Context: any.
 */
void blkback_store_end(struct blkback_req *req, int err)
{
	if (err == -EOPNOTSUPP)
		req->status = TANDEM_BLKIF_RSP_EOPNOTSUPP;
	else if (err)
		req->status = TANDEM_BLKIF_RSP_ERROR;
	blkback_queue_done(req);
}

static struct blkback_req *blkback_store_next_sync(struct blkback_store *store)
{
	struct blkback_req *req;

	spin_lock_irq(&store->lock);
	req = list_first_entry_or_null(&store->sync, struct blkback_req, node);
	if (req)
		list_del(&req->node);
	spin_unlock_irq(&store->lock);
	return req;
}

static void blkback_store_sync_work(struct work_struct *work)
{
	struct blkback_store *store = container_of(work, struct blkback_store,
						   sync_work);
	/*
	 * Writes here are how somebody's dirty pages get cleaned: do not make
	 * them wait until pages are cleaned.
	 */
	unsigned int throttle = current->flags & PF_LOCAL_THROTTLE;
	unsigned int noio = memalloc_noio_save();
	struct blkback_req *req;

	current->flags |= PF_LOCAL_THROTTLE;
	while ((req = blkback_store_next_sync(store))) {
		if (store->file)
			blkback_file_sync(store, req);
		else
			blkback_bdev_sync(store, req);
	}
	if (!throttle)
		current->flags &= ~PF_LOCAL_THROTTLE;
	memalloc_noio_restore(noio);
}

/**
 * blkback_store_defer() - do a flush, a discard or a barrier where it may sleep
 * @store: the store
 * @req: the request
 *
 * Context: any.
 */
void blkback_store_defer(struct blkback_store *store, struct blkback_req *req)
{
	unsigned long flags;

	spin_lock_irqsave(&store->lock, flags);
	list_add_tail(&req->node, &store->sync);
	/* Under the lock: nobody ends the request, and closes us, before. */
	queue_work(blkback_store_wq, &store->sync_work);
	spin_unlock_irqrestore(&store->lock, flags);
}

static struct blkback_store *
blkback_store_alloc(const char *path, const struct blkback_store_wish *wish)
{
	struct blkback_store *store = kzalloc(sizeof(*store), GFP_KERNEL);

	if (!store)
		return NULL;
	store->path = kstrdup(path, GFP_KERNEL);
	if (!store->path) {
		kfree(store);
		return NULL;
	}
	store->wish = *wish;
	spin_lock_init(&store->lock);
	INIT_LIST_HEAD(&store->slow);
	INIT_LIST_HEAD(&store->sync);
	INIT_WORK(&store->sync_work, blkback_store_sync_work);
	return store;
}

static void blkback_store_free(struct blkback_store *store)
{
	kfree(store->path);
	kfree(store);
}

static enum blkback_access blkback_store_access(const struct blkback_store *store)
{
	if (store->wish.readonly)
		return BLKBACK_READS;
	return store->wish.shared ? BLKBACK_SHARES : BLKBACK_WRITES;
}

/**
 * blkback_store_claim() - the store's machine wants to use what it is on
 * @store: with a wish
 * @what: a file or block device, held open by the store
 * @why: filled with one line for people on error
 *
 * Return: 0 or a negative error.
 */
int blkback_store_claim(struct blkback_store *store,
			const struct blkback_owned *what, char *why)
{
	struct blkback_claim *claim;
	char holder[64] = "";

	claim = blkback_owner_claim(store->wish.owner, what,
				    blkback_store_access(store), holder,
				    sizeof(holder));
	if (claim == ERR_PTR(-EBUSY))
		snprintf(why, BLKBACK_STORE_ERROR, "%.80s: is in use by %s",
			 store->path, holder);
	if (IS_ERR(claim))
		return PTR_ERR(claim);
	store->claim = claim;
	return 0;
}

/**
 * blkback_store_unclaim() - the counterpart of blkback_store_claim()
 * @store: may have no claim
 */
void blkback_store_unclaim(struct blkback_store *store)
{
	blkback_claim_release(store->claim);
	store->claim = NULL;
}

static int blkback_store_kind(const char *path, umode_t *mode, char *why)
{
	struct path found;
	int err;

	err = kern_path(path, LOOKUP_FOLLOW, &found);
	if (err) {
		snprintf(why, BLKBACK_STORE_ERROR, "%.100s: %s", path,
			 err == -ENOENT ? "no such file or device" :
			 err == -EACCES ? "permission denied" :
			 "cannot be looked up");
		return err;
	}
	*mode = d_backing_inode(found.dentry)->i_mode;
	path_put(&found);
	return 0;
}

static int blkback_store_open_kind(struct blkback_store *store, bool want_dev,
				   char *why)
{
	umode_t mode;
	int err;

	err = blkback_store_kind(store->path, &mode, why);
	if (err)
		return err;
	if (S_ISBLK(mode))
		return blkback_bdev_open(store, 0, why);
	if (S_ISREG(mode) && !want_dev)
		return blkback_file_open(store, why);
	snprintf(why, BLKBACK_STORE_ERROR, "%.100s: is %s, not %s", store->path,
		 S_ISDIR(mode) ? "a directory" : S_ISREG(mode) ?
		 "a file (use file: for it)" : "neither file nor block device",
		 want_dev ? "a block device" : "a disk image");
	return S_ISDIR(mode) ? -EISDIR : -ENOTBLK;
}

/**
 * blkback_store_open() - open what the operator named
 * @text: "file:PATH", "phy:PATH" or a path
 * @wish: how
 * @why: filled with one line for people on error, BLKBACK_STORE_ERROR bytes
 *
 * Context: process, that of the caller who may see the path: its namespace and
 * its rights count. May sleep.
 * Return: the store, or an error pointer.
 */
struct blkback_store *blkback_store_open(const char *text,
					 const struct blkback_store_wish *wish,
					 char *why)
{
	bool phy = !strncmp(text, "phy:", 4);
	const char *path = text;
	struct blkback_store *store;
	int err;

	if (phy)
		path += 4;
	else if (!strncmp(text, "file:", 5))
		path += 5;
	if (*path != '/') {
		snprintf(why, BLKBACK_STORE_ERROR,
			 "%.100s: not an absolute path", path);
		return ERR_PTR(-EINVAL);
	}
	/* What an error leaves there that does not say more. */
	snprintf(why, BLKBACK_STORE_ERROR, "%.100s: cannot be opened", path);
	store = blkback_store_alloc(path, wish);
	if (!store)
		return ERR_PTR(-ENOMEM);
	err = blkback_store_open_kind(store, phy, why);
	if (!err)
		return store;
	blkback_store_free(store);
	return ERR_PTR(err);
}

/**
 * blkback_store_open_dev() - open a block device by number
 * @dev: its number, as a hotplug script writes it to xenstore
 * @wish: how
 * @why: as for blkback_store_open()
 *
 * Return: the store, or an error pointer.
 */
struct blkback_store *
blkback_store_open_dev(dev_t dev, const struct blkback_store_wish *wish,
		       char *why)
{
	struct blkback_store *store;
	char name[24];
	int err;

	snprintf(name, sizeof(name), "%u:%u", MAJOR(dev), MINOR(dev));
	snprintf(why, BLKBACK_STORE_ERROR, "%s: cannot be opened", name);
	store = blkback_store_alloc(name, wish);
	if (!store)
		return ERR_PTR(-ENOMEM);
	err = blkback_bdev_open(store, dev, why);
	if (!err)
		return store;
	blkback_store_free(store);
	return ERR_PTR(err);
}

/**
 * blkback_store_close() - let go of a store
 * @store: nothing is in flight in it; NULL is allowed
 *
 * Context: process; may sleep.
 */
void blkback_store_close(struct blkback_store *store)
{
	if (!store)
		return;
	cancel_work_sync(&store->sync_work);
	store->ops->close(store);
	blkback_store_free(store);
}

/**
 * blkback_store_init() - what all stores share
 *
 * Return: 0 or -ENOMEM.
 */
int blkback_store_init(void)
{
	blkback_store_wq = alloc_workqueue("tandem_blkstore",
					   WQ_MEM_RECLAIM | WQ_UNBOUND, 0);
	return blkback_store_wq ? 0 : -ENOMEM;
}

/**
 * blkback_store_exit() - the counterpart; no store exists
 */
void blkback_store_exit(void)
{
	destroy_workqueue(blkback_store_wq);
}
