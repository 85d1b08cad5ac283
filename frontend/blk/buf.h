/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pages of our own that the backend may always use: data is copied through
 * them. Their grants last as long as the connection.
 */
#ifndef BLKFRONT_BUF_H
#define BLKFRONT_BUF_H

#include <xen/grant_table.h>

/* What is there from the start, so that one request can always proceed. */
#define BLKFRONT_BUF_RESERVE	12

/**
 * struct blkfront_buf - one page
 * @next: in the pool, or of the same request
 * @data: the page; holds nothing but zeroes and data of this disk
 * @ref: its grant
 */
struct blkfront_buf {
	struct blkfront_buf *next;
	void *data;
	grant_ref_t ref;
};

/**
 * struct blkfront_bufs - a chain of pages
 * @first: the first
 * @last: the last; meaningless when @first is NULL
 * @nr: how many
 */
struct blkfront_bufs {
	struct blkfront_buf *first;
	struct blkfront_buf *last;
	unsigned int nr;
};

/**
 * struct blkfront_pool - the pages of a queue; guarded by the queue's lock
 * @free: those not in use; last in, first out
 * @nr_free: how many
 * @nr: pages in all
 * @budget: most that @nr may be
 * @peer: whom they are granted to
 */
struct blkfront_pool {
	struct blkfront_buf *free;
	unsigned int nr_free;
	unsigned int nr;
	unsigned int budget;
	domid_t peer;
};

static inline struct blkfront_buf *
tandem_blkfront_buf_take(struct blkfront_pool *pool)
{
	struct blkfront_buf *buf = pool->free;

	pool->free = buf->next;
	pool->nr_free--;
	return buf;
}

static inline void tandem_blkfront_buf_put(struct blkfront_pool *pool,
					   struct blkfront_buf *buf)
{
	buf->next = pool->free;
	pool->free = buf;
	pool->nr_free++;
}

static inline void tandem_blkfront_bufs_add(struct blkfront_bufs *bufs,
					    struct blkfront_buf *buf)
{
	if (!bufs->first)
		bufs->last = buf;
	buf->next = bufs->first;
	bufs->first = buf;
	bufs->nr++;
}

static inline void tandem_blkfront_bufs_put(struct blkfront_pool *pool,
					    struct blkfront_bufs *bufs)
{
	if (!bufs->first)
		return;
	bufs->last->next = pool->free;
	pool->free = bufs->first;
	pool->nr_free += bufs->nr;
	bufs->first = NULL;
	bufs->nr = 0;
}

/**
 * tandem_blkfront_bufs_join() - add a chain to another
 * @to: chain
 * @from: chain with its last page known; empty afterwards
 */
static inline void tandem_blkfront_bufs_join(struct blkfront_bufs *to,
					     struct blkfront_bufs *from)
{
	if (!from->first)
		return;
	if (to->first)
		from->last->next = to->first;
	else
		to->last = from->last;
	to->first = from->first;
	to->nr += from->nr;
	from->first = NULL;
	from->nr = 0;
}

void tandem_blkfront_bufs_make(struct blkfront_bufs *bufs, domid_t peer,
			       unsigned int nr, gfp_t gfp);
void tandem_blkfront_bufs_free(struct blkfront_bufs *bufs);
void tandem_blkfront_bufs_trim(struct blkfront_bufs *bufs);

#endif /* BLKFRONT_BUF_H */
