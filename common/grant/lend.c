// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lending pages, and taking them back only after the peer has let go.
 */
#include <linux/export.h>
#include <linux/mm.h>
#include <xen/page.h>

#include "common/grant/lend.h"

/* The protocol's page is 4 KiB; one reference lends exactly one page. */
static_assert(XEN_PAGE_SIZE == PAGE_SIZE);

/* The grant table's own mark for an empty private list. */
#define LEND_LIST_END ((grant_ref_t)0xffffffff)

/**
 * tandem_lend_begin() - claim references for a batch of pages
 * @lend: the batch, uninitialised
 * @peer: domain that may use the pages
 * @nr: number of references; 0 is allowed and makes no call
 *
 * Context: any; takes the grant table's spinlock with interrupts off.
 * Return: 0, or -ENOSPC when the grant table is full. The batch then owns
 * nothing and the caller backs off.
 */
int tandem_lend_begin(struct tandem_lend *lend, domid_t peer, unsigned int nr)
{
	int err;

	lend->peer = peer;
	lend->left = 0;
	lend->head = LEND_LIST_END;
	if (!nr)
		return 0;
	if (nr > U16_MAX)
		return -EINVAL;
	err = gnttab_alloc_grant_references(nr, &lend->head);
	if (err)
		return err;
	lend->left = nr;
	return 0;
}
EXPORT_SYMBOL_GPL(tandem_lend_begin);

/**
 * tandem_lend_page() - lend one page
 * @lend: batch with at least one reference left
 * @page: the page; the caller keeps it alive until the reference is revoked
 * @readonly: the peer may only read it (what a disk write needs)
 *
 * Context: any.
 * Return: the reference to send to the peer.
 */
grant_ref_t tandem_lend_page(struct tandem_lend *lend, struct page *page,
			     bool readonly)
{
	grant_ref_t ref = gnttab_claim_grant_reference(&lend->head);

	lend->left--;
	gnttab_grant_foreign_access_ref(ref, lend->peer, xen_page_to_gfn(page),
					readonly);
	return ref;
}
EXPORT_SYMBOL_GPL(tandem_lend_page);

/**
 * tandem_lend_end() - give back the references that were not used
 * @lend: the batch; may be empty
 *
 * Context: any; takes the grant table's spinlock with interrupts off.
 */
void tandem_lend_end(struct tandem_lend *lend)
{
	if (lend->left)
		gnttab_free_grant_references(lend->head);
	lend->left = 0;
	lend->head = LEND_LIST_END;
}
EXPORT_SYMBOL_GPL(tandem_lend_end);

/**
 * tandem_lend_revoke() - end the peer's access to one page
 * @ref: the reference; free for others when true is returned
 *
 * The quiet variant of the grant table's calls is used: a peer that keeps a
 * page mapped must not be able to fill our log.
 *
 * Context: any; takes the grant table's spinlock with interrupts off.
 * Return: true when the peer has no access any more, and the page is the
 * caller's again. False while the peer has it mapped: the page must then not
 * be used for anything else, and the reference stays live.
 */
bool tandem_lend_revoke(grant_ref_t ref)
{
	return gnttab_try_end_foreign_access(ref);
}
EXPORT_SYMBOL_GPL(tandem_lend_revoke);

/**
 * tandem_lend_abandon() - let go of a page that the peer may still have mapped
 * @ref: the reference
 * @page: its page; the caller's reference to it passes to the grant table,
 *        which drops it when the peer has let go, however long that takes
 *
 * Context: any; may allocate atomically.
 */
void tandem_lend_abandon(grant_ref_t ref, struct page *page)
{
	gnttab_end_foreign_access(ref, page);
}
EXPORT_SYMBOL_GPL(tandem_lend_abandon);
