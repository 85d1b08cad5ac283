// SPDX-License-Identifier: GPL-2.0-only
/*
 * Responses that cannot be: ids, operations, statuses, indices; one too many,
 * and none at all.
 */
#include <stdlib.h>
#include <string.h>

#include "back.h"
#include "blkfront.h"

static struct back back;

static const struct io_try read_one = { .bytes = 4096, .offset = 4096 };
static const struct io_try write_one = {
	.write = true, .bytes = 4096, .offset = 4096, .seed = 1,
};

/* What the hook makes of the next response; once is enough. */
struct lie {
	uint64_t id;
	int op;
	int status;
	unsigned int times;
	bool done;
};

static enum verdict tell_lie(struct back *b, struct ask *ask)
{
	struct lie *lie = b->cfg.arg;
	unsigned int i;

	if (lie->done)
		return SERVE;
	lie->done = true;
	back_do(b, ask);
	for (i = 0; i < lie->times; i++)
		back_put(ask->queue, lie->id ? lie->id : ask->id,
			 lie->op >= 0 ? lie->op : ask->op, lie->status);
	back_push(ask->queue);
	back_notify(ask->queue);
	return SWALLOW;
}

/* One request is answered by a lie: the disk is given up, cleanly. */
static void broken_by(struct lie lie, const char *why)
{
	struct back_cfg cfg = { .flush = true };
	int child;

	lie.done = false;
	if (!lie.times)
		lie.times = 1;
	back_start(&back, &cfg);
	back_expect_works(&back, "before");
	back_hook(&back, tell_lie, &lie);
	child = io_begin(&back, &read_one);
	back_expect_broken(&back, why);
	back_finish(&back);
	expect(io_end(child, PATIENCE) == IO_ERROR,
	       "%s: the request did not fail", why);
}

static void id_out_of_range(void)
{
	static const uint64_t id[] = {
		32, 33, 64, 1000, 0xffff, 0x10000, 0xffffffff, 0x100000000ull,
		1ull << 63, ~0ull,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(id); i++)
		broken_by((struct lie){ .id = id[i], .op = -1 },
			  "id out of range");
}

static void id_never_posted(void)
{
	/* The highest ids of an idle ring are free. */
	broken_by((struct lie){ .id = 31, .op = -1 }, "id never posted");
	broken_by((struct lie){ .id = 30, .op = -1 }, "id never posted");
}

static void twice(void)
{
	broken_by((struct lie){ .op = -1, .times = 2 }, "answered twice");
}

static void thrice(void)
{
	broken_by((struct lie){ .op = -1, .times = 32 },
		  "answered for the whole ring");
}

static void wrong_operation(void)
{
	static const uint8_t op[] = { 1, 2, 3, 5, 7, 100, 255 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(op); i++)
		broken_by((struct lie){ .op = op[i] }, "wrong operation");
}

/* Statuses that mean nothing are errors, or the end; never success. */
static void unknown_status(void)
{
	static const int16_t status[] = { 1, 2, -3, 100, 0x7fff, -0x8000 };
	struct back_cfg cfg = { .flush = true };
	struct lie lie;
	enum io result;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(status); i++) {
		lie = (struct lie){ .op = -1, .times = 1, .status = status[i] };
		back_start(&back, &cfg);
		back_hook(&back, tell_lie, &lie);
		result = io_run(&back, &read_one, PATIENCE);
		expect(result == IO_ERROR, "status %d: %s", status[i],
		       result == IO_STUCK ? "stuck" : "taken as success");
		sleep_ms(SILENCE);
		if (back_peer(&back) == XB_CONNECTED)
			back_expect_works(&back, "after an unknown status");
		back_finish(&back);
	}
}

/* All fail, whoever else may look at the disk in between. */
static enum verdict fail_all(struct back *b, struct ask *ask)
{
	(void)b;
	back_answer(ask->queue, ask->id, ask->op, BLKIF_RSP_ERROR);
	return SWALLOW;
}

