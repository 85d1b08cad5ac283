// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests and responses of the block protocol, see decode.h.
 */
#include <linux/bug.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/kernel.h>
#include <linux/overflow.h>
#include <linux/string.h>

#include "decode.h"

static const char *const blkif_why[TANDEM_BLKIF_WHY_COUNT] = {
	[TANDEM_BLKIF_WHY_OK] = "no error",
	[TANDEM_BLKIF_WHY_UNKNOWN_OP] = "unknown operation",
	[TANDEM_BLKIF_WHY_NOT_OFFERED] = "operation not offered",
	[TANDEM_BLKIF_WHY_READONLY] = "read-only disk",
	[TANDEM_BLKIF_WHY_NO_SEGMENTS] = "no segments",
	[TANDEM_BLKIF_WHY_MANY_SEGMENTS] = "too many segments",
	[TANDEM_BLKIF_WHY_BAD_SEGMENT] = "segment outside its page",
	[TANDEM_BLKIF_WHY_INDIRECT_OP] = "indirect request neither read nor write",
	[TANDEM_BLKIF_WHY_DISCARD_FLAG] = "unknown discard flag",
	[TANDEM_BLKIF_WHY_EMPTY] = "empty range",
	[TANDEM_BLKIF_WHY_ALIGN] = "not aligned to the sector size",
	[TANDEM_BLKIF_WHY_RANGE] = "beyond the end of the disk",
};

/* Where the parts after the head lie, by layout. */
static u32 blkif_seg_offset(enum tandem_blkif_abi abi)
{
	return abi == TANDEM_BLKIF_X86_32 ?
		offsetof(struct tandem_blkif_rw32, seg) :
		offsetof(struct tandem_blkif_rw64, seg);
}

static u32 blkif_gref_offset(enum tandem_blkif_abi abi)
{
	return abi == TANDEM_BLKIF_X86_32 ?
		offsetof(struct tandem_blkif_indirect32, gref) :
		offsetof(struct tandem_blkif_indirect64, gref);
}

static u32 blkif_length_offset(enum tandem_blkif_abi abi)
{
	return abi == TANDEM_BLKIF_X86_32 ?
		offsetof(struct tandem_blkif_discard32, nr_sectors) :
		offsetof(struct tandem_blkif_discard64, nr_sectors);
}

static void blkif_read_head(const struct tandem_back_ring *r,
			    enum tandem_blkif_abi abi,
			    struct tandem_blkif_head64 *head)
{
	struct tandem_blkif_head32 h;

	if (abi != TANDEM_BLKIF_X86_32) {
		tandem_back_ring_read(r, head, 0, sizeof(*head));
		return;
	}

	tandem_back_ring_read(r, &h, 0, sizeof(h));
	head->op = h.op;
	head->arg = h.arg;
	head->half = h.half;
	head->id = h.id;
	head->sector = h.sector;
}

/* 512-byte sectors per logical sector, less one; all ones for nonsense. */
static u64 blkif_mask(const struct tandem_blkif_limits *lim)
{
	return (u64)(lim->sector_size >> TANDEM_BLKIF_SECTOR_SHIFT) - 1;
}

static enum tandem_blkif_why blkif_take_seg(const struct tandem_blkif_wire_seg *w,
					    u64 mask,
					    struct tandem_blkif_seg *seg)
{
	if (!tandem_peer8_max(w->last, TANDEM_BLKIF_PAGE_SECTORS - 1, &seg->last))
		return TANDEM_BLKIF_WHY_BAD_SEGMENT;
	if (!tandem_peer8_max(w->first, seg->last, &seg->first))
		return TANDEM_BLKIF_WHY_BAD_SEGMENT;
	if ((seg->first | (seg->last + 1)) & mask)
		return TANDEM_BLKIF_WHY_ALIGN;

	seg->gref = tandem_peer32_raw(w->gref);
	seg->pad = 0;
	return TANDEM_BLKIF_WHY_OK;
}

