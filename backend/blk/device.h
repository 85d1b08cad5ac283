/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One virtual disk: the device on xenbus, its store and its rings.
 */
#ifndef BLKBACK_DEVICE_H
#define BLKBACK_DEVICE_H

#include <linux/mutex.h>
#include <linux/wait.h>
#include <xen/xenbus.h>

#include "backend/blk/queue.h"
#include "backend/blk/spare.h"
#include "backend/blk/store.h"
#include "blkif/decode.h"
#include "blkif/keys.h"
#include "common/compat/timer.h"
#include "common/xenbus/device.h"

struct dentry;

/**
 * struct blkback_device - one virtual disk
 * @base: the state machine
 * @node: on the list of devices and orphans
 * @xbdev: the device on the bus
 * @domid: the frontend's domain
 * @owner: its virtual machine
 * @tool: what the toolstack asked for
 * @backend_watch: tells when a hotplug script wrote physical-device
 * @open_work: opens what it wrote, outside of xenwatch
 * @open_lock: held while a store is opened or closed, which may take long
 * @lock: guards @store, @store_error, @queues and @nr_queues against readers
 *        in sysfs and debugfs; nests outside of everything but @open_lock
 * @users: those who open, close or resize through sysfs
 * @store: the open store, NULL before and after
 * @store_error: why the last attempt to open one failed
 * @mistaken: physical-device names another block device than the open store, so
 *            nobody is served; written under @open_lock
 * @limits: what requests are held against; @limits.sectors changes on resize
 * @steady_writes: the store wants pages that do not change
 * @connected: rings are or were being served and are not released yet
 * @resize_due: the store's size is to be looked at by the device's work
 * @resize_err: what came of that
 * @reopen: an orphan of this device has ended: the store may be free now
 * @waits_for: another domain of the same machine, whose writes are to end before
 *             the frontend is connected; or DOMID_INVALID
 * @nr_queues: rings
 * @queues: the rings, NULL when there are none
 * @spare: the reserve, there while @connected
 * @transport: what was agreed with the frontend
 * @totals: counters of earlier connections
 * @barrier: ring whose barrier waits or runs, NULL mostly
 * @barrier_lock: guards the setting of @barrier
 * @settled: woken when nothing is in flight any more; its lock guards @orphan
 * @orphan_work: frees an orphan
 * @end_work: ends the device, outside of xenwatch
 * @serial: a number of its own
 * @recheck: looks again whether a page is still held elsewhere
 * @leaving: the device is gone from the bus, and is being ended
 * @orphan: it was ended but for I/O in flight; the last request frees it
 * @broken: times that the frontend broke the protocol
 * @last_error: the last such thing, or the last request refused
 * @refused: when to stop telling about refused requests
 * @debugfs: its directory
 */
struct blkback_device {
	struct tandem_device base;
	struct list_head node;
	struct xenbus_device *xbdev;
	domid_t domid;
	struct blkback_owner *owner;
	struct tandem_blkif_tool_keys tool;
	struct xenbus_watch backend_watch;
	struct work_struct open_work;
	struct mutex open_lock; /* opening and closing the store; before @lock */
	struct mutex lock; /* store and rings, see above */
	atomic_t users; /* in sysfs, see blkback_device_enter() */
	struct blkback_store *store;
	char store_error[BLKBACK_STORE_ERROR];
	bool mistaken;
	struct tandem_blkif_limits limits;
	bool steady_writes;
	bool connected;
	bool resize_due;
	int resize_err;
	bool reopen;
	domid_t waits_for;
	unsigned int nr_queues;
	struct blkback_queue *queues;
	struct blkback_spare spare;
	struct tandem_blkif_transport transport;
	struct blkback_stats totals;
	struct blkback_queue *barrier;
	spinlock_t barrier_lock; /* setting @barrier */
	wait_queue_head_t settled;
	struct work_struct orphan_work;
	struct work_struct end_work;
	u64 serial;
	struct timer_list recheck;
	bool leaving;
	bool orphan;
	u64 broken;
	char last_error[96];
	struct ratelimit_state refused;
	struct dentry *debugfs;
};

void blkback_device_refused(struct blkback_device *device, unsigned int index,
			    enum tandem_blkif_why why);
void blkback_device_broken(struct blkback_device *device, const char *what);
void blkback_device_drained(struct blkback_device *device);
void blkback_device_free(struct blkback_device *device);
int blkback_device_open(struct blkback_device *device, const char *text);
int blkback_device_close(struct blkback_device *device);
int blkback_device_resize(struct blkback_device *device);
void blkback_device_enter(struct blkback_device *device);
void blkback_device_exit(struct blkback_device *device);
void blkback_device_stats(struct blkback_device *device,
			  struct blkback_stats *sum);

int blkback_connect_publish(struct blkback_device *device);
int blkback_connect(struct blkback_device *device);
int blkback_connect_resize(struct blkback_device *device);
void blkback_disconnect(struct blkback_device *device);
bool blkback_disconnect_settled(const struct blkback_device *device);
bool blkback_disconnect_finish(struct blkback_device *device);
void blkback_stats_add(struct blkback_stats *sum,
		       const struct blkback_stats *one);

/**
 * blkback_device_barrier_look() - have the ring whose barrier waits ask again
 * @device: the device; mostly there is none
 *
 * Context: any; after a full memory barrier that follows what it waits for.
 */
static inline void blkback_device_barrier_look(struct blkback_device *device)
{
	struct blkback_queue *owner = READ_ONCE(device->barrier);

	if (unlikely(owner))
		blkback_queue_kick(owner);
}

bool blkback_device_barrier_begin(struct blkback_device *device,
				  struct blkback_queue *queue);
void blkback_device_barrier_end(struct blkback_device *device,
				struct blkback_queue *queue);

extern const struct attribute_group *blkback_sysfs_groups[];

void blkback_debugfs_init(void);
void blkback_debugfs_exit(void);
void blkback_debugfs_add(struct blkback_device *device);
void blkback_debugfs_retire(struct blkback_device *device);
void blkback_debugfs_remove(struct blkback_device *device);

#endif /* BLKBACK_DEVICE_H */
