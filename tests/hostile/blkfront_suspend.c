// SPDX-License-Identifier: GPL-2.0-only
/*
 * Backends of a guest's disk that misbehave when the guest is suspended or
 * destroyed: the frontend is built into that guest's kernel.
 */
#include <string.h>
#include <unistd.h>

#include "back.h"
#include "blkfront.h"

#define PROGRAM	"/lab/rogue-back"
#define IMAGE	"/tmp/hostile.save"
#define READ	"dd if=/dev/xvdb bs=4k count=64 iflag=direct 2>/dev/null"
#define CONTENT	'A'

static struct back back;

static uint64_t held_id[64];
static uint8_t held_op[64];
static unsigned int nr_held;

static enum verdict hold(struct back *b, struct ask *ask)
{
	if (nr_held == ARRAY_SIZE(held_id))
		return SERVE;
	back_do(b, ask);
	held_id[nr_held] = ask->id;
	held_op[nr_held++] = ask->op;
	return SWALLOW;
}

static void answer_held(void)
{
	pthread_mutex_lock(&back.lock);
	back.cfg.hook = NULL;
	while (nr_held) {
		nr_held--;
		back_answer(&back.queue[0], held_id[nr_held], held_op[nr_held],
			    BLKIF_RSP_OKAY);
	}
	pthread_mutex_unlock(&back.lock);
}

static void connect_guest(void)
{
	need(back_attach(&back), "no frontend, state %u", back_peer(&back));
	back_serve(&back);
	back_publish(&back);
	need(back_wait(&back, STATE(XB_CONNECTED)), "the frontend is in state %u",
	     back_peer(&back));
}

static void expect_good_reads(const char *when)
{
	expect(!guest_sh("i=0; until [ -b /dev/xvdb ] || [ $i -gt 100 ]; do sleep 0.1; i=$((i + 1)); done; "
			 "[ $(" READ " | tr -d A | wc -c) -eq 0 ] && "
			 "[ $(" READ " | wc -c) -eq 262144 ]"),
	       "%s: no good I/O in the guest", when);
}

/* It ends, and the guest answers. */
static void expect_reads_end(const char *when)
{
	expect(!guest_sh(READ " >/dev/null; true"),
	       "%s: I/O in the guest never ends", when);
}

static void create_as(struct back_cfg cfg, unsigned int domid,
		      unsigned int state)
{
	cfg.id = BACK_ID(1);
	cfg.domid = domid;
	cfg.unready = true;
	back_create(&back, &cfg);
	memset(back.memory, CONTENT, BACK_SECTORS * WIRE_SECTOR);
	back_set_state(&back, state);
}

static void create(unsigned int domid, unsigned int state)
{
	create_as((struct back_cfg){ .flush = true }, domid, state);
}

/* A guest whose disk xvdb is ours. */
static void start_as(struct back_cfg cfg)
{
	create_as(cfg, guest_start("-m 64 -k builtin -x " PROGRAM),
		  XB_INITWAIT);
	connect_guest();
	expect_good_reads("at first");
}

static void start(void)
{
	start_as((struct back_cfg){ .flush = true });
}

/*
 * Requests that we do not answer. Whoever posted them can be frozen: a kernel
 * does not suspend while a task sleeps deeply for its I/O, whatever the driver.
 */
static void post(char kind)
{
	uint64_t end = now_ms() + PATIENCE;

	nr_held = 0;
	back_hook(&back, hold, NULL);
	need(!guest_sh(PROGRAM " -%c /dev/xvdb >/dev/null 2>&1 &", kind),
	     "no I/O in the guest");
	while (nr_held < IO_POSTED && now_ms() < end)
		sleep_ms(10);
	expect(nr_held >= IO_POSTED, "%u requests came", nr_held);
}

static void post_io(void)
{
	post('p');
}

static void remove_image(void *arg)
{
	(void)arg;
	unlink(IMAGE);
}

