// SPDX-License-Identifier: GPL-2.0-only
/*
 * A frontend's rings: requests as bytes, responses, and I/O whose data is
 * checked.
 */
#include <stdlib.h>
#include <string.h>

#include "front.h"

uint8_t *queue_slot(struct front_queue *q, uint32_t index)
{
	return wire_slot(q->front->wire, q->ring, q->size, index);
}

static void put_indirect(const struct wire *w, uint8_t *slot,
			 const struct request *rq)
{
	unsigned int i;

	slot[WIRE_I_OP] = rq->i_op;
	wire_put(slot + WIRE_I_NSEG, rq->i_nseg, 2);
	wire_put(slot + w->i_handle, rq->handle, 2);
	for (i = 0; i < WIRE_IPAGES; i++)
		wire_put(slot + w->i_grefs + 4 * i, rq->i_gref[i], 4);
}

static void put_direct(const struct wire *w, uint8_t *slot,
		       const struct request *rq)
{
	unsigned int i;

	slot[WIRE_NSEG] = rq->nseg;
	wire_put(slot + WIRE_HANDLE, rq->handle, 2);
	for (i = 0; i < WIRE_SEGS; i++)
		wire_put_seg(slot + w->segs + WIRE_SEG_BYTES * i, &rq->seg[i]);
	if (rq->op == BLKIF_OP_DISCARD)
		wire_put(slot + w->segs, rq->nr_sectors, 8);
}

/* Write the next request; the backend cannot see it yet. Return: its bytes. */
uint8_t *queue_put(struct front_queue *q, const struct request *rq)
{
	const struct wire *w = q->front->wire;
	uint8_t *slot = queue_slot(q, q->req_prod++);

	memset(slot, 0, w->entry);
	slot[WIRE_OP] = rq->op;
	wire_put(slot + w->id, rq->id, 8);
	wire_put(slot + w->sector, rq->sector, 8);
	if (rq->op == BLKIF_OP_INDIRECT)
		put_indirect(w, slot, rq);
	else
		put_direct(w, slot, rq);
	return slot;
}

void queue_publish(struct front_queue *q)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	*wire_index(q->ring, WIRE_REQ_PROD) = q->req_prod;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void queue_kick(struct front_queue *q)
{
	xenevtchn_notify(q->event, q->port);
}

void queue_push(struct front_queue *q)
{
	queue_publish(q);
	queue_kick(q);
}

static bool has_response(struct front_queue *q)
{
	*wire_index(q->ring, WIRE_RSP_EVENT) = q->rsp_cons + 1;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return *wire_index(q->ring, WIRE_RSP_PROD) != q->rsp_cons;
}

/* The next response, if one comes in time. */
bool queue_get(struct front_queue *q, struct response *rsp, unsigned int ms)
{
	uint64_t end = now_ms() + ms, now;
	uint8_t *slot;

	while (!has_response(q)) {
		now = now_ms();
		if (now >= end)
			return false;
		/* An event may be lost to a rogue's tricks: look again. */
		event_wait(q->event, end - now > 100 ? 100 : end - now);
	}
	slot = queue_slot(q, q->rsp_cons++);
	rsp->id = wire_get(slot + WIRE_RSP_ID, 8);
	rsp->op = slot[WIRE_RSP_OP];
	rsp->status = (int16_t)wire_get(slot + WIRE_RSP_STATUS, 2);
	return true;
}

/* One request and its response. Return: the status, or NO_ANSWER. */
int queue_do(struct front_queue *q, const struct request *rq)
{
	struct response rsp;

	queue_put(q, rq);
	queue_push(q);
	if (!queue_get(q, &rsp, PATIENCE / 3))
		return NO_ANSWER;
	expect(rsp.id == rq->id, "response for id %llx, not %llx",
	       (unsigned long long)rsp.id, (unsigned long long)rq->id);
	return rsp.status;
}

/* Take @nr responses. Return: how many said that all is well. */
unsigned int queue_drain(struct front_queue *q, unsigned int nr)
{
	unsigned int good = 0;
	struct response rsp;

	while (nr-- && queue_get(q, &rsp, PATIENCE / 3))
		good += rsp.status == BLKIF_RSP_OKAY;
	return good;
}

/* Data pages @page to @page + @nseg - 1, whole. */
void request_rw(struct front *f, struct request *rq, uint8_t op,
		uint64_t sector, unsigned int page, unsigned int nseg)
{
	unsigned int i;

	memset(rq, 0, sizeof(*rq));
	rq->op = op;
	rq->nseg = nseg;
	rq->handle = f->cfg.id;
	rq->id = noise();
	rq->sector = sector;
	for (i = 0; i < nseg && i < WIRE_SEGS; i++) {
		rq->seg[i].gref = f->data.ref[(page + i) % f->data.nr];
		rq->seg[i].last = WIRE_PAGE_SECTS - 1;
	}
}

/* Segment @i of the next indirect request. */
void front_desc(struct front *f, unsigned int i, const struct wire_seg *seg)
{
	wire_put_seg(pages_at(&f->desc, i / WIRE_PAGE_SEGS) +
		     WIRE_SEG_BYTES * (i % WIRE_PAGE_SEGS), seg);
}

