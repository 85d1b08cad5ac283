// SPDX-License-Identifier: GPL-2.0-only
/*
 * Indices of the ring at any value, and the bytes of responses.
 */
#include <stdlib.h>
#include <string.h>

#include "blkback.h"
#include "front.h"

static struct front front;

static void set_index(struct front_queue *q, unsigned int which, uint32_t value)
{
	*wire_index(q->ring, which) = value;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* A producer index that cannot be: @delta from where it should be. */
static void absurd_producer(const struct front_cfg *cfg, uint32_t delta,
			    const char *why)
{
	struct front_queue *q;

	front_start(&front, cfg);
	front_expect_works(&front, "before");
	q = &front.queue[front.nr_queues - 1];
	set_index(q, WIRE_REQ_PROD, q->req_prod + delta);
	queue_kick(q);
	front_expect_broken(&front, why);
	front_remove(&front);
}

static void producer_size_1(void)
{
	struct front_cfg cfg = { .id = 0 };

	absurd_producer(&cfg, 33, "ring size + 1");
	cfg.order = 2;
	absurd_producer(&cfg, 129, "ring size + 1, four pages");
	cfg.wire = &wire_x86_32;
	absurd_producer(&cfg, 129, "ring size + 1, x86_32");
}

static void producer_2g(void)
{
	absurd_producer(NULL, 0x7fffffff, "2^31 - 1 ahead");
}

static void producer_2g_more(void)
{
	absurd_producer(NULL, 0x80000000, "2^31 ahead");
}

static void producer_4g(void)
{
	absurd_producer(NULL, 0xffffffff, "2^32 - 1 ahead");
}

static void producer_backwards(void)
{
	absurd_producer(NULL, -4u, "four back");
}

/* On one queue of several: the whole device ends. */
static void producer_one_queue(void)
{
	struct front_cfg cfg = { .id = 0 };

	front_create(&front, NULL);
	cfg.queues = store_num(front.back, "multi-queue-max-queues", 1);
	front_remove(&front);
	if (cfg.queues < 2)
		peer_skip("one queue only");
	absurd_producer(&cfg, 1000, "second queue");
}

/* The absurd index comes while requests are being served. */
static void producer_under_load(void)
{
	struct front_queue *q;
	struct request rq;
	unsigned int i, round;

	for (round = 0; round < 10; round++) {
		front_start(&front, NULL);
		q = &front.queue[0];
		for (i = 0; i < 24; i++) {
			request_rw(&front, &rq, i & 1 ? BLKIF_OP_WRITE :
				   BLKIF_OP_READ, i * 8, i, 1);
			queue_put(q, &rq);
		}
		queue_push(q);
		set_index(q, WIRE_REQ_PROD, q->req_prod + 0x7fffffff);
		queue_kick(q);
		front_expect_broken(&front, "under load");
		front_remove(&front);
	}
}

/* Which of us wants an event is our own affair: any value is legal. */
static void event_indices(void)
{
	static const uint32_t value[] = {
		0, 1, 31, 32, 33, 0x7fffffff, 0x80000000, 0xffffffff,
	};
	struct front_queue *q;
	struct request rq;
	unsigned int i;
	uint64_t end;

	front_start(&front, NULL);
	q = &front.queue[0];
	for (i = 0; i < ARRAY_SIZE(value); i++) {
		request_rw(&front, &rq, BLKIF_OP_READ, 0, 0, 1);
		queue_put(q, &rq);
		set_index(q, WIRE_REQ_EVENT, value[i]);
		set_index(q, WIRE_RSP_EVENT, value[i]);
		queue_push(q);
		end = now_ms() + PATIENCE;
		while (*wire_index(q->ring, WIRE_RSP_PROD) == q->rsp_cons &&
		       now_ms() < end)
			sleep_ms(1);
		expect(queue_drain(q, 1) == 1, "event index %x", value[i]);
	}
	front_expect_works(&front, "after odd event indices");
}

/* The index of responses is the backend's: what we write there is ignored. */
static void response_index(void)
{
	struct front_queue *q;
	uint32_t was;

	front_start(&front, NULL);
	q = &front.queue[0];
	was = *wire_index(q->ring, WIRE_RSP_PROD);
	set_index(q, WIRE_RSP_PROD, 0x12345678);
	queue_kick(q);
	sleep_ms(50);
	set_index(q, WIRE_RSP_PROD, was);
	if (!front_is_broken(&front))
		front_expect_works(&front, "after a bad response index");
}

/* The rest of the header and every slot that holds no request: any bytes. */
static void scribble(void)
{
	struct front_queue *q;
	unsigned int i;

	front_start(&front, NULL);
	q = &front.queue[0];
	for (i = 0; i < 20; i++) {
		fill(q->ring + 16, WIRE_HEADER - 16, i);
		fill(q->ring + WIRE_HEADER, WIRE_PAGE - WIRE_HEADER, i);
		queue_kick(q);
		front_expect_works(&front, "scribbled ring");
	}
}

/* What the kernel was told, which slows down a peer that sends such events. */
static uint64_t told_spurious(void)
{
	char text[32];

	file_line(front.sysfs, "xenbus/spurious_events", text, sizeof(text));
	return strtoull(text, NULL, 10);
}

/* A backend that trusted the slots would serve some of this. */
static void kick_without_requests(void)
{
	uint64_t spurious, told;
	unsigned int i;

	front_start(&front, NULL);
	front_expect_works(&front, "before");
	told = told_spurious();
	spurious = file_number(front.debugfs, "counters", "events_spurious");
	for (i = 0; i < 1000; i++)
		queue_kick(&front.queue[0]);
	expect(file_number_grows(front.debugfs, "counters", "events_spurious",
				 spurious), "nobody calls them spurious");
	expect(told_spurious() > told, "the kernel is not told");
	expect(*wire_index(front.queue[0].ring, WIRE_RSP_PROD) ==
	       front.queue[0].rsp_cons, "responses to nothing");
	front_expect_works(&front, "after events without requests");
}

/* A ring full of requests of which none is valid, again and again. */
static void full_of_invalid(void)
{
	struct front_queue *q;
	struct request rq;
	unsigned int i, round, lines;

	front_start(&front, NULL);
	q = &front.queue[0];
	for (round = 0; round < peer_times(25, 2000); round++) {
		for (i = 0; i < q->size; i++) {
			request_rw(&front, &rq, noise(), noise(), i, 11);
			rq.nseg = noise();
			rq.seg[i % 11].gref = noise();
			rq.seg[i % 7].first = noise();
			/* Nothing may change on the disk by accident. */
			if (rq.op == BLKIF_OP_WRITE ||
			    rq.op == BLKIF_OP_DISCARD ||
			    rq.op == BLKIF_OP_WRITE_BARRIER)
				rq.op = 200;
			queue_put(q, &rq);
		}
		queue_push(q);
		queue_drain(q, q->size);
		if (front_is_broken(&front))
			break;
	}
	lines = klog_lines("vbd-0-", "");
	expect(lines <= 60, "%u lines in the log", lines);
	if (front_is_broken(&front))
		front_expect_broken(&front, "invalid requests");
	else
		front_expect_works(&front, "after invalid requests");
}

/*
 * Bytes of a response: what the protocol says; padding and the rest of the
 * slot are zero or what we had written there.
 */
static void check_response(struct front *f, const uint8_t *slot,
			   const uint8_t *sent, const struct request *rq)
{
	const struct wire *w = f->wire;
	unsigned int i;

	expect(wire_get(slot, 8) == rq->id, "the id is not ours");
	expect(slot[WIRE_RSP_OP] == rq->op || slot[WIRE_RSP_OP] == rq->i_op,
	       "operation %u, sent %u", slot[WIRE_RSP_OP], rq->op);
	for (i = 0; i < w->entry; i++) {
		if (i < 9 || i == 10 || i == 11)
			continue;
		expect(!slot[i] || slot[i] == sent[i],
		       "operation %u: byte %u of the slot is %02x, was %02x",
		       rq->op, i, slot[i], sent[i]);
	}
}

static void response_bytes_of(struct front *f, const struct request *rq)
{
	struct front_queue *q = &f->queue[0];
	uint8_t sent[128];
	struct response rsp;
	uint8_t *slot;

	slot = queue_put(q, rq);
	/* Whatever the request leaves free, and every segment not counted. */
	if (rq->op != BLKIF_OP_INDIRECT && rq->nseg < 2)
		memset(slot + f->wire->segs + WIRE_SEG_BYTES, 0xa5,
		       f->wire->entry - f->wire->segs - WIRE_SEG_BYTES);
	memcpy(sent, slot, f->wire->entry);
	queue_push(q);
	need(queue_get(q, &rsp, PATIENCE), "no answer");
	check_response(f, slot, sent, rq);
}

static void response_bytes(const struct wire *wire)
{
	struct front_cfg cfg = { .wire = wire };
	struct request rq;
	unsigned int op, i;

	front_start(&front, &cfg);
	for (i = 0; i < 3; i++) {
		for (op = 0; op < 9; op++) {
			request_rw(&front, &rq, op, 16, 0, 1);
			if (op == BLKIF_OP_INDIRECT)
				request_indirect(&front, &rq, BLKIF_OP_READ,
						 16, 0, 13);
			if (op == BLKIF_OP_DISCARD) {
				rq.nseg = 0;
				rq.nr_sectors = 8;
			}
			response_bytes_of(&front, &rq);
			rq.sector = FRONT_SECTORS;
			response_bytes_of(&front, &rq);
		}
	}
}

static void response_bytes_native(void)
{
	response_bytes(&wire_x86_64);
}

static void response_bytes_x86_32(void)
{
	response_bytes(&wire_x86_32);
}

/* The same id in every request of a ring. */
static void same_id(void)
{
	struct front_queue *q;
	struct request rq;
	unsigned int i;

	front_start(&front, NULL);
	q = &front.queue[0];
	for (i = 0; i < q->size; i++) {
		request_rw(&front, &rq, BLKIF_OP_READ, i * 8, i, 1);
		rq.id = ~0ull;
		queue_put(q, &rq);
	}
	queue_push(q);
	expect(queue_drain(q, q->size) == q->size, "not all answered");
	front_expect_works(&front, "after equal ids");
}

const struct peer_case blkback_index[] = {
	{ "index-producer-size-plus-1", producer_size_1, 0, 0 },
	{ "index-producer-2g-minus-1", producer_2g, 0, 0 },
	{ "index-producer-2g", producer_2g_more, 0, 0 },
	{ "index-producer-4g-minus-1", producer_4g, 0, 0 },
	{ "index-producer-backwards", producer_backwards, 0, 0 },
	{ "index-producer-one-queue", producer_one_queue, 0, 0 },
	{ "index-producer-under-load", producer_under_load, 0, 0 },
	{ "index-event-any", event_indices, 0, 0 },
	{ "index-response-producer", response_index, 0, 0 },
	{ "index-scribbled-ring", scribble, 0, 0 },
	{ "index-events-without-requests", kick_without_requests, 0, 0 },
	{ "ring-full-of-invalid", full_of_invalid, 0, CASE_MEMORY },
	{ "response-bytes", response_bytes_native, 0, 0 },
	{ "response-bytes-x86-32", response_bytes_x86_32, 0, 0 },
	{ "response-same-id", same_id, 0, 0 },
	{ 0 },
};
