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
#define FLIP_MS		8000

static struct back back;

static void start(void)
{
	back_start(&back, &(struct back_cfg){ .flush = true });
}

static struct flip slots(unsigned int offset, unsigned int bytes, uint64_t a,
			 uint64_t b)
{
	struct back_queue *q = &back.queue[0];

	return flip_slots(&wire_x86_64, q->ring, q->size, offset, bytes, a, b);
}

/*
 * I/O goes on until there were enough flips or the disk was given up. An
 * answer may well be lost here, since what is flipped are requests, too.
 */
static void run_flip(struct flip flip)
{
	uint64_t end = now_ms() + FLIP_MS * (peer_soak() ? 20 : 1), flips;
	struct io_try io = { .write = true, .bytes = 65536 };
	static struct disturber d;

	disturb(&d, flip_all, &flip);
	while (__atomic_load_n(&d.rounds, __ATOMIC_RELAXED) < FLIPS &&
	       back_peer(&back) == XB_CONNECTED && now_ms() < end) {
		io.write = !io.write;
		if (io_run(&back, &io, 1000) == IO_STUCK)
			break;
	}
	flips = disturb_end(&d) * flip.nr;
	peer_note("%llu flips, %llu requests%s", (unsigned long long)flips,
		  (unsigned long long)back.asked,
		  back_peer(&back) == XB_CONNECTED ? "" : ", then broken");
	if (back_peer(&back) != XB_CONNECTED)
		back_expect_broken(&back, "flipped");
	back_finish(&back);
}

static void flip_id(void)
{
	start();
	run_flip(slots(WIRE_RSP_ID, 8, 0, ~0ull));
}

static void flip_id_low(void)
{
	start();
	run_flip(slots(WIRE_RSP_ID, 1, 0, 31));
}

static void flip_op(void)
{
	start();
	run_flip(slots(WIRE_RSP_OP, 1, BLKIF_OP_READ, BLKIF_OP_WRITE));
}

static void flip_status(void)
{
	start();
	run_flip(slots(WIRE_RSP_STATUS, 2, 0, 0x7fff));
}

static void flip_producer(void)
{
	start();
	run_flip(flip_index(back.queue[0].ring, WIRE_RSP_PROD, 0, 0x40000000));
}

static void flip_req_event(void)
{
	start();
	run_flip(flip_index(back.queue[0].ring, WIRE_REQ_EVENT, 0, 0x80000000));
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