void request_indirect(struct front *f, struct request *rq, uint8_t op,
		      uint64_t sector, unsigned int page, unsigned int nseg)
{
	struct wire_seg seg = { .last = WIRE_PAGE_SECTS - 1 };
	unsigned int i;

	memset(rq, 0, sizeof(*rq));
	rq->op = BLKIF_OP_INDIRECT;
	rq->i_op = op;
	rq->i_nseg = nseg;
	rq->handle = f->cfg.id;
	rq->id = noise();
	rq->sector = sector;
	for (i = 0; i < WIRE_IPAGES; i++)
		rq->i_gref[i] = f->desc.ref[i];
	for (i = 0; i < nseg && i < WIRE_IPAGES * WIRE_PAGE_SEGS; i++) {
		seg.gref = f->data.ref[(page + i) % f->data.nr];
		front_desc(f, i, &seg);
	}
}

int front_rw(struct front_queue *q, uint8_t op, uint64_t sector,
	     unsigned int page, unsigned int nseg)
{
	struct request rq;

	if (nseg > WIRE_SEGS)
		request_indirect(q->front, &rq, op, sector, page, nseg);
	else
		request_rw(q->front, &rq, op, sector, page, nseg);
	return queue_do(q, &rq);
}

/*
 * @nr requests of @nseg pages next to each other, told of at once. Return: how many
 * ended well.
 */
unsigned int front_run(struct front_queue *q, uint8_t op, unsigned int nr,
		       unsigned int nseg)
{
	struct request rq;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		request_rw(q->front, &rq, op, i * nseg * 8, i * nseg, nseg);
		queue_put(q, &rq);
	}
	queue_push(q);
	return queue_drain(q, nr);
}

int front_flush(struct front_queue *q)
{
	struct request rq = {
		.op = BLKIF_OP_FLUSH_DISKCACHE,
		.handle = q->front->cfg.id,
		.id = noise(),
	};

	return queue_do(q, &rq);
}

/* Write, flush, read back elsewhere, compare: four pages of data. */
bool front_verify(struct front_queue *q)
{
	struct front *f = q->front;
	uint64_t seed = noise(), sector = noise() % (FRONT_SECTORS / 8 - 8) * 8;
	const unsigned int nseg = 4, bytes = nseg * WIRE_PAGE;
	int status;

	fill(pages_at(&f->data, 0), bytes, seed);
	status = front_rw(q, BLKIF_OP_WRITE, sector, 0, nseg);
	if (status) {
		peer_note("write: status %d", status);
		return false;
	}
	status = front_flush(q);
	if (status && status != BLKIF_RSP_EOPNOTSUPP) {
		peer_note("flush: status %d", status);
		return false;
	}
	memset(pages_at(&f->data, nseg), 0xee, bytes);
	status = front_rw(q, BLKIF_OP_READ, sector, nseg, nseg);
	if (status) {
		peer_note("read: status %d", status);
		return false;
	}
	return !differs(pages_at(&f->data, nseg), bytes, seed);
}

void front_expect_works(struct front *f, const char *when)
{
	unsigned int i;

	for (i = 0; i < f->nr_queues; i++)
		expect(front_verify(&f->queue[i]),
		       "%s: no good I/O on queue %u", when, i);
}

/* What became of a rogue. */

bool front_is_broken(const struct front *f)
{
	unsigned int state = front_state(f);

	return state == XB_CLOSING || state == XB_CLOSED;
}

unsigned int front_broken_lines(const struct front *f)
{
	char name[32];

	snprintf(name, sizeof(name), "vbd-%u-%u", f->cfg.domid, f->cfg.id);
	return klog_lines("broken", name);
}

static void expect_given_up(struct front *f, const char *word,
			    unsigned int most, const char *why)
{
	char name[32], error[PATH_BYTES];
	unsigned int lines;

	expect(front_wait(f, STATE(XB_CLOSING) | STATE(XB_CLOSED)),
	       "%s: the backend is in state %u, not Closing", why,
	       front_state(f));
	snprintf(name, sizeof(name), "vbd-%u-%u", f->cfg.domid, f->cfg.id);
	lines = klog_errors(name);
	expect(lines && lines <= most, "%s: %u lines in the log", why, lines);
	expect(klog_lines(name, word), "%s: no line says %s", why, word);
	snprintf(error, sizeof(error), FRONT_ERROR, f->cfg.domid, f->cfg.id);
	expect(store_has_error(error, f->back), "%s: no error node", why);
}

/* The device was quarantined: closing, one clear line, an error node. */
void front_expect_broken(struct front *f, const char *why)
{
	expect_given_up(f, "broken", 1, why);
}

/*
 * It was never connected: the same, and the line says why. Where the kernel's
 * bus could not map or bind, it has said so before.
 */
void front_expect_closed(struct front *f, const char *why)
{
	expect_given_up(f, "", 2, why);
}

/* The request failed and nothing else; or the device was quarantined. */
void front_expect_refused(struct front *f, int status, const char *why)
{
	unsigned int i;

	expect(status, "%s: done", why);
	if (status == NO_ANSWER || front_is_broken(f)) {
		front_expect_broken(f, why);
		return;
	}
	for (i = 0; i < f->nr_queues; i++)
		expect(front_verify(&f->queue[i]), "%s: no good I/O after",
		       why);
}
