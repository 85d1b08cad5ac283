// SPDX-License-Identifier: GPL-2.0-only
/*
 * Storms of events and of writes to xenstore, and as many devices as there
 * can be: the others must go on, and dom0's memory must not run out.
 */
#include <stdlib.h>
#include <string.h>

#include "blkback.h"
#include "front.h"

static struct front front;

static void send_events(struct disturber *d)
{
	struct front_queue *q = d->arg;
	unsigned int i;

	for (i = 0; i < 100; i++)
		queue_kick(q);
}

static void event_storm(void)
{
	front_start(&front, NULL);
	bystander_storm(send_events, &front.queue[0], 4);
	front_expect_works(&front, "after a storm of events");
}

/* Events that come while the device is being taken away. */
static void event_storm_disconnect(void)
{
	static struct disturber d;
	unsigned int i;

	for (i = 0; i < peer_times(6, 1000); i++) {
		front_start(&front, NULL);
		disturb(&d, send_events, &front.queue[0]);
		sleep_ms(i % 5);
		if (i & 1)
			expect(front_close(&front), "state %u",
			       front_state(&front));
		else
			expect(front_unplug(&front), "state %u",
			       front_state(&front));
		disturb_end(&d);
		front_remove(&front);
	}
}

static void write_states(struct disturber *d)
{
	struct front *f = d->arg;

	store_put(f->dir, "state", "%u", XB_CONNECTED);
}

/* A write and as many flushes as the ring takes, by a thread that does nothing else. */
static void flood_flushes(struct disturber *d)
{
	static const struct request flush = { .op = BLKIF_OP_FLUSH_DISKCACHE };
	struct front_queue *q = d->arg;
	struct request rq;
	unsigned int i;

	request_rw(q->front, &rq, BLKIF_OP_WRITE, 0, 8, 1);
	queue_put(q, &rq);
	for (i = 1; i < q->size; i++)
		queue_put(q, &flush);
	queue_push(q);
	expect(queue_drain(q, q->size) == q->size, "a flush has failed");
}

/* Reads of another end while the flushes do; neither waits for the other. */
static void flush_storm(void)
{
	static struct disturber d;
	struct front other;
	unsigned int i;

	front_start(&front, NULL);
	front_start(&other, NULL);
	disturb(&d, flood_flushes, &front.queue[0]);
	for (i = 0; i < peer_times(200, 500); i++)
		need(!front_rw(&other.queue[0], BLKIF_OP_READ, i % 512 * 8, 0, 1),
		     "read %u among flushes does not end well", i);
	expect(disturb_end(&d), "no flush ended meanwhile");
	front_remove(&other);
	bystander_storm(flood_flushes, &front.queue[0], 1);
	front_expect_works(&front, "after the flushes");
	expect(front_close(&front), "no orderly end");
	front_remove(&front);
}

/* The same state, over and over. */
static void state_storm(void)
{
	uint64_t before = meminfo("\nMemAvailable:"), after;

	front_start(&front, NULL);
	bystander_storm(write_states, &front, 2);
	after = meminfo("\nMemAvailable:");
	expect(after + 32 * 1024 > before, "memory fell from %llu to %llu KiB",
	       (unsigned long long)before, (unsigned long long)after);
	front_expect_works(&front, "after a storm of states");
	need(front_close(&front), "no orderly end");
}

static void write_changing_states(struct disturber *d)
{
	struct front *f = d->arg;

	store_put(f->dir, "state", "%u", (unsigned int)(noise() % 9));
}

static void write_keys(struct disturber *d)
{
	static const char *const key[] = {
		"ring-ref", "event-channel", "protocol", "feature-persistent",
		"multi-queue-num-queues", "ring-page-order",
	};
	struct front *f = d->arg;

	store_put(f->dir, key[noise() % ARRAY_SIZE(key)], "%u",
		  (unsigned int)(noise() % 16));
}

/* States and keys at random while devices come and go. */
static void random_storm(void)
{
	static struct disturber d[2];
	unsigned int i;

	for (i = 0; i < peer_times(3, 500); i++) {
		front_create(&front, NULL);
		front_rings(&front);
		front_keys(&front);
		disturb(&d[0], write_changing_states, &front);
		disturb(&d[1], write_keys, &front);
		sleep_ms(200);
		disturb_end(&d[0]);
		disturb_end(&d[1]);
		front_set_state(&front, XB_CLOSED);
		sleep_ms(20);
		front_remove(&front);
	}
}

#define MANY	16u

