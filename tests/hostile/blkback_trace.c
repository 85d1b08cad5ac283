// SPDX-License-Identifier: GPL-2.0-only
/*
 * What people see of a frontend: the driver's tracepoints, and the last error in
 * debugfs.
 */
#include <stdlib.h>
#include <string.h>

#include "blkback.h"
#include "front.h"

static struct front front;

static void expect_last_error(const char *text)
{
	char found[128];

	file_line(front.debugfs, "last_error", found, sizeof(found));
	expect(text[0] ? !!strstr(found, text) : !found[0],
	       "the last error is '%s', not '%s'", found, text);
}

static void put_junk_index(void)
{
	front.queue[0].req_prod += front.queue[0].size + 1;
	queue_push(&front.queue[0]);
}

static void last_error(void)
{
	struct request rq;

	front_start(&front, NULL);
	front_expect_works(&front, "before");
	expect_last_error("");
	request_rw(&front, &rq, BLKIF_OP_READ, FRONT_SECTORS, 0, 1);
	expect(queue_do(&front.queue[0], &rq), "a read past the end is done");
	expect_last_error("ring 0: request refused: ");
	put_junk_index();
	front_expect_broken(&front, "impossible index");
	expect_last_error("frontend broken: impossible request index");
	front_remove(&front);
}

/* A line of each kind, with the fields of what was asked for. */
static void expect_traced(const char *event, const char *fields)
{
	char text[256];

	snprintf(text, sizeof(text), "%s: %s", event, fields);
	expect(trace_count(text), "no %s", text);
}

static void trace_request(void)
{
	char text[128];
	struct request rq;

	request_rw(&front, &rq, BLKIF_OP_WRITE, 72, 0, 3);
	need(!queue_do(&front.queue[0], &rq), "write");
	expect_traced("blkback_pop", "domain 0 queue 0 req_cons 1 nr 1");
	expect_traced("blkback_grant",
		      "domain 0 queue 0 maps 0 copies 3 unmaps 0");
	snprintf(text, sizeof(text),
		 "domain 0 queue 0 id %llu op 1 sector 72+24 segs 3 status 0",
		 (unsigned long long)rq.id);
	expect_traced("blkback_req", text);
	expect_traced("blkback_rsp", text);
	expect_traced("blkback_push",
		      "domain 0 queue 0 rsp_prod 1 nr 1 notify 1");
}

static void trace_states(void)
{
	char text[128];

	snprintf(text, sizeof(text), "vbd-0-%u 2 -> 4", front.cfg.id);
	expect_traced("blkback_state", text);
	put_junk_index();
	front_expect_broken(&front, "impossible index");
	snprintf(text, sizeof(text), "vbd-0-%u impossible request index",
		 front.cfg.id);
	expect_traced("blkback_peer_error", text);
	snprintf(text, sizeof(text), "vbd-0-%u 4 -> 5", front.cfg.id);
	expect_traced("blkback_state", text);
}

/* The bystander is silent meanwhile, or is seen by its own id. */
static void tracepoints(void)
{
	trace_begin("tandem_blkback", "0");
	front_start(&front, NULL);
	trace_request();
	trace_states();
	trace_end();
	front_remove(&front);
}

const struct peer_case blkback_trace[] = {
	{ "trace-last-error", last_error, 0, 0 },
	{ "trace-events", tracepoints, 0, 0 },
	{ 0 },
};
