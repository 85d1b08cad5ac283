// SPDX-License-Identifier: GPL-2.0-only
/*
 * Grants that are wrong, too many, too weak, taken back, or used twice.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "blkback.h"
#include "front.h"

#define BAD_REF		0x7ffffff0u

static struct front front;

static unsigned int indirect_limit(void)
{
	return store_num(front.back, "feature-max-indirect-segments", 0);
}

/* Requests that fail in one segment must leave the others as they were. */
static void bad_direct(bool persistent)
{
	static const uint32_t bad[] = { BAD_REF, 0, 0xffffffff };
	struct front_cfg cfg = { .persistent = persistent };
	struct request rq;
	unsigned int at, i;

	front_start(&front, &cfg);
	for (at = 0; at < WIRE_SEGS; at++) {
		for (i = 0; i < ARRAY_SIZE(bad); i++) {
			request_rw(&front, &rq, i & 1 ? BLKIF_OP_WRITE :
				   BLKIF_OP_READ, 0, 0, WIRE_SEGS);
			rq.seg[at].gref = bad[i];
			expect(queue_do(&front.queue[0], &rq) < 0,
			       "bad reference in segment %u: done or no answer",
			       at);
		}
	}
	front_expect_works(&front, "after bad references");
	need(front_close(&front), "no orderly end");
}

static void bad_ref_direct(void)
{
	bad_direct(false);
}

/* The mappings kept from the good segments must go with the device. */
static void bad_ref_persistent(void)
{
	bad_direct(true);
}

static void bad_indirect(bool persistent, bool all)
{
	struct front_cfg cfg = { .persistent = persistent };
	struct wire_seg seg = { .gref = BAD_REF, .last = 7 };
	unsigned int at, limit;
	struct request rq;

	front_create(&front, &cfg);
	limit = indirect_limit();
	if (!limit)
		peer_skip("no indirect requests");
	if (limit > 256)
		limit = 256;
	front_rings(&front);
	front_keys(&front);
	need(front_connect(&front), "no connection");
	front_pages(&front, limit);
	for (at = 0; at < limit; at++) {
		request_indirect(&front, &rq, at & 1 ? BLKIF_OP_WRITE :
				 BLKIF_OP_READ, 0, 0, all ? at + 1 : limit);
		front_desc(&front, at, &seg);
		if (all)
			front_desc(&front, at / 2, &seg);
		expect(queue_do(&front.queue[0], &rq) < 0,
		       "bad reference in segment %u: done or no answer", at);
	}
	front_expect_works(&front, "after bad references");
	need(front_close(&front), "no orderly end");
}

static void bad_ref_indirect(void)
{
	bad_indirect(false, false);
}

static void bad_ref_indirect_several(void)
{
	bad_indirect(false, true);
}

static void bad_ref_indirect_persistent(void)
{
	bad_indirect(true, false);
}

static void bad_ref_indirect_page(void)
{
	unsigned int at, limit, pages;
	struct request rq;

	front_start(&front, NULL);
	limit = indirect_limit();
	if (!limit)
		peer_skip("no indirect requests");
	pages = (limit + WIRE_PAGE_SEGS - 1) / WIRE_PAGE_SEGS;
	for (at = 0; at < pages; at++) {
		request_indirect(&front, &rq, BLKIF_OP_READ, 0, 0, limit);
		rq.i_gref[at] = BAD_REF;
		expect(queue_do(&front.queue[0], &rq) < 0,
		       "bad page of descriptors %u: done or no answer", at);
	}
	request_indirect(&front, &rq, BLKIF_OP_READ, 0, 0, 16);
	for (at = 1; at < WIRE_IPAGES; at++)
		rq.i_gref[at] = BAD_REF;
	expect(!queue_do(&front.queue[0], &rq),
	       "references that are not needed matter");
	front_expect_works(&front, "after bad pages of descriptors");
}

