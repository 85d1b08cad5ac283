// SPDX-License-Identifier: GPL-2.0-only
/*
 * common/xenbus/state: every combination of states, events and facts; both ends
 * of ours against each other in every order of steps; and peers that follow a
 * script.
 *
 * The table as a whole is in state.golden, to be read by people. After a change
 * that is meant, STATE_GOLDEN=write in the environment writes it anew.
 */
#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/types.h>
#include <stdlib.h>

#include "kselftest_harness.h"

#include "common/xenbus/state.h"

#define UNKNOWN		TANDEM_XB_UNKNOWN
#define INITIALISING	TANDEM_XB_INITIALISING
#define INITWAIT	TANDEM_XB_INITWAIT
#define INITIALISED	TANDEM_XB_INITIALISED
#define CONNECTED	TANDEM_XB_CONNECTED
#define CLOSING		TANDEM_XB_CLOSING
#define CLOSED		TANDEM_XB_CLOSED
#define RECONFIGURING	TANDEM_XB_RECONFIGURING
#define RECONFIGURED	TANDEM_XB_RECONFIGURED
#define DO(x)		TANDEM_DO_##x
#define EV(x)		TANDEM_EV_##x

/* Every state, some that do not exist, and the extremes of the type. */
static const u8 values[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 99, 255 };

#define FLAGS	32

static struct tandem_dev_ctx make(u8 own, u8 peer, u8 event, unsigned int flags)
{
	return (struct tandem_dev_ctx){
		.own = own, .peer = peer, .event = event,
		.ready = flags & 1, .online = flags & 2, .drained = flags & 4,
		.in_use = flags & 8, .broken = flags & 16,
	};
}

/* The facts once the event has been counted in. */
static struct tandem_dev_ctx effective(struct tandem_dev_ctx c)
{
	switch (c.event) {
	case TANDEM_EV_BROKEN:
		c.broken = true;
		break;
	case TANDEM_EV_OFFLINE:
		c.online = false;
		break;
	}
	return c;
}

#define FOR_ALL(c, i, j, ev, fl)						\
	for (i = 0; i < ARRAY_SIZE(values); i++)				\
		for (j = 0; j < ARRAY_SIZE(values); j++)			\
			for (ev = 0; ev < TANDEM_EVENTS; ev++)			\
				for (fl = 0; fl < FLAGS &&			\
				     (c = make(values[i], values[j], ev, fl), 1); \
				     fl++)

#define TELL(c, s)							\
	TH_LOG("own %u peer %u event %u ready %u online %u drained %u in_use %u broken %u: %u %03x", \
	       (c).own, (c).peer, (c).event, (c).ready, (c).online,	\
	       (c).drained, (c).in_use, (c).broken, (s).state, (s).todo)

TEST(back_invariants)
{
	struct tandem_dev_ctx in, c;
	unsigned int i, j, ev, fl;

	FOR_ALL(in, i, j, ev, fl) {
		struct tandem_step s = tandem_back_step(&in);
		bool moved = s.state != in.own;
		bool live, asks, gone, wanted;

		c = effective(in);
		/* the toolstack wants it, or a frontend still has it */
		wanted = c.online || c.peer == CONNECTED;
		live = c.own == CONNECTED || !c.drained;
		asks = c.peer == INITIALISED || c.peer == CONNECTED;
		gone = c.peer == UNKNOWN || c.peer == CLOSED;

		/* only states that a backend has, and only its own actions */
		ASSERT_TRUE(s.state == INITIALISING || s.state == INITWAIT ||
			    (s.state >= CONNECTED && s.state <= CLOSED))
			TELL(in, s);
		ASSERT_EQ(0, s.todo & (DO(REFUSE) | DO(RESIZE) | DO(SURPRISE)))
			TELL(in, s);

		/* nothing of an old connection is alive behind these */
		if (moved && (s.state == INITWAIT || s.state == CLOSED ||
			      s.state == CONNECTED))
			ASSERT_FALSE(live) TELL(in, s);
		if (s.todo & (DO(CONNECT) | DO(PUBLISH) | DO(REMOVE)))
			ASSERT_FALSE(live) TELL(in, s);

		/* a connection is left by disconnecting, or goes on being served */
		if (c.own == CONNECTED && s.state != CONNECTED)
			ASSERT_TRUE(s.todo & DO(DISCONNECT) ||
				    (s.state == CLOSING && !c.online &&
				     c.peer != CLOSING && !c.broken))
				TELL(in, s);
		if (s.todo & DO(DISCONNECT))
			ASSERT_TRUE(live && (s.state == CLOSING ||
					     s.state == INITIALISING))
				TELL(in, s);

		/* when to connect */
		ASSERT_EQ(s.todo & DO(CONNECT) ? CONNECTED : -1,
			  moved && s.state == CONNECTED ? CONNECTED : -1)
			TELL(in, s);
		if (s.todo & DO(CONNECT))
			ASSERT_TRUE(c.own == INITWAIT && asks && c.ready &&
				    wanted && !c.broken) TELL(in, s);
		if (c.own == INITWAIT && asks && c.ready && wanted &&
		    !c.broken && c.drained)
			ASSERT_TRUE(s.todo & DO(CONNECT)) TELL(in, s);

		/* when to offer */
		ASSERT_EQ(!!(s.todo & DO(PUBLISH)), moved && s.state == INITWAIT)
			TELL(in, s);
		if (s.todo & DO(PUBLISH))
			ASSERT_TRUE(wanted && !c.broken && !gone) TELL(in, s);
		if (s.todo & DO(RECONNECT))
			ASSERT_TRUE(!c.broken && c.online && !gone &&
				    (s.state == INITWAIT ||
				     s.state == INITIALISING)) TELL(in, s);

		/* when to go */
		if (s.todo & DO(REMOVE))
			ASSERT_TRUE(s.state == CLOSED &&
				    (c.peer == UNKNOWN ||
				     (!c.online && (c.peer == CLOSED ||
						    c.peer == INITIALISING ||
						    c.peer == INITWAIT))))
				TELL(in, s);
		if (!live && (c.peer == UNKNOWN || (c.peer == CLOSED && !c.online)))
			ASSERT_TRUE(s.todo & DO(REMOVE)) TELL(in, s);

		/* quarantine */
		if (c.broken && c.online && !gone)
			ASSERT_TRUE(s.state == CLOSING ||
				    (s.state == CLOSED && c.own == CLOSED))
				TELL(in, s);
		if (s.todo & DO(MEND))
			ASSERT_TRUE(c.broken && s.state == CLOSED &&
				    (gone || (s.todo & DO(REMOVE))))
				TELL(in, s);

		/* a peer that has closed is answered */
		if (c.peer == CLOSED)
			ASSERT_EQ(live ? CLOSING : CLOSED, s.state) TELL(in, s);
		if (c.peer == CLOSING && c.own != CLOSED)
			ASSERT_EQ(CLOSING, s.state) TELL(in, s);

		/* noise comes with news only */
		if (s.todo & DO(COMPLAIN))
			ASSERT_EQ(EV(PEER), in.event) TELL(in, s);
	}
}

