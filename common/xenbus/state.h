/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The life of a device between its two ends, as a pure table for each role.
 *
 * Both ends publish a state in xenstore and watch the other's. A watch only
 * says that something may have changed: states in between are missed, repeated
 * and, from a hostile peer, made up. So nothing here depends on what the last
 * event was about; a step looks at the two states and a few facts, and says
 * where to go next. (Three bits are the exception, each noise if repeated:
 * COMPLAIN, REFUSE and RESIZE come only with TANDEM_EV_PEER.)
 *
 * What the glue does with a step, in this order:
 *
 *	1. MEND, COMPLAIN, REFUSE, RESIZE
 *	2. DISCONNECT (idempotent; starts the draining and does not wait for it)
 *	3. RECONNECT (forget what was learnt of the earlier connection)
 *	4. PUBLISH (write our keys)
 *	5. CONNECT
 *	6. publish .state, if it differs from ctx.own; ctx.own = .state
 *	7. REMOVE
 *
 * If PUBLISH or CONNECT fails, the glue stops there, undoes that one, and steps
 * again with TANDEM_EV_BROKEN. If .state differed, or MEND was there, it steps
 * again with TANDEM_EV_NONE. When the draining ends, also if DISCONNECT itself
 * ended it, it steps again; ctx.drained says so then. That comes to rest after at most
 * TANDEM_STEPS_MAX steps.
 *
 * "Drained" is the fact on which safety rests. It is false from CONNECT (in a
 * frontend from PUBLISH) until nothing of that connection can touch memory or
 * disk any more: in a backend, until all I/O is done and all grants are
 * unmapped; in a frontend, until every request has come back or has been given
 * up with its pages held back. While it is false, a backend reports neither
 * InitWait nor Closed: a late write of the old connection could overwrite a
 * newer one of the next.
 */
#ifndef TANDEM_XENBUS_STATE_H
#define TANDEM_XENBUS_STATE_H

#include <linux/types.h>

/* As in Xen's public header io/xenbus.h, and in the store. */
enum tandem_xb_state {
	TANDEM_XB_UNKNOWN,
	TANDEM_XB_INITIALISING,
	TANDEM_XB_INITWAIT,
	TANDEM_XB_INITIALISED,
	TANDEM_XB_CONNECTED,
	TANDEM_XB_CLOSING,
	TANDEM_XB_CLOSED,
	TANDEM_XB_RECONFIGURING,
	TANDEM_XB_RECONFIGURED,
	TANDEM_XB_STATES,
};

/**
 * enum tandem_dev_event - why a step is taken
 * @TANDEM_EV_NONE: nothing new; the glue steps on
 * @TANDEM_EV_PEER: the peer's state was read
 * @TANDEM_EV_BROKEN: the peer broke the protocol, or we cannot go on; counts as
 *                    ctx.broken
 * @TANDEM_EV_OFFLINE: the toolstack wants the device to go; counts as
 *                     !ctx.online
 * @TANDEM_EVENTS: number of values
 */
enum tandem_dev_event {
	TANDEM_EV_NONE,
	TANDEM_EV_PEER,
	TANDEM_EV_BROKEN,
	TANDEM_EV_OFFLINE,
	TANDEM_EVENTS,
};

/* What to do, see above. */
#define TANDEM_DO_CONNECT	0x001	/* read the peer's keys, map, serve */
#define TANDEM_DO_DISCONNECT	0x002	/* stop serving, let go */
#define TANDEM_DO_PUBLISH	0x004	/* write our keys */
#define TANDEM_DO_REMOVE	0x008	/* backend: unregister the device */
#define TANDEM_DO_REFUSE	0x010	/* frontend: in use; say so, keep working */
#define TANDEM_DO_RECONNECT	0x020	/* a new life begins after an old one */
#define TANDEM_DO_COMPLAIN	0x040	/* the peer's state makes no sense here */
#define TANDEM_DO_RESIZE	0x080	/* frontend: read the size again */
#define TANDEM_DO_SURPRISE	0x100	/* frontend, with DISCONNECT: fail all I/O */
#define TANDEM_DO_MEND		0x200	/* both closed: clear ctx.broken */

/* No sequence of steps without a new event is longer. */
#define TANDEM_STEPS_MAX	8

/**
 * struct tandem_dev_ctx - what a step depends on
 * @own: state last published by this instance of the driver; Initialising at
 *       first, whatever an earlier driver left in the store
 * @peer: state read from the peer's directory; Unknown if that is gone. Values
 *        that no specification knows are welcome
 * @event: one of enum tandem_dev_event
 * @ready: backend: the store is open and I/O can be served. Frontend: nothing
 *         was published since probe or resume, so that a peer found in the
 *         middle of an earlier life may be asked to start again; the glue
 *         clears it at PUBLISH, also at one that fails
 * @online: the toolstack wants the device: the backend's key "online", which a
 *          frontend reads too (there, absent counts as online)
 * @drained: see above
 * @in_use: frontend: somebody has the disk open
 * @broken: quarantined: set on TANDEM_EV_BROKEN, cleared on MEND
 */
struct tandem_dev_ctx {
	u8 own;
	u8 peer;
	u8 event;
	bool ready;
	bool online;
	bool drained;
	bool in_use;
	bool broken;
};

/**
 * struct tandem_step - what a step decides
 * @state: state to publish; equal to the own one if it stays
 * @todo: TANDEM_DO_*
 */
struct tandem_step {
	u8 state;
	u16 todo;
};

struct tandem_step tandem_back_step(const struct tandem_dev_ctx *c);
struct tandem_step tandem_front_step(const struct tandem_dev_ctx *c);
const char *tandem_xb_state_str(u8 state);

#endif /* TANDEM_XENBUS_STATE_H */
