// SPDX-License-Identifier: GPL-2.0-only
/*
 * Frontends that behave well: each ABI, ring order, spelling of keys, number
 * of queues, kind of request and of grant; what flush and barrier promise.
 */
#include <stdlib.h>
#include <string.h>

#include "blkback.h"
#include "front.h"

static struct front front;

static void finish(void)
{
	expect(front_close(&front), "no orderly end");
	front_remove(&front);
}

static void works(const struct front_cfg *cfg, const char *what)
{
	unsigned int i;

	front_start(&front, cfg);
	for (i = 0; i < 4; i++)
		front_expect_works(&front, what);
	expect(front_close(&front), "%s: no orderly end", what);
	front_remove(&front);
}

static void good_native(void)
{
	works(&(struct front_cfg){ .id = 0 }, "native");
}

static void good_x86_32(void)
{
	works(&(struct front_cfg){ .wire = &wire_x86_32 }, "x86_32");
}

/* Without a protocol key, the ABI is the native one. */
static void good_no_protocol(void)
{
	works(&(struct front_cfg){ .no_protocol = true }, "no protocol");
}

static unsigned int max_order(void)
{
	return store_num(front.back, "max-ring-page-order", 0);
}

static void orders(const struct wire *wire, bool old_keys)
{
	struct front_cfg cfg = { .wire = wire, .old_keys = old_keys };
	unsigned int limit;

	front_create(&front, NULL);
	limit = max_order();
	front_remove(&front);
	for (cfg.order = 1; cfg.order <= limit && cfg.order <= 4; cfg.order++)
		works(&cfg, "ring of several pages");
	if (!limit)
		peer_skip("rings of one page only");
}

static void good_order(void)
{
	orders(&wire_x86_64, false);
}

static void good_order_x86_32(void)
{
	orders(&wire_x86_32, false);
}

static void good_order_old_keys(void)
{
	front_create(&front, NULL);
	if (!store_num(front.back, "max-ring-pages", 0) &&
	    getenv("HOSTILE_GOOD_ONLY"))
		peer_skip("the old spelling is not offered");
	front_remove(&front);
	orders(&wire_x86_64, true);
}

/* Every slot of a ring in use at once, and round its end. */
static void full_rings(struct front *f)
{
	unsigned int q, i, n = f->queue[0].size;
	struct request rq;

	for (q = 0; q < f->nr_queues; q++) {
		for (i = 0; i < n; i++) {
			request_rw(f, &rq, BLKIF_OP_READ, i % 64 * 8, i, 1);
			queue_put(&f->queue[q], &rq);
		}
		queue_push(&f->queue[q]);
	}
	for (q = 0; q < f->nr_queues; q++)
		expect(queue_drain(&f->queue[q], n) == n,
		       "queue %u: not all of %u answered well", q, n);
}

static void good_full_ring(void)
{
	struct front_cfg cfg = { .id = 0 };
	unsigned int i;

	front_start(&front, &cfg);
	for (i = 0; i < 3; i++) {
		front_expect_works(&front, "before a full ring");
		full_rings(&front);
	}
	finish();
}

static void good_multi_queue(void)
{
	struct front_cfg cfg = { .id = 0 };
	unsigned int limit, order;

	front_create(&front, NULL);
	limit = store_num(front.back, "multi-queue-max-queues", 1);
	order = max_order();
	front_remove(&front);
	for (cfg.queues = 1; cfg.queues <= limit && cfg.queues <= 4;
	     cfg.queues++) {
		cfg.order = order && cfg.queues & 1;
		front_start(&front, &cfg);
		full_rings(&front);
		front_expect_works(&front, "several queues");
		finish();
	}
	if (limit < 2)
		peer_skip("one queue only");
}

static void indirect_io(struct front *f, unsigned int nseg, uint64_t seed)
{
	struct front_queue *q = &f->queue[0];

	fill(f->data.addr, nseg * WIRE_PAGE, seed);
	expect(!front_rw(q, BLKIF_OP_WRITE, 8, 0, nseg), "%u segments: write",
	       nseg);
	memset(f->data.addr, 0, nseg * WIRE_PAGE);
	expect(!front_rw(q, BLKIF_OP_READ, 8, 0, nseg), "%u segments: read",
	       nseg);
	expect(!differs(f->data.addr, nseg * WIRE_PAGE, seed),
	       "%u segments: wrong data", nseg);
}

static void indirect(const struct wire *wire)
{
	struct front_cfg cfg = { .wire = wire };
	unsigned int limit, nseg;

	front_create(&front, &cfg);
	limit = store_num(front.back, "feature-max-indirect-segments", 0);
	if (!limit)
		peer_skip("no indirect requests");
	front_rings(&front);
	front_keys(&front);
	need(front_connect(&front), "no connection");
	front_pages(&front, limit);
	for (nseg = 12; nseg < limit; nseg = nseg * 2 + 1)
		indirect_io(&front, nseg, nseg);
	indirect_io(&front, limit, limit);
	front_expect_works(&front, "after indirect requests");
	finish();
}

