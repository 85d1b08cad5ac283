/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kept mappings: pages of a peer that promised to use the same ones again
 * (feature-persistent of the block protocol, xen/io/blkif.h).
 *
 * The reference is the index: two loads find the page. References at or above
 * TANDEM_KEPT_REFS, and any beyond the budget, are simply not kept.
 */
#ifndef TANDEM_GRANT_KEPT_H
#define TANDEM_GRANT_KEPT_H

#include <linux/bits.h>

#include "common/grant/borrow.h"
#include "common/grant/pages.h"

#define TANDEM_KEPT_LEAF_BITS	8
#define TANDEM_KEPT_LEAF_REFS	BIT(TANDEM_KEPT_LEAF_BITS)
#define TANDEM_KEPT_LEAVES	128u
#define TANDEM_KEPT_REFS	(TANDEM_KEPT_LEAVES << TANDEM_KEPT_LEAF_BITS)

/**
 * struct tandem_kept - the kept mappings of one ring
 * @leaf: pages of slots, made when first needed
 * @nr: mappings held
 * @budget: most mappings that may be held, the host's choice
 *
 * Used by one worker at a time; no lock.
 */
struct tandem_kept {
	struct tandem_borrowed *leaf[TANDEM_KEPT_LEAVES];
	unsigned int nr;
	unsigned int budget;
};

/**
 * tandem_kept_find() - the page kept for a reference
 * @kept: the table
 * @ref: any value that a peer may send
 *
 * Return: the page, or NULL when it is not kept.
 */
static inline struct page *tandem_kept_find(const struct tandem_kept *kept,
					    grant_ref_t ref)
{
	const struct tandem_borrowed *leaf;

	if (ref >= TANDEM_KEPT_REFS)
		return NULL;
	leaf = kept->leaf[ref >> TANDEM_KEPT_LEAF_BITS];
	return leaf ? leaf[ref & (TANDEM_KEPT_LEAF_REFS - 1)].page : NULL;
}

void tandem_kept_init(struct tandem_kept *kept, unsigned int budget);
bool tandem_kept_room(struct tandem_kept *kept, grant_ref_t ref);
void tandem_kept_add(struct tandem_kept *kept, grant_ref_t ref,
		     const struct tandem_borrowed *page);
bool tandem_kept_busy(const struct tandem_kept *kept);
void tandem_kept_drop(struct tandem_kept *kept, struct tandem_unmap *unmap,
		      struct tandem_pages *pages);

#endif /* TANDEM_GRANT_KEPT_H */
