// SPDX-License-Identifier: GPL-2.0-only
/*
 * Storms from a backend, and bytes that change while the frontend reads them.
 */
#include <stdlib.h>
#include <string.h>

#include "back.h"
#include "blkfront.h"

#define STORM_MS	2000
#define FLIPS		100000ull

static struct back back;

static uint64_t progress(unsigned int ms)
{
	uint64_t from = back_bystander_rounds();

	sleep_ms(ms);
	return back_bystander_rounds() - from;
}

static void send_events(struct disturber *d)
{
	unsigned int i;

	for (i = 0; i < 100; i++)
		back_notify(d->arg);
}

static void write_states(struct disturber *d)
{
	struct back *b = d->arg;

	store_put(b->dir, "state", "%u", XB_CONNECTED);
}

static void write_sizes(struct disturber *d)
{
	struct back *b = d->arg;

	store_put(b->dir, "sectors", "%llu", BACK_SECTORS + d->rounds % 2 * 8);
	store_put(b->dir, "state", "%u", XB_CONNECTED);
}

static void storm(void (*fn)(struct disturber *d), void *arg, unsigned int nr)
{
	static struct disturber d[4];
	uint64_t calm = progress(STORM_MS), during, sent = 0;
	unsigned int i;

	for (i = 0; i < nr; i++)
		disturb(&d[i], fn, arg);
	during = progress(STORM_MS);
	if (peer_soak())
		sleep_ms(60000);
	for (i = 0; i < nr; i++)
		sent += disturb_end(&d[i]);
	peer_note("%llu times; bystander: %llu rounds in calm, %llu in the storm",
		  (unsigned long long)sent, (unsigned long long)calm,
		  (unsigned long long)during);
	expect(during * 25 >= calm, "the bystander starved");
}

static void start(void)
{
	struct back_cfg cfg = { .flush = true };

	back_start(&back, &cfg);
}

static void event_storm(void)
{
	start();
	storm(send_events, &back.queue[0], 4);
	back_expect_works(&back, "after a storm of events");
	expect(back_close(&back), "no orderly end");
}

static void event_storm_disconnect(void)
{
	static struct disturber d;
	unsigned int i;

	for (i = 0; i < peer_times(10, 500); i++) {
		start();
		disturb(&d, send_events, &back.queue[0]);
		sleep_ms(i);
		back_vanish(&back);
		disturb_end(&d);
		back_finish(&back);
	}
}

static void state_storm(void)
{
	start();
	storm(write_states, &back, 2);
	back_expect_works(&back, "after a storm of states");
	expect(back_close(&back), "no orderly end");
}

static void size_storm(void)
{
	start();
	storm(write_sizes, &back, 2);
	back_expect_works(&back, "after a storm of sizes");
	expect(back_close(&back), "no orderly end");
}

const struct peer_case blkfront_storm[] = {
	{ "back-storm-of-events", event_storm, 0, CASE_MEMORY },
	{ "back-storm-of-events-disconnect", event_storm_disconnect, 120,
	  CASE_MEMORY },
	{ "back-storm-of-states", state_storm, 0, CASE_MEMORY },
	{ "back-storm-of-sizes", size_storm, 0, CASE_MEMORY },
	{ 0 },
};

/* A field of the ring's slots or header, and its two values. */
struct flip {
	unsigned int offset;
	unsigned int bytes;
	bool header;
	uint64_t value[2];
};

static void flip_all(struct disturber *d)
{
	const struct flip *flip = d->arg;
	struct back_queue *q = &back.queue[0];
	uint64_t value = flip->value[d->rounds & 1];
	unsigned int i, nr = flip->header ? 1 : q->size;

	for (i = 0; i < nr; i++) {
		volatile uint8_t *at = q->ring + flip->offset;

		if (!flip->header)
			at += WIRE_HEADER + i * wire_x86_64.entry;
		if (flip->bytes == 1)
			*at = value;
		else if (flip->bytes == 2)
			*(volatile uint16_t *)at = value;
		else if (flip->bytes == 4)
			*(volatile uint32_t *)at = value;
		else
			*(volatile uint64_t *)at = value;
	}
}

/* I/O goes on until there were enough flips or the disk was given up. */
static void run_flip(struct flip flip)
{
	static struct disturber d;
	struct io_try io = { .write = true, .bytes = 65536 };
	uint64_t end = now_ms() + 20000;

	start();
	disturb(&d, flip_all, &flip);
	while (__atomic_load_n(&d.rounds, __ATOMIC_RELAXED) < FLIPS &&
	       back_peer(&back) == XB_CONNECTED && now_ms() < end) {
		io.write = !io.write;
		if (io_run(&back, &io, 5000) == IO_STUCK)
			break;	/* its id may never have come back */
	}
	peer_note("%llu flips, %llu requests%s",
		  (unsigned long long)disturb_end(&d),
		  (unsigned long long)back.asked,
		  back_peer(&back) == XB_CONNECTED ? "" : ", then broken");
	if (back_peer(&back) != XB_CONNECTED)
		back_expect_broken(&back, "flipped");
	back_finish(&back);
}

static void flip_id(void)
{
	run_flip((struct flip){ .offset = WIRE_RSP_ID, .bytes = 8,
				.value = { 0, ~0ull } });
}

static void flip_id_low(void)
{
	run_flip((struct flip){ .offset = WIRE_RSP_ID, .bytes = 1,
				.value = { 0, 31 } });
}

static void flip_op(void)
{
	run_flip((struct flip){ .offset = WIRE_RSP_OP, .bytes = 1,
				.value = { BLKIF_OP_READ, BLKIF_OP_WRITE } });
}

static void flip_status(void)
{
	run_flip((struct flip){ .offset = WIRE_RSP_STATUS, .bytes = 2,
				.value = { 0, 0x7fff } });
}

static void flip_producer(void)
{
	run_flip((struct flip){ .offset = WIRE_RSP_PROD, .bytes = 4,
				.header = true, .value = { 0, 0x40000000 } });
}

static void flip_req_event(void)
{
	run_flip((struct flip){ .offset = WIRE_REQ_EVENT, .bytes = 4,
				.header = true, .value = { 0, 0x80000000 } });
}

const struct peer_case blkfront_flip[] = {
	{ "back-flip-id", flip_id, 120, 0 },
	{ "back-flip-id-low", flip_id_low, 120, 0 },
	{ "back-flip-operation", flip_op, 120, 0 },
	{ "back-flip-status", flip_status, 120, 0 },
	{ "back-flip-producer", flip_producer, 120, 0 },
	{ "back-flip-request-event", flip_req_event, 120, 0 },
	{ 0 },
};