/* Errors are reported and nothing else happens. */
static void error_status(void)
{
	struct back_cfg cfg = { .flush = true };
	unsigned int i;

	back_start(&back, &cfg);
	for (i = 0; i < 20; i++) {
		back_hook(&back, fail_all, NULL);
		expect(io_run(&back, i & 1 ? &read_one : &write_one,
			      PATIENCE) == IO_ERROR, "no error");
		back_hook(&back, NULL, NULL);
		back_expect_works(&back, "after an error");
	}
	expect(back_close(&back), "no orderly end");
}

static enum verdict unsupported(struct back *b, struct ask *ask)
{
	uint8_t op = *(uint8_t *)b->cfg.arg;

	if (op == BLKIF_OP_INDIRECT ? !ask->indirect : ask->op != op)
		return SERVE;
	back_answer(ask->queue, ask->id, ask->op, BLKIF_RSP_EOPNOTSUPP);
	return SWALLOW;
}

/* A feature that was offered is refused when it is used. */
static void not_supported(void)
{
	static const uint8_t op[] = {
		BLKIF_OP_FLUSH_DISKCACHE, BLKIF_OP_WRITE_BARRIER,
		BLKIF_OP_DISCARD, BLKIF_OP_READ, BLKIF_OP_WRITE,
		BLKIF_OP_INDIRECT,
	};
	struct back_cfg cfg = { .flush = true, .discard = true, .indirect = 64 };
	struct io_try io = write_one;
	unsigned int i;

	io.sync = true;
	io.bytes = 256 * 1024;
	for (i = 0; i < ARRAY_SIZE(op); i++) {
		back_start(&back, &cfg);
		back_hook(&back, unsupported, (void *)&op[i]);
		expect(io_run(&back, &io, PATIENCE) != IO_STUCK,
		       "operation %u: stuck", op[i]);
		expect(io_run(&back, &read_one, PATIENCE) != IO_STUCK,
		       "operation %u: stuck", op[i]);
		back_hook(&back, NULL, NULL);
		if (back_peer(&back) == XB_CONNECTED)
			expect(io_run(&back, &read_one, PATIENCE) != IO_STUCK,
			       "operation %u: stuck afterwards", op[i]);
		back_finish(&back);
	}
}

static struct {
	unsigned int refused;
	unsigned int empty;
} flushes;

static enum verdict refuse_flush(struct back *b, struct ask *ask)
{
	(void)b;
	flushes.empty += ask->op == BLKIF_OP_WRITE_BARRIER && !ask->nseg;
	if (ask->op != BLKIF_OP_FLUSH_DISKCACHE)
		return SERVE;
	flushes.refused++;
	back_answer(ask->queue, ask->id, ask->op, BLKIF_RSP_EOPNOTSUPP);
	return SWALLOW;
}

/*
 * What is offered is read anew whenever the state is written, and counts then.
 * That of the connection may be heard of after the first refusal, once.
 */
static void expect_remembered(const struct io_try *io)
{
	unsigned int left = 2;

	do {
		memset(&flushes, 0, sizeof(flushes));
		need(io_run(&back, io, PATIENCE) == IO_GOOD, "no more syncs");
	} while (flushes.refused && --left);
	expect(!flushes.refused && flushes.empty, "the refusal is forgotten");
}

/* A flush is refused, and barriers are known: it is not done before one is. */
static void flush_refused(void)
{
	struct back_cfg cfg = { .flush = true, .barrier = true };
	struct io_try io = write_one;

	io.sync = true;
	back_start(&back, &cfg);
	back_hook(&back, refuse_flush, NULL);
	expect(io_run(&back, &io, PATIENCE) == IO_GOOD, "no write and sync");
	expect(flushes.refused, "no flush came");
	expect(flushes.empty, "a refused flush counts as done");
	expect_remembered(&io);
	back_expect_works(&back, "without flushes");
	expect(back_close(&back), "no orderly end");
}

