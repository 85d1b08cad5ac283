// SPDX-License-Identifier: GPL-2.0-only
/*
 * Another CPU changes a field all the time while the frontend reads it: each
 * field of a response, and the ring's indices.
 *
 * To be run with real concurrency (two CPUs, each on its own thread).
 */
#include "back.h"
#include "blkfront.h"
#include "flip.h"

#define FLIPS		100000ull
#define REQUESTS	500u
#define FLIP_MS		4000

static struct back back;

/*
 * I/O goes on until there were enough flips or the disk was given up. An
 * answer may well be lost here, since what is flipped are requests, too.
 */
static void load(struct disturber *d)
{
	uint64_t end = now_ms() + FLIP_MS;
	struct io_try io = { .write = true, .bytes = 4096, .times = 50 };

	while ((__atomic_load_n(&d->rounds, __ATOMIC_RELAXED) < FLIPS ||
		back.asked < REQUESTS) &&
	       back_peer(&back) == XB_CONNECTED && now_ms() < end) {
		io.write = !io.write;
		if (io_run(&back, &io, 1000) == IO_STUCK)
			break;
	}
}

static void one_life(struct flip *flip)
{
	static struct disturber d;
	uint64_t flips;

	disturb(&d, flip_all, flip);
	load(&d);
	flips = disturb_end(&d) * flip->nr;
	peer_note("%llu flips, %llu requests%s", (unsigned long long)flips,
		  (unsigned long long)back.asked,
		  back_peer(&back) == XB_CONNECTED ? "" : ", then broken");
	if (back_peer(&back) != XB_CONNECTED)
		back_expect_broken(&back, "flipped");
	back_finish(&back);
}

/* A field of each slot. Most lives are short. */
static void flip_slot(unsigned int offset, unsigned int bytes, uint64_t a,
		      uint64_t b)
{
	struct back_queue *q = &back.queue[0];
	struct flip flip;
	unsigned int i;

	for (i = 0; i < peer_times(3, 200); i++) {
		back_start(&back, &(struct back_cfg){ .flush = true });
		flip = flip_slots(&wire_x86_64, q->ring, q->size, offset, bytes,
				  a, b);
		one_life(&flip);
	}
}

static void flip_header(unsigned int offset, uint32_t a, uint32_t b)
{
	struct flip flip;
	unsigned int i;

	for (i = 0; i < peer_times(2, 100); i++) {
		back_start(&back, &(struct back_cfg){ .flush = true });
		flip = flip_index(back.queue[0].ring, offset, a, b);
		one_life(&flip);
	}
}

static void flip_id(void)
{
	flip_slot(WIRE_RSP_ID, 8, 0, ~0ull);
}

static void flip_id_low(void)
{
	flip_slot(WIRE_RSP_ID, 1, 0, 31);
}

static void flip_op(void)
{
	flip_slot(WIRE_RSP_OP, 1, BLKIF_OP_READ, BLKIF_OP_WRITE);
}

static void flip_status(void)
{
	flip_slot(WIRE_RSP_STATUS, 2, 0, 0x7fff);
}

static void flip_producer(void)
{
	flip_header(WIRE_RSP_PROD, 0, 0x40000000);
}

static void flip_req_event(void)
{
	flip_header(WIRE_REQ_EVENT, 0, 0x80000000);
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
