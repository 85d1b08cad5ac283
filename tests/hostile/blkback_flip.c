// SPDX-License-Identifier: GPL-2.0-only
/*
 * Another CPU changes a field all the time while the backend reads it: each
 * field of a request, of a page of descriptors, of the ring. A value that is
 * read twice is sooner or later checked as one and used as the other.
 *
 * To be run with real concurrency (two CPUs, each on its own thread).
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "blkback.h"
#include "flip.h"
#include "front.h"

#define FLIPS	100000ull

static struct front front;

static struct flip slots(unsigned int offset, unsigned int bytes, uint64_t a,
			 uint64_t b)
{
	struct front_queue *q = &front.queue[0];

	return flip_slots(front.wire, q->ring, q->size, offset, bytes, a, b);
}

/*
 * Keep the ring full until there were enough flips. A broken device is a
 * legal end: then begin anew.
 */
static void run_flip(const struct request *rq, struct flip flip)
{
	static struct disturber d;
	struct front_queue *q = &front.queue[0];
	uint64_t flips = 0, requests = 0, end = now_ms() + 20000;
	unsigned int i, n;
	struct stat st;

	disturb(&d, flip_all, &flip);
	while (flips < FLIPS * peer_times(1, 50) || requests < peer_times(100, 5000)) {
		n = q->size - (q->req_prod - q->rsp_cons);
		for (i = 0; i < n; i++)
			queue_put(q, rq);
		queue_push(q);
		if (!queue_drain(q, 1) && front_is_broken(&front))
			break;
		while (*wire_index(q->ring, WIRE_RSP_PROD) != q->rsp_cons)
			q->rsp_cons++;
		requests += n;
		flips = __atomic_load_n(&d.rounds, __ATOMIC_RELAXED) * flip.nr;
		if (now_ms() > end && !peer_soak())
			break;
	}
	flips = disturb_end(&d) * flip.nr;
	peer_note("%llu flips, %llu requests%s", (unsigned long long)flips,
		  (unsigned long long)requests,
		  front_is_broken(&front) ? ", then broken" : "");
	while (q->rsp_cons != q->req_prod && !front_is_broken(&front) &&
	       *wire_index(q->ring, WIRE_RSP_PROD) != q->req_prod)
		if (now_ms() > end + PATIENCE)
			break;
	q->rsp_cons = *wire_index(q->ring, WIRE_RSP_PROD);
	expect(q->rsp_cons == q->req_prod || front_is_broken(&front),
	       "%u requests were not answered", q->req_prod - q->rsp_cons);
	expect(!stat(front.image, &st) &&
	       (uint64_t)st.st_size == FRONT_SECTORS * WIRE_SECTOR,
	       "the image's size changed");
	if (front_is_broken(&front))
		front_expect_broken(&front, "flipped");
	else
		front_expect_works(&front, "after flips");
	front_remove(&front);
}

/* A field of direct requests: in a check of the ABI that is translated, in a soak of both. */
static void flip_direct(uint8_t op, int field, unsigned int bytes, uint64_t a,
			uint64_t b)
{
	static const struct wire *const wires[] = { &wire_x86_32, &wire_x86_64 };
	unsigned int i, offset, nr = peer_soak() ? 2 : 1;
	struct request rq;

	for (i = 0; i < nr; i++) {
		struct front_cfg cfg = { .wire = wires[i] };

		front_start(&front, &cfg);
		request_rw(&front, &rq, op, 0, 0, 3);
		if (field == -1)
			offset = wires[i]->id;
		else if (field == -2)
			offset = wires[i]->sector;
		else if (field <= -100)
			offset = wires[i]->segs - (field + 100);
		else
			offset = field;
		if (bytes == 4)
			b = front.data.ref[9];
		run_flip(&rq, slots(offset, bytes, a, b));
	}
}

#define FIELD_ID	(-1)
#define FIELD_SECTOR	(-2)
#define FIELD_SEG(n)	(-100 - (n))

static void flip_operation(void)
{
	flip_direct(BLKIF_OP_READ, WIRE_OP, 1, BLKIF_OP_READ, 77);
}

static void flip_operation_indirect(void)
{
	flip_direct(BLKIF_OP_READ, WIRE_OP, 1, BLKIF_OP_READ,
		    BLKIF_OP_INDIRECT);
}

static void flip_operation_discard(void)
{
	flip_direct(BLKIF_OP_READ, WIRE_OP, 1, BLKIF_OP_WRITE,
		    BLKIF_OP_DISCARD);
}

static void flip_nr_segments(void)
{
	flip_direct(BLKIF_OP_READ, WIRE_NSEG, 1, 3, 255);
}

static void flip_nr_segments_few(void)
{
	flip_direct(BLKIF_OP_WRITE, WIRE_NSEG, 1, 1, 11);
}

