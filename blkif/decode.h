/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Requests and responses of the block protocol: from the ring to a checked
 * private struct, and back.
 *
 * Pure functions over private data, apart from the single copy out of the ring
 * (or out of an indirect page). They may be called in any context, never sleep
 * and take no lock; the caller serialises calls on one ring.
 *
 * Sectors and counts of sectors are in units of 512 bytes everywhere. On a disk
 * with larger logical sectors, position, length, and the start and end of each
 * segment must be multiples of the logical size, as the specification demands
 * of all three; direct I/O needs the same.
 */
#ifndef TANDEM_BLKIF_DECODE_H
#define TANDEM_BLKIF_DECODE_H

#include <linux/types.h>

#include "common/ring/ring.h"
#include "wire.h"

/**
 * struct tandem_blkif_seg - a checked segment
 * @gref: grant of the page; any value
 * @first: first sector in the page
 * @last: last sector in the page, itself included; @first <= @last < 8
 * @pad: zero
 */
struct tandem_blkif_seg {
	u32 gref;
	u8 first;
	u8 last;
	u16 pad;
};

static_assert(sizeof(struct tandem_blkif_seg) == 8);

/**
 * enum tandem_blkif_kind - what a request wants
 * @TANDEM_BLKIF_READ: disk to pages
 * @TANDEM_BLKIF_WRITE: pages to disk
 * @TANDEM_BLKIF_FLUSH: no data; make completed writes durable
 * @TANDEM_BLKIF_DISCARD: no data; the range is unused
 */
enum tandem_blkif_kind {
	TANDEM_BLKIF_READ,
	TANDEM_BLKIF_WRITE,
	TANDEM_BLKIF_FLUSH,
	TANDEM_BLKIF_DISCARD,
};

/* Flags of a request. */
#define TANDEM_BLKIF_F_PREFLUSH	0x01	/* flush before the write */
#define TANDEM_BLKIF_F_FUA	0x02	/* durable before the response */
#define TANDEM_BLKIF_F_SECURE	0x04	/* erase rather than forget */
#define TANDEM_BLKIF_F_BARRIER	0x08	/* nothing passes, either way */

/**
 * struct tandem_blkif_limits - what requests are held against
 * @sectors: size of the disk
 * @sector_size: logical sector in bytes: 512, 1024, 2048 or 4096
 * @max_indirect_segs: most segments of an indirect request, up to
 *                     TANDEM_BLKIF_MAX_INDIRECT_SEGS; 0 if not offered
 * @readonly: refuse writes and discards
 * @flush: flushes are offered
 * @barrier: barriers are offered
 * @discard: discards are offered
 * @secure: secure discards are offered
 */
struct tandem_blkif_limits {
	u64 sectors;
	u32 sector_size;
	u16 max_indirect_segs;
	bool readonly;
	bool flush;
	bool barrier;
	bool discard;
	bool secure;
};

/**
 * struct tandem_blkif_msg - a decoded request
 * @id: for the response; always valid
 * @sector: first sector; 0 for a flush
 * @nr_sectors: length; 0 for a flush, and for an indirect request until its
 *              segments are known
 * @op: for the response; always valid. Of an indirect request it is the
 *      operation that is meant, not INDIRECT: frontends compare it with that
 * @kind: one of enum tandem_blkif_kind
 * @flags: TANDEM_BLKIF_F_*
 * @nr_indirect: number of indirect pages; 0 if the segments are in @seg
 * @nr_segs: number of segments
 * @indirect: grants of the indirect pages; @nr_indirect are set
 * @seg: the segments; @nr_segs are set, unless @nr_indirect
 *
 * What lies beyond the counts is not initialised.
 */
struct tandem_blkif_msg {
	u64 id;
	u64 sector;
	u64 nr_sectors;
	u8 op;
	u8 kind;
	u8 flags;
	u8 nr_indirect;
	u16 nr_segs;
	u32 indirect[TANDEM_BLKIF_MAX_INDIRECT];
	struct tandem_blkif_seg seg[TANDEM_BLKIF_MAX_SEGS];
};

/**
 * enum tandem_blkif_why - the reason of a refusal, for statistics and logs
 * @TANDEM_BLKIF_WHY_OK: not refused
 * @TANDEM_BLKIF_WHY_UNKNOWN_OP: no such operation
 * @TANDEM_BLKIF_WHY_NOT_OFFERED: an operation that was not offered
 * @TANDEM_BLKIF_WHY_READONLY: write or discard on a read-only disk
 * @TANDEM_BLKIF_WHY_NO_SEGMENTS: read or write without a segment
 * @TANDEM_BLKIF_WHY_MANY_SEGMENTS: more segments than allowed
 * @TANDEM_BLKIF_WHY_BAD_SEGMENT: segment ends before it starts, or leaves the
 *                                page
 * @TANDEM_BLKIF_WHY_INDIRECT_OP: indirect request for other than read or write
 * @TANDEM_BLKIF_WHY_DISCARD_FLAG: unknown flag in a discard
 * @TANDEM_BLKIF_WHY_EMPTY: a range of no sectors
 * @TANDEM_BLKIF_WHY_ALIGN: not aligned to the logical sector size
 * @TANDEM_BLKIF_WHY_RANGE: beyond the end of the disk
 * @TANDEM_BLKIF_WHY_COUNT: number of values
 */
