// SPDX-License-Identifier: GPL-2.0-only
/*
 * The life of a device, see state.h. Pure: may be called in any context.
 */
#include <linux/export.h>
#include <linux/kernel.h>

#include "state.h"

/* Short names, for tables that fit on a screen. */
#define UNKNOWN		TANDEM_XB_UNKNOWN
#define INITIALISING	TANDEM_XB_INITIALISING
#define INITWAIT	TANDEM_XB_INITWAIT
#define INITIALISED	TANDEM_XB_INITIALISED
#define CONNECTED	TANDEM_XB_CONNECTED
#define CLOSING		TANDEM_XB_CLOSING
#define CLOSED		TANDEM_XB_CLOSED
#define STATES		TANDEM_XB_STATES

static const char *const state_name[STATES] = {
	[UNKNOWN] = "Unknown",
	[INITIALISING] = "Initialising",
	[INITWAIT] = "InitWait",
	[INITIALISED] = "Initialised",
	[CONNECTED] = "Connected",
	[CLOSING] = "Closing",
	[CLOSED] = "Closed",
	[TANDEM_XB_RECONFIGURING] = "Reconfiguring",
	[TANDEM_XB_RECONFIGURED] = "Reconfigured",
};

static struct tandem_step state_to(u8 state, u16 todo)
{
	return (struct tandem_step){ .state = state, .todo = todo };
}

/* An event and the flag that it raises are one fact. */
static struct tandem_dev_ctx state_facts(const struct tandem_dev_ctx *in)
{
	struct tandem_dev_ctx c = *in;

	c.broken |= c.event == TANDEM_EV_BROKEN;
	c.online &= c.event != TANDEM_EV_OFFLINE;
	if (c.peer >= STATES)
		c.peer = TANDEM_XB_RECONFIGURING;

	return c;
}

/* Stay. The peer's state has no meaning here, which is worth a line. */
static struct tandem_step state_odd(const struct tandem_dev_ctx *c)
{
	return state_to(c->own, c->event == TANDEM_EV_PEER ?
			TANDEM_DO_COMPLAIN : 0);
}

/*
 * Backend
 *
 * Own states: Initialising (nothing offered yet, or again, while an earlier
 * connection drains: every frontend knows to wait then), InitWait, Connected,
 * Closing, Closed.
 */

enum back_move {
	BACK_STAY,	/* nothing to do */
	BACK_OFFER,	/* begin, or begin again: keys, then InitWait */
	BACK_CONNECT,	/* the frontend is ready */
	BACK_AGAIN,	/* it skipped the steps of a restart that we did not see */
	BACK_CLOSING,	/* it wants to close */
	BACK_ODD,	/* complain and stay */
};

#define STAY	BACK_STAY
#define OFFER	BACK_OFFER
#define CONN	BACK_CONNECT
#define AGAIN	BACK_AGAIN
#define CLOSE	BACK_CLOSING
#define ODD	BACK_ODD

/*
 * Row: own state; column: the peer's. Unknown and Closed, an offline device and
 * a broken one are decided before, in back_decide().
 */
static const u8 back_table[STATES][STATES] = {
/*		    Unk   Ising  IWait  Ised   Conn   Closing Closed Ring  Red */
[INITIALISING]	= { STAY, OFFER, OFFER, OFFER, OFFER, CLOSE,  STAY, OFFER, OFFER },
[INITWAIT]	= { STAY, STAY,  STAY,  CONN,  CONN,  CLOSE,  STAY, ODD,   ODD },
[CONNECTED]	= { STAY, OFFER, ODD,   STAY,  STAY,  CLOSE,  STAY, ODD,   ODD },
[CLOSING]	= { STAY, OFFER, ODD,   AGAIN, STAY,  CLOSE,  STAY, ODD,   ODD },
[CLOSED]	= { STAY, OFFER, ODD,   AGAIN, ODD,   STAY,   STAY, ODD,   ODD },
};

#undef STAY
#undef OFFER
#undef CONN
#undef AGAIN
#undef CLOSE
#undef ODD

/* Is there, or may there be, something that could touch the disk? */
static bool back_live(const struct tandem_dev_ctx *c)
{
	return c->own == CONNECTED || !c->drained;
}

