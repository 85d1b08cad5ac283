/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who may write to a disk: one virtual machine at a time.
 *
 * A machine is its uuid and not its domid, because a reboot or a migration to
 * the same host has two domains of one machine for a moment.
 */
#ifndef BLKBACK_OWNER_H
#define BLKBACK_OWNER_H

#include <linux/types.h>
#include <xen/interface/xen.h>

struct blkback_claim;
struct blkback_owner;

/**
 * struct blkback_owned - what a machine may have, as others may too
 * @it: a file's inode, or a block device; NULL for nothing
 * @whole: of a block device, the disk that it is a part of, or itself
 */
struct blkback_owned {
	const void *it;
	const void *whole;
};

/**
 * enum blkback_access - how a machine uses what it has
 * @BLKBACK_READS: others may read, too, or write if they said that they share
 * @BLKBACK_WRITES: alone
 * @BLKBACK_SHARES: writes, whoever else does (mode "w!")
 */
enum blkback_access {
	BLKBACK_READS,
	BLKBACK_WRITES,
	BLKBACK_SHARES,
};

struct blkback_owner *blkback_owner_get(const char *uuid, domid_t domid);
void blkback_owner_put(struct blkback_owner *owner);

struct blkback_claim *blkback_owner_claim(struct blkback_owner *owner,
					  const struct blkback_owned *what,
					  enum blkback_access access,
					  char *holder, size_t size);
bool blkback_claim_rewrites(const struct blkback_claim *writer,
			    const struct blkback_claim *other);
void blkback_claim_retire(struct blkback_claim *claim);
void blkback_claim_release(struct blkback_claim *claim);

#endif /* BLKBACK_OWNER_H */
