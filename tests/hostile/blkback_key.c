// SPDX-License-Identifier: GPL-2.0-only
/*
 * Keys in xenstore: every number that a frontend writes, as junk; connections
 * that fail at each step.
 */
#include <stdlib.h>
#include <string.h>

#include "blkback.h"
#include "front.h"

static struct front front;
static char text_long[2048];	/* with its end: as long as a store takes */

/* The first three are tried for each key in a check, too: see peer_turn(). */
static const char *const junk[] = {
	"0", "-1", "", "4294967295", "4294967296", "18446744073709551615",
	"18446744073709551616", "-0", "+1", "0x10", "8 ", " 8", "8\n", "x",
	"1x", "1,1", "1.0", "1e3", "%s%n", "99999999999999999999999999",
	text_long,
};

/* A key, the number that is one too many, and what else the frontend asks. */
struct key {
	const char *name;
	const char *too_many;
	bool number_is_fine;	/* with any, a connection is no fault */
	struct front_cfg cfg;
};

/*
 * The connection is refused, with a reason in xenstore, or the value means
 * something harmless and I/O is good. Whatever came of it, the device goes
 * away in good order and the next one works.
 */
static void try_value(const struct key *key, const char *value)
{
	unsigned int state;

	front_create(&front, &key->cfg);
	front_rings(&front);
	front_keys(&front);
	expect(store_put_raw(front.dir, key->name, value, strlen(value)),
	       "%s=%.40s: the store refuses it", key->name, value);
	front_set_state(&front, XB_INITIALISED);
	expect(front_wait(&front, STATE(XB_CONNECTED) | STATE(XB_CLOSING) |
				  STATE(XB_CLOSED)),
	       "%s=%.40s: state %u", key->name, value, front_state(&front));
	state = front_state(&front);
	if (state == XB_CONNECTED) {
		expect(key->number_is_fine && is_number(value),
		       "%s=%.40s: connected", key->name, value);
		front_set_state(&front, XB_CONNECTED);
		/* The frontend may be on other terms now: it need not work. */
	} else if (state == XB_CLOSING || state == XB_CLOSED) {
		front_expect_closed(&front, key->name);
	}
	front_remove(&front);
}

static void try_key(const struct key *key)
{
	unsigned int i;

	memset(text_long, '7', sizeof(text_long) - 1);
	if (key->too_many)
		try_value(key, key->too_many);
	for (i = 0; i < ARRAY_SIZE(junk); i++)
		if (peer_turn(key->name, i))
			try_value(key, junk[i]);
	front_start(&front, &key->cfg);
	front_expect_works(&front, "with good keys");
	front_close(&front);
	front_remove(&front);
}

static void key_ring_ref(void)
{
	try_key(&(struct key){ .name = "ring-ref" });
}

static void key_ring_ref_last(void)
{
	try_key(&(struct key){ .name = "ring-ref3", .cfg = { .order = 2 } });
}

static void key_event_channel(void)
{
	try_key(&(struct key){ .name = "event-channel",
			       .too_many = "131073" });
}

static void key_ring_page_order(void)
{
	try_key(&(struct key){ .name = "ring-page-order", .too_many = "5",
			       .number_is_fine = true, .cfg = { .order = 1 } });
}

static void key_num_ring_pages(void)
{
	try_key(&(struct key){ .name = "num-ring-pages", .too_many = "17",
			       .number_is_fine = true,
			       .cfg = { .order = 1, .old_keys = true } });
}

static unsigned int max_queues(void)
{
	unsigned int nr;

	front_create(&front, NULL);
	nr = store_num(front.back, "multi-queue-max-queues", 1);
	front_remove(&front);
	return nr < FRONT_QUEUES ? nr : FRONT_QUEUES;
}

static void key_num_queues(void)
{
	char many[16];

	snprintf(many, sizeof(many), "%u", max_queues() + 1);
	try_key(&(struct key){ .name = "multi-queue-num-queues",
			       .too_many = many, .number_is_fine = true });
}