/* Mappings kept, bad references between them, and the device is pulled. */
static void mixed_then_unplug(void)
{
	struct front_cfg cfg = { .persistent = true };
	struct front_queue *q = &front.queue[0];
	struct request rq;
	unsigned int i, round;

	for (round = 0; round < peer_times(5, 100); round++) {
		front_start(&front, &cfg);
		for (i = 0; i < q->size; i++) {
			request_rw(&front, &rq, BLKIF_OP_READ, 0, i * 2, 8);
			if (i & 1)
				rq.seg[i % 8].gref = BAD_REF + i;
			queue_put(q, &rq);
		}
		queue_push(q);
		if (round & 1)
			queue_drain(q, q->size);
		need(front_remove(&front), "no end");
	}
}

/* A read into pages that the backend may only read. */
static void readonly_grant(void)
{
	struct request rq;
	struct pages ro;
	unsigned int at, i;

	front_start(&front, NULL);
	need(pages_share(&ro, front.share, 0, 4, false), "no pages");
	fill(pages_at(&front.data, 20), WIRE_PAGE, 3);
	need(!front_rw(&front.queue[0], BLKIF_OP_WRITE, 0, 20, 1), "write");
	for (at = 0; at < WIRE_SEGS; at++) {
		request_rw(&front, &rq, BLKIF_OP_READ, 0, 0, WIRE_SEGS);
		rq.seg[at].gref = ro.ref[0];
		expect(queue_do(&front.queue[0], &rq) < 0,
		       "read into a read-only page: done or no answer");
	}
	for (i = 0; i < WIRE_PAGE; i++)
		need(!ro.addr[i], "a read-only page was written");
	/* A write needs no more than that. */
	request_rw(&front, &rq, BLKIF_OP_WRITE, 8, 0, 1);
	rq.seg[0].gref = ro.ref[1];
	expect(!queue_do(&front.queue[0], &rq), "write from a read-only page");
	front_expect_works(&front, "after read-only pages");
	need(front_close(&front), "no orderly end");
	pages_unshare(&ro, front.share);
}

/* Large requests take another way than small ones. */
static void readonly_grant_indirect(void)
{
	struct wire_seg seg = { .last = 7 };
	struct request rq;
	struct pages ro;
	unsigned int at;

	front_start(&front, NULL);
	if (indirect_limit() < 64)
		peer_skip("no indirect requests of 64 segments");
	need(pages_share(&ro, front.share, 0, 1, false), "no pages");
	seg.gref = ro.ref[0];
	for (at = 0; at < 64; at += 9) {
		request_indirect(&front, &rq, BLKIF_OP_READ, 0, 0, 64);
		front_desc(&front, at, &seg);
		expect(queue_do(&front.queue[0], &rq) < 0,
		       "read into a read-only page: done or no answer");
	}
	expect(!ro.addr[0] && !ro.addr[WIRE_PAGE - 1],
	       "a read-only page was written");
	front_expect_works(&front, "after read-only pages");
	need(front_close(&front), "no orderly end");
	pages_unshare(&ro, front.share);
}

/* A page first mapped for writes to the disk, then used for reads. */
static void readonly_grant_persistent(void)
{
	struct front_cfg cfg = { .persistent = true };
	struct request rq;
	struct pages ro;

	front_start(&front, &cfg);
	need(pages_share(&ro, front.share, 0, 2, false), "no pages");
	request_rw(&front, &rq, BLKIF_OP_WRITE, 8, 0, 1);
	rq.seg[0].gref = ro.ref[0];
	queue_do(&front.queue[0], &rq);
	rq.op = BLKIF_OP_READ;
	rq.sector = 64;
	need(!front_rw(&front.queue[0], BLKIF_OP_WRITE, 64, 0, 1), "write");
	expect(queue_do(&front.queue[0], &rq) < 0,
	       "read into a read-only page: done or no answer");
	front_expect_works(&front, "after a read-only kept page");
	need(front_close(&front), "no orderly end");
	pages_unshare(&ro, front.share);
}

