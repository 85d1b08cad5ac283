// SPDX-License-Identifier: GPL-2.0-only
/*
 * Frontends that behave well, and what of their requests reaches the store: that
 * data is durable is more than that it can be read back.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "blkback.h"
#include "front.h"

#define LOOP_NAME	"loop7"
#define LOOP		"/dev/" LOOP_NAME
#define LOOP_FILE	"/dev/shm/hostile-store.img"
#define MOUNT		"/run/hostile-store"

static struct front front;

static void loop_remove(void *arg)
{
	(void)arg;
	shell("umount " MOUNT " 2>/dev/null; losetup -d " LOOP
	      " 2>/dev/null; rm -f " LOOP_FILE);
}

/* A block device with a write cache, and sectors of @size. */
static void loop_make(unsigned int size)
{
	static int loop;

	peer_at_end(loop_remove, &loop);
	/* udev reads a new disk: not while it is counted what a frontend reads. */
	need(!shell("modprobe -q loop; truncate -s 64M " LOOP_FILE
		    " && losetup -b %u " LOOP " " LOOP_FILE
		    " && udevadm settle", size),
	     "no " LOOP);
}

/* And a file system on it that the images are on. */
static void mount_make(unsigned int size)
{
	loop_make(size);
	need(!shell("mkfs.ext4 -q " LOOP " && mkdir -p " MOUNT " && mount " LOOP
		    " " MOUNT), "no file system");
	setenv("HOSTILE_DIR", MOUNT, 1);
}

/* Of the image of the frontend, for an event's filter. */
static void image_filter(char *filter, unsigned int len)
{
	struct stat st;

	need(!stat(front.image, &st), "%s", front.image);
	snprintf(filter, len, "ino == %lu", (unsigned long)st.st_ino);
}

static int put_barrier(unsigned int nseg)
{
	struct request rq;

	request_rw(&front, &rq, BLKIF_OP_WRITE_BARRIER, 64, 0, nseg);
	return queue_do(&front.queue[0], &rq);
}

/* On a block device, by what the block layer is asked for. */
static void durable_barrier(void)
{
	struct stat st;
	char filter[32];

	loop_make(512);
	need(!stat(LOOP, &st), LOOP);
	front_start(&front, &(struct front_cfg){ .phy = LOOP });
	/* As the kernel has it. */
	snprintf(filter, sizeof(filter), "dev == %u",
		 major(st.st_rdev) << 20 | minor(st.st_rdev));
	trace_begin("block/block_bio_queue", filter);
	need(!front_rw(&front.queue[0], BLKIF_OP_WRITE, 64, 0, 1), "write");
	expect(trace_count(" W"), "a write is not seen");
	expect(!trace_count(" FW"), "a plain write flushes");
	trace_clear();
	need(!put_barrier(1), "barrier");
	expect(trace_count(" FWF"),
	       "a barrier is no write with a flush before it and through the cache");
	trace_clear();
	need(!put_barrier(0), "barrier without data");
	expect(trace_count(" F"), "an empty barrier is no flush");
	trace_clear();
	need(!front_flush(&front.queue[0]), "flush");
	expect(trace_count(" F"), "a flush is none");
	trace_end();
	front_expect_works(&front, "after barriers");
	expect(front_close(&front), "no orderly end");
	front_remove(&front);
}

/* One sector: less than the block that direct I/O wants there. */
static int write_sector(void)
{
	struct request rq;

	request_rw(&front, &rq, BLKIF_OP_WRITE, 65, 0, 1);
	rq.seg[0].last = 0;
	return queue_do(&front.queue[0], &rq);
}

/*
 * On a file, by its file system. What goes through dom0's memory is written
 * through until the frontend flushes, and so it is for the next frontend, of
 * whom nobody knows whether it ever will.
 */
static void durable_reconnect(void)
{
	char filter[48];

	mount_make(4096);
	front_start(&front, NULL);
	image_filter(filter, sizeof(filter));
	trace_begin("ext4/ext4_sync_file_enter", filter);
	need(!write_sector(), "write");
	expect(trace_count("ext4_sync"), "not written through at first");
	need(!front_flush(&front.queue[0]), "flush");
	trace_clear();
	need(!write_sector(), "write");
	expect(!trace_count("ext4_sync"), "written through after a flush");
	need(!put_barrier(1), "barrier");
	expect(trace_count("ext4_sync") > 1, "a barrier does not sync twice");
	need(front_close(&front) && front_reset(&front), "no new beginning");
	front_rings(&front);
	front_keys(&front);
	need(front_connect(&front), "no second connection");
	trace_clear();
	need(!write_sector(), "write");
	expect(trace_count("ext4_sync"),
	       "a new frontend's write is left in memory");
	trace_end();
	expect(front_close(&front), "no orderly end");
	front_remove(&front);
}

