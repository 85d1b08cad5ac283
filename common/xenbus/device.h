/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The glue between a device on xenbus and the pure table of states.
 *
 * Whatever happens to a device (its peer changed state, its disk was closed,
 * it was found broken) is noted as an event and looked at by one work item per
 * device. The watch itself does no more than note, so no device holds up
 * another in xenwatch. Events are levels: the peer's state is read when the
 * work runs, and two events of a kind that arrive before are one.
 *
 * Only this file changes the device's state in the store.
 */
#ifndef TANDEM_XENBUS_DEVICE_H
#define TANDEM_XENBUS_DEVICE_H

#include <linux/mutex.h>
#include <linux/ratelimit.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <xen/xenbus.h>

#include "common/xenbus/state.h"

struct tandem_device;

/**
 * struct tandem_device_ops - what a driver does when the table says so
 * @front: the role
 * @facts: fill in @ready (backend only), @drained and @in_use of the context;
 *         called before each step
 * @act: carry out one TANDEM_DO_* bit, except MEND, which the glue does.
 *       DISCONNECT may come with SURPRISE; RECONNECT comes without an earlier
 *       DISCONNECT after tandem_device_reborn(). Called from the device's work, one
 *       at a time; may sleep, for a bounded time. An error counts for PUBLISH
 *       and CONNECT only: the device is then broken. The driver has reported
 *       the reason with tandem_device_error() and has undone that action
 * @moved: the state is about to be published, for traces; may be NULL
 */
struct tandem_device_ops {
	bool front;
	void (*facts)(struct tandem_device *dev, struct tandem_dev_ctx *ctx);
	int (*act)(struct tandem_device *dev, unsigned int todo);
	void (*moved)(struct tandem_device *dev, u8 from, u8 to);
};

/**
 * struct tandem_device - one device on xenbus, either end
 * @xdev: the device, which a driver whose steps may outlast its remove has a reference to
 * @ops: the driver
 * @peer: the other end's directory, of a driver whose steps may outlast its remove: the
 *        bus frees its own then. NULL: the bus's, which may change at resume
 * @ctx: what the table wants to know; used by @work alone
 * @work: looks at @events, on a workqueue that is frozen during suspend
 * @events: bits of TANDEM_EV_* noted and not yet looked at
 * @lock: guards the decision to queue @work; any context
 * @writing: held while our nodes are written, none of which is after @stopped: the
 *           bus may have another device there by then, of the same name
 * @limit: for errors that a peer can provoke
 * @reborn: a new life began (resume): the store knows nothing of the old one
 * @stopped: no further work
 */
struct tandem_device {
	struct xenbus_device *xdev;
	const struct tandem_device_ops *ops;
	const char *peer;
	struct tandem_dev_ctx ctx;
	struct work_struct work;
	unsigned long events;
	spinlock_t lock; /* of the decision to queue work */
	struct mutex writing; /* our nodes, and @stopped */
	struct ratelimit_state limit;
	bool reborn;
	bool stopped;
};

void tandem_device_init(struct tandem_device *dev, struct xenbus_device *xdev,
			const struct tandem_device_ops *ops);
void tandem_device_kick(struct tandem_device *dev, enum tandem_dev_event event);
void tandem_device_reborn(struct tandem_device *dev);
void tandem_device_flush(struct tandem_device *dev);
void tandem_device_halt(struct tandem_device *dev);
void tandem_device_stop(struct tandem_device *dev);
bool tandem_device_write_begin(struct tandem_device *dev);
void tandem_device_write_end(struct tandem_device *dev);
__printf(3, 4)
void tandem_device_error(struct tandem_device *dev, int err,
			 const char *fmt, ...);

int tandem_device_start(void);
void tandem_device_finish(void);

#endif /* TANDEM_XENBUS_DEVICE_H */