static void save(const char *how)
{
	static int image;

	peer_at_end(remove_image, &image);
	need(!shell("timeout 200 xl save %s hostile " IMAGE " >/dev/null 2>&1",
		    how),
	     "the guest was not saved");
}

/* The guest comes back; what the toolstack does then, and the backend's state. */
static void restore_as(struct back_cfg cfg, unsigned int state)
{
	back_finish(&back);
	need(!shell("timeout 200 xl restore -p " IMAGE " >/dev/null 2>&1"),
	     "the guest was not restored");
	create_as(cfg, guest_domid(), state);
	need(!shell("xl unpause hostile"), "not unpaused");
}

static void restore(unsigned int state)
{
	restore_as((struct back_cfg){ .flush = true }, state);
}

static void expect_posted_io_ends(const char *when)
{
	expect(!guest_sh("while pidof rogue-back >/dev/null; do sleep 0.1; done"),
	       "%s: requests that were out never end", when);
}

/* No answer, and the guest is saved: what was out is sent again afterwards. */
static void silent_at_save(void)
{
	start();
	post_io();
	save("");
	back_finish(&back);
	expect(guest_gone(), "the saved domain does not go");
	restore(XB_INITWAIT);
	connect_guest();
	expect_posted_io_ends("saved");
	expect_good_reads("after a restore");
}

/* How many of each operation came. */
static unsigned int came[BLKIF_OP_INDIRECT + 1];

static enum verdict tally(struct back *b, struct ask *ask)
{
	(void)b;
	if (ask->op <= BLKIF_OP_INDIRECT)
		came[ask->op]++;
	return SERVE;
}

/*
 * What was out went as barriers. Where it goes next nobody knows those, so it
 * goes as writes and is done after a flush.
 */
static void other_operations(void)
{
	start_as((struct back_cfg){ .barrier = true });
	post('w');
	expect(held_op[0] == BLKIF_OP_WRITE_BARRIER,
	       "a durable write was operation %u, not a barrier", held_op[0]);
	save("");
	memset(came, 0, sizeof(came));
	restore_as((struct back_cfg){ .flush = true, .hook = tally },
		   XB_INITWAIT);
	connect_guest();
	expect_posted_io_ends("with other operations");
	expect(!came[BLKIF_OP_WRITE_BARRIER], "%u barriers, of a backend without",
	       came[BLKIF_OP_WRITE_BARRIER]);
	expect(came[BLKIF_OP_WRITE] >= IO_POSTED, "%u writes",
	       came[BLKIF_OP_WRITE]);
	expect(came[BLKIF_OP_FLUSH_DISKCACHE], "no flush");
	expect_good_reads("with other operations");
}

/* The same, and the guest goes on where it was: its disk works again. */
static void silent_at_checkpoint(void)
{
	start();
	post_io();
	save("-c");
	answer_held();
	expect_posted_io_ends("at a checkpoint");
	expect_good_reads("after a checkpoint");
}

/* Closed when the guest comes back, and there again later. */
static void closes_at_restore(void)
{
	start();
	save("");
	restore(XB_CLOSED);
	expect(!guest_sh("true"), "the guest does not answer");
	back_set_state(&back, XB_INITWAIT);
	connect_guest();
	expect_good_reads("after a restore");
}

/* Gone again as soon as the guest has offered its rings anew. */
static void closes_after_restore(void)
{
	start();
	save("");
	restore(XB_INITWAIT);
	need(back_attach(&back), "no frontend, state %u", back_peer(&back));
	back_set_state(&back, XB_CLOSED);
	expect(!guest_sh("true"), "the guest does not answer");
	expect_reads_end("closed after a restore");
}

/*
 * It closes, in good order, before it is connected to what the guest offers: nobody
 * will answer what was out. The device can be had again.
 */