/* Pages of ours that only another domain may have. */
static void foreign_grant(void)
{
	struct pages other;
	struct request rq;

	front_start(&front, NULL);
	need(pages_share(&other, front.share, 32000, 1, true), "no page");
	request_rw(&front, &rq, BLKIF_OP_WRITE, 0, 0, 1);
	rq.seg[0].gref = other.ref[0];
	expect(queue_do(&front.queue[0], &rq) < 0, "done or no answer");
	front_expect_works(&front, "after another domain's page");
	pages_unshare(&other, front.share);
}

static void same_ref(bool persistent)
{
	struct front_cfg cfg = { .persistent = persistent };
	struct front_queue *q = &front.queue[0];
	unsigned int i, nseg, round;
	struct wire_seg seg = { .last = 7 };
	struct request rq;

	front_start(&front, &cfg);
	for (round = 0; round < 4; round++) {
		fill(pages_at(&front.data, 0), WIRE_PAGE, round);
		request_rw(&front, &rq, BLKIF_OP_WRITE, 800, 0, WIRE_SEGS);
		for (i = 0; i < WIRE_SEGS; i++)
			rq.seg[i].gref = front.data.ref[0];
		expect(!queue_do(q, &rq), "write from one page");
		need(!front_rw(q, BLKIF_OP_READ, 800, 20, WIRE_SEGS), "read");
		for (i = 0; i < WIRE_SEGS; i++)
			expect(!differs(pages_at(&front.data, 20 + i),
					WIRE_PAGE, round), "wrong data");
		rq.op = BLKIF_OP_READ;
		expect(queue_do(q, &rq) != NO_ANSWER, "no answer");
	}
	nseg = indirect_limit() < 64 ? indirect_limit() : 64;
	request_indirect(&front, &rq, BLKIF_OP_READ, 0, 0, nseg);
	seg.gref = front.data.ref[0];
	for (i = 0; nseg && i < nseg; i++)
		front_desc(&front, i, &seg);
	if (nseg)
		expect(queue_do(q, &rq) != NO_ANSWER, "no answer");
	front_expect_works(&front, "after the same page many times");
	need(front_close(&front), "no orderly end");
}

static void same_ref_oneshot(void)
{
	same_ref(false);
}

static void same_ref_persistent(void)
{
	same_ref(true);
}

/* The ring's own page, as data: the disk writes over the ring. */
static void ring_as_data(void)
{
	struct front_queue *q = &front.queue[0];
	struct request rq;
	unsigned int i;

	for (i = 0; i < 4; i++) {
		front_start(&front, NULL);
		fill(pages_at(&front.data, 0), WIRE_PAGE, i);
		need(!front_rw(q, BLKIF_OP_WRITE, 0, 0, 1), "write");
		request_rw(&front, &rq, BLKIF_OP_READ, 0, 0, 1);
		rq.seg[0].gref = q->shared.ref[0];
		queue_put(q, &rq);
		queue_push(q);
		sleep_ms(SILENCE);
		queue_kick(q);
		sleep_ms(SILENCE);
		front_remove(&front);
	}
}

/* Descriptors in a page that is data of the same request. */
static void descriptors_as_data(void)
{
	struct wire_seg seg = { .last = 7 };
	struct request rq;
	unsigned int i;

	front_start(&front, NULL);
	if (indirect_limit() < 64)
		peer_skip("no indirect requests of 64 segments");
	for (i = 0; i < 20; i++) {
		request_indirect(&front, &rq, BLKIF_OP_READ, i * 8, 0, 64);
		seg.gref = front.desc.ref[0];
		front_desc(&front, i * 3, &seg);
		expect(queue_do(&front.queue[0], &rq) != NO_ANSWER,
		       "no answer");
	}
	front_expect_works(&front, "after descriptors as data");
}

