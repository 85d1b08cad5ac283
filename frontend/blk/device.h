/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One disk, from its appearance on the bus to its end.
 */
#ifndef BLKFRONT_DEVICE_H
#define BLKFRONT_DEVICE_H

#include <linux/blk-mq.h>
#include <linux/kref.h>

#include "blkif/keys.h"
#include "common/xenbus/device.h"
#include "frontend/blk/queue.h"

struct dentry;

/**
 * struct blkfront - one disk
 * @dev: its place on the bus
 * @ref: held by the bus and by each gendisk
 * @queues: as many as this end wants at most
 * @max_queues: how many that is
 * @nr_queues: hardware queues of @disk, while there is one
 * @nr_rings: queues of the current connection
 * @transport: what was agreed on
 * @info: what the disk is like; features may be dropped in any context
 * @left: pages of closed rings that the backend has not let go of yet; the
 *        device's work's
 * @tags: requests of @disk
 * @disk: the disk, NULL before the first connection and after the last
 * @vdev: virtual device number
 * @max_sectors: longest request; for the life of @disk
 * @trusted: the backend may see whole pages of ours
 * @open: there are rings, and grants of them
 * @paused: the block layer sends nothing
 * @missed: the backend was gone while the device's work waited for I/O
 * @refused: somebody wants the disk to go when it is closed
 * @stale: @info lost a feature that @disk is still known for
 * @dead: the device is gone from the bus; nothing is ever sent again
 * @waiting: the device's work waits for I/O
 * @quarantine: fails what is out on queues that are broken
 * @limits: tells the block layer what is in @info; waits for requests, so that
 *          nobody but the end of @disk waits for it
 * @remarks: how often to say what is no error; errors have their own count
 * @debug: directory in debugfs
 * @last_error: for debugfs; written by the device's work
 */
struct blkfront {
	struct tandem_device dev;
	struct kref ref;
	struct blkfront_queue *queues;
	unsigned int max_queues;
	unsigned int nr_queues;
	unsigned int nr_rings;
	struct tandem_blkif_transport transport;
	struct tandem_blkif_device info;
	struct blkfront_bufs left;
	struct blk_mq_tag_set tags;
	struct gendisk *disk;
	u32 vdev;
	unsigned int max_sectors;
	bool trusted;
	bool open;
	bool paused;
	bool missed;
	bool refused;
	bool stale;
	bool dead;
	bool waiting;
	struct work_struct quarantine;
	struct work_struct limits;
	struct ratelimit_state remarks;
	struct dentry *debug;
	char last_error[96];
};

static inline struct blkfront *blkfront_of(struct tandem_device *dev)
{
	return container_of(dev, struct blkfront, dev);
}

/* device.c: */
extern struct xenbus_driver tandem_blkfront_driver;
void tandem_blkfront_put(struct blkfront *front);
__printf(3, 4)
void tandem_blkfront_remark(struct blkfront *front, const char *level,
			    const char *fmt, ...);
void tandem_blkfront_run(struct blkfront *front);
void tandem_blkfront_wait_begin(struct blkfront *front);
void tandem_blkfront_wait_end(struct blkfront *front);
void tandem_blkfront_drop_feature(struct blkfront *front, u8 op, bool secure);

/* connect.c: */
int tandem_blkfront_publish(struct blkfront *front);
int tandem_blkfront_learn(struct blkfront *front);
void tandem_blkfront_settle(struct blkfront *front);
void tandem_blkfront_close(struct blkfront *front,
			   enum blkfront_queue_state state);

/* debug.c: */
void tandem_blkfront_debug_start(void);
void tandem_blkfront_debug_finish(void);
void tandem_blkfront_debug_add(struct blkfront *front);
void tandem_blkfront_debug_remove(struct blkfront *front);

#endif /* BLKFRONT_DEVICE_H */