TEST(front_invariants)
{
	struct tandem_dev_ctx in, c;
	unsigned int i, j, ev, fl;

	FOR_ALL(in, i, j, ev, fl) {
		struct tandem_step s = tandem_front_step(&in);
		bool moved = s.state != in.own;
		bool live, offer;

		c = effective(in);
		live = c.own == INITIALISED || c.own == CONNECTED || !c.drained;
		offer = c.peer == INITWAIT || c.peer == INITIALISED;

		ASSERT_TRUE(s.state == INITIALISING || s.state == INITIALISED ||
			    (s.state >= CONNECTED && s.state <= CLOSED))
			TELL(in, s);
		ASSERT_EQ(0, s.todo & DO(REMOVE)) TELL(in, s);

		if (moved && s.state == CLOSED)
			ASSERT_FALSE(live) TELL(in, s);
		if (s.todo & DO(PUBLISH))
			ASSERT_TRUE(c.own <= INITWAIT && offer && !live &&
				    c.online && !c.broken) TELL(in, s);
		ASSERT_EQ(!!(s.todo & DO(PUBLISH)),
			  moved && s.state == INITIALISED) TELL(in, s);
		ASSERT_EQ(!!(s.todo & DO(CONNECT)),
			  moved && s.state == CONNECTED) TELL(in, s);
		if (s.todo & DO(CONNECT))
			ASSERT_TRUE(c.own == INITIALISED && c.peer == CONNECTED &&
				    !c.broken) TELL(in, s);

		/* a connection is left by disconnecting */
		if (c.own == CONNECTED && s.state != CONNECTED)
			ASSERT_TRUE(s.state == CLOSING &&
				    s.todo & DO(DISCONNECT)) TELL(in, s);
		if (s.todo & DO(SURPRISE))
			ASSERT_TRUE(s.todo & DO(DISCONNECT)) TELL(in, s);

		/* a disk in use is not taken away while the backend serves it */
		if (c.own == CONNECTED && c.in_use && !c.broken &&
		    c.peer != UNKNOWN && c.peer != CLOSED &&
		    !(c.peer == CLOSING && c.online))
			ASSERT_EQ(CONNECTED, s.state) TELL(in, s);
		if (s.todo & DO(REFUSE))
			ASSERT_TRUE(c.own == CONNECTED && c.in_use && !c.online &&
				    c.peer == CLOSING && s.state == CONNECTED)
				TELL(in, s);

		/* a backend that is gone is not waited for */
		if (c.own == CONNECTED &&
		    (c.peer == UNKNOWN || c.peer == CLOSED || c.broken ||
		     (c.peer == CLOSING && c.online)))
			ASSERT_TRUE(s.todo & DO(SURPRISE)) TELL(in, s);

		if (c.broken)
			ASSERT_TRUE(s.state == CLOSING || s.state == CLOSED)
				TELL(in, s);
		if (s.todo & DO(MEND))
			ASSERT_TRUE(c.broken && c.own == CLOSED) TELL(in, s);
		if (s.todo & DO(RECONNECT))
			ASSERT_TRUE(c.own == CLOSED && s.state == INITIALISING &&
				    c.online && !live) TELL(in, s);
		if (s.todo & (DO(COMPLAIN) | DO(REFUSE) | DO(RESIZE)))
			ASSERT_EQ(EV(PEER), in.event) TELL(in, s);
		if (s.todo & DO(RESIZE))
			ASSERT_TRUE(c.own == CONNECTED && c.peer == CONNECTED)
				TELL(in, s);
	}
}

/* An event says no more than the fact it stands for. */
TEST(events_are_levels)
{
	const unsigned int noise = DO(COMPLAIN) | DO(REFUSE) | DO(RESIZE);
	struct tandem_dev_ctx in, c;
	unsigned int i, j, ev, fl;

	FOR_ALL(in, i, j, ev, fl) {
		struct tandem_step a = tandem_back_step(&in), b;
		struct tandem_step x = tandem_front_step(&in), y;

		c = effective(in);
		c.event = EV(NONE);
		b = tandem_back_step(&c);
		y = tandem_front_step(&c);
		ASSERT_EQ(a.state, b.state) TELL(in, a);
		ASSERT_EQ(a.todo & ~noise, b.todo) TELL(in, a);
		ASSERT_EQ(x.state, y.state) TELL(in, x);
		ASSERT_EQ(x.todo & ~noise, y.todo) TELL(in, x);
	}
}

