// SPDX-License-Identifier: GPL-2.0-only
/*
 * Frontends in a guest of their own that die: the guest is destroyed, or the
 * process is killed, at any point. The domain must go entirely: it stays in
 * the hypervisor for as long as somebody has a page of it mapped.
 *
 * The guest's part is this program, too: rogue-front -g DIR BACK MODE.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "blkback.h"
#include "front.h"

#define PROGRAM		"/lab/rogue-front"
#define GUEST		"hostile"

static struct front front;

/* in the guest */

static void guest_load(struct front *f)
{
	struct request rq;
	unsigned int i;

	for (;;) {
		for (i = 0; i < 16; i++) {
			request_rw(f, &rq, i & 1 ? BLKIF_OP_WRITE :
				   BLKIF_OP_READ, i * 8, i * 4, 4);
			queue_put(&f->queue[0], &rq);
		}
		queue_push(&f->queue[0]);
		queue_drain(&f->queue[0], 16);
	}
}

/* MODE: how far to go: wait, offer, idle, load, persistent. */
int front_in_guest(int argc, char **argv)
{
	const char *mode;

	if (argc != 3)
		return 2;
	mode = argv[2];
	front_adopt(&front, argv[0], argv[1]);
	front.cfg.persistent = !strcmp(mode, "persistent");
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
	guest_load(&front);
	return 0;
}

/* in dom0 */

static int shell(const char *fmt, ...) PRINTF(1, 2);

static int shell(const char *fmt, ...)
{
	char command[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	fflush(stdout);
	return system(command);
}

static unsigned int guest_start(void)
{
	char text[32] = "";
	FILE *p;

	need(!shell("guest start -n " GUEST " -x " PROGRAM), "no guest");
	p = popen("xl domid " GUEST, "r");
	need(p && fgets(text, sizeof(text), p), "no domain id");
	pclose(p);
	return atoi(text);
}

static void guest_stop(void *arg)
{
	(void)arg;
	shell("guest stop " GUEST);
}

/* No domain is left but this one; one that is dying counts. */
static bool domains_gone(void)
{
	uint64_t end = now_ms() + PATIENCE;

	while (shell("[ $(xl list 2>/dev/null | wc -l) -eq 2 ]")) {
		if (now_ms() >= end) {
			shell("xl list | sed 's/^/# /'");
			return false;
		}
		sleep_ms(100);
	}
	return true;
}

static void dies(const char *mode, unsigned int wanted, bool process_only)
{
	struct front_cfg cfg = { .id = FRONT_ID(70) };
	static int cleanup;

	peer_at_end(guest_stop, &cleanup);
	cfg.domid = guest_start();
	front_create(&front, &cfg);
	need(!shell("guest sh " GUEST " 'setsid " PROGRAM
		    " -g %s %s %s >/dev/console 2>&1 &'",
		    front.dir, front.back, mode), "no program in the guest");
	need(front_wait(&front, STATE(wanted)), "%s: the backend is in state %u",
	     mode, front_state(&front));
	sleep_ms(500);
	if (process_only) {
		expect(!shell("guest sh " GUEST " 'killall -9 rogue-front'"),
		       "not killed");
		sleep_ms(SILENCE);
		front_remove(&front);
		guest_stop(NULL);
	} else {
		expect(!shell("xl destroy " GUEST), "not destroyed");
		front_remove(&front);
	}
	expect(domains_gone(), "%s: the domain does not go", mode);
	peer_forget(&cleanup);
}

static void destroyed_waiting(void)
{
	dies("wait", XB_INITWAIT, false);
}

static void destroyed_offering(void)
{
	dies("offer", XB_CONNECTED, false);
}

static void destroyed_idle(void)
{
	dies("idle", XB_CONNECTED, false);
}

static void destroyed_under_load(void)
{
	unsigned int i;

	for (i = 0; i < peer_times(1, 20); i++)
		dies("load", XB_CONNECTED, false);
}

static void destroyed_persistent(void)
{
	dies("persistent", XB_CONNECTED, false);
}

static void killed_under_load(void)
{
	dies("load", XB_CONNECTED, true);
}

static void killed_persistent(void)
{
	dies("persistent", XB_CONNECTED, true);
}

const struct peer_case blkback_death[] = {
	{ "death-destroyed-waiting", destroyed_waiting, 200, 0 },
	{ "death-destroyed-offering", destroyed_offering, 200, 0 },
	{ "death-destroyed-idle", destroyed_idle, 200, 0 },
	{ "death-destroyed-under-load", destroyed_under_load, 200, 0 },
	{ "death-destroyed-persistent", destroyed_persistent, 200, 0 },
	{ "death-killed-under-load", killed_under_load, 200, 0 },
	{ "death-killed-persistent", killed_persistent, 200, 0 },
	{ 0 },
};