static struct tandem_step back_closing(const struct tandem_dev_ctx *c)
{
	return state_to(CLOSING, back_live(c) ? TANDEM_DO_DISCONNECT : 0);
}

static struct tandem_step back_offer(const struct tandem_dev_ctx *c)
{
	u16 again = c->own >= CONNECTED ? TANDEM_DO_RECONNECT : 0;

	if (back_live(c))
		return state_to(INITIALISING, TANDEM_DO_DISCONNECT | again);

	return state_to(INITWAIT, TANDEM_DO_PUBLISH | again);
}

static struct tandem_step back_connect(const struct tandem_dev_ctx *c)
{
	if (back_live(c))
		return back_offer(c);
	if (!c->ready)
		return state_to(c->own, 0);

	return state_to(CONNECTED, TANDEM_DO_CONNECT);
}

/* While it drains we cannot tell, and wait. */
static struct tandem_step back_again(const struct tandem_dev_ctx *c)
{
	if (back_live(c))
		return state_to(c->own, 0);

	return back_offer(c);
}

/* The frontend has closed, or has nothing to close. */
static struct tandem_step back_closed(const struct tandem_dev_ctx *c)
{
	u16 todo = 0;

	if (back_live(c))
		return back_closing(c);
	if (c->broken)
		todo |= TANDEM_DO_MEND;
	if (!c->online || c->peer == UNKNOWN)
		todo |= TANDEM_DO_REMOVE;

	return state_to(CLOSED, todo);
}

/* Quarantine: nothing but closing, until the frontend has closed too. */
static struct tandem_step back_broken(const struct tandem_dev_ctx *c)
{
	if (c->own == CLOSED)
		return state_to(CLOSED, 0);

	return back_closing(c);
}

static struct tandem_step back_move(const struct tandem_dev_ctx *c)
{
	switch (back_table[c->own][c->peer]) {
	case BACK_OFFER:
		return back_offer(c);
	case BACK_CONNECT:
		return back_connect(c);
	case BACK_AGAIN:
		return back_again(c);
	case BACK_CLOSING:
		return back_closing(c);
	case BACK_ODD:
		return state_odd(c);
	default:
		return state_to(c->own, 0);
	}
}

/*
 * The toolstack asks for the device and the frontend has it. It is asked to
 * close, and served until it does: a frontend whose disk is mounted will not.
 * That holds too for one that we find connected, having been rebound.
 */
static struct tandem_step back_ask(const struct tandem_dev_ctx *c)
{
	if (c->own >= CLOSING)
		return state_to(c->own, 0);
	if (c->own != CONNECTED && c->peer == CONNECTED)
		return back_move(c);

	return state_to(CLOSING, 0);
}

static struct tandem_step back_decide(const struct tandem_dev_ctx *c)
{
	bool idle = c->peer == INITIALISING || c->peer == INITWAIT;

	if (c->peer == UNKNOWN || c->peer == CLOSED)
		return back_closed(c);
	if (!c->online && idle)
		return back_closed(c);
	if (c->broken)
		return back_broken(c);
	if (!c->online && c->peer != CLOSING)
		return back_ask(c);

	return back_move(c);
}

/* Own states that a backend never publishes count as the nearest one. */
static u8 back_own(u8 own)
{
	switch (own) {
	case INITIALISING:
	case INITWAIT:
	case CONNECTED:
	case CLOSED:
		return own;
	case UNKNOWN:
		return INITIALISING;
	default:
		return CLOSING;
	}
}

/**
 * tandem_back_step() - what a backend does next
 * @ctx: what is known
 *
 * Answers every combination, also impossible ones.
 *
 * Spec: io/blkif.h, STATE DIAGRAMS; io/xenbus.h.
 *
 * Return: the state to publish and what to do, see state.h.
 */
struct tandem_step tandem_back_step(const struct tandem_dev_ctx *ctx)
{
	struct tandem_dev_ctx c = state_facts(ctx);

	c.own = back_own(c.own);
	return back_decide(&c);
}
EXPORT_SYMBOL_GPL(tandem_back_step);

/*
 * Frontend
 *
 * Own states: Initialising (wait for an offer), Initialised (keys are written),
 * Connected, Closing (until drained), Closed.
 */

