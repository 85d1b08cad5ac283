// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual machines as holders of disks, and what they hold: image files, by
 * inode, as the same file under two names is one file; and block devices.
 *
 * A block device that is written to has a holder in the kernel too, which keeps
 * out others than us. The kernel knows no holder that only reads.
 */
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
 * @orphans: of those, the ones whose I/O outlives them
 * @name: for people
 * @uuid: what it is known by
 */
struct blkback_owner {
	struct list_head node;
	unsigned int users;
	unsigned int orphans;
	char name[64];
	char uuid[40];
};

/**
 * struct blkback_claim - one use of one image file or block device
 * @node: on the list of all
 * @owner: the machine
 * @what: the file or device
 * @access: how it is used
 */
struct blkback_claim {
	struct list_head node;
	struct blkback_owner *owner;
	struct blkback_owned what;
	enum blkback_access access;
};

/* Guards both lists and all they hold. Nothing is taken inside. */
static DEFINE_MUTEX(blkback_owner_lock);
static LIST_HEAD(blkback_owners);
static LIST_HEAD(blkback_claims);

static struct blkback_owner *blkback_owner_find(const char *uuid)
{
	struct blkback_owner *owner;

	list_for_each_entry(owner, &blkback_owners, node)
		if (!owner->orphans && !strcmp(owner->uuid, uuid))
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

/**
 * blkback_owner_retire() - a machine's I/O outlives its disk
 * @owner: the machine
 *
 * It keeps what it holds, and until that I/O has ended no other disk is of the
 * same machine: a successor with the same uuid is refused like anybody else.
 */
void blkback_owner_retire(struct blkback_owner *owner)
{
	mutex_lock(&blkback_owner_lock);
	owner->orphans++;
	mutex_unlock(&blkback_owner_lock);
}

/**
 * blkback_owner_return() - the counterpart of blkback_owner_retire()
 * @owner: the machine, whose I/O has ended
 */
void blkback_owner_return(struct blkback_owner *owner)
{
	mutex_lock(&blkback_owner_lock);
	owner->orphans--;
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
		if (claim->owner != owner &&
		    blkback_access_clashes(access, claim->access) &&
		    blkback_claim_overlaps(&claim->what, what))
			return claim;
	return NULL;
}

static int blkback_claim_make(struct blkback_owner *owner,
			      const struct blkback_owned *what,
			      enum blkback_access access)
{
	struct blkback_claim *claim = kzalloc(sizeof(*claim), GFP_KERNEL);

	if (!claim)
		return -ENOMEM;
	claim->owner = owner;
	claim->what = *what;
	claim->access = access;
	list_add(&claim->node, &blkback_claims);
	return 0;
}

/**
 * blkback_owner_claim() - a machine wants to use a file or a block device
 * @owner: the machine
 * @what: which; the caller holds it open
 * @access: how
 * @holder: filled with the name of the one who has it, when refused
 * @size: bytes at @holder
 *
 * Return: 0, -EBUSY or -ENOMEM.
 */
int blkback_owner_claim(struct blkback_owner *owner,
			const struct blkback_owned *what,
			enum blkback_access access, char *holder, size_t size)
{
	struct blkback_claim *other;
	int err = -EBUSY;

	mutex_lock(&blkback_owner_lock);
	other = blkback_claim_conflict(owner, what, access);
	if (other)
		strscpy(holder, other->owner->name, size);
	else
		err = blkback_claim_make(owner, what, access);
	mutex_unlock(&blkback_owner_lock);
	return err;
}

/**
 * blkback_owner_release() - the counterpart of blkback_owner_claim()
 * @owner: the machine
 * @what: the file or device, still held open
 * @access: as it was claimed
 */
void blkback_owner_release(struct blkback_owner *owner,
			   const struct blkback_owned *what,
			   enum blkback_access access)
{
	struct blkback_claim *claim;

	mutex_lock(&blkback_owner_lock);
	list_for_each_entry(claim, &blkback_claims, node) {
		if (claim->what.it != what->it || claim->owner != owner ||
		    claim->access != access)
			continue;
		list_del(&claim->node);
		kfree(claim);
		break;
	}
	mutex_unlock(&blkback_owner_lock);
}
