// SPDX-License-Identifier: GPL-2.0-only
/*
 * A backend's states in every order; one that closes at any point, comes back,
 * or goes without a word.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "back.h"
#include "blkfront.h"

static struct back back;

/* Bring the device to where the backend is in @state, as it should be. */
static void reach(unsigned int state)
{
	struct back_cfg cfg = { .flush = true };

	back_create(&back, &cfg);
	if (state <= XB_INITWAIT)
		return;
	need(back_attach(&back), "no frontend");
	back_serve(&back);
	if (state == XB_INITIALISED)
		return;
	back_publish(&back);
	need(back_wait(&back, STATE(XB_CONNECTED)), "no connection");
	need(back_find_disk(&back, PATIENCE), "no disk");
	if (state < XB_CLOSING)
		return;
	store_put(back.dir, "online", "0");
	back_set_state(&back, XB_CLOSING);
	need(back_wait(&back, STATE(XB_CLOSED)), "no end");
	if (state == XB_CLOSED)
		back_set_state(&back, XB_CLOSED);
}

/* From each state to each and on to Closing and Closed: the frontend closes. */
static void each_transition(unsigned int from)
{
	unsigned int to, then;

	for (to = 0; to <= XB_RECONFIGURED + 1; to++) {
		for (then = 1; then <= XB_CLOSED; then += peer_soak() ? 1 : 3) {
			reach(from);
			back_set_state(&back, to);
			if (to & 1)
				sleep_ms(2);
			back_set_state(&back, then);
			sleep_ms(2);
			store_put(back.dir, "online", "0");
			back_set_state(&back, XB_CLOSING);
			expect(back_wait(&back, STATE(XB_CLOSED)),
			       "%u, %u, %u, 5: the frontend is in state %u",
			       from, to, then, back_peer(&back));
			back_finish(&back);
		}
	}
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
		"", "x", "-1", "0x4", "99", "4294967300",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(junk); i++) {
		reach(i & 1 ? XB_CONNECTED : XB_INITWAIT);
		store_put(back.dir, "state", "%s", junk[i]);
		sleep_ms(50);
		back_finish(&back);
	}
}

/* Closed at once, before the frontend could do anything. */
static void closes_at_once(void)
{
	unsigned int i;

	for (i = 0; i < peer_times(20, 500); i++) {
		back_create(&back, NULL);
		if (i & 1)
			back_set_state(&back, XB_CLOSING);
		back_set_state(&back, XB_CLOSED);
		sleep_ms(i);
		back_finish(&back);
	}
}

static enum verdict swallow(struct back *b, struct ask *ask)
{
	(void)b;
	(void)ask;
	return SWALLOW;
}

/* Straight to Closed with requests in flight: they fail, and do not hang. */
static void closes_under_load(void)
{
	struct io_try io = { .write = true, .bytes = 16384 };
	unsigned int i, j;
	int child[3];

	for (i = 0; i < peer_times(6, 200); i++) {
		reach(XB_CONNECTED);
		if (i % 3)
			back_hook(&back, swallow, NULL);
		for (j = 0; j < ARRAY_SIZE(child); j++)
			child[j] = io_begin(&back, &io);
		sleep_ms(20 * i);
		if (i & 1) {
			back_set_state(&back, XB_CLOSED);
			sleep_ms(100);
		}
		back_vanish(&back);
		for (j = 0; j < ARRAY_SIZE(child); j++)
			expect(io_end(child[j], 2 * PATIENCE) != IO_STUCK,
			       "round %u: a request never ends", i);
		back_finish(&back);
	}
}

/*
 * A new size, then a request that is never answered, and the backend closes while
 * the directories stay. What the disk is told of the new size may wait for that
 * request, but the end of the backend may not.
 */
