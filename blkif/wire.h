/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The block protocol on the wire: layouts, operations, status codes.
 *
 * Source: Xen's public header io/blkif.h ("the specification" in this folder),
 * in its current reading: every sector number and every sector count is in
 * units of 512 bytes, whatever the disk's logical sector size is, and the
 * logical size only says what those values must be multiples of.
 *
 * Requests come in two layouts, which differ in the alignment of 64-bit fields:
 * x86_64 (also what the specification calls native on every 64-bit machine, the
 * only kind that these drivers are built for) and x86_32. All structs here have
 * explicit padding and so the same layout wherever they are compiled.
 *
 * Fields have peer types: a struct that was copied out of shared memory is
 * private, but what it says is not yet checked.
 */
#ifndef TANDEM_BLKIF_WIRE_H
#define TANDEM_BLKIF_WIRE_H

#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/stddef.h>
#include <linux/types.h>

#include "common/ring/peer.h"

/* Operations. 4 is reserved by the specification and means nothing here. */
#define TANDEM_BLKIF_OP_READ		0
#define TANDEM_BLKIF_OP_WRITE		1
#define TANDEM_BLKIF_OP_BARRIER		2
#define TANDEM_BLKIF_OP_FLUSH		3
#define TANDEM_BLKIF_OP_RESERVED	4
#define TANDEM_BLKIF_OP_DISCARD		5
#define TANDEM_BLKIF_OP_INDIRECT	6

/* Status of a response. */
#define TANDEM_BLKIF_RSP_OKAY		0
#define TANDEM_BLKIF_RSP_ERROR		(-1)
#define TANDEM_BLKIF_RSP_EOPNOTSUPP	(-2)

/* Flag of a discard request. */
#define TANDEM_BLKIF_DISCARD_SECURE	0x01

/* Bits of the key "info". */
#define TANDEM_BLKIF_INFO_CDROM		0x1
#define TANDEM_BLKIF_INFO_REMOVABLE	0x2
#define TANDEM_BLKIF_INFO_READONLY	0x4

/* A sector on the wire, and how many of them a granted page holds. */
#define TANDEM_BLKIF_SECTOR_SHIFT	9
#define TANDEM_BLKIF_SECTOR_SIZE	512
#define TANDEM_BLKIF_PAGE_SIZE		4096
#define TANDEM_BLKIF_PAGE_SECTORS	8

/* Segments in a request, in an indirect page, and in all indirect pages. */
#define TANDEM_BLKIF_MAX_SEGS		11
#define TANDEM_BLKIF_MAX_INDIRECT	8
#define TANDEM_BLKIF_SEGS_PER_PAGE	512
#define TANDEM_BLKIF_MAX_INDIRECT_SEGS	4096

static_assert(TANDEM_BLKIF_SECTOR_SIZE == 1 << TANDEM_BLKIF_SECTOR_SHIFT);
static_assert(TANDEM_BLKIF_PAGE_SECTORS * TANDEM_BLKIF_SECTOR_SIZE ==
	      TANDEM_BLKIF_PAGE_SIZE);
static_assert(TANDEM_BLKIF_MAX_INDIRECT * TANDEM_BLKIF_SEGS_PER_PAGE ==
	      TANDEM_BLKIF_MAX_INDIRECT_SEGS);

/**
 * enum tandem_blkif_abi - layout of a frontend's requests
 * @TANDEM_BLKIF_NATIVE: that of this machine, the same as @TANDEM_BLKIF_X86_64
 * @TANDEM_BLKIF_X86_32: 64-bit fields aligned to four bytes
 * @TANDEM_BLKIF_X86_64: 64-bit fields aligned to eight bytes
 */
enum tandem_blkif_abi {
	TANDEM_BLKIF_NATIVE,
	TANDEM_BLKIF_X86_32,
	TANDEM_BLKIF_X86_64,
};

/**
 * struct tandem_blkif_wire_seg - a segment; both layouts, also in indirect pages
 * @gref: grant of the page
 * @first: first sector in the page
 * @last: last sector in the page, itself included
 * @pad: zero
 */