static void absurd_producer(uint32_t delta, const char *why)
{
	struct back_cfg cfg = { .flush = true };
	struct back_queue *q = &back.queue[0];

	back_start(&back, &cfg);
	back_expect_works(&back, "before");
	pthread_mutex_lock(&back.lock);
	*wire_index(q->ring, WIRE_RSP_PROD) = q->rsp_prod + delta;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	back_notify(q);
	pthread_mutex_unlock(&back.lock);
	back_expect_broken(&back, why);
	back_finish(&back);
}

static void producer_one_ahead(void)
{
	absurd_producer(1, "a response to nothing");
}

static void producer_size_1(void)
{
	absurd_producer(33, "ring size + 1");
}

static void producer_2g(void)
{
	absurd_producer(0x7fffffff, "2^31 - 1 ahead");
}

static void producer_4g(void)
{
	absurd_producer(0xffffffff, "2^32 - 1 ahead");
}

static void producer_backwards(void)
{
	absurd_producer(-4u, "four back");
}

static void event_indices(void)
{
	static const uint32_t value[] = {
		0, 1, 31, 32, 33, 0x7fffffff, 0x80000000, 0xffffffff,
	};
	struct back_cfg cfg = { .flush = true };
	struct back_queue *q = &back.queue[0];
	unsigned int i;

	back_start(&back, &cfg);
	for (i = 0; i < ARRAY_SIZE(value); i++) {
		pthread_mutex_lock(&back.lock);
		*wire_index(q->ring, WIRE_RSP_EVENT) = value[i];
		*wire_index(q->ring, WIRE_REQ_PROD) = q->req_cons;
		pthread_mutex_unlock(&back.lock);
		back_notify(q);
		back_expect_works(&back, "odd event index");
	}
}

/* Nothing happens, but that the kernel is told, which slows such a peer down. */
static void event_alone(void)
{
	uint64_t spurious;
	unsigned int i;

	back_start(&back, &(struct back_cfg){ .flush = true });
	back_expect_works(&back, "before");
	spurious = file_number(back.debugfs, "ring", "spurious");
	for (i = 0; i < 1000; i++)
		back_notify(&back.queue[0]);
	expect(file_number_grows(back.debugfs, "ring", "spurious", spurious),
	       "nobody calls them spurious");
	back_expect_works(&back, "after events without responses");
	expect(back_close(&back), "no orderly end");
}

/* Every byte of the ring that is not ours to write, written. */
static void scribble(void)
{
	struct back_cfg cfg = { .flush = true };
	struct back_queue *q = &back.queue[0];
	unsigned int i;

	back_start(&back, &cfg);
	for (i = 0; i < 10; i++) {
		pthread_mutex_lock(&back.lock);
		fill(q->ring + 16, WIRE_HEADER - 16, i);
		if (*wire_index(q->ring, WIRE_REQ_PROD) == q->req_cons)
			fill(q->ring + WIRE_HEADER, WIRE_PAGE - WIRE_HEADER, i);
		pthread_mutex_unlock(&back.lock);
		back_notify(q);
		back_expect_works(&back, "scribbled ring");
	}
}

static enum verdict swallow(struct back *b, struct ask *ask)
{
	(void)b;
	(void)ask;
	return SWALLOW;
}

/* No answer: nothing ends early, and it ends when the disk goes. */
static void silent(void)
{
	struct back_cfg cfg = { .flush = true };
	int child[4];
	unsigned int i;

	back_start(&back, &cfg);
	back_hook(&back, swallow, NULL);
	for (i = 0; i < ARRAY_SIZE(child); i++)
		child[i] = io_begin(&back, i & 1 ? &write_one : &read_one);
	sleep_ms(3000);
	for (i = 0; i < ARRAY_SIZE(child); i++)
		expect(io_end(child[i], 10) == IO_STUCK,
		       "a request ended without an answer");
	back_finish(&back);
	for (i = 0; i < ARRAY_SIZE(child); i++)
		expect(io_end(child[i], PATIENCE) == IO_ERROR,
		       "a request did not end with the disk");
}

