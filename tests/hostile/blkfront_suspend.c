// SPDX-License-Identifier: GPL-2.0-only
/*
 * Backends of a guest's disk that misbehave when the guest is suspended or
 * destroyed: the frontend is built into that guest's kernel.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "back.h"
#include "blkfront.h"

#define GUEST	"hostile"
#define IMAGE	"/tmp/hostile.save"

static struct back back;

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

static void guest_stop(void *arg)
{
	(void)arg;
	shell("guest stop " GUEST "; rm -f " IMAGE);
}

static enum verdict swallow(struct back *b, struct ask *ask)
{
	(void)b;
	(void)ask;
	return SWALLOW;
}

/* A guest whose disk xvdb is ours. */
static void guest_start(void)
{
	struct back_cfg cfg = { .id = BACK_ID(1), .flush = true };
	static int cleanup;
	char text[32] = "";
	FILE *p;

	peer_at_end(guest_stop, &cleanup);
	need(!shell("guest start -n " GUEST " -m 64 -k builtin"), "no guest");
	p = popen("xl domid " GUEST, "r");
	need(p && fgets(text, sizeof(text), p), "no domain id");
	pclose(p);
	cfg.domid = atoi(text);
	back_create(&back, &cfg);
	need(back_attach(&back), "no frontend, state %u", back_peer(&back));
	back_serve(&back);
	back_publish(&back);
	need(back_wait(&back, STATE(XB_CONNECTED)), "the frontend is in state %u",
	     back_peer(&back));
	need(!shell("guest sh " GUEST
		    " 'for i in 1 2 3 4 5 6 7 8 9; do [ -b /dev/xvdb ] && break; sleep 1; done; dd if=/dev/xvdb of=/dev/null bs=64k count=8 2>/dev/null'"),
	     "no good I/O in the guest");
}

static void post_io(void)
{
	need(!shell("guest sh " GUEST
		    " 'dd if=/dev/xvdb of=/dev/null bs=4k count=64 skip=512 iflag=direct >/dev/null 2>&1 &'"),
	     "no I/O in the guest");
	sleep_ms(200);
}

/* No answer ever, and the guest is saved: that ends, in time. */
static void silent_at_save(void)
{
	guest_start();
	back_hook(&back, swallow, NULL);
	post_io();
	expect(!shell("timeout 200 xl save " GUEST " " IMAGE " >/dev/null"),
	       "the guest was not saved");
}

/* The same, and the guest goes on where it was: its disk works again. */
static void silent_at_checkpoint(void)
{
	guest_start();
	back_hook(&back, swallow, NULL);
	post_io();
	expect(!shell("timeout 200 xl save -c " GUEST " " IMAGE " >/dev/null"),
	       "the guest was not saved");
	back_hook(&back, NULL, NULL);
	expect(!shell("guest sh " GUEST " 'echo alive >/dev/null'"),
	       "the guest does not answer");
}

/* Closed at once when the guest comes back. */
static void closes_at_restore(void)
{
	guest_start();
	expect(!shell("timeout 200 xl save " GUEST " " IMAGE " >/dev/null"),
	       "the guest was not saved");
	back_set_state(&back, XB_CLOSED);
	expect(!shell("timeout 200 xl restore " IMAGE " >/dev/null"),
	       "the guest was not restored");
	expect(!shell("guest sh " GUEST " 'echo alive >/dev/null'"),
	       "the guest does not answer");
}

/* The guest is destroyed while we keep everything mapped and answer nothing. */
static void destroyed(void)
{
	guest_start();
	back_hook(&back, swallow, NULL);
	post_io();
	expect(!shell("timeout 100 xl destroy " GUEST), "not destroyed");
	back_finish(&back);
	sleep_ms(1000);
	expect(!shell("[ $(xl list 2>/dev/null | wc -l) -eq 2 ]"),
	       "the domain does not go");
}

const struct peer_case blkfront_suspend[] = {
	{ "back-suspend-silent-at-save", silent_at_save, 400, 0 },
	{ "back-suspend-silent-at-checkpoint", silent_at_checkpoint, 400, 0 },
	{ "back-suspend-closes-at-restore", closes_at_restore, 400, 0 },
	{ "back-suspend-destroyed", destroyed, 400, 0 },
	{ 0 },
};
