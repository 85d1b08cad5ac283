/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sizes and offsets of the block protocol, by layout: held against our structs
 * in blkif_test.c and against Xen's own header in blkif_xen.c, which is compiled
 * for both machines.
 *
 *	LAYOUT(our struct, our member, Xen's struct, Xen's member, x86_64, x86_32)
 *	SIZE(our struct, Xen's struct, x86_64, x86_32)
 */
LAYOUT(rw, head.op, request, operation, 0, 0)
LAYOUT(rw, head.arg, request, nr_segments, 1, 1)
LAYOUT(rw, head.half, request, handle, 2, 2)
LAYOUT(rw, head.id, request, id, 8, 4)
LAYOUT(rw, head.sector, request, sector_number, 16, 12)
LAYOUT(rw, seg, request, seg, 24, 20)
LAYOUT(rw, seg[1].gref, request, seg[1].gref, 32, 28)
LAYOUT(rw, seg[1].first, request, seg[1].first_sect, 36, 32)
LAYOUT(rw, seg[1].last, request, seg[1].last_sect, 37, 33)
SIZE(rw, request, 112, 108)
LAYOUT(discard, head.op, request_discard, operation, 0, 0)
LAYOUT(discard, head.arg, request_discard, flag, 1, 1)
LAYOUT(discard, head.half, request_discard, handle, 2, 2)
LAYOUT(discard, head.id, request_discard, id, 8, 4)
LAYOUT(discard, head.sector, request_discard, sector_number, 16, 12)
LAYOUT(discard, nr_sectors, request_discard, nr_sectors, 24, 20)
SIZE(discard, request_discard, 32, 28)
LAYOUT(indirect, head.op, request_indirect, operation, 0, 0)
LAYOUT(indirect, head.arg, request_indirect, indirect_op, 1, 1)
LAYOUT(indirect, head.half, request_indirect, nr_segments, 2, 2)
LAYOUT(indirect, head.id, request_indirect, id, 8, 4)
LAYOUT(indirect, head.sector, request_indirect, sector_number, 16, 12)
LAYOUT(indirect, handle, request_indirect, handle, 24, 20)
LAYOUT(indirect, gref, request_indirect, indirect_grefs, 28, 24)
LAYOUT(indirect, gref[7], request_indirect, indirect_grefs[7], 56, 52)
SIZE(indirect, request_indirect, 64, 64)
LAYOUT(rsp, id, response, id, 0, 0)
LAYOUT(rsp, op, response, operation, 8, 8)
LAYOUT(rsp, status, response, status, 10, 10)
SIZE(rsp, response, 16, 12)