static void flip_handle(void)
{
	flip_direct(BLKIF_OP_READ, WIRE_HANDLE, 2, 0, 0xffff);
}

static void flip_id(void)
{
	flip_direct(BLKIF_OP_READ, FIELD_ID, 8, 1, ~0ull);
}

static void flip_sector(void)
{
	flip_direct(BLKIF_OP_WRITE, FIELD_SECTOR, 8, 0, FRONT_SECTORS - 1);
}

static void flip_sector_high(void)
{
	flip_direct(BLKIF_OP_WRITE, FIELD_SECTOR, 8, 8, ~0ull - 7);
}

static void flip_gref(void)
{
	flip_direct(BLKIF_OP_READ, FIELD_SEG(0), 4, 0x7ffffff0, 0);
}

static void flip_first(void)
{
	flip_direct(BLKIF_OP_READ, FIELD_SEG(4), 1, 0, 8);
}

static void flip_last(void)
{
	flip_direct(BLKIF_OP_WRITE, FIELD_SEG(5), 1, 7, 255);
}

static void flip_discard_length(void)
{
	flip_direct(BLKIF_OP_DISCARD, FIELD_SEG(0), 8, 8, ~0ull);
}

static void flip_discard_flag(void)
{
	flip_direct(BLKIF_OP_DISCARD, WIRE_NSEG, 1, 0, BLKIF_DISCARD_SECURE);
}

static void flip_discard_sector(void)
{
	flip_direct(BLKIF_OP_DISCARD, FIELD_SECTOR, 8, 8, ~0ull - 7);
}

static void flip_discard_id(void)
{
	flip_direct(BLKIF_OP_DISCARD, FIELD_ID, 8, 1, ~0ull);
}

static void flip_discard_handle(void)
{
	flip_direct(BLKIF_OP_DISCARD, WIRE_HANDLE, 2, 0, 0xffff);
}

/* A flush has no segments, and one that has is a write. */
static void flip_flush_segments(void)
{
	flip_direct(BLKIF_OP_FLUSH_DISKCACHE, WIRE_NSEG, 1, 0, 255);
}

static void flip_flush_sector(void)
{
	flip_direct(BLKIF_OP_FLUSH_DISKCACHE, FIELD_SECTOR, 8, 0, ~0ull);
}

static void start_indirect(struct request *rq, uint8_t op)
{
	front_start(&front, NULL);
	if (store_num(front.back, "feature-max-indirect-segments", 0) < 32)
		peer_skip("no indirect requests of 32 segments");
	request_indirect(&front, rq, op, 0, 0, 32);
}

static void flip_indirect_op(void)
{
	struct request rq;

	start_indirect(&rq, BLKIF_OP_READ);
	run_flip(&rq, slots(WIRE_I_OP, 1, BLKIF_OP_READ,
				 BLKIF_OP_INDIRECT));
}

static void flip_indirect_count(void)
{
	struct request rq;

	start_indirect(&rq, BLKIF_OP_READ);
	run_flip(&rq, slots(WIRE_I_NSEG, 2, 32, 65535));
}

static void flip_indirect_count_few(void)
{
	struct request rq;

	start_indirect(&rq, BLKIF_OP_READ);
	run_flip(&rq, slots(WIRE_I_NSEG, 2, 1, 32));
}

static void flip_indirect_sector(void)
{
	struct request rq;

	start_indirect(&rq, BLKIF_OP_WRITE);
	run_flip(&rq, slots(front.wire->sector, 8, 0, FRONT_SECTORS - 8));
}

static void flip_indirect_id(void)
{
	struct request rq;

	start_indirect(&rq, BLKIF_OP_READ);
	run_flip(&rq, slots(front.wire->id, 8, 1, ~0ull));
}

static void flip_indirect_gref(void)
{
	struct request rq;

	start_indirect(&rq, BLKIF_OP_READ);
	run_flip(&rq, slots(front.wire->i_grefs, 4,
				 front.desc.ref[0], 0x7ffffff0));
}

static void flip_indirect_handle(void)
{
	struct request rq;

	start_indirect(&rq, BLKIF_OP_READ);
	run_flip(&rq, slots(front.wire->i_handle, 2, 0, 0xffff));
}

static void flip_desc(unsigned int offset, unsigned int bytes, uint64_t a,
		      uint64_t b)
{
	struct request rq;

	start_indirect(&rq, offset == 5 ? BLKIF_OP_WRITE : BLKIF_OP_READ);
	if (bytes == 4)
		a = front.data.ref[0];
	run_flip(&rq, (struct flip){
		.base = front.desc.addr, .step = WIRE_SEG_BYTES, .nr = 32,
		.offset = offset, .bytes = bytes, .value = { a, b },
	});
}

