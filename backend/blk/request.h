/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One request of a frontend, from its decoding to its response.
 */
#ifndef BLKBACK_REQUEST_H
#define BLKBACK_REQUEST_H

#include <linux/atomic.h>
#include <linux/bio.h>
#include <linux/list.h>
#include <linux/llist.h>
#include <linux/types.h>

#include "blkif/decode.h"
#include "common/grant/borrow.h"

struct blkback_queue;

/* How the page of a segment came to us, which says how it goes back. */
enum blkback_page_kind {
	BLKBACK_PAGE_NONE,	/* no page yet */
	BLKBACK_PAGE_KEPT,	/* belongs to the table of kept mappings */
	BLKBACK_PAGE_MAPPED,	/* to be unmapped before the response */
	BLKBACK_PAGE_COPY,	/* our own page; copied to or from the peer's */
};

/**
 * struct blkback_seg - one segment and the page that holds its data
 * @page: the page, NULL before the data phase
 * @gref: the peer's reference
 * @handle: what unmaps @page, for BLKBACK_PAGE_MAPPED
 * @first: first 512-byte sector in the page
 * @last: last one, at least @first
 * @kind: enum blkback_page_kind
 */
struct blkback_seg {
	struct page *page;
	grant_ref_t gref;
	grant_handle_t handle;
	u8 first;
	u8 last;
	u8 kind;
};

#define BLKBACK_DIRECT_SEGS	TANDEM_BLKIF_MAX_SEGS

/* The kind of a request that could not be decoded. */
#define BLKBACK_KIND_NONE	0xff

/* A status that is no answer: there was room for no page of it. Try again. */
#define BLKBACK_STATUS_AGAIN	1

/**
 * struct blkback_req - one request in flight
 * @node: on the batch of a drain, or on the list of those that wait
 * @done: on the queue's list of completed requests
 * @queue: the ring that it came from
 * @id: the frontend's id, echoed
 * @sector: first sector on the device, 512 bytes each
 * @nr_sectors: length, 512 bytes each
 * @seg: the segments, @direct or an array of its own
 * @pending: pieces of I/O not yet completed
 * @nr_segs: segments in @seg
 * @status: status of the protocol for the response, 0 while all is well; or
 *          BLKBACK_STATUS_AGAIN, between blkback_data_flush() and its end
 * @op: operation as received, echoed
 * @kind: enum tandem_blkif_kind
 * @flags: TANDEM_BLKIF_F_*
 * @nr_indirect: pages of segment descriptors
 * @sleepy: its completion needs the grant table's sleeping calls
 * @reserved: this is the queue's reserve, which goes back there
 * @spare: it has the disk's reserve
 * @counted: its segments are in the ring's @pages_out
 * @indirect: references of those pages
 * @direct: room for what needs no indirect pages
 * @bio: of a store that is a block device, for as many segments
 * @vec: its pages
 *
 * Owned by the drain until it is submitted, by the store until it is done, by
 * whoever takes it off the list of completed ones after that.
 */
struct blkback_req {
	struct list_head node;
	struct llist_node done;
	struct blkback_queue *queue;
	u64 id;
	u64 sector;
	u64 nr_sectors;
	struct blkback_seg *seg;
	atomic_t pending;
	u16 nr_segs;
	s16 status;
	u8 op;
	u8 kind;
	u8 flags;
	u8 nr_indirect;
	bool sleepy;
	bool reserved;
	bool spare;
	bool counted;
	u32 indirect[TANDEM_BLKIF_MAX_INDIRECT];
	struct blkback_seg direct[BLKBACK_DIRECT_SEGS];
	struct bio bio;
	struct bio_vec vec[BLKBACK_DIRECT_SEGS];
};

static inline unsigned int blkback_seg_bytes(const struct blkback_seg *seg)
{
	return (seg->last - seg->first + 1u) << 9;
}

static inline unsigned int blkback_seg_offset(const struct blkback_seg *seg)
{
	return (unsigned int)seg->first << 9;
}

static inline void blkback_seg_set(struct blkback_seg *seg,
				   const struct tandem_blkif_seg *from)
{
	seg->page = NULL;
	seg->kind = BLKBACK_PAGE_NONE;
	seg->gref = from->gref;
	seg->first = from->first;
	seg->last = from->last;
}

static inline bool blkback_req_writes(const struct blkback_req *req)
{
	return req->kind == TANDEM_BLKIF_WRITE;
}

struct blkback_req *blkback_req_alloc(struct blkback_queue *queue);
int blkback_req_room(struct blkback_queue *queue, struct blkback_req *req);
void blkback_req_free_all(struct blkback_queue *queue, struct llist_node *list);
int blkback_req_pool_init(struct blkback_queue *queue);
void blkback_req_pool_free(struct blkback_queue *queue);
int blkback_req_init(void);
void blkback_req_exit(void);

#endif /* BLKBACK_REQUEST_H */