/*
 * The glue, as state.h describes it, over a world of two devices that face each
 * other. Plain bytes, so that worlds can be compared and collected.
 */
struct end {
	u8 own;
	u8 drained;
	u8 broken;
	u8 ready;
};

struct world {
	struct end back, front;
	u8 online;
	u8 in_use;
	u8 removed;
	u8 hold;	/* draining waits to be told */
	u8 fail;	/* DO bits that fail */
	u8 pad[3];
};

static bool is_front(const struct world *w, const struct end *e)
{
	return e == &w->front;
}

static struct tandem_step look(const struct world *w, const struct end *e,
			       u8 event)
{
	bool front = is_front(w, e);
	const struct end *other = front ? &w->back : &w->front;
	struct tandem_dev_ctx c = {
		.own = e->own, .event = event, .ready = e->ready,
		.online = w->online, .drained = e->drained,
		.in_use = w->in_use, .broken = e->broken,
		.peer = front && w->removed ? UNKNOWN : other->own,
	};

	return front ? tandem_front_step(&c) : tandem_back_step(&c);
}

/* One step of one end. Returns whether another one is due without an event. */
static bool step(struct world *w, struct end *e, u8 event)
{
	struct tandem_step s;
	bool front = is_front(w, e), again;

	if (event == EV(BROKEN))
		e->broken = true;
	s = look(w, e, event);
	if (s.todo & DO(MEND))
		e->broken = false;
	if (s.todo & DO(DISCONNECT))
		e->drained = e->drained || !w->hold;
	if (s.todo & DO(PUBLISH)) {
		if (front) {
			e->ready = false;
			e->drained = false;
		}
		if (w->fail & DO(PUBLISH)) {
			e->drained = true;
			return step(w, e, EV(BROKEN));
		}
	}
	if (s.todo & DO(CONNECT)) {
		if (w->fail & DO(CONNECT)) {
			e->drained = !front;
			return step(w, e, EV(BROKEN));
		}
		e->drained = false;
	}
	again = s.state != e->own || (s.todo & DO(MEND));
	e->own = s.state;
	if (s.todo & DO(REMOVE)) {
		w->removed = true;
		return false;
	}
	return again;
}

/* All that an event causes at one end. Returns the number of steps. */
static unsigned int run(struct world *w, struct end *e, u8 event)
{
	unsigned int n = 1;

	while (step(w, e, event)) {
		if (!is_front(w, e) && w->removed)
			break;
		event = EV(NONE);
		if (++n > 100)
			break;
	}
	return n;
}

/* Whatever the facts, an end comes to rest by itself. */
TEST(no_end_spins)
{
	struct tandem_dev_ctx in;
	unsigned int i, j, ev, fl, hold, fail, front, most = 0;

	FOR_ALL(in, i, j, ev, fl)
		for (hold = 0; hold < 16; hold++) {
			struct world w = { .online = in.online, .in_use = in.in_use };
			struct end *e;
			unsigned int n;

			front = hold & 1;
			fail = hold >> 2;
			w.hold = hold & 2;
			w.fail = (fail & 1 ? DO(PUBLISH) : 0) |
				 (fail & 2 ? DO(CONNECT) : 0);
			e = front ? &w.front : &w.back;
			*e = (struct end){ .own = in.own, .drained = in.drained,
					   .broken = in.broken, .ready = in.ready };
			*(front ? &w.back.own : &w.front.own) = in.peer;
			n = run(&w, e, in.event);
			ASSERT_LE(n, TANDEM_STEPS_MAX)
				TH_LOG("%s own %u peer %u event %u flags %02x",
				       front ? "front" : "back", in.own, in.peer,
				       in.event, fl);
			most = max(most, n);
		}
	TH_LOG("longest: %u steps", most);
}

/*
 * Every order of steps: a set of worlds, grown until nothing new comes. A world
 * in which neither end moves, and nothing drains, is where things rest.
 */
#define WORLDS	200000

struct space {
	struct world *all;
	unsigned int nr;
	unsigned int *next;	/* up to four for each: back, front, drains */
	unsigned int *hash;
};

#define MOVES	4
#define BUCKETS	(1U << 20)

static unsigned int add(struct space *s, const struct world *w)
{
	const u8 *p = (const u8 *)w;
	u32 h = 2166136261U;
	unsigned int i;

	for (i = 0; i < sizeof(*w); i++)
		h = (h ^ p[i]) * 16777619U;
	for (i = h % BUCKETS; s->hash[i]; i = (i + 1) % BUCKETS)
		if (!memcmp(&s->all[s->hash[i] - 1], w, sizeof(*w)))
			return s->hash[i] - 1;
	if (s->nr == WORLDS)
		abort();
	s->all[s->nr] = *w;
	s->hash[i] = ++s->nr;
	return s->nr - 1;
}

static void space_init(struct space *s)
{
	s->all = calloc(WORLDS, sizeof(*s->all));
	s->next = calloc(WORLDS * MOVES, sizeof(*s->next));
	s->hash = calloc(BUCKETS, sizeof(*s->hash));
	s->nr = 0;
}

static void space_free(struct space *s)
{
	free(s->all);
	free(s->next);
	free(s->hash);
}