static void good_indirect(void)
{
	indirect(&wire_x86_64);
}

static void good_indirect_x86_32(void)
{
	indirect(&wire_x86_32);
}

static void good_persistent(void)
{
	struct front_cfg cfg = { .persistent = true };
	unsigned int i;

	front_start(&front, &cfg);
	for (i = 0; i < 16; i++)
		front_expect_works(&front, "persistent grants");
	full_rings(&front);
	finish();
}

/* Single sectors at odd places of pages must not touch their neighbours. */
static void good_single_sectors(void)
{
	struct request rq;
	unsigned int first;
	uint8_t *page;

	front_start(&front, NULL);
	page = pages_at(&front.data, 0);
	for (first = 0; first < WIRE_PAGE_SECTS; first++) {
		fill(page, WIRE_PAGE, first + 100);
		request_rw(&front, &rq, BLKIF_OP_WRITE, 1000 + first, 0, 1);
		rq.seg[0].first = first;
		rq.seg[0].last = first;
		expect(!queue_do(&front.queue[0], &rq), "write");
		fill(page, WIRE_PAGE, first + 200);
		rq.op = BLKIF_OP_READ;
		expect(!queue_do(&front.queue[0], &rq), "read");
		expect(differs(page, WIRE_PAGE, first + 200) <= 64,
		       "sector %u: more was read than asked for", first);
		expect(differs(page + first * WIRE_SECTOR, WIRE_SECTOR, 0),
		       "sector %u: nothing was read", first);
	}
	finish();
}

static void good_reconnect(void)
{
	struct front_cfg cfg = { .persistent = true };
	unsigned int i;

	front_start(&front, &cfg);
	for (i = 0; i < 5; i++) {
		front_expect_works(&front, "connected again");
		need(front_close(&front), "no orderly end");
		need(front_reset(&front), "no InitWait after Closed");
		front_rings(&front);
		front_keys(&front);
		need(front_connect(&front), "no second connection");
	}
	finish();
}

static void good_unplug(void)
{
	front_start(&front, NULL);
	front_expect_works(&front, "before");
	expect(front_unplug(&front), "the backend did not close");
}

/* A flush is answered after the writes before it, and succeeds. */
static void good_flush(void)
{
	struct request rq;

	front_start(&front, NULL);
	if (!store_num(front.back, "feature-flush-cache", 0))
		peer_skip("no flush offered");
	expect(front_run(&front.queue[0], BLKIF_OP_WRITE, 8, 1) == 8, "writes");
	expect(!front_flush(&front.queue[0]), "flush");
	memset(&rq, 0, sizeof(rq));
	rq.op = BLKIF_OP_FLUSH_DISKCACHE;
	rq.id = 77;
	rq.sector = FRONT_SECTORS + 5;	/* no meaning in a flush */
	expect(queue_do(&front.queue[0], &rq) <= 0, "flush with a sector");
	front_expect_works(&front, "after flushes");
	finish();
}

static unsigned int unanswered(struct front_queue *q)
{
	return q->req_prod - *wire_index(q->ring, WIRE_RSP_PROD);
}

/* Writes of every other queue that were published before a barrier. */
static void put_before_barrier(struct front *f, uint64_t round)
{
	struct request rq;
	unsigned int q, i;

	for (q = 0; q < f->nr_queues; q++) {
		for (i = 0; i < 8; i++) {
			uint64_t *page;

			request_rw(f, &rq, BLKIF_OP_WRITE, 0, q * 8 + i, 1);
			page = (uint64_t *)pages_at(&f->data, q * 8 + i);
			page[0] = round;
			page[1] = q * 8 + i;
			queue_put(&f->queue[q], &rq);
		}
		if (q)
			queue_push(&f->queue[q]);
	}
}

static void barrier_round(struct front *f, uint64_t round)
{
	unsigned int page = f->data.nr - 2, q, n;
	uint64_t *back = (uint64_t *)pages_at(&f->data, page + 1);
	struct request rq;
	struct response rsp;

	put_before_barrier(f, round);
	fill(pages_at(&f->data, page), WIRE_PAGE, round);
	request_rw(f, &rq, BLKIF_OP_WRITE_BARRIER, 0, page, 1);
	queue_put(&f->queue[0], &rq);
	queue_push(&f->queue[0]);
	do {
		need(queue_get(&f->queue[0], &rsp, PATIENCE), "no answer");
		need(!rsp.status, "status %d", rsp.status);
	} while (rsp.id != rq.id);
	for (q = 0; q < f->nr_queues; q++) {
		n = unanswered(&f->queue[q]);
		expect(!n, "queue %u: the barrier overtook %u writes", q, n);
		if (q)
			queue_drain(&f->queue[q], 8);
	}
	need(!front_rw(&f->queue[0], BLKIF_OP_READ, 0, page + 1, 1), "read");
	expect(!differs(back, WIRE_PAGE, round),
	       "round %llu: an older write lies over the barrier's",
	       (unsigned long long)round);
}