static void closes_after_resize(void)
{
	struct io_try io = { .bytes = 4096, .offset = 8192 };
	int child;

	reach(XB_CONNECTED);
	store_put(back.dir, "sectors", "%llu", BACK_SECTORS / 2);
	back_set_state(&back, XB_CONNECTED);
	sleep_ms(SILENCE);
	back_hook(&back, swallow, NULL);
	child = io_begin(&back, &io);
	sleep_ms(SILENCE);
	back_set_state(&back, XB_CONNECTED);
	sleep_ms(SILENCE);
	back_set_state(&back, XB_CLOSED);
	expect(io_end(child, PATIENCE) == IO_ERROR,
	       "a request does not end with its backend");
	expect(back_wait(&back, STATE(XB_CLOSED)), "the frontend is in state %u",
	       back_peer(&back));
}

/* The backend goes through states while the disk is in use. */
static void cycles(void)
{
	unsigned int i;

	reach(XB_CONNECTED);
	for (i = 0; i < peer_times(100, 5000); i++) {
		back_set_state(&back, XB_RECONFIGURING);
		back_set_state(&back, XB_RECONFIGURED);
		back_set_state(&back, XB_CONNECTED);
	}
	sleep_ms(SILENCE);
	expect(io_run(&back, &(struct io_try){ .bytes = 4096 }, PATIENCE) !=
	       IO_STUCK, "stuck");
}

/* Closed and back to InitWait, many times: the frontend follows or stays. */
static void connect_toggle(void)
{
	static const unsigned int states[] = {
		XB_INITWAIT, XB_CONNECTED, XB_CLOSING, XB_CLOSED,
	};
	unsigned int i;

	back_create(&back, NULL);
	for (i = 0; i < peer_times(200, 10000) * ARRAY_SIZE(states); i++)
		back_set_state(&back, states[i % ARRAY_SIZE(states)]);
	store_put(back.dir, "online", "0");
	back_set_state(&back, XB_CLOSING);
	expect(back_wait(&back, STATE(XB_CLOSED)), "state %u",
	       back_peer(&back));
}

static void remove_and_add(void)
{
	struct back_cfg cfg = { .id = BACK_ID(7), .flush = true };
	unsigned int i;

	for (i = 0; i < peer_times(20, 500); i++) {
		back_start(&back, &cfg);
		if (i % 4 == 0)
			back_expect_works(&back, "added again");
		back_finish(&back);
	}
}

/* Killed: its mappings and channels are gone, its nodes stay. */
static void killed(void)
{
	struct back_cfg cfg = { .id = BACK_ID(9), .flush = true };
	struct io_try io = { .write = true, .bytes = 16384 };
	unsigned int when;
	pid_t pid;

	for (when = 0; when < 3; when++) {
		pid = fork();
		if (!pid) {
			back_create(&back, &cfg);
			if (when && back_attach(&back)) {
				back_serve(&back);
				back_publish(&back);
			}
			if (when == 2 && back_find_disk(&back, PATIENCE)) {
				back_hook(&back, swallow, NULL);
				io_begin(&back, &io);
			}
			for (;;)
				pause();
		}
		sleep_ms(500);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		sleep_ms(SILENCE);
		back_sweep();
	}
}

const struct peer_case blkfront_state[] = {
	{ "back-state-from-initwait", from_initwait, 200, 0 },
	{ "back-state-from-initialised", from_initialised, 200, 0 },
	{ "back-state-from-connected", from_connected, 200, 0 },
	{ "back-state-from-closing", from_closing, 200, 0 },
	{ "back-state-from-closed", from_closed, 200, 0 },
	{ "back-state-junk", junk_states, 0, 0 },
	{ "back-closes-at-once", closes_at_once, 0, CASE_MEMORY },
	{ "back-closes-under-load", closes_under_load, 200, 0 },
	{ "back-closes-after-resize", closes_after_resize, 120, 0 },
	{ "back-state-cycles", cycles, 0, 0 },
	{ "back-connect-toggle", connect_toggle, 120, CASE_MEMORY },
	{ "back-remove-and-add", remove_and_add, 120, CASE_MEMORY },
	{ "back-killed", killed, 120, 0 },
	{ 0 },
};
