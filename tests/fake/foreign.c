// SPDX-License-Identifier: GPL-2.0-only
/*
 * Foreign pages: struct pages of ours at whose address a peer's memory is seen.
 *
 * As a paravirtualised kernel has it, the page table entry of the foreign
 * page's address in the kernel's map of all memory is changed: it points to the
 * peer's page while that is mapped, for reading only if it is lent so, and
 * nowhere at other times. A driver that uses a page which is not mapped, or
 * writes to one that it may only read, faults.
 */
#include <linux/io.h>
#include <linux/list.h>
#include <linux/set_memory.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/spinlock.h>
#include <linux/xarray.h>
#include <asm/pgtable.h>
#include <asm/tlbflush.h>
#include <xen/grant_table.h>

#include "fake.h"

/**
 * struct foreign_page - one foreign page
 * @node: on the list of those nobody has
 * @page: the page
 * @pte: the entry of its address
 * @home: what that is when it is an ordinary page
 * @real: the peer's page that is mapped here, or NULL
 * @cache: the driver's cache that it waits in, or NULL
 * @out: the driver has it
 */
struct foreign_page {
	struct list_head node;
	struct page *page;
	pte_t *pte;
	pte_t home;
	struct page *real;
	const void *cache;
	bool out;
};

/* By page frame number; they stay until the end. */
static DEFINE_XARRAY(foreign_pages);
/* Guards the list of those nobody has, and who has the others. */
static DEFINE_SPINLOCK(foreign_lock);
static LIST_HEAD(foreign_idle);
static unsigned int foreign_held;

static struct foreign_page *foreign_of(const struct page *page)
{
	return xa_load(&foreign_pages, page_to_pfn(page));
}

static void foreign_flush_cpu(void *unused)
{
	__flush_tlb_all();
}

/* Nobody may see what was mapped before. */
void fake_foreign_flush(void)
{
	on_each_cpu(foreign_flush_cpu, NULL, 1);
}

/* A small entry of its own in the map of all memory, which has large ones. */
static int foreign_split(struct foreign_page *foreign)
{
	unsigned long addr = (unsigned long)page_address(foreign->page);
	unsigned int level = PG_LEVEL_NONE;

	set_memory_uc(addr, 1);
	set_memory_wb(addr, 1);
	foreign->pte = lookup_address(addr, &level);
	if (!foreign->pte || level != PG_LEVEL_4K)
		return -EINVAL;
	foreign->home = *foreign->pte;
	return 0;
}

static void foreign_point(struct foreign_page *foreign, struct page *real,
			  bool readonly)
{
	pte_t pte = __pte(0);

	if (real)
		pte = pfn_pte(page_to_pfn(real), pte_pgprot(foreign->home));
	if (real && readonly)
		pte = __pte(pte_val(pte) & ~(_PAGE_RW | _PAGE_DIRTY));
	WRITE_ONCE(*foreign->pte, pte);
	foreign->real = real;
}

static struct foreign_page *foreign_make(void)
{
	struct foreign_page *foreign = kzalloc(sizeof(*foreign), GFP_KERNEL);

	if (!foreign)
		return NULL;
	foreign->page = alloc_page(GFP_KERNEL);
	if (!foreign->page)
		goto free;
	if (foreign_split(foreign))
		goto free_page;
	if (xa_err(xa_store(&foreign_pages, page_to_pfn(foreign->page),
			    foreign, GFP_KERNEL)))
		goto free_page;
	foreign_point(foreign, NULL, false);
	fake_foreign_flush();
	return foreign;

free_page:
	__free_page(foreign->page);
free:
	kfree(foreign);
	return NULL;
}

/* One that waits in the driver's cache, or for NULL, one that nobody has. */
static struct foreign_page *foreign_take(const void *cache)
{
	struct foreign_page *foreign, *found = NULL;

	spin_lock_irq(&foreign_lock);
	list_for_each_entry(foreign, &foreign_idle, node) {
		if (foreign->cache != cache)
			continue;
		found = foreign;
		list_del(&found->node);
		foreign_held += !cache;
		found->cache = NULL;
		found->out = true;
		break;
	}
	spin_unlock_irq(&foreign_lock);
	return found;
}

/* One that the driver does not have yet. */
static struct page *foreign_get(void)
{
	struct foreign_page *foreign = foreign_take(NULL);

