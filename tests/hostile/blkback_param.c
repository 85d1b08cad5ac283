// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the operator set: the backend's parameters, each seen by what a frontend
 * gets or by what the driver asks of Xen.
 */
#include <unistd.h>

#include "blkback.h"
#include "front.h"

static struct front front;

/* A number of the driver's own. */
static uint64_t counter(const char *name)
{
	return file_number(front.debugfs, "counters", name);
}

static void put_writes(unsigned int nr, unsigned int nseg)
{
	expect(front_run(&front.queue[0], BLKIF_OP_WRITE, nr, nseg) == nr,
	       "not all of %u writes ended well", nr);
}

/* A write is copied in with others of its batch: pages that are in flight. */
static unsigned int larger_batches(void)
{
	unsigned int nr;

	trace_begin("tandem_blkback/blkback_grant", "copies > 4");
	put_writes(32, 1);
	nr = trace_count("blkback_grant");
	trace_end();
	return nr;
}

static void finish(void)
{
	expect(front_close(&front), "no orderly end");
	front_remove(&front);
}

/* What is beyond the bound waits, and ends; a request beyond it by itself, too. */
static void inflight_pages(void)
{
	static struct param pages = { .name = "max_inflight_pages" };

	front_start(&front, NULL);
	expect(larger_batches(), "no batch of many pages without a bound");
	param_set(&pages, "4");
	expect(!larger_batches(), "more than 4 pages in flight");
	expect(counter("oo_req"), "no request has waited");
	put_writes(4, WIRE_SEGS);
	front_expect_works(&front, "with a bound of 4 pages");
	param_set(&pages, "0");
	put_writes(32, 1);
	front_expect_works(&front, "with a bound of no page");
	finish();
}

/* One request of @nseg pages: what the driver has asked for. */
static void asked_for(unsigned int nseg, uint64_t *copies, uint64_t *maps)
{
	*copies = counter("copies");
	*maps = counter("maps");
	put_writes(1, nseg);
	*copies = counter("copies") - *copies;
	*maps = counter("maps") - *maps;
}

/* Requests up to the limit are copied, larger ones mapped. */
static void copied_up_to(unsigned int limit)
{
	uint64_t copies, maps;
	unsigned int nseg;

	for (nseg = 1; nseg <= 4; nseg++) {
		asked_for(nseg, &copies, &maps);
		expect(copies == (nseg <= limit ? nseg : 0) &&
		       copies + maps == nseg,
		       "limit %u, %u segments: %u copied, %u mapped", limit,
		       nseg, (unsigned int)copies, (unsigned int)maps);
	}
	front_expect_works(&front, "copied or mapped");
}

static void copy_segments(void)
{
	static struct param limit = { .name = "copy_max_segments" };

	front_start(&front, NULL);
	copied_up_to(16);
	param_set(&limit, "2");
	copied_up_to(2);
	param_set(&limit, "0");
	copied_up_to(0);
	expect(counter("maps") == counter("unmaps"), "something stays mapped");
	finish();
}

/* Near the bound of all disks the other way is taken; the bystander goes on. */
static void totals(void)
{
	static struct param copied = { .name = "max_copied_total" };
	static struct param mapped = { .name = "max_mapped_total" };
	static struct param limit = { .name = "copy_max_segments" };
	uint64_t copies, maps;

	front_start(&front, NULL);
	param_set(&copied, "0");
	asked_for(4, &copies, &maps);
	expect(!copies && maps == 4, "nothing may be copied: %u are",
	       (unsigned int)copies);
	param_set(&copied, "1000");
	param_set(&limit, "0");
	param_set(&mapped, "0");
	asked_for(4, &copies, &maps);
	expect(!maps && copies == 4, "nothing may be mapped: %u are",
	       (unsigned int)maps);
	param_set(&copied, "0");
	put_writes(4, WIRE_SEGS);
	front_expect_works(&front, "with bounds of no page");
	expect(counter("spared"), "the reserve is not used");
	finish();
}

static void persistent_total(void)
{
	static struct param kept = { .name = "max_persistent_total" };

	param_set(&kept, "0");
	front_start(&front, &(struct front_cfg){ .persistent = true });
	put_writes(8, 4);
	expect(!counter("kept_hits"), "pages are kept");
	param_set(&kept, "1000");
	put_writes(8, 4);
	put_writes(8, 4);
	expect(counter("kept_hits"), "no page is kept");
	finish();
}

static void default_x86_32(void)
{
	static struct param x86_32 = { .name = "default_x86_32" };

	param_set(&x86_32, "1");
	front_start(&front, &(struct front_cfg){ .no_protocol = true,
						 .wire = &wire_x86_32 });
	front_expect_works(&front, "x86_32 without saying so");
	finish();
	/* Who names one has that one. */
	front_start(&front, NULL);
	front_expect_works(&front, "native, and says so");
	finish();
}

/* One request after the other, of which only the first and the last bring an event. */
static void trickle(unsigned int nr)
{
	struct front_queue *q = &front.queue[0];
	struct request rq;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		request_rw(&front, &rq, BLKIF_OP_WRITE, i * 8, i, 1);
		queue_put(q, &rq);
		queue_publish(q);
		if (!i || i == nr - 1)
			queue_kick(q);
	}
	need(queue_drain(q, nr) == nr, "not all of %u writes ended well", nr);
}

/* Was one seen by who looked for it? */
static bool polled(unsigned int rounds)
{
	uint64_t before = counter("polls");

	while (rounds-- && counter("polls") == before)
		trickle(32);
	return counter("polls") != before;
}

/* Who looks for more has a CPU for it while the frontend posts. */
static void poll(void)
{
	static struct param us = { .name = "poll_us" };

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		peer_skip("one CPU only");
	front_start(&front, NULL);
	expect(!polled(50), "polled without being asked to");
	param_set(&us, "100");
	expect(polled(500), "nothing was found by polling");
	front_expect_works(&front, "polling");
	finish();
}

const struct peer_case blkback_param[] = {
	{ "param-inflight-pages", inflight_pages, 0, 0 },
	{ "param-copy-segments", copy_segments, 0, 0 },
	{ "param-totals", totals, 0, 0 },
	{ "param-persistent-total", persistent_total, 0, 0 },
	{ "param-default-x86-32", default_x86_32, 0, 0 },
	{ "param-poll", poll, 0, 0 },
	{ 0 },
};
