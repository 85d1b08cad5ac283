// SPDX-License-Identifier: GPL-2.0-only
/*
 * The frontend's part of decode.h: requests out, responses in. Always in the
 * native layout.
 */
#include <linux/bug.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/string.h>

#include "decode.h"

/* Padding included: the backend sees every byte. */
static void blkif_build_head(struct tandem_blkif_head64 *head, u8 op, u8 arg,
			     u16 half, const struct tandem_blkif_build *b)
{
	head->op = tandem_peer8(op);
	head->arg = tandem_peer8(arg);
	head->half = tandem_peer16(half);
	head->pad = tandem_peer32(0);
	head->id = tandem_peer64(b->id);
	head->sector = tandem_peer64(b->sector);
}

/**
 * tandem_blkif_build_segs() - write segments as they are on the wire
 * @page: where to; may be an indirect page that the backend can read, aligned
 *        to eight bytes
 * @segs: the segments
 * @nr: their number
 *
 * Spec: io/blkif.h, struct blkif_request_segment.
 */
void tandem_blkif_build_segs(void *page, const struct tandem_blkif_seg *segs,
			     u16 nr)
{
	struct tandem_blkif_wire_seg *w = page;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		w[i].gref = tandem_peer32(segs[i].gref);
		w[i].first = tandem_peer8(segs[i].first);
		w[i].last = tandem_peer8(segs[i].last);
		w[i].pad = tandem_peer16(0);
	}
}
EXPORT_SYMBOL_GPL(tandem_blkif_build_segs);

/**
 * tandem_blkif_build_rw() - build a request whose segments are in it
 * @slot: TANDEM_BLKIF_REQ_BYTES bytes of private memory, aligned to eight; as
 *        many as returned are written
 * @b: the request; @b->op is READ, WRITE, BARRIER or FLUSH, with at most
 *     TANDEM_BLKIF_MAX_SEGS segments
 *
 * Spec: io/blkif.h, struct blkif_request.
 *
 * Return: bytes to hand to tandem_front_ring_write(); 0 for too many segments,
 * which is a bug of the caller.
 */
u32 tandem_blkif_build_rw(void *slot, const struct tandem_blkif_build *b)
{
	struct tandem_blkif_rw64 *req = slot;

	if (WARN_ON_ONCE(b->nr_segs > TANDEM_BLKIF_MAX_SEGS))
		return 0;

	blkif_build_head(&req->head, b->op, b->nr_segs, b->handle, b);
	tandem_blkif_build_segs(req->seg, b->segs, b->nr_segs);
	return sizeof(req->head) + b->nr_segs * sizeof(req->seg[0]);
}
EXPORT_SYMBOL_GPL(tandem_blkif_build_rw);

/**
 * tandem_blkif_build_indirect() - build a request with indirect pages
 * @slot: as for tandem_blkif_build_rw()
 * @b: the request; @b->op is READ or WRITE, @b->nr_segs counts the segments in
 *     all pages, @b->segs is not used: see tandem_blkif_build_segs()
 * @grefs: grants of the indirect pages
 * @nr_grefs: their number, which is tandem_blkif_indirect_pages(@b->nr_segs)
 *
 * Spec: io/blkif.h, struct blkif_request_indirect.
 *
 * Return: bytes to hand to tandem_front_ring_write(); 0 for numbers that do not
 * fit together, which is a bug of the caller.
 */
u32 tandem_blkif_build_indirect(void *slot, const struct tandem_blkif_build *b,
				const u32 *grefs, u16 nr_grefs)
{
	struct tandem_blkif_indirect64 *req = slot;
	unsigned int i;

	if (WARN_ON_ONCE(nr_grefs != tandem_blkif_indirect_pages(b->nr_segs) ||
			 nr_grefs > TANDEM_BLKIF_MAX_INDIRECT))
		return 0;

	memset(req, 0, sizeof(*req));
	blkif_build_head(&req->head, TANDEM_BLKIF_OP_INDIRECT, b->op,
			 b->nr_segs, b);
	req->handle = tandem_peer16(b->handle);
	for (i = 0; i < nr_grefs; i++)
		req->gref[i] = tandem_peer32(grefs[i]);
	return sizeof(*req);
}
EXPORT_SYMBOL_GPL(tandem_blkif_build_indirect);

