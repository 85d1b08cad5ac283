// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests that cannot be: counts, sizes, sectors, operations, and writes to
 * a disk that is read-only.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "blkback.h"
#include "front.h"

static struct front front;

static const struct wire *const wires[] = { &wire_x86_64, &wire_x86_32 };

/* Nothing that we asked for may have changed the length of the image. */
static void expect_image_size(void)
{
	struct stat st;

	expect(!stat(front.image, &st) &&
	       (uint64_t)st.st_size == FRONT_SECTORS * WIRE_SECTOR,
	       "the image's size changed");
}

static void refused(const struct request *rq, const char *why)
{
	front_expect_refused(&front, queue_do(&front.queue[0], rq), why);
	expect_image_size();
}

static void start(const struct wire *wire)
{
	struct front_cfg cfg = { .wire = wire };

	front_start(&front, &cfg);
}

/* Direct requests with as many segments as cannot be. */
static void segment_counts(void)
{
	static const uint8_t count[] = { 0, 12, 13, 32, 127, 128, 254, 255 };
	static const uint8_t op[] = {
		BLKIF_OP_READ, BLKIF_OP_WRITE, BLKIF_OP_WRITE_BARRIER,
	};
	struct request rq;
	unsigned int w, i, o;

	for (w = 0; w < ARRAY_SIZE(wires); w++) {
		start(wires[w]);
		for (o = 0; o < ARRAY_SIZE(op); o++) {
			for (i = 0; i < ARRAY_SIZE(count); i++) {
				request_rw(&front, &rq, op[o], 0, 0, WIRE_SEGS);
				rq.nseg = count[i];
				if (!rq.nseg && rq.op == BLKIF_OP_WRITE_BARRIER)
					continue;	/* may mean a flush */
				refused(&rq, "count of segments");
			}
		}
		front_remove(&front);
	}
}

static unsigned int indirect_limit(void)
{
	return store_num(front.back, "feature-max-indirect-segments", 0);
}

static void indirect_counts(void)
{
	unsigned int count[] = { 0, 0, 4096, 4097, 32768, 65535 };
	struct request rq;
	unsigned int w, i;

	for (w = 0; w < ARRAY_SIZE(wires); w++) {
		start(wires[w]);
		if (!indirect_limit())
			peer_skip("no indirect requests");
		count[1] = indirect_limit() + 1;
		for (i = 0; i < ARRAY_SIZE(count); i++) {
			if (count[i] && count[i] <= indirect_limit())
				continue;
			request_indirect(&front, &rq, BLKIF_OP_READ, 0, 0, 16);
			rq.i_nseg = count[i];
			refused(&rq, "count of indirect segments");
			rq.i_op = BLKIF_OP_WRITE;
			refused(&rq, "count of indirect segments, write");
		}
		front_remove(&front);
	}
}

static void indirect_operations(void)
{
	static const uint8_t op[] = {
		BLKIF_OP_FLUSH_DISKCACHE, BLKIF_OP_RESERVED_1,
		BLKIF_OP_DISCARD, BLKIF_OP_INDIRECT, 7, 100, 255,
	};
	struct request rq;
	unsigned int w, i;

	for (w = 0; w < ARRAY_SIZE(wires); w++) {
		start(wires[w]);
		if (!indirect_limit())
			peer_skip("no indirect requests");
		for (i = 0; i < ARRAY_SIZE(op); i++) {
			request_indirect(&front, &rq, op[i], 0, 0, 16);
			refused(&rq, "indirect operation");
		}
		front_remove(&front);
	}
}

static void unknown_operations(void)
{
	struct request rq;
	unsigned int op;

	start(NULL);
	for (op = 4; op < 256; op++) {
		if (op == BLKIF_OP_DISCARD || op == BLKIF_OP_INDIRECT)
			continue;
		request_rw(&front, &rq, op, 0, 0, 1);
		expect(queue_do(&front.queue[0], &rq), "operation %u: done",
		       op);
	}
	front_expect_works(&front, "after unknown operations");
}

/* Sectors within the page: start after end, end outside. */
static void segment_ranges(void)
{
	static const uint8_t range[][2] = {
		{ 1, 0 }, { 7, 0 }, { 7, 6 }, { 0, 8 }, { 0, 255 }, { 8, 8 },
		{ 255, 255 }, { 255, 0 }, { 128, 127 }, { 8, 7 },
	};
	struct request rq;
	unsigned int i, at;

	start(NULL);
	for (i = 0; i < ARRAY_SIZE(range); i++) {
		for (at = 0; at < WIRE_SEGS; at += 5) {
			request_rw(&front, &rq, BLKIF_OP_READ, 0, 0, WIRE_SEGS);
			rq.seg[at].first = range[i][0];
			rq.seg[at].last = range[i][1];
			refused(&rq, "range of a segment");
			rq.op = BLKIF_OP_WRITE;
			refused(&rq, "range of a segment, write");
		}
	}
}

