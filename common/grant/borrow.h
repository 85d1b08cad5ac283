/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Borrowing pages: what a backend does with a peer's grants.
 *
 * Map, unmap and copy take batches, one hypercall each; an empty batch makes
 * none. Each hypercall has one function here that is not inline, so that a
 * test can put itself in its place.
 */
#ifndef TANDEM_GRANT_BORROW_H
#define TANDEM_GRANT_BORROW_H

#include <linux/mm_types.h>
#include <linux/types.h>
#include <xen/grant_table.h>

/* Operations per batch; bounds what is on the stack of nobody and in one call. */
#define TANDEM_BORROW_BATCH 64

/**
 * struct tandem_map - pages of one peer about to be mapped
 * @op: the operations; after the run, @op[i].status and @op[i].handle
 * @page: the foreign page that each goes to
 * @nr: how many are queued
 */
struct tandem_map {
	struct gnttab_map_grant_ref op[TANDEM_BORROW_BATCH];
	struct page *page[TANDEM_BORROW_BATCH];
	unsigned int nr;
};

/**
 * struct tandem_unmap - pages about to be given back
 * @op: the operations
 * @page: the foreign pages
 * @nr: how many are queued
 */
struct tandem_unmap {
	struct gnttab_unmap_grant_ref op[TANDEM_BORROW_BATCH];
	struct page *page[TANDEM_BORROW_BATCH];
	unsigned int nr;
};

/**
 * struct tandem_copy - pieces of pages about to be copied
 * @op: the operations; after the run, @op[i].status
 * @nr: how many are queued
 */
struct tandem_copy {
	struct gnttab_copy op[TANDEM_BORROW_BATCH];
	unsigned int nr;
};

/* A page mapped and what gives it back. */
struct tandem_borrowed {
	struct page *page;
	grant_handle_t handle;
};

static inline bool tandem_map_full(const struct tandem_map *map)
{
	return map->nr == TANDEM_BORROW_BATCH;
}

/*
 * The hypervisor is out of room for mappings, which is no fault of the reference.
 * Xen before 4.15 said so as if its I/O MMU were full.
 */
static inline bool tandem_map_no_room(s16 status)
{
	return status == GNTST_no_space || status == GNTST_no_device_space;
}

static inline bool tandem_unmap_full(const struct tandem_unmap *unmap)
{
	return unmap->nr == TANDEM_BORROW_BATCH;
}

static inline bool tandem_copy_full(const struct tandem_copy *copy)
{
	return copy->nr == TANDEM_BORROW_BATCH;
}

void tandem_map_add(struct tandem_map *map, domid_t peer, grant_ref_t ref,
		    struct page *page, bool readonly);
void tandem_map_run(struct tandem_map *map);
void tandem_unmap_add(struct tandem_unmap *unmap,
		      const struct tandem_borrowed *page);
void tandem_unmap_run(struct tandem_unmap *unmap);
void tandem_copy_add(struct tandem_copy *copy, domid_t peer, grant_ref_t ref,
		     struct page *page, u16 offset, u16 len, bool to_peer);
void tandem_copy_run(struct tandem_copy *copy);

#endif /* TANDEM_GRANT_BORROW_H */
