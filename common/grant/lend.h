/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Lending pages: what a frontend does with the grant table.
 *
 * References are claimed and given back by the batch, so that the grant
 * table's lock is taken once per request and not once per page.
 */
#ifndef TANDEM_GRANT_LEND_H
#define TANDEM_GRANT_LEND_H

#include <linux/mm_types.h>
#include <linux/types.h>
#include <xen/grant_table.h>

/**
 * struct tandem_lend - a batch of claimed, not yet used grant references
 * @head: private list of the grant table
 * @left: references on it
 * @peer: the domain that pages will be lent to
 *
 * Belongs to one thread of execution; no lock.
 */
struct tandem_lend {
	grant_ref_t head;
	unsigned int left;
	domid_t peer;
};

int tandem_lend_begin(struct tandem_lend *lend, domid_t peer, unsigned int nr);
grant_ref_t tandem_lend_page(struct tandem_lend *lend, struct page *page,
			     bool readonly);
void tandem_lend_end(struct tandem_lend *lend);

bool tandem_lend_revoke(grant_ref_t ref);
void tandem_lend_abandon(grant_ref_t ref, struct page *page);

#endif /* TANDEM_GRANT_LEND_H */