struct tandem_blkif_wire_seg {
	tandem_peer32 gref;
	tandem_peer8 first;
	tandem_peer8 last;
	tandem_peer16 pad;
};

static_assert(sizeof(struct tandem_blkif_wire_seg) == 8);
static_assert(offsetof(struct tandem_blkif_wire_seg, gref) == 0);
static_assert(offsetof(struct tandem_blkif_wire_seg, first) == 4);
static_assert(offsetof(struct tandem_blkif_wire_seg, last) == 5);
static_assert(TANDEM_BLKIF_PAGE_SIZE / sizeof(struct tandem_blkif_wire_seg) ==
	      TANDEM_BLKIF_SEGS_PER_PAGE);

/**
 * struct tandem_blkif_head64 - start of every request, x86_64
 * @op: operation
 * @arg: number of segments; flags of a discard; of an indirect request, the
 *       operation that is meant
 * @half: handle; of an indirect request, the number of segments
 * @pad: zero
 * @id: any value, echoed in the response
 * @sector: first sector on the disk
 */
struct tandem_blkif_head64 {
	tandem_peer8 op;
	tandem_peer8 arg;
	tandem_peer16 half;
	tandem_peer32 pad;
	tandem_peer64 id;
	tandem_peer64 sector;
};

static_assert(sizeof(struct tandem_blkif_head64) == 24);
static_assert(offsetof(struct tandem_blkif_head64, op) == 0);
static_assert(offsetof(struct tandem_blkif_head64, arg) == 1);
static_assert(offsetof(struct tandem_blkif_head64, half) == 2);
static_assert(offsetof(struct tandem_blkif_head64, id) == 8);
static_assert(offsetof(struct tandem_blkif_head64, sector) == 16);

/**
 * struct tandem_blkif_head32 - start of every request, x86_32
 * @op: operation
 * @arg: as in struct tandem_blkif_head64
 * @half: as in struct tandem_blkif_head64
 * @id: any value, echoed in the response
 * @sector: first sector on the disk
 */
struct tandem_blkif_head32 {
	tandem_peer8 op;
	tandem_peer8 arg;
	tandem_peer16 half;
	tandem_peer64 id;
	tandem_peer64 sector;
} __packed __aligned(4);

static_assert(sizeof(struct tandem_blkif_head32) == 20);
static_assert(offsetof(struct tandem_blkif_head32, op) == 0);
static_assert(offsetof(struct tandem_blkif_head32, arg) == 1);
static_assert(offsetof(struct tandem_blkif_head32, half) == 2);
static_assert(offsetof(struct tandem_blkif_head32, id) == 4);
static_assert(offsetof(struct tandem_blkif_head32, sector) == 12);

/**
 * struct tandem_blkif_rw64 - read, write, barrier, flush; x86_64
 * @head: common part
 * @seg: segments, as many as @head says
 */
struct tandem_blkif_rw64 {
	struct tandem_blkif_head64 head;
	struct tandem_blkif_wire_seg seg[TANDEM_BLKIF_MAX_SEGS];
};

static_assert(sizeof(struct tandem_blkif_rw64) == 112);
static_assert(offsetof(struct tandem_blkif_rw64, seg) == 24);

/**
 * struct tandem_blkif_rw32 - read, write, barrier, flush; x86_32
 * @head: common part
 * @seg: segments, as many as @head says
 */
struct tandem_blkif_rw32 {
	struct tandem_blkif_head32 head;
	struct tandem_blkif_wire_seg seg[TANDEM_BLKIF_MAX_SEGS];
};

static_assert(sizeof(struct tandem_blkif_rw32) == 108);
static_assert(offsetof(struct tandem_blkif_rw32, seg) == 20);

/**
 * struct tandem_blkif_discard64 - discard; x86_64
 * @head: common part
 * @nr_sectors: length of the range
 */
struct tandem_blkif_discard64 {
	struct tandem_blkif_head64 head;
	tandem_peer64 nr_sectors;
};

static_assert(sizeof(struct tandem_blkif_discard64) == 32);
static_assert(offsetof(struct tandem_blkif_discard64, nr_sectors) == 24);