static bool closing_down(const struct world *w, const struct end *e)
{
	if (e->drained)
		return false;
	/* a connection that is up does not drain */
	if (is_front(w, e))
		return e->own != INITIALISED && e->own != CONNECTED;
	if (e->own != CLOSING)
		return e->own != CONNECTED;
	return look(w, e, EV(NONE)).todo & DO(DISCONNECT) ||
	       w->front.own == CLOSING || w->front.own == CLOSED;
}

/* The worlds that one world leads to by itself. */
static void moves(struct space *s, unsigned int at)
{
	unsigned int *next = s->next + at * MOVES;
	struct world w;

	w = s->all[at];
	if (!w.removed)
		step(&w, &w.back, EV(PEER));
	next[0] = add(s, &w);
	w = s->all[at];
	step(&w, &w.front, EV(PEER));
	next[1] = add(s, &w);
	w = s->all[at];
	if (!w.removed && closing_down(&w, &w.back))
		w.back.drained = true;
	next[2] = add(s, &w);
	w = s->all[at];
	if (closing_down(&w, &w.front))
		w.front.drained = true;
	next[3] = add(s, &w);
}

static void explore(struct space *s)
{
	unsigned int at;

	for (at = 0; at < s->nr; at++)
		moves(s, at);
}

static bool rests(const struct space *s, unsigned int at)
{
	unsigned int i;

	for (i = 0; i < MOVES; i++)
		if (s->next[at * MOVES + i] != at)
			return false;
	return true;
}

/* A circle among different worlds would be two drivers chasing each other. */
static bool circle(const struct space *s)
{
	u8 *color = calloc(s->nr, 1);
	unsigned int *stack = calloc(s->nr + 1, sizeof(*stack));
	u8 *edge = calloc(s->nr, 1);
	unsigned int root, depth;
	bool found = false;

	for (root = 0; root < s->nr && !found; root++) {
		if (color[root])
			continue;
		depth = 1;
		stack[0] = root;
		color[root] = 1;
		while (depth && !found) {
			unsigned int at = stack[depth - 1], to;

			if (edge[at] == MOVES) {
				color[at] = 2;
				depth--;
				continue;
			}
			to = s->next[at * MOVES + edge[at]++];
			if (to == at)
				continue;
			if (color[to] == 1)
				found = true;
			if (!color[to]) {
				color[to] = 1;
				stack[depth++] = to;
			}
		}
	}
	free(color);
	free(stack);
	free(edge);
	return found;
}

#define TELL_WORLD(w)							\
	TH_LOG("back %u%s%s front %u%s%s%s online %u in_use %u removed %u", \
	       (w)->back.own, (w)->back.drained ? "" : " live",		\
	       (w)->back.broken ? " broken" : "", (w)->front.own,	\
	       (w)->front.drained ? "" : " live",			\
	       (w)->front.broken ? " broken" : "",			\
	       (w)->front.ready ? " ready" : "", (w)->online,		\
	       (w)->in_use, (w)->removed)

static struct world fresh(void)
{
	return (struct world){
		.back = { .own = INITIALISING, .drained = true, .ready = true },
		.front = { .own = INITIALISING, .drained = true, .ready = true },
		.online = true, .hold = true,
	};
}

FIXTURE(pair) {
	struct space s;
};

FIXTURE_SETUP(pair)
{
	space_init(&self->s);
}

FIXTURE_TEARDOWN(pair)
{
	space_free(&self->s);
}

/* In every order, two new devices meet. */
TEST_F(pair, connects)
{
	struct space *s = &self->s;
	struct world w = fresh();
	unsigned int at, rest = 0;

	add(s, &w);
	explore(s);
	EXPECT_FALSE(circle(s));
	for (at = 0; at < s->nr; at++) {
		w = s->all[at];
		ASSERT_FALSE(w.back.own == CONNECTED && w.front.drained)
			TELL_WORLD(&w);
		if (!rests(s, at))
			continue;
		rest++;
		EXPECT_TRUE(w.back.own == CONNECTED && w.front.own == CONNECTED)
			TELL_WORLD(&w);
	}
	EXPECT_EQ(1, rest);
}

/* The guest starts anew without a word, at whatever point things were. */
TEST_F(pair, reconnects_after_a_restart_of_the_guest)
{
	struct space before;
	struct space *s = &self->s;
	struct world w = fresh();
	unsigned int at, rest = 0;

	space_init(&before);
	add(&before, &w);
	explore(&before);
	for (at = 0; at < before.nr; at++) {
		w = before.all[at];
		w.front = fresh().front;
		add(s, &w);
	}
	space_free(&before);
	explore(s);
	EXPECT_FALSE(circle(s));
	for (at = 0; at < s->nr; at++) {
		if (!rests(s, at))
			continue;
		rest++;
		w = s->all[at];
		EXPECT_TRUE(w.back.own == CONNECTED && w.front.own == CONNECTED)
			TELL_WORLD(&w);
	}
	EXPECT_GE(rest, 1);
}

/* The backend's driver is bound anew behind a live frontend. */
TEST_F(pair, backend_is_rebound)
{
	struct space *s = &self->s;
	struct world w = fresh();
	unsigned int at;

	w.front = (struct end){ .own = CONNECTED };
	w.in_use = true;
	add(s, &w);
	explore(s);
	EXPECT_FALSE(circle(s));
	for (at = 0; at < s->nr; at++) {
		w = s->all[at];
		ASSERT_EQ(CONNECTED, w.front.own) TELL_WORLD(&w);
		if (rests(s, at))
			EXPECT_EQ(CONNECTED, w.back.own) TELL_WORLD(&w);
	}
}