static uint64_t held_id[64];
static uint8_t held_op[64];
static unsigned int nr_held;

static enum verdict hold(struct back *b, struct ask *ask)
{
	back_do(b, ask);
	held_id[nr_held % 64] = ask->id;
	held_op[nr_held++ % 64] = ask->op;
	return SWALLOW;
}

/* When a request counts as late. Return: that time, in milliseconds. */
static unsigned int set_timeout(void)
{
	unsigned int ms = peer_times(500, 30000);
	char path[PATH_BYTES], text[16];

	snprintf(path, sizeof(path), "/sys/block/%.40s/queue/io_timeout",
		 back.disk + strlen("/dev/"));
	snprintf(text, sizeof(text), "%u", ms);
	need(!file_write(path, text), "%s", path);
	return ms;
}

/* Long after the timeout of a request: good, once it is answered. */
static void late(void)
{
	struct back_cfg cfg = { .flush = true };
	unsigned int ms;
	int child;

	back_start(&back, &cfg);
	nr_held = 0;
	ms = set_timeout();
	back_hook(&back, hold, NULL);
	child = io_begin(&back, &write_one);
	sleep_ms(3 * ms + ms / 2);
	expect(klog_lines("no answer", ""), "nobody noticed");
	expect(io_end(child, 10) == IO_STUCK, "the request ended early");
	pthread_mutex_lock(&back.lock);
	back.cfg.hook = NULL;
	while (nr_held) {
		nr_held--;
		back_answer(&back.queue[0], held_id[nr_held], held_op[nr_held],
			    BLKIF_RSP_OKAY);
	}
	pthread_mutex_unlock(&back.lock);
	expect(io_end(child, PATIENCE) == IO_GOOD, "the late answer is lost");
	back_expect_works(&back, "after a late answer");
}

/* Answered, but without the event that says so: found all the same. */
static enum verdict no_event(struct back *b, struct ask *ask)
{
	back_put(ask->queue, ask->id, ask->op, back_do(b, ask));
	back_push(ask->queue);
	return SWALLOW;
}

static void lost_event(void)
{
	struct back_cfg cfg = { .flush = true };

	back_start(&back, &cfg);
	set_timeout();
	back_hook(&back, no_event, NULL);
	expect(io_run(&back, &write_one, 4 * PATIENCE) == IO_GOOD,
	       "a response without an event was never seen");
	back_hook(&back, NULL, NULL);
	back_expect_works(&back, "after a lost event");
}

const struct peer_case blkfront_response[] = {
	{ "back-id-out-of-range", id_out_of_range, 120, 0 },
	{ "back-id-never-posted", id_never_posted, 0, 0 },
	{ "back-answered-twice", twice, 0, 0 },
	{ "back-answered-for-whole-ring", thrice, 0, 0 },
	{ "back-wrong-operation", wrong_operation, 120, 0 },
	{ "back-unknown-status", unknown_status, 120, 0 },
	{ "back-error-status", error_status, 0, 0 },
	{ "back-not-supported", not_supported, 120, 0 },
	{ "back-not-supported-flush", flush_refused, 0, 0 },
	{ "back-producer-one-ahead", producer_one_ahead, 0, 0 },
	{ "back-producer-size-plus-1", producer_size_1, 0, 0 },
	{ "back-producer-2g-minus-1", producer_2g, 0, 0 },
	{ "back-producer-4g-minus-1", producer_4g, 0, 0 },
	{ "back-producer-backwards", producer_backwards, 0, 0 },
	{ "back-event-index-any", event_indices, 0, 0 },
	{ "back-event-without-response", event_alone, 0, 0 },
	{ "back-scribbled-ring", scribble, 0, 0 },
	{ "back-silent", silent, 120, 0 },
	{ "back-late", late, 200, 0 },
	{ "back-lost-event", lost_event, 200, 0 },
	{ 0 },
};