static u64 blkif_seg_sectors(const struct tandem_blkif_seg *seg)
{
	return seg->last - seg->first + 1;
}

static enum tandem_blkif_why blkif_range(const struct tandem_blkif_limits *lim,
					 const struct tandem_blkif_msg *msg)
{
	u64 end;

	if (!msg->nr_sectors)
		return TANDEM_BLKIF_WHY_EMPTY;
	if ((msg->sector | msg->nr_sectors) & blkif_mask(lim))
		return TANDEM_BLKIF_WHY_ALIGN;
	if (check_add_overflow(msg->sector, msg->nr_sectors, &end))
		return TANDEM_BLKIF_WHY_RANGE;
	if (end > lim->sectors)
		return TANDEM_BLKIF_WHY_RANGE;

	return TANDEM_BLKIF_WHY_OK;
}

/* The segments of a direct request, once their number is known to fit. */
static enum tandem_blkif_why blkif_take_segs(const struct tandem_back_ring *r,
					     enum tandem_blkif_abi abi,
					     const struct tandem_blkif_limits *lim,
					     struct tandem_blkif_msg *msg)
{
	struct tandem_blkif_wire_seg wire[TANDEM_BLKIF_MAX_SEGS];
	u64 mask = blkif_mask(lim);
	enum tandem_blkif_why why;
	unsigned int i;

	tandem_back_ring_read(r, wire, blkif_seg_offset(abi),
			      msg->nr_segs * sizeof(wire[0]));

	for (i = 0; i < msg->nr_segs; i++) {
		why = blkif_take_seg(&wire[i], mask, &msg->seg[i]);
		if (why)
			return why;
		msg->nr_sectors += blkif_seg_sectors(&msg->seg[i]);
	}

	return blkif_range(lim, msg);
}

static enum tandem_blkif_why blkif_count(const struct tandem_blkif_head64 *head,
					 struct tandem_blkif_msg *msg)
{
	u8 nr;

	if (!tandem_peer8_max(head->arg, TANDEM_BLKIF_MAX_SEGS, &nr))
		return TANDEM_BLKIF_WHY_MANY_SEGMENTS;

	msg->nr_segs = nr;
	return TANDEM_BLKIF_WHY_OK;
}

static enum tandem_blkif_why blkif_take_rw(const struct tandem_back_ring *r,
					   enum tandem_blkif_abi abi,
					   const struct tandem_blkif_limits *lim,
					   const struct tandem_blkif_head64 *head,
					   struct tandem_blkif_msg *msg)
{
	enum tandem_blkif_why why;

	if (msg->kind == TANDEM_BLKIF_WRITE && lim->readonly)
		return TANDEM_BLKIF_WHY_READONLY;
	why = blkif_count(head, msg);
	if (why)
		return why;
	if (!msg->nr_segs)
		return TANDEM_BLKIF_WHY_NO_SEGMENTS;

	return blkif_take_segs(r, abi, lim, msg);
}

/*
 * Flush and barrier. Without segments they carry no data, and the sector means
 * nothing; a flush of that kind is harmless on a read-only disk too. With data
 * they are a write after a flush. The specification does not say whether the
 * data of a flush is part of what it commits; it is, here.
 */
static enum tandem_blkif_why blkif_take_flush(const struct tandem_back_ring *r,
					      enum tandem_blkif_abi abi,
					      const struct tandem_blkif_limits *lim,
					      const struct tandem_blkif_head64 *head,
					      struct tandem_blkif_msg *msg)
{
	enum tandem_blkif_why why = blkif_count(head, msg);

	if (why)
		return why;
	if (!msg->nr_segs) {
		msg->sector = 0;
		return TANDEM_BLKIF_WHY_OK;
	}

	msg->kind = TANDEM_BLKIF_WRITE;
	msg->flags |= TANDEM_BLKIF_F_PREFLUSH | TANDEM_BLKIF_F_FUA;
	if (lim->readonly)
		return TANDEM_BLKIF_WHY_READONLY;

