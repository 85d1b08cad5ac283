/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Devices that left the bus with I/O in flight, and those that come after them.
 */
#ifndef BLKBACK_ORPHAN_H
#define BLKBACK_ORPHAN_H

#include <linux/types.h>
#include <xen/interface/xen.h>

struct blkback_device;

void blkback_orphan_init(struct blkback_device *device);
void blkback_orphan_begin(struct blkback_device *device);
bool blkback_orphan_serves(const struct blkback_device *device);
domid_t blkback_orphan_elder(const struct blkback_device *device);
bool blkback_orphan_wait(u64 serial, unsigned long timeout);
void blkback_orphan_forget(struct blkback_device *device);

#endif /* BLKBACK_ORPHAN_H */
