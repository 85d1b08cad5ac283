/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The block protocol as bytes, for peers that must be able to write any of
 * them: where each field lies in a ring, for each ABI.
 */
#ifndef HOSTILE_WIRE_H
#define HOSTILE_WIRE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <xen/xen.h>
#include <xen/io/blkif.h>

#define WIRE_PAGE	4096u
#define WIRE_HEADER	64u		/* indices of a ring, before its slots */
#define WIRE_SECTOR	512u
#define WIRE_PAGE_SECTS	8u
#define WIRE_SEGS	11u		/* in a request's own slot */
#define WIRE_SEG_BYTES	8u
#define WIRE_PAGE_SEGS	512u		/* in a page of descriptors */
#define WIRE_IPAGES	8u		/* pages of descriptors of a request */

/* Offsets of the indices in the first page of a ring. */
#define WIRE_REQ_PROD	0u
#define WIRE_REQ_EVENT	4u
#define WIRE_RSP_PROD	8u
#define WIRE_RSP_EVENT	12u

/* Offsets that both ABIs share. */
#define WIRE_OP		0u
#define WIRE_NSEG	1u		/* or the flag of a discard */
#define WIRE_HANDLE	2u
#define WIRE_I_OP	1u
#define WIRE_I_NSEG	2u
#define WIRE_RSP_ID	0u
#define WIRE_RSP_OP	8u
#define WIRE_RSP_STATUS	10u

/**
 * struct wire - one ABI
 * @protocol: its name in xenstore
 * @entry: bytes of a slot
 * @rsp: bytes of a response
 * @id: where a request's id is; in indirect ones, too
 * @sector: and its sector
 * @segs: and its segments; or a discard's length
 * @i_handle: an indirect request's handle
 * @i_grefs: and its pages of descriptors
 */
struct wire {
	const char *protocol;
	unsigned int entry;
	unsigned int rsp;
	unsigned int id;
	unsigned int sector;
	unsigned int segs;
	unsigned int i_handle;
	unsigned int i_grefs;
};

extern const struct wire wire_x86_64;
extern const struct wire wire_x86_32;

struct wire_seg {
	uint32_t gref;
	uint8_t first;
	uint8_t last;
};

static inline volatile uint32_t *wire_index(void *ring, unsigned int offset)
{
	return (volatile uint32_t *)((char *)ring + offset);
}

static inline uint8_t *wire_slot(const struct wire *w, void *ring,
				 unsigned int size, uint32_t index)
{
	return (uint8_t *)ring + WIRE_HEADER + (index & (size - 1)) * w->entry;
}

/* How many slots there are in a ring of @bytes. */
static inline unsigned int wire_ring_size(const struct wire *w,
					  unsigned int bytes)
{
	unsigned int room = (bytes - WIRE_HEADER) / w->entry, size = 1;

	while (size * 2 <= room)
		size *= 2;
	return size;
}

static inline void wire_put(void *at, uint64_t value, unsigned int bytes)
{
	memcpy(at, &value, bytes);
}

static inline uint64_t wire_get(const void *at, unsigned int bytes)
{
	uint64_t value = 0;

	memcpy(&value, at, bytes);
	return value;
}

static inline void wire_put_seg(void *at, const struct wire_seg *seg)
{
	uint8_t *p = at;

	wire_put(p, seg->gref, 4);
	p[4] = seg->first;
	p[5] = seg->last;
	p[6] = 0;
	p[7] = 0;
}

#endif /* HOSTILE_WIRE_H */
