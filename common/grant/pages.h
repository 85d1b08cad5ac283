/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Foreign pages: struct pages of ours without memory, to map a peer's pages on.
 */
#ifndef TANDEM_GRANT_PAGES_H
#define TANDEM_GRANT_PAGES_H

#include <xen/grant_table.h>

/**
 * struct tandem_pages - the foreign pages of one ring
 * @cache: those not in use
 * @nr: pages given out and not yet put back
 */
struct tandem_pages {
	struct gnttab_page_cache cache;
	atomic_t nr;
};

void tandem_pages_init(struct tandem_pages *pages);
struct page *tandem_pages_get(struct tandem_pages *pages);
void tandem_pages_put(struct tandem_pages *pages, struct page **page,
		      unsigned int nr);
void tandem_pages_free(struct tandem_pages *pages);

int tandem_pages_reserve(struct page **page, unsigned int nr);
void tandem_pages_unreserve(struct page **page, unsigned int nr);

#endif /* TANDEM_GRANT_PAGES_H */