/* Field @nr of what the disk has counted: 0 is requests to read. */
static unsigned long stat_field(unsigned int nr)
{
	char text[256], *at = text;
	unsigned long value;

	need(file_read("/sys/block/" LOOP_NAME "/stat", text, sizeof(text)),
	     "no counters of " LOOP);
	do {
		value = strtoul(at, &at, 10);
	} while (nr--);
	return value;
}

/* @nr requests next to each other, told of at once. */
static void expect_merged(unsigned int nr, unsigned int nseg)
{
	unsigned long before = stat_field(0), reads;

	need(front_run(&front.queue[0], BLKIF_OP_READ, nr, nseg) == nr,
	     "reads");
	reads = stat_field(0) - before;
	expect(reads && reads <= nr / 8,
	       "%u requests of %u pages reach the disk as %lu", nr, nseg, reads);
}

/* Frontends that know no indirect requests ask for 44 KiB at a time, or for 4. */
static void merged(void)
{
	loop_make(512);
	front_start(&front, &(struct front_cfg){ .phy = LOOP });
	expect_merged(16, WIRE_SEGS);
	expect_merged(32, 1);
	front_expect_works(&front, "after requests that were merged");
	expect(front_close(&front), "no orderly end");
	front_remove(&front);
}

/* Of an image: by what its file system is asked for, as the disk below merges, too. */
static void expect_joined(uint8_t op, unsigned int nr, unsigned int nseg)
{
	unsigned int calls;

	trace_clear();
	need(front_run(&front.queue[0], op, nr, nseg) == nr, "requests");
	calls = trace_count("iomap_dio_rw_begin");
	expect(calls && calls <= nr / 8,
	       "%u requests of %u pages reach the file as %u", nr, nseg, calls);
}

static void merged_file(void)
{
	const unsigned int nr = 16, bytes = nr * WIRE_SEGS * WIRE_PAGE;
	char filter[48];

	mount_make(512);
	front_create(&front, NULL);
	front_pages(&front, nr * WIRE_SEGS);
	front_rings(&front);
	front_keys(&front);
	need(front_connect(&front), "no connection");
	image_filter(filter, sizeof(filter));
	trace_begin("iomap/iomap_dio_rw_begin", filter);
	fill(front.data.addr, bytes, 7);
	expect_joined(BLKIF_OP_WRITE, nr, WIRE_SEGS);
	memset(front.data.addr, 0, bytes);
	expect_joined(BLKIF_OP_READ, nr, WIRE_SEGS);
	expect(!differs(front.data.addr, bytes, 7), "wrong data");
	expect_joined(BLKIF_OP_READ, 32, 1);
	trace_end();
	front_expect_works(&front, "after requests that were joined");
	expect(front_close(&front), "no orderly end");
	front_remove(&front);
}

/*
 * Somebody wrote to the disk through dom0's cache, and has it open still: what was
 * dirty then must not be stored later, over what the frontend writes.
 */
static void dirty_cache(void)
{
	uint8_t old[WIRE_PAGE];
	int fd;

	loop_make(512);
	fd = open(LOOP, O_RDWR | O_CLOEXEC);
	need(fd >= 0, LOOP);
	fill(old, sizeof(old), 1);
	need(pwrite(fd, old, sizeof(old), 64 * WIRE_SECTOR) == sizeof(old),
	     "no write to " LOOP);
	front_start(&front, &(struct front_cfg){ .phy = LOOP });
	fill(front.data.addr, WIRE_PAGE, 2);
	need(!front_rw(&front.queue[0], BLKIF_OP_WRITE, 64, 0, 1), "write");
	need(!fsync(fd), "fsync of " LOOP);
	close(fd);
	memset(front.data.addr, 0, WIRE_PAGE);
	need(!front_rw(&front.queue[0], BLKIF_OP_READ, 64, 0, 1), "read");
	expect(differs(front.data.addr, WIRE_PAGE, 1),
	       "what was in the cache was stored over the frontend's write");
	expect(!differs(front.data.addr, WIRE_PAGE, 2), "wrong data");
	expect(front_close(&front), "no orderly end");
	front_remove(&front);
}