	return blkif_take_segs(r, abi, lim, msg);
}

/*
 * By the specification the secure flag is ignored where secure discard is not
 * offered. Other bits have no meaning yet and are refused, so that one which
 * gets a meaning is not misread.
 */
static enum tandem_blkif_why blkif_take_discard(const struct tandem_back_ring *r,
						enum tandem_blkif_abi abi,
						const struct tandem_blkif_limits *lim,
						const struct tandem_blkif_head64 *head,
						struct tandem_blkif_msg *msg)
{
	tandem_peer64 nr_sectors;
	u8 flag;

	if (lim->readonly)
		return TANDEM_BLKIF_WHY_READONLY;
	if (!tandem_peer8_max(head->arg, TANDEM_BLKIF_DISCARD_SECURE, &flag))
		return TANDEM_BLKIF_WHY_DISCARD_FLAG;
	if (flag && lim->secure)
		msg->flags |= TANDEM_BLKIF_F_SECURE;

	tandem_back_ring_read(r, &nr_sectors, blkif_length_offset(abi),
			      sizeof(nr_sectors));
	msg->nr_sectors = tandem_peer64_raw(nr_sectors);
	return blkif_range(lim, msg);
}

static void blkif_take_grefs(const struct tandem_back_ring *r,
			     enum tandem_blkif_abi abi,
			     struct tandem_blkif_msg *msg)
{
	tandem_peer32 gref[TANDEM_BLKIF_MAX_INDIRECT];
	unsigned int i;

	msg->nr_indirect = tandem_blkif_indirect_pages(msg->nr_segs);
	tandem_back_ring_read(r, gref, blkif_gref_offset(abi),
			      msg->nr_indirect * sizeof(gref[0]));

	for (i = 0; i < msg->nr_indirect; i++)
		msg->indirect[i] = tandem_peer32_raw(gref[i]);
}

/* Frontends look for the operation that was meant, so that is echoed. */
static enum tandem_blkif_why blkif_take_indirect(const struct tandem_back_ring *r,
						 enum tandem_blkif_abi abi,
						 const struct tandem_blkif_limits *lim,
						 const struct tandem_blkif_head64 *head,
						 struct tandem_blkif_msg *msg)
{
	u16 max = min_t(u16, lim->max_indirect_segs,
			TANDEM_BLKIF_MAX_INDIRECT_SEGS);

	msg->op = tandem_peer8_raw(head->arg);
	if (!max)
		return TANDEM_BLKIF_WHY_NOT_OFFERED;
	if (msg->op != TANDEM_BLKIF_OP_READ && msg->op != TANDEM_BLKIF_OP_WRITE)
		return TANDEM_BLKIF_WHY_INDIRECT_OP;
	if (msg->op == TANDEM_BLKIF_OP_WRITE)
		msg->kind = TANDEM_BLKIF_WRITE;
	if (msg->kind == TANDEM_BLKIF_WRITE && lim->readonly)
		return TANDEM_BLKIF_WHY_READONLY;
	if (!tandem_peer16_max(head->half, max, &msg->nr_segs))
		return TANDEM_BLKIF_WHY_MANY_SEGMENTS;
	if (!msg->nr_segs)
		return TANDEM_BLKIF_WHY_NO_SEGMENTS;

	blkif_take_grefs(r, abi, msg);
	return TANDEM_BLKIF_WHY_OK;
}