/* Taken back while a request that uses them is in flight. */
static void revoked_in_flight(void)
{
	struct front_queue *q = &front.queue[0];
	struct request rq;
	struct pages p;
	unsigned int round, i;

	front_start(&front, NULL);
	for (round = 0; round < peer_times(50, 5000); round++) {
		need(pages_share(&p, front.share, 0, 8, true), "no pages");
		for (i = 0; i < 8; i++) {
			request_rw(&front, &rq, i & 1 ? BLKIF_OP_READ :
				   BLKIF_OP_WRITE, i * 8, 0, 1);
			rq.seg[0].gref = p.ref[i];
			queue_put(q, &rq);
		}
		queue_push(q);
		pages_unshare(&p, front.share);
		queue_drain(q, 8);
		if (front_is_broken(&front))
			break;
	}
	expect(!q->req_prod || q->rsp_cons == q->req_prod ||
	       front_is_broken(&front), "not all answered");
	if (!front_is_broken(&front))
		front_expect_works(&front, "after pages were taken back");
}

/* A kept page is taken back and the reference given to another page. */
static void revoked_while_kept(void)
{
	struct front_cfg cfg = { .persistent = true };
	struct front_queue *q = &front.queue[0];
	struct request rq;
	struct pages p;
	unsigned int round, i;

	front_start(&front, &cfg);
	for (round = 0; round < peer_times(10, 500); round++) {
		need(pages_share(&p, front.share, 0, 16, true), "no pages");
		for (i = 0; i < 16; i++) {
			request_rw(&front, &rq, BLKIF_OP_READ, i * 8, 0, 1);
			rq.seg[0].gref = p.ref[i];
			queue_put(q, &rq);
		}
		queue_push(q);
		queue_drain(q, 16);
		pages_unshare(&p, front.share);
	}
	front_expect_works(&front, "after kept pages were taken back");
	need(front_close(&front), "no orderly end");
}

/* The ring's pages are taken back while the backend has them mapped. */
static void revoked_ring(void)
{
	front_start(&front, NULL);
	front_expect_works(&front, "before");
	front_release_rings(&front);
	/* By this line the runner knows of pages that stay mapped. */
	expect(klog_lines("deferring g.e.", "pfn"),
	       "the kernel does not say that a page is still mapped");
	need(front_remove(&front), "no end");
}

static unsigned int kept_limit(void)
{
	char text[32];

	if (!file_read("/sys/module/tandem_blkback/parameters/max_persistent_grants",
		       text, sizeof(text)))
		return 1056;
	return atoi(text);
}

/* Write and read @nr pages. Return: how many requests went wrong. */
static unsigned int use_pages(unsigned int nr)
{
	unsigned int i, bad = 0;

	for (i = 0; i + 8 <= nr; i += 8) {
		fill(pages_at(&front.data, i), 8 * WIRE_PAGE, i);
		bad += !!front_rw(&front.queue[0], BLKIF_OP_WRITE, i % 8192, i,
				  8);
		memset(pages_at(&front.data, i), 0, 8 * WIRE_PAGE);
		bad += !!front_rw(&front.queue[0], BLKIF_OP_READ, i % 8192, i,
				  8);
		bad += differs(pages_at(&front.data, i), 8 * WIRE_PAGE, i);
	}
	return bad;
}

/* More pages than the backend may keep: the rest is served all the same. */
static void use_beyond(unsigned int limit)
{
	struct front_cfg cfg = { .persistent = true };
	unsigned int bad, kept, nr = limit * 2 + 64;
	uint64_t before, after;

	front_create(&front, &cfg);
	front_rings(&front);
	front_keys(&front);
	need(front_connect(&front), "no connection");
	front_pages(&front, nr);
	before = meminfo("\nSUnreclaim:");
	bad = use_pages(nr);
	after = meminfo("\nSUnreclaim:");
	kept = file_number(front.debugfs, "grants", "kept");
	expect(!bad, "%u requests beyond the budget went wrong", bad);
	expect(kept == limit, "%u pages are kept, the limit is %u", kept, limit);
	expect(after < before + 4096, "slab grew by %llu KiB",
	       (unsigned long long)(after - before));
	front_expect_works(&front, "beyond the budget");
	need(front_close(&front), "no orderly end");
	front_remove(&front);
}

