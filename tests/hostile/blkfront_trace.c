// SPDX-License-Identifier: GPL-2.0-only
/*
 * What people see of a backend: the driver's tracepoints, and the last error in
 * debugfs.
 */
#include <string.h>

#include "back.h"
#include "blkfront.h"

static struct back back;

static void expect_last_error(const char *text)
{
	char found[128];

	file_line(back.debugfs, "last_error", found, sizeof(found));
	expect(!strcmp(found, text), "the last error is '%s', not '%s'", found,
	       text);
}

static enum verdict answer_nobody(struct back *b, struct ask *ask)
{
	(void)b;
	back_answer(ask->queue, 1000, ask->op, 0);
	return SWALLOW;
}

/* A line of a kind, with the fields of what the disk was asked for. */
static void expect_traced(const char *event, const char *fields)
{
	char text[256];

	snprintf(text, sizeof(text), "%s: vbd %u %s", event, back.cfg.id, fields);
	expect(trace_count(text), "no %s", text);
}

static void trace_io(void)
{
	static const struct io_try io = { .write = true, .bytes = 65536,
					    .seed = 2 };

	trace_clear();
	need(io_run(&back, &io, PATIENCE) == IO_GOOD, "no write");
	expect(trace_count("op 1 bytes 65536 segs 16 flags"), "no write is seen");
	expect_traced("blkfront_req", "queue 0 id ");
	expect_traced("blkfront_rsp", "queue 0 id ");
	expect_traced("blkfront_push", "queue 0 req_prod ");
	expect_traced("blkfront_pop", "queue 0 req_prod ");
	expect_traced("blkfront_grant", "queue 0 pages +");
}

static void trace_mistake(void)
{
	static const struct io_try io = { .bytes = 4096 };
	int child;

	expect_last_error("");
	back_hook(&back, answer_nobody, NULL);
	child = io_begin(&back, &io);
	back_expect_broken(&back, "an id of no request");
	expect(io_end(child, PATIENCE) == IO_ERROR, "the request did not fail");
	expect_traced("blkfront_peer_error", "queue 0 ");
	expect(trace_count("(1000)"), "the id is not told");
	expect_last_error("queue 0: id out of range (1000)");
}

/* Pages are kept granted for a backend that keeps them, and made as needed. */
static void tracepoints(void)
{
	trace_begin("tandem_blkfront", "0");
	back_start(&back, &(struct back_cfg){ .persistent = true,
					      .indirect = 64 });
	expect_traced("blkfront_state", "3 -> 4 peer 4");
	trace_io();
	trace_mistake();
	expect_traced("blkfront_state", "4 -> ");
	trace_end();
	back_finish(&back);
}

const struct peer_case blkfront_trace[] = {
	{ "back-trace-events", tracepoints, 0, 0 },
	{ 0 },
};