/* A disk of two halves, each of which can be made to hold all that it is asked for. */
#define HALF		"hostile-half%u"
#define HALVES		"hostile-halves"
#define HALF_SECTORS	(unsigned int)(FRONT_SECTORS / 2)

static void half_hold(unsigned int i)
{
	need(!shell("dmsetup suspend --noflush --nolockfs " HALF, i),
	     "half %u does not hold I/O", i);
}

static void half_go_on(unsigned int i)
{
	need(!shell("dmsetup resume " HALF, i), "half %u stays held", i);
}

/* Before the frontend goes, which waits for the disk. */
static void halves_go_on(void *arg)
{
	(void)arg;
	shell("dmsetup resume " HALF "; dmsetup resume " HALF, 0, 1);
}

static void halves_remove(void *arg)
{
	(void)arg;
	shell("for i in " HALVES " " HALF " " HALF "; do dmsetup remove --retry $i; done",
	      0, 1);
}

static void halves_make(void)
{
	const unsigned int half = HALF_SECTORS;
	static int halves;
	unsigned int i;

	loop_make(512);
	peer_at_end(halves_remove, &halves);
	for (i = 0; i < 2; i++)
		need(!shell("dmsetup create " HALF " --table '0 %u linear " LOOP
			    " %u'", i, half, i * half), "no half");
	need(!shell("printf '0 %u linear /dev/mapper/" HALF " 0\n%u %u linear "
		    "/dev/mapper/" HALF " 0\n' | dmsetup create " HALVES
		    " && udevadm settle", half, 0, half, half, 1), "no disk");
}

/* What the backend has taken from ring @nr, and not answered. */
static unsigned int in_flight(unsigned int nr)
{
	static const char word[] = "in flight ";
	char path[PATH_BYTES + 16], text[2048], queue[16], *at;

	snprintf(path, sizeof(path), "%s/ring", front.debugfs);
	snprintf(queue, sizeof(queue), "queue %u:", nr);
	need(file_read(path, text, sizeof(text)), "no %s", path);
	at = strstr(text, queue);
	at = at ? strstr(at, word) : NULL;
	need(at, "%s does not have ring %u any more", path, nr);
	return strtoul(at + strlen(word), NULL, 10);
}

static bool in_flight_comes_to(unsigned int nr, unsigned int number)
{
	uint64_t end = now_ms() + PATIENCE / 3;

	while (in_flight(nr) != number) {
		if (now_ms() >= end)
			return false;
		sleep_ms(2);
	}
	return true;
}

/* To ring @nr, and to the half that has its number. */
static void put_held(unsigned int nr)
{
	struct request rq;

	request_rw(&front, &rq, BLKIF_OP_WRITE, nr * HALF_SECTORS, nr, 1);
	queue_put(&front.queue[nr], &rq);
	queue_push(&front.queue[nr]);
	need(in_flight_comes_to(nr, 1), "ring %u: the write is not taken", nr);
}

/* A state that lasts for a moment only counts too, so this looks all the time. */
static unsigned int states_seen;

static void states_look(struct disturber *d)
{
	(void)d;
	__atomic_fetch_or(&states_seen, STATE(front_state(&front)),
			  __ATOMIC_RELAXED);
}

/* A write to the attribute returns when all events have been looked at. */
static void expect_waits(const char *when)
{
	const unsigned int done = STATE(XB_INITWAIT) | STATE(XB_CONNECTED) |
				  STATE(XB_CLOSED);
	char path[PATH_BYTES + 16];
	unsigned int seen;

	snprintf(path, sizeof(path), "%s/resize", front.sysfs);
	need(!file_write(path, "1"), "resize");
	sleep_ms(SILENCE);
	seen = __atomic_load_n(&states_seen, __ATOMIC_RELAXED);
	need(seen, "%s: nobody looks", when);
	expect(!(seen & done),
	       "%s: the backend went on with a write in flight: states 0x%x",
	       when, seen);
	expect(in_flight(1) == 1, "%s: no write in flight", when);
}

