// SPDX-License-Identifier: GPL-2.0-only
/*
 * Making and giving back pages that stay granted.
 */
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "common/grant/lend.h"
#include "frontend/blk/buf.h"

static struct blkfront_buf *blkfront_buf_make(struct tandem_lend *lend,
					      gfp_t gfp)
{
	struct blkfront_buf *buf = kmalloc(sizeof(*buf), gfp);

	if (!buf)
		return NULL;
	buf->data = (void *)__get_free_page(gfp | __GFP_ZERO);
	if (!buf->data) {
		kfree(buf);
		return NULL;
	}
	buf->ref = tandem_lend_page(lend, virt_to_page(buf->data), false);
	return buf;
}

/**
 * tandem_blkfront_bufs_make() - make pages, and grant them read-write
 * @bufs: chain that they are added to
 * @peer: the backend
 * @nr: how many
 * @gfp: how hard to try
 *
 * Makes as many as it can. The specification wants grants that are used again
 * to be writable, whatever the request.
 */
void tandem_blkfront_bufs_make(struct blkfront_bufs *bufs, domid_t peer,
			       unsigned int nr, gfp_t gfp)
{
	struct blkfront_buf *buf;
	struct tandem_lend lend;

	if (tandem_lend_begin(&lend, peer, nr))
		return;
	while (lend.left) {
		buf = blkfront_buf_make(&lend, gfp);
		if (!buf)
			break;
		tandem_blkfront_bufs_add(bufs, buf);
	}
	tandem_lend_end(&lend);
}

/**
 * tandem_blkfront_bufs_free() - take pages back for good
 * @bufs: those; empty afterwards
 *
 * A page that the backend still has mapped is left to the grant table, which
 * frees it when it has been let go.
 */
void tandem_blkfront_bufs_free(struct blkfront_bufs *bufs)
{
	struct blkfront_buf *buf, *next;

	for (buf = bufs->first; buf && bufs->nr; buf = next, bufs->nr--) {
		next = buf->next;
		if (tandem_lend_revoke(buf->ref))
			free_page((unsigned long)buf->data);
		else
			tandem_lend_abandon(buf->ref, virt_to_page(buf->data));
		kfree(buf);
	}
	bufs->first = NULL;
}

/**
 * tandem_blkfront_bufs_trim() - free the pages that the backend does not hold
 * @bufs: chain; what remains is what it holds
 */
void tandem_blkfront_bufs_trim(struct blkfront_bufs *bufs)
{
	struct blkfront_bufs keep = { };
	struct blkfront_buf *buf, *next;

	for (buf = bufs->first; buf && bufs->nr; buf = next, bufs->nr--) {
		next = buf->next;
		if (tandem_lend_revoke(buf->ref)) {
			free_page((unsigned long)buf->data);
			kfree(buf);
		} else {
			tandem_blkfront_bufs_add(&keep, buf);
		}
	}
	*bufs = keep;
}