/**
 * tandem_blkif_build_discard() - build a discard
 * @slot: as for tandem_blkif_build_rw()
 * @b: the request; @b->sector, @b->nr_sectors and @b->secure count
 *
 * Spec: io/blkif.h, struct blkif_request_discard.
 *
 * Return: bytes to hand to tandem_front_ring_write().
 */
u32 tandem_blkif_build_discard(void *slot, const struct tandem_blkif_build *b)
{
	struct tandem_blkif_discard64 *req = slot;
	u8 flag = b->secure ? TANDEM_BLKIF_DISCARD_SECURE : 0;

	blkif_build_head(&req->head, TANDEM_BLKIF_OP_DISCARD, flag, b->handle, b);
	req->nr_sectors = tandem_peer64(b->nr_sectors);
	return sizeof(*req);
}
EXPORT_SYMBOL_GPL(tandem_blkif_build_discard);

/**
 * tandem_blkif_build_flush() - build a flush without data
 * @slot: as for tandem_blkif_build_rw()
 * @b: the request; only @b->id and @b->handle count
 *
 * Spec: io/blkif.h, BLKIF_OP_FLUSH_DISKCACHE.
 *
 * Return: bytes to hand to tandem_front_ring_write().
 */
u32 tandem_blkif_build_flush(void *slot, const struct tandem_blkif_build *b)
{
	struct tandem_blkif_build flush = { .id = b->id };
	struct tandem_blkif_head64 *head = slot;

	blkif_build_head(head, TANDEM_BLKIF_OP_FLUSH, 0, b->handle, &flush);
	return sizeof(*head);
}
EXPORT_SYMBOL_GPL(tandem_blkif_build_flush);

/**
 * tandem_blkif_take_response() - copy and decode the next response
 * @r: the frontend's end of the ring, with a response pending; not advanced
 * @out: receives the response
 *
 * Whether the id is one of a request that is out, and the operation its own, is
 * for the caller to check, see tandem_blkif_rsp_fits().
 *
 * Spec: io/blkif.h, struct blkif_response and STATUS RETURN CODES.
 *
 * Return: 0; -EPROTO for a status that does not exist, in which case @out says
 * TANDEM_BLKIF_RSP_ERROR and the backend is not to be trusted any more.
 */
int tandem_blkif_take_response(struct tandem_front_ring *r,
			       struct tandem_blkif_rsp *out)
{
	struct tandem_blkif_rsp32 rsp;

	/* The tail of the native layout is padding and stays where it is. */
	tandem_front_ring_read(r, &rsp, 0, sizeof(rsp));
	out->id = tandem_peer64_raw(rsp.id);
	out->op = tandem_peer8_raw(rsp.op);
	out->status = (s16)tandem_peer16_raw(rsp.status);
	if (out->status <= TANDEM_BLKIF_RSP_OKAY &&
	    out->status >= TANDEM_BLKIF_RSP_EOPNOTSUPP)
		return 0;

	out->status = TANDEM_BLKIF_RSP_ERROR;
	return -EPROTO;
}
EXPORT_SYMBOL_GPL(tandem_blkif_take_response);

/**
 * tandem_blkif_rsp_fits() - does a response belong to such a request
 * @rsp: the response
 * @op: operation of the request; of an indirect one, the operation meant
 * @indirect: the request was indirect
 *
 * Backends differ in which of its two operations they echo for an indirect
 * request, and the specification does not say; either will do.
 *
 * Return: true if it does.
 */
bool tandem_blkif_rsp_fits(const struct tandem_blkif_rsp *rsp, u8 op,
			   bool indirect)
{
	return rsp->op == op ||
	       (indirect && rsp->op == TANDEM_BLKIF_OP_INDIRECT);
}
EXPORT_SYMBOL_GPL(tandem_blkif_rsp_fits);