static void beyond_budget(void)
{
	static struct param kept = { .name = "max_persistent_grants" };

	use_beyond(kept_limit());
	param_set(&kept, "3");
	use_beyond(3);
	param_set(&kept, "0");
	use_beyond(0);
}

/* One-shot behaviour from a frontend that promised to use pages again. */
static void persistent_never_again(void)
{
	struct front_cfg cfg = { .persistent = true };
	struct front_queue *q = &front.queue[0];
	unsigned int i, round;
	struct request rq;
	struct pages p;

	front_start(&front, &cfg);
	for (round = 0; round < peer_times(50, 2000); round++) {
		need(pages_share(&p, front.share, 0, 11, true), "no pages");
		request_rw(&front, &rq, BLKIF_OP_WRITE, 0, 0, 11);
		for (i = 0; i < 11; i++)
			rq.seg[i].gref = p.ref[i];
		expect(!queue_do(q, &rq), "write");
		pages_unshare(&p, front.share);
	}
	front_expect_works(&front, "after pages used once");
	need(front_close(&front), "no orderly end");
}

/* Our own table of grants is full: nothing that the backend does needs it. */
static void table_full(void)
{
	static struct pages p[512];
	unsigned int i;

	front_start(&front, NULL);
	file_write("/sys/module/xen_gntalloc/parameters/limit", "1000000");
	for (i = 0; i < ARRAY_SIZE(p); i++)
		if (!pages_share(&p[i], front.share, 0, 64, true))
			break;
	peer_note("%u pages granted", i * 64);
	front_expect_works(&front, "with a full table");
	while (i--)
		pages_unshare(&p[i], front.share);
	file_write("/sys/module/xen_gntalloc/parameters/limit", "65536");
	front_expect_works(&front, "after a full table");
}

#define MAPS_AT_ONCE	512u
#define MAPS_MOST	2048u
/* Xen lets a page be mapped 127 times, and each of ours takes two. */
#define HOARD_SETS	8u

struct hoard {
	xengnttab_handle *gnt;
	struct pages pages[HOARD_SETS];
	void *addr[MAPS_MOST];
	unsigned int count[MAPS_MOST];
	unsigned int nr;
};

static void hoard_set(struct hoard *h, const struct pages *pages)
{
	unsigned int n = MAPS_AT_ONCE;
	void *addr;

	while (n && h->nr < MAPS_MOST &&
	       meminfo("\nMemAvailable:") > 64 * 1024) {
		addr = xengnttab_map_domain_grant_refs(h->gnt, n, 0, pages->ref,
						       PROT_READ);
		if (addr) {
			h->addr[h->nr] = addr;
			h->count[h->nr++] = n;
		} else {
			n /= 2;
		}
	}
}

/* Use up this domain's mappings, in pieces of MAPS_AT_ONCE and less. */
static void hoard_fill(struct hoard *h)
{
	unsigned int i;

	h->nr = 0;
	h->gnt = xengnttab_open(NULL, 0);
	need(h->gnt, "/dev/xen/gntdev");
	for (i = 0; i < HOARD_SETS; i++) {
		need(pages_share(&h->pages[i], front.share, 0, MAPS_AT_ONCE,
				 true), "no pages");
		hoard_set(h, &h->pages[i]);
	}
	peer_note("%u pieces of mappings held, %llu MiB of memory left", h->nr,
		  (unsigned long long)meminfo("\nMemAvailable:") / 1024);
}

static void hoard_empty(struct hoard *h)
{
	unsigned int i;

	while (h->nr) {
		h->nr--;
		xengnttab_unmap(h->gnt, h->addr[h->nr], h->count[h->nr]);
	}
	xengnttab_close(h->gnt);
	for (i = 0; i < HOARD_SETS; i++)
		pages_unshare(&h->pages[i], front.share);
}

/* Requests of 4 pages, and of 64: more than are copied as long as they can be mapped. */
static void some_requests(int status[4])
{
	unsigned int i;

	for (i = 0; i < 4; i++)
		status[i] = front_rw(&front.queue[0], i & 1 ? BLKIF_OP_READ :
				     BLKIF_OP_WRITE, 0, 0, i & 2 ? 64 : 4);
}

