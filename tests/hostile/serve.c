// SPDX-License-Identifier: GPL-2.0-only
/*
 * A backend's rings: requests taken, data copied, responses.
 */
#include <string.h>
#include <sys/mman.h>

#include "back.h"

/* responses */

void back_put(struct back_queue *q, uint64_t id, uint8_t op, int16_t status)
{
	const struct wire *w = &wire_x86_64;
	uint8_t *slot = wire_slot(w, q->ring, q->size, q->rsp_prod++);

	memset(slot, 0, w->rsp);
	wire_put(slot + WIRE_RSP_ID, id, 8);
	slot[WIRE_RSP_OP] = op;
	wire_put(slot + WIRE_RSP_STATUS, (uint16_t)status, 2);
}

void back_push(struct back_queue *q)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	*wire_index(q->ring, WIRE_RSP_PROD) = q->rsp_prod;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void back_notify(struct back_queue *q)
{
	xenevtchn_notify(q->back->event, q->port);
}

void back_answer(struct back_queue *q, uint64_t id, uint8_t op, int16_t status)
{
	back_put(q, id, op, status);
	back_push(q);
	back_notify(q);
}

/* requests */

void *back_map(struct back *b, uint32_t ref, bool writable)
{
	return xengnttab_map_grant_ref(b->gnt, b->cfg.domid, ref, writable ?
				       PROT_READ | PROT_WRITE : PROT_READ);
}

static void take_segs(const uint8_t *at, struct ask *ask, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++, at += WIRE_SEG_BYTES) {
		ask->seg[i].gref = wire_get(at, 4);
		ask->seg[i].first = at[4];
		ask->seg[i].last = at[5];
	}
}

static void take_indirect(struct back *b, const uint8_t *slot, struct ask *ask)
{
	const struct wire *w = &wire_x86_64;
	uint8_t *page;

	ask->indirect = true;
	ask->op = slot[WIRE_I_OP];
	ask->nseg = wire_get(slot + WIRE_I_NSEG, 2);
	if (ask->nseg > WIRE_PAGE_SEGS)
		ask->nseg = WIRE_PAGE_SEGS;
	page = back_map(b, wire_get(slot + w->i_grefs, 4), false);
	if (!page) {
		ask->nseg = 0;
		return;
	}
	take_segs(page, ask, ask->nseg);
	xengnttab_unmap(b->gnt, page, 1);
}

static void take(struct back_queue *q, struct ask *ask)
{
	const struct wire *w = &wire_x86_64;
	uint8_t *slot = wire_slot(w, q->ring, q->size, q->req_cons);

	memset(ask, 0, sizeof(*ask));
	ask->queue = q;
	ask->index = q->req_cons++;
	ask->op = slot[WIRE_OP];
	ask->id = wire_get(slot + w->id, 8);
	ask->sector = wire_get(slot + w->sector, 8);
	if (ask->op == BLKIF_OP_INDIRECT) {
		take_indirect(q->back, slot, ask);
	} else if (ask->op == BLKIF_OP_DISCARD) {
		ask->flag = slot[WIRE_NSEG];
		ask->nr_sectors = wire_get(slot + w->segs, 8);
	} else {
		ask->nseg = slot[WIRE_NSEG];
		if (ask->nseg > WIRE_SEGS)
			ask->nseg = WIRE_SEGS;
		take_segs(slot + w->segs, ask, ask->nseg);
	}
}

/* One hypercall for the data of all segments. Return: a status. */
static int copy_segs(struct back *b, const struct ask *ask, bool to_peer)
{
	static __thread xengnttab_grant_copy_segment_t op[WIRE_PAGE_SEGS];
	uint64_t at = ask->sector;
	unsigned int i;

	memset(op, 0, sizeof(op[0]) * ask->nseg);
	for (i = 0; i < ask->nseg; i++) {
		const struct wire_seg *s = &ask->seg[i];
		unsigned int nr = s->last - s->first + 1;
		union xengnttab_copy_ptr *ours, *peer;

		if (s->last < s->first || s->last > 7 ||
		    at + nr > BACK_SECTORS)
			return BLKIF_RSP_ERROR;
		ours = to_peer ? &op[i].source : &op[i].dest;
		peer = to_peer ? &op[i].dest : &op[i].source;
		ours->virt = b->memory + at * WIRE_SECTOR;
		peer->foreign.ref = s->gref;
		peer->foreign.offset = s->first * WIRE_SECTOR;
		peer->foreign.domid = b->cfg.domid;
		op[i].len = nr * WIRE_SECTOR;
		op[i].flags = to_peer ? GNTCOPY_dest_gref : GNTCOPY_source_gref;
		at += nr;
	}
	if (ask->nseg && xengnttab_grant_copy(b->gnt, ask->nseg, op))
		return BLKIF_RSP_ERROR;
	for (i = 0; i < ask->nseg; i++)
		if (op[i].status)
			return BLKIF_RSP_ERROR;
	return BLKIF_RSP_OKAY;
}

/* What a request asks for. Return: the status to answer with. */
int back_do(struct back *b, const struct ask *ask)
{
	switch (ask->op) {
	case BLKIF_OP_READ:
		return copy_segs(b, ask, true);
	case BLKIF_OP_WRITE:
	case BLKIF_OP_WRITE_BARRIER:
		return copy_segs(b, ask, false);
	case BLKIF_OP_FLUSH_DISKCACHE:
		return BLKIF_RSP_OKAY;
	case BLKIF_OP_DISCARD:
		if (ask->sector + ask->nr_sectors > BACK_SECTORS)
			return BLKIF_RSP_ERROR;
		memset(b->memory + ask->sector * WIRE_SECTOR, 0,
		       ask->nr_sectors * WIRE_SECTOR);
		return BLKIF_RSP_OKAY;
	}
	return BLKIF_RSP_EOPNOTSUPP;
}

/* Return: whether there was a request. */
static bool serve_one(struct back_queue *q)
{
	struct back *b = q->back;
	struct ask ask;
	int status;

	if (!q->ring)
		return false;
	*wire_index(q->ring, WIRE_REQ_EVENT) = q->req_cons + 1;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (*wire_index(q->ring, WIRE_REQ_PROD) == q->req_cons)
		return false;
	take(q, &ask);
	__atomic_add_fetch(&b->asked, 1, __ATOMIC_RELAXED);
	if (b->cfg.hook && b->cfg.hook(b, &ask) == SWALLOW)
		return true;
	status = back_do(b, &ask);
	back_answer(q, ask.id, ask.op, status);
	return true;
}

static void *server_main(void *arg)
{
	struct back *b = arg;
	unsigned int i;
	bool busy;

	while (!__atomic_load_n(&b->stop, __ATOMIC_RELAXED)) {
		pthread_mutex_lock(&b->lock);
		for (i = 0, busy = false; i < b->nr_queues; i++)
			busy |= serve_one(&b->queue[i]);
		pthread_mutex_unlock(&b->lock);
		if (!busy)
			event_wait(b->event, 20);
	}
	return NULL;
}

void back_serve(struct back *b)
{
	b->stop = false;
	need(!pthread_create(&b->server, NULL, server_main, b), "no thread");
	b->serving = true;
}

void back_pause(struct back *b)
{
	if (!b->serving)
		return;
	b->serving = false;
	__atomic_store_n(&b->stop, true, __ATOMIC_RELAXED);
	pthread_join(b->server, NULL);
}