enum front_move {
	FRONT_STAY,	/* nothing to do */
	FRONT_PUBLISH,	/* an offer is there */
	FRONT_STALE,	/* the backend is in the middle of an earlier life */
	FRONT_CONNECT,	/* it is ready */
	FRONT_RESIZE,	/* it said Connected again */
	FRONT_DETACH,	/* it wants to close */
	FRONT_LOST,	/* it is gone while we were connected */
	FRONT_CLOSE,	/* it is gone, or closes, before we were connected */
	FRONT_LEAVE,	/* as FRONT_CLOSE, if the device is to go; else wait */
	FRONT_FINISH,	/* close as soon as drained */
	FRONT_BEGIN,	/* it begins a new life: we too */
	FRONT_PEACE,	/* both are closed */
	FRONT_ODD,	/* complain and stay */
};

#define STAY	FRONT_STAY
#define PUBLISH	FRONT_PUBLISH
#define STALE	FRONT_STALE
#define CONN	FRONT_CONNECT
#define RESIZE	FRONT_RESIZE
#define DETACH	FRONT_DETACH
#define LOST	FRONT_LOST
#define CLOSE	FRONT_CLOSE
#define LEAVE	FRONT_LEAVE
#define FINI	FRONT_FINISH
#define BEGIN	FRONT_BEGIN
#define PEACE	FRONT_PEACE
#define ODD	FRONT_ODD

/*
 * Row: own state; column: the peer's. A broken device is decided before, in
 * front_decide(). Connected with a backend that is not: it is being rebound
 * behind us, and will find the ring where it is.
 */
static const u8 front_table[STATES][STATES] = {
/*		    Unk    Ising  IWait    Ised     Conn    Closing Closed Ring  Red */
[INITIALISING]	= { STAY,  STAY,  PUBLISH, PUBLISH, STALE,  LEAVE,  LEAVE, ODD,  ODD },
[INITIALISED]	= { CLOSE, STAY,  STAY,    STAY,    CONN,   CLOSE,  CLOSE, ODD,  ODD },
[CONNECTED]	= { LOST,  STAY,  STAY,    STAY,    RESIZE, DETACH, LOST,  ODD,  ODD },
[CLOSING]	= { FINI,  FINI,  FINI,    FINI,    FINI,   FINI,   FINI,  FINI, FINI },
[CLOSED]	= { PEACE, BEGIN, BEGIN,   BEGIN,   STAY,   STAY,   PEACE, ODD,  ODD },
};

#undef STAY
#undef PUBLISH
#undef STALE
#undef CONN
#undef RESIZE
#undef DETACH
#undef LOST
#undef CLOSE
#undef LEAVE
#undef FINI
#undef BEGIN
#undef PEACE
#undef ODD

/* Is there, or may there be, a page that the backend could touch? */
static bool front_live(const struct tandem_dev_ctx *c)
{
	return c->own == INITIALISED || c->own == CONNECTED || !c->drained;
}

/* The backend will not answer any more, or not truthfully. */
static bool front_alone(const struct tandem_dev_ctx *c)
{
	return c->broken || c->peer == UNKNOWN || c->peer == CLOSED;
}

static struct tandem_step front_close(const struct tandem_dev_ctx *c)
{
	u16 todo = TANDEM_DO_DISCONNECT;

	if (!front_live(c))
		return state_to(CLOSED, 0);
	/* Nor does one answer that we are not connected to, whatever it is about. */
	if (front_alone(c) || c->own != CONNECTED)
		todo |= TANDEM_DO_SURPRISE;

	return state_to(CLOSING, todo);
}

static struct tandem_step front_lost(const struct tandem_dev_ctx *c)
{
	return state_to(CLOSING, TANDEM_DO_DISCONNECT | TANDEM_DO_SURPRISE);
}

static struct tandem_step front_publish(const struct tandem_dev_ctx *c)
{
	if (front_live(c))
		return state_to(INITIALISING, TANDEM_DO_DISCONNECT);
	if (!c->online)
		return state_to(INITIALISING, 0);

	return state_to(INITIALISED, TANDEM_DO_PUBLISH);
}

/*
 * A backend that is Connected before we wrote anything serves somebody who is
 * gone. Closing once makes it close too, and FRONT_PEACE begins anew.
 */