	if (foreign)
		return foreign->page;
	foreign = foreign_make();
	if (!foreign)
		return NULL;
	foreign->out = true;
	spin_lock_irq(&foreign_lock);
	foreign_held++;
	spin_unlock_irq(&foreign_lock);
	return foreign->page;
}

/* To a cache of the driver's, or to nobody. */
static void foreign_put(struct page *page, const void *cache)
{
	struct foreign_page *foreign = foreign_of(page);
	unsigned long flags;

	if (!foreign || !foreign->out || foreign->real) {
		fake_abuse("a foreign page is put back that is %s",
			   !foreign ? "none" : foreign->real ? "mapped" :
			   "not in use");
		return;
	}
	spin_lock_irqsave(&foreign_lock, flags);
	foreign->out = false;
	foreign->cache = cache;
	foreign_held -= !cache;
	list_add(&foreign->node, &foreign_idle);
	spin_unlock_irqrestore(&foreign_lock, flags);
}

int fake_foreign_map(struct page *page, struct page *real, bool readonly)
{
	struct foreign_page *foreign = foreign_of(page);

	if (!foreign || !foreign->out || foreign->real) {
		fake_abuse("a page is mapped to that is no free foreign page");
		return -EINVAL;
	}
	foreign_point(foreign, real, readonly);
	return 0;
}

/* To be followed by fake_foreign_flush(). */
void fake_foreign_unmap(struct page *page)
{
	struct foreign_page *foreign = foreign_of(page);

	if (page_count(page) > 1)
		fake_abuse("a foreign page is unmapped that others hold");
	foreign_point(foreign, NULL, false);
}

/* Return: the peer's page that is seen at a foreign one; any other as it is. */
struct page *fake_foreign_real(struct page *page)
{
	struct foreign_page *foreign = foreign_of(page);

	return foreign ? foreign->real : page;
}

/* Is a peer's page seen there? */
bool fake_foreign_is(struct page *page)
{
	struct foreign_page *foreign = foreign_of(page);

	return foreign && foreign->real;
}

/* Return: foreign pages that the driver has, in caches or in use. */
unsigned int fake_foreign_count(void)
{
	return READ_ONCE(foreign_held);
}

FAKED(gnttab_alloc_pages);
int fake_gnttab_alloc_pages(int nr, struct page **pages)
{
	int i;

	might_sleep();
	if (fake_fails(1))
		return -ENOMEM;
	for (i = 0; i < nr; i++) {
		pages[i] = foreign_get();
		if (pages[i])
			continue;
		while (i--)
			foreign_put(pages[i], NULL);
		return -ENOMEM;
	}
	return 0;
}

FAKED(gnttab_free_pages);
void fake_gnttab_free_pages(int nr, struct page **pages)
{
	might_sleep();
	while (nr--)
		foreign_put(pages[nr], NULL);
}

FAKED(gnttab_page_cache_init);
void fake_gnttab_page_cache_init(struct gnttab_page_cache *cache)
{
}

FAKED(gnttab_page_cache_get);
int fake_gnttab_page_cache_get(struct gnttab_page_cache *cache,
			       struct page **page)
{
	struct foreign_page *foreign = foreign_take(cache);

	might_sleep();
	/* Only what it does not have can it fail to get. */
	if (!foreign && fake_fails(1))
		return -ENOMEM;
	*page = foreign ? foreign->page : foreign_get();
	return *page ? 0 : -ENOMEM;
}

FAKED(gnttab_page_cache_put);
void fake_gnttab_page_cache_put(struct gnttab_page_cache *cache,
				struct page **page, unsigned int num)
{
	while (num--)
		foreign_put(page[num], cache);
}

FAKED(gnttab_page_cache_shrink);
void fake_gnttab_page_cache_shrink(struct gnttab_page_cache *cache,
				   unsigned int num)
{
	struct foreign_page *foreign;
	unsigned int kept = 0;

	spin_lock_irq(&foreign_lock);
	list_for_each_entry(foreign, &foreign_idle, node) {
		if (foreign->cache != cache || kept++ < num)
			continue;
		foreign->cache = NULL;
		foreign_held--;
	}
	spin_unlock_irq(&foreign_lock);
}

void fake_foreign_exit(void)
{
	struct foreign_page *foreign;
	unsigned long pfn;

	xa_for_each(&foreign_pages, pfn, foreign) {
		foreign->real = NULL;
		WRITE_ONCE(*foreign->pte, foreign->home);
		__free_page(foreign->page);
		kfree(foreign);
	}
	fake_foreign_flush();
	xa_destroy(&foreign_pages);
}
