/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The disk as the block layer has it.
 */
#ifndef BLKFRONT_DISK_H
#define BLKFRONT_DISK_H

#include <linux/types.h>

struct blkfront;
struct work_struct;

int tandem_blkfront_disk_add(struct blkfront *front);
void tandem_blkfront_disk_remove(struct blkfront *front, bool surprise);
void tandem_blkfront_disk_resize(struct blkfront *front);
void tandem_blkfront_disk_limits(struct work_struct *work);
void tandem_blkfront_disk_refresh(struct blkfront *front);
void tandem_blkfront_disk_pause(struct blkfront *front);
void tandem_blkfront_disk_resume(struct blkfront *front);
bool tandem_blkfront_disk_in_use(struct blkfront *front);

#endif /* BLKFRONT_DISK_H */