static void indirect_ranges(void)
{
	static const struct wire_seg bad[] = {
		{ 0, 7, 0 }, { 0, 0, 8 }, { 0, 255, 255 }, { 0, 255, 0 },
	};
	static const unsigned int at[] = { 0, 1, 15, 31 };
	struct wire_seg seg;
	struct request rq;
	unsigned int i, j;

	start(NULL);
	if (indirect_limit() < 32)
		peer_skip("no indirect requests of 32 segments");
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		for (j = 0; j < ARRAY_SIZE(at); j++) {
			request_indirect(&front, &rq, BLKIF_OP_READ, 0, 0, 32);
			seg = bad[i];
			seg.gref = front.data.ref[at[j]];
			front_desc(&front, at[j], &seg);
			refused(&rq, "range of an indirect segment");
		}
	}
}

static const uint64_t bad_sectors[] = {
	FRONT_SECTORS - 7, FRONT_SECTORS, FRONT_SECTORS + 1,
	0x7fffffffull, 0xfffffff8ull, 0xffffffffull, 0x100000000ull,
	1ull << 54, 1ull << 55, (1ull << 55) - 8, 1ull << 62,
	0x7fffffffffffffffull, 1ull << 63, -1ull, -7ull, -8ull, -16ull,
};

static void sectors_past_end(void)
{
	struct request rq;
	unsigned int w, i;

	for (w = 0; w < ARRAY_SIZE(wires); w++) {
		start(wires[w]);
		for (i = 0; i < ARRAY_SIZE(bad_sectors); i++) {
			request_rw(&front, &rq, BLKIF_OP_READ, bad_sectors[i],
				   0, 1);
			refused(&rq, "read past the end");
			rq.op = BLKIF_OP_WRITE;
			refused(&rq, "write past the end");
		}
		/* The first of two segments is still on the disk. */
		request_rw(&front, &rq, BLKIF_OP_WRITE, FRONT_SECTORS - 8, 0, 2);
		refused(&rq, "write across the end");
		request_rw(&front, &rq, BLKIF_OP_READ, FRONT_SECTORS - 8, 0, 1);
		expect(!queue_do(&front.queue[0], &rq), "the last page");
		front_remove(&front);
	}
}

static void indirect_past_end(void)
{
	struct request rq;
	unsigned int i;

	start(NULL);
	if (indirect_limit() < 32)
		peer_skip("no indirect requests of 32 segments");
	for (i = 0; i < ARRAY_SIZE(bad_sectors); i++) {
		request_indirect(&front, &rq, BLKIF_OP_WRITE, bad_sectors[i],
				 0, 32);
		refused(&rq, "indirect past the end");
	}
	request_indirect(&front, &rq, BLKIF_OP_WRITE, FRONT_SECTORS - 31 * 8,
			 0, 32);
	refused(&rq, "indirect across the end");
}

static void discards(void)
{
	static const uint64_t range[][2] = {
		{ 0, FRONT_SECTORS + 1 }, { FRONT_SECTORS, 1 },
		{ FRONT_SECTORS - 1, 2 }, { 8, -1ull }, { -8ull, 8 },
		{ -8ull, 16 }, { 1ull << 63, 1ull << 63 }, { 0, 1ull << 55 },
		{ 1ull << 55, 1 }, { 0, 1ull << 63 }, { 0xffffffff, 1 },
		{ 1, 0xffffffff }, { 1, 0x100000000ull },
	};
	struct request rq = { .op = BLKIF_OP_DISCARD, .id = 3 };
	unsigned int w, i;

	for (w = 0; w < ARRAY_SIZE(wires); w++) {
		start(wires[w]);
		for (i = 0; i < ARRAY_SIZE(range); i++) {
			rq.sector = range[i][0];
			rq.nr_sectors = range[i][1];
			refused(&rq, "discard");
		}
		front_remove(&front);
	}
}

/* Nothing to discard, flags that mean nothing, secure when not offered. */
static void discard_flags(void)
{
	struct request rq = { .op = BLKIF_OP_DISCARD, .id = 3 };
	unsigned int flag;

	start(NULL);
	rq.sector = 8;
	expect(queue_do(&front.queue[0], &rq) != NO_ANSWER, "no answer");
	rq.nr_sectors = 8;
	for (flag = 1; flag < 256; flag++) {
		rq.nseg = flag;
		expect(queue_do(&front.queue[0], &rq) != NO_ANSWER,
		       "flag %u: no answer", flag);
	}
	front_expect_works(&front, "after odd discards");
}

