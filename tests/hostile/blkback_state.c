// SPDX-License-Identifier: GPL-2.0-only
/*
 * States in every order, also impossible ones; frontends that stop half way,
 * that cycle, and that die without a word.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "blkback.h"
#include "front.h"

static struct front front;

/* Bring a new device to where the frontend is in @state, as it should be. */
static void reach(unsigned int state)
{
	front_create(&front, NULL);
	front_rings(&front);
	front_keys(&front);
	if (state == XB_INITWAIT)
		front_set_state(&front, XB_INITWAIT);
	if (state < XB_INITIALISED)
		return;
	if (state == XB_INITIALISED) {
		front_set_state(&front, XB_INITIALISED);
		need(front_wait(&front, STATE(XB_CONNECTED)), "no connection");
		return;
	}
	need(front_connect(&front), "no connection");
	front_pages(&front, 16);
	if (state == XB_CLOSING || state == XB_CLOSED)
		front_set_state(&front, XB_CLOSING);
	if (state == XB_CLOSED) {
		front_wait(&front, STATE(XB_CLOSING) | STATE(XB_CLOSED));
		front_set_state(&front, XB_CLOSED);
		front_wait(&front, STATE(XB_CLOSED));
	}
}

/*
 * From each state to each, and on to each other; then good manners again:
 * the backend must end in Closed, and InitWait must be one step away.
 */
static void each_transition(unsigned int from)
{
	unsigned int to, then;

	for (to = 0; to <= XB_RECONFIGURED + 1; to++) {
		/* A check has one of the others for each. */
		then = peer_soak() ? 0 : to * 5 % (XB_CLOSED + 1);
		for (; then <= XB_CLOSED;
		     then += peer_soak() ? 1 : XB_CLOSED + 1) {
			reach(from);
			front_set_state(&front, to);
			if (to & 1)
				sleep_ms(2);
			front_set_state(&front, then);
			sleep_ms(2);
			front_set_state(&front, XB_CLOSING);
			front_set_state(&front, XB_CLOSED);
			expect(front_wait(&front, STATE(XB_CLOSED)),
			       "%u, %u, %u, 5, 6: the backend is in state %u",
			       from, to, then, front_state(&front));
			front_remove(&front);
		}
	}
}

static void from_initialising(void)
{
	each_transition(XB_INITIALISING);
}

static void from_initwait(void)
{
	each_transition(XB_INITWAIT);
}

static void from_initialised(void)
{
	each_transition(XB_INITIALISED);
}

static void from_connected(void)
{
	each_transition(XB_CONNECTED);
}

static void from_closing(void)
{
	each_transition(XB_CLOSING);
}

static void from_closed(void)
{
	each_transition(XB_CLOSED);
}

static void junk_states(void)
{
	static const char *const junk[] = {
		"", "x", "-1", "0x4", "4 ", "99", "4294967300",
		"18446744073709551620", "3.5",
	};
	char text[4096];
	unsigned int i;

	for (i = 0; i <= ARRAY_SIZE(junk); i++) {
		reach(i & 1 ? XB_CONNECTED : XB_INITIALISING);
		if (i < ARRAY_SIZE(junk)) {
			store_put_raw(front.dir, "state", junk[i],
				      strlen(junk[i]));
		} else {
			memset(text, '4', sizeof(text));
			store_put_raw(front.dir, "state", text, sizeof(text));
		}
		sleep_ms(20);
		front_set_state(&front, XB_CLOSED);
		sleep_ms(20);
		front_remove(&front);
	}
}

/* The state node itself goes away, then the whole directory. */
static void no_state(void)
{
	reach(XB_CONNECTED);
	store_rm(front.dir, "state");
	sleep_ms(SILENCE);
	front_remove(&front);
	reach(XB_CONNECTED);
	front_expect_works(&front, "before");
	store_rm(front.dir, NULL);
	sleep_ms(SILENCE);
	expect(front_is_broken(&front) || front_state(&front) == XB_CONNECTED,
	       "state %u", front_state(&front));
	front_remove(&front);
}

static void straight_to_closed(void)
{
	unsigned int i;

	for (i = 0; i < 10; i++) {
		reach(XB_CONNECTED);
		front_expect_works(&front, "before");
		front_set_state(&front, XB_CLOSED);
		expect(front_wait(&front, STATE(XB_CLOSED)),
		       "the backend is in state %u", front_state(&front));
		need(front_reset(&front), "no InitWait after Closed");
		front_rings(&front);
		front_keys(&front);
		need(front_connect(&front), "no second connection");
		front_expect_works(&front, "after");
		front_remove(&front);
	}
}