static void flip_desc_gref(void)
{
	flip_desc(0, 4, 0, 0x7ffffff0);
}

static void flip_desc_first(void)
{
	flip_desc(4, 1, 0, 8);
}

static void flip_desc_last(void)
{
	flip_desc(5, 1, 7, 255);
}

/* The event index moves while the backend decides whether to notify. */
static void flip_rsp_event(void)
{
	struct request rq;

	front_start(&front, NULL);
	request_rw(&front, &rq, BLKIF_OP_READ, 0, 0, 1);
	run_flip(&rq, (struct flip){
		.base = front.queue[0].ring, .nr = 1,
		.offset = WIRE_RSP_EVENT, .bytes = 4,
		.value = { 0, 0x80000000 },
	});
}

/*
 * The producer's index jumps between good and absurd: broken, in the end. Where
 * the backend never looked at a bad moment, which a busy host can bring about,
 * the index stays absurd.
 */
static void flip_req_prod(void)
{
	volatile uint32_t *prod;
	static struct disturber d;
	struct flip flip;
	unsigned int i;

	for (i = 0; i < peer_times(3, 100); i++) {
		front_start(&front, NULL);
		flip = flip_index(front.queue[0].ring, WIRE_REQ_PROD, 0,
				  0x40000000);
		disturb(&d, flip_all, &flip);
		while (!front_is_broken(&front) && d.rounds < 10 * FLIPS)
			queue_kick(&front.queue[0]);
		disturb_end(&d);
		prod = (volatile uint32_t *)(front.queue[0].ring + WIRE_REQ_PROD);
		*prod = 0x40000000;
		queue_kick(&front.queue[0]);
		front_expect_broken(&front, "flipped producer");
		front_remove(&front);
	}
}

/* Data changes while it is written: the write succeeds with either. */
static void flip_data(void)
{
	struct request rq;

	front_start(&front, NULL);
	request_rw(&front, &rq, BLKIF_OP_WRITE, 0, 0, 3);
	run_flip(&rq, (struct flip){
		.base = front.data.addr, .step = 64, .nr = 3 * 64,
		.bytes = 8, .value = { 0, ~0ull },
	});
}

const struct peer_case blkback_flip[] = {
	{ "flip-operation", flip_operation, 120, 0 },
	{ "flip-operation-indirect", flip_operation_indirect, 120, CASE_LONG },
	{ "flip-operation-discard", flip_operation_discard, 120, CASE_LONG },
	{ "flip-nr-segments", flip_nr_segments, 120, 0 },
	{ "flip-nr-segments-few", flip_nr_segments_few, 120, CASE_LONG },
	{ "flip-handle", flip_handle, 120, CASE_LONG },
	{ "flip-id", flip_id, 120, 0 },
	{ "flip-sector", flip_sector, 120, CASE_LONG },
	{ "flip-sector-high", flip_sector_high, 120, 0 },
	{ "flip-gref", flip_gref, 120, 0 },
	{ "flip-first-sector", flip_first, 120, CASE_LONG },
	{ "flip-last-sector", flip_last, 120, CASE_LONG },
	{ "flip-discard-length", flip_discard_length, 120, CASE_LONG },
	{ "flip-discard-flag", flip_discard_flag, 120, CASE_LONG },
	{ "flip-discard-sector", flip_discard_sector, 120, CASE_LONG },
	{ "flip-discard-id", flip_discard_id, 120, CASE_LONG },
	{ "flip-discard-handle", flip_discard_handle, 120, CASE_LONG },
	{ "flip-flush-segments", flip_flush_segments, 120, CASE_LONG },
	{ "flip-flush-sector", flip_flush_sector, 120, CASE_LONG },
	{ "flip-indirect-operation", flip_indirect_op, 120, CASE_LONG },
	{ "flip-indirect-count", flip_indirect_count, 120, 0 },
	{ "flip-indirect-count-few", flip_indirect_count_few, 120, CASE_LONG },
	{ "flip-indirect-sector", flip_indirect_sector, 120, CASE_LONG },
	{ "flip-indirect-id", flip_indirect_id, 120, CASE_LONG },
	{ "flip-indirect-handle", flip_indirect_handle, 120, CASE_LONG },
	{ "flip-indirect-gref", flip_indirect_gref, 120, CASE_LONG },
	{ "flip-descriptor-gref", flip_desc_gref, 120, 0 },
	{ "flip-descriptor-first", flip_desc_first, 120, CASE_LONG },
	{ "flip-descriptor-last", flip_desc_last, 120, 0 },
	{ "flip-response-event", flip_rsp_event, 120, CASE_LONG },
	{ "flip-request-producer", flip_req_prod, 120, 0 },
	{ "flip-data", flip_data, 120, 0 },
	{ 0 },
};