/*
 * As many devices as there are names for, each with all that the host allows:
 * what they cost dom0 is bounded, and is given back.
 */
static void many_devices(void)
{
	static struct front many[MANY];
	struct front_cfg cfg = { .persistent = true };
	uint64_t before, during, each;
	unsigned int i, j, q, own;

	front_create(&front, NULL);
	cfg.queues = store_num(front.back, "multi-queue-max-queues", 1);
	cfg.order = store_num(front.back, "max-ring-page-order", 0);
	front_remove(&front);
	if (cfg.queues > FRONT_QUEUES)
		cfg.queues = FRONT_QUEUES;
	before = meminfo("\nMemAvailable:");
	for (i = 0; i < MANY; i++) {
		front_create(&many[i], &cfg);
		front_rings(&many[i]);
		front_keys(&many[i]);
		need(front_connect(&many[i]), "device %u: no connection", i);
		front_pages(&many[i], 512);
		for (q = 0; q < many[i].nr_queues; q++)
			for (j = 0; j < 512; j += 8)
				expect(!front_rw(&many[i].queue[q],
						 BLKIF_OP_READ, 0, j, 8),
				       "read");
	}
	during = meminfo("\nMemAvailable:");
	each = (before - during) / MANY;
	own = 4 * (512 + WIRE_IPAGES + (cfg.queues << cfg.order));
	peer_note("%u devices of %u rings of %u pages: %llu KiB each, %u of them ours",
		  MANY, cfg.queues, 1 << cfg.order, (unsigned long long)each,
		  own);
	expect(each < own + 1024 * cfg.queues, "that is too much");
	for (i = 0; i < MANY; i++)
		front_expect_works(&many[i], "one of many");
	for (i = 0; i < MANY; i++)
		expect(front_close(&many[i]), "device %u: no orderly end", i);
}

/* A rogue that is broken over and over must not fill the log. */
static void log_storm(void)
{
	unsigned int i, lines, rounds = peer_times(10, 500);

	for (i = 0; i < rounds; i++) {
		front_start(&front, &(struct front_cfg){ .id = FRONT_ID(90) });
		*wire_index(front.queue[0].ring, WIRE_REQ_PROD) = 0x12345678;
		queue_kick(&front.queue[0]);
		need(front_wait(&front, STATE(XB_CLOSING) | STATE(XB_CLOSED)),
		     "state %u", front_state(&front));
		front_remove(&front);
	}
	lines = klog_lines("vbd-0-", "");
	expect(lines <= rounds * 4, "%u lines for %u rogues", lines, rounds);
}

static void bad_offer(const struct front_cfg *cfg)
{
	front_create(&front, cfg);
	front_rings(&front);
	front_keys(&front);
	store_put(front.dir, "ring-ref", "junk");
	expect(!front_connect(&front), "connected with junk");
}

/*
 * Many mistakes of a frontend are a few lines in the log; and the first mistake
 * of another device is a line, however many there were before.
 */
static void bad_key_storm(void)
{
	unsigned int i, lines;
	char name[32];

	bad_offer(NULL);
	for (i = 0; i < peer_times(15, 5000); i++) {
		front_set_state(&front, XB_CLOSED);
		need(front_wait(&front, STATE(XB_CLOSED)), "no Closed");
		front_set_state(&front, XB_INITIALISING);
		need(front_wait(&front, STATE(XB_INITWAIT)), "no InitWait");
		expect(!front_connect(&front), "connected with junk");
	}
	snprintf(name, sizeof(name), "vbd-0-%u", front.cfg.id);
	lines = klog_lines(name, "");
	expect(lines >= 1 && lines <= 12 + i / 50, "%u lines for %u mistakes",
	       lines, i);
	front_remove(&front);
	for (i = 0; i < 10; i++) {
		bad_offer(NULL);
		front_expect_closed(&front, "first mistake");
		front_remove(&front);
	}
}

const struct peer_case blkback_storm[] = {
	{ "storm-of-events", event_storm, 0, CASE_MEMORY },
	{ "storm-of-events-disconnect", event_storm_disconnect, 0, CASE_MEMORY },
	{ "storm-of-flushes", flush_storm, 0, 0 },
	{ "storm-of-states", state_storm, 0, CASE_MEMORY },
	{ "storm-of-random-keys", random_storm, 0, CASE_MEMORY },
	{ "storm-of-log-lines", log_storm, 0, CASE_MEMORY },
	{ "storm-of-bad-keys", bad_key_storm, 0, CASE_MEMORY },
	{ "many-devices", many_devices, 120, CASE_MEMORY },
	{ 0 },
};