static enum tandem_blkif_why blkif_dispatch(const struct tandem_back_ring *r,
					    enum tandem_blkif_abi abi,
					    const struct tandem_blkif_limits *lim,
					    const struct tandem_blkif_head64 *head,
					    struct tandem_blkif_msg *msg)
{
	switch (msg->op) {
	case TANDEM_BLKIF_OP_READ:
		return blkif_take_rw(r, abi, lim, head, msg);
	case TANDEM_BLKIF_OP_WRITE:
		msg->kind = TANDEM_BLKIF_WRITE;
		return blkif_take_rw(r, abi, lim, head, msg);
	case TANDEM_BLKIF_OP_BARRIER:
		msg->kind = TANDEM_BLKIF_FLUSH;
		msg->flags = TANDEM_BLKIF_F_BARRIER;
		if (!lim->barrier)
			return TANDEM_BLKIF_WHY_NOT_OFFERED;
		return blkif_take_flush(r, abi, lim, head, msg);
	case TANDEM_BLKIF_OP_FLUSH:
		msg->kind = TANDEM_BLKIF_FLUSH;
		if (!lim->flush)
			return TANDEM_BLKIF_WHY_NOT_OFFERED;
		return blkif_take_flush(r, abi, lim, head, msg);
	case TANDEM_BLKIF_OP_DISCARD:
		msg->kind = TANDEM_BLKIF_DISCARD;
		if (!lim->discard)
			return TANDEM_BLKIF_WHY_NOT_OFFERED;
		return blkif_take_discard(r, abi, lim, head, msg);
	case TANDEM_BLKIF_OP_INDIRECT:
		return blkif_take_indirect(r, abi, lim, head, msg);
	default:
		return TANDEM_BLKIF_WHY_UNKNOWN_OP;
	}
}

static int blkif_status(enum tandem_blkif_why why)
{
	switch (why) {
	case TANDEM_BLKIF_WHY_OK:
		return TANDEM_BLKIF_RSP_OKAY;
	case TANDEM_BLKIF_WHY_UNKNOWN_OP:
	case TANDEM_BLKIF_WHY_NOT_OFFERED:
		return TANDEM_BLKIF_RSP_EOPNOTSUPP;
	default:
		return TANDEM_BLKIF_RSP_ERROR;
	}
}

/**
 * tandem_blkif_take() - copy, check and decode the next request
 * @r: the backend's end of the ring, with a request pending; not advanced
 * @abi: layout of the requests
 * @lim: what the request is held against
 * @msg: receives the request. @msg->id and @msg->op are valid in any case,
 *       @msg->kind as far as the operation is known
 * @why: receives the reason of a refusal, or TANDEM_BLKIF_WHY_OK
 *
 * Copies the head, and then as much of the rest as the private copy of the head
 * asks for; no byte is fetched twice. A request of other kind than indirect is
 * completely checked, its range included. Of an indirect one the segments are
 * elsewhere: tandem_blkif_take_indirect() for each page and then
 * tandem_blkif_check_range() complete the check.
 *
 * Read and write need a segment; a flush or barrier without one carries no
 * data and comes as TANDEM_BLKIF_FLUSH. With data it comes as
 * TANDEM_BLKIF_WRITE with F_PREFLUSH and F_FUA. F_BARRIER is set on a barrier of
 * either form.
 *
 * Spec: io/blkif.h, REQUEST CODES and struct blkif_request, _discard, _indirect.
 *
 * Return: 0, or the status to respond with: TANDEM_BLKIF_RSP_EOPNOTSUPP for
 * what was not offered, TANDEM_BLKIF_RSP_ERROR for what is wrong.
 */
int tandem_blkif_take(struct tandem_back_ring *r, enum tandem_blkif_abi abi,
		      const struct tandem_blkif_limits *lim,
		      struct tandem_blkif_msg *msg, enum tandem_blkif_why *why)
{
	struct tandem_blkif_head64 head;

	blkif_read_head(r, abi, &head);
	msg->id = tandem_peer64_raw(head.id);
	msg->sector = tandem_peer64_raw(head.sector);
	msg->nr_sectors = 0;
	msg->op = tandem_peer8_raw(head.op);
	msg->kind = TANDEM_BLKIF_READ;
	msg->flags = 0;
	msg->nr_indirect = 0;
	msg->nr_segs = 0;

	*why = blkif_dispatch(r, abi, lim, &head, msg);
	return blkif_status(*why);
}
EXPORT_SYMBOL_GPL(tandem_blkif_take);