static void expect_good(const int status[4], const char *when)
{
	unsigned int i;

	for (i = 0; i < 4; i++)
		expect(!status[i], "%s: request %u: %d", when, i, status[i]);
}

/* Return: whether none was to be had, so that what is not copied had to be. */
static bool with_no_mappings(void)
{
	static struct hoard hoard;
	uint64_t copies;
	int status[4];

	hoard_fill(&hoard);
	copies = file_number(front.debugfs, "counters", "copies");
	some_requests(status);
	copies = file_number(front.debugfs, "counters", "copies") - copies;
	hoard_empty(&hoard);
	expect_good(status, "without mappings");
	return copies >= 2 * (4 + 64);
}

/* What was copied for want of a mapping is mapped again. */
static void expect_mapped(void)
{
	uint64_t maps = file_number(front.debugfs, "counters", "maps");
	uint64_t copies = file_number(front.debugfs, "counters", "copies");
	int status[4];

	some_requests(status);
	expect_good(status, "with mappings");
	maps = file_number(front.debugfs, "counters", "maps") - maps;
	copies = file_number(front.debugfs, "counters", "copies") - copies;
	expect(maps == 2 * 64 && copies < 64, "%u pages mapped, %u copied",
	       (unsigned int)maps, (unsigned int)copies);
}

/*
 * No mapping is to be had: requests are served all the same, and are mapped once
 * there are mappings again. How far we get depends on the memory of dom0.
 */
static void maptrack_exhausted(void)
{
	bool exhausted;

	file_write("/sys/module/xen_gntdev/parameters/limit", "1000000");
	front_start(&front, NULL);
	if (indirect_limit() < 64)
		peer_skip("no indirect requests of 64 segments");
	exhausted = with_no_mappings();
	expect_mapped();
	front_expect_works(&front, "when there are mappings again");
	need(front_close(&front), "no orderly end");
	if (!exhausted)
		peer_skip("there were mappings left; lab-maptrack leaves none");
}

const struct peer_case blkback_grant[] = {
	{ "grant-bad-each-position", bad_ref_direct, 0, 0 },
	{ "grant-bad-each-position-persistent", bad_ref_persistent, 0, 0 },
	{ "grant-bad-each-position-indirect", bad_ref_indirect, 0, 0 },
	{ "grant-bad-two-positions-indirect", bad_ref_indirect_several, 0, 0 },
	{ "grant-bad-each-position-indirect-persistent",
	  bad_ref_indirect_persistent, 0, 0 },
	{ "grant-bad-page-of-descriptors", bad_ref_indirect_page, 0, 0 },
	{ "grant-mixed-then-unplug", mixed_then_unplug, 0, 0 },
	{ "grant-readonly", readonly_grant, 0, 0 },
	{ "grant-readonly-indirect", readonly_grant_indirect, 0, 0 },
	{ "grant-readonly-persistent", readonly_grant_persistent, 0, 0 },
	{ "grant-of-another-domain", foreign_grant, 0, 0 },
	{ "grant-same-twice", same_ref_oneshot, 0, 0 },
	{ "grant-same-twice-persistent", same_ref_persistent, 0, 0 },
	{ "grant-ring-as-data", ring_as_data, 0, 0 },
	{ "grant-descriptors-as-data", descriptors_as_data, 0, 0 },
	{ "grant-revoked-in-flight", revoked_in_flight, 0, 0 },
	{ "grant-revoked-while-kept", revoked_while_kept, 0, 0 },
	{ "grant-revoked-ring", revoked_ring, 0, 0 },
	{ "grant-persistent-beyond-budget", beyond_budget, 0, 0 },
	{ "grant-persistent-never-again", persistent_never_again, 0, 0 },
	{ "grant-table-full", table_full, 0, 0 },
	{ "grant-maptrack-exhausted", maptrack_exhausted, 120, 0 },
	{ 0 },
};