static void try_queue_key(const char *name)
{
	struct key key = { .name = name, .cfg = { .queues = 2 } };

	if (max_queues() < 2)
		peer_skip("one queue only");
	try_key(&key);
}

static void key_queue_ring_ref(void)
{
	try_queue_key("queue-1/ring-ref");
}

static void key_queue_event_channel(void)
{
	try_queue_key("queue-1/event-channel");
}

static void key_persistent(void)
{
	try_key(&(struct key){ .name = "feature-persistent",
			       .number_is_fine = true });
}

static void key_large_sector(void)
{
	try_key(&(struct key){ .name = "feature-large-sector-size",
			       .number_is_fine = true });
}

#define NULL_BLK	"/sys/kernel/config/nullb/nullb7"

static void null_remove(void *arg)
{
	(void)arg;
	shell("rmdir " NULL_BLK);
}

/* A disk in memory with large sectors. */
static void null_make(void)
{
	static int null;

	peer_at_end(null_remove, &null);
	need(!shell("modprobe null_blk nr_devices=0; mountpoint -q /sys/kernel/config || "
		    "mount -t configfs none /sys/kernel/config; mkdir " NULL_BLK
		    " && cd " NULL_BLK " && echo 1 >memory_backed && echo 4096 >blocksize && "
		    "echo 16 >size && echo 1 >power && udevadm settle"),
	     "no disk with large sectors");
}

/*
 * A frontend that counts in the disk's sectors would write to other places than
 * it means to, where those are large. Others are served.
 */
static void large_sector_refused(void)
{
	struct front_cfg cfg = { .phy = "/dev/nullb7" };

	null_make();
	front_start(&front, &cfg);
	front_expect_works(&front, "sectors of 4096 bytes");
	expect(front_close(&front), "no orderly end");
	front_remove(&front);
	front_create(&front, &cfg);
	front_rings(&front);
	front_keys(&front);
	store_put(front.dir, "feature-large-sector-size", "1");
	expect(!front_connect(&front), "connected");
	front_expect_closed(&front, "large sectors");
	front_remove(&front);
}

static void key_protocol(void)
{
	try_key(&(struct key){ .name = "protocol" });
}

/* More queues than offered, and keys for each of them. */
static void too_many_queues(void)
{
	struct front_cfg cfg = { .id = 0 };

	cfg.queues = max_queues() + 1;
	if (cfg.queues > FRONT_QUEUES)
		peer_skip("as many queues as we can make are allowed");
	front_create(&front, &cfg);
	front_rings(&front);
	front_keys(&front);
	expect(!front_connect(&front), "connected with too many queues");
	front_expect_closed(&front, "too many queues");
}

/* A key is missing. */
static void missing(const struct front_cfg *cfg, const char *key)
{
	front_create(&front, cfg);
	front_rings(&front);
	front_keys(&front);
	store_rm(front.dir, key);
	expect(!front_connect(&front), "connected without %s", key);
	if (front_is_broken(&front))
		front_expect_closed(&front, key);
	front_remove(&front);
}

static void missing_keys(void)
{
	struct front_cfg plain = { .id = 0 };
	struct front_cfg order = { .order = 2 };
	struct front_cfg queues = { .queues = max_queues() };

	missing(&plain, "ring-ref");
	missing(&plain, "event-channel");
	missing(&order, "ring-ref0");
	missing(&order, "ring-ref2");
	missing(&order, "ring-ref3");
	if (queues.queues < 2)
		return;
	missing(&queues, "queue-1/ring-ref");
	missing(&queues, "queue-1/event-channel");
	missing(&queues, "queue-0");
}

/*
 * The step of connecting named by the key fails, because what it names is not
 * ours to give. Then a good connection on the same device, if the backend
 * allows one after an orderly end; in any case on a new one.
 */