/*
 * A barrier is answered after everything published before it, on every
 * queue, and what it wrote lies over what they wrote.
 */
static void good_barrier(void)
{
	struct front_cfg cfg = { .id = 0 };
	unsigned int i;

	front_create(&front, NULL);
	cfg.queues = store_num(front.back, "multi-queue-max-queues", 1);
	if (cfg.queues > 4)
		cfg.queues = 4;
	front_remove(&front);
	front_start(&front, &cfg);
	if (!store_num(front.back, "feature-barrier", 0))
		peer_skip("no barrier offered");
	for (i = 1; i <= 50; i++)
		barrier_round(&front, i);
	front_expect_works(&front, "after barriers");
	finish();
}

/* A barrier holds back what comes after it on the same ring. */
static void good_barrier_after(void)
{
	struct request rq;
	unsigned int i;
	uint8_t *back;

	front_start(&front, NULL);
	if (!store_num(front.back, "feature-barrier", 0))
		peer_skip("no barrier offered");
	back = pages_at(&front.data, 9);
	for (i = 1; i <= 50; i++) {
		fill(pages_at(&front.data, 0), WIRE_PAGE, i);
		fill(pages_at(&front.data, 1), WIRE_PAGE, i + 1000);
		request_rw(&front, &rq, BLKIF_OP_WRITE_BARRIER, 64, 0, 1);
		queue_put(&front.queue[0], &rq);
		request_rw(&front, &rq, BLKIF_OP_WRITE, 64, 1, 1);
		queue_put(&front.queue[0], &rq);
		queue_push(&front.queue[0]);
		need(queue_drain(&front.queue[0], 2) == 2,
		     "round %u: not both answered", i);
		need(!front_rw(&front.queue[0], BLKIF_OP_READ, 64, 9, 1),
		     "read");
		expect(!differs(back, WIRE_PAGE, i + 1000),
		       "round %u: the barrier was late", i);
	}
	finish();
}

/* A discarded range reads as zeros or as before, its neighbours as before. */
static void good_discard(void)
{
	struct request rq = { .op = BLKIF_OP_DISCARD, .id = 5 };
	const unsigned int sect = 1024;
	int status;

	front_start(&front, NULL);
	if (!store_num(front.back, "feature-discard", 0))
		peer_skip("no discard offered");
	fill(front.data.addr, 3 * WIRE_PAGE, 9);
	expect(!front_rw(&front.queue[0], BLKIF_OP_WRITE, sect, 0, 3), "write");
	rq.sector = sect + 8;
	rq.nr_sectors = 8;
	status = queue_do(&front.queue[0], &rq);
	expect(!status, "discard: status %d", status);
	expect(!front_rw(&front.queue[0], BLKIF_OP_READ, sect, 3, 3), "read");
	expect(!memcmp(front.data.addr, pages_at(&front.data, 3), WIRE_PAGE),
	       "the page before changed");
	expect(!memcmp(pages_at(&front.data, 2), pages_at(&front.data, 5),
		       WIRE_PAGE), "the page after changed");
	front_expect_works(&front, "after a discard");
	finish();
}

const struct peer_case blkback_good[] = {
	{ "good-native", good_native, 0, CASE_GOOD },
	{ "good-x86-32", good_x86_32, 0, CASE_GOOD },
	{ "good-no-protocol", good_no_protocol, 0, 0 },
	{ "good-order", good_order, 0, CASE_GOOD },
	{ "good-order-x86-32", good_order_x86_32, 0, CASE_GOOD },
	{ "good-order-old-keys", good_order_old_keys, 0, CASE_GOOD },
	{ "good-full-ring", good_full_ring, 0, CASE_GOOD },
	{ "good-multi-queue", good_multi_queue, 0, CASE_GOOD },
	{ "good-indirect", good_indirect, 0, CASE_GOOD },
	{ "good-indirect-x86-32", good_indirect_x86_32, 0, CASE_GOOD },
	{ "good-persistent", good_persistent, 0, CASE_GOOD },
	{ "good-single-sectors", good_single_sectors, 0, CASE_GOOD },
	{ "good-reconnect", good_reconnect, 0, CASE_GOOD },
	{ "good-unplug", good_unplug, 0, CASE_GOOD },
	{ "good-flush", good_flush, 0, CASE_GOOD },
	{ "good-barrier", good_barrier, 0, CASE_GOOD },
	{ "good-barrier-after", good_barrier_after, 0, CASE_GOOD },
	{ "good-discard", good_discard, 0, CASE_GOOD },
	{ 0 },
};