/* The same, after a detach that was refused. */
TEST_F(pair, backend_is_rebound_while_a_detach_waits)
{
	struct space *s = &self->s;
	struct world w = fresh();
	unsigned int at;

	w.front = (struct end){ .own = CONNECTED };
	w.in_use = true;
	w.online = false;
	add(s, &w);
	explore(s);
	EXPECT_FALSE(circle(s));
	for (at = 0; at < s->nr; at++) {
		w = s->all[at];
		ASSERT_EQ(CONNECTED, w.front.own) TELL_WORLD(&w);
		if (rests(s, at))
			EXPECT_TRUE(w.back.own == CLOSING && !w.back.drained)
				TELL_WORLD(&w);
	}
}

/* The frontend's driver leaves and comes back while the backend drains. */
TEST_F(pair, frontend_is_rebound)
{
	struct space *s = &self->s;
	struct world w = fresh();
	unsigned int at, i;

	for (i = 0; i < 3; i++) {
		static const u8 owns[] = { CONNECTED, CLOSING, CLOSED };

		w.back = (struct end){ .own = owns[i], .ready = true,
				       .drained = owns[i] == CLOSED };
		add(s, &w);
	}
	explore(s);
	EXPECT_FALSE(circle(s));
	for (at = 0; at < s->nr; at++) {
		w = s->all[at];
		ASSERT_FALSE(w.back.own == INITWAIT && !w.back.drained)
			TELL_WORLD(&w);
		if (rests(s, at))
			EXPECT_TRUE(w.back.own == CONNECTED &&
				    w.front.own == CONNECTED) TELL_WORLD(&w);
	}
}

/* Detached at any moment of the beginning, nothing is left. */
TEST_F(pair, detaches)
{
	struct space before;
	struct space *s = &self->s;
	struct world w = fresh();
	unsigned int at;

	space_init(&before);
	add(&before, &w);
	explore(&before);
	for (at = 0; at < before.nr; at++) {
		w = before.all[at];
		w.online = false;
		add(s, &w);
	}
	space_free(&before);
	explore(s);
	EXPECT_FALSE(circle(s));
	for (at = 0; at < s->nr; at++) {
		w = s->all[at];
		if (!rests(s, at))
			continue;
		EXPECT_TRUE(w.removed && w.back.own == CLOSED && w.back.drained)
			TELL_WORLD(&w);
		EXPECT_TRUE(w.front.own == CLOSED || w.front.own == INITIALISING)
			TELL_WORLD(&w);
		EXPECT_TRUE(w.front.drained) TELL_WORLD(&w);
	}
}

/* A disk in use stays, and works; once released it goes by itself. */
TEST_F(pair, detach_of_a_disk_in_use)
{
	struct space *s = &self->s;
	struct world w = fresh();
	unsigned int at;

	w.back = (struct end){ .own = CONNECTED, .ready = true };
	w.front = (struct end){ .own = CONNECTED };
	w.online = false;
	w.in_use = true;
	add(s, &w);
	explore(s);
	for (at = 0; at < s->nr; at++) {
		w = s->all[at];
		ASSERT_TRUE(w.front.own == CONNECTED && !w.back.drained)
			TELL_WORLD(&w);
	}
	/* where it rests: the backend asks, and serves */
	EXPECT_EQ(CLOSING, s->all[s->nr - 1].back.own);
	w = s->all[s->nr - 1];
	w.in_use = false;
	add(s, &w);
	explore(s);
	EXPECT_FALSE(circle(s));
	for (at = 0; at < s->nr; at++) {
		w = s->all[at];
		if (!w.in_use && rests(s, at))
			EXPECT_TRUE(w.removed && w.front.own == CLOSED)
				TELL_WORLD(&w);
	}
}

/*
 * Everything at once: at any moment either end may break, fail, be detached, be
 * opened or closed. Nothing unsafe happens on the way, no two drivers chase each
 * other, and from everywhere an undisturbed detach leads out.
 */
static void disturb(struct space *s, unsigned int at)
{
	struct world w;
	unsigned int i;

	for (i = 0; i < 8; i++) {
		w = s->all[at];
		switch (i) {
		case 0:
			w.online = false;
			break;
		case 1:
			w.in_use = !w.in_use && w.front.own == CONNECTED;
			break;
		case 2:
			if (!w.removed)
				step(&w, &w.back, EV(BROKEN));
			break;
		case 3:
			step(&w, &w.front, EV(BROKEN));
			break;
		case 4:
		case 5:
			w.fail = i == 4 ? DO(PUBLISH) : DO(CONNECT);
			if (!w.removed)
				step(&w, &w.back, EV(PEER));
			w.fail = 0;
			break;
		case 6:
		case 7:
			w.fail = i == 6 ? DO(PUBLISH) : DO(CONNECT);
			step(&w, &w.front, EV(PEER));
			w.fail = 0;
			break;
		}
		add(s, &w);
	}
}

TEST_F(pair, survives_everything)
{
	struct space *s = &self->s;
	struct world w = fresh();
	unsigned int at, seen = 0;

	add(s, &w);
	w.back.ready = false;
	add(s, &w);
	for (at = 0; at < s->nr; at++) {
		w = s->all[at];
		if (w.back.own == INITWAIT || w.back.own == CLOSED)
			ASSERT_TRUE(w.back.drained) TELL_WORLD(&w);
		if (w.front.own == CLOSED)
			ASSERT_TRUE(w.front.drained) TELL_WORLD(&w);
		if (w.removed)
			ASSERT_TRUE(w.back.drained) TELL_WORLD(&w);
		moves(s, at);
		disturb(s, at);
	}
	EXPECT_FALSE(circle(s));
	TH_LOG("%u worlds", s->nr);

	/* a way out: nothing rests with the toolstack's wish unfulfilled */
	for (at = 0; at < s->nr; at++) {
		w = s->all[at];
		if (w.online || w.in_use || !rests(s, at))
			continue;
		seen++;
		EXPECT_TRUE(w.removed || w.back.own == CLOSED) TELL_WORLD(&w);
		EXPECT_TRUE(w.front.drained) TELL_WORLD(&w);
	}
	EXPECT_GT(seen, 0);
}

