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
		/* A check has one of the others for each. */
		then = peer_soak() ? 1 : 1 + to * 5 % XB_CLOSED;
		for (; then <= XB_CLOSED;
		     then += peer_soak() ? 1 : XB_CLOSED) {
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

	for (i = 0; i < peer_times(6, 500); i++) {
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

	for (i = 0; i < peer_times(4, 200); i++) {
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

/* The same device, where both ends are Closed: a good backend begins. */
static void begin_anew(void)
{
	back_unmap(&back);
	back_hook(&back, NULL, NULL);
	back_set_state(&back, XB_CLOSED);
	back_set_state(&back, XB_INITWAIT);
	need(back_attach(&back), "no frontend, state %u", back_peer(&back));
	back_serve(&back);
	back_publish(&back);
	need(back_wait(&back, STATE(XB_CONNECTED)), "no new connection, state %u",
	     back_peer(&back));
	need(back_find_disk(&back, PATIENCE), "no new disk");
	back_expect_works(&back, "anew");
	expect(back_close(&back), "no orderly end");
}

/* Return: whether the frontend has sent something. */
static bool asked(void)
{
	uint64_t end = now_ms() + PATIENCE;

	while (!__atomic_load_n(&back.asked, __ATOMIC_RELAXED)) {
		if (now_ms() >= end)
			return false;
		sleep_ms(2);
	}
	return true;
}

/* Connected, and silent while the frontend looks for partitions. */
static void reach_scan(void)
{
	reach(XB_INITIALISED);
	back_hook(&back, swallow, NULL);
	back_publish(&back);
	need(asked(), "nobody looks for partitions");
	sleep_ms(SILENCE);
}

/* Who waits for the partitions hears that the backend has closed. */
static void silent_then_closed(void)
{
	reach_scan();
	back_set_state(&back, XB_CLOSED);
	need(back_wait(&back, STATE(XB_CLOSED)), "the frontend is in state %u",
	     back_peer(&back));
	begin_anew();
}

/*
 * Or closed, and serves again at once, as one that is bound anew: it took up the rings
 * that were given up. The frontend does not stay connected to nothing.
 */
static void silent_then_rebound(void)
{
	unsigned int i, ms;

	for (i = 0; i < peer_times(8, 200); i++) {
		ms = i % 8;
		reach_scan();
		back_set_state(&back, XB_CLOSED);
		usleep(ms * 1000);
		back_set_state(&back, XB_CONNECTED);
		sleep_ms(SILENCE);
		expect(back_peer(&back) != XB_CONNECTED,
		       "%u ms: connected with rings that were given up", ms);
		back_set_state(&back, XB_CLOSED);
		need(back_wait(&back, STATE(XB_CLOSED)),
		     "%u ms: the frontend is in state %u", ms, back_peer(&back));
		back_finish(&back);
	}
}

/* And that it is gone with all that it wrote. */
static void silent_then_removed(void)
{
	struct back_cfg cfg = { .flush = true };

	reach_scan();
	store_rm(back.dir, NULL);
	need(back_wait(&back, STATE(XB_CLOSED)), "the frontend is in state %u",
	     back_peer(&back));
	cfg.id = back.cfg.id;
	expect(back_finish(&back), "the device stays");
	back_start(&back, &cfg);
	back_expect_works(&back, "anew");
	expect(back_close(&back), "no orderly end");
}

/* The toolstack wants the disk to go, but it is open. */
static void ask_to_close(void)
{
	store_put(back.dir, "online", "0");
	back_set_state(&back, XB_CLOSING);
}

static bool refused(void)
{
	char error[PATH_BYTES];
	uint64_t end = now_ms() + PATIENCE;

	snprintf(error, sizeof(error), BACK_ERROR, back.cfg.id);
	while (!store_has_error(error, back.front)) {
		if (now_ms() >= end)
			return false;
		sleep_ms(2);
	}
	return true;
}

static void expect_disk_goes(const char *why)
{
	need(back_wait(&back, STATE(XB_CLOSED)), "%s: the frontend is in state %u",
	     why, back_peer(&back));
	need(wait_gone(back.disk, PATIENCE), "%s: %s stays", why, back.disk);
}

/* An open disk stays, and is served, until it is closed. */
static void closes_when_released(void)
{
	reach(XB_CONNECTED);
	back_expect_works(&back, "before");
	back_verify_here(&back);
	ask_to_close();
	expect(refused(), "nobody says that it is in use");
	back_expect_works(&back, "asked to close");
	expect(back_peer(&back) == XB_CONNECTED, "the frontend is in state %u",
	       back_peer(&back));
	back_release(&back);
	expect_disk_goes("closed");
}

/* Closed at any moment around the refusal: that it may go is not missed. */
static void closes_as_released(void)
{
	unsigned int i;

	for (i = 0; i < peer_times(12, 1000); i++) {
		reach(XB_CONNECTED);
		back_verify_here(&back);
		ask_to_close();
		/* Around the refusal, or when it has been said. */
		if (i & 1)
			need(refused(), "nobody says that it is in use");
		else
			usleep(i * 200);
		back_release(&back);
		expect_disk_goes("closed at once");
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
	for (i = 0; i < peer_times(25, 5000); i++) {
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
	for (i = 0; i < peer_times(40, 10000) * ARRAY_SIZE(states); i++)
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

	for (i = 0; i < peer_times(5, 500); i++) {
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
	{ "back-closes-when-released", closes_when_released, 120, 0 },
	{ "back-closes-as-released", closes_as_released, 200, 0 },
	{ "back-state-silent-then-closed", silent_then_closed, 200, 0 },
	{ "back-state-silent-then-rebound", silent_then_rebound, 200, 0 },
	{ "back-state-silent-then-removed", silent_then_removed, 200, 0 },
	{ "back-state-cycles", cycles, 0, 0 },
	{ "back-connect-toggle", connect_toggle, 120, CASE_MEMORY },
	{ "back-remove-and-add", remove_and_add, 120, CASE_MEMORY },
	{ "back-killed", killed, 120, 0 },
	{ 0 },
};
