// SPDX-License-Identifier: GPL-2.0-only
/*
 * Frontends in a guest of their own that die: the guest is destroyed, or the
 * process is killed, at any point. The domain must go entirely: it stays in
 * the hypervisor for as long as somebody has a page of it mapped.
 *
 * The guest's part is this program, too: rogue-front -g DIR BACK MODE.
 */
#include <string.h>
#include <unistd.h>

#include "blkback.h"
#include "front.h"

#define PROGRAM		"/lab/rogue-front"
#define BAD_REF		0x7ffffff0u

static struct front front;

/* in the guest */

static void guest_load(struct front *f, bool mixed)
{
	struct request rq;
	unsigned int i;

	for (;;) {
		for (i = 0; i < 16; i++) {
			request_rw(f, &rq, i & 1 ? BLKIF_OP_WRITE :
				   BLKIF_OP_READ, i * 8, i * 4, 4);
			if (mixed && i % 3 == 0)
				rq.seg[i % 4].gref = BAD_REF;
			queue_put(&f->queue[0], &rq);
		}
		queue_push(&f->queue[0]);
		queue_drain(&f->queue[0], 16);
	}
}

/* MODE: how far to go: wait, offer, idle, load, persistent, mixed. */
int front_in_guest(int argc, char **argv)
{
	const char *mode;
	bool mixed;

	if (argc != 3)
		return 2;
	mode = argv[2];
	front_adopt(&front, argv[0], argv[1]);
	mixed = !strcmp(mode, "mixed");
	front.cfg.persistent = mixed || !strcmp(mode, "persistent");
	if (!strcmp(mode, "wait"))
		pause();
	front_rings(&front);
	front_keys(&front);
	if (!strcmp(mode, "offer")) {
		front_set_state(&front, XB_INITIALISED);
		pause();
	}
	need(front_connect(&front), "no connection");
	front_pages(&front, 64);
	front_expect_works(&front, "in a guest");
	if (!strcmp(mode, "idle"))
		pause();
	guest_load(&front, mixed);
	return 0;
}

/* in dom0 */

static void in_guest(const char *mode, unsigned int wanted)
{
	struct front_cfg cfg = { .id = FRONT_ID(70) };

	cfg.domid = guest_start("-x " PROGRAM);
	front_create(&front, &cfg);
	need(!guest_sh("setsid " PROGRAM " -g %s %s %s >/dev/console 2>&1 &",
		       front.dir, front.back, mode), "no program in the guest");
	need(front_wait(&front, STATE(wanted)), "%s: the backend is in state %u",
	     mode, front_state(&front));
	sleep_ms(500);
}

/* The guest is destroyed. */
static void destroyed(const char *mode, unsigned int wanted)
{
	in_guest(mode, wanted);
	guest_stop();
	front_remove(&front);
	expect(guest_gone(), "%s: the domain does not go", mode);
}

/* The process is killed, and the guest lives on until it is destroyed. */
static void killed(const char *mode)
{
	in_guest(mode, XB_CONNECTED);
	expect(!guest_sh("killall -9 rogue-front"), "not killed");
	sleep_ms(SILENCE);
	front_remove(&front);
}

static void destroyed_waiting(void)
{
	destroyed("wait", XB_INITWAIT);
}

static void destroyed_offering(void)
{
	destroyed("offer", XB_CONNECTED);
}

static void destroyed_idle(void)
{
	destroyed("idle", XB_CONNECTED);
}

static void destroyed_under_load(void)
{
	unsigned int i;

	for (i = 0; i < peer_times(1, 20); i++)
		destroyed("load", XB_CONNECTED);
}

static void destroyed_persistent(void)
{
	destroyed("persistent", XB_CONNECTED);
}

/* Kept pages, and requests of which some segments cannot be mapped. */
static void destroyed_mixed(void)
{
	destroyed("mixed", XB_CONNECTED);
}

static void killed_under_load(void)
{
	killed("load");
}

static void killed_persistent(void)
{
	killed("persistent");
}

const struct peer_case blkback_death[] = {
	{ "death-killed-under-load", killed_under_load, 200, 0 },
	{ "death-killed-persistent", killed_persistent, 200, CASE_LONG },
	{ "death-destroyed-under-load", destroyed_under_load, 200, CASE_LONG },
	{ "death-destroyed-mixed", destroyed_mixed, 200, 0 },
	{ "death-destroyed-offering", destroyed_offering, 200, CASE_LONG },
	{ "death-destroyed-waiting", destroyed_waiting, 200, CASE_LONG },
	{ "death-destroyed-idle", destroyed_idle, 200, CASE_LONG },
	{ "death-destroyed-persistent", destroyed_persistent, 200, CASE_LONG },
	{ 0 },
};
