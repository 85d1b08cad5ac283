// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual machines as holders of disks, and what they hold: image files, by
 * inode, as the same file under two names is one file; and block devices.
 *
 * A block device that is written to has a holder in the kernel too, which keeps
 * out others than us. The kernel knows no holder that only reads.
 */
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "backend/blk/owner.h"

/**
 * struct blkback_owner - one virtual machine that has disks here
 * @node: on the list of all
 * @users: disks that it has
 * @name: for people
 * @uuid: what it is known by
 */
struct blkback_owner {
	struct list_head node;
	unsigned int users;
	char name[64];
	char uuid[40];
};

/**
 * struct blkback_claim - one use of one image file or block device
 * @node: on the list of all
 * @owner: the machine
 * @what: the file or device
 * @access: how it is used
 * @retired: by I/O that outlives its disk
 */
struct blkback_claim {
	struct list_head node;
	struct blkback_owner *owner;
	struct blkback_owned what;
	enum blkback_access access;
	bool retired;
};

/* Guards both lists and all they hold. Nothing is taken inside. */
static DEFINE_MUTEX(blkback_owner_lock);
static LIST_HEAD(blkback_owners);
static LIST_HEAD(blkback_claims);

static struct blkback_owner *blkback_owner_find(const char *uuid)
{
	struct blkback_owner *owner;

	list_for_each_entry(owner, &blkback_owners, node)
		if (!strcmp(owner->uuid, uuid))
			return owner;
	return NULL;
}

static struct blkback_owner *blkback_owner_make(const char *uuid, domid_t domid)
{
	struct blkback_owner *owner = kzalloc(sizeof(*owner), GFP_KERNEL);

	if (!owner)
		return NULL;
	strscpy(owner->uuid, uuid, sizeof(owner->uuid));
	snprintf(owner->name, sizeof(owner->name), "domain %u (%s)", domid,
		 uuid);
	list_add(&owner->node, &blkback_owners);
	return owner;
}

/**
 * blkback_owner_get() - the machine of a domain
 * @uuid: its uuid as text, or any text that only this machine has
 * @domid: its domain, for messages
 *
 * Context: process; may sleep.
 * Return: the machine, to be put; or NULL without memory.
 */
struct blkback_owner *blkback_owner_get(const char *uuid, domid_t domid)
{
	struct blkback_owner *owner;

	mutex_lock(&blkback_owner_lock);
	owner = blkback_owner_find(uuid);
	if (!owner)
		owner = blkback_owner_make(uuid, domid);
	if (owner)
		owner->users++;
	mutex_unlock(&blkback_owner_lock);
	return owner;
}

/**
 * blkback_owner_put() - a disk of a machine is gone
 * @owner: the machine; NULL is allowed
 */
void blkback_owner_put(struct blkback_owner *owner)
{
	if (!owner)
		return;
	mutex_lock(&blkback_owner_lock);
	if (!--owner->users) {
		list_del(&owner->node);
		kfree(owner);
	}
	mutex_unlock(&blkback_owner_lock);
}

/* A disk is all of its partitions; those do not touch each other. */
static bool blkback_claim_overlaps(const struct blkback_owned *a,
				   const struct blkback_owned *b)
{
	return a->it == b->it || a->it == b->whole || a->whole == b->it;
}

/*
 * A writer suffers nobody else; readers suffer each other, and writers that share.
 * Whoever shares was told to suffer anybody.
 */
static bool blkback_access_clashes(enum blkback_access new,
				   enum blkback_access old)
{
	if (new == BLKBACK_READS)
		return old == BLKBACK_WRITES;
	return new == BLKBACK_WRITES;
}

static struct blkback_claim *
blkback_claim_conflict(const struct blkback_owner *owner,
		       const struct blkback_owned *what,
		       enum blkback_access access)
{
	struct blkback_claim *claim;

	list_for_each_entry(claim, &blkback_claims, node)
		if ((claim->owner != owner || claim->retired) &&
		    blkback_access_clashes(access, claim->access) &&
		    blkback_claim_overlaps(&claim->what, what))
			return claim;
	return NULL;
}

static struct blkback_claim *blkback_claim_make(struct blkback_owner *owner,
						const struct blkback_owned *what,
						enum blkback_access access)
{
	struct blkback_claim *claim = kzalloc(sizeof(*claim), GFP_KERNEL);

	if (!claim)
		return ERR_PTR(-ENOMEM);
	claim->owner = owner;
	claim->what = *what;
	claim->access = access;
	list_add(&claim->node, &blkback_claims);
	return claim;
}

/**
 * blkback_owner_claim() - a machine wants to use a file or a block device
 * @owner: the machine, which the caller keeps as long as the claim
 * @what: which; the caller holds it open
 * @access: how
 * @holder: filled with the name of the one who has it, when refused
 * @size: bytes at @holder
 *
 * Return: the claim, to be released; or -EBUSY or -ENOMEM as a pointer.
 */
struct blkback_claim *blkback_owner_claim(struct blkback_owner *owner,
					  const struct blkback_owned *what,
					  enum blkback_access access,
					  char *holder, size_t size)
{
	struct blkback_claim *claim, *other;

	mutex_lock(&blkback_owner_lock);
	other = blkback_claim_conflict(owner, what, access);
	if (other) {
		strscpy(holder, other->owner->name, size);
		claim = ERR_PTR(-EBUSY);
	} else {
		claim = blkback_claim_make(owner, what, access);
	}
	mutex_unlock(&blkback_owner_lock);
	return claim;
}

/**
 * blkback_claim_rewrites() - may what is written by one claim be seen by another
 * @writer: a claim
 * @other: another one
 *
 * Context: any; what is looked at is as it was made.
 * Return: true if @writer is the same machine's, and writes to what @other has.
 */
bool blkback_claim_rewrites(const struct blkback_claim *writer,
			    const struct blkback_claim *other)
{
	return writer->owner == other->owner &&
	       writer->access != BLKBACK_READS &&
	       blkback_claim_overlaps(&writer->what, &other->what);
}

/**
 * blkback_claim_retire() - a disk is gone, and its I/O is not
 * @claim: what the disk had; NULL is allowed
 *
 * Until it is released its own machine is refused like anybody else: what is in
 * flight would come after what a successor writes.
 */
void blkback_claim_retire(struct blkback_claim *claim)
{
	if (!claim)
		return;
	mutex_lock(&blkback_owner_lock);
	claim->retired = true;
	mutex_unlock(&blkback_owner_lock);
}

/**
 * blkback_claim_release() - the counterpart of blkback_owner_claim()
 * @claim: the claim, whose file or device is still held open; NULL is allowed
 */
void blkback_claim_release(struct blkback_claim *claim)
{
	if (!claim)
		return;
	mutex_lock(&blkback_owner_lock);
	list_del(&claim->node);
	mutex_unlock(&blkback_owner_lock);
	kfree(claim);
}