/**
 * struct tandem_blkif_discard32 - discard; x86_32
 * @head: common part
 * @nr_sectors: length of the range
 */
struct tandem_blkif_discard32 {
	struct tandem_blkif_head32 head;
	tandem_peer64 nr_sectors;
} __packed __aligned(4);

static_assert(sizeof(struct tandem_blkif_discard32) == 28);
static_assert(offsetof(struct tandem_blkif_discard32, nr_sectors) == 20);

/**
 * struct tandem_blkif_indirect64 - read or write with indirect pages; x86_64
 * @head: common part
 * @handle: handle
 * @pad: zero
 * @gref: grants of the indirect pages
 * @tail: zero
 */
struct tandem_blkif_indirect64 {
	struct tandem_blkif_head64 head;
	tandem_peer16 handle;
	tandem_peer16 pad;
	tandem_peer32 gref[TANDEM_BLKIF_MAX_INDIRECT];
	tandem_peer32 tail;
};

static_assert(sizeof(struct tandem_blkif_indirect64) == 64);
static_assert(offsetof(struct tandem_blkif_indirect64, handle) == 24);
static_assert(offsetof(struct tandem_blkif_indirect64, gref) == 28);

/**
 * struct tandem_blkif_indirect32 - read or write with indirect pages; x86_32
 * @head: common part
 * @handle: handle
 * @pad: zero
 * @gref: grants of the indirect pages
 * @tail: zero
 */
struct tandem_blkif_indirect32 {
	struct tandem_blkif_head32 head;
	tandem_peer16 handle;
	tandem_peer16 pad;
	tandem_peer32 gref[TANDEM_BLKIF_MAX_INDIRECT];
	tandem_peer32 tail[2];
};

static_assert(sizeof(struct tandem_blkif_indirect32) == 64);
static_assert(offsetof(struct tandem_blkif_indirect32, handle) == 20);
static_assert(offsetof(struct tandem_blkif_indirect32, gref) == 24);

/**
 * struct tandem_blkif_rsp64 - response; x86_64
 * @id: that of the request
 * @op: that of the request
 * @pad: zero
 * @status: TANDEM_BLKIF_RSP_OKAY or an error, as a signed number
 * @tail: zero
 */
struct tandem_blkif_rsp64 {
	tandem_peer64 id;
	tandem_peer8 op;
	tandem_peer8 pad;
	tandem_peer16 status;
	tandem_peer32 tail;
};

static_assert(sizeof(struct tandem_blkif_rsp64) == 16);
static_assert(offsetof(struct tandem_blkif_rsp64, id) == 0);
static_assert(offsetof(struct tandem_blkif_rsp64, op) == 8);
static_assert(offsetof(struct tandem_blkif_rsp64, status) == 10);

/**
 * struct tandem_blkif_rsp32 - response; x86_32
 * @id: that of the request
 * @op: that of the request
 * @pad: zero
 * @status: TANDEM_BLKIF_RSP_OKAY or an error, as a signed number
 */
struct tandem_blkif_rsp32 {
	tandem_peer64 id;
	tandem_peer8 op;
	tandem_peer8 pad;
	tandem_peer16 status;
} __packed __aligned(4);

static_assert(sizeof(struct tandem_blkif_rsp32) == 12);
static_assert(offsetof(struct tandem_blkif_rsp32, id) == 0);
static_assert(offsetof(struct tandem_blkif_rsp32, op) == 8);
static_assert(offsetof(struct tandem_blkif_rsp32, status) == 10);

/* The largest request and the largest response of any layout, in bytes. */
#define TANDEM_BLKIF_REQ_BYTES	112
#define TANDEM_BLKIF_RSP_BYTES	16

/**
 * tandem_blkif_entry() - size of a ring slot
 * @abi: layout
 *
 * Return: bytes per slot, the largest request of that layout.
 */
static inline u32 tandem_blkif_entry(enum tandem_blkif_abi abi)
{
	return abi == TANDEM_BLKIF_X86_32 ? sizeof(struct tandem_blkif_rw32) :
					    sizeof(struct tandem_blkif_rw64);
}

#endif /* TANDEM_BLKIF_WIRE_H */