/*
 * A peer by the script: what it says, and what is answered to that once
 * everything has drained.
 */
struct line {
	u8 peer;
	u8 answer;
};

#define SCRIPT(...)	((const struct line []){ __VA_ARGS__, { 99, 99 } })

static int play(bool front, const struct line *l, struct world *w)
{
	struct end *e = front ? &w->front : &w->back;
	int n;

	for (n = 0; l[n].peer != 99; n++) {
		*(front ? &w->back.own : &w->front.own) = l[n].peer;
		run(w, e, EV(PEER));
		if (e->own != l[n].answer)
			return n;
	}
	return -1;
}

TEST(back_scripts)
{
	struct world w;

#define PLAY(front, ...) do {						\
		w = fresh();						\
		w.hold = false;						\
		EXPECT_EQ(-1, play(front, SCRIPT(__VA_ARGS__), &w));	\
	} while (0)

	/* as the specification draws it */
	PLAY(false, { INITIALISING, INITWAIT }, { INITIALISED, CONNECTED },
	     { CONNECTED, CONNECTED }, { CLOSING, CLOSING }, { CLOSED, CLOSED });
	/* the same, and the next kernel comes up in the same guest */
	PLAY(false, { INITIALISING, INITWAIT }, { INITIALISED, CONNECTED },
	     { CONNECTED, CONNECTED }, { CLOSING, CLOSING }, { CLOSED, CLOSED },
	     { INITIALISING, INITWAIT }, { INITIALISED, CONNECTED });
	/* some frontends close before they begin */
	PLAY(false, { CLOSING, CLOSING }, { CLOSED, CLOSED },
	     { INITIALISING, INITWAIT }, { INITIALISED, CONNECTED });
	PLAY(false, { INITIALISING, INITWAIT }, { CLOSING, CLOSING },
	     { CLOSED, CLOSED }, { INITIALISING, INITWAIT },
	     { CONNECTED, CONNECTED });
	/* straight to Closed, from everywhere */
	PLAY(false, { CLOSED, CLOSED }, { INITIALISING, INITWAIT },
	     { CLOSED, CLOSED }, { INITIALISING, INITWAIT },
	     { INITIALISED, CONNECTED }, { CLOSED, CLOSED });
	/* without waiting for an offer */
	PLAY(false, { INITIALISED, CONNECTED }, { CONNECTED, CONNECTED });
	/* a restart of which only the ends are seen */
	PLAY(false, { INITIALISED, CONNECTED }, { INITIALISING, INITWAIT },
	     { INITIALISED, CONNECTED }, { CLOSING, CLOSING },
	     { INITIALISED, CONNECTED });
	/* nonsense moves nothing */
	PLAY(false, { INITIALISED, CONNECTED }, { RECONFIGURING, CONNECTED },
	     { RECONFIGURED, CONNECTED }, { INITWAIT, CONNECTED },
	     { 77, CONNECTED }, { CONNECTED, CONNECTED }, { CLOSING, CLOSING },
	     { CONNECTED, CLOSING }, { RECONFIGURED, CLOSING },
	     { CLOSED, CLOSED }, { CONNECTED, CLOSED }, { 77, CLOSED });
	/* back and forth, as fast as it can */
	PLAY(false, { INITIALISED, CONNECTED }, { CLOSED, CLOSED },
	     { INITIALISED, CONNECTED }, { CLOSED, CLOSED },
	     { INITIALISED, CONNECTED }, { CLOSING, CLOSING });
}

TEST(back_waits_for_its_store)
{
	struct world w = fresh();

	w.hold = false;
	w.back.ready = false;
	EXPECT_EQ(-1, play(false, SCRIPT({ INITIALISING, INITWAIT },
					 { INITIALISED, INITWAIT }), &w));
	w.back.ready = true;
	run(&w, &w.back, EV(NONE));
	EXPECT_EQ(CONNECTED, w.back.own);
}

TEST(back_waits_for_the_old_connection)
{
	struct world w = fresh();

	EXPECT_EQ(-1, play(false, SCRIPT({ INITIALISED, CONNECTED },
					 { CLOSED, CLOSING }, { CLOSED, CLOSING },
					 { INITIALISING, INITIALISING },
					 { INITIALISED, INITIALISING },
					 { CLOSED, CLOSING }), &w));
	w.back.drained = true;
	run(&w, &w.back, EV(NONE));
	EXPECT_EQ(CLOSED, w.back.own);

	w = fresh();
	EXPECT_EQ(-1, play(false, SCRIPT({ INITIALISED, CONNECTED },
					 { INITIALISING, INITIALISING }), &w));
	w.back.drained = true;
	run(&w, &w.back, EV(NONE));
	EXPECT_EQ(INITWAIT, w.back.own);
}

