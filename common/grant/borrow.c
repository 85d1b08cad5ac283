// SPDX-License-Identifier: GPL-2.0-only
/*
 * Borrowing pages: map, unmap and copy by the batch.
 */
#include <linux/export.h>
#include <linux/mm.h>
#include <xen/page.h>

#include "common/grant/borrow.h"

static unsigned long borrow_vaddr(struct page *page)
{
	return (unsigned long)pfn_to_kaddr(page_to_xen_pfn(page));
}

/**
 * tandem_map_add() - queue one page to be mapped
 * @map: batch that is not full
 * @peer: domain that lends it
 * @ref: its reference, any value
 * @page: a foreign page of ours (see tandem_pages_get())
 * @readonly: map for reading only
 */
void tandem_map_add(struct tandem_map *map, domid_t peer, grant_ref_t ref,
		    struct page *page, bool readonly)
{
	u32 flags = GNTMAP_host_map | (readonly ? GNTMAP_readonly : 0);

	gnttab_set_map_op(&map->op[map->nr], borrow_vaddr(page), flags, ref,
			  peer);
	map->page[map->nr++] = page;
}
EXPORT_SYMBOL_GPL(tandem_map_add);

/**
 * tandem_map_run() - map all queued pages in one hypercall
 * @map: the batch; @map->nr stays, the caller reads each status and clears it
 *
 * A bad reference fails its own slot only. Should the call as a whole fail,
 * every slot that is not known to be mapped is marked as failed, and the ones
 * that were mapped are still to be unmapped by the caller.
 *
 * Context: process; may sleep when the peer's page is being paged in.
 */
void tandem_map_run(struct tandem_map *map)
{
	unsigned int i;

	if (!map->nr)
		return;
	/*
	 * A slot that the hypervisor never reached must not read as mapped:
	 * GNTST_okay is 0, so the status is poisoned before the call.
	 */
	for (i = 0; i < map->nr; i++)
		map->op[i].status = GNTST_general_error;
	/*
	 * The error of the call is that of a slot, or of the mapping table of
	 * our kernel; either way the slots say what is to be undone.
	 */
	if (gnttab_map_refs(map->op, NULL, map->page, map->nr))
		pr_debug("tandem: a batch of %u maps failed in part\n",
			 map->nr);
}
EXPORT_SYMBOL_GPL(tandem_map_run);

/**
 * tandem_unmap_add() - queue one page to be given back
 * @unmap: batch that is not full
 * @page: what tandem_map_run() gave
 */
void tandem_unmap_add(struct tandem_unmap *unmap,
		      const struct tandem_borrowed *page)
{
	gnttab_set_unmap_op(&unmap->op[unmap->nr], borrow_vaddr(page->page),
			    GNTMAP_host_map, page->handle);
	unmap->page[unmap->nr++] = page->page;
}
EXPORT_SYMBOL_GPL(tandem_unmap_add);

/**
 * tandem_unmap_run() - give all queued pages back in one hypercall
 * @unmap: the batch; empty afterwards
 *
 * Unmapping a handle that we own cannot fail for a reason that a peer
 * controls; a failure is a defect of ours and is said once.
 *
 * Context: process; may sleep.
 */
void tandem_unmap_run(struct tandem_unmap *unmap)
{
	int err;

	if (!unmap->nr)
		return;
	err = gnttab_unmap_refs(unmap->op, NULL, unmap->page, unmap->nr);
	if (err)
		pr_err_once("tandem: unmap of %u pages failed with %d\n",
			    unmap->nr, err);
	unmap->nr = 0;
}
EXPORT_SYMBOL_GPL(tandem_unmap_run);

/**
 * tandem_copy_add() - queue one copy between a page of ours and a peer's
 * @copy: batch that is not full
 * @peer: domain that lends its page
 * @ref: reference of its page
 * @page: our page
 * @offset: bytes into both pages
 * @len: bytes; @offset + @len is at most a page
 * @to_peer: from our page to the peer's, otherwise the other way
 */
void tandem_copy_add(struct tandem_copy *copy, domid_t peer, grant_ref_t ref,
		     struct page *page, u16 offset, u16 len, bool to_peer)
{
	struct gnttab_copy *op = &copy->op[copy->nr++];
	struct gnttab_copy_ptr *ours = to_peer ? &op->source : &op->dest;
	struct gnttab_copy_ptr *theirs = to_peer ? &op->dest : &op->source;

	ours->u.gmfn = xen_page_to_gfn(page);
	ours->domid = DOMID_SELF;
	ours->offset = offset;
	theirs->u.ref = ref;
	theirs->domid = peer;
	theirs->offset = offset;
	op->len = len;
	op->flags = to_peer ? GNTCOPY_dest_gref : GNTCOPY_source_gref;
	op->status = GNTST_general_error;
}
EXPORT_SYMBOL_GPL(tandem_copy_add);

/**
 * tandem_copy_run() - make all queued copies in one hypercall
 * @copy: the batch; @copy->nr stays, the caller reads each status and clears it
 *
 * Context: process; may sleep when the peer's page is being paged in.
 */
void tandem_copy_run(struct tandem_copy *copy)
{
	if (copy->nr)
		gnttab_batch_copy(copy->op, copy->nr);
}
EXPORT_SYMBOL_GPL(tandem_copy_run);