static void expect_state(unsigned int state)
{
	need(front_wait(&front, STATE(state)), "state %u, not %u",
	     front_state(&front), state);
}

static void expect_answer(unsigned int nr)
{
	struct response rsp;

	need(queue_get(&front.queue[nr], &rsp, PATIENCE / 3),
	     "ring %u: no answer", nr);
	expect(rsp.status == BLKIF_RSP_OKAY, "ring %u: status %d", nr,
	       rsp.status);
}

static void reconnect(void)
{
	front_release_rings(&front);
	front_rings(&front);
	front_keys(&front);
	need(front_connect(&front), "no second connection");
	front_expect_works(&front, "connected again");
	expect(front_close(&front), "no orderly end");
	front_remove(&front);
}

/* A connection with a write held on ring 1, and on ring 0 if @both. */
static void connect_held(bool both)
{
	struct front_cfg cfg = { .phy = "/dev/mapper/" HALVES, .queues = 2 };
	static int held;

	front_start(&front, &cfg);
	peer_at_end(halves_go_on, &held);
	half_hold(0);
	half_hold(1);
	if (both)
		put_held(0);
	put_held(1);
}

static void end_ring_0(bool both)
{
	half_go_on(0);
	if (both)
		expect_answer(0);
	need(in_flight_comes_to(0, 0), "ring 0 does not end");
	expect_waits("ring 0 has ended");
}

/*
 * The frontend closes, and begins anew, while the disk holds a write of ring 1. Ring
 * 0 has nothing in flight, or ends when the frontend is in state @end: that is not the
 * end of the connection.
 */
static void close_in_flight(unsigned int end)
{
	static struct disturber looker;

	connect_held(end);
	front_set_state(&front, XB_CLOSED);
	expect_state(XB_CLOSING);
	states_seen = 0;
	disturb(&looker, states_look, NULL);
	expect_waits("closed");
	if (end != XB_INITIALISING)
		end_ring_0(end);
	front_set_state(&front, XB_INITIALISING);
	expect_state(XB_INITIALISING);
	expect_waits("begins anew");
	if (end == XB_INITIALISING)
		end_ring_0(end);
	disturb_end(&looker);
	half_go_on(1);
	expect_state(XB_INITWAIT);
	expect_answer(1);
	reconnect();
}

static void queue_closed_in_flight(void)
{
	halves_make();
	close_in_flight(XB_CLOSED);
	if (!peer_soak())
		return;
	close_in_flight(0);
	close_in_flight(XB_INITIALISING);
}

/* As a hotplug script writes it. */
static void number_put(dev_t dev)
{
	store_put(front.back, "physical-device", "%x:%x", major(dev),
		  minor(dev));
}

/*
 * The number of another disk while this one is open, as when a disk was taken away by
 * force and the next of its name came at once: what is open is not served as that.
 */
static void other_number(void)
{
	struct stat st;

	loop_make(512);
	need(!stat(LOOP, &st), LOOP);
	front_start(&front, &(struct front_cfg){ .phy = LOOP });
	number_put(st.st_rdev);
	sleep_ms(SILENCE);
	front_expect_works(&front, "with its own number");
	number_put(makedev(1, 3));
	front_expect_closed(&front, "another disk's number");
	front_release_rings(&front);
	front_set_state(&front, XB_CLOSED);
	expect_state(XB_CLOSED);
	need(front_reset(&front), "no InitWait after Closed");
	front_rings(&front);
	front_keys(&front);
	front_set_state(&front, XB_INITIALISED);
	sleep_ms(SILENCE);
	expect(front_state(&front) == XB_INITWAIT, "state %u: served as another disk's",
	       front_state(&front));
	number_put(st.st_rdev);
	expect_state(XB_CONNECTED);
	front_expect_works(&front, "with its own number again");
	expect(front_close(&front), "no orderly end");
	front_remove(&front);
}

const struct peer_case blkback_store[] = {
	{ "good-merged", merged, 0, 0 },
	{ "good-merged-file", merged_file, 0, 0 },
	{ "good-durable-barrier", durable_barrier, 0, 0 },
	{ "good-durable-reconnect", durable_reconnect, 0, 0 },
	{ "good-dirty-cache", dirty_cache, 0, 0 },
	{ "state-other-number", other_number, 0, 0 },
	{ "queue-closed-in-flight", queue_closed_in_flight, 0, 0 },
	{ 0 },
};
