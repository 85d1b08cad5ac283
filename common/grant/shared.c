// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mapping a peer's ring.
 *
 * The bus maps the pages side by side, but when a reference in the middle is
 * bad it does not find back those that it mapped after it. So all pages are
 * borrowed one by one first: what that refuses never reaches the bus. And while
 * they are borrowed the peer can revoke none of them, so the bus does not fail
 * for a reason that is the peer's.
 */
#include <linux/export.h>
#include <linux/slab.h>
#include <xen/xenbus.h>

#include "common/grant/borrow.h"
#include "common/grant/pages.h"
#include "common/grant/shared.h"

/* What holds the pages of a ring for a moment. */
struct shared_pin {
	struct tandem_pages pages;
	struct tandem_map map;
	struct tandem_unmap unmap;
};

static_assert(XENBUS_MAX_RING_GRANTS <= TANDEM_BORROW_BATCH);

static int shared_pin_add(struct shared_pin *pin, domid_t peer,
			  const grant_ref_t *refs, unsigned int nr)
{
	struct page *page;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		page = tandem_pages_get(&pin->pages);
		if (!page)
			return -ENOMEM;
		tandem_map_add(&pin->map, peer, refs[i], page, false);
	}
	return 0;
}

/* Return: 0, or -EINVAL when one of the pages is not to be had. */
static int shared_pin_run(struct shared_pin *pin)
{
	struct tandem_borrowed got;
	unsigned int i;
	int err = 0;

	tandem_map_run(&pin->map);
	for (i = 0; i < pin->map.nr; i++) {
		if (pin->map.op[i].status != GNTST_okay) {
			err = -EINVAL;
			continue;
		}
		got.page = pin->map.page[i];
		got.handle = pin->map.op[i].handle;
		tandem_unmap_add(&pin->unmap, &got);
	}
	return err;
}

static struct shared_pin *shared_pin_alloc(void)
{
	struct shared_pin *pin = kmalloc(sizeof(*pin), GFP_KERNEL);

	if (!pin)
		return NULL;
	tandem_pages_init(&pin->pages);
	pin->map.nr = 0;
	pin->unmap.nr = 0;
	return pin;
}

static void shared_pin_free(struct shared_pin *pin)
{
	tandem_unmap_run(&pin->unmap);
	tandem_pages_put(&pin->pages, pin->map.page, pin->map.nr);
	tandem_pages_free(&pin->pages);
	kfree(pin);
}

/**
 * tandem_shared_map() - map the pages of a peer's ring side by side
 * @xdev: the device
 * @refs: references of the pages, any values
 * @nr: how many, at most XENBUS_MAX_RING_GRANTS
 * @shared: where the first page is, on success
 *
 * Context: process; may sleep, and may make the kernel add memory map for
 * foreign pages.
 * Return: 0, -EINVAL when one of the pages is not lent for writing, or another
 * negative error; nothing is mapped then.
 */
int tandem_shared_map(struct xenbus_device *xdev, grant_ref_t *refs,
		      unsigned int nr, void **shared)
{
	struct shared_pin *pin;
	int err;

	if (nr > XENBUS_MAX_RING_GRANTS)
		return -EINVAL;
	if (nr == 1)
		return xenbus_map_ring_valloc(xdev, refs, nr, shared);
	pin = shared_pin_alloc();
	if (!pin)
		return -ENOMEM;
	err = shared_pin_add(pin, xdev->otherend_id, refs, nr);
	if (!err)
		err = shared_pin_run(pin);
	if (!err)
		err = xenbus_map_ring_valloc(xdev, refs, nr, shared);
	shared_pin_free(pin);
	return err;
}
EXPORT_SYMBOL_GPL(tandem_shared_map);

/**
 * tandem_shared_unmap() - undo tandem_shared_map()
 * @xdev: the device
 * @shared: what it gave
 *
 * Context: process; may sleep.
 */
void tandem_shared_unmap(struct xenbus_device *xdev, void *shared)
{
	xenbus_unmap_ring_vfree(xdev, shared);
}
EXPORT_SYMBOL_GPL(tandem_shared_unmap);
