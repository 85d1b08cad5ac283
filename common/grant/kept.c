// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kept mappings, indexed by grant reference.
 */
#include <linux/export.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "common/grant/kept.h"

static struct tandem_borrowed *kept_slot(struct tandem_kept *kept,
					 grant_ref_t ref)
{
	return &kept->leaf[ref >> TANDEM_KEPT_LEAF_BITS]
			  [ref & (TANDEM_KEPT_LEAF_REFS - 1)];
}

/**
 * tandem_kept_init() - an empty table
 * @kept: the table
 * @budget: most mappings it may hold; 0 keeps none
 */
void tandem_kept_init(struct tandem_kept *kept, unsigned int budget)
{
	memset(kept, 0, sizeof(*kept));
	kept->budget = budget;
}
EXPORT_SYMBOL_GPL(tandem_kept_init);

/**
 * tandem_kept_room() - may the mapping of a reference be kept
 * @kept: the table
 * @ref: a reference that is not in it
 *
 * Claims the place: to be followed by tandem_kept_add() before the next call
 * for another reference may rely on the budget.
 *
 * Context: process, on the I/O path; allocates without I/O, and a failure
 * only means that the mapping is not kept.
 * Return: true when tandem_kept_add() will take it.
 */
bool tandem_kept_room(struct tandem_kept *kept, grant_ref_t ref)
{
	struct tandem_borrowed **leaf;

	if (ref >= TANDEM_KEPT_REFS || kept->nr >= kept->budget)
		return false;
	leaf = &kept->leaf[ref >> TANDEM_KEPT_LEAF_BITS];
	if (!*leaf)
		*leaf = kcalloc(TANDEM_KEPT_LEAF_REFS, sizeof(**leaf),
				GFP_NOIO | __GFP_NORETRY | __GFP_NOWARN);
	return *leaf && !kept_slot(kept, ref)->page;
}
EXPORT_SYMBOL_GPL(tandem_kept_room);

/**
 * tandem_kept_add() - keep a mapping
 * @kept: the table
 * @ref: its reference, for which tandem_kept_room() said yes
 * @page: the page, mapped for reading and writing
 */
void tandem_kept_add(struct tandem_kept *kept, grant_ref_t ref,
		     const struct tandem_borrowed *page)
{
	*kept_slot(kept, ref) = *page;
	kept->nr++;
}
EXPORT_SYMBOL_GPL(tandem_kept_add);

static void kept_flush(struct tandem_unmap *unmap, struct tandem_pages *pages)
{
	unsigned int nr = unmap->nr;

	tandem_unmap_run(unmap);
	tandem_pages_put(pages, unmap->page, nr);
}

static void kept_drop_leaf(struct tandem_borrowed *leaf,
			   struct tandem_unmap *unmap,
			   struct tandem_pages *pages)
{
	unsigned int i;

	for (i = 0; i < TANDEM_KEPT_LEAF_REFS; i++) {
		if (!leaf[i].page)
			continue;
		tandem_unmap_add(unmap, &leaf[i]);
		if (tandem_unmap_full(unmap))
			kept_flush(unmap, pages);
	}
}

static bool kept_leaf_busy(const struct tandem_borrowed *leaf)
{
	unsigned int i;

	for (i = 0; i < TANDEM_KEPT_LEAF_REFS; i++)
		if (leaf[i].page && page_count(leaf[i].page) > 1)
			return true;
	return false;
}

/**
 * tandem_kept_busy() - does somebody else hold one of the pages
 * @kept: the table; no I/O of ours uses the pages any more
 *
 * A network below a store may still be about to send a page.
 *
 * Return: true when tandem_kept_drop() has to wait.
 */
bool tandem_kept_busy(const struct tandem_kept *kept)
{
	unsigned int i;

	for (i = 0; i < TANDEM_KEPT_LEAVES; i++)
		if (kept->leaf[i] && kept_leaf_busy(kept->leaf[i]))
			return true;
	return false;
}
EXPORT_SYMBOL_GPL(tandem_kept_busy);

/**
 * tandem_kept_drop() - unmap all that is kept, and forget it
 * @kept: the table; empty afterwards, with the same budget
 * @unmap: an empty batch to work with
 * @pages: where the foreign pages go
 *
 * No I/O may use the pages any more. Idempotent.
 *
 * Context: process; may sleep.
 */
void tandem_kept_drop(struct tandem_kept *kept, struct tandem_unmap *unmap,
		      struct tandem_pages *pages)
{
	unsigned int i;

	for (i = 0; i < TANDEM_KEPT_LEAVES; i++) {
		if (!kept->leaf[i])
			continue;
		kept_drop_leaf(kept->leaf[i], unmap, pages);
		kept_flush(unmap, pages);
		kfree(kept->leaf[i]);
		kept->leaf[i] = NULL;
	}
	kept->nr = 0;
}
EXPORT_SYMBOL_GPL(tandem_kept_drop);