static void closing_after_restore(void)
{
	start();
	post_io();
	save("");
	restore(XB_INITWAIT);
	need(back_attach(&back), "no frontend, state %u", back_peer(&back));
	back_set_state(&back, XB_CLOSING);
	need(back_wait(&back, STATE(XB_CLOSED)), "the frontend is in state %u",
	     back_peer(&back));
	expect_posted_io_ends("closing after a restore");
	expect(!guest_sh("i=0; while [ -e /sys/block/xvdb ]; do sleep 0.1; i=$((i + 1)); [ $i -lt 100 ] || exit 1; done"),
	       "the disk stays");
	back_unmap(&back);
	back_set_state(&back, XB_CLOSED);
	back_set_state(&back, XB_INITWAIT);
	connect_guest();
	expect_good_reads("attached anew");
}

static void expect_durable_writes(const char *when)
{
	expect(!guest_sh("[ \"$(cat /sys/block/xvdb/queue/write_cache)\" = \"write back\" ]"),
	       "%s: no write cache to be flushed", when);
	expect(!guest_sh("dd if=/dev/zero of=/dev/xvdb bs=4k count=1 seek=512 conv=notrunc,fsync 2>/dev/null"),
	       "%s: no write and sync", when);
}

/*
 * What is stacked on a disk looks for a write cache only once, so it always has
 * one: where the guest goes, there may be.
 */
static void cache_appears(void)
{
	memset(came, 0, sizeof(came));
	start_as((struct back_cfg){ .hook = tally });
	expect_durable_writes("without a cache");
	expect(!came[BLKIF_OP_FLUSH_DISKCACHE] && !came[BLKIF_OP_WRITE_BARRIER],
	       "a backend without a cache is told to flush it");
	save("");
	restore_as((struct back_cfg){ .flush = true, .hook = tally },
		   XB_INITWAIT);
	connect_guest();
	expect_good_reads("where there is a cache");
	came[BLKIF_OP_FLUSH_DISKCACHE] = 0;
	expect_durable_writes("where there is a cache");
	expect(came[BLKIF_OP_FLUSH_DISKCACHE], "no flush");
}

/* Connected again, and silent: requests end with the disk. */
static void silent_after_restore(void)
{
	start();
	save("");
	restore(XB_INITWAIT);
	connect_guest();
	expect_good_reads("after a restore");
	post_io();
	expect(!guest_sh("true"), "the guest does not answer");
	back_vanish(&back);
	expect_reads_end("gone after a restore");
}

/* The guest is destroyed while we keep everything mapped and answer nothing. */
static void destroyed(void)
{
	start();
	post_io();
	guest_stop();
	back_finish(&back);
	expect(guest_gone(), "the domain does not go");
}

/* Event channels close while the console's are busy. */
static void remove_under_console_load(void)
{
	unsigned int i;

	start();
	need(!guest_sh("while :; do echo busy; sleep 0.02; done >/dev/console 2>&1 & echo $! >/tmp/busy"),
	     "no load in the guest");
	for (i = 0; i < peer_times(3, 200); i++) {
		expect(back_close(&back), "no orderly end");
		back_finish(&back);
		create(guest_domid(), XB_INITWAIT);
		connect_guest();
	}
	expect_good_reads("under console load");
	guest_sh("kill $(cat /tmp/busy)");
}

const struct peer_case blkfront_suspend[] = {
	{ "back-suspend-silent-at-checkpoint", silent_at_checkpoint, 400,
	  CASE_LONG },
	{ "back-suspend-silent-at-save", silent_at_save, 400, 0 },
	{ "back-suspend-other-operations", other_operations, 400,
	  CASE_LONG },
	{ "back-suspend-closes-at-restore", closes_at_restore, 400, 0 },
	{ "back-suspend-closes-after-restore", closes_after_restore, 400,
	  CASE_LONG },
	{ "back-suspend-closing-after-restore", closing_after_restore, 400,
	  CASE_LONG },
	{ "back-suspend-cache-appears", cache_appears, 400, CASE_LONG },
	{ "back-suspend-silent-after-restore", silent_after_restore, 400,
	  CASE_LONG },
	{ "back-guest-remove-under-console-load", remove_under_console_load,
	  400, 0 },
	{ "back-suspend-destroyed", destroyed, 400, 0 },
	{ 0 },
};