/**
 * tandem_blkif_take_indirect() - decode the segments in an indirect page
 * @src: the page, aligned to eight bytes; may be shared memory
 * @nr: segments in it, at most TANDEM_BLKIF_SEGS_PER_PAGE
 * @lim: what they are held against
 * @out: receives @nr segments
 * @nr_sectors: their total length is added to this
 * @why: receives the reason of a refusal, or TANDEM_BLKIF_WHY_OK
 *
 * Each segment is fetched from @src once, as one word.
 *
 * Spec: io/blkif.h, BLKIF_OP_INDIRECT.
 *
 * Return: 0, or TANDEM_BLKIF_RSP_ERROR for the response.
 */
int tandem_blkif_take_indirect(const void *src, u16 nr,
			       const struct tandem_blkif_limits *lim,
			       struct tandem_blkif_seg *out, u64 *nr_sectors,
			       enum tandem_blkif_why *why)
{
	u64 mask = blkif_mask(lim);
	struct tandem_blkif_wire_seg w;
	unsigned int i;
	u64 word;

	*why = TANDEM_BLKIF_WHY_OK;
	for (i = 0; i < nr; i++) {
		word = tandem_env_get64((const u8 *)src + i * sizeof(w));
		memcpy(&w, &word, sizeof(w));
		*why = blkif_take_seg(&w, mask, &out[i]);
		if (*why)
			break;
		*nr_sectors += blkif_seg_sectors(&out[i]);
	}

	return blkif_status(*why);
}
EXPORT_SYMBOL_GPL(tandem_blkif_take_indirect);

/**
 * tandem_blkif_check_range() - check where a request begins and ends
 * @lim: what it is held against
 * @msg: the request, with its length known
 *
 * For an indirect request, after its last page; for others it has been done,
 * and gives the same answer again. Position and length must be multiples of the
 * logical sector, and the end, computed without a wrap at 2^64, on the disk.
 *
 * Return: 0, or TANDEM_BLKIF_RSP_ERROR for the response.
 */
int tandem_blkif_check_range(const struct tandem_blkif_limits *lim,
			     const struct tandem_blkif_msg *msg)
{
	if (msg->kind == TANDEM_BLKIF_FLUSH)
		return TANDEM_BLKIF_RSP_OKAY;

	return blkif_status(blkif_range(lim, msg));
}
EXPORT_SYMBOL_GPL(tandem_blkif_check_range);

/**
 * tandem_blkif_response() - build a response
 * @abi: layout of the frontend
 * @id: that of the request
 * @op: tandem_blkif_msg.op of the request
 * @status: TANDEM_BLKIF_RSP_OKAY or an error
 * @buf: TANDEM_BLKIF_RSP_BYTES bytes of private memory, any alignment; all are
 *       written, padding with zeros
 *
 * Spec: io/blkif.h, struct blkif_response.
 *
 * Return: bytes to hand to tandem_back_ring_respond().
 */
u32 tandem_blkif_response(enum tandem_blkif_abi abi, u64 id, u8 op, s16 status,
			  void *buf)
{
	struct tandem_blkif_rsp64 rsp = {
		.id = tandem_peer64(id),
		.op = tandem_peer8(op),
		.status = tandem_peer16((u16)status),
	};

	/* The layouts differ in the length of the tail only. */
	memcpy(buf, &rsp, sizeof(rsp));
	return abi == TANDEM_BLKIF_X86_32 ? sizeof(struct tandem_blkif_rsp32) :
					    sizeof(struct tandem_blkif_rsp64);
}
EXPORT_SYMBOL_GPL(tandem_blkif_response);

/**
 * tandem_blkif_why_str() - name the reason of a refusal
 * @why: the reason
 *
 * Return: a few words of English.
 */
const char *tandem_blkif_why_str(enum tandem_blkif_why why)
{
	return (unsigned int)why < ARRAY_SIZE(blkif_why) ? blkif_why[why] : "?";
}
EXPORT_SYMBOL_GPL(tandem_blkif_why_str);
