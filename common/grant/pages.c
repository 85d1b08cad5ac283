// SPDX-License-Identifier: GPL-2.0-only
/*
 * Foreign pages, kept in the grant table's own cache.
 */
#include <linux/export.h>
#include <linux/sched/mm.h>

#include "common/grant/pages.h"

/**
 * tandem_pages_init() - an empty pool
 * @pages: the pool
 */
void tandem_pages_init(struct tandem_pages *pages)
{
	gnttab_page_cache_init(&pages->cache);
	atomic_set(&pages->nr, 0);
}
EXPORT_SYMBOL_GPL(tandem_pages_init);

/**
 * tandem_pages_get() - one foreign page
 * @pages: the pool
 *
 * Context: process; may sleep, and may make the kernel add memory map for
 * foreign pages, so it is called from a worker only.
 * Return: the page, or NULL when there is none: back off and retry.
 */
struct page *tandem_pages_get(struct tandem_pages *pages)
{
	unsigned int flags = memalloc_noio_save();
	struct page *page = NULL;

	if (gnttab_page_cache_get(&pages->cache, &page))
		page = NULL;
	else
		atomic_inc(&pages->nr);
	memalloc_noio_restore(flags);
	return page;
}
EXPORT_SYMBOL_GPL(tandem_pages_get);

/**
 * tandem_pages_put() - put foreign pages back
 * @pages: the pool
 * @page: pages that map nothing any more
 * @nr: how many
 *
 * Context: any.
 */
void tandem_pages_put(struct tandem_pages *pages, struct page **page,
		      unsigned int nr)
{
	if (!nr)
		return;
	gnttab_page_cache_put(&pages->cache, page, nr);
	atomic_sub(nr, &pages->nr);
}
EXPORT_SYMBOL_GPL(tandem_pages_put);

/**
 * tandem_pages_free() - give the pool's pages back to the kernel
 * @pages: the pool; those in use stay so
 *
 * Context: process; may sleep.
 */
void tandem_pages_free(struct tandem_pages *pages)
{
	gnttab_page_cache_shrink(&pages->cache, 0);
}
EXPORT_SYMBOL_GPL(tandem_pages_free);

/**
 * tandem_pages_reserve() - foreign pages that belong to no pool
 * @page: filled in
 * @nr: how many
 *
 * Context: process; may sleep, and may make the kernel add memory map.
 * Return: 0, or a negative error; none is held then.
 */
int tandem_pages_reserve(struct page **page, unsigned int nr)
{
	return gnttab_alloc_pages(nr, page);
}
EXPORT_SYMBOL_GPL(tandem_pages_reserve);

/**
 * tandem_pages_unreserve() - give such pages back to the kernel
 * @page: pages that map nothing any more
 * @nr: how many
 *
 * Context: process; may sleep.
 */
void tandem_pages_unreserve(struct page **page, unsigned int nr)
{
	gnttab_free_pages(nr, page);
}
EXPORT_SYMBOL_GPL(tandem_pages_unreserve);
