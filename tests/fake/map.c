// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mapping a peer's pages: to foreign pages, and rings to addresses.
 */
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/vmalloc.h>
#include <xen/grant_table.h>

#include "fake.h"

#define MAP_HANDLES	8192U

/**
 * struct map_handle - one mapping
 * @page: the foreign page, NULL when the handle is free
 * @ref: what is mapped
 */
struct map_handle {
	struct page *page;
	grant_ref_t ref;
};

/**
 * struct map_ring - a ring that is mapped
 * @node: on the list of all
 * @addr: where
 * @nr: pages
 * @refs: theirs
 */
struct map_ring {
	struct list_head node;
	void *addr;
	unsigned int nr;
	grant_ref_t refs[XENBUS_MAX_RING_GRANTS];
};

/* Guards handles and rings. */
static DEFINE_SPINLOCK(map_lock);
static struct map_handle map_handle[MAP_HANDLES];
static unsigned int map_next;
static LIST_HEAD(map_rings);

/* Handles are used in turn, so that one which is given back twice is found. */
static int map_handle_get(struct page *page, grant_ref_t ref)
{
	unsigned int n, at;
	int handle = -1;

	spin_lock(&map_lock);
	for (n = 0; n < MAP_HANDLES && handle < 0; n++) {
		at = map_next++ % MAP_HANDLES;
		if (map_handle[at].page)
			continue;
		map_handle[at] = (struct map_handle){ page, ref };
		handle = at;
	}
	spin_unlock(&map_lock);
	return handle;
}

static struct map_handle map_handle_put(grant_handle_t handle)
{
	struct map_handle was = { };

	spin_lock(&map_lock);
	if (handle < MAP_HANDLES)
		swap(was, map_handle[handle]);
	spin_unlock(&map_lock);
	return was;
}

static void map_one(struct gnttab_map_grant_ref *op, struct page *page)
{
	bool readonly = op->flags & GNTMAP_readonly;
	struct page *real;
	int handle;

	if (op->dom != FAKE_DOMID) {
		op->status = GNTST_bad_domain;
		return;
	}
	real = fake_grant_map(op->ref, readonly, &op->status);
	if (!real)
		return;
	handle = map_handle_get(page, op->ref);
	if (handle >= 0 && !fake_foreign_map(page, real, readonly)) {
		op->handle = handle;
		return;
	}
	op->status = GNTST_no_space;
	fake_grant_unmap(op->ref);
}

FAKED(gnttab_map_refs);
int fake_gnttab_map_refs(struct gnttab_map_grant_ref *op,
			 struct gnttab_map_grant_ref *kop, struct page **pages,
			 unsigned int count)
{
	unsigned int way = fake_fails(FAKE_MAP_NO_ROOM);
	unsigned int i;

	might_sleep();
	if (way == 1)
		return -ENOMEM;
	for (i = 0; i < count; i++)
		if (way == FAKE_MAP_NO_ROOM)
			op[i].status = GNTST_no_space;
		else if (way == 2 && !i)
			op[i].status = GNTST_no_device_space;
		else if (way && !i)
			op[i].status = GNTST_bad_gntref;
		else
			map_one(&op[i], pages[i]);
	return 0;
}

FAKED(gnttab_unmap_refs);
int fake_gnttab_unmap_refs(struct gnttab_unmap_grant_ref *op,
			   struct gnttab_unmap_grant_ref *kop,
			   struct page **pages, unsigned int count)
{
	struct map_handle was;
	unsigned int i;

	might_sleep();
	for (i = 0; i < count; i++) {
		was = map_handle_put(op[i].handle);
		op[i].status = GNTST_okay;
		if (was.page != pages[i]) {
			op[i].status = GNTST_bad_handle;
			fake_abuse("handle %u is not of this page",
				   op[i].handle);
		}
		if (!was.page)
			continue;
		fake_foreign_unmap(was.page);
		fake_foreign_flush();
		fake_grant_unmap(was.ref);
	}
	return 0;
}

static void map_ring_end(struct map_ring *ring)
{
	while (ring->nr--)
		fake_grant_unmap(ring->refs[ring->nr]);
	kfree(ring);
}

static int map_ring_begin(struct map_ring *ring, const grant_ref_t *refs,
			  unsigned int nr)
{
	struct page *pages[XENBUS_MAX_RING_GRANTS];
	s16 status;

	for (; ring->nr < nr; ring->nr++) {
		pages[ring->nr] = fake_grant_map(refs[ring->nr], false,
						 &status);
		if (!pages[ring->nr])
			return -EINVAL;
		ring->refs[ring->nr] = refs[ring->nr];
	}
	ring->addr = vmap(pages, nr, VM_MAP, PAGE_KERNEL);
	return ring->addr ? 0 : -ENOMEM;
}

FAKED(xenbus_map_ring_valloc);
int fake_xenbus_map_ring_valloc(struct xenbus_device *dev, grant_ref_t *refs,
				unsigned int nr, void **vaddr)
{
	unsigned int way = fake_fails(2);
	struct map_ring *ring;
	int err;

	*vaddr = NULL;
	if (way)
		return way == 1 ? -ENOMEM : GNTST_bad_gntref;
	if (nr > XENBUS_MAX_RING_GRANTS)
		return -EINVAL;
	ring = kzalloc(sizeof(*ring), GFP_KERNEL | __GFP_NOFAIL);
	err = map_ring_begin(ring, refs, nr);
	if (err) {
		map_ring_end(ring);
		return err;
	}
	spin_lock(&map_lock);
	list_add(&ring->node, &map_rings);
	spin_unlock(&map_lock);
	*vaddr = ring->addr;
	return 0;
}

static struct map_ring *map_ring_take(const void *vaddr)
{
	struct map_ring *ring, *found = NULL;

	spin_lock(&map_lock);
	list_for_each_entry(ring, &map_rings, node)
		if (ring->addr == vaddr)
			found = ring;
	if (found)
		list_del(&found->node);
	spin_unlock(&map_lock);
	return found;
}

FAKED(xenbus_unmap_ring_vfree);
int fake_xenbus_unmap_ring_vfree(struct xenbus_device *dev, void *vaddr)
{
	struct map_ring *ring = map_ring_take(vaddr);

	if (!ring) {
		fake_abuse("a ring is unmapped that is not mapped");
		return GNTST_bad_virt_addr;
	}
	vunmap(ring->addr);
	map_ring_end(ring);
	return 0;
}

/* Foreign pages are seen where their entries point to. */
FAKED(vmap);
void *fake_vmap(struct page **pages, unsigned int count, unsigned long flags,
		pgprot_t prot)
{
	struct page **real;
	unsigned int i;
	void *addr;

	if (fake_fails(1))
		return NULL;
	real = kcalloc(count, sizeof(*real), GFP_KERNEL | __GFP_NOFAIL);
	for (i = 0; i < count; i++)
		real[i] = fake_foreign_real(pages[i]);
	addr = vmap(real, count, flags, prot);
	kfree(real);
	fake_memory_note(addr, _RET_IP_);
	return addr;
}

FAKED(vunmap);
void fake_vunmap(const void *addr)
{
	fake_memory_forget(addr);
	vunmap(addr);
}