TEST(back_in_quarantine)
{
	struct world w = fresh();

	w.hold = false;
	EXPECT_EQ(-1, play(false, SCRIPT({ INITIALISED, CONNECTED },
					 { CONNECTED, CONNECTED }), &w));
	run(&w, &w.back, EV(BROKEN));
	EXPECT_EQ(CLOSING, w.back.own);
	EXPECT_EQ(-1, play(false, SCRIPT({ CONNECTED, CLOSING },
					 { INITIALISED, CLOSING },
					 { INITIALISING, CLOSING },
					 { CLOSING, CLOSING },
					 { CLOSED, CLOSED }), &w));
	EXPECT_FALSE(w.back.broken);
	EXPECT_EQ(-1, play(false, SCRIPT({ INITIALISING, INITWAIT },
					 { INITIALISED, CONNECTED }), &w));
	/* a connect that fails is the same */
	w.fail = DO(CONNECT);
	EXPECT_EQ(-1, play(false, SCRIPT({ CLOSED, CLOSED },
					 { INITIALISED, CLOSING },
					 { CLOSED, CLOSED },
					 { INITIALISING, INITWAIT }), &w));
}

TEST(back_goes_with_its_domain)
{
	u8 own;

	for (own = 0; own < 9; own++) {
		struct world w = fresh();

		w.hold = false;
		w.back.own = own;
		w.back.drained = own != CONNECTED;
		w.front.own = UNKNOWN;
		run(&w, &w.back, EV(PEER));
		EXPECT_TRUE(w.removed);
		EXPECT_EQ(CLOSED, w.back.own);
	}
}

/* A guest without a driver cannot close, and need not. */
TEST(back_goes_though_nobody_came)
{
	static const u8 peers[] = { INITIALISING, INITWAIT, CLOSED };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(peers); i++) {
		struct world w = fresh();

		run(&w, &w.back, EV(PEER));
		EXPECT_EQ(INITWAIT, w.back.own);
		w.front.own = peers[i];
		w.online = false;
		run(&w, &w.back, EV(OFFLINE));
		EXPECT_TRUE(w.removed);
		EXPECT_EQ(CLOSED, w.back.own);
	}
}

/* A detach that is called off has not cost the frontend its connection. */
TEST(back_serves_on_when_a_detach_is_called_off)
{
	struct world w = fresh();

	EXPECT_EQ(-1, play(false, SCRIPT({ INITIALISED, CONNECTED }), &w));
	w.online = false;
	run(&w, &w.back, EV(OFFLINE));
	EXPECT_EQ(CLOSING, w.back.own);
	w.online = true;
	EXPECT_EQ(-1, play(false, SCRIPT({ INITIALISED, CLOSING },
					 { CONNECTED, CLOSING }), &w));
	EXPECT_EQ(0, look(&w, &w.back, EV(PEER)).todo);
	EXPECT_FALSE(w.back.drained);
}

TEST(front_scripts)
{
	struct world w;

	PLAY(true, { INITIALISING, INITIALISING }, { INITWAIT, INITIALISED },
	     { CONNECTED, CONNECTED }, { CONNECTED, CONNECTED });
	/* nobody there yet */
	PLAY(true, { UNKNOWN, INITIALISING }, { INITIALISING, INITIALISING },
	     { INITWAIT, INITIALISED });
	/* an earlier life of the backend ends */
	PLAY(true, { CLOSING, INITIALISING }, { CLOSED, INITIALISING },
	     { INITWAIT, INITIALISED }, { CONNECTED, CONNECTED });
	/* a backend that does not negotiate */
	PLAY(true, { INITIALISED, INITIALISED }, { CONNECTED, CONNECTED });
	/* a backend found connected to somebody who is gone */
	PLAY(true, { CONNECTED, CLOSED }, { CLOSING, CLOSED },
	     { CLOSED, INITIALISING }, { INITWAIT, INITIALISED },
	     { CONNECTED, CONNECTED });
	/* the backend disappears or gives up, and comes back */
	PLAY(true, { INITWAIT, INITIALISED }, { CONNECTED, CONNECTED },
	     { UNKNOWN, CLOSED }, { INITIALISING, INITIALISING },
	     { INITWAIT, INITIALISED }, { CONNECTED, CONNECTED },
	     { CLOSED, CLOSED }, { INITWAIT, INITIALISED },
	     { CLOSED, CLOSED }, { CLOSED, CLOSED });
	/* rebound, cooperatively */
	PLAY(true, { INITWAIT, INITIALISED }, { CONNECTED, CONNECTED },
	     { INITIALISING, CONNECTED }, { INITWAIT, CONNECTED },
	     { CONNECTED, CONNECTED });
	/* nonsense */
	PLAY(true, { RECONFIGURING, INITIALISING }, { INITWAIT, INITIALISED },
	     { RECONFIGURED, INITIALISED }, { CONNECTED, CONNECTED },
	     { 200, CONNECTED }, { RECONFIGURING, CONNECTED });
#undef PLAY
}

TEST(front_in_quarantine)
{
	struct world w = fresh();

	w.hold = false;
	EXPECT_EQ(-1, play(true, SCRIPT({ INITWAIT, INITIALISED },
					{ CONNECTED, CONNECTED }), &w));
	run(&w, &w.front, EV(BROKEN));
	EXPECT_EQ(CLOSED, w.front.own);
	EXPECT_EQ(-1, play(true, SCRIPT({ CONNECTED, CLOSED },
					{ INITWAIT, CLOSED },
					{ CLOSING, CLOSED },
					{ CLOSED, CLOSED }), &w));
	EXPECT_FALSE(w.front.broken);
	EXPECT_EQ(-1, play(true, SCRIPT({ INITWAIT, INITIALISED }), &w));
}