/* Some frontends do so at start, before they ever connected. */
static void closing_cycles(void)
{
	unsigned int i;

	front_create(&front, NULL);
	for (i = 0; i < peer_times(12, 5000); i++) {
		front_set_state(&front, XB_CLOSING);
		need(front_wait(&front, STATE(XB_CLOSING) | STATE(XB_CLOSED)),
		     "no Closing, but %u", front_state(&front));
		front_set_state(&front, XB_CLOSED);
		need(front_wait(&front, STATE(XB_CLOSED)), "no Closed, but %u",
		     front_state(&front));
		front_set_state(&front, XB_INITIALISING);
		need(front_wait(&front, STATE(XB_INITWAIT)),
		     "no InitWait, but %u", front_state(&front));
	}
	front_rings(&front);
	front_keys(&front);
	need(front_connect(&front), "no connection after cycles");
	front_pages(&front, 16);
	front_expect_works(&front, "after cycles");
	need(front_close(&front), "no orderly end");
}

/* The same without waiting for anybody. */
static void closing_cycles_blind(void)
{
	unsigned int i;

	front_create(&front, NULL);
	for (i = 0; i < peer_times(50, 5000); i++) {
		front_set_state(&front, XB_CLOSING);
		front_set_state(&front, XB_CLOSED);
		front_set_state(&front, XB_INITIALISING);
	}
	/* It may still be on its way through earlier ones. */
	sleep_ms(5 * SILENCE);
	need(front_wait(&front, STATE(XB_INITWAIT)), "no InitWait, but %u",
	     front_state(&front));
	front_rings(&front);
	front_keys(&front);
	need(front_connect(&front), "no connection after cycles");
	front_pages(&front, 16);
	front_expect_works(&front, "after cycles");
	need(front_close(&front), "no orderly end");
}

/* Connect, close, begin anew, without waiting for anybody. */
static void connect_toggle(void)
{
	static const unsigned int states[] = {
		XB_INITIALISING, XB_INITIALISED, XB_CONNECTED, XB_CLOSED,
	};
	unsigned int i, threads = kernel_threads();

	front_create(&front, NULL);
	front_rings(&front);
	front_keys(&front);
	for (i = 0; i < peer_times(40, 10000) * ARRAY_SIZE(states); i++)
		front_set_state(&front, states[i % ARRAY_SIZE(states)]);
	expect(kernel_threads() <= threads + 4, "%u kernel threads, %u before",
	       kernel_threads(), threads);
	front_set_state(&front, XB_CLOSED);
	expect(front_wait(&front, STATE(XB_CLOSED)), "state %u",
	       front_state(&front));
}

/* The same with good manners: nothing may grow. */
static void reconnect_many(void)
{
	unsigned int i, threads = kernel_threads();
	uint64_t slab = 0;

	reach(XB_CONNECTED);
	for (i = 0; i < peer_times(30, 5000); i++) {
		if (i == 20)
			slab = meminfo("\nSUnreclaim:");
		if (i % 8 == 0)
			front_expect_works(&front, "connected again");
		need(front_close(&front), "no orderly end");
		need(front_reset(&front), "no InitWait after Closed");
		front_rings(&front);
		front_keys(&front);
		need(front_connect(&front), "no connection");
	}
	expect(kernel_threads() <= threads + 4, "%u kernel threads, %u before",
	       kernel_threads(), threads);
	expect(meminfo("\nSUnreclaim:") < slab + 1024,
	       "slab grew from %llu to %llu KiB", (unsigned long long)slab,
	       (unsigned long long)meminfo("\nSUnreclaim:"));
}

/* A device is removed and added again at once, under the same name. */
static void remove_and_add(void)
{
	struct front_cfg cfg = { .id = FRONT_ID(100) };
	unsigned int i;

	for (i = 0; i < peer_times(16, 1000); i++) {
		front_start(&front, &cfg);
		if (i % 4 == 0)
			front_expect_works(&front, "added again");
		front_remove(&front);
	}
}

/* Other rings while connected, without closing first. */
static void rings_while_connected(void)
{
	struct front_queue old;

	reach(XB_CONNECTED);
	front_expect_works(&front, "before");
	old = front.queue[0];
	front_rings(&front);
	front_keys(&front);
	front_set_state(&front, XB_INITIALISED);
	sleep_ms(SILENCE);
	front_set_state(&front, XB_CONNECTED);
	sleep_ms(SILENCE);
	queue_kick(&front.queue[0]);
	front_set_state(&front, XB_CLOSING);
	front_set_state(&front, XB_CLOSED);
	expect(front_wait(&front, STATE(XB_CLOSED)), "state %u",
	       front_state(&front));
	pages_unshare(&old.shared, front.share);
	xenevtchn_close(old.event);
}

static void half_way(unsigned int state)
{
	front_create(&front, NULL);
	front_rings(&front);
	if (state == XB_INITIALISED)
		front_keys(&front);
	front_set_state(&front, state);
	sleep_ms(20 * SILENCE);
	expect(front_unplug(&front) || front_state(&front) == XB_CLOSED,
	       "the backend is in state %u after unplug", front_state(&front));
	front_remove(&front);
}