enum tandem_blkif_why {
	TANDEM_BLKIF_WHY_OK,
	TANDEM_BLKIF_WHY_UNKNOWN_OP,
	TANDEM_BLKIF_WHY_NOT_OFFERED,
	TANDEM_BLKIF_WHY_READONLY,
	TANDEM_BLKIF_WHY_NO_SEGMENTS,
	TANDEM_BLKIF_WHY_MANY_SEGMENTS,
	TANDEM_BLKIF_WHY_BAD_SEGMENT,
	TANDEM_BLKIF_WHY_INDIRECT_OP,
	TANDEM_BLKIF_WHY_DISCARD_FLAG,
	TANDEM_BLKIF_WHY_EMPTY,
	TANDEM_BLKIF_WHY_ALIGN,
	TANDEM_BLKIF_WHY_RANGE,
	TANDEM_BLKIF_WHY_COUNT,
};

int tandem_blkif_take(struct tandem_back_ring *r, enum tandem_blkif_abi abi,
		      const struct tandem_blkif_limits *lim,
		      struct tandem_blkif_msg *msg, enum tandem_blkif_why *why);
int tandem_blkif_take_indirect(const void *src, u16 nr,
			       const struct tandem_blkif_limits *lim,
			       struct tandem_blkif_seg *out, u64 *nr_sectors,
			       enum tandem_blkif_why *why);
int tandem_blkif_check_range(const struct tandem_blkif_limits *lim,
			     const struct tandem_blkif_msg *msg);
u32 tandem_blkif_response(enum tandem_blkif_abi abi, u64 id, u8 op, s16 status,
			  void *buf);
const char *tandem_blkif_why_str(enum tandem_blkif_why why);

/**
 * struct tandem_blkif_build - what a frontend puts into a request
 * @id: any value, comes back in the response
 * @sector: first sector
 * @nr_sectors: length of a discard
 * @segs: segments of a read, write, barrier or flush
 * @nr_segs: number of @segs; of an indirect request, of all its segments
 * @handle: low 16 bits of the virtual device number; backends ignore it
 * @op: TANDEM_BLKIF_OP_READ or another; for a discard and a pure flush not used
 * @secure: a discard shall erase
 */
struct tandem_blkif_build {
	u64 id;
	u64 sector;
	u64 nr_sectors;
	const struct tandem_blkif_seg *segs;
	u16 nr_segs;
	u16 handle;
	u8 op;
	bool secure;
};

/**
 * struct tandem_blkif_rsp - a response as a frontend sees it
 * @id: unchecked: the caller looks it up, and refuses one that is not out
 * @op: unchecked: see tandem_blkif_rsp_fits()
 * @status: TANDEM_BLKIF_RSP_OKAY, _ERROR or _EOPNOTSUPP, nothing else
 */
struct tandem_blkif_rsp {
	u64 id;
	u8 op;
	s16 status;
};

u32 tandem_blkif_build_rw(void *slot, const struct tandem_blkif_build *b);
u32 tandem_blkif_build_indirect(void *slot, const struct tandem_blkif_build *b,
				const u32 *grefs, u16 nr_grefs);
u32 tandem_blkif_build_discard(void *slot, const struct tandem_blkif_build *b);
u32 tandem_blkif_build_flush(void *slot, const struct tandem_blkif_build *b);
void tandem_blkif_build_segs(void *page, const struct tandem_blkif_seg *segs,
			     u16 nr);
int tandem_blkif_take_response(struct tandem_front_ring *r,
			       struct tandem_blkif_rsp *out);
bool tandem_blkif_rsp_fits(const struct tandem_blkif_rsp *rsp, u8 op,
			   bool indirect);

/**
 * tandem_blkif_indirect_pages() - how many indirect pages hold some segments
 * @nr_segs: number of segments
 *
 * Return: number of pages.
 */
static inline u16 tandem_blkif_indirect_pages(u16 nr_segs)
{
	return (nr_segs + TANDEM_BLKIF_SEGS_PER_PAGE - 1) /
	       TANDEM_BLKIF_SEGS_PER_PAGE;
}

#endif /* TANDEM_BLKIF_DECODE_H */