static struct tandem_step front_stale(const struct tandem_dev_ctx *c)
{
	return c->ready ? front_close(c) : state_odd(c);
}

/*
 * Closing by the toolstack's wish can be refused, and the backend goes on
 * serving. A backend that closes by itself does not, and waiting for it would
 * be for ever.
 */
static struct tandem_step front_detach(const struct tandem_dev_ctx *c)
{
	if (c->online)
		return front_lost(c);
	if (!c->in_use)
		return front_close(c);

	return state_to(CONNECTED, c->event == TANDEM_EV_PEER ?
			TANDEM_DO_REFUSE : 0);
}

static struct tandem_step front_leave(const struct tandem_dev_ctx *c)
{
	return c->online ? state_to(c->own, 0) : front_close(c);
}

static struct tandem_step front_begin(const struct tandem_dev_ctx *c)
{
	if (!c->online || front_live(c))
		return state_to(CLOSED, 0);

	return state_to(INITIALISING, TANDEM_DO_RECONNECT);
}

static struct tandem_step front_peace(const struct tandem_dev_ctx *c)
{
	if (c->ready && c->peer == CLOSED)
		return front_begin(c);

	return state_to(CLOSED, 0);
}

static struct tandem_step front_resize(const struct tandem_dev_ctx *c)
{
	return state_to(CONNECTED, c->event == TANDEM_EV_PEER ?
			TANDEM_DO_RESIZE : 0);
}

static struct tandem_step front_move(const struct tandem_dev_ctx *c)
{
	switch (front_table[c->own][c->peer]) {
	case FRONT_PUBLISH:
		return front_publish(c);
	case FRONT_STALE:
		return front_stale(c);
	case FRONT_CONNECT:
		return state_to(CONNECTED, TANDEM_DO_CONNECT);
	case FRONT_RESIZE:
		return front_resize(c);
	case FRONT_DETACH:
		return front_detach(c);
	case FRONT_LOST:
		return front_lost(c);
	case FRONT_CLOSE:
	case FRONT_FINISH:
		return front_close(c);
	case FRONT_LEAVE:
		return front_leave(c);
	case FRONT_BEGIN:
		return front_begin(c);
	case FRONT_PEACE:
		return front_peace(c);
	case FRONT_ODD:
		return state_odd(c);
	default:
		return state_to(c->own, 0);
	}
}

/*
 * Quarantine ends when the backend has closed too, or has begun anew. Until
 * then an offer is not taken: it may be the one that could not be.
 */
static struct tandem_step front_broken(const struct tandem_dev_ctx *c)
{
	bool over = c->peer == UNKNOWN || c->peer == INITIALISING ||
		    c->peer == CLOSED;

	if (c->own != CLOSED)
		return front_close(c);

	return state_to(CLOSED, over ? TANDEM_DO_MEND : 0);
}

static struct tandem_step front_decide(const struct tandem_dev_ctx *c)
{
	return c->broken ? front_broken(c) : front_move(c);
}

/* Own states that a frontend never publishes count as the nearest one. */
static u8 front_own(u8 own)
{
	switch (own) {
	case INITIALISING:
	case INITIALISED:
	case CONNECTED:
	case CLOSED:
		return own;
	case UNKNOWN:
	case INITWAIT:
		return INITIALISING;
	default:
		return CLOSING;
	}
}

/**
 * tandem_front_step() - what a frontend does next
 * @ctx: what is known
 *
 * Answers every combination, also impossible ones.
 *
 * Spec: io/blkif.h, STATE DIAGRAMS; io/xenbus.h.
 *
 * Return: the state to publish and what to do, see state.h.
 */
struct tandem_step tandem_front_step(const struct tandem_dev_ctx *ctx)
{
	struct tandem_dev_ctx c = state_facts(ctx);

	c.own = front_own(c.own);
	return front_decide(&c);
}
EXPORT_SYMBOL_GPL(tandem_front_step);

/**
 * tandem_xb_state_str() - name a state
 * @state: the state; any value
 *
 * Return: its name as in the specification, or "?".
 */
const char *tandem_xb_state_str(u8 state)
{
	return state < STATES ? state_name[state] : "?";
}
EXPORT_SYMBOL_GPL(tandem_xb_state_str);