static void failing_step(const struct front_cfg *cfg, const char *key,
			 const char *value)
{
	front_create(&front, cfg);
	front_rings(&front);
	front_keys(&front);
	store_put(front.dir, key, "%s", value);
	expect(!front_connect(&front), "%s=%s: connected", key, value);
	front_expect_closed(&front, key);
	front_set_state(&front, XB_CLOSED);
	if (!front_wait(&front, STATE(XB_CLOSED))) {
		expect(false, "%s: no Closed after Closed", key);
	} else if (front_reset(&front)) {
		front_rings(&front);
		front_keys(&front);
		if (front_connect(&front)) {
			front_pages(&front, 64);
			front_expect_works(&front, "second try");
		}
	}
	front_remove(&front);
}

static void failing_steps(void)
{
	struct front_cfg cfg = { .order = 2 };
	char key[64];
	unsigned int q, i;

	cfg.queues = max_queues();
	if (cfg.queues > 4)
		cfg.queues = 4;
	for (q = 0; q < cfg.queues; q++) {
		for (i = 0; i < 4; i++) {
			snprintf(key, sizeof(key), cfg.queues > 1 ?
				 "queue-%u/ring-ref%u" : "%.0uring-ref%u",
				 q, i);
			failing_step(&cfg, key, "2147483632");
		}
		snprintf(key, sizeof(key), cfg.queues > 1 ?
			 "queue-%u/event-channel" : "%.0uevent-channel", q);
		failing_step(&cfg, key, "3000");
	}
}

/* The same page for every page of the ring, and the same channel twice. */
static void same_page_and_channel(void)
{
	struct front_cfg cfg = { .order = 2 };
	unsigned int i;
	char key[32];

	front_create(&front, &cfg);
	front_rings(&front);
	front_keys(&front);
	for (i = 0; i < 4; i++) {
		snprintf(key, sizeof(key), "ring-ref%u", i);
		store_put(front.dir, key, "%u", front.queue[0].shared.ref[0]);
	}
	front_connect(&front);
	queue_kick(&front.queue[0]);
	sleep_ms(SILENCE);
	front_remove(&front);
	cfg.order = 0;
	cfg.queues = 2;
	if (max_queues() < 2)
		return;
	front_create(&front, &cfg);
	front_rings(&front);
	front_keys(&front);
	store_put(front.dir, "queue-1/event-channel", "%u",
		  front.queue[0].port);
	expect(!front_connect(&front), "connected with one channel for two");
	front_expect_closed(&front, "one channel for two");
}

/* The frontend's directory and its link are not what they should be. */
static void odd_links(void)
{
	static const char *const link[] = {
		"", "/", "nowhere", "/local/domain/0/nowhere", "../../..",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(link); i++) {
		front_start(&front, NULL);
		store_put(front.back, "frontend", "%s", link[i]);
		store_put(front.back, "frontend-id", "junk");
		front_set_state(&front, XB_CLOSING);
		sleep_ms(20);
		front_remove(&front);
	}
}

const struct peer_case blkback_key[] = {
	{ "key-ring-ref", key_ring_ref, 0, 0 },
	{ "key-ring-ref-of-order-2", key_ring_ref_last, 0, 0 },
	{ "key-event-channel", key_event_channel, 0, 0 },
	{ "key-ring-page-order", key_ring_page_order, 0, 0 },
	{ "key-num-ring-pages", key_num_ring_pages, 0, 0 },
	{ "key-multi-queue-num-queues", key_num_queues, 0, 0 },
	{ "key-queue-ring-ref", key_queue_ring_ref, 0, 0 },
	{ "key-queue-event-channel", key_queue_event_channel, 0, 0 },
	{ "key-feature-persistent", key_persistent, 0, 0 },
	{ "key-feature-large-sector-size", key_large_sector, 0, 0 },
	{ "key-large-sector-refused", large_sector_refused, 0, 0 },
	{ "key-protocol", key_protocol, 0, 0 },
	{ "key-too-many-queues", too_many_queues, 0, 0 },
	{ "key-missing", missing_keys, 0, 0 },
	{ "connect-each-step-fails", failing_steps, 0, CASE_MEMORY },
	{ "connect-same-page-and-channel", same_page_and_channel, 0, 0 },
	{ "connect-odd-links", odd_links, 0, 0 },
	{ 0 },
};