/* The device number in a request is not what selects the device. */
static void odd_handles(void)
{
	static const uint16_t handle[] = { 0, 1, 0x7fff, 0xffff };
	struct request rq;
	unsigned int i;

	start(NULL);
	for (i = 0; i < ARRAY_SIZE(handle); i++) {
		request_rw(&front, &rq, BLKIF_OP_READ, 0, 0, 1);
		rq.handle = handle[i];
		expect(queue_do(&front.queue[0], &rq) != NO_ANSWER,
		       "no answer");
	}
	front_expect_works(&front, "after odd handles");
}

static unsigned int image_nonzero(void)
{
	static uint8_t buf[1 << 20];
	unsigned int nr = 0, i;
	size_t n;
	FILE *file = fopen(front.image, "r");

	need(file, "no image");
	while ((n = fread(buf, 1, sizeof(buf), file)))
		for (i = 0; i < n; i++)
			nr += !!buf[i];
	fclose(file);
	return nr;
}

/* Whatever a frontend sends to a read-only disk, its content stays. */
static void readonly(void)
{
	static const uint8_t op[] = {
		BLKIF_OP_WRITE, BLKIF_OP_WRITE_BARRIER,
	};
	struct front_cfg cfg = { .readonly = true };
	struct front_queue *q = &front.queue[0];
	struct request rq;
	unsigned int i, nseg;

	front_start(&front, &cfg);
	expect(store_num(front.back, "info", 0) & VDISK_READONLY,
	       "the disk does not say that it is read-only");
	fill(front.data.addr, 32 * WIRE_PAGE, 1);
	for (i = 0; i < ARRAY_SIZE(op); i++) {
		for (nseg = 1; nseg <= WIRE_SEGS; nseg += 5)
			expect(front_rw(q, op[i], 8, 0, nseg), "write: done");
		expect(front_rw(q, op[i], 8, 0, 24), "indirect write: done");
	}
	memset(&rq, 0, sizeof(rq));
	rq.op = BLKIF_OP_DISCARD;
	rq.nr_sectors = 64;
	expect(queue_do(q, &rq), "discard: done");
	rq.nseg = BLKIF_DISCARD_SECURE;
	expect(queue_do(q, &rq), "secure discard: done");
	expect(front_flush(q) != NO_ANSWER, "flush: no answer");
	expect(!front_rw(q, BLKIF_OP_READ, 8, 0, 4), "read");
	expect(!image_nonzero(), "the disk was written");
	expect(!front_is_broken(&front) || front_broken_lines(&front) == 1,
	       "no clear line");
}

/* Many random requests; the answer does not matter, an answer does. */
static void random_requests(void)
{
	struct front_queue *q = &front.queue[0];
	unsigned int i, rounds = peer_times(1500, 100000);
	struct front_cfg cfg = { .id = 0 };
	uint8_t *slot;
	struct request rq;

	front_start(&front, &cfg);
	for (i = 0; i < rounds; i++) {
		request_rw(&front, &rq, noise() % 8, noise() % 4096, i, 3);
		slot = queue_put(q, &rq);
		slot[noise() % front.wire->entry] = noise();
		slot[noise() % front.wire->entry] = noise();
		queue_push(q);
		if (q->req_prod - q->rsp_cons == q->size &&
		    queue_drain(q, q->size) == 0 && front_is_broken(&front))
			break;
	}
	while (q->rsp_cons != q->req_prod && !front_is_broken(&front))
		queue_drain(q, 1);
	expect_image_size();
	if (front_is_broken(&front))
		front_expect_broken(&front, "random requests");
	else
		front_expect_works(&front, "after random requests");
}

const struct peer_case blkback_request[] = {
	{ "request-segment-counts", segment_counts, 0, 0 },
	{ "request-indirect-counts", indirect_counts, 0, 0 },
	{ "request-indirect-operations", indirect_operations, 0, 0 },
	{ "request-unknown-operations", unknown_operations, 0, 0 },
	{ "request-segment-ranges", segment_ranges, 0, 0 },
	{ "request-indirect-ranges", indirect_ranges, 0, 0 },
	{ "request-sectors-past-end", sectors_past_end, 0, 0 },
	{ "request-indirect-past-end", indirect_past_end, 0, 0 },
	{ "request-discard-ranges", discards, 0, 0 },
	{ "request-discard-flags", discard_flags, 0, 0 },
	{ "request-odd-handles", odd_handles, 0, 0 },
	{ "request-readonly", readonly, 0, 0 },
	{ "request-random", random_requests, 0, CASE_MEMORY },
	{ 0 },
};
