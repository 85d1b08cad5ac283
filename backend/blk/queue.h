/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One ring of a device: from the event that says "look" to the response.
 */
#ifndef BLKBACK_QUEUE_H
#define BLKBACK_QUEUE_H

#include <linux/interrupt.h>
#include <linux/llist.h>
#include <linux/spinlock.h>
#include <linux/timer.h>
#include <linux/workqueue.h>

#include "backend/blk/request.h"
#include "blkif/wire.h"
#include "common/event/event.h"
#include "common/grant/kept.h"
#include "common/grant/pages.h"
#include "common/ring/ring.h"

struct blkback_data;
struct blkback_device;

/**
 * struct blkback_stats - what a ring did
 * @rd_req: reads
 * @wr_req: writes, barriers among them
 * @f_req: flushes
 * @ds_req: discards
 * @oo_req: drains that ended for want of memory
 * @rd_sect: sectors read, 512 bytes each
 * @wr_sect: sectors written
 * @bad_req: requests refused in decoding
 * @io_errors: requests that the store failed
 * @drains: runs of the worker that took requests
 * @pushes: pushes of responses
 * @polls: times that polling found requests
 * @spared: requests that took the disk's reserve
 * @kept_hits: segments served by a kept mapping
 * @maps: pages mapped
 * @unmaps: pages unmapped
 * @copies: pieces of pages copied by the grant table
 * @grant_calls: hypercalls on the grant table, batches counted once
 */
struct blkback_stats {
	u64 rd_req, wr_req, f_req, ds_req, oo_req;
	u64 rd_sect, wr_sect;
	u64 bad_req, io_errors;
	u64 drains, pushes;
	u64 polls, spared;
	u64 kept_hits, maps, unmaps, copies, grant_calls;
};

/**
 * enum blkback_ahead - what a ring may still take while another has a barrier
 * @BLKBACK_AHEAD_NONE: nothing
 * @BLKBACK_AHEAD_LOOK: what its worker finds at its next look
 * @BLKBACK_AHEAD_COUNT: what is left of that
 */
enum blkback_ahead {
	BLKBACK_AHEAD_NONE,
	BLKBACK_AHEAD_LOOK,
	BLKBACK_AHEAD_COUNT,
};

/**
 * struct blkback_queue - one ring
 * @device: the device
 * @index: its number, from 0
 * @abi: the frontend's layout of messages
 * @persistent: the frontend promised to use the same pages again
 * @dead: no request is taken any more; those in flight complete
 * @halted: an index was impossible; the ring is not looked at any more
 * @starved: no memory for a request; @retry looks again
 * @barrier_out: our own barrier has started and nothing may follow yet
 * @barrier_waits: our barrier is parked behind another ring's
 * @ahead: see there; set to LOOK by whoever has the barrier, which waits until
 *         the worker has set it to NONE
 * @ahead_left: requests that are left to take, the worker's
 * @ring: the shared ring; requests are the worker's, responses under @rsp_lock
 * @shared: its mapping, NULL when there is none
 * @event: the frontend's event channel
 * @eoi_owed: the interrupt handler ran and nobody said done yet
 * @work: drain and completion in process context
 * @retry: queues @work again after a shortage; not armed otherwise
 * @bh: completion that needs no sleeping call
 * @done: requests completed by the store
 * @sleepy: of those, the ones that need @work
 * @draining: the worker will look at @done by itself
 * @rsp_lock: guards the response side of @ring; taken with BHs off
 * @inflight: requests taken and not yet answered
 * @pages_out: segments of the requests that the store has
 * @ready: requests kept for reuse, the worker's
 * @free: more of them, that have come back
 * @nr_free: how many are in @free
 * @free_lock: guards @free, @nr_free and @reserve; taken with BHs off
 * @reserve: the one request that can always proceed, NULL while in use
 * @kept: kept mappings, the worker's
 * @pages: foreign pages
 * @data: work space for grant operations, the worker's while it runs
 * @squeeze: memory is short: foreign pages that are not in use can go
 * @parked: requests that wait for memory or room, or as a barrier; the ring waits
 *          with them
 * @taken: requests taken in all, the worker's
 * @taken_at_poll: as it was when more was last waited for
 * @taken_at_eoi: as it was when the last event was done with
 * @stats: counters; of the worker or under @rsp_lock
 */
struct blkback_queue {
	struct blkback_device *device;
	unsigned int index;
	enum tandem_blkif_abi abi;
	bool persistent;
	bool dead;
	bool halted;
	bool starved;
	bool barrier_out;
	bool barrier_waits;
	u8 ahead;
	unsigned int ahead_left;
	struct tandem_back_ring ring;
	void *shared;
	struct tandem_event event;
	bool eoi_owed;
	struct work_struct work;
	struct timer_list retry;
	struct tasklet_struct bh;
	struct llist_head done;
	struct llist_head sleepy;
	bool draining;
	spinlock_t rsp_lock; /* response side of @ring */
	atomic_t inflight;
	atomic_t pages_out;
	struct list_head ready;
	struct list_head free;
	unsigned int nr_free;
	spinlock_t free_lock; /* @free, @nr_free, @reserve */
	struct blkback_req *reserve;
	struct tandem_kept kept;
	struct tandem_pages pages;
	struct blkback_data *data;
	bool squeeze;
	struct list_head parked;
	u64 taken;
	u64 taken_at_poll;
	u64 taken_at_eoi;
	struct blkback_stats stats;
};

int blkback_queue_connect(struct blkback_queue *queue, grant_ref_t *refs,
			  unsigned int nr_refs, evtchn_port_t port);
void blkback_queue_stop(struct blkback_queue *queue);
void blkback_queue_quiesce(struct blkback_queue *queue);
void blkback_queue_release(struct blkback_queue *queue);
void blkback_queue_init(struct blkback_queue *queue,
			struct blkback_device *device, unsigned int index);
void blkback_queue_done(struct blkback_req *req);
void blkback_queue_refuse(struct blkback_queue *queue, struct blkback_req *req,
			  int status, enum tandem_blkif_why why);
void blkback_queue_kick(struct blkback_queue *queue);
void blkback_queue_squeeze(struct blkback_queue *queue);
bool blkback_queue_idle(const struct blkback_queue *queue);
bool blkback_queue_busy(struct blkback_queue *queue);

int blkback_queue_module_init(void);
void blkback_queue_module_exit(void);

#endif /* BLKBACK_QUEUE_H */