static void stops_half_way(void)
{
	half_way(XB_INITIALISING);
	half_way(XB_INITWAIT);
	half_way(XB_INITIALISED);
}

/* Stays half way for ever: the toolstack takes the device away all the same. */
static void never_closes(void)
{
	reach(XB_CONNECTED);
	store_put(front.back, "online", "0");
	store_put(front.back, "state", "%u", XB_CLOSING);
	expect(front_wait(&front, STATE(XB_CLOSING) | STATE(XB_CLOSED)),
	       "state %u", front_state(&front));
	front_remove(&front);
}

static void post_reads(struct front_queue *q, unsigned int nr)
{
	struct request rq;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		request_rw(q->front, &rq, i & 1 ? BLKIF_OP_WRITE :
			   BLKIF_OP_READ, i * 8, i, 4);
		queue_put(q, &rq);
	}
	queue_push(q);
}

/* What a child does until it is killed. */
static void die_connected(unsigned int when, const struct front_cfg *cfg)
{
	front_create(&front, cfg);
	if (when == 0)
		pause();
	front_rings(&front);
	front_keys(&front);
	if (when == 1)
		pause();
	front_set_state(&front, XB_INITIALISED);
	if (when == 2)
		pause();
	if (!front_connect(&front))
		_exit(1);
	front_pages(&front, 64);
	if (when == 3)
		pause();
	for (;;) {
		post_reads(&front.queue[0], 16);
		if (when == 4)
			queue_drain(&front.queue[0], 16);
	}
}

/*
 * A frontend dies without a word at some point. Its pages and channels are
 * gone, its nodes stay until the toolstack removes them.
 */
static void killed(void)
{
	struct front_cfg cfg = { .persistent = true };
	unsigned int when, round;
	pid_t pid;

	for (round = 0; round < peer_times(1, 20); round++) {
		for (when = 0; when < 6; when++) {
			cfg.id = FRONT_ID(20 + when);
			pid = fork();
			if (!pid)
				die_connected(when, &cfg);
			sleep_ms(300 + 10 * round);
			kill(pid, SIGKILL);
			waitpid(pid, NULL, 0);
			sleep_ms(SILENCE);
			front_sweep();
		}
	}
}

/* The toolstack takes the device away while requests are served. */
static void unplug_under_load(void)
{
	unsigned int i;

	for (i = 0; i < peer_times(5, 500); i++) {
		reach(XB_CONNECTED);
		post_reads(&front.queue[0], 32);
		expect(front_unplug(&front), "state %u", front_state(&front));
		front_remove(&front);
	}
}

/* The frontend closes while its requests are served. */
static void close_under_load(void)
{
	unsigned int i;

	for (i = 0; i < peer_times(5, 500); i++) {
		reach(XB_CONNECTED);
		post_reads(&front.queue[0], 32);
		expect(front_close(&front), "state %u", front_state(&front));
		front_remove(&front);
	}
}

/* The nodes vanish while requests are served. */
static void vanish_under_load(void)
{
	unsigned int i;

	for (i = 0; i < peer_times(5, 500); i++) {
		reach(XB_CONNECTED);
		post_reads(&front.queue[0], 32);
		front_remove(&front);
	}
}

const struct peer_case blkback_state[] = {
	{ "state-from-initialising", from_initialising, 120, 0 },
	{ "state-from-initwait", from_initwait, 120, 0 },
	{ "state-from-initialised", from_initialised, 120, 0 },
	{ "state-from-connected", from_connected, 120, 0 },
	{ "state-from-closing", from_closing, 120, 0 },
	{ "state-from-closed", from_closed, 120, 0 },
	{ "state-junk", junk_states, 0, 0 },
	{ "state-missing", no_state, 0, 0 },
	{ "state-straight-to-closed", straight_to_closed, 0, 0 },
	{ "state-closing-cycles", closing_cycles, 0, CASE_MEMORY },
	{ "state-closing-cycles-blind", closing_cycles_blind, 0, CASE_MEMORY },
	{ "state-connect-toggle", connect_toggle, 120, CASE_MEMORY },
	{ "state-reconnect-many", reconnect_many, 120, CASE_MEMORY },
	{ "state-remove-and-add", remove_and_add, 120, CASE_MEMORY },
	{ "state-rings-while-connected", rings_while_connected, 0, 0 },
	{ "state-stops-half-way", stops_half_way, 0, 0 },
	{ "state-never-closes", never_closes, 0, 0 },
	{ "state-killed", killed, 120, 0 },
	{ "state-unplug-under-load", unplug_under_load, 0, CASE_MEMORY },
	{ "state-close-under-load", close_under_load, 0, CASE_MEMORY },
	{ "state-vanish-under-load", vanish_under_load, 0, CASE_MEMORY },
	{ 0 },
};