/* Noise: once per news. */
TEST(said_once)
{
	struct tandem_dev_ctx c = make(CONNECTED, CLOSING, EV(PEER), 8);

	EXPECT_EQ(DO(REFUSE), tandem_front_step(&c).todo);
	c.event = EV(NONE);
	EXPECT_EQ(0, tandem_front_step(&c).todo);
	c.peer = CONNECTED;
	EXPECT_EQ(0, tandem_front_step(&c).todo);
	c.event = EV(PEER);
	EXPECT_EQ(DO(RESIZE), tandem_front_step(&c).todo);
	c.peer = RECONFIGURED;
	EXPECT_EQ(DO(COMPLAIN), tandem_front_step(&c).todo);
	c.online = true;
	EXPECT_EQ(DO(COMPLAIN), tandem_back_step(&c).todo);
	c.event = EV(NONE);
	EXPECT_EQ(0, tandem_back_step(&c).todo);
}

TEST(names)
{
	EXPECT_STREQ("Unknown", tandem_xb_state_str(0));
	EXPECT_STREQ("Connected", tandem_xb_state_str(4));
	EXPECT_STREQ("Reconfigured", tandem_xb_state_str(8));
	EXPECT_STREQ("?", tandem_xb_state_str(9));
	EXPECT_STREQ("?", tandem_xb_state_str(255));
}

/* The golden table. */
struct scene {
	const char *name;
	bool front;
	bool live;	/* undrained also where nothing is connected */
	unsigned int flags;	/* as make(), without drained */
};

static const struct scene scenes[] = {
	{ "backend, online, store ready", false, false, 1 | 2 },
	{ "backend, online, store not ready", false, false, 2 },
	{ "backend, online, an earlier connection drains", false, true, 1 | 2 },
	{ "backend, to go", false, false, 1 },
	{ "backend, to go, an earlier connection drains", false, true, 1 },
	{ "backend, broken", false, false, 1 | 2 | 16 },
	{ "backend, broken, the connection drains", false, true, 1 | 2 | 16 },
	{ "frontend, nothing published yet", true, false, 1 | 2 },
	{ "frontend, published before, not in use", true, false, 2 },
	{ "frontend, in use", true, false, 2 | 8 },
	{ "frontend, an earlier connection drains", true, true, 2 },
	{ "frontend, to go, not in use", true, false, 0 },
	{ "frontend, to go, in use", true, false, 8 },
	{ "frontend, broken", true, false, 2 | 16 },
	{ "frontend, broken, the connection drains", true, true, 2 | 16 },
};

static void print_cell(FILE *f, const struct tandem_dev_ctx *c, bool front)
{
	static const char letters[] = "CDPRFNOZSM";
	struct tandem_step s = front ? tandem_front_step(c) : tandem_back_step(c);
	char text[16];
	unsigned int i, n = 0;

	if (s.state != c->own || s.todo)
		text[n++] = s.state == c->own ? '=' : '0' + s.state;
	else
		text[n++] = '.';
	for (i = 0; i < sizeof(letters) - 1; i++)
		if (s.todo & 1 << i)
			text[n++] = letters[i];
	text[n] = '\0';
	fprintf(f, " %-5s", text);
}

static void print_scene(FILE *f, const struct scene *sc)
{
	static const u8 owns[2][5] = {
		{ INITIALISING, INITWAIT, CONNECTED, CLOSING, CLOSED },
		{ INITIALISING, INITIALISED, CONNECTED, CLOSING, CLOSED },
	};
	unsigned int i;
	u8 peer;

	fprintf(f, "\n%s\n  own \\ peer       ", sc->name);
	for (peer = 0; peer < 9; peer++)
		fprintf(f, " %-5u", peer);
	fprintf(f, "\n");
	for (i = 0; i < 5; i++) {
		u8 own = owns[sc->front][i];
		bool up = own == CONNECTED || (sc->front && own == INITIALISED);

		fprintf(f, "  %u %-14s ", own, tandem_xb_state_str(own));
		for (peer = 0; peer < 9; peer++) {
			struct tandem_dev_ctx c = make(own, peer, EV(PEER),
						       sc->flags);

			c.drained = !sc->live && !up;
			print_cell(f, &c, sc->front);
		}
		fprintf(f, "\n");
	}
}

static char *golden(void)
{
	char *text = NULL;
	size_t len = 0;
	unsigned int i;
	FILE *f = open_memstream(&text, &len);

	fprintf(f, "The table of common/xenbus/state.c, made by tests/unit/state_test.c.\n"
		"Row: own state; column: the peer's, just read. In a cell: the state\n"
		"published next ('=' the same, '.' the same and nothing to do), and\n"
		"  C connect  D disconnect  P publish keys  R remove  F refuse: in use\n"
		"  N new life after an old one  O odd: complain  Z read the size again\n"
		"  S with D: fail all I/O  M mend: the quarantine is over\n");
	for (i = 0; i < ARRAY_SIZE(scenes); i++)
		print_scene(f, &scenes[i]);
	fclose(f);
	return text;
}

TEST(golden_table)
{
	static char was[65536];
	char *text = golden();
	size_t len;
	FILE *f;

	if (getenv("STATE_GOLDEN")) {
		f = fopen(GOLDEN, "w");
		ASSERT_NE(NULL, f);
		fputs(text, f);
		fclose(f);
	}
	f = fopen(GOLDEN, "r");
	ASSERT_NE(NULL, f) TH_LOG("no %s", GOLDEN);
	len = fread(was, 1, sizeof(was) - 1, f);
	fclose(f);
	was[len] = '\0';
	EXPECT_EQ(0, strcmp(was, text)) TH_LOG("differs from state.golden");
	free(text);
}

TEST_HARNESS_MAIN
